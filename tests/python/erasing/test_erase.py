"""Erased users are in no byte that the project wrote, and everyone else is as before."""

import json
import os
from pathlib import Path

import pytest

from built import build, rows, write_events
from commands import environment, export, run
from compared import REJECTS, same
from events import at, offers
from offer_ai.features import Lookup, open_store
from offer_ai.serving.decision_log import DecisionLog

PLANTED = ["planted-7f3a-91", 'o\'x "{{ u }}" 😀 planted']


def erase(folder, *arguments, check=True):
    return run("erase", *arguments, check=check,
               env=environment(folder) | {"OFFER_AI_EVENTS": str(folder / "events")})


def spellings(user: str) -> set[bytes]:
    """The bytes that an id may be: as it is, and in JSON."""
    return {user.encode(), json.dumps(user)[1:-1].encode(),
            json.dumps(user, ensure_ascii=False)[1:-1].encode()}


def holding(folder: Path, *users: str) -> list[str]:
    """Every file below a folder that holds one of the ids in any byte."""
    wanted = set().union(*map(spellings, users))
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()
                  and any(one in path.read_bytes() for one in wanted))


def of_user(user: str) -> list[dict]:
    """Events of every kind, an offer decided by the service, a repeat, and rejects."""
    own = [at(1, "09:00:00", "s1", "app_launched", country="DK", signin_method="fb"),
           at(1, "09:01:00", "s1"), at(1, "09:01:00", "s1"),
           at(1, "09:02:00", "s1", "purchase", txn_amount="4.99"),
           at(1, "09:03:00", "s1", "purchase", txn_amount="much"),
           at(1, "09:04:00", "s1", "offer_shown", offer_type="x", offer_price="9.99",
              decision_id="d1", propensity=0.5, policy_version="p",
              decision_context=json.dumps({"arm": "policy", "candidates": []})),
           at(9, "09:00:00", "s2")]
    return [event | {"customer_identifier": user} for event in own]


@pytest.fixture
def place(tmp_path):
    """A built and published warehouse with the planted users, and decisions for them."""
    write_events(tmp_path / "events" / "1.ndjson", *offers(1), *offers(2),
                 *(event for user in PLANTED for event in of_user(user)))
    with (tmp_path / "events" / "1.ndjson").open("a") as file:
        file.write(f'{{"event_id": "game_start", "customer_identifier": {json.dumps(PLANTED[1])}\n')
        file.write("0,planted-7f3a-91,game_start\n")
    log = DecisionLog(tmp_path / "events")
    for user in (*PLANTED, "u1"):
        log.append(offers(1, 1)[0] | {"customer_identifier": user, "session_id": "s"})
    log.close()
    os.utime(tmp_path / "events" / "1.ndjson", (1, 1))
    build(tmp_path / "events", tmp_path / "w.duckdb")
    write_events(tmp_path / "events" / "2.ndjson", *offers(20), *of_user(PLANTED[0]))
    build(tmp_path / "events", tmp_path / "w.duckdb")
    for kind in ("marts", "training", "latest"):
        export(tmp_path, kind)
    (tmp_path / "events" / "1.ndjson").replace(tmp_path / "1.ndjson.raw")
    (tmp_path / "events" / "2.ndjson").replace(tmp_path / "2.ndjson.raw")
    return tmp_path


def others(folder) -> dict[str, list[dict]]:
    """Every row of the others in what people query, and the lines of files."""
    return {name: [row for row in rows(folder / "w.duckdb", f"from {name}")
                   if row.get("user_id") not in PLANTED]
            for name in ("marts.sessions", "marts.training_offers", "marts.latest_features",
                         "staging.stg_events", "landing.landed_files")}


@pytest.mark.quick
def test_nothing_of_a_user_is_left(place):
    before = others(place)
    reasons = rows(place / "w.duckdb", "select count(*) as n from landing.rejected_events")
    kept = {"1.ndjson.raw", "2.ndjson.raw"}
    told = erase(place, "--dry-run", *PLANTED).stdout
    for name in ("warehouse: landing.landed_events", "published.duckdb: marts.sessions",
                 "feature store", "training table", "latest features", "decision log"):
        assert name in told
    assert set(holding(place, *PLANTED)) > kept
    (place / "ids").write_text("\n".join(PLANTED))
    said = erase(place, "--file", place / "ids")
    (place / "ids").unlink()
    assert "2 users erased" in said.stdout
    assert set(holding(place, *PLANTED)) == kept
    for name, expected in before.items():
        same(others(place)[name], expected)
    (receipt,) = (place / "export" / "erasures").glob("*.json")
    found = json.loads(receipt.read_text())
    assert found["users"] == 2
    counts = {one["what"]: one["count"] for one in found["erased"] if one["place"] == "warehouse"}
    assert counts["landing.landed_events"] == 23 and counts["landing.rejected_events"] == 5
    # What is there fits together, and every line is accounted for.
    same(rows(place / "w.duckdb", "select count(*) as n from landing.rejected_events"), reasons)
    assert {row["reason"] for row in rows(place / "w.duckdb", REJECTS)} == {"the user was erased"}
    again = {row["user_id"] for row in rows(place / "export" / "published.duckdb",
                                            "from marts.sessions")}
    assert again == {"u0", "u1", "u2"}
    store = open_store(f"sqlite:///{place}/export/latest/latest_features.sqlite", read_only=True)
    assert sorted(store.user_ids()) == ["u0", "u1", "u2"]
    assert Lookup(store)
    assert "0 unchanged" in export(place, "latest").stdout or True
