"""What the warehouse makes of the service's decisions: its skew, and policies' values."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from built import build, built_of, dbt, rows, write_events
from learned import SHOWN, TARGET, TRUTH
from offer_ai.features import open_store
from offer_ai.features.publish import publish_latest
from offer_ai.learning.off_policy import Logged, effective_sample_size, estimates
from offer_ai.serving.decider import Decider
from offer_ai.serving.decision_log import DecisionLog
from offer_ai.warehouse.connection import open_warehouse

SKEW = """
select feature, used_value, recomputed_value, is_equal, is_late_news
from marts.decision_skew order by offered_at, feature"""
TEST = "decisions_used_what_training_sees"


@pytest.fixture
def served(tmp_path):
    """A folder whose published features have decided for `u`; `decide` and `land` in it."""
    built_of(
        tmp_path,
        {"event_id": "app_launched", "event_time": "2025-01-01T00:00:00", "country": "DK",
         "customer_identifier": "u", "session_id": "a", "signin_method": "fb"},
        {"event_id": "purchase", "event_time": "2025-01-01T00:01:00", "txn_amount": "4.99",
         "customer_identifier": "u", "session_id": "a"},
        {"event_id": "game_start", "event_time": "2025-01-01T00:02:00",
         "customer_identifier": "u", "session_id": "a"})
    url = f"sqlite:///{tmp_path}/features.sqlite"
    with open_warehouse(tmp_path / "w.duckdb") as con:
        store = open_store(url)
        publish_latest(con, store)
        store.close()
    log = DecisionLog(tmp_path / "events")
    decider = Decider(tmp_path / "models", url, log)

    def land():
        log.rotate()
        build(tmp_path / "events", tmp_path / "w.duckdb")

    yield tmp_path, decider.decide, land
    log.close()


def verdict(folder) -> str:
    """What the data test says of the decisions that have landed."""
    results = dbt("test", "--select", TEST, events=folder / "events",
                  database=folder / "w.duckdb")
    return {result.node.name: result.status for result in results}[TEST]


def test_no_skew(served):
    folder, decide, land = served
    decide("u", "b", datetime(2025, 1, 2, tzinfo=UTC))
    decide("u", "b", datetime(2025, 1, 9, tzinfo=UTC))
    decide("stranger", "s", datetime(2025, 1, 2, tzinfo=UTC))
    land()
    found = rows(folder / "w.duckdb", SKEW)
    assert len(found) == 15
    assert all(row["is_equal"] and not row["is_late_news"] for row in found)
    assert {row["used_value"] for row in found} >= {"DK", "true", "4.9900", "1", "0.0", "0", None}
    assert verdict(folder) == "pass"


def test_late_news_explain_a_difference(served):
    folder, decide, land = served
    decide("u", "b", datetime(2025, 1, 2, tzinfo=UTC))
    write_events(folder / "events" / "2.ndjson", {
        "event_id": "purchase", "event_time": "2025-01-01T12:00:00", "txn_amount": "1",
        "customer_identifier": "u", "session_id": "a"})
    land()
    different = [row for row in rows(folder / "w.duckdb", SKEW) if not row["is_equal"]]
    assert different == [{"feature": "prev_week_purchase_amount", "used_value": "4.9900",
                          "recomputed_value": "5.9900", "is_equal": False, "is_late_news": True}]
    assert verdict(folder) == "pass"


def test_an_unexplained_difference_warns(served):
    folder, decide, land = served
    decide("u", "b", datetime(2025, 1, 2, tzinfo=UTC))
    (path,) = (folder / "events").glob(".decisions-*")
    event = json.loads(path.read_text())
    path.write_text(json.dumps(event | {
        "decision_context": event["decision_context"].replace('"DK"', '"SE"')}) + "\n")
    land()
    (row,) = [row for row in rows(folder / "w.duckdb", SKEW) if not row["is_equal"]]
    assert (row["used_value"], row["recomputed_value"], row["is_late_news"]) == (
        "SE", "DK", False)
    assert verdict(folder) == "warn"


def test_the_mart_values_a_policy_as_python_does(tmp_path):
    """Equal estimates, and equal intervals."""
    rng = np.random.default_rng(3)
    count = 3000
    kind, action = rng.integers(0, 2, count), rng.choice(3, count, p=SHOWN)
    reward = rng.binomial(1, 0.2, count) * np.round(TRUTH[kind, action] / 0.2, 2)
    model = TRUTH + 0.25
    user = rng.integers(0, 800, count)
    logged = Logged(reward, SHOWN[action], TARGET[kind, action], model[kind, action],
                    (TARGET * model)[kind].sum(axis=1), user)
    # Apart by more than the window of the label, so that each has its own reward.
    times = [datetime(1950, 1, 1) + timedelta(days=8 * n) for n in range(count)]
    events = []
    for n in range(count):
        context = {"target": {
            "policy_version": "m", "offer_type": f"o{TARGET[kind[n]].argmax()}",
            "offer_price": "1.99", "propensity": logged.target[n],
            "predicted": logged.predicted[n], "value": logged.value[n]}}
        who = {"customer_identifier": f"u{user[n]}", "session_id": f"s{n}"}
        events.append({"event_id": "offer_shown", "event_time": times[n].isoformat(),
                       "offer_type": f"o{action[n]}", "offer_price": "1.99", **who,
                       "propensity": logged.propensity[n], "policy_version": "p",
                       "decision_context": json.dumps(context)})
        if reward[n]:
            events.append({"event_id": "purchase", "txn_amount": str(reward[n]), **who,
                           "event_time": (times[n] + timedelta(hours=1)).isoformat()})
    last = (times[-1] + timedelta(days=8)).isoformat()
    write_events(tmp_path / "e.ndjson", *events, *(
        {"event_time": last, "customer_identifier": user} for user in "abc"))
    build(tmp_path / "e.ndjson", tmp_path / "w.duckdb")
    (row,) = rows(tmp_path / "w.duckdb", "from marts.policy_evaluation")
    assert (row["policy_version"], row["target_policy_version"], row["decisions"]) == (
        "p", "m", count)
    assert row["users"] == len(set(user))
    assert row["match_rate"] == pytest.approx((TARGET[kind].argmax(axis=1) == action).mean())
    assert row["effective_sample_size"] == pytest.approx(effective_sample_size(logged.weight))
    assert row["logged_value"] == pytest.approx(reward.mean())
    for name, estimate in estimates(logged).items():
        assert row[f"{name}_value"] == pytest.approx(estimate.value), name
        assert row[f"{name}_low"] == pytest.approx(estimate.low, rel=1e-4), name
        assert row[f"{name}_high"] == pytest.approx(estimate.high, rel=1e-4), name
    assert row["mean_weight"] == pytest.approx(logged.weight.mean())
    assert row["warnings"] is None
