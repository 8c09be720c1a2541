"""Serving sees what training saw; and the replay would tell if it did not."""

import os
import random

from built import build, built_of, edited, write_events
from commands import run, run_code
from declared import SPLIT
from events import batch

REPLAY = """
import sys
from pathlib import Path
from offer_ai.features.replay import replay
done = replay(Path(sys.argv[1]), 4, "1")
print(done.offers, done.differences)
"""


def test_replay(tmp_path):
    built_of(tmp_path, *batch(random.Random(5)))
    result = run("replay", "--offers", 2,
                 env=os.environ | {"OFFER_AI_DB": str(tmp_path / "w.duckdb")})
    assert result.returncode == 0, result.stderr
    assert "2 offers replayed, 10 features compared, 0 differ" in result.stdout


def test_replay_of_sessions_by_time(tmp_path):
    """Without the sessions' ids, which no client knows; in some of these one goes on."""
    project = edited(tmp_path, (SPLIT, "session_split: {order_by: event_time, split_on: "
                                "event_time > previous.event_time + interval 12 hour}"))
    write_events(tmp_path / "1.ndjson", *(
        event | {"session_id": "1"} for event in batch(random.Random(5))))
    build(tmp_path / "1.ndjson", tmp_path / "w.duckdb", project=project)
    result = run_code(REPLAY, str(tmp_path / "w.duckdb"),
                      PYTHONPATH=str(project / "scripts"))
    assert result.returncode == 0, result.stderr
    assert result.stdout == "4 []\n"


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
