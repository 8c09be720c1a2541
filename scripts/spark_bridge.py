"""Lets DuckDB read what Spark built, so that everything downstream works as ever."""

import click

from offer_ai.base import settings
from offer_ai.warehouse.bridge import bridge


@click.command()
@click.option("--schema", default="main", envvar="OFFER_AI_SPARK_SCHEMA", show_default=True,
              show_envvar=True, help="The target schema that Spark built for.")
def main(schema: str) -> None:
    """Make OFFER_AI_DB a window onto the tables that `dbt build --target spark` built."""
    database = settings.database()
    tables = bridge(database, settings.spark_tables(), schema)
    click.echo(f"{database} shows {tables} tables of Spark; export and query it as ever")


if __name__ == "__main__":
    main()
