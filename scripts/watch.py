"""Builds and publishes whenever new event files appear, in one warm process."""

import os
import signal

import click

from offer_ai.base import settings
from offer_ai.base.locks import only_one
from offer_ai.features.watch import Watch

OBJECTS_POLL = 5.0


@click.command(context_settings={"show_default": True})
@click.option("--poll", default=0.2, type=click.FloatRange(0.01),
              help="Seconds between looks at OFFER_AI_EVENTS; at least 5 in object storage.")
@click.option("--marts-every", default=10.0, type=click.FloatRange(0),
              help="While files keep coming, seconds between publications of the marts; "
              "the feature store is brought up to date in every round.")
@click.option("--store", envvar="OFFER_AI_STORE",
              help="The feature store, as a URL; by default OFFER_AI_STORE or the SQLite file "
              "under OFFER_AI_EXPORT/latest.", default=None)
def main(poll: float, marts_every: float, store: str | None) -> None:
    """Build and publish whenever OFFER_AI_EVENTS has files that have not landed.

    One line per round: files, events, seconds, and the lag from the oldest file of the
    round to its features being readable in the store. A build that fails is tried again
    after a growing pause; what was published stays. SIGINT and SIGTERM end it after the
    round.
    """
    events = settings.events()
    if events.startswith("table:"):
        raise click.ClickException(
            f"OFFER_AI_EVENTS='{events}' is a table: build it on a schedule (`make build`); "
            "watched are files.")
    if events.startswith(settings.URLS):
        poll = max(poll, OBJECTS_POLL)  # each look is a request, or many
    database, export = settings.database().absolute(), settings.export_folder().absolute()
    os.environ |= {"OFFER_AI_EVENTS": events, "OFFER_AI_DB": str(database)}
    with only_one(database.with_name(f"{database.name}.watch"), f"watches for {database}"):
        watch = Watch(events, database, export, poll, marts_every,
                      store or settings.default_store(export))
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, watch.stop)
        watch.run()


if __name__ == "__main__":
    main()
