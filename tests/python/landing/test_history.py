"""What has landed stays, whatever becomes of the files and the declarations."""


import duckdb
import pytest

from built import BuildError, build, build_and_test, edited, messages, rows, write_events
from compared import same_warehouses

FIELD = "    sku: {type: text, description: What was bought.}\n"
NEW_FIELD = FIELD + "    mood: {type: text, description: A mood.}\n"
PURCHASE = {"event_id": "purchase", "txn_amount": "1", "mood": "happy"}


def day(number: int, **own) -> dict:
    return PURCHASE | {"event_time": f"2025-01-0{number}T10:00:00", **own}


def moods(database) -> list:
    return [row["mood"] for row in rows(
        database, "select mood from staging.stg_events order by event_time")]


@pytest.mark.long
def test_a_refresh_needs_no_raw_file(tmp_path):
    events, database = tmp_path / "events", tmp_path / "w.duckdb"
    first = write_events(events / "1.ndjson", day(1), {"event_time": "?"})
    write_events(events / "2.ndjson", day(2))
    build(events, database)
    first.unlink()
    project = edited(tmp_path, ("at_most_per_user_day: 0", "at_most_per_user_day: 5"))
    with pytest.raises(BuildError, match=r"decision_points.*--full-refresh"):
        build(events, database, project=project)
    build(events, database, "--full-refresh", project=project)
    assert rows(database, "select purchase_count from marts.sessions") == [{"purchase_count": 2}]
    assert len(rows(database, "from landing.rejected_events")) == 1
    (events / "2.ndjson").unlink()
    build(events, database, project=project)
    assert any("What has landed stays" in text for text in messages)
    assert rows(database, "select purchase_count from marts.sessions") == [{"purchase_count": 2}]


@pytest.mark.long
def test_another_vocabulary_reads_files_again_or_says_which_are_lost(tmp_path):
    events, database = tmp_path / "events", tmp_path / "w.duckdb"
    first = write_events(events / "1.ndjson", day(1), {"event_time": "?"})
    write_events(events / "2.ndjson", day(2), day(2))
    build(events, database)
    landed = rows(database, "select source_file, landed_at from landing.landed_files order by 1")
    project = edited(tmp_path, (FIELD, NEW_FIELD))
    with pytest.raises(BuildError, match=r"event_fields.*changed since 2 files landed"):
        build(events, database, project=project)
    build(events, database, "--full-refresh", project=project)
    assert moods(database) == ["happy", "happy"]
    assert rows(database, "select source_file, landed_at from landing.landed_files order by 1") \
        == landed
    whole = tmp_path / "whole" / "w.duckdb"
    build(events, whole, project=project)
    same_warehouses(database, whole)

    # Back to the vocabulary without it, with one file gone.
    text = first.read_text()
    first.unlink()
    with pytest.raises(BuildError) as refused:
        build(events, database, "--full-refresh")
    assert "1 of those that landed are gone" in str(refused.value)
    assert str(first) in str(refused.value)
    assert "missing_files: keep" in str(refused.value)
    build(events, database, "--full-refresh", "--vars", "missing_files: keep")
    (counts,) = rows(database, """
        select (select count(*) from staging.stg_events) as events,
            (select count(*) from landing.rejected_events) as rejects,
            (select count(*) from landing.landed_files) as files""")
    assert counts == {"events": 2, "rejects": 1, "files": 2}
    build(events, database)

    build(events, database, "--full-refresh", "--vars", "missing_files: forget", project=project)
    assert moods(database) == ["happy"]
    assert rows(database, "from landing.rejected_events") == []
    # A file that comes back after it was forgotten is new.
    first.write_text(text)
    build(events, database, project=project)
    assert moods(database) == ["happy", "happy"]


@pytest.mark.long
def test_keys_hold_across_engines_or_are_computed_again(tmp_path):
    """As after an upgrade of DuckDB to a version that hashes otherwise."""
    events, database = tmp_path / "events", tmp_path / "w.duckdb"
    write_events(events / "1.ndjson", day(1), day(2, event_uuid="x"))
    build(events, database)
    with duckdb.connect(str(database)) as con:
        con.execute("update landing.landed_events set event_key = event_key + 1")
        con.execute("update landing.landed_files set engine_hash = engine_hash + 1")
    write_events(events / "2.ndjson", day(1), day(2, event_uuid="x"))
    with pytest.raises(BuildError, match="upgraded"):
        build(events, database)
    build(events, database, "--full-refresh")
    assert rows(database, "select purchase_count from marts.sessions") == [{"purchase_count": 2}]


def test_what_a_killed_landing_left_is_forgotten(tmp_path):
    """Though the file is gone before the next build."""
    events, database = tmp_path / "events", tmp_path / "w.duckdb"
    write_events(events / "1.ndjson", day(1))
    build(events, database)
    before = rows(database, "from marts.sessions")
    second = write_events(events / "2.ndjson", day(1), day(2), {"event_time": "?"})
    build(events, database, "--select", "new_files", "landed_events", "repeated_events",
          "rejected_events")
    second.unlink()
    build(events, database)
    assert rows(database, "from marts.sessions") == before
    assert rows(database, "from landing.rejected_events") == []
    assert rows(database, "from landing.repeated_events") == []


@pytest.mark.long
def test_a_changed_model_or_macro_asks_for_the_refresh_it_needs(tmp_path):
    project = edited(tmp_path)
    events, database = tmp_path / "events", tmp_path / "w.duckdb"
    write_events(events / "1.ndjson", day(1))
    build(events, database, project=project)
    macro = project / "macros" / "sessions" / "is_facebook.sql"
    text = macro.read_text()
    macro.write_text("{#- Another comment. -#}\n\n" + text)
    build(events, database, project=project)
    macro.write_text(text.replace("'facebook')", "'facebook', 'meta')"))
    with pytest.raises(BuildError) as refused:
        build(events, database, project=project)
    assert "model profile_changes changed since the tables were built" in str(refused.value)
    build(events, database, "--full-refresh", project=project)
    build(events, database, project=project)


@pytest.mark.long
def test_days_before_the_first_label(tmp_path):
    """Nothing but rejects, then one event, then an offer: each is built and told."""
    events, database = tmp_path / "events", tmp_path / "w.duckdb"
    write_events(events / "0.ndjson", {"event_time": "?"})
    build_and_test(events, database)
    assert rows(database, "from marts.latest_features") == []
    write_events(events / "1.ndjson", {})
    build_and_test(events, database)
    assert len(rows(database, "from marts.latest_features")) == 1
    write_events(events / "2.ndjson", {"event_id": "offer_shown", "offer_type": "x",
                                       "offer_price": 1, "session_id": "t"})
    build_and_test(events, database)
    assert rows(database, "select is_label_mature from marts.training_offers") \
        == [{"is_label_mature": False}]
