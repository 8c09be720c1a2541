"""Serving sees what training saw; and the replay would tell if it did not."""

import os
import random
import subprocess
import sys

from test_crash import batch
from warehouse import ROOT, build, write_events


def replay(database, code="import replay; replay.main(['--offers', '4'])"):
    return subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, 'scripts'); {code}"],
        cwd=ROOT, env=os.environ | {"OFFER_AI_DB": str(database)}, capture_output=True, text=True)


def test_replay(tmp_path):
    write_events(tmp_path / "events" / "0.ndjson", *batch(random.Random(5)))
    build(tmp_path / "events", tmp_path / "w.duckdb")
    result = replay(tmp_path / "w.duckdb")
    assert result.returncode == 0, result.stderr
    assert "4 offers replayed, 20 features compared, 0 differ" in result.stdout


def test_replay_shows_a_lookup_that_is_wrong(tmp_path):
    """One that takes the newest version for every request."""
    write_events(tmp_path / "events" / "0.ndjson", *batch(random.Random(5)))
    build(tmp_path / "events", tmp_path / "w.duckdb")
    result = replay(
        tmp_path / "w.duckdb",
        "from offer_ai.features import store; store.holding = lambda versions, *_: versions[-1]; "
        "import replay; replay.main(['--offers', '4'])")
    assert result.returncode == 1
    assert " in training and " in result.stdout
