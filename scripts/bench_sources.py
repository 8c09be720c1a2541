"""Times the same events from files, nested files, S3 and tables, side by side."""

from pathlib import Path

import click

from offer_ai.bench.sources import bench_sources


@click.command(context_settings={"show_default": True})
@click.option("--users", default=5_000, type=click.IntRange(1), help="Players to simulate.")
@click.option("--days", default=28, type=click.IntRange(8), help="Days to simulate.")
@click.option("--times", default=3, type=click.IntRange(1), help="Builds of each, in turn.")
@click.option("--work", default="data/bench/sources", type=click.Path(path_type=Path),
              help="Folder for the simulated world and the databases.")
def main(users: int, days: int, times: int, work: Path) -> None:
    """Build one simulated world from each place that events may lie in, and print ratios."""
    bench_sources(work.absolute(), users, days, times)


if __name__ == "__main__":
    main()
