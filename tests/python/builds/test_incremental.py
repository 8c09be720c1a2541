"""Batches in any order, built one after the other, equal one full build."""

import os
import random
import tempfile
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracle
from built import BuildError, build, build_and_test, copy_project, rows, write_events
from compared import same, same_warehouses
from streams import batches, builds, write_in_any_form

EXAMPLES = int(os.environ.get("OFFER_AI_EXAMPLES", "1"))


@builds(EXAMPLES)
@given(batches(), st.integers(0, 1 << 30))
def test_batches_equal_a_full_build(parts, seed):
    """In any form and any folder, and equal to what the oracle makes of the lines."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        events = Path(folder, "events")
        grown, whole = Path(folder, "w.duckdb"), Path(folder, "whole", "w.duckdb")
        for number, lines in enumerate(parts):
            # Names that do not sort in order of arrival.
            write_in_any_form(events, f"{number * 5 % 7}", lines, chance)
            build(events, grown)
        build_and_test(events, whole)
        same_warehouses(grown, whole)
        world = oracle.read({str(number): lines for number, lines in enumerate(parts)})
        same(rows(grown, "from marts.training_offers"), oracle.training_offers(world))
        same(rows(grown, "from marts.sessions"), [
            {"user_id": user, "session_id": session, **row}
            for (user, session), row in oracle.sessions(world.events).items()])
        same(rows(grown, "select * exclude (file_id) from staging.stg_events"),
             rows(whole, "select * exclude (file_id) from staging.stg_events"))


def test_a_purchase_three_weeks_late(tmp_path):
    """Corrects the label of the offer before it, the features of the ones after it, and the
    session that it joins, from its start on; each decision stays once."""
    def offer(day, session):
        return {"event_id": "offer_shown", "event_time": f"2025-01-{day:02}T10:00:00",
                "session_id": session, "offer_type": "x", "offer_price": "1.99",
                "decision_context": "{}"}

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
                 offer(24, "d"), {"event_time": "2025-01-12T10:00:00", "session_id": "e"},
                 {"event_id": "chat_sent", "event_time": "2025-01-05T11:00:00", "session_id": "b"})
    build(tmp_path / "events", tmp_path / "w.duckdb")
    assert marts() == [row(1, 0, 0, None, True), row(5, 0, 0, 0, True), row(9, 0, 0, 0, True),
                       row(24, 0, 0, 1, False)]
    late = {"event_id": "purchase", "event_time": "2025-01-06T10:00:00", "session_id": "b",
            "txn_amount": "4"}
    write_events(tmp_path / "events" / "2.ndjson", late)
    write_events(tmp_path / "events" / "0.ndjson", *(
        {"event_time": "2025-02-01T00:00:00", "customer_identifier": f"other{n}"}
        for n in range(3)))
    build(tmp_path / "events", tmp_path / "w.duckdb")
    assert marts() == [row(1, 0, 4, None, True), row(5, 0, 4, 0, True), row(9, 4, 0, 0, True),
                       row(24, 0, 0, 1, True)]
    assert rows(tmp_path / "w.duckdb", "select event_count as events, purchase_amount::int as paid "
                "from marts.sessions where session_id = 'b'") == [{"events": 3, "paid": 4}]
    assert [row["day"] for row in rows(
        tmp_path / "w.duckdb", "select day(event_time) as day from staging.stg_decisions order by 1"
    )] == [1, 5, 9, 24]


@pytest.mark.long
def test_a_delta_with_other_columns_is_refused(tmp_path):
    """Though there is no log that knows the model by its text."""
    project, database = copy_project(tmp_path), tmp_path / "w.duckdb"
    purchase = {"event_id": "purchase", "txn_amount": "1"}
    write_events(tmp_path / "events" / "1.ndjson", purchase)
    build(tmp_path / "events", database, project=project)
    model = project / "models" / "staging" / "stg_purchases.sql"
    before = model.read_text()
    write_events(tmp_path / "events" / "2.ndjson", purchase | {"customer_identifier": "v"})
    for edit, column in ((("    sku,\n", ""), "sku"),
                         (("    sku,\n", "    sku,\n    level,\n"), "level")):
        model.write_text(before.replace(*edit))
        with duckdb.connect(str(database)) as con:
            con.execute("create table log as from landing.build_log")
            con.execute("drop table landing.build_log")
        with pytest.raises(BuildError, match=column):
            build(tmp_path / "events", database, project=project)
        with duckdb.connect(str(database)) as con:
            con.execute("create table landing.build_log as from log")
            con.execute("drop table log")
        assert rows(database, "select user_id from staging.stg_purchases") == [{"user_id": "u"}]
    model.write_text(before)
    build(tmp_path / "events", database, project=project)
    assert len(rows(database, "from staging.stg_purchases")) == 2
