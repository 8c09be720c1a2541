"""Events in object storage: the same warehouse as from files, whatever the store does."""

import gzip
import json
import os
import random
import sys
from pathlib import Path

import boto3
import pytest
import requests

from built import BuildError, build, build_and_test, edited, messages, rows, write_events
from compared import MARTS, same
from events import batch
from object_store import SLOW_DOWN, FailingStore
from offer_ai.warehouse import object_storage
from offer_ai.warehouse.object_storage import ObjectStorage

OBJECTS = int(os.environ.get("OFFER_AI_OBJECTS", "40"))
GONE = (404, b"<Error><Code>NoSuchKey</Code><Message>-</Message></Error>")
REJECTS = "select raw_line, reason, line_number from landing.rejected_events"


@pytest.fixture
def store(aws, monkeypatch):
    failing = FailingStore(aws)
    monkeypatch.setenv("AWS_ENDPOINT_URL", failing.url)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setattr(object_storage, "pause", lambda tried: None)
    requests.post(f"{aws}/moto-api/reset", timeout=10)
    failing.client = boto3.client("s3", endpoint_url=aws, region_name="us-east-1")
    failing.client.create_bucket(Bucket="box")
    yield failing
    failing.stop()


def put(store, key: str, *events: dict, content: bytes | None = None) -> None:
    common = {"event_id": "game_start", "event_time": "2025-01-01T10:00:00",
              "customer_identifier": "u", "session_id": "s"}
    text = "".join(json.dumps(common | event) + "\n" for event in events).encode()
    store.client.put_object(Bucket="box", Key=key, Body=text if content is None else content)


def files(database) -> dict:
    return {row["source_file"]: row["error"] for row in rows(
        database, "select source_file, error from landing.landed_files")}


def users(database) -> list:
    return [row["user_id"] for row in rows(
        database, "select distinct user_id from staging.stg_events order by 1")]


def events_of(*names: str) -> list[dict]:
    return [{"customer_identifier": name} for name in names]


def test_objects_make_the_warehouse_that_files_make(tmp_path, store):
    """Of any form and name; each is fetched once, and nothing of it is left on disk."""
    chance = random.Random(1)
    for number in range(OBJECTS):
        events = batch(chance, 20)
        key = f"in/dt={number % 7}/{number} ünd+%20'x'"
        content = "".join(json.dumps(event) + "\n" for event in events).encode()
        content = gzip.compress(content) if number % 3 == 0 else content
        path = Path(tmp_path, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        put(store, key, content=content)
    for name in ("in/_SUCCESS", "in/.hidden/1", "in/x.tmp", "in/empty", "in-other/1"):
        put(store, name, content=b"" if name.endswith("empty") else b"{}\n")
    put(store, "in/bad.csv", content=b"a,b\n1,2\n")
    (tmp_path / "in" / "bad.csv").write_bytes(b"a,b\n1,2\n")
    local, remote = (tmp_path / of / "w.duckdb" for of in ("local", "remote"))
    build(tmp_path / "in", local)
    build("s3://box/in", remote)
    for query in (*(f"select * from marts.{mart}" for mart in MARTS), REJECTS):
        same(rows(remote, query), rows(local, query))
    assert {name.removeprefix("s3://box/"): error for name, error in files(remote).items()} \
        == {str(Path(name).relative_to(tmp_path)): error for name, error in files(local).items()}
    gets = [path for method, path in store.requests if method == "GET" and "list-type" not in path]
    assert len(gets) == len(set(gets)) == len(files(remote))
    assert not Path(f"{remote}.scratch").exists()
    store.requests.clear()
    build("s3://box/in", remote)
    assert all("list-type" in path for _, path in store.requests)


@pytest.mark.long
def test_google_speaks_the_same_protocol(tmp_path, store):
    put(store, "in/1", *events_of("u"))
    build("gs://box/in", tmp_path / "w.duckdb")
    assert files(tmp_path / "w.duckdb") == {"gs://box/in/1": None}


def test_names_as_in_a_file_system(tmp_path, store):
    for key in ("a/1", "a/b/2", "a/b/c/3.gz", "ab/4", "a5", "a/.x/6"):
        put(store, key, {"customer_identifier": key})
    for place, found in {
        "s3://box/a": ["a/1", "a/b/2", "a/b/c/3.gz"], "s3://box/a/b/": ["a/b/2", "a/b/c/3.gz"],
        "s3://box/a5": ["a5"], "s3://box/a/*": ["a/1", "a/b/2", "a/b/c/3.gz"],
        "s3://box/a[0-9]": ["a5"], "s3://box/**/*.gz": ["a/b/c/3.gz"], "s3://box/?/1": ["a/1"],
        "s3://box/*/b": ["a/b/2", "a/b/c/3.gz"],
        "s3://box": ["a/1", "a/b/2", "a/b/c/3.gz", "a5", "ab/4"],
    }.items():
        listed = ObjectStorage("s3").list(place)
        assert [entry["source_file"] for entry in listed] \
            == [f"s3://box/{key}" for key in found], place


@pytest.mark.long
def test_what_cannot_be_fetched_waits_and_the_others_land(tmp_path, store):
    """Vanished between listing and reading; cut off; refused. Never half a file."""
    database = tmp_path / "w.duckdb"
    for name in ("gone", "cut", "whole", "shy"):
        put(store, f"in/{name}", *events_of(*(f"{name}{n}" for n in range(300))))

    def fail(method, path, times):
        if path == "/box/in/gone":
            return GONE
        if path == "/box/in/shy":
            return 403, b"<Error><Code>AccessDenied</Code><Message>-</Message></Error>"
        return 1000 if path == "/box/in/cut" else None

    store.fail = fail
    build_and_test("s3://box/in", database)
    assert files(database) == {
        "s3://box/in/whole": None, "s3://box/in/gone": "the object is gone",
        "s3://box/in/cut": "the download broke off 5 times",
        "s3://box/in/shy": files(database)["s3://box/in/shy"]}
    assert "refuses these credentials (AccessDenied)" in files(database)["s3://box/in/shy"]
    assert len(users(database)) == 300
    assert any("files_can_be_read" in text for text in messages)
    assert len(rows(database, "from landing.rejected_events")) == 3
    store.client.delete_object(Bucket="box", Key="in/gone")
    # Now it breaks off twice and then goes well.
    store.fail = lambda method, path, times: 1000 if path == "/box/in/cut" and times < 8 else None
    build("s3://box/in", database)
    assert len(users(database)) == 900
    assert {name: error for name, error in files(database).items() if error} \
        == {"s3://box/in/gone": "the object is gone"}


@pytest.mark.long
def test_a_busy_store_is_asked_again(tmp_path, store):
    put(store, "in/1", *events_of("u"))
    store.fail = lambda method, path, times: SLOW_DOWN if times <= 2 else None
    build("s3://box/in", tmp_path / "w.duckdb")
    assert users(tmp_path / "w.duckdb") == ["u"]


def test_what_is_wrong_is_one_sentence(tmp_path, store, aws, monkeypatch):
    database = tmp_path / "w.duckdb"

    def problem(place: str) -> str:
        with pytest.raises(BuildError) as error:
            build(place, database)
        return str(error.value)

    assert "OFFER_AI_EVENTS='s3://nowhere/in' cannot be listed: there is no bucket 'nowhere'." \
        in problem("s3://nowhere/in")
    assert "No event file at OFFER_AI_EVENTS='s3://box/in'. Set" in problem("s3://box/in")
    assert "'[z-a].ndjson' is no glob: bad character range z-a" in problem("s3://box/[z-a].ndjson")
    # From here on moto checks keys.
    requests.post(f"{aws}/moto-api/reset-auth", data=b"0", timeout=10)
    try:
        assert "the store refuses these credentials (InvalidAccessKeyId)" in problem("s3://box/in")
    finally:
        requests.post(f"{aws}/moto-api/reset-auth", data=b"inf", timeout=10)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    assert "no credentials were found: set AWS_ACCESS_KEY_ID" in problem("s3://box/in")


@pytest.mark.long
def test_history_is_as_with_files(tmp_path, store):
    """An object that was written again, changed or not, and another vocabulary."""
    database = tmp_path / "w.duckdb"
    put(store, "in/1", {"customer_identifier": "a", "mood": "happy"})
    put(store, "in/2", {"customer_identifier": "b", "mood": "happy"}, {"event_time": "?"})
    build("s3://box/in", database)
    put(store, "in/1", {"customer_identifier": "a", "mood": "happy"})  # the same once more
    build("s3://box/in", database)
    assert not any("has changed" in text for text in messages)
    put(store, "in/2", *events_of("c"))
    build("s3://box/in", database)
    assert any("s3://box/in/2 has changed since it landed" in text for text in messages)
    field = "    sku: {type: text, description: What was bought.}\n"
    project = edited(tmp_path, (field, field + "    mood: {type: text, description: A mood.}\n"))
    with pytest.raises(BuildError, match=r"1 of those that landed are gone .*: s3://box/in/2"):
        build("s3://box/in", database, "--full-refresh", project=project)
    build("s3://box/in", database, "--full-refresh", "--vars", "missing_files: keep",
          project=project)
    assert rows(database, "select user_id, mood from staging.stg_events order by 1") == [
        {"user_id": "a", "mood": "happy"}, {"user_id": "b", "mood": None}]
    assert len(rows(database, "from landing.rejected_events")) == 1


@pytest.mark.long
def test_new_names_sort_last_where_that_is_declared(tmp_path, store):
    """Then only these are listed, with what could not be fetched before."""
    database, say = tmp_path / "w.duckdb", ("--vars", "new_names_sort_last: true")
    for name in "bcd":
        put(store, f"in/{name}", *events_of(name))
    store.fail = lambda method, path, times: GONE if path == "/box/in/c" else None
    build("s3://box/in", database, *say)
    assert users(database) == ["b", "d"]
    for name in "ae":
        put(store, f"in/{name}", *events_of(name))
    store.requests.clear()
    store.fail = lambda *_: None
    build("s3://box/in", database, *say)
    assert users(database) == ["b", "c", "d", "e"]
    assert any("start-after=in%2Fb" in path for _, path in store.requests)
    build("s3://box/in", database)  # without it nothing is lost
    assert users(database) == ["a", "b", "c", "d", "e"]
    build("s3://box/in", database, *say)
    assert not any("No event file" in text for text in messages)


def test_without_boto3_it_says_what_to_run(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(BuildError, match=r"s3:// needs boto3: run `make setup-cloud`"):
        build("s3://box/in", tmp_path / "w.duckdb")
    write_events(tmp_path / "f.ndjson", {})
    build(tmp_path / "f.ndjson", tmp_path / "w.duckdb")
