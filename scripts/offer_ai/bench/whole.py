"""The benchmark as a whole; prints each part as it is done."""

from pathlib import Path

import click

from offer_ai.bench.builds import add_batch, dbt, floor, line, model_lines
from offer_ai.bench.runs import count_lines, hold_back, percentile, simulate
from offer_ai.bench.stores import bench_publish
from offer_ai.bench.watching import watch_lags


def bench(work: Path, users: int, days: int, times: int, ticks: int, rows: int) -> None:
    """Times a world of `users` over `days`, a history `times` as large, a watch of `ticks`
    files and the publishing of `rows` users and offers, all under `work`."""
    work.mkdir(parents=True, exist_ok=True)
    world = work / "world"
    rate = simulate(world, users, days)
    lines = count_lines(world / "events")
    batch_size = lines // 100
    size = sum(path.stat().st_size for path in (world / "events").iterdir())
    click.echo(f"{lines:,} events, {size / 1e9:.2f} GB of NDJSON" + (
        f", simulated at {rate:,.0f} events a second" if rate else ""))
    history, batch, later = hold_back(world, work / "build", batch_size, ticks, 1000)
    database, known = work / "build" / "offer_ai.duckdb", count_lines(history)

    click.echo(f"\nCold build of {known:,} events")
    unit = floor(history)
    line("floor: scan of the declared columns", unit, unit)
    built = dbt(history, database, "build", "--exclude-resource-type", "unit_test")
    model_lines(built, unit)
    line("all models", built["model_seconds"], unit, "target: 5")
    line("whole cold dbt build, with data tests", built["seconds"], unit, "target: 8")
    click.echo(f"peak memory {built['memory']:.2f} GB (target: 3), "
               f"{known / built['seconds']:,.0f} events a second")

    click.echo(f"\nBatch of {batch_size:,} new events")
    small = add_batch(history, database, batch)
    model_lines(small, unit)
    share = small["model_seconds"] / built["model_seconds"]
    click.echo(f"all models {small['model_seconds']:.2f} s, {share:.1%} of the full build "
               "(target: 8 %)")

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
