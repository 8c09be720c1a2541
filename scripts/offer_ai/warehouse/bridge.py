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

from offer_ai.base import declarations
from offer_ai.base.settings import ROOT
from offer_ai.base.sql import sql_text

# Not all below a table's folder: a killed build leaves what it had not yet put in its place in
# hidden folders there.
FILES = ("*.parquet", "partition_day=*/*.parquet")


def files_of(table: Path) -> Path | None:
    """The pattern of a table's files, in its folder or in those of its days; None without any."""
    return next((table / pattern for pattern in FILES if any(table.glob(pattern))), None)


def stored_tables(warehouse: Path, target_schema: str) -> dict[str, Path]:
    """Spark's tables that hold files, as schema.table to folder; raises ClickException.

    Only those of a target schema: `ann_marts` of ann is `marts`, and marts of main.
    """
    prefix = "" if target_schema == "main" else f"{target_schema.lower()}_"
    tables = {f"{schema}.{path.name}": path for schema in declarations.schemas()
              for path in sorted((warehouse / f"{prefix}{schema}.db").glob("*"))
              if files_of(path)}
    if "landing.build_log" not in tables:
        raise click.ClickException(
            f"There is no finished Spark build under OFFER_AI_SPARK_WAREHOUSE='{warehouse}', "
            f"schema '{target_schema}': run `.venv/bin/dbt build --target spark`.")
    if (warehouse / f"{prefix}landing.db" / "build_under_way").exists():
        raise click.ClickException(
            "A Spark build is under way, or was cut off: wait for it, or run `.venv/bin/dbt build "
            "--target spark` again.")
    return tables


def build_empty(database: Path) -> None:
    """Builds the project on no events: every table as it is when it holds nothing."""
    events = database.with_name("events.ndjson")
    events.touch()
    done = subprocess.run(
        [Path(sys.executable).parent / "dbt", "--quiet", "run", "--target", "duckdb",
         "--target-path", database.with_name("target")], cwd=ROOT, capture_output=True, text=True,
        env=os.environ | {"OFFER_AI_DB": str(database), "OFFER_AI_EVENTS": str(events)})
    if done.returncode:
        raise click.ClickException(f"dbt could not make the views: {done.stdout}")


def show(con: duckdb.DuckDBPyConnection, tables: dict[str, Path]) -> None:
    """Makes of every empty table a view of Spark's files, or of no rows."""
    empty = con.execute("select schema_name || '.' || table_name from duckdb_tables()").fetchall()
    for name in {name for (name,) in empty} | tables.keys():
        if name in tables:
            # The day in a folder's name is no column.
            rows = (f"from read_parquet({sql_text(files_of(tables[name]))}, "
                    "hive_partitioning = false)")
        else:
            columns = con.execute(f"describe {name}").fetchall()
            rows = "select {} where false".format(", ".join(
                f"cast(null as {kind}) as {column}" for column, kind, *_ in columns))
        con.execute(f"create schema if not exists {name.split('.')[0]}")
        con.execute(f"drop table if exists {name}")
        con.execute(f"create view {name} as {rows}")


def check_replaceable(database: Path) -> None:
    """Raises ClickException when a file holds tables of its own."""
    if database.exists():
        with duckdb.connect(str(database), read_only=True) as con:
            (tables,) = con.execute("select count(*) from duckdb_tables()").fetchone()
        if tables:
            raise click.ClickException(
                f"OFFER_AI_DB='{database}' is a warehouse of its own: name another file.")


def bridge(database: Path, warehouse: Path, target_schema: str) -> int:
    """Replaces `database` by views of Spark's tables; returns how many tables those are."""
    tables = stored_tables(warehouse.absolute(), target_schema)
    check_replaceable(database)
    database.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=database.parent) as folder:
        # Views name their database, after its file.
        part = Path(folder, database.name)
        build_empty(part)
        with duckdb.connect(str(part)) as con:
            show(con, tables)
        part.replace(database)
    return len(tables)
