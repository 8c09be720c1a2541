"""Lets DuckDB read what Spark built, so that everything downstream works as ever."""

import click

from offer_ai.base import settings
from offer_ai.warehouse.bridge import bridge


@click.command()
def main() -> None:
    """Make OFFER_AI_DB a window onto the tables that `dbt build --target spark` built."""
    database = settings.database()
    tables = bridge(database, settings.spark_tables())
    click.echo(f"{database} shows {tables} tables of Spark; export and query it as ever")


if __name__ == "__main__":
    main()
