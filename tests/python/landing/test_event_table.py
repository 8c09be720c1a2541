"""A table as the source of events: each of its rows lands exactly once, whenever it shows up."""

import json
import os
import random
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracle
from built import BuildError, build, build_and_test, dbt, edited, messages, rows
from compared import MARTS, same
from streams import batches, builds

EXAMPLES = int(os.environ.get("OFFER_AI_EXAMPLES", "1"))
TABLE = "table:raw.events"
JSON = ("--vars", "events_json: payload")
COUNTS = """
    select sum(line_count) as lines, sum(rejected_count) as rejects,
        (select count(*) from staging.stg_events) as events,
        (select count(*) from landing.repeated_events where delivery_number > 1) as repeats
    from landing.landed_files"""
REJECTS = "select raw_line, reason from landing.rejected_events"
START = datetime(2025, 5, 1)


def insert(database, *loaded: tuple[datetime, object]) -> None:
    """Adds rows of a loading time and an event, a dict or the text of one."""
    with duckdb.connect(str(database)) as con:
        con.execute("create schema if not exists raw")
        con.execute("create table if not exists raw.events (loaded_at timestamp, payload varchar)")
        con.executemany("insert into raw.events values (?, ?)", [
            (at, payload if isinstance(payload, str) else json.dumps(event(**payload)))
            for at, payload in loaded])


def event(**own) -> dict:
    return {"event_id": "game_start", "event_time": "2025-01-01T10:00:00",
            "customer_identifier": "u", "session_id": "s"} | own


def copy_of(table: str, database, target, alias: str = "w") -> None:
    with duckdb.connect(str(target)) as con:
        con.execute(f"attach '{database}' as {alias}_source (read_only)")
        con.execute("create schema if not exists raw")
        con.execute(f"create table {table} as from {alias}_source.{table}")


@builds(EXAMPLES)
@given(batches(), st.integers(0, 1 << 30))
def test_batches_of_rows_equal_a_full_build(parts, seed):
    """And the oracle. Rows share loading times, are late by hours, are there twice."""
    chance = random.Random(seed)
    parts = [[line for line in lines if line.strip() and b"\xff" not in line] for lines in parts]
    with tempfile.TemporaryDirectory() as folder:
        grown, whole = (Path(folder, of, "w.duckdb") for of in ("grown", "whole"))
        for database in (grown, whole):
            database.parent.mkdir()
        landed = []
        for number, lines in enumerate(parts):
            lines = lines + chance.choices(lines, k=2) if lines else lines
            landed += lines
            base = START + timedelta(hours=12 * number)
            insert(grown, (base, {"event_id": "chat_sent", "customer_identifier": "always"}), *(
                (base + timedelta(minutes=chance.choice([0, 0, 1, 2]),
                                  hours=-chance.choice([0, 0, 11, 20])), line.decode())
                for line in lines))
            landed.append(json.dumps(event(
                event_id="chat_sent", customer_identifier="always")).encode())
            build(TABLE, grown, *JSON)
        copy_of("raw.events", grown, whole)
        build(TABLE, whole, *JSON)
        for query in (*(f"select * from marts.{mart}" for mart in MARTS), REJECTS, COUNTS):
            same(rows(grown, query), rows(whole, query))
        world = oracle.read({"1": landed})
        same(rows(grown, "from marts.training_offers"), oracle.training_offers(world))
        assert rows(grown, COUNTS) == [{
            "lines": world.lines, "rejects": len(world.rejects), "events": len(world.events),
            "repeats": world.duplicates}]


@pytest.mark.long
def test_a_row_lands_once_though_batches_overlap_and_builds_die(tmp_path):
    database = tmp_path / "w.duckdb"
    insert(database, (START, {}), (START, {"event_time": "?"}), (START, {"event_time": "?"}))
    build(TABLE, database, *JSON)
    first = {"lines": 3, "rejects": 2, "events": 1, "repeats": 0}
    assert rows(database, COUNTS) == [first]
    build(TABLE, database, *JSON)
    assert rows(database, COUNTS) == [first]
    # Of the same loading time, of an earlier one, the same event again, and too late.
    insert(database, (START, {"session_id": "t"}), (START, {"event_time": "?"}),
           (START - timedelta(hours=23), {}), (START - timedelta(hours=25), {"session_id": "x"}))
    build(TABLE, database, *JSON, "--select", "new_rows", "new_files", "landed_events",
          "repeated_events", "rejected_events", "landed_rows")
    build(TABLE, database, *JSON)
    assert rows(database, COUNTS) == [{"lines": 6, "rejects": 3, "events": 2, "repeats": 1}]
    assert [row["source_file"] for row in rows(database, "from landing.landed_files order by 1")] \
        == ["table:raw.events, batch 1: 2025-05-01 00:00:00 to 2025-05-01 00:00:00",
            "table:raw.events, batch 2: 2025-04-30 01:00:00 to 2025-05-01 00:00:00"]
    build(TABLE, database, *JSON, "--full-refresh")
    assert rows(database, COUNTS) == [{"lines": 6, "rejects": 3, "events": 2, "repeats": 1}]

    # Another vocabulary reads the table again, or says that rows are gone.
    other = ("--full-refresh", "--vars", "{events_json: payload, clock_tolerance_hours: 48}")
    with duckdb.connect(str(database)) as con:
        con.execute("delete from raw.events where loaded_at = ?", [START])
    with pytest.raises(BuildError, match=r"4 rows of raw\.events"):
        build(TABLE, database, *other)
    keep = "{events_json: payload, clock_tolerance_hours: 48, missing_files: %s}"
    build(TABLE, database, "--full-refresh", "--vars", keep % "keep")
    assert rows(database, COUNTS) == [{"lines": 6, "rejects": 3, "events": 2, "repeats": 1}]
    build(TABLE, database, "--vars", keep % "refuse")
    assert rows(database, COUNTS) == [{"lines": 6, "rejects": 3, "events": 2, "repeats": 1}]
    build(TABLE, database, "--full-refresh", "--vars",
          "{events_json: payload, clock_tolerance_hours: 24, missing_files: forget}")
    assert rows(database, COUNTS) == [{"lines": 2, "rejects": 0, "events": 2, "repeats": 0}]


TYPED = """
    select
        'purchase' as event_id,
        timestamp '2025-01-01 10:00:00' + interval (i) hour as event_time,
        (i % 5)::double as "CUSTOMER_IDENTIFIER",
        'a'::blob as session_id,
        i % 2 = 0 as won,
        case when i <> 3 then (i * 0.99)::decimal(18, 2) end as txn_amount,
        {'mood': 'happy'} as context,
        timestamptz '2025-05-01 00:00:00+00' as loaded_at
    from range(20) as t(i)"""


@pytest.mark.long
def test_columns_are_read_as_those_of_parquet_are(tmp_path):
    """From an attached database, too, and with the loading time that is declared."""
    database, lake = tmp_path / "w.duckdb", tmp_path / "lake.duckdb"
    with duckdb.connect(str(lake)) as con:
        con.execute(f"create schema raw; create table raw.events as {TYPED}")
        con.execute("alter table raw.events rename loaded_at to \"Loaded at\"")
        con.execute(f"copy ({TYPED}) to '{tmp_path / 'e.parquet'}'")
    project = edited(tmp_path)
    profile = project / "profiles.yml"
    profile.write_text(profile.read_text().replace(
        "      schema: main\n", f"      schema: main\n"
        f"      attach: [{{path: '{lake}', alias: lake}}]\n", 1))
    build("table:lake.raw.events", database, "--vars", "events_loaded_at: Loaded at",
          project=project)
    other = tmp_path / "files.duckdb"
    build(tmp_path / "e.parquet", other)
    for query in (*(f"select * from marts.{mart}" for mart in MARTS),
                  "select reason from landing.rejected_events"):
        same(rows(database, query), rows(other, query))
    (reject,) = rows(database, "from landing.rejected_events")
    assert json.loads(reject["raw_line"])["context"] == {"mood": "happy"}
    assert reject["reason"] == "txn_amount is missing"


@pytest.mark.long
def test_what_is_wrong_with_a_table_is_one_sentence(tmp_path):
    database = tmp_path / "w.duckdb"
    insert(database, (START, {}), (datetime(2100, 1, 1), {}), (None, {}))
    for table, variables, sentence in (
            ("raw.nothing", "{}", "raw.nothing': there is no such table"),
            ("raw.events", "events_loaded_at: at",
             "it has no column at of the time at which a row was loaded; name it with the var "
             "`events_loaded_at`. Its columns: loaded_at, payload."),
            ("raw.events", "events_loaded_at: payload", "payload is varchar and no timestamp"),
            ("raw.events", "events_json: body", "it has no column body (the var `events_json`)")):
        with pytest.raises(BuildError) as error:
            build(f"table:{table}", database, "--vars", variables)
        assert sentence in str(error.value)
    build_and_test(TABLE, database, *JSON)
    assert any("2 rows are not read, as their loaded_at is null or still to come" in text
               for text in messages)
    assert rows(database, "select user_id from staging.stg_events") == [{"user_id": "u"}]


def test_freshness_says_when_a_feed_is_dead(tmp_path):
    """Of a table by its loading times, of files by what has landed."""
    database = tmp_path / "w.duckdb"

    def freshness(events) -> str:
        try:
            done = dbt("source", "freshness", events=events, database=database)
        except BuildError:
            return "error"
        return next(result.status for result in done if result.node.resource_type == "source")

    for hours, said in ((1000, "error"), (40, "warn"), (1, "pass")):
        insert(database, (datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=hours), {}))
        assert freshness(TABLE) == said
    (tmp_path / "f.ndjson").write_text(json.dumps(event()))
    build(tmp_path / "f.ndjson", database)
    assert freshness(tmp_path / "f.ndjson") == "pass"
    with duckdb.connect(str(database)) as con:
        con.execute("update landing.landed_files set landed_at = landed_at - interval 40 hour")
    assert freshness(tmp_path / "f.ndjson") == "warn"
    # Nor does what cannot be read show that the feed lives.
    (tmp_path / "f.ndjson").unlink()
    (tmp_path / "f.parquet").write_bytes(b"PAR1 cut off")
    build(tmp_path / "f.parquet", database)
    assert freshness(tmp_path / "f.parquet") == "warn"
