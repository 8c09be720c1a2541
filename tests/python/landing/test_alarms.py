"""Data contracts: what is odd about events is told by name, and nothing is dropped for it."""

from datetime import datetime, timedelta

import pytest

from built import BuildError, build, build_and_test, messages, rows, write_events
from compared import same_warehouses

DAY = datetime(2025, 1, 10, 10)
ALARMS = ("few_lines_are_rejects", "event_types_are_known", "sessions_end_within_a_day",
          "no_event_type_has_stopped", "a_uuid_is_of_one_event",
          "no_event_is_long_before_the_others", "files_can_be_read")


def heard() -> set[str]:
    return {name for name in ALARMS if any(name in text for text in messages)}


def event(days: int, kind: str = "game_start", **own) -> dict:
    return {"event_id": kind, "event_time": (DAY + timedelta(days=days)).isoformat(),
            "session_id": f"s{days}", **own}


def test_each_alarm_is_heard_once_and_in_quiet_times_none(tmp_path):
    events, database = tmp_path / "events", tmp_path / "w.duckdb"
    quiet = [event(day, kind, customer_identifier=user) for day in range(12)
             for kind in ("game_start", "game_end") for user in "uvwxyz"]
    write_events(events / "quiet.ndjson", *quiet)
    build_and_test(events, database)
    assert heard() == set()
    odd = [
        {"event_time": "?"},
        event(1, "chat_sent"),
        event(3, session_id="long"), event(5, session_id="long"),
        event(2, event_uuid="x"), event(2, event_uuid="x", customer_identifier="v"),
        event(-400),
        *(event(day, "offer_shown", offer_type="x", offer_price=1) for day in range(3, 10)),
    ]
    write_events(events / "odd.ndjson", *odd)
    (events / "odd.csv").write_text("event_id,event_time\n")
    build_and_test(events, database)
    assert heard() == set(ALARMS)
    # By name, where the build is read.
    for said in ("few_lines_are_rejects: rejects 1, reason event_time cannot be read as",
                 "event_types_are_known: event_type chat_sent, event_count 1",
                 "sessions_end_within_a_day: user_id …, session_id long, started_at 2025-01-13"):
        assert any(text.startswith(said) for text in messages)
    assert len(rows(database, "from staging.stg_events")) == len(quiet) + len(odd) - 1


def test_a_wrong_vocabulary_fails_the_build_and_what_was_built_stays(tmp_path):
    events, database = tmp_path / "events", tmp_path / "w.duckdb"
    write_events(events / "1.ndjson", {})
    build(events, database)
    before = rows(database, "from marts.sessions")
    other = [{"customer_identifier": None, "user": f"u{n}"} for n in range(600)]
    write_events(events / "2.ndjson", *other, *(event(n % 9, level=n) for n in range(500)))
    for _ in range(2):  # the next build does not pass over it either
        with pytest.raises(BuildError, match="most_lines_are_events"):
            build_and_test(events, database)
        assert "most_lines_are_events: rejects 600, reason customer_identifier is missing, " \
            f"rejected_count 600, line_count 1100, file_count 1, first_file {events / '2.ndjson'}" \
            in messages
        assert rows(database, "from marts.sessions") == before
    build_and_test(events, database, "--full-refresh", "--vars",
          "field_aliases: {customer_identifier: [user], offer_type: [item_category], "
          "offer_price: [item_price], txn_amount: [item_price]}")
    assert rows(database, "from landing.rejected_events") == []


def test_a_file_that_is_not_one_of_events_is_taken_away_again(tmp_path):
    events, database = tmp_path / "events", tmp_path / "w.duckdb"
    write_events(events / "1.ndjson", event(0), event(1))
    build(events, database)
    foreign = write_events(events / "2.ndjson", event(1), *(
        {"customer_identifier": None, "metric": n} for n in range(3000)))
    write_events(events / "3.ndjson", event(0), event(2))
    later = []
    for _ in range(2):
        with pytest.raises(BuildError, match="most_lines_are_events"):
            build_and_test(events, database, *later)
        said = [text for text in messages if text.startswith("most_lines_are_events: ")]
        assert f"file_count 1, first_file {foreign}" in said[0]
        assert 'take it away and run `dbt build --vars "missing_files: forget"` once' in said[-1]
        # A file that is there is not forgotten; what is gone, only where that was said.
        later = ["--vars", "missing_files: forget"]
    foreign.unlink()
    with pytest.raises(BuildError, match="most_lines_are_events"):
        build_and_test(events, database)
    build_and_test(events, database, *later)
    assert any(text.startswith("Forgotten") and str(foreign) in text for text in messages)
    # Nor is what a build has gone through with.
    (events / "1.ndjson").unlink()
    build_and_test(events, database, *later)
    write_events(events / "1.ndjson", event(0), event(1))
    build(events, tmp_path / "whole" / "w.duckdb")
    same_warehouses(database, tmp_path / "whole" / "w.duckdb")
