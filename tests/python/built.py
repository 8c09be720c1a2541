"""Builds the real project on given files and reads what came out."""

import contextlib
import fcntl
import gc
import json
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

import duckdb
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from offer_ai.base.settings import ROOT

# Keeps the project as parsed by the first process that needs it: parsing takes ten seconds,
# reading what came of it one.
PARSED = Path(os.environ.get("OFFER_AI_TEST_TARGET") or tempfile.mkdtemp(prefix="offer_ai_parsed_"))
TARGET = tempfile.mkdtemp(prefix="offer_ai_target_")  # what this process lets dbt write
PROJECT_FILES = ("models", "macros", "seeds", "scripts", "dbt_project.yml",
                 "profiles.yml", "tests")

# By what is in them: the project as it is, the database's name (tests call theirs `w`), the table
# of events. Vars make another one in a copy of the project alone, where they may be declarations.
manifests: dict = {}
messages: list[str] = []  # what dbt last warned of, failed with or was made to say


class BuildError(AssertionError):
    """dbt failed; the message holds what it said."""


def copy_project(folder: Path) -> Path:
    """A copy of the project in which a test may change declarations."""
    project = folder / "project"
    for name in PROJECT_FILES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, project / name)
        else:
            project.mkdir(exist_ok=True)
            shutil.copy(source, project / name)
    return project


def edited(folder, *replacements):
    """A copy of the project with lines of dbt_project.yml replaced."""
    project = copy_project(folder)
    path = project / "dbt_project.yml"
    text = path.read_text()
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)
    return project


def dbt(*arguments: str, events, database, project: Path = ROOT) -> list:
    """Runs dbt in this process; returns its results, raises BuildError."""
    environment = {"OFFER_AI_EVENTS": str(events), "OFFER_AI_DB": str(database)}
    target = TARGET if project == ROOT else project / "target"
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    Path(database).parent.mkdir(parents=True, exist_ok=True)
    messages.clear()

    def listen(event):
        if event.info.level in ("error", "warn") or event.info.name == "JinjaLogInfo":
            messages.append(event.info.msg)

    # What dbt writes down of a build (artifacts, log lines) is a third of a small one's time.
    options = ["--quiet", "--no-use-colors",
               *([] if "--write-json" in arguments else ["--no-write-json"]),
               "--log-level", "none", "--log-level-file", "none",
               "--target-path", str(target),
               "--project-dir", str(project), "--profiles-dir", str(project)]
    try:
        with contextlib.chdir(project):
            key = _manifest_key(project, events, database, arguments)
            if key not in manifests or "--write-json" in arguments:
                with _parsed_before(key) if project == ROOT else contextlib.nullcontext():
                    parsed = dbtRunner(callbacks=[listen]).invoke(
                        ["parse", *(() if project == ROOT else _given_vars(arguments)), *options])
                if not parsed.success:
                    raise BuildError("\n".join(messages) + str(parsed.exception or ""))
                manifests[key] = parsed.result
                gc.freeze()  # it stays: to look through it for garbage takes a tenth of a second
            result = dbtRunner(manifests[key], callbacks=[listen]).invoke(
                [*arguments, *options])
    finally:
        DuckDBConnectionManager.close_all_connections()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
    if not result.success:
        raise BuildError("\n".join(messages) + str(result.exception or ""))
    return list(result.result.results) if hasattr(result.result, "results") else []


@contextlib.contextmanager
def _parsed_before(key: tuple):
    """While the project is parsed: what another process parsed lies where dbt looks for it, with
    the variables that it was parsed with, as dbt begins anew where these differ."""
    _, _, _, stem, table = key
    folder, own = PARSED / f"{stem}-{table}", Path(TARGET, "partial_parse.msgpack")
    folder.mkdir(parents=True, exist_ok=True)
    shared = folder / own.name
    given = {name: os.environ[name] for name in ("OFFER_AI_EVENTS", "OFFER_AI_DB")}
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if shared.exists():
            shutil.copy(shared, TARGET)
        os.environ.update(OFFER_AI_EVENTS=f"table:{table}" if table else "events",
                          OFFER_AI_DB=f"{stem}.duckdb")
        try:
            yield
        finally:
            os.environ.update(given)
        if own.exists() and not shared.exists():
            shutil.copy(own, shared)


def _given_vars(arguments: tuple) -> tuple:
    """`--vars` and what follows it, of a command's arguments."""
    if "--vars" not in arguments:
        return ()
    first = arguments.index("--vars")
    return arguments[first:first + 2]


def _manifest_key(project: Path, events, database, arguments: tuple) -> tuple:
    files = () if project == ROOT else tuple(
        (str(path), path.stat().st_mtime_ns, path.stat().st_size)
        for name in PROJECT_FILES if name != "scripts"
        for path in sorted([project / name, *(project / name).rglob("*")]) if path.is_file())
    return (project, files, () if project == ROOT else _given_vars(arguments), Path(database).stem,
            str(events).partition("table:")[2])


def build(events, database, *arguments: str, project: Path = ROOT) -> list:
    """Builds every model and seed; data tests are two fifths of a build's time."""
    return dbt("build", "--resource-type", "model", "--resource-type", "seed", *arguments,
               events=events, database=database, project=project)


def build_and_test(events, database, *arguments: str, project: Path = ROOT) -> list:
    """The same with the data tests."""
    return dbt("build", "--exclude-resource-type", "unit_test", *arguments,
               events=events, database=database, project=project)


@cache
def _built_once(events: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="offer_ai_built_"))
    write_events(folder / "events" / "1.ndjson", *json.loads(events))
    build(folder / "events", folder / "w.duckdb")
    return folder / "w.duckdb"


def built_of(folder: Path, *events: dict) -> Path:
    """Puts w.duckdb, built of these events, and a folder `events` for more into a folder.

    Tests that begin with the same events share one build.
    """
    (folder / "events").mkdir(parents=True)
    return Path(shutil.copy(_built_once(json.dumps(events)), folder))


def write_events(path: Path, *events: dict) -> Path:
    """Writes events as NDJSON, the fields that all must carry filled in where absent."""
    common = {"event_id": "game_start", "event_time": "2025-01-01T10:00:00",
              "customer_identifier": "u", "session_id": "s"}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(common | event) + "\n" for event in events))
    return path


def rows(database, query: str) -> list[dict]:
    """The rows of a query as dicts."""
    with duckdb.connect(str(database), read_only=True) as con:
        cursor = con.execute(query)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
