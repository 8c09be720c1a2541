"""Publishes what models read: the training table and each user's latest features.

Everything goes under OFFER_AI_EXPORT. A version is written aside and takes its
place by one rename, so a reader finds the old or the new one, never half.
"""

import hashlib
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import click
import duckdb
from tqdm import tqdm

from offer_ai.base import declarations
from offer_ai.features.store import (
    Description,
    Published,
    Store,
    StoreError,
    is_delta,
    open_store,
    publish,
    schema_version,
)
from offer_ai.training.versions import (
    MANIFEST,
    PublishError,
    Versions,
    content_version,
    write_json,
)

DATABASE = "published.duckdb"
BATCH = 20_000
PUBLISHED = (
    "marts.sessions", "marts.training_offers", "marts.latest_features",
    "marts.offer_performance", "marts.policy_evaluation", "marts.decision_skew",
    "sessions.user_profiles", "sessions.watermark", "staging.rejected_events",
)


def settings() -> tuple[Path, Path]:
    """The DuckDB file to read and the folder to publish to."""
    database = Path(os.environ.get("OFFER_AI_DB", "data/offer_ai.duckdb"))
    folder = Path(os.environ.get("OFFER_AI_EXPORT", "data/export"))
    return database, folder


def open_warehouse(database: Path) -> duckdb.DuckDBPyConnection:
    """A read-only connection to the built warehouse; raises ClickException."""
    if not database.exists():
        raise click.ClickException(
            f"There is no warehouse at OFFER_AI_DB='{database}'. Build it first: "
            "`.venv/bin/dbt build`, or `make build`.")
    con = duckdb.connect()
    try:
        # Views name their database, after its file.
        con.execute(f'attach {sql_text(database)} as "{database.stem}" (read_only)')
        con.execute(f'use "{database.stem}"')
    except duckdb.IOException as error:
        raise click.ClickException(
            f"{database} cannot be opened, most likely because a build is writing it: "
            f"{str(error).splitlines()[0]}") from error
    con.execute("set TimeZone = 'UTC'")
    try:
        for relation in ("marts.training_offers", "marts.latest_features", "staging.build_log"):
            con.execute(f"from {relation} limit 0")
    except duckdb.CatalogException as error:
        raise click.ClickException(
            f"{database} holds no finished build ({error}). Run `.venv/bin/dbt build`."
        ) from error
    return con


def schema_of(con: duckdb.DuckDBPyConnection, query: str) -> list[dict]:
    """The columns of a query, in order: name and type."""
    return [{"name": name, "type": kind}
            for name, kind, *_ in con.execute(f"describe {query}").fetchall()]


def watermark(con: duckdb.DuckDBPyConnection) -> str | None:
    """The greatest event_time accepted, in ISO 8601 (UTC)."""
    (at,) = con.execute("select watermark_at from sessions.watermark").fetchone()
    return at and at.isoformat() + "Z"


def file_hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def sql_text(text: str | Path) -> str:
    return "'" + str(text).replace("'", "''") + "'"


def remove_leavings(folder: Path) -> None:
    """Removes what a killed export left unfinished."""
    for path in folder.glob(".*.part"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


@click.group()
def main() -> None:
    """Publish artifacts from the warehouse (OFFER_AI_DB) to OFFER_AI_EXPORT."""


@main.command()
def marts() -> None:
    """Every mart in one read-only DuckDB file, for queries that no build blocks.

    OFFER_AI_EXPORT/published.duckdb is replaced by one rename: a connection keeps the
    version that it opened, a new one gets the new.
    """
    database, export = settings()
    rows = publish_marts(open_warehouse(database), export)
    click.echo(f"marts: {rows['marts.sessions']:,} sessions and "
               f"{rows['marts.training_offers']:,} offers in {export / DATABASE}")


def publish_marts(con: duckdb.DuckDBPyConnection, export: Path) -> dict[str, int]:
    """Replaces the published database; returns each relation's count of rows."""
    export.mkdir(parents=True, exist_ok=True)
    target = export / DATABASE
    part = target.with_name(f".{target.name}.part")
    for leaving in export.glob(f"{part.name}*"):
        leaving.unlink()
    con.execute("set preserve_insertion_order = false")
    # Its analysis costs more time than its space is worth.
    con.execute("set disabled_compression_methods = 'fsst'")
    con.execute(f"attach {sql_text(part)} as published")
    rows = {}
    for name in tqdm(PUBLISHED, unit="table", disable=None):
        con.execute(f"create schema if not exists published.{name.split('.')[0]}")
        (rows[name],) = con.execute(f"create table published.{name} as from {name}").fetchone()
    con.execute("detach published")
    part.replace(target)
    return rows


@main.command()
@click.option("--to", "target", help="A directory or s3://bucket/prefix; "
              "OFFER_AI_EXPORT/training by default.")
@click.option("--keep", default=5, show_default=True, type=click.IntRange(1),
              help="Versions to keep, the new one among them.")
def training(target: str | None, keep: int) -> None:
    """Offers with a mature label, as Parquet by day, in a new immutable version.

    manifest.json names the version that holds, its files, and what the columns mean.
    The same offers give the same bytes and the same version; a day that has not changed
    is not sent again.
    """
    database, export = settings()
    target = target or str(export / "training")
    con = open_warehouse(database)
    try:
        versions = Versions(target)
        part = export / ".training.part"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        manifest = write_training(con, part)
        with tqdm(total=len(manifest["files"]), unit="day", disable=None) as bar:
            counts = versions.publish(manifest, part, keep, bar.update)
        shutil.rmtree(part)
    except (PublishError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"training: {manifest['rows']:,} offers of {len(manifest['files'])} days with a "
               f"mature label in {target}/{manifest['version']}; {counts['sent']} days sent, "
               f"{counts['kept']} unchanged")


def write_training(con: duckdb.DuckDBPyConnection, folder: Path) -> dict:
    """Writes the training table to a folder, Parquet by day; returns its manifest."""
    con.execute("""
        create or replace table memory.main.offers as
        select * exclude (is_label_mature) from marts.training_offers
        where is_label_mature
        order by offered_at, offer_id""")
    days = con.execute("""
        select distinct offered_at::date::varchar from memory.main.offers
        order by all""").fetchall()

    # A day is too small for DuckDB to divide: days are written side by side.
    def write_day(day: str) -> dict:
        path = folder / f"offer_day={day}" / "offers.parquet"
        path.parent.mkdir()
        with con.cursor() as cursor:
            (rows,) = cursor.execute(f"""
                copy (
                    from memory.main.offers
                    where offered_at >= {sql_text(day)}
                        and offered_at < {sql_text(day)}::date + 1
                ) to {sql_text(path)} (format parquet, compression zstd)""").fetchone()
        return {"path": str(path.relative_to(folder)), "rows": rows, "sha256": file_hash(path)}

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        files = list(pool.map(write_day, [day for day, in days]))
    return {
        "version": content_version(files),
        "rows": sum(file["rows"] for file in files),
        "watermark": watermark(con),
        "published_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "code_version": declarations.code_version(),
        "schema": schema_of(con, "from memory.main.offers"),
        "features": declarations.features(),
        "labels": declarations.labels(),
        "files": files,
    }


@main.command()
@click.option("--to", "url", help="The feature store, as a URL; "
              "sqlite:///OFFER_AI_EXPORT/latest/latest_features.sqlite by default.")
def latest(url: str | None) -> None:
    """The latest features, one row per user, as Parquet and in a feature store.

    Only users whose features changed are written to the store. OFFER_AI_EXPORT/latest/
    holds latest_features.parquet and manifest.json.
    """
    database, export = settings()
    con = open_warehouse(database)
    folder = export / "latest"
    folder.mkdir(parents=True, exist_ok=True)
    remove_leavings(folder)
    query = "from marts.latest_features order by user_id"
    parquet = folder / "latest_features.parquet"
    part = parquet.with_name(f".{parquet.name}.part")
    (rows,) = con.execute(
        f"copy ({query}) to {sql_text(part)} (format parquet, compression zstd)"
    ).fetchone()
    part.replace(parquet)
    write_json(folder / MANIFEST, {
        "rows": rows,
        "watermark": watermark(con),
        "published_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "schema": schema_of(con, query),
        "features": declarations.features(),
        "files": [{"path": parquet.name, "sha256": file_hash(parquet)}],
    })
    url = url or default_store(export)
    began = time.perf_counter()
    try:
        store = open_store(url)
        done = publish_latest(con, store)
        store.close()
    except StoreError as error:
        raise click.ClickException(str(error)) from error
    seconds = time.perf_counter() - began
    count = done.written + done.unchanged
    click.echo(
        f"latest: features of {rows:,} users in {parquet}; {url}: {done.written:,} written, "
        f"{rows - done.written:,} unchanged, {done.removed:,} removed in {seconds:.2f} s "
        f"({count / seconds:,.0f} a second)")


def default_store(export: Path) -> str:
    """The URL of the SQLite feature store in an export folder."""
    return f"sqlite:///{quote(str(export / 'latest' / 'latest_features.sqlite'))}"


def publish_latest(con: duckdb.DuckDBPyConnection, store: Store) -> Published:
    """Brings a feature store up to date with the warehouse."""
    warehouse, through, landed_at = con.execute("""
        select min(completed_at)::varchar, max(last_file_id), (
            select max(landed_at)::varchar from staging.landed_files
            where file_id <= (select max(last_file_id) from staging.build_log))
        from staging.build_log""").fetchone()
    features = [{key: feature[key] for key in ("name", "data_type")}
                for feature in declarations.features()]
    description = Description(
        features=features, cold_start=declarations.cold_start(), as_of=watermark(con) or "",
        warehouse=warehouse, published_through=through, landed_at=landed_at or "",
        schema_version=schema_version(features))
    before = store.description()
    since = before.published_through if is_delta(before, description) else -1
    (total,) = con.execute("select count(*) from anchors.latest_requests "
                           "where changed_in > ?", [since]).fetchone()
    # In the order of their keys, which a store in a file takes in best.
    rows = con.sql(f"""
        select user_id, at_request from anchors.latest_requests
        where changed_in > {since} order by user_id""")

    def all_user_ids():
        return {user_id for (user_id,) in con.execute(
            "select user_id from anchors.latest_requests").fetchall()}

    with tqdm(total=total, unit="user", unit_scale=True, disable=None) as bar:
        return publish(store, iter(lambda: rows.fetchmany(BATCH), []), description,
                       all_user_ids, bar.update)


if __name__ == "__main__":
    main()
