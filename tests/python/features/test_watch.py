"""The watch, as a process: builds, publishes, survives, stops."""

import gzip
import os
import re
import subprocess
import sys
import threading
import time
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from built import rows, write_events
from offer_ai.base.locks import publishing
from offer_ai.features import Lookup, open_store, watch
from offer_ai.features.store import StoreError
from offer_ai.features.watch import Watch
from offer_ai.warehouse.event_source import EventSource
from watches import said, start, stop


@pytest.fixture
def place(tmp_path):
    """OFFER_AI_* of a folder with one event."""
    write_events(tmp_path / "events" / "1.ndjson", {})
    return {"OFFER_AI_EVENTS": str(tmp_path / "events"), "OFFER_AI_DB": str(tmp_path / "w.duckdb"),
            "OFFER_AI_EXPORT": str(tmp_path / "export")}


def arrive(place, name: str, *events: dict) -> None:
    """A file as a careful producer writes it: whole under its name at once."""
    part = write_events(Path(place["OFFER_AI_EVENTS"]) / f".{name}", *events)
    part.rename(part.with_name(name))


def test_from_the_first_file_on(place):
    """It waits for one, is the only one, publishes in rounds, and stops when told."""
    first = Path(place["OFFER_AI_EVENTS"], "1.ndjson")
    first.rename(first.with_name(".1.ndjson"))
    process = start(place)
    said(process, "watching")
    second = start(place)
    output, _ = second.communicate(timeout=60)
    assert second.returncode == 1
    assert f"Process {process.pid} watches for {place['OFFER_AI_DB']} already" in output
    first.with_name(".1.ndjson").rename(first)
    assert re.search(r"1 files, 1 events, 0 rejects, 1 users written, [\d.]+ s, lag [\d.]+ s",
                     said(process, "round 1"))
    arrive(place, "2.ndjson", {"customer_identifier": "v", "event_id": "purchase",
                               "txn_amount": "4.99", "event_time": "2025-01-02T00:00:00"},
           {"customer_identifier": "v", "event_id": "purchase", "txn_amount": "100",
            "currency": "EUR", "event_time": "2025-01-02T00:00:01"},
           {"event_id": "nothing", "event_time": "soon"})
    said(process, "few_lines_are_rejects: rejects 1, reason event_time cannot be read")
    assert "1 files, 2 events, 1 rejects, 1 users written" in said(process, "round 2")
    lookup = Lookup(open_store(
        f"sqlite:///{place['OFFER_AI_EXPORT']}/latest/latest_features.sqlite", read_only=True))
    found = lookup.features("v", None, datetime(2025, 1, 3))
    assert str(found["prev_week_purchase_amount"]) == "108.2000"  # 4.99 and 100 at 1.0321
    (Path(place["OFFER_AI_EVENTS"]) / "cut.ndjson.gz").write_bytes(
        gzip.compress(b"x" * 99)[:-5])
    assert "round 3" in said(process, "round 3")
    # A currency without a rate is named, and keeps nothing from being published.
    arrive(place, "zzz.ndjson", {"customer_identifier": "w", "event_id": "purchase", "currency":
                                 "ZZZ", "txn_amount": "7", "event_time": "2025-01-02T00:00:02"})
    said(process, "every_currency_has_a_rate: currency ZZZ, day 2025-01-02, event_count 1")
    assert "1 files, 1 events, 0 rejects, 1 users written" in said(process, "round 4")
    # A release that calls a field otherwise: nothing of it is published.
    arrive(place, "other.ndjson", *(
        [{"customer_identifier": None, "user": f"u{n}"} for n in range(1000)]))
    assert "most_lines_are_events: rejects 1000, reason customer_identifier is missing" in said(
        process, "build failed, next try in 1 s; what was published stays")
    assert stop(process).endswith("stopped\n")
    published = f"{place['OFFER_AI_EXPORT']}/published.duckdb"
    assert rows(published, "select count(*) as n from marts.sessions") == [{"n": 3}]
    assert "</html>" in Path(place["OFFER_AI_EXPORT"], "report.html").read_text()


@pytest.mark.long
def test_a_failing_build_is_tried_again(place, tmp_path):
    """Here for a lock; what was published stays, and the watch goes on."""
    process = start(place)
    said(process, "round 1")
    holder = subprocess.Popen(
        [sys.executable, "-c", "import duckdb, sys\n"
         "con = duckdb.connect(sys.argv[1])\nprint('open', flush=True)\ninput()",
         place["OFFER_AI_DB"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "open\n"
    arrive(place, "2.ndjson", {"customer_identifier": "v"})
    assert f"PID {holder.pid}" in said(process, "build failed, next try in 1 s")
    said(process, "next try in 2 s")
    published = f"{place['OFFER_AI_EXPORT']}/published.duckdb"
    assert rows(published, "select count(*) as n from marts.sessions") == [{"n": 1}]
    holder.communicate("\n")
    assert "1 files, 1 events" in said(process, "round 2")
    stop(process)


@pytest.mark.quick
def test_one_publishes_at_a_time(tmp_path):
    """Each writes aside under the same names."""
    began = []

    def another():
        with publishing(tmp_path / "export"):
            began.append(True)

    thread = threading.Thread(target=another)
    with publishing(tmp_path / "export"):
        thread.start()
        thread.join(0.3)
        assert not began
    thread.join(10)
    assert began


@pytest.mark.quick
def test_a_publish_that_fails_holds_nothing(tmp_path, monkeypatch):
    """A build would find the warehouse locked while the watch waits to try again."""
    opened = duckdb.connect()
    monkeypatch.setattr(watch, "open_warehouse", lambda _: opened)
    watched = Watch("", tmp_path / "w.duckdb", tmp_path, 0.01, 1e9, "nostore://x")
    with pytest.raises(StoreError):
        watched.publish(0.0)
    with pytest.raises(duckdb.ConnectionException):
        opened.execute("select 1")


@pytest.mark.quick
def test_marts_that_cannot_be_published_now_are_published_later(tmp_path, monkeypatch, capsys):
    """Somebody may hold the warehouse, or the disk be full, when no new file is there."""
    watched = Watch("", tmp_path / "w.duckdb", tmp_path, 0.01, 1e9, "", is_marts_due=True)
    monkeypatch.setattr(watch, "BUSY", 0.01)
    watched.publish_due()  # there is no warehouse
    assert watched.is_marts_due
    assert "the marts were not published, next try in" in capsys.readouterr().out
    monkeypatch.setattr(watched, "publish_marts", lambda: setattr(watched, "is_marts_due", False))
    watched.publish_due()
    assert not watched.is_marts_due


@pytest.mark.quick
def test_a_watch_that_waits_ends_at_once(tmp_path, monkeypatch):
    """However long it is until the next look, and whatever the clock on the wall says."""
    (tmp_path / "events").mkdir()
    watched = Watch(str(tmp_path / "events"), tmp_path / "w.duckdb", tmp_path, 20, 1e9, "")
    monkeypatch.setattr(watch, "Dbt", lambda _: SimpleNamespace(
        parse=lambda: None, lasting_views=list))
    timer = threading.Timer(0.3, watched.stop)
    began = time.monotonic()
    timer.start()
    watched.run()
    assert 0.25 < time.monotonic() - began < 10
    watched.is_stopped = False
    monkeypatch.setattr(time, "time", lambda: 0.0)
    timer = threading.Timer(5, watched.stop)
    timer.start()
    watched.sleep(0.01)
    timer.cancel()
    assert not watched.is_stopped


@pytest.mark.quick
def test_a_file_that_has_changed_is_built_once(tmp_path, monkeypatch):
    """Whatever differs of it; the build warns of it, and nothing more comes of it."""
    path, builds, idle = tmp_path / "events" / "1.ndjson", [], []
    write_events(path, {})
    watched = Watch(str(tmp_path / "events"), tmp_path / "w.duckdb", tmp_path, 0.01, 1e9, "")
    first = {tuple(file.values()) for file in EventSource(watched.events).list()}

    class Built:
        messages = ()

        def __init__(self, target):
            pass

        def __call__(self, *arguments):
            builds.append(arguments[0])

        def parse(self):
            pass

        def lasting_views(self):
            return []

        def only_warns(self, test):
            pass

    monkeypatch.setattr(watch, "Dbt", Built)
    # A file has landed as it was then, and is not read again.
    monkeypatch.setattr(watched, "publish", lambda began: (first, ""))
    monkeypatch.setattr(watched, "publish_due", lambda: idle.append(time.monotonic()))
    thread = threading.Thread(target=watched.run)
    thread.start()

    def settled() -> int:
        """Builds, when it has looked since now and found nothing to do."""
        looks, until = len(idle), time.monotonic() + 30
        while len(idle) < looks + 2:
            assert time.monotonic() < until, builds
            time.sleep(0.01)
        return len(builds)

    try:
        assert settled() == 1
        os.utime(path, (1, 1))
        assert settled() == 2
        told = path.stat()
        path.write_text(path.read_text() + "\n")
        os.utime(path, ns=(told.st_atime_ns, told.st_mtime_ns))
        assert settled() == 3
        assert settled() == 3
    finally:
        watched.stop()
        thread.join()
