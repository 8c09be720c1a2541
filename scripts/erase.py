"""Erases users from everything that the project keeps."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from offer_ai.base import settings
from offer_ai.base.files import write_json
from offer_ai.erasing.whole import NO_LOGS, RAW_FILE, Places, erase, find
from offer_ai.features.store import StoreError
from offer_ai.training.versions import PublishError


@click.command(context_settings={"show_default": True})
@click.argument("users", nargs=-1)
@click.option("--file", "listed", type=click.File(encoding="utf-8-sig"),
              help="A file of ids, one a line; - for standard input.")
@click.option("--dry-run", is_flag=True, help="Say where they are and change nothing.")
@click.option("--store", "stores", multiple=True,
              help="A further feature store, as a URL; that of OFFER_AI_STORE and the one in "
              "OFFER_AI_EXPORT are always looked into.")
@click.option("--training", "trainings", multiple=True, help="A further place of training tables: "
              "a directory or s3://bucket/prefix.")
@click.option("--logs", multiple=True, help="A further folder that a service logs decisions to; "
              "OFFER_AI_EVENTS is always looked into where it is a folder.",
              type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--receipt", type=click.Path(path_type=Path), default=None, help="Where to write "
              "what was erased, as JSON; by default under OFFER_AI_EXPORT/erasures.")
@click.option("--no-warehouse", is_flag=True, help="Leave OFFER_AI_DB as it is: it shows tables of "
              "Spark, which were erased from there.")
@click.option("--wait", default=600.0, type=click.FloatRange(0), help="Seconds to wait for a build "
              "or a publish that has the warehouse open.")
def main(users: tuple[str, ...], listed, dry_run: bool, stores: tuple[str, ...],
         trainings: tuple[str, ...], logs: tuple[Path, ...], receipt: Path | None,
         no_warehouse: bool, wait: float) -> None:
    """Erase USERS from the warehouse, from what was published of it and from the logs of
    decisions; what lands of them later is dropped.

    Raw files are listed, not changed. A watch and a service may run. Killed, it is run again.
    """
    ids = [*users, *(line.rstrip("\r\n") for line in listed or [])]
    ids = list(dict.fromkeys(one for one in ids if one))
    if not ids:
        raise click.UsageError("Name users, or a --file of them.")
    # Not by click, which would take what follows a blank for another store.
    stores = (*filter(None, [os.environ.get("OFFER_AI_STORE")]), *stores)
    export = settings.export_folder().absolute()
    places = Places(settings.database().absolute(), export, settings.events(), stores, trainings,
                    not no_warehouse, wait, logs)
    if not places.all_logs:
        say(NO_LOGS)
    try:
        if dry_run:
            for found in find(ids, places, say):
                click.echo(f"{found.count:>12,} {found.place}: {found.what}")
            return
        done = erase(ids, places, say)
    except (StoreError, PublishError, OSError) as error:
        raise click.ClickException(
            f"{error} What was erased by then stays erased: run this again.") from error
    path = receipt or export / "erasures" / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, done)
    for one in done["erased"]:
        click.echo(f"{one['count']:>12,} {one['place']}: {one['what']}")
    for name in done["raw_files"]:
        click.echo(f"{RAW_FILE}: {name}")
    for model in done["models"]:
        click.echo(f"{model['model']}{' (serving)' if model['serves'] else ''} was fitted to days "
                   f"of theirs: run {model['run']}")
    click.echo(f"{done['users']:,} users erased; receipt: {path}")


def say(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    main()
