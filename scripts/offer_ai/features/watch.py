"""Builds and publishes whenever new event files appear, in one warm process."""

import math
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import click
import duckdb

from offer_ai.base.locks import publishing
from offer_ai.base.running import Running, pause_after, say
from offer_ai.features.opening import open_store
from offer_ai.features.publish import publish_latest
from offer_ai.report.writing import is_installed, write_page
from offer_ai.warehouse.connection import open_warehouse
from offer_ai.warehouse.event_source import EventSource
from offer_ai.warehouse.marts import publish_marts
from offer_ai.warehouse.warm_dbt import Dbt

MAX_PAUSE = 60.0  # seconds between tries of a build that keeps failing
BUSY = 5.0  # before the next try to publish what was built
# It ends a first build, so that somebody looks. What came later is published without the amount:
# to hold it back would leave all other users with features that are hours old.
RATES = "every_currency_has_a_rate"
# Of the tests those are asked later that judge new files, and that.
FIRST = ("--exclude-resource-type", "unit_test")
LATER = ("--select", "resource_type:model", "most_lines_are_events", "few_lines_are_rejects",
         RATES, "--indirect-selection", "empty", "--exclude")


@dataclass
class Watch(Running):
    """Rounds of build and publish over the files that OFFER_AI_EVENTS names."""

    events: str
    database: Path
    export: Path
    poll: float  # seconds
    marts_every: float  # seconds
    store_url: str
    marts_at: float = -math.inf  # when the marts were last published
    is_marts_due: bool = False
    built: set = field(default_factory=set)  # of (source_file, size, modified_us)
    unreached: set = field(default_factory=set)  # of these, what could not be fetched
    unreached_at: float = -math.inf
    began_at: float = 0.0

    def run(self) -> None:
        """Until stopped by a signal; a round that began is finished."""
        dbt = Dbt(self.database.parent / "target-watch")
        dbt.parse()
        click.echo(f"watching {self.events}; stop with Ctrl-C")
        source = EventSource(self.events)
        later = *LATER, *dbt.lasting_views()
        failures, rounds = 0, 0
        while not self.is_stopped:
            try:
                files = {tuple(file.values()) for file in source.list()}
            except OSError as error:
                say(f"the events cannot be listed, next look in {MAX_PAUSE:.0f} s: {error}")
                self.sleep(MAX_PAUSE)
                continue
            if time.monotonic() - self.unreached_at >= MAX_PAUSE:
                self.built -= self.unreached
            if files <= self.built:
                self.publish_due()
                self.sleep(self.poll)
                continue
            began, self.began_at = time.time(), time.monotonic()
            try:
                dbt("build", *(later if rounds else FIRST))
                landed, line = self.publish(began)
            except Exception as error:  # whatever it is, the last good version is served
                failures += 1
                pause = pause_after(failures, MAX_PAUSE)
                say(f"build failed, next try in {pause:.0f} s; what was published stays: {error}")
                self.sleep(pause)
                continue
            for message in dbt.messages:
                say(message)
            dbt.only_warns(RATES)
            unreached = {name for name, *stamp in landed if stamp == [0, 0]}
            self.unreached = {file for file in files - landed if file[0] in unreached}
            self.unreached_at = time.monotonic()
            failures, rounds, self.built = 0, rounds + 1, files | landed
            say(f"round {rounds}: {line}")
        self.publish_due()
        say("stopped")

    def publish(self, began: float) -> tuple[set, str]:
        """Publishes what was built since `began`; returns its files and what to say."""
        with publishing(self.export), open_warehouse(self.database) as con, closing(
                open_store(self.store_url)) as store:
            published = publish_latest(con, store)
            files = con.execute("""
                select source_file, size, modified_us, line_count - rejected_count, rejected_count
                from landing.landed_files where landed_at >= make_timestamp(?)""",
                [int(began * 1e6)]).fetchall()
        now = time.time()  # a file that cannot be reached has no time
        lag = now - min((file[2] / 1e6 for file in files if file[2]), default=now)
        self.is_marts_due = True
        if time.monotonic() - self.marts_at >= self.marts_every:
            self.publish_marts()
        events, rejected = (sum(file[index] for file in files) for index in (3, 4))
        seconds = time.monotonic() - self.began_at
        return {file[:3] for file in files}, (
            f"{len(files):,} files, {events:,} events, {rejected:,} rejects, "
            f"{published.written:,} users written, {seconds:.1f} s, lag {lag:.1f} s")

    def publish_due(self) -> None:
        """Publishes the marts if they are behind: whoever has the warehouse now lets go of it."""
        try:
            if self.is_marts_due:
                self.publish_marts()
        except Exception as error:  # whatever it is, what was published stays
            say(f"the marts were not published, next try in {BUSY:.0f} s: {error}")
            self.sleep(BUSY)

    def publish_marts(self) -> None:
        with publishing(self.export), open_warehouse(self.database) as con:
            publish_marts(con, self.export)
            if is_installed():
                self.write_page(con)
        self.marts_at, self.is_marts_due = time.monotonic(), False

    def write_page(self, con: duckdb.DuckDBPyConnection) -> None:
        try:
            write_page(con, self.export)
        except Exception as error:  # people look at the page, but models read what is published
            say(f"the page was not written, the one before stays: {error}")
