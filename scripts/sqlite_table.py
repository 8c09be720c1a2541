"""A relation as a SQLite table."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import duckdb

TYPES = {"BIGINT": "integer", "BOOLEAN": "integer", "DOUBLE": "real"}
BATCH = 50_000


def write(path: Path, table: str, relation: duckdb.DuckDBPyRelation, key: str,
          progress: Callable[[int], object] = lambda rows: None) -> None:
    """Writes a new SQLite file with one table, clustered by its key.

    Exact decimals and times (ISO 8601, UTC) are text; booleans are 0 and 1.
    `relation` comes in order of the key; `progress` is told of each batch's rows.
    """
    path.unlink(missing_ok=True)
    kinds = {name: TYPES.get(str(kind), "text")
             for name, kind in zip(relation.columns, relation.types, strict=True)}
    columns = ", ".join(f'"{name}" {kind}' for name, kind in kinds.items())
    values = ", ".join(
        f"strftime({name}, '%Y-%m-%dT%H:%M:%S.%fZ') as {name}"
        if str(kind).startswith("TIMESTAMP") else
        f"{name}::varchar as {name}" if kinds[name] == "text" else
        f"{name}::bigint as {name}" if kinds[name] == "integer" else name
        for name, kind in zip(relation.columns, relation.types, strict=True))
    con = sqlite3.connect(path)
    con.execute("pragma synchronous = off")
    con.execute("pragma journal_mode = off")
    con.execute(f'create table "{table}" ({columns}, primary key ("{key}")) '
                "without rowid")
    cursor = relation.project(values)
    marks = ", ".join("?" for _ in kinds)
    while rows := cursor.fetchmany(BATCH):
        con.executemany(f'insert into "{table}" values ({marks})', rows)
        progress(len(rows))
    con.commit()
    con.close()
