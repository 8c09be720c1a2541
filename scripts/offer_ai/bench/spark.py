"""Times the same build on Spark at growing sizes, and fits what a cluster would need."""

import itertools
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import click

from offer_ai.bench.runs import BIN, count_lines, hold_back, run, simulate
from offer_ai.bench.spark_server import thrift_server

PLAYERS_PER_MILLION = 4_300
LOG = """spark.eventLog.enabled true
spark.eventLog.compress false
spark.eventLog.rolling.enabled false
spark.eventLog.dir {}
"""
A_BATCH = ("--exclude", "config.materialized:view")


def build(work: Path, events: Path, *arguments: str, **environment: str) -> float:
    """Builds on Spark, in a new session unless the environment names a server; returns seconds."""
    seconds, _ = run(
        BIN / "dbt", "run", "--target", "spark", "--target-path", work / "target-spark", *arguments,
        OFFER_AI_EVENTS=str(events), **environment)
    return seconds


def shuffled(log: Path) -> int:
    """The bytes that the tasks of an event log wrote for others to read."""
    with log.open() as lines:
        tasks = [json.loads(line) for line in lines if '"SparkListenerTaskEnd"' in line]
    return sum(task["Task Metrics"]["Shuffle Write Metrics"]["Shuffle Bytes Written"]
               for task in tasks if task.get("Task Metrics"))


def world_of(work: Path, million: int) -> tuple[Path, Path, int]:
    """A simulated world of so many million events, laid out as a history (a folder) and the batch
    of 1 % that comes after it; also how many events a batch is."""
    world = work / f"spark-{million}"
    world.mkdir(parents=True, exist_ok=True)
    simulate(world, PLAYERS_PER_MILLION * million, 28)
    more = count_lines(world / "events") // 100
    history, batch, _ = hold_back(world, work / "spark-build", more, 0, 0)
    return history, batch, more


def both(work: Path, history: Path, batch: Path, **environment: str) -> tuple[float, float]:
    """Builds a history and then a batch on top of it; returns the seconds of each."""
    seconds = build(work, history, **environment)
    os.link(batch, history / batch.name)
    return seconds, build(work, history, *A_BATCH, **environment)


def in_a_session(work: Path, history: Path, batch: Path) -> tuple[float, float, str]:
    """Both, each in a process of its own that is Spark, too; also what the history shuffled."""
    log, tables = work / "spark-log", work / "spark-tables"
    for folder in (log, tables):
        shutil.rmtree(folder, ignore_errors=True)
    log.mkdir()
    (log / "spark-defaults.conf").write_text(LOG.format(log))
    seconds = both(work, history, batch, OFFER_AI_SPARK_WAREHOUSE=str(tables),
                   SPARK_CONF_DIR=str(log), SPARK_LOCAL_IP="127.0.0.1")
    first = min(log.glob("local-*"))  # their names end with when they began
    return *seconds, f", {shuffled(first) / 1e6:,.0f} MB shuffled"


def bench_spark(work: Path, millions: list[int], has_server: bool) -> None:
    """Builds worlds of so many million events, then 1 % more of each; prints what it took.

    With a server, a million events and 1 % more are built there once before, so that all find it
    warm.
    """
    if not has_server:
        return measure(work, millions, in_a_session)
    tables = work / "spark-tables"
    shutil.rmtree(tables, ignore_errors=True)
    work.mkdir(parents=True, exist_ok=True)
    with thrift_server(tables, "4g") as server:
        click.echo("The server is up; a million events warm it.")
        both(work, *world_of(work, 1)[:2], OFFER_AI_SPARK_SCHEMA="before", **server)
        schemas = (f"size_{number}" for number in itertools.count())
        measure(work, millions, lambda *paths: (
            *both(*paths, OFFER_AI_SPARK_SCHEMA=next(schemas), **server), ""))


def measure(work: Path, millions: list[int],
            times: Callable[[Path, Path, Path], tuple[float, float, str]]) -> None:
    """Prints the seconds of a history and of its batch by size, and fits the former; `times` of
    the folder of work, a history and a batch are theirs, and what else there is to say."""
    measured = []
    for million in millions:
        history, batch, more = world_of(work, million)
        events = count_lines(history)
        seconds, again, size = times(work, history, batch)
        measured.append((events, seconds))
        first_events, first_seconds = measured[0]
        click.echo(
            f"{events:>12,} events {seconds:8.1f} s, {events / first_events:.2f} x the events in "
            f"{seconds / first_seconds:.2f} x the time{size}; "
            f"{more:,} more {again:.1f} s, {again / seconds:.2f} of it")
    (few, fast), (many, slow) = measured[0], measured[-1]
    if few == many:
        return
    slope = (slow - fast) / (many - few)
    cores = os.cpu_count()
    click.echo(f"about {fast - slope * few:.0f} s + {slope * 1e6:.1f} s per million events on "
               f"{cores} cores: {slope * 1e8 * cores / 3600:.1f} core-hours per 100 million "
               "events of a full build")
