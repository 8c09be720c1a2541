"""Users who do not count are landed, counted and in nothing else."""

from contextlib import closing

import duckdb
import pytest
from click import ClickException

from built import BuildError, build, build_and_test, rows, write_events
from commands import environment, run
from compared import same_warehouses
from offer_ai.features.opening import open_store
from offer_ai.features.publish import excluded_since, publish_latest
from offer_ai.warehouse.connection import open_warehouse

EXCLUDED = """{"excluded_users": "user_id like 'test%' or user_id = 'bot'"}"""
BY_TABLE = """{"excluded_users": "user_id in (select user_id from main.bots)"}"""


def day(number: int, user: str) -> list[dict]:
    own = {"event_time": f"2025-01-0{number}T10:00:00", "session_id": f"s{number}",
           "customer_identifier": user}
    return [own | {"event_id": "purchase", "txn_amount": "1"},
            own | {"event_id": "offer_shown", "offer_type": "x", "offer_price": 1}]


@pytest.mark.long
def test_users_who_do_not_count(tmp_path):
    events, database = tmp_path / "events", tmp_path / "w.duckdb"
    write_events(events / "1.ndjson", *day(1, "u"), *day(1, "test-1"))
    build(events, database)
    assert len(rows(database, "from marts.training_offers")) == 2
    with pytest.raises(BuildError, match=r"`excluded_users`.*--full-refresh"):
        build(events, database, "--vars", EXCLUDED)
    build(events, database, "--full-refresh", "--vars", EXCLUDED)
    # A later batch, of repeated events too.
    write_events(events / "2.ndjson", *day(2, "bot"), *day(2, "u"), *day(1, "test-1"))
    build_and_test(events, database, "--vars", EXCLUDED)
    for mart in ("sessions", "training_offers", "latest_features"):
        assert {row["user_id"] for row in rows(database, f"from marts.{mart}")} == {"u"}
    assert rows(database, """
        select user_id, count(*) as events from staging.excluded_events
        group by user_id order by user_id""") == [
            {"user_id": "bot", "events": 2}, {"user_id": "test-1", "events": 2}]
    said = run("summary", env=environment(tmp_path)).stdout
    assert "8 events + 2 repeats + 0 rejects" in said
    assert "Of the events 4 are of 2 excluded users" in said


def name_bots(database, *users: str) -> None:
    with duckdb.connect(str(database)) as con:
        con.execute("create or replace table main.bots (user_id varchar)")
        con.executemany("insert into main.bots values (?)", [[user] for user in ("none", *users)])


@pytest.mark.long
def test_a_table_of_bots_that_changes(tmp_path):
    """Who is named, or not any more, is built again with nothing new to land; after a build that
    was cut off too, where the table is put right again in between."""
    events, database, whole = tmp_path / "events", tmp_path / "w.duckdb", tmp_path / "f.duckdb"
    write_events(events / "1.ndjson", *(event for user in "uvw" for event in day(1, user)))

    def users(*named: str, tests: bool = False) -> list[str]:
        name_bots(database, *named)
        (build_and_test if tests else build)(events, database, "--vars", BY_TABLE)
        return [row["user_id"] for row in rows(
            database, "select user_id from marts.training_offers order by 1")]

    assert users("w") == ["u", "v"]
    assert users("v", tests=True) == ["u", "w"]
    changed = "select user_id from landing.changed_users order by 1"
    assert [row["user_id"] for row in rows(database, changed)] == ["v", "w"]
    name_bots(database, "w", "u")
    build(events, database, "--exclude", "offer_labels", "--vars", BY_TABLE)
    assert users("v") == ["u", "w"]
    name_bots(whole, "v")
    build(events, whole, "--vars", BY_TABLE)
    same_warehouses(database, whole)
    users("v")
    assert rows(database, changed) == []


@pytest.mark.long
def test_a_store_hears_of_who_counts_without_a_new_file(tmp_path):
    """Who does not count any more is served no more, and who counts again is; nobody else is
    written."""
    events, database = tmp_path / "events", tmp_path / "offer_ai.duckdb"
    write_events(events / "1.ndjson", *(event for user in "uvw" for event in day(1, user)))

    def publish(*named: str) -> tuple[int, int, set[str]]:
        name_bots(database, *named)
        build(events, database, "--vars", BY_TABLE)
        with closing(open_warehouse(database)) as con, closing(
                open_store(f"sqlite:///{tmp_path}/f.sqlite")) as store:
            done = publish_latest(con, store)
            return done.written, done.unchanged, done.removed, set(store.user_ids())

    assert publish() == (3, 0, 0, {"u", "v", "w"})
    assert publish("w") == (0, 0, 1, {"u", "v"})
    assert publish("v") == (1, 0, 1, {"u", "w"})
    # The store was not told of the first of two builds.
    name_bots(database)
    build(events, database, "--vars", BY_TABLE)
    name_bots(database, "u", "v")
    build(events, database, "--vars", BY_TABLE)
    assert publish("u", "v") == (0, 0, 1, {"w"})
    # A build that was cut off is not published.
    name_bots(database, "v")
    build(events, database, "--exclude", "offer_labels", "--vars", BY_TABLE)
    with pytest.raises(ClickException, match="did not go through"):
        open_warehouse(database)
    # What it left is no matter where no table is asked any more.
    build(events, database, "--full-refresh", "--vars", EXCLUDED)
    open_warehouse(database).close()


@pytest.mark.quick
@pytest.mark.parametrize(("published_through", "removed"), [
    (30, {"v", "w"}),  # a file, as an older version noted it
    ("2025-01-01 00:00:00", {"v", "w"}), ("2025-01-02 00:00:00", {"v"}),
    ("2025-01-03 00:00:00", set())])
def test_whom_a_store_is_asked_for(published_through, removed):
    """After one build those that it changed, after several all who do not count."""
    con = duckdb.connect()
    con.execute("""
        create schema landing; create schema anchors;
        create table landing.build_log as
        select unnest([timestamp '2025-01-01', '2025-01-02', '2025-01-03']) as completed_at;
        create table landing.changed_users as select unnest(['u', 'v']) as user_id;
        create table anchors.latest_requests as select 'u' as user_id""")
    assert excluded_since(con, published_through) == []  # `excluded_users` reads no table
    con.execute("create table landing.built_exclusions as "
                "select unnest(['v', 'w']) as user_id, true as is_settled")
    assert set(excluded_since(con, published_through)) == removed
