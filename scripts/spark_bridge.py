"""Lets DuckDB read what Spark built, so that everything downstream works as ever.

OFFER_AI_DB becomes a small file in which each stored table is a view of Spark's Parquet
files under OFFER_AI_SPARK_WAREHOUSE, and each view of the project is made by dbt.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import click
import duckdb

from export import settings, sql_text

ROOT = Path(__file__).parents[1]


def stored_tables(warehouse: Path) -> dict[str, Path]:
    """Spark's tables as schema.table to folder; raises ClickException when there is none."""
    tables = {f"{path.parent.stem}.{path.name}": path
              for path in sorted(warehouse.glob("*.db/*")) if next(path.glob("*.parquet"), None)}
    if "staging.build_log" not in tables:
        raise click.ClickException(
            f"There is no finished Spark build under OFFER_AI_SPARK_WAREHOUSE='{warehouse}': "
            "run `.venv/bin/dbt build --target spark`.")
    return tables


def check_replaceable(database: Path) -> None:
    """Raises ClickException when a file holds tables of its own."""
    if database.exists():
        with duckdb.connect(str(database), read_only=True) as con:
            (tables,) = con.execute("select count(*) from duckdb_tables()").fetchone()
        if tables:
            raise click.ClickException(
                f"OFFER_AI_DB='{database}' is a warehouse of its own: name another file.")


@click.command()
def main() -> None:
    """Make OFFER_AI_DB a window onto the tables that `dbt build --target spark` built."""
    database, _ = settings()
    tables = stored_tables(
        Path(os.environ.get("OFFER_AI_SPARK_WAREHOUSE", "data/spark")).absolute())
    check_replaceable(database)
    database.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=database.parent) as folder:
        # Views name their database, after its file.
        part = Path(folder, database.name)
        with duckdb.connect(str(part)) as con:
            for name, path in tables.items():
                con.execute(f"create schema if not exists {name.split('.')[0]}")
                con.execute(f"create view {name} as "
                            f"from read_parquet({sql_text(path / '*.parquet')})")
        done = subprocess.run(
            [Path(sys.executable).parent / "dbt", "--quiet", "run", "--target", "duckdb",
             "--select", "config.materialized:view", "--target-path", f"{folder}/target"],
            cwd=ROOT, env=os.environ | {"OFFER_AI_DB": str(part)}, capture_output=True, text=True)
        if done.returncode:
            raise click.ClickException(f"dbt could not make the views: {done.stdout}")
        part.replace(database)
    click.echo(f"{database} shows {len(tables)} tables of Spark; export and query it as ever")


if __name__ == "__main__":
    main()
