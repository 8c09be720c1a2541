"""The built warehouse as a reader opens it."""

from pathlib import Path

import click
import duckdb

from offer_ai.base.sql import sql_text

# By DuckDB, and by the schemas of the project.
RESERVED = {"main", "memory", "system", "temp", "landing", "staging", "sessions", "anchors",
            "marts", "seeds", "published"}


def open_warehouse(database: Path, is_to_be_whole: bool = True) -> duckdb.DuckDBPyConnection:
    """A read-only connection to the built warehouse; raises ClickException. Where a build was cut
    off tables are of two ages, and labels look mature that are not: nobody publishes that."""
    if not database.exists():
        raise click.ClickException(
            f"There is no warehouse at OFFER_AI_DB='{database}'. Build it first: "
            "`.venv/bin/dbt build`, or `make build`.")
    try:
        catalog = catalog_of(database)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    con = duckdb.connect()
    try:
        # Views name their database, after its file.
        con.execute(f'attach {sql_text(database)} as "{catalog}" (read_only)')
        con.execute(f'use "{catalog}"')
    except duckdb.IOException as error:
        raise click.ClickException(
            f"{database} cannot be opened, most likely because a build is writing it: "
            f"{str(error).splitlines()[0]}") from error
    con.execute("set TimeZone = 'UTC'")
    try:
        for relation in ("marts.sessions", "marts.latest_features", "landing.build_log"):
            con.execute(f"from {relation} limit 0")
    except duckdb.CatalogException as error:
        raise click.ClickException(
            f"{database} holds no finished build ({error}). Run `.venv/bin/dbt build`."
        ) from error
    if "is_erased" not in con.sql("from landing.landed_events limit 0").columns:
        raise click.ClickException(
            f"{database} was built by an older version: run `.venv/bin/dbt build --full-refresh` "
            "once, which takes over what has landed.")
    if is_to_be_whole and not is_whole(con):
        raise click.ClickException(
            f"The last build of {database} did not go through: run `.venv/bin/dbt build` (or `make "
            "build`) again. What was published stays until then.")
    return con


def is_whole(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether a build took in all that has landed and who counts, and no refresh of some models
    was cut off."""
    built, is_refreshed = con.execute("""
        select
            coalesce(max(last_file_id), 0),
            not contains(arg_max(models, completed_at), '"unfinished"')
        from landing.build_log""").fetchone()
    left = [f"landing.{table} where file_id > {built}" for table in (
        "landed_files", "landed_events")]
    if excluded := relation_of(con, "built_exclusions"):
        left.append(f"{excluded} where not is_settled")
    return is_refreshed and not any(
        con.execute(f"select 1 from {rows} limit 1").fetchone() for rows in left)


def catalog_of(database: Path) -> str:
    """The name that DuckDB gives a database: its file's, up to the first dot.

    Raises ValueError for one that no warehouse can have.
    """
    name = database.name.partition(".")[0]
    if name.lower() in RESERVED:
        raise ValueError(
            f"OFFER_AI_DB='{database}': DuckDB names a database after its file, and "
            f"'{name}' is taken. Give the file another name, such as offer_ai.duckdb.")
    return name


def relation_of(con: duckdb.DuckDBPyConnection, table: str) -> str | None:
    """A table or view with its schema, wherever dbt was told to put it; None if it is not there."""
    found = con.execute("""
        select table_schema from information_schema.tables
        where table_name = ? and table_catalog = current_database()
        order by table_schema <> 'marts', table_schema limit 1""", [table]).fetchone()
    return found and f"{found[0]}.{table}"


def relation_of_point(con: duckdb.DuckDBPyConnection, table: str, point: dict) -> str:
    """A relation of a decision point, with its schema; ClickException where it is not built."""
    if (found := relation_of(con, table)) is None:
        raise click.ClickException(
            f"The warehouse has no {table} of the decision point {point['name']}: run "
            "`scripts/decision_points.py` and `dbt build`.")
    return found


def schema_of(con: duckdb.DuckDBPyConnection, query: str) -> list[dict]:
    """The columns of a query, in order: name and type."""
    return [{"name": name, "type": kind}
            for name, kind, *_ in con.execute(f"describe {query}").fetchall()]


def watermark(con: duckdb.DuckDBPyConnection) -> str | None:
    """Until when events are taken to be here, in ISO 8601 (UTC); see sessions.watermark."""
    (at,) = con.execute("select watermark_at from sessions.watermark").fetchone()
    return at and at.isoformat() + "Z"
