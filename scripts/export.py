"""Publishes what models read: the training table and each user's latest features.

Everything goes under OFFER_AI_EXPORT. A version is written aside and takes its
place by one rename, so a reader finds the old or the new one, never half.
"""

import time

import click

from offer_ai.base import settings
from offer_ai.features.opening import open_store
from offer_ai.features.publish import publish_latest, write_latest
from offer_ai.features.store import StoreError
from offer_ai.training.table import publish_training
from offer_ai.training.versions import PublishError, Versions
from offer_ai.warehouse.connection import open_warehouse
from offer_ai.warehouse.marts import DATABASE, publish_marts


@click.group()
def main() -> None:
    """Publish artifacts from the warehouse (OFFER_AI_DB) to OFFER_AI_EXPORT."""


@main.command()
def marts() -> None:
    """Every mart in one read-only DuckDB file, for queries that no build blocks.

    OFFER_AI_EXPORT/published.duckdb is replaced by one rename: a connection keeps the
    version that it opened, a new one gets the new.
    """
    export = settings.export_folder()
    rows = publish_marts(open_warehouse(settings.database()), export)
    click.echo(f"marts: {rows['marts.sessions']:,} sessions and "
               f"{rows['marts.training_offers']:,} offers in {settings.shown(export / DATABASE)}")


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
    export = settings.export_folder()
    target = target or str(export / "training")
    con = open_warehouse(settings.database())
    try:
        manifest, counts = publish_training(
            con, Versions(target), export / ".training.part", keep)
    except (PublishError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"training: {manifest['rows']:,} offers of {len(manifest['files'])} days with a "
               f"mature label in {target}/{manifest['version']}; {counts['sent']} days sent, "
               f"{counts['kept']} unchanged")
    if not manifest["rows"]:
        click.echo("training: empty, as no offer's label is mature yet; serving can start, "
                   "training later")


@main.command()
@click.option("--to", "url", help="The feature store, as a URL; "
              "sqlite:///OFFER_AI_EXPORT/latest/latest_features.sqlite by default.")
def latest(url: str | None) -> None:
    """The latest features, one row per user, as Parquet and in a feature store.

    Only users whose features changed are written to the store. OFFER_AI_EXPORT/latest/
    holds latest_features.parquet and manifest.json.
    """
    export = settings.export_folder()
    con = open_warehouse(settings.database())
    parquet = export / "latest" / "latest_features.parquet"
    rows = write_latest(con, parquet)
    url = url or settings.default_store(export)
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


if __name__ == "__main__":
    main()
