"""Times the service under load, while features and models change, and killed."""

from pathlib import Path

import click

from offer_ai.bench.stores import bench_service


@click.command(context_settings={"show_default": True})
@click.option("--rate", default=300, type=click.IntRange(1), help="Requests a second.")
@click.option("--seconds", default=600, type=click.IntRange(1), help="How long.")
@click.option("--rows", default=1_000_000, type=click.IntRange(10_000),
              help="Users and offers to publish.")
@click.option("--work", default="data/bench/service", type=click.Path(path_type=Path),
              help="Folder for the store, the models and the log.")
def main(rate: int, seconds: int, rows: int, work: Path) -> None:
    """Serve on one core: for long; while every user is published and models are promoted; killed.

    Prints how long the same additions take (what is uneven there is the machine's), how late
    answers are, from when each request was due, of a service that does nothing and of this one,
    and how many decisions that were answered are in no line of the log.
    """
    bench_service(work.absolute(), rows, rate, seconds)


if __name__ == "__main__":
    main()
