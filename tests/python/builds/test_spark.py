"""The same events on both engines: every mart equal, row by row.

`make test` compares what values and lift are of; `make test-spark` runs all, many streams and a
larger world (OFFER_AI_STREAMS, OFFER_AI_PLAYERS), and kills builds (OFFER_AI_SPARK_KILLS).
"""

import gzip
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import duckdb
import pytest
from hypothesis import given

import built
import spark_engine
from built import BuildError, edited, write_events
from commands import environment, export, run
from compared import REJECTS, same, same_marts
from declared import SPLIT, SPLITS
from events import at, offers
from offer_ai.base.settings import ROOT, default_store
from offer_ai.features import open_store
from spark_cluster import cluster
from streams import NESTED, batches, builds, nested, streams, write_lines

pytest.importorskip("pyspark")
STREAMS = int(os.environ.get("OFFER_AI_STREAMS", "1"))
KILLS = int(os.environ.get("OFFER_AI_SPARK_KILLS", "0"))
in_long_form = pytest.mark.skipif(STREAMS == 1, reason="make test-spark runs it")
DBT = [Path(sys.executable).parent / "dbt", "--quiet"]
PLAYERS = int(os.environ.get("OFFER_AI_PLAYERS", "60"))
GAP = next(split for split in SPLITS if "interval" in split)
FEATURE = """  features:
    - name: two_days_games_played
      description: Games started in the sessions of two days.
      data_type: bigint
      config: {meta: {over: sessions, before: {day: 2}, aggregate: sum(games_played)}}
"""
COUNTS = """
select
    (select sum(line_count) from landing.landed_files) as lines,
    (select count(*) from staging.stg_events) as events,
    (select count(*) from landing.repeated_events where delivery_number > 1) as repeats"""


def versions(text: str) -> list:
    """What `feature_versions` says, its text and numbers as JSON reads them, in one order."""
    return sorted(json.loads(text), key=lambda version: (version[0] or "", version[1]))


def comparable(read: Callable[[str], list[dict]]) -> Callable[[str], list[dict]]:
    """A reader of rows whose `feature_versions` both engines write alike."""
    return lambda query: [
        row | {name: versions(row[name]) for name in row.keys() & {"feature_versions"}}
        for row in read(query)]


def assert_equal(database: Path) -> None:
    """Every mart and the rejects hold the same rows on both engines."""
    here = partial(built.rows, database)
    same_marts(comparable(spark_engine.rows), comparable(here))
    assert spark_engine.rows(COUNTS) == here(COUNTS)


def bridge(database: Path, tables, *options) -> subprocess.CompletedProcess:
    """Lets a DuckDB file look at Spark's tables."""
    return run("spark_bridge", *options, env=os.environ | {
        "OFFER_AI_DB": str(database), "OFFER_AI_SPARK_WAREHOUSE": str(tables)})


def equal_on_both(parts: list[list[bytes]], in_batches: bool) -> None:
    """Files of lines, built at once on DuckDB and, on Spark, at once or one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        events, database = Path(folder, "events"), Path(folder, "w.duckdb")
        run = spark_engine.dbt_anew
        for number, lines in enumerate(parts, 1):
            write_lines(events / f"{number * 5 % 7}.ndjson", lines)
            if in_batches or number == len(parts):
                run("run", events=events)
                run = spark_engine.dbt
        built.build(events, database)
        assert_equal(database)


@in_long_form
@builds(STREAMS, derandomize=True)
@given(streams())
def test_marts_are_equal(files):
    equal_on_both(files, in_batches=False)


@in_long_form
@builds(max(1, STREAMS // 4), derandomize=True)
@given(batches())
def test_batches_equal_a_full_build(parts):
    """On Spark, too: batch after batch there, at once on DuckDB."""
    equal_on_both(parts, in_batches=True)


@in_long_form
def test_nested_fields_and_currencies_hold_there_too(tmp_path):
    """Fields in objects, in text that is JSON and under keys; amounts at the rates of the seed
    and without any; in two builds."""
    chance, own = random.Random(3), {
        "app_launched": {"country": "DK", "signin_method": "fb"}, "game_start": {"level": 7},
        "offer_shown": {"offer_type": "x", "offer_price": 4.99, "propensity": "0.5"},
        "purchase": {"txn_amount": "9.99", "sku": "coins"}, "game_end": {"won": True}}
    events = [
        at(day, f"1{hour}:00:00", f"s{day}", kind, customer_identifier=f"u{day % 3}",
           currency=chance.choice([None, "USD", "eur", "JPY", "XXX"]), **fields)
        for day in range(1, 9) for hour, (kind, fields) in enumerate(own.items())]
    database, arguments = tmp_path / "w.duckdb", {"events": tmp_path / "events"}
    for number in (0, 1):
        write_lines(tmp_path / "events" / f"{number}.ndjson", [
            json.dumps(nested(event, chance)).encode() for event in events[number::2]])
        if not number:
            spark_engine.dbt_anew("seed", **arguments)
        spark_engine.dbt("run", *NESTED, *([] if number else ["--full-refresh"]), **arguments)
    for command in ("seed", "run"):
        built.dbt(command, *(NESTED if command == "run" else ()), database=database, **arguments)
    assert_equal(database)
    amounts = """
        select purchase_id, txn_amount, txn_amount_sent, currency from staging.stg_purchases"""
    found = spark_engine.rows(amounts)
    same(found, built.rows(database, amounts))
    assert {row["currency"]: row["txn_amount"] is None for row in found}["XXX"]


@in_long_form
def test_what_a_user_declares_holds_there_too(tmp_path):
    """Sessions cut by a gap, a cap on anchors, one feature more and another label; in two
    builds."""
    project = edited(
        tmp_path, (SPLIT, GAP), ("  features:\n", FEATURE),
        ("at_most_per_user_day: 0", "at_most_per_user_day: 1"),
        ("over: stg_purchases, after: {day: 7}, aggregate: sum(txn_amount)",
         "over: sessions, after: {day: 1}, aggregate: sum(purchase_amount)"))
    for number in (0, 1):
        write_events(tmp_path / "events" / f"{number}.ndjson", *(
            at(day, f"1{hour}:0{minute}:00", kind=kind, **own)
            for day in range(1 + number, 7, 2) for hour in (0, 1, 2) for minute, kind, own in (
                (0, "game_start", {"level": day + hour}), (1, "game_end", {"won": hour}),
                (2, "offer_shown", {"offer_type": "x", "offer_price": 1}),
                (3, "purchase", {"txn_amount": f"{hour}.99"}))))
        run = spark_engine.dbt if number else spark_engine.dbt_anew
        run("run", events=tmp_path / "events", project=project)
    built.build(tmp_path / "events", tmp_path / "w.duckdb", project=project)
    assert_equal(tmp_path / "w.duckdb")
    assert len(spark_engine.rows("select * from marts.sessions")) == 18
    assert len(spark_engine.rows("select * from marts.training_offers")) == 6


def decisions(count: int) -> list[dict]:
    """Decisions of a service with a challenger and a holdout, and what was bought after them."""
    chance, made = random.Random(1), []
    for number in range(count):
        offer = chance.choice("xy")
        context = {
            "arm": "holdout" if number % 3 == 0 else "policy", "in_place": "m",
            "holdout_share": 0.33, "fitted": {"first": "2025-01-01", "last": "2025-01-02"},
            "candidates": [
                {"offer_type": kind, "offer_price": "1.99", "probability": 0.5} for kind in "xy"],
            "target": {"policy_version": "t", "offer_type": "x", "offer_price": "1.990",
                       "propensity": 0.75 if offer == "x" else 0.25, "predicted": 1.5,
                       "value": chance.random()}}
        own = {"customer_identifier": f"u{number}", "offer_type": offer, "offer_price": "1.99",
               "policy_version": "p", "propensity": 0.5 if number % 20 else None,
               "decision_context": json.dumps(context) if number else '{"arm": "po'}
        made.append(at(1 + number % 4, "10:00:00", kind="offer_shown", **own))
        if chance.random() < 0.5:
            made.append(at(1 + number % 4, "11:00:00", kind="purchase",
                           customer_identifier=f"u{number}", txn_amount=chance.randint(-2, 9)))
    return made + [{"event_time": "2025-01-20T00:00:00", "customer_identifier": f"u{n}"}
                   for n in range(3)]


def close(row: dict) -> dict:
    """A row whose numbers two engines may add up in another order."""
    return {name: round(value, 6) if isinstance(value, float) else str(value)
            for name, value in row.items()}


def damage(folder: Path) -> list[Path]:
    """Whole files of odd names, with an event each, beside damaged ones, which it returns."""
    lines = [json.dumps(event).encode() + b"\n" for event in offers(5, 200)]
    for number, name in enumerate((
            "a b+c%20.ndjson", "å {1}.ndjson", "`q`.json", "it's.ndjson", "w w.json.gz", "x.gz")):
        content = json.dumps(at(5, f"1{number}:00:00", customer_identifier="u1")).encode()
        (folder / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    duckdb.sql("select 'game_start' as event_id, '2025-01-05T17:00:00' as event_time, "
               "'u1' as customer_identifier").write_parquet(str(folder / "p q.parquet"))
    duckdb.sql("select 1 as event_id where false").write_parquet(str(folder / "none.parquet"))
    packed, columns = gzip.compress(b"".join(lines)), (folder / "p q.parquet").read_bytes()
    damaged = {"cut here.ndjson.gz": packed[:len(packed) // 2], "cut.JSON.GZ": packed[:-2],
               "flipped.gz": packed[:90] + bytes(byte ^ 255 for byte in packed[90:]),
               "cut.parquet": columns[:-9], "text.parquet": b"no Parquet",
               "lines.snappy": b"no snappy\n" * 9}
    for name, content in damaged.items():
        (folder / name).write_bytes(content)
    return sorted(folder / name for name in damaged)


def test_values_and_lift_are_equal(tmp_path):
    """What a service noted is read alike, and so are the estimates and their intervals; damaged
    files are rejects, and harm no other."""
    path = tmp_path / "events"
    write_events(path / "e.ndjson", *decisions(240))
    damaged = damage(path)
    marts = {"policy_evaluation": 1, "policy_lift": 8, "daily_activity": 20, "retention": 1,
             "weekly_revenue": 1} | ({"feature_drift": 10} if STREAMS > 1 else {})  # rows at least
    spark_engine.dbt_anew("run", "--select", *(f"+{mart}" for mart in marts), events=path)
    spark_engine.dbt("test", "--select", "offers_are_made_as_often_as_said",
                     "arms_have_their_shares", events=path)
    built.build(path, tmp_path / "w.duckdb")
    for found in (spark_engine.rows(REJECTS), built.rows(tmp_path / "w.duckdb", REJECTS)):
        assert sorted(row["source_file"] for row in found if row["line_number"] is None) == list(
            map(str, damaged))
    assert len(spark_engine.rows("select * from staging.stg_events where user_id = 'u1' "
                                 "and date(event_time) = '2025-01-05'")) == 7
    for mart, least in marts.items():
        query = f"select * from marts.{mart}"
        here = built.rows(tmp_path / "w.duckdb", query)
        assert len(here) >= least, mart
        same(list(map(close, spark_engine.rows(query))), list(map(close, here)))
    (row,) = built.rows(tmp_path / "w.duckdb", "from marts.policy_evaluation")
    assert row["decisions_without_propensity"] == 11
    assert row["dr_low"] < row["dr_value"] < row["dr_high"]


@in_long_form
def test_a_build_that_was_killed_is_simply_run_again(tmp_path):
    """Between taking rows away and putting those that stay back, the worst moment."""
    from pyspark.sql import SparkSession

    write_events(tmp_path / "events" / "1.ndjson", *offers(1), *offers(2))
    spark_engine.dbt_anew("run", events=tmp_path / "events")
    session = SparkSession.builder.getOrCreate()
    for table in ("sessions.session_rollups", "anchors.latest_anchor_features"):
        session.sql(f"create table {table}__kept using parquet as select * from {table}")
    session.sql(
        "alter table sessions.session_rollups drop partition (partition_day = '2025-01-01')")
    session.sql("insert overwrite anchors.latest_anchor_features "
                "select * from anchors.latest_anchor_features__kept where false")
    assert spark_engine.rows("select * from marts.sessions") == []
    write_events(tmp_path / "events" / "2.ndjson", *offers(3, 1))
    spark_engine.dbt("run", events=tmp_path / "events")
    built.build(tmp_path / "events", tmp_path / "w.duckdb")
    assert_equal(tmp_path / "w.duckdb")
    assert not [name for schema in ("sessions", "anchors") for name in session.sql(
        f"show tables in {schema}").toPandas()["tableName"] if name.endswith("__kept")]


@in_long_form
@pytest.mark.parametrize(("table", "change"), [
    ("staging.stg_purchases", "more"), ("anchors.latest_requests", "fewer")])
def test_a_delta_has_its_tables_columns_and_no_others(tmp_path, table, change):
    """On either engine: one that a table has more of ends the batch, and so does one fewer."""
    from pyspark.sql import SparkSession

    events, database = tmp_path / "events", tmp_path / "w.duckdb"
    write_events(events / "1.ndjson", *offers(1))
    spark_engine.dbt_anew("run", events=events)
    built.build(events, database)
    session = SparkSession.builder.getOrCreate()
    with duckdb.connect(str(database)) as con:
        if change == "more":
            session.sql(f"alter table {table} add columns (told_later int)")
            con.execute(f"alter table {table} add column told_later int")
        else:
            session.sql("create table anchors.narrow using parquet as "
                        f"select user_id, feature_versions from {table}")
            session.sql(f"drop table {table}")
            session.sql(f"alter table anchors.narrow rename to {table}")
            con.execute(f"alter table {table} drop column written_after")
    write_events(events / "2.ndjson", *offers(2))
    with pytest.raises(BuildError, match=r"told_later|too many data columns"):
        spark_engine.dbt("run", events=events)
    with pytest.raises(BuildError, match=r"told_later|written_after"):
        built.build(events, database)
    spark_engine.dbt("run", "--full-refresh", events=events)
    built.build(events, database, "--full-refresh")
    assert_equal(database)


@in_long_form
def test_days_that_the_catalog_does_not_know(tmp_path):
    """A full refresh that was killed between writing a table's files and telling the catalog: of
    days of a table that it knows, and of a table that it does not, whose files hold a day more."""
    from pyspark.sql import SparkSession

    write_events(tmp_path / "events" / "1.ndjson", *offers(1), *offers(2))
    spark_engine.dbt_anew("run", events=tmp_path / "events")
    session, tables = SparkSession.builder.getOrCreate(), Path(spark_engine.WAREHOUSE)

    def forget(table: str, statement: str) -> Path:
        """What the statement removes from the catalog, files and all; the files come back."""
        folder = tables / table.replace(".", ".db/")
        shutil.copytree(folder, tmp_path / table)
        session.sql(statement.format(table))
        shutil.copytree(tmp_path / table, folder, dirs_exist_ok=True)
        return folder

    forget("staging.stg_offers_shown", "alter table {} drop partition (partition_day='2025-01-02')")
    labels = forget("anchors.offer_labels", "drop table {}")
    shutil.copytree(labels / "partition_day=2025-01-02", labels / "partition_day=2025-01-09")
    session.sql("drop table landing.build_log")
    session.sql("create table landing.build_under_way using parquet as select 1 as build")
    spark_engine.dbt("run", events=tmp_path / "events")
    built.build(tmp_path / "events", tmp_path / "w.duckdb")
    assert_equal(tmp_path / "w.duckdb")
    assert not session.catalog.tableExists("landing.build_under_way")


@pytest.mark.skipif(not KILLS, reason="make test-spark kills builds")
def test_kills_on_a_cluster(tmp_path):
    """kill -9 of an executor, of a worker with its executor, of the driver, at a random moment of
    a full build or a batch, again and again: that build or the next ends as ever."""
    chance, events = random.Random(1), tmp_path / "events"
    with cluster(tmp_path / "cluster") as workers:
        variables = os.environ | spark_engine.ENVIRONMENT | {
            "OFFER_AI_SPARK_MASTER": workers.url, "OFFER_AI_SPARK_MEMORY": "1g",
            "OFFER_AI_SPARK_WAREHOUSE": str(tmp_path / "spark"),
            "OFFER_AI_EVENTS": str(events), "OFFER_AI_DB": str(tmp_path / "w.duckdb")}
        command = [*DBT, "run", "--target", "spark", "--target-path", str(tmp_path / "target")]

        def start(*arguments: str) -> subprocess.Popen:
            return subprocess.Popen(
                [*command, *arguments], cwd=ROOT, env=variables, start_new_session=True,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

        def run(*arguments: str) -> float:
            began, build = time.monotonic(), start(*arguments)
            said, _ = build.communicate()
            assert build.returncode == 0, said
            return time.monotonic() - began

        write_events(events / "0.ndjson", *offers(1), *offers(20))
        seconds = run()
        for number in range(1, KILLS + 1):
            write_events(events / f"{number}.ndjson", *offers(number % 27 + 1, 2))
            arguments = ["--full-refresh"] if chance.random() < 0.3 else []
            build = start(*arguments)
            time.sleep(chance.uniform(0.25, 0.95) * seconds)
            victim = ("executor", "worker", "driver")[number % 3]
            if victim == "executor":
                assert workers.kill_executor(number), "none ran"
            elif victim == "worker":
                workers.kill_worker(number)
            else:
                os.killpg(build.pid, signal.SIGKILL)
            said, _ = build.communicate()
            print(number, victim, *arguments, "ended with", build.returncode, flush=True)
            # Spark itself survives the loss of an executor or a worker.
            assert victim == "driver" or build.returncode == 0, said
            if victim == "driver":
                run()
            bridge(tmp_path / "spark.duckdb", tmp_path / "spark")
            built.build(events, tmp_path / "w.duckdb")
            same_marts(*(comparable(partial(built.rows, tmp_path / name))
                         for name in ("spark.duckdb", "w.duckdb")))


@in_long_form
def test_a_simulated_world(tmp_path):
    run("simulate", "--out", tmp_path, "--users", PLAYERS, "--days", 28, check=True)
    built.build(tmp_path / "events", tmp_path / "w.duckdb")
    spark_engine.dbt_anew("run", events=tmp_path / "events")
    assert_equal(tmp_path / "w.duckdb")


@in_long_form
def test_marts_of_decisions_are_equal(tmp_path):
    """What decisions used and what another policy would have earned; floats nearly so."""
    context = {"features": {"country": "DK", "prev_week_purchase_amount": "0",
                            "last_session_win_ratio": 0.5},
               "features_landed_at": "2025-01-01 00:00:00.5",
               "target": {"policy_version": "m", "offer_type": "x", "offer_price": "9.99",
                          "propensity": 0.9, "predicted": 1.25, "value": 1.5}}
    decided = [event | {"propensity": 0.3, "policy_version": "p", "decision_id": "d",
                        "decision_context": json.dumps(context)}
               for day in (1, 2, 3) for event in offers(day, 9)]
    # Each user another amount, so that the draws of users show in the intervals.
    paid = [{"event_id": "purchase", "event_time": "2025-01-02T10:00:00",
             "txn_amount": str(n**2), "customer_identifier": f"u{n}"} for n in range(9)]
    write_events(tmp_path / "1.ndjson", *decided, *paid, *offers(20))
    built.build(tmp_path / "1.ndjson", tmp_path / "w.duckdb")
    spark_engine.dbt_anew("run", events=tmp_path / "1.ndjson")
    skew = "select * from marts.decision_skew"
    found = spark_engine.rows(skew)
    assert {row["is_equal"] for row in found} == {True, False}
    same(found, built.rows(tmp_path / "w.duckdb", skew))
    (ours,), (theirs,) = (rows("select * from marts.policy_evaluation") for rows in (
        spark_engine.rows, lambda query: built.rows(tmp_path / "w.duckdb", query)))
    assert ours == pytest.approx(theirs)


@in_long_form
@pytest.mark.parametrize("method", ["thrift", "http"])
def test_exports_are_equal(tmp_path, method):
    """What is published from the tables of a Thrift server, among them another person's, is
    what is published from DuckDB's; a file that Spark cannot read is a reject there."""
    write_events(tmp_path / "events" / "1.ndjson", *offers(1), *offers(2), *offers(15))
    (tmp_path / "events" / "2.ndjson.zst").write_bytes(b"not read on Spark")
    built.build(tmp_path / "events", tmp_path / "duckdb" / "w.duckdb")
    with spark_engine.thrift_server(tmp_path / "tables", method) as server:
        done = subprocess.run(
            [*DBT, "build", "--exclude-resource-type", "unit_test", "test", "--target", "spark",
             "--target-path", tmp_path / "target"], cwd=ROOT,
            env=os.environ | server | {"OFFER_AI_EVENTS": str(tmp_path / "events"),
                                       "OFFER_AI_SPARK_SCHEMA": "Ann"},
            capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
    (tmp_path / "spark").mkdir()
    place = Path(environment(tmp_path / "spark")["OFFER_AI_DB"]), tmp_path / "tables"
    assert "There is no finished Spark build" in bridge(*place).stderr
    said = bridge(*place, "--schema", "Ann")
    assert said.returncode == 0, said.stderr
    (reject,) = built.rows(tmp_path / "spark" / "w.duckdb", REJECTS)
    assert reject["source_file"] == str(tmp_path / "events" / "2.ndjson.zst")
    assert reject["reason"].startswith("file cannot be read: Spark does not decompress .zst")
    published = []
    for folder in (tmp_path / "duckdb", tmp_path / "spark"):
        for what in ("training", "latest", "marts"):
            export(folder, what)
        manifest = json.loads((folder / "export" / "training" / "manifest.json").read_text())
        store = open_store(default_store(folder / "export"), read_only=True)
        published.append((manifest["version"], manifest["files"], {
            user: versions(store.get(user).feature_versions) for user in store.user_ids()}))
        store.close()
    assert published[0] == published[1]
    refused = bridge(tmp_path / "duckdb" / "w.duckdb", tmp_path / "tables", "--schema", "Ann")
    assert "is a warehouse of its own" in refused.stderr


@in_long_form
def test_a_table_is_a_source_there_too(tmp_path):
    """Rows that share a loading time, are late or there twice land as on DuckDB, and so do bytes
    and microseconds."""
    from pyspark.sql import SparkSession

    events, table, database = tmp_path / "events", "table:raw.events", tmp_path / "w.duckdb"
    spark_engine.dbt("show", "--inline", "select 1", events=events)  # starts the session
    session = SparkSession.builder.getOrCreate()
    for schema in ("raw", "landing"):
        session.sql(f"create database if not exists {schema}")
    session.sql("drop table if exists raw.events")
    session.sql("create table raw.events (event_id string, event_time timestamp, "
                "customer_identifier int, session_id binary, txn_amount decimal(9, 2), "
                "loaded_at timestamp) using parquet")
    first = ["('purchase', timestamp'2025-01-01 10:00:00.123456', 1, binary('s'), 4.99, "
             "timestamp'2025-01-01')",
             "('game_start', null, 1, binary('s'), null, timestamp'2025-01-01 12:00:00')"]
    second = [first[0], "('game_start', timestamp'2025-01-01 09:00:00', 2, binary('t'), null, "
              "timestamp'2025-01-01 11:00:00')", first[1]]
    run = spark_engine.dbt_anew
    for part in (first, second):
        session.sql(f"insert into raw.events values {', '.join(part)}")
        run("run", events=table)
        run = spark_engine.dbt
    assert spark_engine.rows(COUNTS)[0].items() >= {"lines": 5, "events": 2, "repeats": 1}.items()
    write_events(events / "1.ndjson", *(
        {"event_id": "purchase", "customer_identifier": 1, "txn_amount": 4.99,
         "event_time": "2025-01-01T10:00:00.123456"},
        {"event_time": None, "customer_identifier": 1}) * 2,
        {"event_time": "2025-01-01T09:00:00", "customer_identifier": 2, "session_id": "t"})
    built.build(events, database)
    for mart in ("sessions", "training_offers", "latest_features"):
        same(spark_engine.rows(f"select * from marts.{mart}"),
             built.rows(database, f"select * from marts.{mart}"))
    same(spark_engine.rows("select reason from landing.rejected_events"),
         built.rows(database, "select reason from landing.rejected_events"))
