"""Prints the features that a user's request would be decided with."""

import json
from datetime import UTC, datetime

import click

from offer_ai.base import settings
from offer_ai.features import Lookup, open_store
from offer_ai.features.store import StoreError


@click.command()
@click.argument("user")
@click.option("--session", help="The session that the request names; a new one by default. "
              "Where sessions are cut by time, one that still goes on.")
@click.option("--at", help="When (ISO 8601, UTC without an offset); now by default.")
@click.option("--store", "url", envvar="OFFER_AI_STORE",
              help="Where the features are published; the default is OFFER_AI_STORE or "
              "what `export.py latest` writes.")
def main(user: str, session: str | None, at: str | None, url: str | None) -> None:
    """Look USER up in the published features, as serving does."""
    try:
        time = datetime.fromisoformat(at) if at else datetime.now(UTC)
    except ValueError as error:
        raise click.BadParameter(f"'{at}' is no ISO 8601 time", param_hint="--at") from error
    try:
        url = url or settings.default_store(settings.export_folder())
        store = open_store(url, read_only=True)
        lookup = Lookup(store)
        item = store.get(user)
        found = lookup.features(user, session, time)
    except StoreError as error:
        raise click.ClickException(str(error)) from error
    if item is None:
        click.echo(f"{user} is not known: cold start", err=True)
    click.echo(json.dumps(found, indent=2, default=str))


if __name__ == "__main__":
    main()
