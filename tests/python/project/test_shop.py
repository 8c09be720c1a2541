"""examples/shop: another world, of declarations alone, as its README says."""

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import datetime, timedelta

import duckdb
import pytest

from built import ROOT, rows
from commands import PATHS, run
from services import Service

SHOP = ROOT / "examples" / "shop"
IDLE = timedelta(minutes=30)


def sessions_of(events: list[dict]) -> list[list[dict]]:
    """A visitor's events in sessions, cut after half an hour without one."""
    found = []
    for event in sorted(events, key=lambda one: one["at"]):
        if not found or event["at"] - found[-1][-1]["at"] > IDLE:
            found.append([])
        found[-1].append(event)
    return found


def carts(events: list[dict]) -> list[dict]:
    """What training_carts must hold, event by event."""
    visitors, found = defaultdict(list), []
    for event in events:
        event = event | {"at": datetime.fromisoformat(event["at"])}
        visitors[event["visitor"]].append(event)
    for visitor, own in visitors.items():
        sessions = sessions_of(own)
        for index, session in enumerate(sessions, 1):
            for cart in session:
                if cart["event"] != "cart":
                    continue
                t = cart["at"]

                def of(kind, first, last, own=own):
                    return [one for one in own
                            if one["event"] == kind and first <= one["at"] < last]

                views = sorted(of("view", datetime.min, t), key=lambda one: one["at"])
                other = [[one for one in some if one["at"] < t]
                         for number, some in enumerate(sessions, 1) if number != index]
                other = [some for some in other if some]
                found.append({
                    "user_id": visitor, "session_index": index, "viewed_at": t,
                    "items": cart["items"], "items_now": cart["items"], "nudge": cart["nudge"],
                    "views_1_hour": len(of("view", t - timedelta(hours=1), t)),
                    "products_7_days": len({
                        one["product"] for one in of("view", t - timedelta(days=7), t)}),
                    "seconds_of_last_5_views": sum(
                        one["seconds"] for one in views[-5:]) if views else None,
                    "payments_28_days": len(of("payment", t - timedelta(days=28), t)),
                    "events_of_last_session": len(other[-1]) if other else None,
                    "carts_of_last_3_sessions": sum(
                        one["event"] == "cart" for some in other[-3:] for one in some)
                    if other else None,
                    "has_paid": min(len(of("payment", t, t + timedelta(days=7))), 1),
                })
    return found


REQUEST = {"user_id": "v1", "session_id": "s", "at": "2025-03-30T12:00:00"}


def decided(folder, script) -> dict:
    """A decision of the service, of whom nobody has learned yet, as an event of the shop."""
    script("export", "latest")
    with Service(folder / "data", cwd=folder) as service:
        made = service.decide(**REQUEST, items=3, carts=[{"nudge": "discount"}])
        assert list(made) == ["decision_id", "nudge", "propensity", "policy_version", "features"]
        assert (made["nudge"], made["policy_version"]) == ("discount", "fallback-uniform")
        refused = service.client.post("/decide", json=REQUEST)
        assert (refused.status_code, refused.json()["detail"][0]["field"]) == (422, "items")
        other = service.decide(**REQUEST, items=3, carts=[{"nudge": "a song"}])
        assert other["nudge"] is None
        assert "is a candidate" in other["reason"]
        assert 'nudge="discount"' in service.client.get("/metrics").text
    return {"event": "cart", "at": REQUEST["at"], "visitor": "v1", "items": 3, "nudge": "discount"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """The folder of the shop, built in two batches by the commands of its README."""
    folder = tmp_path_factory.mktemp("shop") / "shop"
    shutil.copytree(SHOP, folder, ignore=shutil.ignore_patterns(
        "data", "dbt_packages", "target", "logs", "decision_points"))
    packages = folder / "packages.yml"
    packages.write_text(packages.read_text().replace("../..", str(ROOT)))
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith(("OFFER_AI", "DBT_"))} | PATHS

    def dbt(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", "dbt.cli.main", "--no-use-colors", *arguments], cwd=folder,
            capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def script(name, *arguments):
        done = run(name, *arguments, cwd=folder, env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    events = runpy.run_path(str(SHOP / "events.py"))["month"]()
    (folder / "data" / "events").mkdir(parents=True)

    def land(number, some):
        (folder / "data" / "events" / f"{number}.ndjson").write_text(
            "".join(json.dumps(event) + "\n" for event in some))

    script("decision_points")
    dbt("deps")
    land(1, events[::2])
    first = dbt("build")
    events = [*events, decided(folder, script)]
    land(2, events[1:-1:2])
    second = dbt("build")
    (counted,) = rows(folder / "data" / "offer_ai.duckdb", """
        select sum(carts_seen) as carts from marts.sessions""")
    assert counted["carts"] == sum(event["event"] == "cart" for event in events)
    for told in (first, second):
        assert "ERROR=0" in told
        assert " WARN " not in told, told
        assert "no_feature_knows_the_future" in told
    return folder, events, script


def test_the_training_table_equals_a_naive_oracle_after_two_batches(shop):
    folder, events, _ = shop
    expected = carts(events)
    names = ", ".join(expected[0])
    found = rows(folder / "data" / "offer_ai.duckdb",
                 f"select {names} from main_marts.training_carts")
    assert len(found) == len(expected) > 1_000

    def ordered(some):
        return sorted(map(repr, some))

    assert ordered(found) == ordered(expected)


def test_the_questions_the_exports_and_a_lookup(shop):
    folder, events, script = shop
    assert " carts in " in script("export", "marts")
    assert "training_carts" in script("export", "training")
    script("export", "latest")
    manifest = json.loads((folder / "data/export/training_carts/manifest.json").read_text())
    assert manifest["decision"]["reward"] == "has_paid"
    assert [label["name"] for label in manifest["labels"]] == ["has_paid"]
    questions = re.findall(r"```sql\n(.*?)```", (SHOP / "README.md").read_text(), re.DOTALL)
    assert len(questions) == 5
    with duckdb.connect(str(folder / "data/export/published.duckdb"), read_only=True) as con:
        for question in questions:
            assert con.execute(question).fetchall()
        (mature,) = con.execute("""
            select count(*) from main_marts.training_carts where is_label_mature""").fetchone()
        (shown, days) = con.execute("""
            select sum(shown), count(distinct day) from main_marts.cart_performance""").fetchone()
        skew = con.execute("""
            select feature, is_equal or is_late_news, bool_or(is_equal) over ()
            from main_marts.cart_decision_skew order by all""").fetchall()
        values = con.execute("""
            select policy_version, warnings from main_marts.cart_policy_evaluation""").fetchall()
        for mart in ("cart_policy_lift", "cart_feature_drift"):  # of no week, of no model yet
            assert con.execute(f"from main_marts.{mart}").fetchall() == []
        drift = [column[0] for column in con.description]
    assert manifest["rows"] == mature
    assert shown == sum(event["event"] == "cart" for event in events)
    assert days > 28
    # One decision, of two the one that was a candidate; half of the month landed after it.
    assert skew == [(feature, True, True) for feature in sorted(
        feature["name"] for feature in manifest["features"])]
    assert values == [
        ("none", "no decision notes what another policy would have done, as of a challenger")]
    assert {"carts", "reference_carts"} < set(drift)
    # A month later what is 28 days old is gone, and what is counted is not.
    visitor = next(event["visitor"] for event in events if event["event"] == "payment")
    found = json.loads(script("lookup", visitor, "--at", "2025-05-01"))
    assert found["payments_28_days"] == found["views_1_hour"] == 0
    assert found["seconds_of_last_5_views"] > 0
    stranger = json.loads(script("lookup", "nobody"))
    assert stranger["payments_28_days"] == 0
    assert stranger["events_of_last_session"] is None
    assert "no label of the training table" in run(
        "train", "--training", folder / "data/export/training_carts", "--label", "revenue",
        cwd=folder, env=os.environ | PATHS).stderr


@pytest.mark.quick
def test_the_readme_installs_what_its_commands_need():
    """What trains and serves is not in what builds."""
    parts = (SHOP / "README.md").read_text().split("```")
    learns = next(at for at, part in enumerate(parts) if "scripts/train.py" in part)
    assert "scripts/serve.py" in parts[learns]
    assert "`make setup`" in parts[0] and "`make setup-serve`" in parts[learns - 1]


@pytest.mark.long
def test_a_policy_learns_and_decides_without_a_line_of_python(shop):
    folder, _, script = shop
    database = folder / "data" / "offer_ai.duckdb"
    (noted,) = rows(database, "from main_staging.cart_decisions where policy_version is not null")
    assert json.loads(noted["candidates"]) == [{"nudge": "discount", "probability": 1.0}]
    assert rows(database, "from landing.rejected_events") == []
    script("export", "training", "--decision", "carts")
    said = script("train")
    assert " carts, " in said
    (model,) = (folder / "data/export/models_carts").glob("m*")
    valued = script("evaluate", model, "--promote")
    assert "decisions from 2025-03-" in valued
    assert "logged" in valued
    pointer = {"model": model.name, "rule": "epsilon-greedy", "epsilon": 0.1}
    (model.parent / "promoted.json").write_text(json.dumps(pointer))
    script("export", "latest")
    with Service(folder / "data", cwd=folder) as service:
        made = [service.decide(**REQUEST | {"user_id": f"v{user}"}, items=2) for user in range(100)]
    assert {one["policy_version"] for one in made} == {model.name}
    assert {one["nudge"] for one in made} <= {"nothing", "free shipping", "discount"}
    # What moves visitors most is made most.
    ((most, _), *_) = Counter(one["nudge"] for one in made).most_common()
    assert most == "free shipping"
    assert all(one["features"]["items_now"] == 2 for one in made)
    learned = script("learn", "--once", "--every-days", "0")
    assert " carts: " in learned
    replayed = script("replay", "--offers", "1")
    assert "1 carts replayed, 7 features compared, 0 differ" in replayed
