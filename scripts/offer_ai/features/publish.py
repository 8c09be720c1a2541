"""Publishes the latest features: to a feature store, and as Parquet."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import click
import duckdb
from tqdm import tqdm

from offer_ai.base import declarations
from offer_ai.base.files import MANIFEST, file_hash, part_of, write_json
from offer_ai.base.sql import sql_text
from offer_ai.features.store import Description, Row, Store, schema_version
from offer_ai.warehouse.connection import relation_of, schema_of, watermark

BATCH = 20_000


@dataclass
class Published:
    """What a publish did: counts of users."""

    written: int = 0
    unchanged: int = 0
    removed: int = 0


def publish(
    store: Store,
    batches: Iterable[Sequence[Row]],
    description: Description,
    all_user_ids: Callable[[], set[str]],
    no_users: Callable[[], Sequence[str]] = list,
    progress: Callable[[int], object] = lambda count: None,
    is_known: Callable[[str], bool] = lambda through: True,
) -> Published:
    """Writes the rows that the store does not hold yet.

    `batches` are of rows that may have changed since the publish that
    `store.description()` tells of: all of them when it was of another warehouse, of a build
    that this one does not know (`is_known` asks for its time), or there was none. Then users
    that are not among `all_user_ids()` are removed; otherwise
    those of `no_users()`, who are none of the warehouse any more.
    """
    done = Published()
    before = store.description()
    is_whole = not is_delta(before, description, is_known)
    is_empty = before is None and next(iter(store.user_ids()), None) is None
    for batch in batches:
        if is_empty:
            store.write(batch, description)
            written = len(batch)
        else:
            written = store.write_changed(batch, description)
        done.written += written
        done.unchanged += len(batch) - written
        progress(len(batch))
    if is_empty:
        vanished = []
    elif is_whole:
        vanished = list(set(store.user_ids()) - all_user_ids())
    else:
        vanished = list(store.get_many(no_users()))
    if vanished:
        store.remove(vanished)
    done.removed = len(vanished)
    store.complete(description)
    return done


def is_delta(before: Description | None, now: Description, is_known: Callable[[str], bool]) -> bool:
    """Whether the store holds an earlier publish of the same warehouse. One that was restored from
    a backup does not know the builds since: what they wrote is in no delta."""
    return before is not None and (
        before.warehouse, before.features, before.schema_version
    ) == (now.warehouse, now.features, now.schema_version) and is_known(before.published_through)


def publish_latest(con: duckdb.DuckDBPyConnection, store: Store) -> Published:
    """Brings a feature store up to date with the warehouse."""
    warehouse, through, landed_at = con.execute("""
        select min(completed_at)::varchar, max(completed_at)::varchar, (
            select max(landed_at)::varchar from landing.landed_files
            where file_id <= (select max(last_file_id) from landing.build_log))
        from landing.build_log""").fetchone()
    features = [{key: feature[key] for key in ("name", "data_type")}
                for feature in declarations.snapshot_features()]
    description = Description(
        features=features, cold_start=cold_start(con), as_of=watermark(con) or "",
        warehouse=warehouse, published_through=through, landed_at=landed_at or "",
        schema_version=schema_version(features))
    builds = {at for (at,) in con.execute(
        "select completed_at::varchar from landing.build_log").fetchall()}
    before = store.description()
    requests, which = "anchors.latest_requests", "true"
    # A warehouse of an older version does not say when a row was written.
    if is_delta(before, description, builds.__contains__) and (
            "written_after" in con.sql(f"from {requests}").columns):
        which = f"written_after >= {sql_text(before.published_through)}::timestamp"
    (total,) = con.execute(f"select count(*) from {requests} where {which}").fetchone()
    # In the order of their keys, which a store in a file takes in best.
    rows = con.sql(
        f"select user_id, feature_versions from {requests} where {which} order by user_id")

    def all_user_ids():
        return {user_id for (user_id,) in con.execute(
            f"select user_id from {requests}").fetchall()}

    with tqdm(total=total, unit="user", unit_scale=True, disable=None) as bar:
        return publish(store, iter(lambda: rows.fetchmany(BATCH), []), description,
                       all_user_ids, lambda: excluded_since(con, before.published_through),
                       bar.update, builds.__contains__)


def cold_start(con: duckdb.DuckDBPyConnection) -> list:
    """Each value of a snapshot for a user without events, as JSON (money is text)."""
    return [value_of_none(con, feature["name"], feature["definition"].get("if_none"),
                          feature["data_type"]) for feature in declarations.snapshot_features()]


def value_of_none(con: duckdb.DuckDBPyConnection, name: str, declared: object, data_type: str
                  ) -> object:
    """What the `if_none` of a feature, which is SQL, comes to, in JSON; raises ClickException."""
    if declared is None:
        return None
    try:
        (value,) = con.execute(f"select cast(({declared}) as {data_type})").fetchone()
    except duckdb.Error as error:
        raise click.ClickException(
            f"features, {name}: `if_none: {declared}` in dbt_project.yml has no value of type "
            f"{data_type}: {str(error).splitlines()[0]}") from error
    return f"{value.normalize():f}" if isinstance(value, Decimal) else value


def excluded_since(con: duckdb.DuckDBPyConnection, published_through: str) -> list[str]:
    """Users who may have counted in the build that was published, and do not now: after one build
    since those that it changed, after several all who do not."""
    if (excluded := relation_of(con, "built_exclusions")) is None:
        return []
    # An older version noted a file instead of a time: then it may be any of the builds.
    (builds,) = con.execute("""
        select count(*) from landing.build_log
        where (completed_at > try_cast(?::varchar as timestamp)) is distinct from false""",
        [published_through]).fetchone()
    if builds == 0:
        return []
    changed = "and user_id in (select user_id from landing.changed_users)" if builds == 1 else ""
    return [user_id for (user_id,) in con.execute(f"""
        select user_id from {excluded} where is_settled {changed}
        except select user_id from anchors.latest_requests""").fetchall()]


def write_latest(con: duckdb.DuckDBPyConnection, parquet: Path) -> int:
    """Writes the latest features, one row per user, and a manifest beside them; returns
    how many."""
    parquet.parent.mkdir(parents=True, exist_ok=True)
    for leaving in parquet.parent.glob(".*.part"):  # of an export that was killed
        leaving.unlink()
    query = "from marts.latest_features order by user_id"
    part = part_of(parquet)
    (rows,) = con.execute(
        f"copy ({query}) to {sql_text(part)} (format parquet, compression zstd)"
    ).fetchone()
    part.replace(parquet)
    write_json(parquet.with_name(MANIFEST), {
        "rows": rows,
        "watermark": watermark(con),
        "published_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "schema": schema_of(con, query),
        "features": declarations.snapshot_features(),
        "files": [{"path": parquet.name, "sha256": file_hash(parquet)}],
    })
    return rows
