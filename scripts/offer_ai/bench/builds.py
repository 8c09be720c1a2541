"""Times the warehouse on a simulated world; prints each part in multiples of a floor.

The floor is what no design can avoid: DuckDB scanning the declared columns of the
same raw files, and nothing else.
"""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import click
import duckdb

from export import default_store
from offer_ai.base import declarations
from offer_ai.bench.stores import bench_publish, percentile
from offer_ai.features.store import open_store

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent


def run(*command, cwd: Path = ROOT, **environment) -> tuple[float, float]:
    """Runs a command; returns its seconds and peak memory in GB. Raises if it fails."""
    began = time.perf_counter()
    process = subprocess.Popen(
        list(map(str, command)), cwd=cwd, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, env=os.environ | environment,
    )
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise click.ClickException(f"{command[0]} failed:\n{output}")
    return time.perf_counter() - began, usage.ru_maxrss / 1e6


def simulate(out: Path, users: int, days: int) -> float:
    """Simulates a world unless it is there; returns events a second, or 0."""
    stamp = out / f"{users}-users-{days}-days"
    if stamp.exists():
        return 0
    seconds, _ = run(sys.executable, "scripts/simulate.py", "--out", out,
                     "--users", users, "--days", days)
    stamp.touch()
    return count_lines(out / "events") / seconds


def count_lines(events: Path) -> int:
    with duckdb.connect() as con:
        return con.execute(
            "select count(*) from read_csv(?, header = false, delim = e'\\x01', "
            "quote = '', columns = {'line': 'varchar'})", [f"{events}/*.ndjson"],
        ).fetchone()[0]


def raw_names() -> list[str]:
    """Every raw field name that the declared vocabulary reads."""
    variables = declarations.variables()
    aliases = [name for names in variables["field_aliases"].values() for name in names]
    return list(dict.fromkeys([*variables["event_fields"], *aliases]))


def floor(events: Path) -> float:
    """Seconds to scan the declared columns of the raw files, the median of three."""
    names = raw_names()
    columns = ", ".join(f"'{name}': 'varchar'" for name in names)
    query = (
        f"select {', '.join(f'max({name})' for name in names)} from read_json("
        f"'{events}/*.ndjson', format = 'newline_delimited', columns = {{{columns}}})"
    )
    with duckdb.connect() as con:
        seconds = []
        for _ in range(3):
            began = time.perf_counter()
            con.execute(query).fetchall()
            seconds.append(time.perf_counter() - began)
    return sorted(seconds)[1]


def dbt(events: Path, database: Path, *arguments: str) -> dict:
    """Runs dbt in a new process; returns seconds, memory and each model's seconds."""
    target = database.parent / "target"
    seconds, memory = run(
        BIN / "dbt", *arguments, "--target-path", target,
        OFFER_AI_EVENTS=str(events), OFFER_AI_DB=str(database),
    )
    results = json.loads((target / "run_results.json").read_text())["results"]
    models = {
        result["unique_id"].split(".")[-1]: result["execution_time"]
        for result in results if result["unique_id"].startswith("model.")
    }
    return {"seconds": seconds, "memory": memory, "models": models,
            "model_seconds": sum(models.values())}


def hold_back(world: Path, work: Path, batch: int, ticks: int, per_tick: int) -> list[Path]:
    """Lays out a world as a history and what comes after it.

    Returns the history (a folder, links), a batch of `batch` events and a folder with
    `ticks` files of `per_tick` events: the last lines of the last whole day, in order of
    arrival.
    """
    run("rm", "-rf", work)
    history, later = work / "events", work / "later"
    history.mkdir(parents=True)
    later.mkdir()
    *days, last_day, _ = sorted((world / "events").iterdir())
    for path in days:
        os.link(path, history / path.name)
    lines = last_day.read_bytes().splitlines(keepends=True)
    kept = len(lines) - batch - ticks * per_tick
    if kept < 0:
        raise click.ClickException("The simulated world is too small to hold events back.")
    (history / last_day.name).write_bytes(b"".join(lines[:kept]))
    (work / "batch.ndjson").write_bytes(b"".join(lines[kept:kept + batch]))
    for tick in range(ticks):
        start = kept + batch + tick * per_tick
        (later / f"tick-{tick:04}.ndjson").write_bytes(b"".join(lines[start:start + per_tick]))
    return [history, work / "batch.ndjson", later]


def watch_lags(events: Path, database: Path, later: Path) -> list[float]:
    """Seconds from each file's closing to its features being readable, one file a second.

    Each file of `later` gets one purchase more, of a user of its own, by which it is known.
    """
    export = database.parent / "export"
    environment = os.environ | {"OFFER_AI_EVENTS": str(events), "OFFER_AI_DB": str(database),
                                "OFFER_AI_EXPORT": str(export)}
    process = subprocess.Popen(
        [sys.executable, ROOT / "scripts" / "watch.py"], env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for text in process.stdout:
        if "round 1" in text:
            break
    threading.Thread(target=process.stdout.read, daemon=True).start()
    store = open_store(default_store(export), read_only=True)
    closed, lags, began = {}, {}, time.time()
    files = sorted(later.iterdir())
    while len(lags) < len(files) and time.time() < began + len(files) + 60:
        tick = len(closed)
        if tick < len(files) and time.time() >= began + tick:
            part = events / f".{files[tick].name}"
            part.write_bytes(files[tick].read_bytes() + json.dumps({
                "event_id": "purchase", "event_time": "2025-01-28T12:00:00",
                "customer_identifier": f"probe-{tick}", "session_id": "s",
                "txn_amount": "1"}).encode() + b"\n")
            part.rename(part.with_name(files[tick].name))
            closed[tick] = time.time()
        for tick in closed.keys() - lags.keys():
            if store.get(f"probe-{tick}"):
                lags[tick] = time.time() - closed[tick]
        time.sleep(0.02)
    process.terminate()
    process.wait()
    if len(lags) < len(files):
        raise click.ClickException("Not every file was published by the watch.")
    return sorted(lags.values())


def line(name: str, seconds: float, unit: float, note: str = "") -> None:
    click.echo(f"{name:<44}{seconds:8.2f} s {seconds / unit:7.2f} x floor  {note}")


def model_lines(built: dict, unit: float) -> None:
    for name, seconds in built["models"].items():
        line(f"  {name}", seconds, unit)


@click.command(context_settings={"show_default": True})
@click.option("--users", default=35_000, type=click.IntRange(1),
              help="Players to simulate.")
@click.option("--days", default=28, type=click.IntRange(8), help="Days to simulate.")
@click.option("--times", default=4, type=click.IntRange(2),
              help="How many times as large the larger history is.")
@click.option("--ticks", default=30, type=click.IntRange(1),
              help="Files that arrive while the watch runs, one a second.")
@click.option("--rows", default=1_000_000, type=click.IntRange(1000),
              help="Users and offers to publish.")
@click.option("--work", default="data/bench", type=click.Path(path_type=Path),
              help="Folder for the simulated worlds and the databases.")
def main(users: int, days: int, times: int, ticks: int, rows: int, work: Path) -> None:
    """Simulate about 8 million events, build them cold, and print what it took.

    Then: what one percent of new events costs, on this history and on one several times
    as large, how soon a watch publishes what arrives, and what publishing and looking up
    take.
    """
    work = work.absolute()
    work.mkdir(parents=True, exist_ok=True)
    world = work / "world"
    rate = simulate(world, users, days)
    lines = count_lines(world / "events")
    batch_size = lines // 100
    size = sum(path.stat().st_size for path in (world / "events").iterdir())
    click.echo(f"{lines:,} events, {size / 1e9:.2f} GB of NDJSON" + (
        f", simulated at {rate:,.0f} events a second" if rate else ""))
    history, batch, later = hold_back(world, work / "build", batch_size, ticks, 1000)
    database = work / "build" / "offer_ai.duckdb"

    click.echo(f"\nCold build of {count_lines(history):,} events")
    unit = floor(history)
    line("floor: scan of the declared columns", unit, unit)
    built = dbt(history, database, "build", "--exclude-resource-type", "unit_test")
    model_lines(built, unit)
    line("all models", built["model_seconds"], unit, "target: 4")
    line("whole cold dbt build, with data tests", built["seconds"], unit, "target: 7")
    click.echo(f"peak memory {built['memory']:.2f} GB (target: 3), "
               f"{lines / built['seconds']:,.0f} events a second")

    click.echo(f"\nBatch of {batch_size:,} new events")
    small = add_batch(history, database, batch)
    model_lines(small, unit)
    share = small["model_seconds"] / built["model_seconds"]
    click.echo(f"all models {small['model_seconds']:.2f} s, {share:.1%} of the full build "
               "(target: 10 %)")

    click.echo(f"\nWatch: one file of 1,000 events each second, {ticks} seconds")
    lags = watch_lags(history, database, later)
    click.echo(f"from file closed to features readable: p50 {percentile(lags, 0.5):.2f} s, "
               f"p95 {percentile(lags, 0.95):.2f} s (target: 5)")

    click.echo(f"\nPublish and look up, {rows:,} users and offers")
    bench_publish(work / "stores", rows)

    large = work / f"world-{times}"
    simulate(large, users * times, days)
    history, batch, _ = hold_back(large, work / "large", batch_size, 0, 0)
    database = work / "large" / "offer_ai.duckdb"
    click.echo(f"\nThe same batch size on a history of {count_lines(history):,} events")
    built = dbt(history, database, "run")
    click.echo(f"full build: all models {built['model_seconds']:.1f} s, "
               f"peak memory {built['memory']:.2f} GB")
    grown = add_batch(history, database, batch)
    model_lines(grown, unit)
    ratio = grown["model_seconds"] / small["model_seconds"]
    click.echo(f"all models {grown['model_seconds']:.2f} s, {ratio:.2f} x as on the smaller "
               "history (target: 1.5)")


def add_batch(history: Path, database: Path, batch: Path) -> dict:
    """Adds a file to a built history and builds again, as the watch does."""
    os.link(batch, history / batch.name)
    os.sync()  # what the full build has left the disk to write is none of the batch's time
    return dbt(history, database, "run", "--exclude", "config.materialized:view")


if __name__ == "__main__":
    main()
