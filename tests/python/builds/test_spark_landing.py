"""What lands on Spark is what lands on DuckDB, and stays."""

import contextlib
import json
import pprint
import re
from collections import Counter
from functools import partial
from pathlib import Path

import duckdb
import pytest

import built
import spark_engine
from built import BuildError, write_events
from compared import REJECTS, same
from offer_ai.base.settings import ROOT

pytest.importorskip("pyspark")

from dbt.adapters.spark.session import Cursor
from pyspark.sql import SparkSession

LANDING = ["--select", "models/landing"]
ALIAS = "{field_aliases: {sku: [thing]}, missing_files: keep}"
LANDED = """
    select events.user_id, events.event_type, events.event_time, events.session_id, events.sku,
        events.device_id, events.received_at, events.is_rejected,
        files.source_file, files.line_count, files.rejected_count, files.vocabulary
    from landing.landed_files as files
    left join landing.landed_events as events on files.file_id = events.file_id"""


def assert_same_landing(database) -> None:
    """Landed events with their files, and the rejects, are the same on both engines."""
    for query in (LANDED, REJECTS):
        same(spark_engine.rows(query), built.rows(database, query))


def day(number: int, **own) -> dict:
    return {"event_id": "purchase", "txn_amount": 1, "thing": f"t{number}",
            "event_time": f"2025-01-0{number}T10:00:00", **own}


@contextlib.contextmanager
def failing_at(number: int, pattern: str):
    """Lets one statement fail, the so many-th that begins with a pattern; yields the list that it
    will be put in."""
    execute, seen, failed = Cursor.execute, [], []

    def executed(self, sql, *parameters):
        if re.match(pattern, re.sub(r"^(\s|/[*].*?[*]/)*", "", sql)):
            seen.append(sql)
            if len(seen) == number:
                failed.append(sql)
                raise RuntimeError("the build ends here")
        return execute(self, sql, *parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Cursor, "execute", executed)
        yield failed


@pytest.mark.long
def test_what_has_landed_stays_when_it_is_read_again(tmp_path):
    """By another vocabulary, with a file gone; a build that fails right after the table was dropped
    is run again."""
    events, database = tmp_path / "events", tmp_path / "w.duckdb"
    first = write_events(events / "1.ndjson", day(1), day(2), day(2), {"event_time": "?"})
    write_events(events / "2.ndjson", day(2), day(3), {"customer_identifier": None})
    spark_engine.dbt_anew("run", *LANDING, events=events)
    built.dbt("run", *LANDING, events=events, database=database)
    first.unlink()
    run = partial(spark_engine.dbt, "run", *LANDING, events=events)
    with failing_at(1, "create table landing.landed_events ") as failed, \
            pytest.raises(BuildError):
        run("--full-refresh", "--vars", ALIAS)
    assert failed
    with pytest.raises(BuildError, match="vocabulary"):
        run("--vars", ALIAS)
    same(spark_engine.rows(f"select user_id, event_time from ({LANDED})"),
         built.rows(database, f"select user_id, event_time from ({LANDED})"))
    run("--full-refresh", "--vars", ALIAS)
    built.dbt("run", *LANDING, "--full-refresh", "--vars", ALIAS, events=events, database=database)
    assert_same_landing(database)
    write_events(events / "3.ndjson", day(1), day(4))
    run("--vars", ALIAS)
    built.dbt("run", *LANDING, "--vars", ALIAS, events=events, database=database)
    assert_same_landing(database)
    assert {row["sku"] for row in spark_engine.rows(LANDED)} == {None, "t1", "t2", "t3", "t4"}


@pytest.mark.long
def test_a_full_refresh_puts_back_what_a_killed_build_had_taken_out(tmp_path):
    write_events(tmp_path / "1.ndjson", day(1), day(2))
    spark_engine.dbt_anew("run", *LANDING, events=tmp_path)
    before = spark_engine.rows(LANDED)
    session = SparkSession.builder.getOrCreate()
    session.sql("create table landing.landed_events__kept using parquet as "
                "select * from landing.landed_events")
    session.sql("alter table landing.landed_events drop partition (partition_day = '2025-01-01')")
    spark_engine.dbt("run", *LANDING, "--full-refresh", events=tmp_path)
    same(spark_engine.rows(LANDED), before)


@pytest.mark.long
def test_a_file_that_no_build_went_through_with_is_forgotten(tmp_path):
    """What landed after it lands again, and equals what never saw it."""
    write_events(tmp_path / "1.ndjson", day(1))
    spark_engine.dbt_anew("run", *LANDING, events=tmp_path)
    foreign = write_events(tmp_path / "2.ndjson", day(2), {"customer_identifier": None})
    write_events(tmp_path / "3.ndjson", day(2), day(3))
    run = partial(spark_engine.dbt, "run", *LANDING, events=tmp_path)
    run()
    foreign.unlink()
    run("--vars", "missing_files: forget")
    files = "select source_file, line_count from landing.landed_files"
    assert {row["source_file"]: row["line_count"] for row in spark_engine.rows(files)} == {
        str(tmp_path / "1.ndjson"): 1, str(tmp_path / "3.ndjson"): 2}
    # Nor are events of it left that no file is named for, or repeats of them.
    queries = (LANDED, REJECTS, *(f"select user_id, event_time from landing.{table}"
                                  for table in ("landed_events", "repeated_events")))
    found = [spark_engine.rows(query) for query in queries]
    spark_engine.dbt_anew("run", *LANDING, events=tmp_path)
    for query, rows in zip(queries, found, strict=True):
        same(spark_engine.rows(query), rows)


@pytest.mark.long
def test_users_are_erased_as_the_documentation_says(tmp_path):
    """From every byte of the tables, and what comes of them later is dropped."""
    planted, other = "planted-user-71", "user-72"
    mine = {"customer_identifier": planted}
    for number in (1, 2):
        write_events(tmp_path / f"{number}.ndjson", day(number, **mine), day(number, **mine),
                     day(number, customer_identifier=other), {"event_time": "?", **mine})
    spark_engine.dbt_anew("run", *LANDING, events=tmp_path)
    assert holding(planted)
    (statement,) = re.findall(r"```sql\n(create table landing[.]erased_users .*?);\n```",
                              (ROOT / "docs" / "erasing.md").read_text(), re.DOTALL)
    session = SparkSession.builder.getOrCreate()
    session.sql(statement.replace("USER", planted))
    try:
        spark_engine.dbt("run", *LANDING, "--full-refresh", "--vars", "reread_files: true",
                         events=tmp_path)
        assert not holding(planted)
        write_events(tmp_path / "3.ndjson", day(3, **mine), day(3, customer_identifier=other))
        spark_engine.dbt("run", *LANDING, events=tmp_path)
        assert not holding(planted) and holding(other)
        users = spark_engine.rows("select user_id from landing.landed_events where user_id <> ''")
        assert [row["user_id"] for row in users] == [other] * 3
    finally:
        session.sql("drop table landing.erased_users")


def holding(user: str) -> list[Path]:
    """The files of Spark's tables with an id in their bytes, which Snappy leaves so once."""
    return [path for path in Path(spark_engine.WAREHOUSE).rglob("*.parquet")
            if user.encode() in path.read_bytes()]


def parquet(path, select: str, **options) -> None:
    """A Parquet file of what a query of DuckDB says."""
    duckdb.sql(select).write_parquet(str(path), **options)


def odd_files(folder) -> None:
    """Files whose values, forms and names engines are apt to read each in its own way."""
    event = "'game_start' as event_id, '2025-01-05T10:00:00' as event_time"
    parquet(folder / "times.parquet", """
        select 'game_start' as event_id, u as customer_identifier,
            timestamp '2025-01-05 10:00:00.123456' + interval (n) microsecond as event_time,
            timestamptz '2025-01-05 11:00:00.654321+00' as received_at
        from (values ('u1', 1), ('u2', 2)) as t(u, n)""")
    parquet(folder / "ids.parquet", f"""
        select {event}, id as customer_identifier, -id as device_id, id + 0.5 as session_id
        from (values (12345678.0::double), (7), (9007199254740991)) as t(id)""")
    parquet(folder / "bytes.parquet", f"""
        select {event}, encode(u) as customer_identifier, encode('s1') as session_id
        from (values ('u1'), (chr(252))) as t(u)""")
    parquet(folder / "nano.parquet", """
        select 'game_start' as event_id, 'u' as customer_identifier,
            timestamp_ns '2025-01-05 10:00:00.123456789' as event_time""")
    # Read in several splits, as files of more than 128 MB are.
    parquet(folder / "splits.parquet", f"""
        select {event}, case when n % 3000 > 7 then 'u' || n end as customer_identifier,
            md5(n::varchar) as device_id, n as score
        from range(1, 9000) as t(n)""", row_group_size=2048)
    mark, lines = b"\xef\xbb\xbf", [
        {"customer_identifier": "u1", "device_id": 1}, {"customer_identifier": "u2"}]
    whole = [{"event_id": "game_start", "event_time": f"2025-01-0{n}T10:00:00", **line}
             for n, line in enumerate(lines, 1)]
    forms = {
        "pretty.json": json.dumps(whole[0], indent=2),
        "pretty array.json": json.dumps(whole, indent=2),
        "lines.json": "\n".join(map(json.dumps, whole)),
        "mark.json": mark.decode() + json.dumps(whole),
        "pretty mark.json": mark.decode() + json.dumps(whole[0], indent=2),
        "one.json": json.dumps(whole[0]), "a\\b.ndjson": json.dumps(whole[0]),
        "pretty reject.json": json.dumps({"event_id": "x", "sku": "y"}, indent=1) + "\n",
        "one reject.json": json.dumps({"event_id": "x"}) + "\n",
        "two arrays.json": f"{json.dumps(whole[:1])}\n{json.dumps(whole[1:])}\n",
        "end\\": json.dumps(whole[1]), "c\\d.json": json.dumps(whole[1], indent=1),
        "no\\.ndjson": "no JSON\n" + json.dumps(whole[0])}
    for name, text in forms.items():
        (folder / name).write_text(text)
    for name in ("it's\\.parquet", "{1} [a-b]?.parquet"):
        parquet(folder / name, f"select {event}, 'u3' as customer_identifier")
    write_events(folder / "values.ndjson", *(
        {"event_time": time, "session_id": str(number)} for number, time in enumerate((
            "2025/01/05 10:00:00", "2025-01-05 24:00:00", "2025-01-05T24:00:00Z",
            "2025-01-05T10:00:00\n", "2025-01-05 10:00UTC", "2025-01-05 10:00 UTC",
            "2025-01-05T10:00:00UTC", "2025-01-05T10:00:00.5+0100", "2025-1-5 10:00:00",
            "2025-01-05 10:00:00 +0100", "2025-01-05 10:00 -03", "2025-01-05 10:00:00.5 +05:30",
            "2025-01-05 10-00:00", "1736071200\n", "1.736071200e9", "2025-01-05"))),
        *({"customer_identifier": user, "device_id": user} for user in (
            12345678.0, 1e7, -12345678.0, 123456789012.0, 12345678.5, 7.0, 1234567.0, "7.0\n",
            "7.0")))
    with (folder / "values.ndjson").open("a") as file:
        for text in ("{'event_time': '2025-01-05', 'customer_identifier': 'q'}",
                     '{"event_time": "2025-01-05", "customer_identifier": "q", \'sku\': "x"}',
                     '{"event_time": "2025-01-05", "customer_identifier": "q", "sku": "it\'s"}',
                     '{"event_time": "2025-01-05", "customer_identifier": "q", "score": 007}'):
            file.write(f'{{"event_id": "game_start", {text[1:]}\n')


@pytest.mark.long
def test_odd_files_land_alike(tmp_path):
    events, database = tmp_path / "events", tmp_path / "w.duckdb"
    events.mkdir()
    odd_files(events)
    spark_engine.dbt("show", "--inline", "select 1", events=events)  # starts the session
    session = SparkSession.builder.getOrCreate()
    session.sql("create database if not exists landing")
    session.conf.set("spark.sql.files.maxPartitionBytes", "20000")
    try:
        spark_engine.dbt_anew("run", *LANDING, events=events)
    finally:
        session.conf.unset("spark.sql.files.maxPartitionBytes")
    built.dbt("run", *LANDING, events=events, database=database)
    # Nanoseconds are beyond Spark, which says so of each line,
    nanoseconds = f"select reason from ({REJECTS}) where source_file like '%/nano.parquet'"
    (reject,) = spark_engine.rows(nanoseconds)
    assert reject["reason"].startswith("event_time cannot be read as timestamp: 1736071200")
    # and so are several arrays in one file.
    arrays = f"select reason from ({REJECTS}) where source_file like '%/two arrays.json'"
    assert len(spark_engine.rows(arrays)) == 2
    engines = spark_engine.rows, partial(built.rows, database)
    found = {name: [landed(rows, name) for rows in engines]
             for name in sorted(path.name for path in events.iterdir())
             if name not in ("nano.parquet", "two arrays.json")}
    different = {name: [list((ours - theirs).elements()), list((theirs - ours).elements())]
                 for name, (ours, theirs) in found.items() if ours != theirs}
    assert different == {}, pprint.pformat(different, width=400)


def landed(rows, name: str) -> Counter:
    """What landed of a file: events and rejects, these with the text of lines of JSON."""
    def of_file(found):
        return (row for row in found if row.pop("source_file").endswith(f"/events/{name}"))

    rejects = [row | ({"raw_line": ""} if name.endswith(".parquet") else {})
               for row in of_file(rows(REJECTS))]
    return Counter(
        str(sorted(map(str, row.items()))) for row in [*of_file(rows(LANDED)), *rejects])


@pytest.mark.long
def test_events_of_one_second_are_cut_in_one_order(tmp_path):
    """Where the split goes by time, an event without a session comes before those with one."""
    query = """
        select session_id, row_number() over (order by {{ offer_ai.split_ties()[:3] | join(', ') }})
            as place
        from (
            select timestamp '2025-01-01 10:00:00' as event_time, session_id, 'x' as event_type
            from (values ('s'), (null), ('')) as sessions (session_id)
        ) as events"""
    places = [[tuple(row.values()) for row in result.agate_table.rows] for (result,) in (
        spark_engine.dbt("show", "--inline", query, events=tmp_path),
        built.dbt("show", "--inline", query, events=tmp_path, database=tmp_path / "w.duckdb"))]
    assert [max(place for _, place in rows) for rows in places] == [3, 3]
    assert [next(session for session, place in rows if place == 3) for rows in places] == ["s", "s"]
