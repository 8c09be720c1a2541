"""Which users are looked for, what was found of them, and where."""

from collections.abc import Collection
from dataclasses import dataclass

import duckdb

USERS = "temp.main.erased"  # the users, one column user_id


@dataclass(frozen=True)
class Found:
    """So many rows, lines or items of users; `what` names a table, a version or a file."""

    place: str
    what: str
    count: int


def keep_users(con: duckdb.DuckDBPyConnection, users: Collection[str]) -> None:
    """Puts users in USERS, once each."""
    con.execute(f"create temp table {USERS.rpartition('.')[2]} as "
                "select distinct unnest($users::varchar[]) as user_id", {"users": list(users)})
