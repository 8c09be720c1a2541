"""Every form a raw file may have, and every way it may be broken."""

import gzip
import json
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from built import BuildError, build, messages, rows, write_events

REJECTS = "select source_file, line_number, raw_line, reason from landing.rejected_events"
EVENTS = [
    {"event_id": "game_start", "event_time": f"2025-01-01T10:00:0{n}",
     "customer_identifier": "u", "session_id": "s", "level": n}
    for n in range(5)
]
LINES = "".join(json.dumps(event) + "\n" for event in EVENTS).encode()


def as_parquet(path):
    pq.write_table(pa.Table.from_pylist(EVENTS), path)


WRITERS = {
    "lines.ndjson": lambda path: path.write_bytes(LINES),
    "lines.jsonl": lambda path: path.write_bytes(LINES.replace(b"\n", b"\r\n")),
    "no_last_break.json": lambda path: path.write_bytes(LINES.rstrip()),
    "marked.ndjson": lambda path: path.write_bytes(b"\xef\xbb\xbf" + LINES),
    "utf16.ndjson": lambda path: path.write_bytes(LINES.decode().encode("utf-16")),
    "array.json": lambda path: path.write_text(json.dumps(EVENTS, indent=2)),
    "packed.ndjson.gz": lambda path: path.write_bytes(gzip.compress(LINES)),
    "packed.ndjson.zst":
        lambda path: path.write_bytes(zstandard.ZstdCompressor().compress(LINES)),
    "array.json.gz":
        lambda path: path.write_bytes(gzip.compress(json.dumps(EVENTS).encode())),
    "table.parquet": as_parquet,
    "it's [a] {{ name }} *.ndjson": lambda path: path.write_bytes(LINES),
}


@pytest.mark.parametrize("name", WRITERS)
def test_each_format_gives_the_same_events(tmp_path, name):
    (tmp_path / "events").mkdir()
    WRITERS[name](tmp_path / "events" / name)
    build(tmp_path / "events", tmp_path / "w.duckdb")
    assert rows(tmp_path / "w.duckdb", """
        select user_id, session_id, level, event_time::varchar as at
        from staging.stg_events order by level""") == [
        {"user_id": "u", "session_id": "s", "level": n, "at": f"2025-01-01 10:00:0{n}"}
        for n in range(5)]


@pytest.mark.parametrize("events", ["f.ndjson", ".", "*.ndjson", "**/f.ndjson"])
def test_a_file_a_directory_or_a_glob(tmp_path, events):
    write_events(tmp_path / "events" / "f.ndjson", {})
    build(tmp_path / "events" / events, tmp_path / "w.duckdb")
    assert rows(tmp_path / "w.duckdb", "select event_count from marts.sessions") \
        == [{"event_count": 1}]


@pytest.mark.parametrize("events", ["nowhere", "none-*.ndjson", "empty"])
def test_no_events_is_one_sentence(tmp_path, events):
    (tmp_path / "empty").mkdir()
    with pytest.raises(BuildError) as error:
        build(tmp_path / events, tmp_path / "w.duckdb")
    assert f"No event file at OFFER_AI_EVENTS='{tmp_path / events}'. Set" in str(error.value)


def test_broken_files_stop_nothing(tmp_path):
    """Cut, empty, unreadable, of bytes: each is reported and the rest lands."""
    folder = tmp_path / "events"
    write_events(folder / "good.ndjson", {})
    (folder / "empty.ndjson").touch()
    (folder / "blank.json").write_text("\n \n")
    (folder / "cut.ndjson.gz").write_bytes(gzip.compress(LINES)[:-9])
    (folder / "fake.ndjson.zst").write_bytes(LINES)
    (folder / "none.ndjson.gz").touch()
    (folder / "none.ndjson.zst").touch()
    (folder / "fake.parquet").write_bytes(LINES)
    (folder / "noise.ndjson").write_bytes(bytes(range(256)) * 3)
    (folder / "cut.json").write_text(json.dumps(EVENTS)[:-5])
    (folder / "gone.ndjson").symlink_to(folder / "nothing")
    (folder / "notes.txt").write_text("no events")
    database = tmp_path / "w.duckdb"
    build(folder, database)
    assert rows(database, "select event_count from marts.sessions where user_id = 'u'"
                )[0]["event_count"] >= 1
    whole_files = {os.path.basename(row["source_file"]): row["reason"]
                   for row in rows(database, REJECTS) if row["line_number"] is None}
    assert set(whole_files) == {
        "cut.ndjson.gz", "fake.ndjson.zst", "fake.parquet", "gone.ndjson", "none.ndjson.gz"}
    assert all(reason.startswith("file cannot be read: ")
               for reason in whole_files.values())


def test_an_unreadable_file_lands_once_it_is_mended(tmp_path):
    folder, database = tmp_path / "events", tmp_path / "w.duckdb"
    write_events(folder / "good.ndjson", {})
    (folder / "late.ndjson.gz").write_bytes(gzip.compress(LINES)[:-9])
    build(folder, database)
    assert len(rows(database, REJECTS)) == 1
    (folder / "late.ndjson.gz").write_bytes(gzip.compress(LINES))
    build(folder, database)
    assert rows(database, REJECTS) == []
    assert rows(database, "select event_count from marts.sessions") == [{"event_count": 6}]


def test_a_long_line_and_long_ids(tmp_path):
    """A 10 MB line that is no event, and ids of 1 MB that are data like any other."""
    path = write_events(
        tmp_path / "f.ndjson", {}, {"customer_identifier": "i" * (1 << 20)},
        {"customer_identifier": "long", "words": "w" * (20 << 20)})
    with path.open("a") as file:
        file.write("x" * (10 << 20) + "\n")
    write_events(tmp_path / "g.ndjson", {"session_id": "after"})
    database = tmp_path / "w.duckdb"
    build(tmp_path / "*.ndjson", database)
    assert rows(database, """
        select length(user_id) as length, count(*) as sessions
        from marts.sessions group by 1 order by 1""") == [
        {"length": 1, "sessions": 2}, {"length": 4, "sessions": 1},
        {"length": 1 << 20, "sessions": 1}]
    (reject,) = rows(database, REJECTS)
    assert reject["line_number"] == 4
    assert len(reject["raw_line"]) == 10 << 20


HOSTILE = [
    "'; drop table marts.sessions; --", '"', "{{ 1 / 0 }}", "{% raw %}", "$1", "%s",
    "😀", "null", "\\u0000", "../../x", "a\tb\nc", "`", "<script>", "\u202e", "\x01",
]


def test_hostile_content_is_data(tmp_path):
    write_events(tmp_path / "f.ndjson", *(
        {"event_id": kind, "customer_identifier": text, "session_id": text,
         "country": text, "sku": text, "offer_type": text, "offer_price": 1,
         "txn_amount": 1}
        for text in HOSTILE for kind in ("app_launched", "offer_shown", "purchase")))
    database = tmp_path / "w.duckdb"
    build(tmp_path / "f.ndjson", database)
    assert rows(database, REJECTS) == []
    offers = rows(database, """
        select user_id, session_id, country, offer_type from marts.training_offers""")
    assert sorted(offers, key=str) == sorted((
        dict.fromkeys(("user_id", "session_id", "country", "offer_type"), text)
        for text in HOSTILE), key=str)
    assert {row["user_id"] for row in rows(database, "from marts.latest_features")} \
        == set(HOSTILE)


def test_a_changed_file_is_named_and_not_read_again(tmp_path):
    folder, database = tmp_path / "events", tmp_path / "w.duckdb"
    path = write_events(folder / "f.ndjson", {}, {"level": 2})
    build(folder, database)
    write_events(path, {}, {"level": 2}, {"level": 3})
    build(folder, database)
    assert any(f"{path} has changed since it landed" in text for text in messages)
    assert rows(database, "select event_count from marts.sessions") == [{"event_count": 2}]
    os.utime(write_events(path, {}, {"level": 2}))
    build(folder, database)
    assert not any("has changed" in text for text in messages)


def test_another_producers_file_needs_aliases_alone(tmp_path):
    database = tmp_path / "w.duckdb"
    build("tests/raw/other_producer_events.ndjson.gz", database)
    (counts,) = rows(database, """
        select
            (select sum(line_count) from landing.landed_files) as lines,
            (select count(*) from landing.rejected_events) as rejects,
            (select count(distinct user_id) from marts.sessions) as users,
            (select count(*) from marts.training_offers) as offers,
            (select sum(purchase_amount) from marts.sessions) > 0 as has_revenue""")
    assert counts == {"lines": 9693, "rejects": 0, "users": 155, "offers": 147,
                      "has_revenue": True}
