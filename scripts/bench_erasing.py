"""Times erasing a share of the users of a simulated world against a full build of it."""

from pathlib import Path

import click

from offer_ai.bench.erasing import bench


@click.command(context_settings={"show_default": True})
@click.option("--users", default=35_000, type=click.IntRange(100), help="Players to simulate.")
@click.option("--days", default=28, type=click.IntRange(8), help="Days to simulate.")
@click.option("--share", default=0.01, type=click.FloatRange(0, 1), help="Share of users to erase.")
@click.option("--work", default="data/bench", type=click.Path(path_type=Path),
              help="Folder for the simulated world and the database.")
def main(users: int, days: int, share: float, work: Path) -> None:
    """Build a world cold, publish it, erase a share of its users, and print both times."""
    bench(work.absolute(), users, days, share)


if __name__ == "__main__":
    main()
