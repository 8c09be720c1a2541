"""What the page reads and what it says of it, on tables made by hand."""

import duckdb
import pytest

from offer_ai.base import declarations
from offer_ai.report.aggregates import columns, query, shown_views
from offer_ai.report.writing import still_missing

pytestmark = pytest.mark.quick
EVERY = '[{"probability": 0.5}, {"probability": 0.5}]'
TWO_LIKED = '[{"probability": 0.4}, {"probability": 0.4}, {"probability": 0.2}]'
LIKED = '[{"probability": 0.9}, {"probability": 0.1}]'
ONE_KNOWN = '[{"probability": 0.3}, {"probability": null}]'


@pytest.fixture
def decided(monkeypatch):
    """The block `decisions` of rows: arm, propensity, candidates, what was done, the target."""
    def read(*made, action="offer_type"):
        points = {declarations.OFFERS: {
            "action": [action], "reward": None,
            "columns": [{"name": action, "data_type": "string"}]}}
        monkeypatch.setattr(declarations, "decision_points", lambda: points)
        con = duckdb.connect()
        con.execute(f"""
            create schema staging; create schema marts;
            create table marts.training_offers ({action} varchar);
            create table staging.stg_decisions (
                event_time timestamp, user_id varchar, arm varchar, propensity double,
                candidates varchar, {action} varchar, target_{action} varchar,
                target_policy_version varchar);
            create temp table players (user_id varchar, country varchar);
            set variable first_day = date '2025-01-01'""")
        for row in made:
            con.execute("insert into staging.stg_decisions values "
                        "('2025-01-01', 'u', ?, ?, ?, ?, ?, 'm2')", row)
        for view in shown_views():
            con.execute(view)
        found = columns(con, query("decisions"))
        return {name: values[0] for name, values in found.items()}
    return read


def test_what_is_explored(decided):
    found = decided(("policy", 0.5, EVERY, "x", "x"), ("policy", 0.9, LIKED, "x", "y"),
                    ("policy", 0.1, LIKED, "y", "y"), ("holdout", 0.5, EVERY, "x", "x"),
                    ("policy", 0.4, TWO_LIKED, "x", "x"))
    assert (found["decisions"], found["explored"], found["held_out"]) == (4, 3, 1)
    assert (found["asked"], found["matches"]) == (5, 4)
    assert found["in_arms"] == 5


def test_of_an_apprentice_nobody_knows_what_is_explored(decided):
    """It knows the chance of the game's own offer, perhaps, and of no other."""
    found = decided((None, 0.3, ONE_KNOWN, "x", "x"), (None, 0.3, ONE_KNOWN, "x", "y"))
    assert (found["decisions"], found["explored"], found["in_arms"]) == (0, 0, 0)
    assert (found["asked"], found["matches"]) == (2, 1)


def test_a_match_is_one_of_the_declared_action(decided):
    found = decided(("policy", 0.5, EVERY, "hard", "hard"),
                    ("policy", 0.5, EVERY, "hard", "soft"), action="paywall")
    assert (found["asked"], found["matches"]) == (2, 1)


@pytest.mark.parametrize(("in_arms", "held_out", "arms", "says"), [
    (9, 2, [], "known a week after the first decision for them"),
    (9, 2, ["policy"], "known a week after the first decision for them"),
    (9, 0, ["policy"], "No player is in a holdout: set holdout_share"),
    (0, 0, [], "an apprentice"),
    (9, 2, ["policy", "holdout"], None),
], ids=["first week", "first week of the holdout", "no holdout", "apprentice", "all"])
def test_what_is_missing_of_a_holdout(in_arms, held_out, arms, says):
    said = still_missing({
        "days": 9, "whole_day": 8, "offers": {"shown": [9], "mature": [9]},
        "decisions": {"day": [0], "in_arms": [in_arms], "held_out": [held_out]},
        "arms": {"arm": arms}, "calibration": {"rows": [9]}})
    assert len(said) == (says is not None)
    assert says is None or says in said[0]
