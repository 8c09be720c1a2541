"""Publishes what models read: the training table and each user's latest features.

Everything goes under OFFER_AI_EXPORT. A version is written aside and takes its
place by one rename, so a reader finds the old or the new one, never half.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import duckdb

from offer_ai.base import declarations, settings
from offer_ai.base.locks import publishing
from offer_ai.base.shown import without_secrets
from offer_ai.features.opening import open_store
from offer_ai.features.publish import publish_latest, write_latest
from offer_ai.features.store import StoreError
from offer_ai.training.versions import PublishError, Versions
from offer_ai.training.writing import publish_training
from offer_ai.warehouse.connection import open_warehouse
from offer_ai.warehouse.marts import DATABASE, publish_marts


@click.group()
def main() -> None:
    """Publish artifacts from the warehouse (OFFER_AI_DB) to OFFER_AI_EXPORT."""


@contextmanager
def written(export: Path) -> Iterator[None]:
    """Publishes into the folder, one process at a time; ClickException where the disk refuses."""
    try:
        with publishing(export):
            yield
    except (OSError, duckdb.IOException) as error:
        raise click.ClickException(
            f"OFFER_AI_EXPORT='{export}' cannot be written: {error}") from error


@main.command()
def marts() -> None:
    """Every mart in one read-only DuckDB file, for queries that no build blocks.

    OFFER_AI_EXPORT/published.duckdb is replaced by one rename: a connection keeps the
    version that it opened, a new one gets the new.
    """
    export = settings.export_folder()
    with written(export):
        rows = publish_marts(open_warehouse(settings.database()), export)
    told = [f"{rows['marts.sessions']:,} sessions", *(
        f"{count:,} {name.partition('training_')[2]}" for name, count in rows.items()
        if name.partition(".")[2].startswith("training_"))]
    click.echo(f"marts: {', '.join(told[:-1])} and {told[-1]} in "
               f"{settings.shown(export / DATABASE)}")


@main.command()
@click.option("--to", "target", help="A directory or s3://bucket/prefix; by default "
              "OFFER_AI_EXPORT/training, of another decision point than offers training_NAME.")
@click.option("--decision", "--decision-point", "names", multiple=True,
              help="The decision point, as declared; every one by default.")
@click.option("--keep", default=5, show_default=True, type=click.IntRange(1),
              help="Versions to keep, the new one among them.")
def training(target: str | None, names: tuple[str, ...], keep: int) -> None:
    """Decisions (offers) with a mature label, as Parquet by day, in a new immutable version.

    manifest.json names the version that holds, its files, and what the columns mean.
    The same offers give the same bytes and the same version; a day that has not changed
    is not sent again.
    """
    export = settings.export_folder()
    declared = declarations.decision_points()
    names = names or tuple(declared)
    if unknown := [name for name in names if name not in declared]:
        raise click.ClickException(f"'{unknown[0]}' is no decision point under `decision_points` "
                                   f"in dbt_project.yml: {', '.join(declared)}.")
    if target and len(names) > 1:
        raise click.ClickException(
            f"--to is one place, and there are {len(names)} decision points: say which with "
            f"--decision ({', '.join(names)}).")
    con = open_warehouse(settings.database())
    for name in names:
        folder = target or str(export / declarations.folder_of("training", name))
        try:
            with publishing(export):
                manifest, counts = publish_training(
                    con, Versions(folder), export / ".training.part", keep, name)
        except (PublishError, OSError, duckdb.IOException) as error:
            raise click.ClickException(str(error)) from error
        click.echo(f"training: {manifest['rows']:,} {name} of {len(manifest['files'])} days with "
                   f"a mature label in {folder}/{manifest['version']}; {counts['sent']} days "
                   f"sent, {counts['kept']} unchanged")
        if not manifest["rows"]:
            click.echo(f"training: empty, as no label of {name} is mature yet; serving can "
                       "start, training later")


@main.command()
@click.option("--to", "url", envvar="OFFER_AI_STORE",
              help="The feature store, as a URL; OFFER_AI_STORE or "
              "sqlite:///OFFER_AI_EXPORT/latest/latest_features.sqlite by default.")
def latest(url: str | None) -> None:
    """The latest features, one row per user, as Parquet and in a feature store.

    Only users whose features changed are written to the store. OFFER_AI_EXPORT/latest/
    holds latest_features.parquet and manifest.json.
    """
    export = settings.export_folder()
    con = open_warehouse(settings.database())
    parquet = export / "latest" / "latest_features.parquet"
    url = url or settings.default_store(export)
    try:
        with written(export):
            rows = write_latest(con, parquet)
            began = time.perf_counter()
            store = open_store(url)
            done = publish_latest(con, store)
            store.close()
    except StoreError as error:
        raise click.ClickException(str(error)) from error
    seconds = time.perf_counter() - began
    count = done.written + done.unchanged
    click.echo(
        f"latest: features of {rows:,} users in {parquet}; {without_secrets(url)}: "
        f"{done.written:,} written, {rows - done.written:,} unchanged, "
        f"{done.removed:,} removed in {seconds:.2f} s "
        f"({count / seconds:,.0f} a second)")


if __name__ == "__main__":
    main()
