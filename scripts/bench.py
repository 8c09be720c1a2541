"""Times the warehouse on a simulated world; prints each part in multiples of a floor.

The floor is what no design can avoid: DuckDB scanning the declared columns of the
same raw files, and nothing else.
"""

from pathlib import Path

import click

from offer_ai.bench.whole import bench


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
    bench(work.absolute(), users, days, times, ticks, rows)


if __name__ == "__main__":
    main()
