"""Times the same build on Spark at growing sizes, and fits what a cluster would need."""

from pathlib import Path

import click

from offer_ai.bench.spark import bench_spark


@click.command(context_settings={"show_default": True})
@click.option("--millions", default="1,2,4,8", help="Sizes, in million events.")
@click.option("--work", default="data/bench", type=click.Path(path_type=Path),
              help="Folder for the simulated worlds and the tables.")
@click.option("--server", "has_server", is_flag=True,
              help="Build on a Thrift server that stands, as clusters have it, not each time in a "
                   "session that has to start.")
def main(millions: str, work: Path, has_server: bool) -> None:
    """Simulate worlds of 1, 2, 4 and 8 million events; build each on Spark, then 1 % more.

    Prints seconds and, in a session, shuffled bytes by size, the growth from the first size on,
    and a cost model: seconds fixed and per million events, and core-hours per 100 million events
    a day.
    """
    bench_spark(work.absolute(), [int(million) for million in millions.split(",")],
                has_server)


if __name__ == "__main__":
    main()
