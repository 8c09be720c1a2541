"""Batches in any order, built one after the other, equal one full build."""

import os
import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from test_property import PHASES, same, streams
from warehouse import BuildError, build, copy_project, rows, write_events

EXAMPLES = int(os.environ.get("OFFER_AI_EXAMPLES", "5"))
MARTS = ["sessions", "training_offers", "latest_features", "offer_performance"]
REJECTS = "select source_file, line_number, raw_line, reason from staging.rejected_events"


@st.composite
def batches(draw):
    """The lines of a stream in batches, in random order of arrival; some are empty.

    The last batches are of one event, half of them purchases: what is late by itself
    changes what lies before it by nothing but its label.
    """
    lines = [line for file in draw(streams()) for line in file]
    shuffle = random.Random(draw(st.integers(0, 1 << 30)))
    singles = []
    for _ in range(draw(st.integers(0, 4))):
        purchases = [line for line in lines if b"purchase" in line and b"uuid" not in line]
        late = shuffle.choice([lines, purchases or lines])
        if late:
            singles.append([late[shuffle.randrange(len(late))]])
            lines.remove(singles[-1][0])
    parts = [[] for _ in range(draw(st.integers(1, 3)))]
    for line in lines:
        shuffle.choice(parts).append(line)
    return parts + singles


@settings(max_examples=EXAMPLES, deadline=None, phases=PHASES,
          suppress_health_check=list(HealthCheck))
@given(batches())
def test_batches_equal_a_full_build(parts):
    with tempfile.TemporaryDirectory() as folder:
        events = Path(folder, "events")
        events.mkdir()
        grown, whole = Path(folder, "grown.duckdb"), Path(folder, "whole.duckdb")
        for number, lines in enumerate(parts):
            # Names that do not sort in order of arrival.
            (events / f"{number * 5 % 7}.ndjson").write_bytes(b"\n".join(lines))
            build(events, grown)
        build(events, whole)
        for mart in MARTS:
            same(rows(grown, f"from marts.{mart}"), rows(whole, f"from marts.{mart}"))
        same(rows(grown, REJECTS), rows(whole, REJECTS))
        same(rows(grown, "select * exclude (file_id) from staging.stg_events"),
             rows(whole, "select * exclude (file_id) from staging.stg_events"))


def test_a_purchase_three_weeks_late(tmp_path):
    """Corrects the label of the offer before it and the features of the ones after it."""
    def offer(day, session):
        return {"event_id": "offer_shown", "event_time": f"2025-01-{day:02}T10:00:00",
                "session_id": session, "offer_type": "x", "offer_price": "1.99"}

    def marts():
        return rows(tmp_path / "w.duckdb", """
            select day(offered_at) as day, prev_week_purchase_amount::int as before,
                next_week_purchase_amount::int as after, last_session_games_played as games,
                is_label_mature as is_mature
            from marts.training_offers order by offered_at""")

    def row(day, before, after, games, is_mature):
        return {"day": day, "before": before, "after": after, "games": games,
                "is_mature": is_mature}

    write_events(tmp_path / "events" / "1.ndjson", offer(1, "a"), offer(5, "b"), offer(9, "c"),
                 offer(24, "d"), {"event_time": "2025-01-12T10:00:00", "session_id": "e"})
    build(tmp_path / "events", tmp_path / "w.duckdb")
    assert marts() == [row(1, 0, 0, None, True), row(5, 0, 0, 0, True), row(9, 0, 0, 0, True),
                       row(24, 0, 0, 1, False)]
    late = {"event_id": "purchase", "event_time": "2025-01-06T10:00:00", "session_id": "late",
            "txn_amount": "4"}
    write_events(tmp_path / "events" / "2.ndjson", late)
    write_events(tmp_path / "events" / "0.ndjson", {"event_time": "2025-02-01T00:00:00",
                                                    "customer_identifier": "other"})
    build(tmp_path / "events", tmp_path / "w.duckdb")
    assert marts() == [row(1, 0, 4, None, True), row(5, 0, 4, 0, True), row(9, 4, 0, 0, True),
                       row(24, 0, 0, 1, True)]


@pytest.mark.parametrize("edit", [("    sku,\n", ""), ("    sku,\n", "    sku,\n    level,\n")])
def test_a_delta_with_other_columns_ends_the_build(tmp_path, edit):
    """A model edited since its table was built names the column, and changes nothing."""
    project, database = copy_project(tmp_path), tmp_path / "w.duckdb"
    purchase = {"event_id": "purchase", "txn_amount": "1"}
    write_events(tmp_path / "events" / "1.ndjson", purchase)
    build(tmp_path / "events", database, project=project)
    model = project / "models" / "staging" / "stg_purchases.sql"
    before = model.read_text()
    model.write_text(before.replace(*edit))
    write_events(tmp_path / "events" / "2.ndjson", purchase | {"customer_identifier": "v"})
    with pytest.raises(BuildError, match="sku" if not edit[1] else "level"):
        build(tmp_path / "events", database, project=project)
    assert rows(database, "select user_id from staging.stg_purchases") == [{"user_id": "u"}]
    model.write_text(before)
    build(tmp_path / "events", database, project=project)
    assert len(rows(database, "from staging.stg_purchases")) == 2
