"""Serving sees what training saw; and the replay would tell if it did not."""

import os
import random

from built import built_of
from commands import run, run_code
from events import batch


def test_replay(tmp_path):
    built_of(tmp_path, *batch(random.Random(5)))
    result = run("replay", "--offers", 2,
                 env=os.environ | {"OFFER_AI_DB": str(tmp_path / "w.duckdb")})
    assert result.returncode == 0, result.stderr
    assert "2 offers replayed, 10 features compared, 0 differ" in result.stdout


def test_replay_shows_a_lookup_that_is_wrong(tmp_path):
    """One that takes the newest version for every request."""
    built_of(tmp_path, *batch(random.Random(5)))
    result = run_code("""
import sys
from pathlib import Path
from offer_ai.features import lookup
from offer_ai.features.replay import replay
lookup.version_at = lambda versions, *_: versions[-1]
print(*replay(Path(sys.argv[1]), 2, "1").differences)
""", str(tmp_path / "w.duckdb"))
    assert " in training and " in result.stdout, result.stderr
