"""Killed at any moment, a build loses nothing, doubles nothing and needs no repair."""

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from built import ROOT, BuildError, build, copy_project, dbt, rows, write_events
from compared import same_warehouses
from events import batch

KILLS = int(os.environ.get("OFFER_AI_KILLS", "2"))


def test_killed_at_random_moments(tmp_path):
    chance = random.Random(7)
    events, database = tmp_path / "events", tmp_path / "w.duckdb"
    fork = multiprocessing.get_context("fork")
    write_events(events / "0.ndjson", *batch(chance))
    build(events, database)
    began = time.time()  # of a build that need not parse first, as those that are killed
    build(events, database)
    length = time.time() - began
    interrupted = 0
    for number in range(1, KILLS + 1):
        if number % 2:
            write_events(events / f"{number}.ndjson", *batch(chance))
        process = fork.Process(target=build, args=(events, database))
        process.start()
        process.join(chance.random() * length)
        process.kill()
        process.join()
        assert process.exitcode in (0, -signal.SIGKILL)
        interrupted += process.exitcode != 0
    assert interrupted > KILLS / 3
    build(events, database)
    whole = tmp_path / "whole" / "w.duckdb"
    build(events, whole)
    same_warehouses(database, whole)


@pytest.mark.long
def test_a_killed_full_refresh_is_not_added_to(tmp_path):
    """A half of it must not pass for the whole of it in the next build."""
    chance = random.Random(8)
    events, database = tmp_path / "events", tmp_path / "w.duckdb"
    fork = multiprocessing.get_context("fork")
    write_events(events / "0.ndjson", *batch(chance))
    build(events, database)
    for number in range(max(KILLS // 5, 2)):
        process = fork.Process(target=build, args=(events, database, "--full-refresh"))
        process.start()
        process.join(0.6 + chance.random())
        process.kill()
        process.join()
        assert process.exitcode in (0, -signal.SIGKILL)
        write_events(events / f"late{number}.ndjson", *batch(chance, 20))
    build(events, database)
    whole = tmp_path / "whole" / "w.duckdb"
    build(events, whole)
    same_warehouses(database, whole)


@pytest.mark.long
def test_a_second_build_says_who_holds_the_lock(tmp_path):
    """And changes nothing."""
    events, database = tmp_path / "events", tmp_path / "w.duckdb"
    write_events(events / "0.ndjson", {})
    build(events, database)
    holder = subprocess.Popen(
        [sys.executable, "-c", "import duckdb, sys\n"
         "con = duckdb.connect(sys.argv[1])\nprint('open', flush=True)\ninput()", database],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "open\n"
    second = subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", "run", "--target-path", tmp_path / "target",
         "--log-path", tmp_path],
        cwd=ROOT, capture_output=True, text=True,
        env=os.environ | {"OFFER_AI_EVENTS": str(events), "OFFER_AI_DB": str(database)})
    holder.communicate("\n")
    assert second.returncode != 0
    assert f"PID {holder.pid}" in second.stdout
    assert rows(database, "select event_count from marts.sessions") == [{"event_count": 1}]


@pytest.mark.long
def test_retry_after_a_failure(tmp_path):
    """`dbt retry` goes on where a model failed; then a build ends where it should.

    A changed model is refused before it can fail, but by the refresh that it asks for.
    """
    project = copy_project(tmp_path)
    events, database = tmp_path / "events", tmp_path / "w.duckdb"
    write_events(events / "0.ndjson", *batch(random.Random(9), 50))
    build(events, database, project=project)
    write_events(events / "1.ndjson", *batch(random.Random(10), 50))
    for name in ("landing/landed_events", "sessions/session_rollups"):
        model = project / "models" / f"{name}.sql"
        text = model.read_text()
        model.write_text(text + "\nwhere no_such_column")
        with pytest.raises(BuildError, match="no_such_column"):
            build(events, database, "--full-refresh", "--write-json", project=project)
        model.write_text(text)
        dbt("retry", events=events, database=database, project=project)
    build(events, database, project=project)
    whole = tmp_path / "whole" / "w.duckdb"
    build(events, whole)
    same_warehouses(database, whole)
