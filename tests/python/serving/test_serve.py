"""The service, as a process on loopback: decisions, their log, bad input, kills."""

import json
import shutil
import signal
import tempfile
import time
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from built import build, built_of, rows, write_events
from commands import train
from events import offers
from learned import published
from offer_ai.base.settings import default_store
from offer_ai.features import open_store
from offer_ai.features.publish import publish_latest
from offer_ai.serving.decision_log import DecisionLog
from offer_ai.warehouse.connection import open_warehouse
from services import BAD, Service, logged

KEYS = {"decision_id", "offer_type", "offer_price", "propensity", "policy_version", "features"}


def publish_store(folder: Path) -> None:
    """Publishes the latest features of a folder's warehouse to its feature store."""
    store = open_store(default_store(folder / "export"))
    with open_warehouse(folder / "w.duckdb") as con:
        publish_latest(con, store)
    store.close()


@pytest.fixture
def folder(tmp_path):
    """Events that are built and published, without a model."""
    built_of(tmp_path, *offers(1), *offers(9), {
        "event_id": "app_launched", "customer_identifier": "u0", "country": "DK",
        "event_time": "2025-01-09T09:00:00"})
    publish_store(tmp_path)
    return tmp_path


@pytest.fixture
def service(folder):
    with Service(folder) as running:
        yield running


@cache
def trained() -> Path:
    """The folder of a model of a small world, the same for all tests."""
    world = published(Path(tempfile.mkdtemp(prefix="offer_ai_trained_")), rows=8000)
    said = train(world, "--bootstraps", "4")
    assert said.returncode == 0, said.stderr
    (model,) = (world / "models").glob("m*")
    return model


def promote(folder, pointer="promoted.json", rule="epsilon-greedy") -> str:
    """Points to a model; returns its version."""
    model = folder / "export" / "models" / trained().name
    if not model.exists():
        shutil.copytree(trained(), model)
    # The pointer as evaluate.py writes it.
    part = model.parent / ".part"
    part.write_text(json.dumps({"model": model.name, "rule": rule, "epsilon": 0.2}))
    part.rename(model.parent / pointer)
    return model.name


def contexts(folder) -> list[dict]:
    return [json.loads(line["decision_context"]) for line in logged(folder)]


@pytest.mark.long
def test_without_a_model_each_offer_has_the_same_chance(folder, service):
    """And the next build learns of it: no reject, the propensity and policy kept."""
    decision = service.decide(at="2025-01-10T00:00:00Z")
    assert set(decision) == KEYS
    assert decision["policy_version"] == "fallback-uniform"
    assert decision["propensity"] == pytest.approx(1 / 9)
    assert decision["features"]["country"] == "DK"
    stranger = service.decide(user_id="nobody \U0001f600 '\"{{", at="2025-01-10T00:00:01Z")
    assert stranger["features"]["country"] is None
    assert stranger["features"]["prev_week_purchase_amount"] == "0"
    service.stop()
    build(folder / "events", folder / "w.duckdb")
    assert rows(folder / "w.duckdb", "from landing.rejected_events") == []
    found = {row["decision_id"]: row for row in rows(
        folder / "w.duckdb", "from marts.training_offers where decision_id is not null")}
    assert set(found) == {decision["decision_id"], stranger["decision_id"]}
    row = found[decision["decision_id"]]
    assert (row["decision_id"], row["propensity"], row["policy_version"], row["offer_type"]) == (
        decision["decision_id"], decision["propensity"], "fallback-uniform",
        decision["offer_type"])


def test_a_model_is_taken_over_while_serving(folder, service):
    """Its favourite is made most often, with its exact propensity; no request is dropped."""
    assert service.decide()["policy_version"] == "fallback-uniform"
    name = promote(folder)
    until = time.time() + 10
    while service.decide()["policy_version"] != name:
        assert time.time() < until
    made = [service.decide() for _ in range(200)]
    assert {round(d["propensity"], 6) for d in made} <= {
        round(0.2 / 9, 6), round(0.8 + 0.2 / 9, 6)}
    favourite = max(made, key=lambda d: d["propensity"])
    share = sum(d["offer_type"] == favourite["offer_type"] for d in made) / 200
    assert 0.7 < share < 0.95
    assert service.client.get("/healthz").json()["policy_version"] == name


def test_thompson_sampling(folder):
    """Each offer has the share of the bootstrapped models that favour it, and the floor."""
    promote(folder, rule="thompson")
    with Service(folder) as service:
        made = [service.decide() for _ in range(100)]
    shares = [round((d["propensity"] - 0.2 / 9) / 0.8 * 4, 6) for d in made]
    assert set(shares) <= {0, 1, 2, 3, 4}
    assert max(shares) > 0


def test_an_apprentice_makes_the_callers_offer(folder):
    """And notes what the policy would have done; the mart values the switch."""
    name = promote(folder)
    with Service(folder, "--apprentice") as service:
        missing = service.client.post("/decide", json={"user_id": "u0", "session_id": "t"})
        assert (missing.status_code, missing.json()["detail"][0]["field"]) == (422, "offer_type")
        assert service.client.get("/healthz").json()["is_apprentice"]
        for day, offer in ((10, ("gems", "4.99")), (11, ("own", "3.5")), (12, ("vip", 9.99))):
            decision = service.decide(at=f"2025-01-{day}T00:00:00Z", offer_type=offer[0],
                                      offer_price=offer[1])
            assert (decision["offer_type"], float(decision["offer_price"])) == (
                offer[0], float(offer[1]))
            assert (decision["propensity"], decision["policy_version"]) == (None, "caller")
        told = service.decide(at="2025-01-13T00:00:00Z", offer_type="gems", offer_price=4.99,
                              propensity=0.25)
        assert told["propensity"] == 0.25
    targets = [context["target"] for context in contexts(folder)]
    assert {target["policy_version"] for target in targets} == {name}
    assert sorted(target["propensity"] for target in targets)[0] == 0
    assert all(target["predicted"] >= 0 and target["value"] > 0 for target in targets)
    write_events(folder / "events" / "later.ndjson", *(
        {"event_time": "2025-02-01T00:00:00", "customer_identifier": user} for user in "abc"))
    build(folder / "events", folder / "w.duckdb")
    (row,) = rows(folder / "w.duckdb", "from marts.policy_evaluation")
    assert (row["policy_version"], row["target_policy_version"], row["decisions"],
            row["decisions_without_propensity"]) == ("caller", name, 4, 3)
    assert row["match_rate"] in (0, 1 / 4, 1 / 2)
    assert "fewer than 50 users" in row["warnings"]


def test_a_challenger_is_noted(folder):
    name = promote(folder, "challenger.json")
    with Service(folder) as service:
        decision = service.decide(offer_type="ignored", offer_price=1)
    assert decision["policy_version"] == "fallback-uniform"
    (context,) = contexts(folder)
    assert context["target"]["policy_version"] == name
    assert context["features_landed_at"] > "2026"


def test_nothing_is_lost_when_it_is_killed(folder):
    with Service(folder, "--rotate-seconds", "60") as service:
        ids = {service.decide()["decision_id"] for _ in range(50)}
        service.stop(signal.SIGKILL)
    assert {line["decision_id"] for line in logged(folder)} == ids
    (left,) = (folder / "events").glob(".decisions-*.open")
    with left.open("a") as file:
        file.write('{"event_id": "offer_sh')  # as if cut off in a line
    with Service(folder):
        pass
    assert not list((folder / "events").glob(".decisions-*"))
    build(folder / "events", folder / "w.duckdb")
    assert {row["decision_id"] for row in rows(
        folder / "w.duckdb", "select decision_id from marts.training_offers "
        "where decision_id is not null")} == ids
    assert rows(folder / "w.duckdb", "from landing.rejected_events") == []


def test_bad_input_is_refused_by_name(folder, service):
    """Never a 5xx, never a line in the log."""
    for body, field in BAD:
        response = service.client.post(
            "/decide", content=body, headers={"Content-Type": "application/json"})
        assert 400 <= response.status_code < 500, (body[:60], response.text)
        assert field in response.text, (body[:60], response.text)
    large = service.client.post("/decide", content=b"x" * 20_000)
    assert large.status_code == 413
    assert service.client.get("/decide").status_code == 405
    assert logged(folder) == []
    text = service.client.get("/metrics").text
    assert 'offer_ai_refused_total{status="413"} 1.0' in text


def test_every_good_time_can_land(folder, service):
    """Whatever `at` is accepted, the next build accepts."""
    times = ["2025-01-10T00:00:00", "2025-01-10T00:00:00.123456+05:30", "2025-01-10 00:00Z",
             "0001-01-01T00:00:00Z", 1736467200, "2025-01-10",
             (datetime.now(UTC) + timedelta(hours=23)).isoformat()]
    for at in times:
        service.decide(at=at)
    service.stop()
    build(folder / "events", folder / "w.duckdb")
    assert rows(folder / "w.duckdb", "from landing.rejected_events") == []
    (count,) = rows(folder / "w.duckdb", "select count(*) as n from marts.training_offers "
                    "where decision_id is not null")
    assert count["n"] == len(times)


def test_an_api_key(folder):
    with Service(folder, OFFER_AI_API_KEY="secret") as service:
        body = {"user_id": "u", "session_id": "s"}
        assert service.client.post("/decide", json=body).status_code == 401
        assert service.client.post("/decide", json=body,
                                   headers={"X-API-Key": "wrong"}).status_code == 401
        assert service.client.post("/decide", json=body,
                                   headers={"X-API-Key": "secret"}).status_code == 200


def test_no_store_is_the_fallback(tmp_path):
    (tmp_path / "events").mkdir()
    with Service(tmp_path) as service:
        decision = service.decide()
        assert (decision["policy_version"], decision["features"]) == ("fallback-uniform", {})
        assert service.client.get("/healthz").json()["features_as_of"] is None


def test_the_log_rotates(tmp_path):
    """By lines and by time; an empty file never lands."""
    def wait_for(closed: int) -> None:
        until = time.monotonic() + 30
        while len(list(tmp_path.glob("decisions-*.ndjson"))) < closed:
            assert time.monotonic() < until
            time.sleep(0.05)

    log = DecisionLog(tmp_path, seconds=60, lines=3)
    for number in range(7):
        log.append({"n": number})
    wait_for(2)
    log.seconds = 0.1
    wait_for(3)
    log.close()
    assert not list(tmp_path.glob(".decisions-*"))
    lines = [line for path in sorted(tmp_path.iterdir()) for line in path.read_text().splitlines()]
    assert sorted(json.loads(line)["n"] for line in lines) == list(range(7))
