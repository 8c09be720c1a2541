"""What lands on Spark is what lands on DuckDB, and stays."""

import contextlib
import re
from functools import partial

import pytest

import built
import spark_engine
from built import BuildError, write_events
from compared import REJECTS, same

pytest.importorskip("pyspark")

from dbt.adapters.spark.session import Cursor  # noqa: E402
from pyspark.sql import SparkSession  # noqa: E402

LANDING = ["--select", "models/landing"]
ALIAS = "{field_aliases: {sku: [thing]}, missing_files: keep}"
LANDED = """
    select events.user_id, events.event_type, events.event_time, events.session_id, events.sku,
        events.is_rejected, files.source_file, files.line_count, files.rejected_count,
        files.vocabulary
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
def failing_at(number: int, text: str):
    """Lets the statement of that number fail, from the first on that begins with a text; yields
    the list that it will be put in."""
    execute, seen, failed = Cursor.execute, [], []

    def executed(self, sql, *parameters):
        if seen or re.sub(r"^(\s|/[*].*?[*]/)*", "", sql).startswith(text):
            seen.append(sql)
            if len(seen) == number:
                failed.append(sql)
                raise RuntimeError("the build ends here")
        return execute(self, sql, *parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Cursor, "execute", executed)
        yield failed


@pytest.mark.parametrize("numbers", [
    [1], pytest.param(range(1, 100), marks=pytest.mark.long)], ids=["once", "everywhere"])
def test_what_has_landed_stays_when_it_is_read_again(tmp_path, numbers):
    """By another vocabulary, with a file gone; builds that fail are run again: right after a table
    was dropped, or at each statement from the first that writes the landing anew."""
    events, database = tmp_path / "events", tmp_path / "w.duckdb"
    first = write_events(events / "1.ndjson", day(1), day(2), day(2), {"event_time": "?"})
    write_events(events / "2.ndjson", day(2), day(3), {"customer_identifier": None})
    spark_engine.dbt_anew("run", *LANDING, events=events)
    built.dbt("run", *LANDING, events=events, database=database)
    first.unlink()
    run = partial(spark_engine.dbt, "run", *LANDING, events=events)
    text = "create table landing.landed_events" + (" " if len(numbers) == 1 else "")
    for number in numbers:
        with failing_at(number, text) as failed, contextlib.suppress(BuildError):
            run("--full-refresh", "--vars", ALIAS)
        if not failed:
            assert number > 12
            break
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
