"""The feature store in a SQLite file: embedded, the default."""

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

from offer_ai.features.store import Description, Item, Row, Store, StoreError, UnpublishedError

TABLES = """
create table if not exists latest_features (
    user_id text primary key,
    feature_versions text not null,
    as_of text not null,
    schema_version text not null
) without rowid;
create table if not exists description (json text not null);
"""
COLUMNS = "user_id, feature_versions, as_of, schema_version"
READ = f"select {COLUMNS} from latest_features where user_id = ?"
WRITE = "insert or replace into latest_features values (?, ?, {as_of}, {schema_version})"
UPSERT = """
insert into latest_features values (?, ?, {as_of}, {schema_version})
on conflict (user_id) do update set
    feature_versions = excluded.feature_versions,
    as_of = excluded.as_of,
    schema_version = excluded.schema_version
where feature_versions <> excluded.feature_versions or schema_version <> excluded.schema_version
"""
START = "sqlite:///"
MAX_PARAMETERS = 500
CHECKPOINTS = 600  # tries, 0.05 s apart
PUBLISHER_WAITS, READER_WAITS = 10, 0.05  # seconds for a lock; a request has other ways to go on


class SqliteStore(Store):
    """A publish is one transaction: readers see the one before it until it is complete.

    Readers and the publisher do not block each other (write-ahead log). The first publish
    has no readers yet: it writes a file aside, which takes its place when it is complete.
    """

    def __init__(self, url: str, read_only: bool = False):
        if not url.startswith(START):
            raise StoreError(f"'{url}' names no file: use sqlite:///path/to/file.sqlite, which "
                             "is relative, or sqlite:////path/to/file.sqlite, absolute.")
        self.path = Path(unquote(url.removeprefix(START)))
        self.part, self.is_read_only = None, read_only
        with self._told("cannot be opened as SQLite"):
            if read_only:
                self._open_to_read()
            elif self.path.exists():
                self._connect(self.path, "journal_mode = wal", "synchronous = normal")
            else:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self.part = self.path.with_name(f".{self.path.name}.part")
                self.part.unlink(missing_ok=True)
                self._connect(self.part, "journal_mode = off", "synchronous = off")
                self.con.executescript(TABLES)

    @contextmanager
    def _told(self, what: str = "cannot be read"):
        """Turns what SQLite and the disk raise into a StoreError that names the file."""
        try:
            yield
        except OSError as error:
            raise StoreError(
                f"The feature store {self.path} {what}: {error.strerror or error}") from error
        except sqlite3.Error as error:
            raise StoreError(f"The feature store {self.path} {what}: {error}") from error

    def _open_to_read(self) -> None:
        if (place := self._place()) is None:
            raise UnpublishedError(
                f"There is no feature store at {self.path}: run `scripts/export.py latest`.")
        self._connect(self.path, "query_only = on")
        self.opened = place

    def _place(self) -> tuple[int, int] | None:
        """Which file the path names now."""
        try:
            told = self.path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return told.st_dev, told.st_ino

    def _connect(self, path: Path, *pragmas: str) -> None:
        self.con = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False,
            timeout=READER_WAITS if self.is_read_only else PUBLISHER_WAITS)
        for pragma in pragmas:
            self.con.execute(f"pragma {pragma}")

    def description(self) -> Description | None:
        with self._told():
            if self.is_read_only and self.opened != self._place():  # another took its place
                self.con.close()
                self._open_to_read()
            row = self.con.execute("select json from description").fetchone()
        return row and Description.from_json(row[0])

    def get(self, user_id: str) -> Item | None:
        with self._told():
            row = self.con.execute(READ, (user_id,)).fetchone()
        return row and Item(*row)

    def get_many(self, user_ids: Sequence[str]) -> dict[str, Item]:
        items = {}
        for start in range(0, len(user_ids), MAX_PARAMETERS):
            some = user_ids[start:start + MAX_PARAMETERS]
            marks = ", ".join("?" * len(some))
            with self._told():
                items |= {
                    row[0]: Item(*row) for row in self.con.execute(
                        f"select {COLUMNS} from latest_features where user_id in ({marks})", some)
                }
        return items

    def user_ids(self) -> Iterator[str]:
        with self._told():
            for (user_id,) in self.con.execute("select user_id from latest_features"):
                yield user_id

    def write(self, rows: Sequence[Row], description: Description) -> None:
        self._change(stamped(WRITE, description), rows)

    def write_changed(self, rows: Sequence[Row], description: Description) -> int:
        before = self.con.total_changes
        self._change(stamped(UPSERT, description), rows)
        return self.con.total_changes - before

    def remove(self, user_ids: Sequence[str]) -> None:
        self._change("delete from latest_features where user_id = ?", [(u,) for u in user_ids])

    def forget(self, user_ids: Sequence[str]) -> None:
        with self._told("still holds users, in part"):
            self.con.execute("pragma secure_delete = on")
            self.remove(user_ids)
            self.con.execute("commit")
            # What was updated or removed before may have left bytes in pages that are free.
            self.con.execute("vacuum")
            for _ in range(CHECKPOINTS):
                # A reader in the middle of a page holds the log.
                (is_busy, *_) = self.con.execute("pragma wal_checkpoint(truncate)").fetchone()
                if not is_busy:
                    return
                time.sleep(0.05)
        raise StoreError(f"{self.path}: a reader holds the write-ahead log.")

    def complete(self, description: Description) -> None:
        self._change("delete from description", [()])
        self._change("insert into description values (?)", [(description.to_json(),)])
        with self._told("cannot be written"):
            self.con.execute("commit")
            if self.part:
                self._take_its_place()

    def _take_its_place(self) -> None:
        """Gives what was written aside its name."""
        self.con.close()
        with self.part.open("rb") as file:
            os.fsync(file.fileno())
        # Of a file that was deleted while it was read; SQLite would apply it to this one.
        for suffix in ("-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        self.part.replace(self.path)
        self.part = None
        self._connect(self.path, "journal_mode = wal", "synchronous = normal")

    def close(self) -> None:
        self.con.close()

    def _change(self, sql: str, rows: Sequence[tuple]) -> None:
        """Runs a statement for each of some rows, in the transaction of the publish."""
        with self._told("cannot be written"):
            if not self.con.in_transaction:
                self.con.execute("begin immediate")
            self.con.executemany(sql, rows)


def stamped(sql: str, description: Description) -> str:
    """A statement with the values that all rows of a publish share."""
    return sql.format(**{
        name: "'" + getattr(description, name).replace("'", "''") + "'"
        for name in ("as_of", "schema_version")})
