"""Drift of features against what the promoted model was fitted to, on a world that drifts."""

import numpy as np
import pytest

from built import build, dbt, rows, write_events
from commands import export
from offer_ai.training.versions import Versions
from played import FITTED, played

TEST = "features_have_not_drifted"


@pytest.fixture(scope="module")
def drifted(tmp_path_factory):
    """A folder with a warehouse in which most players seem to live in SE from the 15th on."""
    folder = tmp_path_factory.mktemp("drift")
    write_events(folder / "e.ndjson", *played(drifts=True))
    build(folder / "e.ndjson", folder / "w.duckdb")
    return folder


def index(reference: np.ndarray, actual: np.ndarray) -> float:
    """The population stability index of two arrays of bins; an empty one counts half."""
    bins = sorted(set(reference) | set(actual))
    was, now = (np.maximum([(values == one).sum() for one in bins], 0.5) / len(values)
                for values in (reference, actual))
    return float(((now - was) * np.log(now / was)).sum())


def binned(values: list, reference: list) -> np.ndarray:
    """Numbers by the deciles of the reference that they lie above; -1 for none."""
    edges = np.quantile([float(value) for value in reference if value is not None],
                        np.arange(1, 10) / 10)
    return np.array([-1 if value is None else int((float(value) > edges).sum())
                     for value in values])


def test_the_index_is_that_of_numpy(drifted):
    offers = rows(drifted / "w.duckdb", """
        select *, offered_at::date::varchar as day from marts.training_offers""")
    found = {(row["feature"], row["day"]): row for row in rows(
        drifted / "w.duckdb", "select * replace (day::varchar as day) from marts.feature_drift")}
    assert len(found) == 5 * 14
    fitted = [row for row in offers if FITTED["first"] <= row["day"] <= FITTED["last"]]
    for day in ("2025-01-10", "2025-01-20"):
        that = [row for row in offers if row["day"] == day]
        for feature, numeric in (("country", False), ("facebook_connected", False),
                                 ("prev_week_purchase_amount", True),
                                 ("last_session_win_ratio", True)):
            was, now = ([row[feature] for row in part] for part in (fitted, that))
            row = found[feature, day]
            expected = index(binned(was, was), binned(now, was)) if numeric else index(
                np.array(list(map(str, was))), np.array(list(map(str, now))))
            assert row["population_stability_index"] == pytest.approx(expected), (feature, day)
            assert row["null_share"] == pytest.approx(now.count(None) / len(now))
            assert row["reference_null_share"] == pytest.approx(was.count(None) / len(was))
            assert (row["offers"], row["reference_offers"]) == (len(now), len(was))
    last = found["country", "2025-01-20"]
    assert last["unseen_categories"] == 1
    assert last["unseen_share"] == pytest.approx(
        sum(row["country"] == "SE" for row in that) / len(that))
    assert last["has_drifted"] and not found["country", "2025-01-14"]["has_drifted"]


def test_a_drift_warns_and_goes_with_the_training_table(drifted):
    results = dbt("test", "--select", TEST, events=drifted / "e.ndjson",
                  database=drifted / "w.duckdb")
    assert {result.node.name: result.status for result in results}[TEST] == "warn"
    export(drifted, "training")
    manifest = Versions(str(drifted / "export" / "training")).current()
    assert {"feature": "country", "since": "2025-01-15"} in manifest["drift"]
    assert "facebook_connected" not in [one["feature"] for one in manifest["drift"]]


def test_without_a_model_there_is_no_drift(tmp_path):
    events = [event | {"decision_context": "{}"} if "decision_context" in event else event
              for event in played()[:400]]
    write_events(tmp_path / "e.ndjson", *events)
    build(tmp_path / "e.ndjson", tmp_path / "w.duckdb")
    assert rows(tmp_path / "w.duckdb", "from marts.feature_drift") == []
