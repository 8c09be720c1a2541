"""Times the same build on Spark at growing sizes, and fits what a cluster would need."""

import json
import os
import shutil
from pathlib import Path

import click

from offer_ai.bench.runs import BIN, count_lines, hold_back, run, simulate

PLAYERS_PER_MILLION = 4_300
LOG = """spark.eventLog.enabled true
spark.eventLog.compress false
spark.eventLog.rolling.enabled false
spark.eventLog.dir {}
"""


def build(work: Path, events: Path, *arguments: str) -> tuple[float, int]:
    """Builds on Spark in a new process; returns its seconds and the bytes it shuffled."""
    log = work / "spark-log"
    shutil.rmtree(log, ignore_errors=True)
    log.mkdir()
    (log / "spark-defaults.conf").write_text(LOG.format(log))
    seconds, _ = run(
        BIN / "dbt", "run", "--target", "spark", "--target-path", work / "target-spark", *arguments,
        OFFER_AI_EVENTS=str(events), OFFER_AI_SPARK_WAREHOUSE=str(work / "spark-tables"),
        SPARK_LOCAL_IP="127.0.0.1", SPARK_CONF_DIR=str(log))
    return seconds, sum(map(shuffled, log.glob("local-*")))


def shuffled(log: Path) -> int:
    """The bytes that the tasks of an event log wrote for others to read."""
    with log.open() as lines:
        tasks = [json.loads(line) for line in lines if '"SparkListenerTaskEnd"' in line]
    return sum(task["Task Metrics"]["Shuffle Write Metrics"]["Shuffle Bytes Written"]
               for task in tasks if task.get("Task Metrics"))


def bench_spark(work: Path, millions: list[int]) -> None:
    """Builds worlds of so many million events, then 1 % more of each; prints what it took."""
    measured = []
    for million in millions:
        world = work / f"spark-{million}"
        world.mkdir(parents=True, exist_ok=True)
        simulate(world, PLAYERS_PER_MILLION * million, 28)
        more = count_lines(world / "events") // 100
        history, batch, _ = hold_back(world, work / "spark-build", more, 0, 0)
        events = count_lines(history)
        shutil.rmtree(work / "spark-tables", ignore_errors=True)
        seconds, size = build(work, history)
        os.link(batch, history / batch.name)
        again, _ = build(work, history, "--exclude", "config.materialized:view")
        measured.append((events, seconds))
        first_events, first_seconds = measured[0]
        click.echo(
            f"{events:>12,} events {seconds:8.1f} s, {events / first_events:.2f} x the events in "
            f"{seconds / first_seconds:.2f} x the time, {size / 1e6:,.0f} MB shuffled; "
            f"{more:,} more {again:.1f} s")
    (few, fast), (many, slow) = measured[0], measured[-1]
    if few == many:
        return
    slope = (slow - fast) / (many - few)
    cores = os.cpu_count()
    click.echo(f"about {fast - slope * few:.0f} s + {slope * 1e6:.1f} s per million events on "
               f"{cores} cores: {slope * 1e8 * cores / 3600:.1f} core-hours per 100 million "
               "events of a full build")
