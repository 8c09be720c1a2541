"""What a service and its log do on a bad day: nothing that was answered is lost."""

import contextlib
import json
import os
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import jsonschema
import pytest
from fastapi.testclient import TestClient

from commands import run_code
from offer_ai.features.sqlite_store import SqliteStore
from offer_ai.features.store import StoreError
from offer_ai.serving import decision_log, log_files
from offer_ai.serving.app import create_app
from offer_ai.serving.bounds import HEADERS, Keys
from offer_ai.serving.decider import Decider
from offer_ai.serving.decision_log import DecisionLog
from offer_ai.serving.log_files import CLOSED, OPEN, close_left
from services import BAD, Service, logged

BODY = {"user_id": "u", "session_id": "s"}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "events").mkdir()
    return tmp_path


def numbers(folder: Path) -> list[int]:
    return sorted(json.loads(line)["n"] for path in folder.iterdir()
                  for line in path.read_text().splitlines())


def test_a_log_that_opens_is_not_taken_for_one_left_behind(tmp_path, monkeypatch):
    """Another service starts between the opening of a file and its lock."""
    lock, started = decision_log.fcntl.flock, []

    def another_starts_first(file, how):
        if not started:
            started.append(True)
            for path in tmp_path.glob(OPEN):
                close_left(path)
        return lock(file, how)

    monkeypatch.setattr(decision_log.fcntl, "flock", another_starts_first)
    log = DecisionLog(tmp_path)
    log.append({"n": 1})
    log.close()
    assert started and numbers(tmp_path) == [1]


def test_a_file_that_its_log_has_just_closed_is_left_alone(tmp_path):
    """Its name was listed by another service that starts."""
    log = DecisionLog(tmp_path)
    log.append({"n": 1})
    (listed,) = tmp_path.glob(OPEN)
    close_left(listed)  # it is locked
    log.close()
    close_left(listed)
    assert numbers(tmp_path) == [1]


@pytest.mark.quick
def test_files_larger_than_a_read(tmp_path, monkeypatch):
    """No call takes more than 2 GiB: what was left open is closed whole, what was deleted is
    written again."""
    (tmp_path / ".decisions-1.open").write_text(
        "".join(f'{{"n": {number}}}\n' for number in range(9)) + '{"n": 9, "cut": "' + "x" * 50)
    read, write = os.pread, os.write
    monkeypatch.setattr(log_files, "BLOCK", 16, raising=False)
    monkeypatch.setattr(os, "pread", lambda file, size, at: read(file, min(size, 16), at))
    log = DecisionLog(tmp_path, seconds=60)
    assert numbers(tmp_path) == [*range(9)]
    for number in range(9, 20):
        log.append({"n": number})
    next(tmp_path.glob(OPEN)).unlink()
    monkeypatch.setattr(os, "write", lambda file, some: write(file, some[:16]))
    log.append({"n": 20})
    log.close()
    assert numbers(tmp_path) == [*range(21)]


MANY = """
import os, sys, time
from pathlib import Path
from offer_ai.serving.decision_log import DecisionLog
name, folder = int(sys.argv[1]), Path(sys.argv[2])
for start in range(40):
    log = DecisionLog(folder, seconds=0.1, lines=7)
    for number in range(20):
        log.append({"n": name * 100_000 + start * 100 + number})
    if start % 2:
        log.close()
    else:  # as a kill leaves it
        if log.file is not None:
            os.close(log.file)
        log.is_closed.set()
        log.file = None
"""


def test_six_services_on_one_folder(tmp_path):
    """With many restarts of each, closed and killed."""
    processes = [threading.Thread(target=run_code, args=(MANY, str(name), str(tmp_path)))
                 for name in range(6)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    DecisionLog(tmp_path).close()
    assert numbers(tmp_path) == [name * 100_000 + start * 100 + number for name in range(6)
                                 for start in range(40) for number in range(20)]


@pytest.mark.parametrize("taken", [None, 5])
def test_a_full_disk_when_a_deleted_file_is_written_again(tmp_path, monkeypatch, taken):
    """What was acknowledged is kept until it is written whole."""
    write, files = os.write, len(os.listdir("/proc/self/fd"))
    log = DecisionLog(tmp_path, seconds=60)
    log.append({"n": 1})
    for path in tmp_path.iterdir():
        path.unlink()

    def full(file, events):
        if taken is None:
            raise OSError("no space left")
        return write(file, events[:taken])

    with monkeypatch.context() as patched:
        patched.setattr(decision_log.os, "write", full)
        for _ in range(3):
            with pytest.raises(OSError):
                log.append({"n": 2})
    log.append({"n": 3})
    log.close()
    assert numbers(tmp_path) == [1, 3]
    assert len(os.listdir("/proc/self/fd")) == files


def test_a_file_left_open_that_cannot_be_opened(tmp_path, caplog):
    """Of another user, say: what it holds waits, and the service starts."""
    (tmp_path / ".decisions-1.open").mkdir()
    log = DecisionLog(tmp_path)
    log.append({"n": 1})
    log.close()
    assert "was left open and cannot be closed" in caplog.text
    assert len(list(tmp_path.glob("*.ndjson"))) == 1


def test_a_log_folder_that_goes_and_comes_back(tmp_path):
    """What was acknowledged before is written again; meanwhile nothing is acknowledged."""
    folder = tmp_path / "events"
    log = DecisionLog(folder, seconds=60)
    log.append({"n": 1})
    log.append({"n": 2})
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    with pytest.raises(OSError):
        log.append({"n": 3})
    with pytest.raises(OSError):
        log.check()
    folder.mkdir()
    log.check()
    log.append({"n": 4})
    log.close()
    assert numbers(folder) == [1, 2, 4]


@pytest.mark.quick
def test_a_log_folder_that_is_moved_away_and_back(tmp_path, caplog):
    """What could not be closed meanwhile lands without a restart; another log's file stays open."""
    folder, away = tmp_path / "events", tmp_path / "away"
    other = DecisionLog(folder, seconds=60)
    other.append({"n": 2})
    log = DecisionLog(folder, seconds=0.2)
    log.append({"n": 1})
    folder.rename(away)
    wait_until(lambda: "cannot be closed" in caplog.text)
    away.rename(folder)
    wait_until(lambda: len(list(folder.glob(CLOSED))) == 1)
    assert len(list(folder.glob(OPEN))) == 1
    log.append({"n": 3})
    for one in (log, other):
        one.close()
    assert numbers(folder) == [1, 2, 3] and not log.left


def wait_until(has_come, seconds=5):
    until = time.monotonic() + seconds
    while not has_come():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.quick
def test_an_event_that_is_written_is_kept_whether_or_not_its_file_can_be_closed(
        tmp_path, monkeypatch, caplog):
    """Of a full file it was the last; closing it is tried again."""
    def refused(*_):
        raise OSError("stale")

    log = DecisionLog(tmp_path, seconds=0.2, lines=2)
    with monkeypatch.context() as patched:
        patched.setattr(decision_log.Path, "rename", refused)
        for number in range(5):
            log.append({"n": number})
        wait_until(lambda: "cannot be closed: stale" in caplog.text)
    wait_until(lambda: len(list(tmp_path.glob(CLOSED))) == 3)
    assert numbers(tmp_path) == [*range(5)]
    log.close()


NO_ROOM = """
import resource, sys
from pathlib import Path
from offer_ai.serving.decision_log import DecisionLog
log = DecisionLog(Path(sys.argv[1]), seconds=60)
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
for room in (0, 20):  # for nothing, and for less than an event
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, most))
    for call in (lambda: log.append({"n": "x" * 50}), log.check):
        try:
            call()
        except OSError:
            print("refused")
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
log.check()
log.rotate()
print(len(list(Path(sys.argv[1]).iterdir())))
log.append({"n": 1})
log.close()
"""


@pytest.mark.quick
def test_a_log_is_broken_while_the_disk_is_full(tmp_path):
    """Though its file is open; and no empty file lands."""
    done = run_code(NO_ROOM, str(tmp_path))
    assert done.stdout.split() == ["refused"] * 4 + ["0"], done.stderr
    assert numbers(tmp_path) == [1]


FULL = """
import sys
from pathlib import Path
from offer_ai.serving.decision_log import DecisionLog
log, kept = DecisionLog(Path(sys.argv[1]), seconds=60), 0
for number in range(100):
    try:
        log.append({"n": number})
        kept += 1
    except OSError:
        break
log.close()
print(kept)
"""


def test_a_full_disk(tmp_path):
    """What it took of an event is taken back: a line is whole or not there."""
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (256, 256)),
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"})
    assert done.returncode == 0, done.stderr
    assert numbers(tmp_path) == list(range(int(done.stdout))) != []


def test_the_service_answers_503_while_it_cannot_log(folder):
    with Service(folder) as service:
        assert service.client.get("/readyz").json()["status"] == "starting"
        first = service.decide()
        for path in (folder / "events").iterdir():
            path.unlink()
        (folder / "events").rmdir()
        assert service.client.post("/decide", json=BODY).status_code == 503
        ready = service.client.get("/readyz")
        assert (ready.status_code, ready.json()["status"]) == (503, "broken")
        (folder / "events").mkdir()
        second = service.decide()
    assert {line["decision_id"] for line in logged(folder)} == {
        first["decision_id"], second["decision_id"]}


@pytest.mark.parametrize("damage", ["empty", "garbage", "locked", "no tables", "no json"])
def test_a_store_that_cannot_be_read_is_the_fallback(folder, damage):
    path = folder / "export" / "latest" / "latest_features.sqlite"
    path.parent.mkdir(parents=True)
    lock = None
    if damage == "garbage":
        path.write_bytes(os.urandom(9000))
    elif damage == "empty":
        path.touch()
    else:
        lock = sqlite3.connect(path, isolation_level=None)
        lock.execute("create table " + ("other (x)" if damage == "no tables"
                                        else "description (json)"))
        if damage == "no json":
            lock.execute("insert into description values ('{')")
        if damage == "locked":
            lock.execute("begin exclusive")
    with Service(folder) as service:
        began = time.monotonic()
        decision = service.decide()
        assert (decision["policy_version"], decision["features"]) == ("fallback-uniform", {})
        assert time.monotonic() - began < 2
        assert service.client.get("/healthz").status_code == 200
        ready = service.client.get("/readyz").json()
        assert ready["status"] == "degraded"
        assert "the feature store cannot be read" in ready["why"]
    if lock:
        lock.close()


def test_a_store_that_is_replaced_is_read(tmp_path):
    """By a rename, as when a file comes from another machine; without the log of the old one,
    as docs/serving.md says."""
    for name in ("old", "new"):
        con = sqlite3.connect(tmp_path / name)
        con.execute("pragma journal_mode = wal")
        con.execute("create table description (json)")
        con.execute("insert into description values (?)", (json.dumps({
            "features": [], "cold_start": [], "as_of": name, "warehouse": "",
            "published_through": 1, "landed_at": "", "schema_version": "3.x"}),))
        con.commit()
        con.close()
    path = tmp_path / "f.sqlite"
    (tmp_path / "old").replace(path)
    store = SqliteStore(f"sqlite:///{path}", read_only=True)
    assert store.description().as_of == "old"
    with contextlib.closing(sqlite3.connect(path)) as con:
        con.execute("create table other as select zeroblob(100000)")
        con.commit()
    for suffix in ("-wal", "-shm"):
        (tmp_path / f"f.sqlite{suffix}").unlink()
    assert store.description().as_of == "old"
    (tmp_path / "new").replace(path)
    assert store.description().as_of == "new"
    with contextlib.closing(sqlite3.connect(path)) as con:
        assert con.execute("pragma integrity_check").fetchall() == [("ok",)]
        assert con.execute("select name from sqlite_master").fetchall() == [("description",)]
    path.unlink()
    with pytest.raises(StoreError, match="no feature store"):
        store.description()


@pytest.mark.long
def test_several_workers(folder):
    """Each has files and random numbers of its own; one that is killed is started again."""
    with Service(folder, "--workers", "2") as service:
        ids, made = set(), []
        for _ in range(60):  # a connection stays with one worker
            decision = httpx.post(f"{service.client.base_url}/decide", json=BODY).json()
            ids.add(decision["decision_id"])
            made.append(decision["offer_type"])
        assert len(set(made)) > 1
        pids = {path.name.split("-")[-1].split(".")[0] for path in (folder / "events").iterdir()}
        assert len(pids) == 2
        text = service.client.get("/metrics").text
        assert 'offer_ai_requests_total{key="anyone"} 60.0' in text
        os.kill(int(pids.pop()), signal.SIGKILL)
        until = time.time() + 90
        while time.time() < until:
            try:
                ids.add(httpx.post(f"{service.client.base_url}/decide", json=BODY
                                   ).json()["decision_id"])
            except httpx.TransportError:
                continue
            if len({path.name.split("-")[-1].split(".")[0]
                    for path in (folder / "events").iterdir()}) == 3:
                break
            time.sleep(0.1)
        else:
            raise AssertionError("no worker took its place")
    DecisionLog(folder / "events").close()
    assert {line["decision_id"] for line in logged(folder)} == ids


@pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=pytest.mark.long)])
def test_told_to_stop_under_load(folder, workers):
    """Every decision that was answered is in the log, and no file is left open."""
    answered = []

    def ask():
        with httpx.Client(base_url=service.client.base_url) as client:
            while True:
                try:
                    answer = client.post("/decide", json=BODY)
                except httpx.TransportError:
                    return
                if answer.status_code == 200:
                    answered.append(answer.json()["decision_id"])

    with Service(folder, "--workers", workers) as service:
        clients = [threading.Thread(target=ask) for _ in range(4)]
        for client in clients:
            client.start()
        time.sleep(1.5)
    for client in clients:
        client.join()
    assert len(answered) > 50
    assert not list((folder / "events").glob(".decisions-*"))
    assert {line["decision_id"] for line in logged(folder)} >= set(answered)


def test_many_connections_and_slow_clients(folder):
    """Two thousand that say nothing, and some that never end their request, hold nobody up."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    with contextlib.ExitStack() as idle, Service(folder) as service:
        for number in range(2000):
            one = idle.enter_context(socket.create_connection(("127.0.0.1", service.port)))
            if number % 10 == 0:
                one.sendall(b"POST /decide HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n"
                            + (b"\r\n{" if number % 20 else b""))
        began = time.monotonic()
        for _ in range(20):
            service.decide()
        assert time.monotonic() - began < 5


def test_the_answers_are_as_the_schema_says(folder):
    """Each status that /decide answers is in the OpenAPI document, its body as described."""
    with Service(folder, "--per-second", "40",
                 OFFER_AI_API_KEY="game=secret shop=other") as service:
        described = service.client.get("/openapi.json").json()
        answers = described["paths"]["/decide"]["post"]["responses"]

        def check(response) -> int:
            schema = answers[str(response.status_code)]["content"]["application/json"]["schema"]
            jsonschema.validate(response.json(), schema | {"components": described["components"]})
            assert response.headers["cache-control"] == "no-store"
            return response.status_code

        def post(content: bytes, key="secret"):
            return service.client.post("/decide", content=content, headers={
                "Content-Type": "application/json", "X-API-Key": key})

        good = json.dumps(BODY).encode()
        found = {check(post(body)) for body, _ in BAD} | {
            check(post(good, "other")), check(post(good, "wrong")), check(post(b"x" * 20_000))}
        while (last := post(good)).status_code != 429:
            found.add(check(last))
        assert int(last.headers["retry-after"]) >= 1
        assert post(good, "other").status_code == 200  # each key has its own measure
        assert found | {check(last)} == {200, 400, 401, 413, 422, 429}
        assert set(answers) == {"200", "400", "401", "413", "422", "429", "503"}
        assert 'offer_ai_requests_total{key="shop"}' in service.client.get("/metrics").text


@pytest.mark.parametrize("told", ["a=1 a=2", "=x", "a=", "game==", "=" * 24,
                                  "game-server-of-production="])
def test_keys_that_cannot_be_told_apart(told):
    with pytest.raises(ValueError, match="OFFER_AI_API_KEY"):
        Keys(told)


@pytest.mark.parametrize("key", ["q83vEjRWeJCrze8SNFZ4kA==",
                                 "3q2+78r+ur4AESIzRFVmd4iZqrvM3e7/ECMyQVRndYY="])
def test_a_key_in_base64_is_a_key(key):
    """As `openssl rand -base64` prints it, alone or with a name."""
    alone, named = Keys(key), Keys(f"game={key} shop=other")
    assert (alone.name_of(key), named.name_of(key)) == ("default", "game")
    for wrong in ("=", "", key.rstrip("="), None):
        assert alone.name_of(wrong) is None and named.name_of(wrong) is None


@pytest.mark.quick
def test_a_key_may_be_of_any_letters(folder):
    decider = Decider(folder / "models", f"sqlite:///{folder}/none.sqlite",
                      DecisionLog(folder / "events"))
    with TestClient(create_app(decider, Keys("game=schlüssel-ключ"))) as client:
        for key, status in (("schlüssel-ключ", 200), ("schlüssel-ключи", 401), ("schlssel-", 401)):
            answer = client.post("/decide", json=BODY, headers={"X-API-Key": key.encode()})
            assert answer.status_code == status


def test_a_page_cannot_ask(folder):
    """What a browser sends elsewhere without asking for leave first is no request here."""
    with Service(folder) as service:
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data",
                     None):
            answer = service.client.post("/decide", content=json.dumps(BODY), headers={
                "Content-Type": kind} if kind else {})
            assert answer.status_code == 422, kind
        asked = service.client.options("/decide", headers={
            "Origin": "http://page.example", "Access-Control-Request-Method": "POST"})
        assert asked.status_code == 405
        assert not any(name.startswith("access-control") for name in asked.headers)
    assert logged(folder) == []


@pytest.mark.quick
def test_the_service_fails_in_one_sentence(folder, monkeypatch):
    """Of what nobody thought of, an answer says nothing."""
    decider = Decider(folder / "models", f"sqlite:///{folder}/none.sqlite",
                      DecisionLog(folder / "events"))
    monkeypatch.setattr(decider, "decide", lambda *_: 1 / 0)
    with TestClient(create_app(decider), raise_server_exceptions=False) as client:
        answer = client.post("/decide", json=BODY)
    assert (answer.status_code, answer.json()) == (500, {"detail": "the service failed"})
    assert answer.headers.items() >= {name.lower(): value for name, value in HEADERS.items()
                                      }.items()
