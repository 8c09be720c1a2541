"""Every form a raw file may have, and every way it may be broken."""

import bz2
import gzip
import io
import json
import lzma
import os
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from threading import Event, Thread

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from built import BuildError, build, build_and_test, messages, rows, write_events
from offer_ai.warehouse.plain_lines import inspect

REJECTS = "select source_file, line_number, raw_line, reason from landing.rejected_events"


def events_of(user: str) -> list[dict]:
    return [
        {"event_id": "game_start", "event_time": f"2025-01-01T10:00:0{n}",
         "customer_identifier": user, "session_id": "s", "level": n}
        for n in range(5)
    ]


EVENTS = events_of("u")
LINES = "".join(json.dumps(event) + "\n" for event in EVENTS).encode()


def lines(events: list[dict]) -> list[bytes]:
    return [json.dumps(event).encode() + b"\n" for event in events]


def zstd(content: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(content)


def parquet(events: list[dict]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(events), buffer)
    return buffer.getvalue()


def upper_case(events: list[dict]) -> list[dict]:
    return [{name.upper(): value for name, value in event.items()} for event in events]


# Content says what a file is; half of these names say otherwise.
FORMS = {
    "lines.ndjson": lambda e: b"".join(lines(e)),
    "lines.jsonl": lambda e: b"".join(lines(e)).replace(b"\n", b"\r\n"),
    "no_last_break.json": lambda e: b"".join(lines(e)).rstrip(),
    "marked.ndjson": lambda e: b"\xef\xbb\xbf" + b"".join(lines(e)),
    "utf16.ndjson": lambda e: b"".join(lines(e)).decode().encode("utf-16"),
    "utf16_without_mark.json": lambda e: b"".join(lines(e)).decode().encode("utf-16-le"),
    "it's [a] {{ name }} *.ndjson": lambda e: b"".join(lines(e)),
    "query.gz?x": lambda e: b"".join(lines(e)),
    "packed_query.zst?": lambda e: zstd(b"".join(lines(e))),
    "back\\slash [1].ndjson": lambda e: b"".join(lines(e)),
    "no_suffix": lambda e: b"".join(lines(e)),
    "packed.ndjson.gz": lambda e: gzip.compress(b"".join(lines(e))),
    "packed.json": lambda e: gzip.compress(b"".join(lines(e))),
    "packed.zst": lambda e: gzip.compress(b"".join(lines(e))),
    "packed.ndjson.zst": lambda e: zstd(b"".join(lines(e))),
    "plain.ndjson.gz": lambda e: b"".join(lines(e)),
    "plain.zst": lambda e: b"".join(lines(e)),
    "frames": lambda e: b"".join(map(zstd, lines(e))),
    "members.gz": lambda e: b"".join(map(gzip.compress, lines(e))),
    "array.json": lambda e: json.dumps(e, indent=2).encode(),
    "array.json.gz": lambda e: gzip.compress(json.dumps(e).encode()),
    "array_over_lines.ndjson": lambda e: b"[\n" + b",".join(lines(e)) + b"]",
    "arrays_one_after_another.json": lambda e: (json.dumps(e[:2]) + json.dumps(e[2:])).encode(),
    "array_a_line.ndjson": lambda e: (json.dumps(e[:3]) + "\n" + json.dumps(e[3:])).encode(),
    "pretty.ndjson": lambda e: "\n".join(json.dumps(event, indent=2) for event in e).encode(),
    "nothing_between": lambda e: b"".join(lines(e)).replace(b"\n", b""),
    "two_a_line.log": lambda e: b"".join(
        line if n % 2 else line.rstrip() for n, line in enumerate(lines(e))),
    "commas.json": lambda e: b",".join(lines(e)),
    "records.json-seq": lambda e: b"".join(b"\x1e" + line for line in lines(e)),
    "upper_case.ndjson": lambda e: b"".join(lines(upper_case(e))),
    "one_name.ndjson": lambda e: b"".join(lines(e)).replace(b'"level"', b'"Level"'),
    "table": parquet,
    "table.parquet": parquet,
    "table\\?.parquet": parquet,
    "UPPER.parquet": lambda e: parquet(upper_case(e)),
    "table.parquet.gz": lambda e: gzip.compress(parquet(e)),
}


def test_each_form_gives_the_same_events(tmp_path):
    folder, database = tmp_path / "events", tmp_path / "w.duckdb"
    folder.mkdir()
    for name, form in FORMS.items():
        (folder / name).write_bytes(form(events_of(name)))
    build(folder, database)
    assert rows(database, REJECTS) == []
    found = {}
    for row in rows(database, """
            select user_id, session_id, level, event_time::varchar as at
            from staging.stg_events order by level"""):
        found.setdefault(row.pop("user_id"), []).append(row)
    expected = [{"session_id": "s", "level": n, "at": f"2025-01-01 10:00:0{n}"}
                for n in range(5)]
    assert found == dict.fromkeys(FORMS, expected)


# Each file says the same of a user of its own, in other types.
COMMON = {"event_id": ["purchase"] * 2, "session_id": ["7", "7"], "txn_amount": ["4.99", "2.97"],
          "event_time": ["2025-01-05T10:00:00Z", "2025-01-05T10:00:01Z"]}
AT = [datetime(2025, 1, 5, 10, 0, n) for n in range(2)]
PARQUET = {
    "text": {},
    "doubles": {"session_id": [7.0, 7.0], "txn_amount": [4.99, 2.9699999999999998]},
    "integers": {"session_id": pa.array([7, 7], pa.int64()),
                 "event_time": pa.array([1736071200000, 1736071201000], pa.int64())},
    "floats": {"session_id": pa.array([7, 7], pa.int32()),
               "txn_amount": pa.array([4.99, 2.97], pa.float32())},
    "decimals": {"txn_amount": pa.array([Decimal("4.99"), Decimal("2.97")], pa.decimal128(10, 2)),
                 "event_time": pa.array(AT, pa.timestamp("us", "UTC"))},
    "nanoseconds": {"event_time": pa.array(AT, pa.timestamp("ns"))},
    "milliseconds": {"event_time": pa.array(AT, pa.timestamp("ms"))},
    "bytes": {name: [value.encode() for value in COMMON[name]] for name in COMMON},
    "words": {"event_id": pa.array(COMMON["event_id"]).dictionary_encode()},
    "nested": {"properties": [{"a": [1]}, None]},
}


def test_parquet_of_any_types(tmp_path):
    folder, database = tmp_path / "events", tmp_path / "w.duckdb"
    folder.mkdir()
    for name, columns in PARQUET.items():
        pq.write_table(pa.table(COMMON | {"customer_identifier": [name] * 2} | columns),
                       folder / f"{name}.parquet")
    build(folder, database)
    assert rows(database, REJECTS) == []
    found = rows(database, """
        select user_id, session_id, started_at, ended_at, event_count,
            purchase_amount::varchar as paid from marts.sessions""")
    expected = {"session_id": "7", "started_at": AT[0], "ended_at": AT[1], "event_count": 2,
                "paid": "7.9600"}
    assert sorted(found, key=lambda row: row["user_id"]) == [
        {"user_id": name} | expected for name in sorted(PARQUET)]


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


UNKNOWN = {
    "cut.ndjson.gz": gzip.compress(LINES)[:-9],
    "table.csv": b"event_id,event_time\ngame_start,2025-01-01\n",
    "notes.txt": b"no events\n",
    "noise": bytes(range(256)) * 3,
    "more_noise.br": bytes(range(128, 256)) * 5,
    "packed.bz2": bz2.compress(LINES),
    "packed.xz": lzma.compress(LINES),
    "fake.parquet": b"PAR1" + LINES,
}


def test_files_of_no_known_form_stop_nothing(tmp_path):
    """Each is reported with a way out, and the rest lands."""
    folder, database = tmp_path / "events", tmp_path / "w.duckdb"
    write_events(folder / "good.ndjson", {})
    for name, content in UNKNOWN.items():
        (folder / name).write_bytes(content)
    (folder / "gone.ndjson").symlink_to(folder / "nothing")
    build_and_test(folder, database)
    assert rows(database, "select event_count from marts.sessions") == [{"event_count": 1}]
    found = {os.path.basename(row["source_file"]): row["reason"]
             for row in rows(database, REJECTS)}
    assert set(found) == {*UNKNOWN, "gone.ndjson"}
    assert all(reason.startswith("file cannot be read: ") for reason in found.values())
    for name in ("table.csv", "notes.txt", "noise", "more_noise.br", "packed.bz2", "packed.xz"):
        assert "deliver lines of JSON or Parquet" in found[name], found[name]
    assert "CSV" in found["table.csv"] and "brotli" in found["more_noise.br"]
    assert any("files_can_be_read" in text for text in messages)


def test_bytes_that_are_no_text_are_lines_of_their_own(tmp_path):
    """DuckDB quotes them in what it raises, which Python cannot read either."""
    good = b'{"event_id": "game_start", "event_time": "2025-01-01", "customer_identifier": "u"}'
    file = tmp_path / "1.ndjson"
    file.write_bytes(b'\xff\xfe\n{"event_id": "a\xff"}\n' + good + b"\n")
    found = inspect(str(file), ["event_id"], [], tmp_path / "copy")
    assert found["error"] is None
    assert Path(found["read_path"]).read_bytes().splitlines()[2] == good


def test_broken_lines_and_values_stop_nothing(tmp_path):
    folder, database = tmp_path / "events", tmp_path / "w.duckdb"
    folder.mkdir()
    (folder / "blank.json").write_text("\n \n")
    (folder / "cut.json").write_text(json.dumps(EVENTS)[:-5])
    (folder / "first_line_cut.ndjson").write_bytes(LINES[40:].replace(b'"u"', b'"v"'))
    (folder / "pretty.json").write_text(
        "\n".join(json.dumps(event, indent=2) for event in EVENTS)
        .replace('"u"', '"w"').replace('"level": 2\n}', '"level":'))
    (folder / "batches.ndjson").write_text("".join(
        json.dumps([event]) + "\n" for event in EVENTS)
        .replace('"u"', '"x"').replace('"level": 2}]', '"level":'))
    build(folder, database)
    assert rows(database, """
        select user_id, list(level order by level) as levels from staging.stg_events
        group by 1 order by 1""") == [
        {"user_id": "u", "levels": [0, 1, 2, 3]}, {"user_id": "v", "levels": [1, 2, 3, 4]},
        {"user_id": "w", "levels": [0, 1, 3, 4]}, {"user_id": "x", "levels": [0, 1, 3, 4]}]
    assert sorted(os.path.basename(row["source_file"]) for row in rows(database, REJECTS)) == [
        "batches.ndjson", "cut.json", "first_line_cut.ndjson", "pretty.json"]


def test_which_files_count(tmp_path):
    """Every one but hidden ones, markers and empty ones; a linked folder is searched, and one that
    lies there itself is not searched by its link, whichever is listed first."""
    folder, elsewhere = tmp_path / "events", tmp_path / "elsewhere"
    write_events(folder / "country=US" / "dt=1" / "a", {"level": 1, "country": "DE"})
    write_events(elsewhere / "linked", {"level": 2})
    (folder / "link").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(folder)
    (folder / "again").symlink_to(elsewhere)
    for latest in ("a latest", "latest", "country=US/latest"):
        (folder / latest).symlink_to(folder / "country=US" / "dt=1")
    for name in ("_SUCCESS", "a.crc", "b.tmp", "c.part", ".hidden", ".git/objects"):
        write_events(folder / name, {"level": 9})
    (folder / "empty").touch()
    build(folder, tmp_path / "w.duckdb")
    assert rows(tmp_path / "w.duckdb", """
        select level, country from staging.stg_events order by level""") == [
        {"level": 1, "country": "DE"}, {"level": 2, "country": None}]
    assert rows(tmp_path / "w.duckdb", """
        select source_file from landing.landed_files order by all""") == [
        {"source_file": str(folder / name)} for name in ("again/linked", "country=US/dt=1/a")]


@pytest.mark.long
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


@pytest.mark.long
def test_a_long_line_and_long_ids(tmp_path):
    """A 10 MB line that is no event, and ids of 1 MB that are data like any other."""
    path = write_events(
        tmp_path / "f.ndjson", {}, {"customer_identifier": "i" * (1 << 20)},
        {"customer_identifier": "long", "words": "w" * (60 << 20)})
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
    "😀", "none", "\\u0000", "../../x", "a\tb\nc", "`", "<script>", "\u202e", "\x01",
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


@pytest.mark.long
def test_a_changed_file_is_named_and_not_read_again(tmp_path):
    folder, database = tmp_path / "events", tmp_path / "w.duckdb"
    path = write_events(folder / "f.ndjson", {}, {"level": 2})
    build(folder, database)
    write_events(path, {}, {"level": 2}, {"level": 3})
    build(folder, database)
    assert any(f"{path} has changed since it landed" in text for text in messages)
    assert rows(database, "select event_count from marts.sessions") == [{"event_count": 2}]
    again = "{reread_files: true, missing_files: forget}"
    assert any(again in text for text in messages)
    build(folder, database, "--full-refresh", "--vars", again)
    assert rows(database, "select event_count from marts.sessions") == [{"event_count": 3}]
    build(folder, database)
    assert not any("has changed" in text for text in messages)
    write_events(path, {}, {"level": 2})
    build(folder, database, "--full-refresh", "--vars", again)
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


def test_a_file_that_is_written_to_during_a_build(tmp_path):
    """It lands when it is at rest, with every line; what lies beside it lands at once."""
    events, database = tmp_path / "events", tmp_path / "w.duckdb"
    write_events(events / "1.ndjson", {})
    log, is_over, written = events / "log.ndjson", Event(), 0

    def write():
        nonlocal written
        with log.open("a") as file:
            while not is_over.wait(0.01):
                file.write(json.dumps(EVENTS[0] | {"level": written}) + "\n")
                file.flush()
                written += 1

    log.write_text("")
    writer = Thread(target=write)
    writer.start()
    try:
        build_and_test(events, database)
    finally:
        is_over.set()
        writer.join()
    assert len(rows(database, "from staging.stg_events")) == 1
    assert any("it is being written to" in text for text in messages)
    build_and_test(events, database)
    assert len(rows(database, "from staging.stg_events")) == 1 + written
