"""Times the same build on Spark at growing sizes, and fits what a cluster would need."""

import os
from pathlib import Path

import click

from bench import BIN, count_lines, run, simulate

PLAYERS_PER_MILLION = 4_300


@click.command(context_settings={"show_default": True})
@click.option("--millions", default="1,2,4,8", help="Sizes, in million events.")
@click.option("--work", default="data/bench", type=click.Path(path_type=Path),
              help="Folder for the simulated worlds and the tables.")
def main(millions: str, work: Path) -> None:
    """Simulate worlds of 1, 2, 4 and 8 million events and build each on Spark, here.

    Prints seconds by size, the growth from the first size on, and a cost model: seconds
    fixed and per million events, and core-hours per 100 million events a day.
    """
    work = work.absolute()
    measured = []
    for million in map(int, millions.split(",")):
        world = work / f"spark-{million}"
        world.mkdir(parents=True, exist_ok=True)
        simulate(world, PLAYERS_PER_MILLION * million, 28)
        events = count_lines(world / "events")
        warehouse = work / "spark-tables"
        run("rm", "-rf", warehouse)
        seconds, _ = run(
            BIN / "dbt", "run", "--target", "spark", "--target-path", work / "target-spark",
            OFFER_AI_EVENTS=str(world / "events"), OFFER_AI_SPARK_WAREHOUSE=str(warehouse),
            SPARK_LOCAL_IP="127.0.0.1")
        measured.append((events, seconds))
        first_events, first_seconds = measured[0]
        click.echo(f"{events:>12,} events {seconds:8.1f} s, {events / first_events:.2f} x the "
                   f"events in {seconds / first_seconds:.2f} x the time")
    (few, fast), (many, slow) = measured[0], measured[-1]
    if few == many:
        return
    slope = (slow - fast) / (many - few)
    cores = os.cpu_count()
    click.echo(f"about {fast - slope * few:.0f} s + {slope * 1e6:.1f} s per million events on "
               f"{cores} cores: {slope * 1e8 * cores / 3600:.1f} core-hours per 100 million "
               "events of a full build")


if __name__ == "__main__":
    main()
