"""Serving sees what training saw; and the replay would tell if it did not."""

import os
import random

import pytest

from built import build, built_of, copy_project, edited, rows, write_events
from commands import run, run_code
from declared import FEATURES, SPLIT, feature
from events import at, batch

REPLAY = """
import sys
from pathlib import Path
from offer_ai.features.replay import replay
done = replay(Path(sys.argv[1]), 4, "1")
print(done.offers, done.features, done.differences)
"""


def test_replay(tmp_path):
    built_of(tmp_path, *batch(random.Random(5)))
    result = run("replay", "--offers", 2,
                 env=os.environ | {"OFFER_AI_DB": str(tmp_path / "w.duckdb")})
    assert result.returncode == 0, result.stderr
    assert "2 offers replayed, 10 features compared, 0 differ" in result.stdout


@pytest.mark.long
def test_replay_of_amounts_in_another_currency(tmp_path):
    """They are converted once; without rates it ends with a sentence."""
    other = {"currency": "EUR"}
    built_of(tmp_path, at(5, "10:00:00", kind="purchase", txn_amount="4.99", **other),
             at(6, "10:00:00", kind="offer_shown", offer_type="x", offer_price="9.99", **other))
    env = os.environ | {"OFFER_AI_DB": str(tmp_path / "w.duckdb")}
    (offer,) = rows(tmp_path / "w.duckdb", "from marts.training_offers")
    assert float(offer["prev_week_purchase_amount"]) not in (0, 4.99)
    result = run("replay", env=env)
    assert "1 offers replayed, 5 features compared, 0 differ" in result.stdout, result.stderr
    project = copy_project(tmp_path)
    (project / "seeds" / "exchange_rates.csv").write_text("currency,day,rate\nEUR,never,1\n")
    result = run("replay", env=env, cwd=project)
    assert result.stderr.startswith("Error: What came before an anchor was not built: ")
    assert "Traceback" not in result.stderr


@pytest.mark.long
def test_replay_with_what_a_client_knows(tmp_path, monkeypatch):
    """No id of a session that is cut by time and still goes on; the fields of `from_anchor`."""
    project = edited(
        tmp_path, (SPLIT, "session_split: {order_by: event_time, split_on: "
                   "event_time > previous.event_time + interval 12 hour}"),
        (FEATURES, FEATURES + feature("balance", "double", from_anchor="currency_balance")))
    write_events(
        tmp_path / "1.ndjson", at(1, "10:00:00"), at(1, "10:01:00", kind="game_end", won=1),
        at(2, "10:00:00"), at(2, "10:05:00", kind="offer_shown", offer_type="x", offer_price=1,
                              currency_balance="12.5"))
    build(tmp_path / "1.ndjson", tmp_path / "w.duckdb", project=project)
    (offer,) = rows(tmp_path / "w.duckdb", "from marts.training_offers")
    assert (offer["session_id"], offer["balance"]) == ("2", 12.5)
    assert offer["last_session_win_ratio"] == 1
    monkeypatch.chdir(project)
    result = run_code(REPLAY, str(tmp_path / "w.duckdb"), PYTHONPATH=str(project / "scripts"))
    assert result.returncode == 0, result.stderr
    assert result.stdout == "1 6 []\n"


@pytest.mark.long
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
