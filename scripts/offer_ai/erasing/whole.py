"""Erases users from every place that the project keeps anything in."""

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
import duckdb

from offer_ai.base import settings
from offer_ai.base.files import MANIFEST
from offer_ai.base.locks import only_one, publishing
from offer_ai.base.shown import without_secrets
from offer_ai.base.sql import sql_text
from offer_ai.erasing import logs, models, parquet, warehouse
from offer_ai.erasing.found import USERS, Found, keep_users
from offer_ai.features.opening import open_store
from offer_ai.serving.log_files import CLOSED
from offer_ai.training.versions import VERSION, PublishError
from offer_ai.warehouse.marts import DATABASE, publish_marts

RAW_FILE = "raw file that lines of erased users landed from, not changed"
NO_LOGS = ("No folder was looked into for the service's logs of decisions, as OFFER_AI_EVENTS is "
           "none: name with --logs where it logs to.")


@dataclass(frozen=True)
class Places:
    """Where to look. `stores` and `trainings` are URLs or paths beside those of the export folder,
    `logs` folders of decisions beside that of the events; `has_warehouse` is false where tables of
    Spark are shown."""

    database: Path
    export: Path
    events: str
    stores: Sequence[str] = ()
    trainings: Sequence[str] = ()
    has_warehouse: bool = True
    wait: float = 600.0
    logs: Sequence[Path] = ()

    @property
    def parquet(self) -> Path:
        return self.export / "latest" / "latest_features.parquet"

    @property
    def all_stores(self) -> list[str]:
        own = self.export / "latest" / "latest_features.sqlite"
        default = [settings.default_store(self.export)] if own.exists() else []
        return list(dict.fromkeys([*default, *self.stores]))

    @property
    def all_trainings(self) -> list[str]:
        own = sorted(self.export.glob("training*"))  # one for each decision point
        return [*(str(folder) for folder in own if is_training(folder)), *self.trainings]

    @property
    def all_logs(self) -> list[Path]:
        own = [] if self.events.startswith(settings.NO_PATHS) else [Path(self.events)]
        return list(dict.fromkeys(folder.resolve() for folder in (*own, *self.logs)
                                  if folder.is_dir()))


def is_training(folder: Path) -> bool:
    """Whether it holds versions of a training table, if only what a first publish left."""
    return folder.is_dir() and ((folder / MANIFEST).exists() or any(
        VERSION.fullmatch(path.name) for path in folder.iterdir()))


def find(users: Sequence[str], places: Places, say: Callable[[str], object]) -> list[Found]:
    """Where the users are; changes nothing. Raises ClickException, StoreError, PublishError."""
    check_places(users, places)
    found = []
    if places.has_warehouse:
        with warehouse.opened(places.database, users, say, places.wait, read_only=True) as con:
            found += warehouse.count(con)
            found += [Found("model fitted to their days", name, 1) for name in sorted(
                {name for names in models.fitted_to(con, places.export).values()
                 for name in names} | set(warehouse.recorded_models(con)))]
            found += [Found(RAW_FILE, name, 1)
                      for name in still_there(warehouse.raw_files(con, is_dry_run=True), places)]
    found += in_published(users, places, say, is_replaced=False)
    return found + elsewhere(users, places, dry_run=True)


def in_published(users: Sequence[str], places: Places, say: Callable[[str], object],
                 is_replaced: bool) -> list[Found]:
    """What the published database holds. One that is to be replaced is waited for while another
    process has it open to write: DuckDB would apply that one's log to the file that follows."""
    database = places.export / DATABASE
    if not database.exists():
        return []
    with duckdb.connect() as con:
        try:
            warehouse.waited_for(
                database, lambda: con.execute(
                    f"attach {sql_text(database)} as published (read_only)"),
                places.wait if is_replaced else 0,
                lambda: say(f"waiting until nobody has {DATABASE} open to write"))
        except click.ClickException as error:
            if is_replaced:
                raise
            say(f"{error.message}; it is not looked into")
            return []
        keep_users(con, users)
        names = con.execute("""
            select schema_name || '.' || table_name from duckdb_columns()
            where database_name = 'published' and column_name = 'user_id'""").fetchall()
        counts = [(name, con.execute(f"select count(*) from published.{name} semi join {USERS} "
                                     "using (user_id)").fetchone()[0]) for (name,) in names]
    return [Found(DATABASE, name, rows) for name, rows in counts if rows]


def erase(users: Sequence[str], places: Places, say: Callable[[str], object]) -> dict:
    """Erases them; returns a receipt without an id.

    First it is kept (as a salted hash) that they are erased, so that nothing of theirs lands any
    more; whatever ends this early, it is simply done again. No build and no publish runs while it
    works: they wait, or try again. Raises ClickException, StoreError and PublishError.
    """
    found, raw, fitted = [], [], []
    with only_one(places.export / ".erasing", "erases users"):
        con = None
        check_places(users, places)
        published = in_published(users, places, say, places.has_warehouse)
        if published and not places.has_warehouse:
            say(f"{DATABASE} still holds them: run `make export`, then this again")
        if places.has_warehouse:
            found += published
            found += erase_from_warehouse(users, places, say)
            con = warehouse.opened(places.database, users, say, places.wait)
            warehouse.clear_away(places.database)
            raw = still_there(warehouse.raw_files(con), places)
            fitted = warehouse.recorded_models(con)
            publish(con, places, say)
        found += elsewhere(users, places, dry_run=False)
        if con:
            con.close()
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "users": len(set(users)),
        "erased": [one.__dict__ for one in found],
        "raw_files": [unnamed(name, users) for name in raw],
        "models": models.told(places.export, fitted),
        "not_looked_into": [] if places.all_logs else [NO_LOGS],
    }


def erase_from_warehouse(users: Sequence[str], places: Places,
                         say: Callable[[str], object]) -> list[Found]:
    con = warehouse.opened(places.database, users, say, places.wait)
    warehouse.record(con, models.fitted_to(con, places.export))
    found = warehouse.count(con)
    warehouse.rewrite(con, places.database)
    return found


def publish(con: duckdb.DuckDBPyConnection, places: Places, say: Callable[[str], object]) -> None:
    """Replaces the published database, if there is one."""
    if not (places.export / DATABASE).exists():
        return
    if warehouse.name_of(con, "build_log") not in warehouse.tables(con):
        raise click.ClickException(
            f"{places.database} holds no finished build, so {DATABASE} cannot be published "
            "without the users: run `.venv/bin/dbt build`, then this again.")
    say(f"publishing {DATABASE}")
    with publishing(places.export):
        publish_marts(con, places.export)


def check_places(users: Sequence[str], places: Places) -> None:
    """Raises StoreError where a store cannot be read, PublishError where a folder that was named
    holds no training table: before anything is changed."""
    for target in places.trainings:
        if "://" not in target and not is_training(Path(target)):
            raise PublishError(f"{target} holds no training table: name the folder that its "
                               f"{MANIFEST} is in.")
    for url in places.all_stores:
        store = open_store(url, read_only=True)
        store.get_many(users[:1])
        store.close()


def elsewhere(users: Sequence[str], places: Places, dry_run: bool) -> list[Found]:
    """What lies beside the warehouse."""
    without = parquet.Without(users)
    found = parquet.latest(places.parquet, without, dry_run)
    for url in places.all_stores:
        store = open_store(url, read_only=True)  # which makes none
        held = list(store.get_many(list(set(users))))
        store.close()
        if not dry_run:
            store = open_store(url)
            store.forget(held)
            store.close()
        if held:
            found.append(Found("feature store", without_secrets(url), len(held)))
    with tempfile.TemporaryDirectory() as aside:
        # A dry run takes nothing from under an erasure that runs beside it.
        part = Path(aside, "copies") if dry_run else places.export / ".erasing.part"
        # What a running publish has written is in no manifest yet.
        with nullcontext() if dry_run else publishing(places.export):
            if not dry_run:
                remove_parts(places.export)
            for target in places.all_trainings:
                found += parquet.training(target, without, part, dry_run)
    for folder in places.all_logs:
        found += logs.decisions(folder, users, dry_run)
    return found


def remove_parts(export: Path) -> None:
    """What killed publishes left; none runs."""
    for left in (*export.glob(".*.part*"), *export.glob("latest/.*.part")):
        shutil.rmtree(left) if left.is_dir() else left.unlink()


def still_there(names: Sequence[str], places: Places) -> list[str]:
    """Of raw files those that are not gone, whatever they hold by now; without logs of decisions,
    of which nothing of the users is left."""
    folders = places.all_logs
    return [name for name in names if name.startswith(settings.NO_PATHS) or (
        os.path.exists(name)
        and not (Path(name).match(CLOSED) and Path(name).parent.resolve() in folders))]


def unnamed(name: str, users: Sequence[str]) -> str:
    """A file's name, unless it holds an id."""
    return "a file whose name holds an id" if any(user in name for user in users) else name
