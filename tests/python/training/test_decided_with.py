"""What learns sees a decision's features as they were when it was made."""

import json

import pyarrow.parquet as pq

from built import build, write_events
from commands import export
from events import at
from offer_ai.training.table import manifest_of, offers_of_version, read_training

OFFER = {"kind": "offer_shown", "offer_type": "x", "offer_price": "9.99"}


def test_a_decision_has_the_features_that_it_was_made_with(tmp_path):
    """The store was older than the game; a feature that was not noted is the anchor's own, and so
    is everything where nothing was noted, or what is no object."""
    noted = [{"country": None, "prev_week_purchase_amount": "1.5", "facebook_connected": True,
              "last_session_win_ratio": "much"}, {}, "country", None]
    contexts = [json.dumps({"features": one}) for one in noted] + ["{", None]
    write_events(
        tmp_path / "events" / "1.ndjson",
        at(1, "09:00:00", kind="app_launched", country="DK"),
        at(1, "09:30:00", kind="purchase", txn_amount="7"),
        *(at(1, f"10:0{number}:00", **OFFER, decision_context=context)
          for number, context in enumerate(contexts)),
        at(9, "09:00:00", **OFFER, decision_context=contexts[0]),
        *(at(9, "12:00:00") | {"customer_identifier": f"w{n}"} for n in range(3)))
    build(tmp_path / "events", tmp_path / "w.duckdb")
    assert "6 offers of 1 days" in export(tmp_path, "training").stdout
    folder = tmp_path / "export" / "training"
    names = ("country", "prev_week_purchase_amount", "facebook_connected", "last_session_win_ratio")

    def told(table) -> list[tuple]:
        return [(country, float(paid), *others) for country, paid, *others in zip(
            *(table[name] for name in names), strict=True)]

    own = ("DK", 7.0, None, None)
    _, table = read_training(folder)
    assert told(table) == [(None, 1.5, True, None), *[own] * 5]
    # The table itself is of what was known by then, as the mart is.
    manifest = manifest_of(folder)
    (file,) = manifest["files"]
    assert told(pq.read_table(folder / manifest["version"] / file["path"]).to_pydict()) == [own] * 6
    # Of young ones, and of some columns, too.
    late = offers_of_version(folder, manifest, with_young=True, only=["country"])
    assert late.column_names == ["offer_id", "country", "offered_at"]
    assert late["country"].to_pylist() == [None, *["DK"] * 5, None]


def test_who_was_unknown_when_chance_alone_chose_is_known_by_what_was_true(tmp_path):
    """Where each candidate had the same chance, what the store did not have bore upon nothing."""
    features = {"country": None, "prev_week_purchase_amount": "1.5", "facebook_connected": None,
                "last_session_win_ratio": None}

    def context(*chances) -> str:
        return json.dumps({"features": features, "candidates": [
            {"offer_type": "x", "offer_price": "9.99", "probability": one} for one in chances]})

    contexts = [context(0.25, 0.25), context(0.5, 0.25), context(1), context(), context("a", "a"),
                context(0.25, None)]
    write_events(
        tmp_path / "events" / "1.ndjson",
        at(1, "09:00:00", kind="app_launched", country="DK"),
        at(1, "09:30:00", kind="purchase", txn_amount="7"),
        *(at(1, f"10:0{number}:00", **OFFER, decision_context=context)
          for number, context in enumerate(contexts)),
        *(at(9, "12:00:00") | {"customer_identifier": f"w{n}"} for n in range(3)))
    build(tmp_path / "events", tmp_path / "w.duckdb")
    export(tmp_path, "training")
    _, table = read_training(tmp_path / "export" / "training")
    assert table["country"] == ["DK", None, "DK", None, None, None]
    assert [float(paid) for paid in table["prev_week_purchase_amount"]] == [1.5] * 6
