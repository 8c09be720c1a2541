"""What the benchmark publishes is what a warehouse has, and what it times itself by."""

import os
import time

import pytest

from offer_ai.bench import runs
from offer_ai.bench.runs import plain_work
from offer_ai.bench.serving import Answers
from offer_ai.bench.stores import synthetic_warehouse
from offer_ai.features import open_store
from offer_ai.features.publish import publish_latest
from offer_ai.training.versions import Versions
from offer_ai.training.writing import publish_training
from offer_ai.warehouse.connection import open_warehouse


def test_a_synthetic_warehouse_is_published(tmp_path):
    synthetic_warehouse(tmp_path / "w.duckdb", 1000)
    with open_warehouse(tmp_path / "w.duckdb") as con:
        done = publish_latest(con, open_store(f"sqlite:///{tmp_path}/f.sqlite"))
        manifest, _ = publish_training(
            con, Versions(str(tmp_path / "training")), tmp_path / "days", 2)
    assert (done.written, manifest["rows"]) == (1000, 1000)


def test_the_processor_is_timed_at_the_rate_and_left_as_it_was():
    cores, began = os.sched_getaffinity(0), time.perf_counter()
    times = plain_work(200, 0.1)
    assert len(times) == 20 and times == sorted(times)
    assert time.perf_counter() - began >= 0.095  # the last one is due then
    assert times[0] > 0 and os.sched_getaffinity(0) == cores


@pytest.mark.quick
def test_a_world_is_that_of_its_stamp(tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "run", lambda *_: (2.0, 0.0))
    monkeypatch.setattr(runs, "count_lines", lambda _: 6)
    assert [runs.simulate(tmp_path, users, 2) for users in (1, 1, 2, 1)] == [3, 0, 3, 3]


@pytest.mark.quick
def test_a_server_that_never_answered_is_told_of():
    assert str(Answers(errors=["refused"])) == "0 answered: none; 1 errors: refused"
