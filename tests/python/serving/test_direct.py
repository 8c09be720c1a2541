"""The short way to a decision answers what FastAPI's own way does."""

import asyncio
import json
import threading
from decimal import Decimal

import pytest
from fastapi.testclient import TestClient

from offer_ai.learning.candidates import Candidate
from offer_ai.serving.app import create_app
from offer_ai.serving.bounds import Keys
from offer_ai.serving.decider import Decider
from offer_ai.serving.decision_log import DecisionLog
from services import BAD

pytestmark = pytest.mark.quick
JSON = "application/json"
GOOD = [b'{"user_id": "u", "session_id": "s"}', b'{"user_id": "u", "session_id": "s", "at": 0}',
        b'{"user_id": "u", "session_id": "s", "offers": [{"offer_type": "x", "offer_price": 1e0}]}',
        '{"user_id": "\u00fc", "session_id": "s"}'.encode("utf-16")]
KINDS = [None, JSON, "application/json; charset=utf-8", "Application/LD+JSON", "text/plain",
         "text/json", "application/x-www-form-urlencoded", "json", "application/jsonx", ";"]


@pytest.fixture
def decider(tmp_path):
    log = DecisionLog(tmp_path / "events")
    yield Decider(tmp_path / "models", f"sqlite:///{tmp_path}/none.sqlite", log,
                  candidates=[Candidate(("gems", Decimal(5)))])
    log.close()


@pytest.fixture
def app(decider):
    return create_app(decider, Keys("game=secret"))


def answer(app, body: bytes, kind: str | None, key: str = "secret"):
    """Status and body, without what is drawn."""
    headers = {"X-API-Key": key} | ({} if kind is None else {"Content-Type": kind})
    found = TestClient(app).post("/decide", content=body, headers=headers)
    told = found.json()
    told.pop("decision_id", None)
    return found.status_code, told, found.headers["content-type"]


def test_both_ways_say_the_same(app):
    """Of bodies good and bad, of every kind of content."""
    short, long = app, app.app.app  # within the bounds, and within the short way
    seen = set()
    for body in [*GOOD, *(body for body, _ in BAD)]:
        said = answer(short, body, JSON)
        assert said == answer(long, body, JSON), body[:60]
        seen.add(said[0])
    for kind in KINDS:
        for body in (GOOD[0], b"", b"null", b"[1]", b"\xff"):
            said = answer(short, body, kind)
            assert said == answer(long, body, kind), (kind, body)
    assert answer(short, GOOD[0], JSON, "wrong") == answer(long, GOOD[0], JSON, "wrong")
    assert seen == {200, 400, 422}


def test_who_asks_and_how_often_come_before_the_body(app, decider):
    for body, _ in BAD:
        assert answer(app, body, JSON, "wrong")[0] == 401
    limited = create_app(decider, Keys("game=secret", per_second=0.01))
    assert [answer(limited, b"{", JSON)[0] for _ in range(3)] == [422, 429, 429]


def test_a_body_comes_in_parts_or_not_at_all(app):
    """A client that goes away in the middle is answered nothing, and nothing is decided."""
    def asked(*messages):
        sent, left = [], list(messages)

        async def receive():
            return left.pop(0)

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/decide",
                 "headers": [(b"content-type", b"application/json"), (b"x-api-key", b"secret"),
                             (b"content-length", b"%d" % len(GOOD[0]))]}
        asyncio.run(app(scope, receive, send))
        return sent

    parts = [{"type": "http.request", "body": GOOD[0][start:start + 9], "more_body": True}
             for start in range(0, len(GOOD[0]), 9)]
    start, body = asked(*parts, {"type": "http.request"})
    assert start["status"] == 200 and json.loads(body["body"])["offer_type"] == "gems"
    assert dict(start["headers"])[b"cache-control"] == b"no-store"
    assert asked(parts[0], {"type": "http.disconnect"}) == []


def test_a_store_across_a_network_has_a_thread(app, monkeypatch):
    """So that no one waits for another one's answer."""
    threads = []
    direct = app.app
    decide = direct.decide
    monkeypatch.setattr(direct, "decide", lambda *told: (
        threads.append(threading.current_thread().name), decide(*told))[1])
    for direct.is_at_hand in (True, False):
        assert answer(app, GOOD[0], JSON)[0] == 200
    assert threads[0] != threads[1] and "AnyIO worker" in threads[1]
