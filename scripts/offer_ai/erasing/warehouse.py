"""Takes users out of the warehouse: a file without them takes the place of the one with them.

DuckDB leaves what was deleted in blocks that are free, so a file that is to hold nothing of
users, in no byte, is written anew.
"""

import secrets
import shutil
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import click
import duckdb

from offer_ai.base.files import part_of
from offer_ai.base.sql import sql_text
from offer_ai.erasing.found import USERS, Found, keep_users
from offer_ai.warehouse.texts import texts_in

REASON = "the user was erased"  # of a reject, as models/landing/rejected_events.sql gives it
IS_SPARKS = ("{database} shows tables of Spark: erase there, as docs/erasing.md says, then "
             "everything else with --no-warehouse.")
IS_OLDER = ("{database} was built by an older version: run `.venv/bin/dbt build --full-refresh` "
            "once, then this again.")


def opened(database: Path, users: Collection[str], say: Callable[[str], object],
           wait: float, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """The warehouse, which no build or publish has open, with the users in USERS.

    Waits so many seconds for those that have. Raises ClickException.
    """
    if not database.exists():
        raise click.ClickException(f"There is no warehouse at OFFER_AI_DB='{database}'.")
    con = waited_for(database, lambda: duckdb.connect(str(database), read_only=read_only), wait,
                     lambda: say("waiting until no build or publish has the warehouse open"))
    con.execute("set TimeZone = 'UTC'")
    con.execute("set preserve_insertion_order = false")
    # Their analysis costs more time than their space is worth.
    con.execute("set disabled_compression_methods = 'fsst,zstd'")
    keep_users(con, users)
    con.create_function("texts_in", texts_in, ["VARCHAR"], "VARCHAR[]")
    check(con, database)
    return con


def waited_for(database: Path, open_it: Callable[[], duckdb.DuckDBPyConnection], wait: float,
               say_so: Callable[[], object]) -> duckdb.DuckDBPyConnection:
    """What `open_it` returns, once no other process locks the file; ClickException after so many
    seconds."""
    until, said = time.monotonic() + wait, False
    while True:
        try:
            return open_it()
        except duckdb.IOException as error:
            if "lock" not in str(error) or time.monotonic() > until:
                raise click.ClickException(
                    f"{database} cannot be opened: {str(error).splitlines()[0]}") from error
            if not said:
                say_so()
            said = True
            time.sleep(0.05)


def check(con: duckdb.DuckDBPyConnection, database: Path) -> None:
    """Raises ClickException where the file is no warehouse that can be erased from."""
    landed = tables(con).get(name_of(con, "landed_events"))
    if landed is None:
        (is_view,) = con.execute("select count(*) from duckdb_views() "
                                 "where view_name = 'landed_events'").fetchone()
        raise click.ClickException((IS_SPARKS if is_view else
                                    "{database} holds no build yet.").format(database=database))
    if "is_erased" not in landed:
        raise click.ClickException(IS_OLDER.format(database=database))


def tables(con: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """The columns of each table, by its name with its schema."""
    found = con.execute("""
        select schema_name, table_name, list(column_name)
        from duckdb_columns()
        inner join duckdb_tables() using (database_name, schema_name, table_name)
        where database_name = current_database()
        group by all order by all""").fetchall()
    return {f'"{schema}"."{table}"': columns for schema, table, columns in found}


def name_of(con: duckdb.DuckDBPyConnection, table: str) -> str:
    """A table of landing with its schema, which a host's project may have named."""
    found = con.execute("select schema_name from duckdb_tables() where table_name = ? and "
                        "database_name = current_database()", [table]).fetchone()
    return f'"{found[0] if found else "landing"}"."{table}"'


def record(con: duckdb.DuckDBPyConnection, models: Mapping[str, list[str]]) -> None:
    """Keeps a salted hash of each user, and the models that were fitted to their events: from
    now on nothing lands of them. Of a user who was recorded before, that record stays."""
    name = name_of(con, "landed_events").partition(".")[0] + '."erased_users"'
    con.execute(f"""create table if not exists {name} (
        user_hash varchar, salt varchar, erased_at timestamp, models varchar[])""")
    (salt,) = con.execute(f"select max(salt) from {name}").fetchone()
    salt = salt or secrets.token_hex(16)
    con.execute("create or replace temp table fitted (user_id varchar, models varchar[])")
    for item in models.items():
        con.execute("insert into fitted values (?, ?)", item)
    con.execute(f"""
        insert into {name}
        select sha256($salt || user_id), $salt, (now() at time zone 'UTC')::timestamp,
            coalesce(models, [])
        from {USERS} left join temp.main.fitted using (user_id)
        where sha256($salt || user_id) not in (select user_hash from {name})""", {"salt": salt})
    con.execute("checkpoint")


def recorded_models(con: duckdb.DuckDBPyConnection) -> list[str]:
    """The models that were fitted to events of the users, as `record` kept them."""
    name = name_of(con, "erased_users")
    return [model for (model,) in con.execute(f"""
        select distinct unnest(models) from {name}
        where user_hash in (select sha256(salt || user_id) from {USERS}) order by 1"""
        if name in tables(con) else "select null where false").fetchall()]


def count(con: duckdb.DuckDBPyConnection) -> list[Found]:
    """How many rows each table has of the users."""
    found = []
    for name, columns in tables(con).items():
        if name == name_of(con, "rejected_events"):
            query = f"select count(*) from ({naming(name)})"
        elif "user_id" in columns:
            query = f"select count(*) from {name} as t semi join {USERS} as e on {IS_OF_ONE}"
        else:
            continue
        (rows,) = con.execute(query).fetchone()
        if rows:
            found.append(Found("warehouse", name.replace('"', ""), rows))
    return found


IS_OF_ONE = "t.user_id::varchar = e.user_id"


def naming(rejected_events: str) -> str:
    """The rejects whose text names one of the users, as a query of rowid."""
    return f"""
        select distinct row_id from (
            select rowid as row_id, unnest(texts_in(raw_line)) as user_id from {rejected_events}
        ) semi join {USERS} using (user_id)"""


def kept(con: duckdb.DuckDBPyConnection, name: str, columns: list[str]) -> str:
    """What stays of a table, as a query."""
    if name == name_of(con, "landed_events"):
        # Of a line nothing is left but that there was one.
        return f"""
            select t.* from {name} as t anti join {USERS} as e on {IS_OF_ONE}
            union all by name
            select t.file_id, true as is_rejected, not t.is_rejected as is_erased
            from {name} as t semi join {USERS} as e on {IS_OF_ONE}"""
    if name == name_of(con, "rejected_events"):
        return f"""
            select t.* replace (
                case when naming.row_id is null then t.raw_line end as raw_line,
                case when naming.row_id is null then t.reason else {sql_text(REASON)} end as reason)
            from {name} as t left join ({naming(name)}) as naming on t.rowid = naming.row_id"""
    if name == name_of(con, "new_rows"):
        return f"select * from {name} where false"  # of a table's last batch, and done with
    if "user_id" in columns:
        return f"select t.* from {name} as t anti join {USERS} as e on {IS_OF_ONE}"
    return f"select * from {name}"


def rewrite(con: duckdb.DuckDBPyConnection, database: Path) -> None:
    """Puts a file without the users in the warehouse's place, and closes the connection."""
    database = database.resolve()  # the file that holds them, not a link to it
    part = part_of(database)
    for left in (part, part.with_name(f"{part.name}.wal")):
        left.unlink(missing_ok=True)
    con.execute(f"attach {sql_text(part)} as erasing (storage_version 'latest')")
    (catalog,) = con.execute("select current_database()").fetchone()
    con.execute(f'copy from database "{catalog}" to erasing (schema)')
    for name, columns in tables(con).items():
        con.execute(f"insert into erasing.{name} by name {kept(con, name, columns)}")
    con.execute("checkpoint erasing")
    con.execute("detach erasing")
    # All is in the file already: closing it must not touch the log of the one that follows.
    con.execute("pragma disable_checkpoint_on_shutdown")
    part.replace(database)
    con.close()


def clear_away(database: Path) -> None:
    """What builds that were killed left beside the warehouse; its lock is held."""
    for suffix in ("scratch", "tmp"):
        shutil.rmtree(f"{database}.{suffix}", ignore_errors=True)


def raw_files(con: duckdb.DuckDBPyConnection, is_dry_run: bool = False) -> list[str]:
    """The files that lines of erased users landed from; of a dry run, of the users too."""
    landed, files, rejects = (name_of(con, table) for table in (
        "landed_events", "landed_files", "rejected_events"))
    of_users = f"""
        or file_id in (select file_id from {landed} as t semi join {USERS} as e on {IS_OF_ONE})
        or source_file in (select source_file from {rejects} where rowid in ({naming(rejects)}))
        """ if is_dry_run else ""
    return [name for (name,) in con.execute(f"""
        select source_file from {files}
        where file_id in (select file_id from {landed} where is_erased)
            or source_file in (select source_file from {rejects} where reason = ?)
            {of_users}
        order by file_id""", [REASON]).fetchall()]
