"""The decider in this process: candidates, the holdout, and what a model lacks."""

import json
import math
import shutil
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pytest
from fastapi.testclient import TestClient

from commands import train
from items import description, item, publish_all
from learned import published
from offer_ai.base.actions import Actions
from offer_ai.features.opening import open_store
from offer_ai.features.store import StoreError
from offer_ai.learning.candidates import Candidate
from offer_ai.serving import recent
from offer_ai.serving.app import create_app, readiness
from offer_ai.serving.arms import Holdout
from offer_ai.serving.choices import as_target, drawn
from offer_ai.serving.decider import Choice, Decider
from offer_ai.serving.decision_log import DecisionLog
from offer_ai.serving.reloading import ReloadingCandidates

AT = datetime(2025, 6, 1, tzinfo=UTC)
GEMS, VIP = Candidate(("gems", Decimal("4.99"))), Candidate(("vip", Decimal("9.990")))
ACTIONS = Actions(("offer_type", "offer_price"), ("text", "amount"))
FEATURES = {"country": "DK", "facebook_connected": True, "prev_week_purchase_amount": Decimal(1),
            "last_session_win_ratio": 0.5}


class Known(Decider):
    """A decider whose store holds the same features for everyone."""

    features: dict | None = FEATURES

    def _features(self, user_id, session_id, at):
        if self.features is None:
            return None, None
        return dict(self.features), "2025-06-01T00:00:00"


@pytest.fixture
def made(tmp_path):
    """Makes deciders over a folder; `made.events()` reads what they logged."""
    logs = []

    def make(kind=Known, **options):
        logs.append(DecisionLog(tmp_path / "events"))
        return kind(tmp_path / "models", f"sqlite:///{tmp_path}/none.sqlite", logs[-1], seed=1,
                    **{"candidates": [GEMS, VIP], "holdout": Holdout()} | options)

    def events() -> list[dict]:
        for log in logs:
            log.rotate()
        return [json.loads(line) for path in sorted((tmp_path / "events").glob("*.ndjson"))
                for line in path.read_text().splitlines()]

    make.events, make.models = events, tmp_path / "models"
    yield make
    for log in logs:
        log.close()


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    world = published(tmp_path_factory.mktemp("world"), rows=4000)
    said = train(world)
    assert said.returncode == 0, said.stderr
    assert "next: " in said.stdout
    (folder,) = (world / "models").glob("m*")
    return folder


def point(models, model, name="promoted.json") -> None:
    """Has a copy of the model served."""
    if not (models / model.name).exists():
        shutil.copytree(model, models / model.name)
    part = models / ".part"
    part.write_text(json.dumps({"model": model.name, "rule": "epsilon-greedy", "epsilon": 0.2,
                                "at": "2025-06-01T00:00:00+00:00"}))
    part.rename(models / name)


def look(decider) -> dict:
    """The state, without waiting for the next look."""
    decider.looked_at = -math.inf
    return decider.state


def test_a_decision_logs_all_its_candidates(made, model):
    decider = made()
    point(made.models, model)
    for number in range(50):
        decider.decide(f"u{number}", "s", AT)
    for event in made.events():
        context = json.loads(event["decision_context"])
        chances = {(one["offer_type"], one["offer_price"]): one["probability"]
                   for one in context["candidates"]}
        assert chances.keys() == {("gems", "4.99"), ("vip", "9.99")}
        assert sum(chances.values()) == pytest.approx(1, abs=1e-12)
        assert event["propensity"] == chances[event["offer_type"], event["offer_price"]]
        assert (context["arm"], context["in_place"]) == ("policy", model.name)


def test_none_eligible_is_an_answer_and_an_event(made):
    """Of its own type, so that it is no offer and yet nothing is lost."""
    decision = made().decide("u", "s", AT, offers=[("other", Decimal(1))])
    assert (decision["offer_type"], decision["propensity"]) == (None, None)
    assert "no candidate is eligible: none of the offers" in decision["reason"]
    (event,) = made.events()
    assert event["event_id"] == "no_offer"
    assert event["decision_id"] == decision["decision_id"]
    assert json.loads(event["decision_context"])["candidates"] == []


def test_a_cap_holds_over_a_restart(made):
    """Twice in 7 days, by this service or the one before it; an offer of another user is none."""
    weekly = Candidate(("weekly", Decimal(1)), most_per_user_week=2)
    decider = made(candidates=[weekly])
    first = decider.decide("u", "s", AT)
    assert first["offer_type"] == "weekly"
    decider.log.close()
    again = made(candidates=[weekly])
    assert again.decide("u", "s", AT + timedelta(days=1))["offer_type"] == "weekly"
    assert again.decide("u", "s", AT + timedelta(days=2))["offer_type"] is None
    assert again.decide("v", "s", AT + timedelta(days=2))["offer_type"] == "weekly"
    assert again.decide("u", "s", AT + timedelta(days=7, seconds=1))["offer_type"] == "weekly"


@pytest.mark.quick
def test_a_cap_holds_whosever_clock_is_ahead(made, tmp_path, monkeypatch):
    """Of those who ask, and by what a log says without an offset."""
    weekly = Candidate(("weekly", Decimal(1)), most_per_user_week=1)
    monkeypatch.setattr(recent, "FORGET_EVERY", 1)
    decider = made(candidates=[weekly])
    assert decider.decide("u", "s", AT)["offer_type"] == "weekly"
    assert decider.decide("v", "s", AT + timedelta(hours=24))["offer_type"] == "weekly"
    for days in (-6.9, -0.01, 0, 6.9):
        assert decider.decide("u", "s", AT + timedelta(days=days))["offer_type"] is None
    decider.log.close()
    for path in (tmp_path / "events").glob("*.ndjson"):
        path.write_text(path.read_text().replace("00Z", "00"))
    assert made(candidates=[weekly]).decide("u", "s", AT)["offer_type"] is None
    for days in (-8, 8):
        assert decider.decide("u", "s", AT + timedelta(days=days))["offer_type"] == "weekly"
    decider.log.close()


def test_what_is_kept_of_offers():
    """A request a day ahead takes nothing from what others count."""
    offer = ("weekly", Decimal(1))
    kept = recent.RecentOffers([offer], lambda _: offer)
    for days in (-15, -6.5, 1):
        kept.add("u", AT + timedelta(days=days), offer)
    kept._forget()
    assert kept.before("u", AT - timedelta(days=15)) == []
    assert len(kept.before("u", AT)) == 2


@pytest.mark.parametrize(("user", "at"), [
    ("a\u2028b\u0085", AT), ("u", datetime(1, 1, 1, tzinfo=UTC))])
def test_a_cap_holds_for_odd_users_and_times(made, user, at):
    """A line of the log ends at a line feed alone; a week before the first year is no time."""
    weekly = Candidate(("weekly", Decimal(1)), most_per_user_week=1)
    for offer in ("weekly", None):
        decider = made(candidates=[weekly])
        assert [decider.decide(user, "s", at)["offer_type"] for _ in range(2)] == [offer, None]
        decider.log.close()


def test_the_holdout(made, model):
    """A stable share of users gets the status quo, whatever is promoted; a greater share keeps
    those of a smaller one."""
    point_to = made()
    point(made.models, model)
    small, large = Holdout(0.1), Holdout(0.3)
    users = [f"user-{number}" for number in range(20_000)]
    held = {user for user in users if small.arm_of(user) == "holdout"}
    assert abs(len(held) / 20_000 - 0.1) < 0.01
    assert held < {user for user in users if large.arm_of(user) == "holdout"}
    point_to.holdout = small
    who = sorted(held)[:200]
    shown = Counter(point_to.decide(user, "s", AT)["offer_type"] for user in who)
    assert 60 < shown["gems"] < 140
    named = made(holdout=Holdout(1.0, ("vip", Decimal("9.99"))))
    decision = named.decide("u", "s", AT)
    assert (decision["offer_type"], decision["propensity"], decision["policy_version"]) == (
        "vip", 1.0, "holdout-vip-9.99")
    context = json.loads(made.events()[0]["decision_context"])
    assert (context["arm"], context["holdout_share"], context["in_place"]) == (
        "holdout", 0.1, model.name)


def test_an_apprentice_knows_what_it_is_told(made):
    decider = made(is_apprentice=True)
    decider.decide("u", "s", AT, Choice(("vip", Decimal("9.99"))))
    decider.decide("u", "s", AT, Choice(("vip", Decimal("9.99")), 0.3))
    lost, told = made.events()
    assert (lost["propensity"], told["propensity"]) == (None, 0.3)
    chances = [[one["probability"] for one in json.loads(event["decision_context"])["candidates"]]
               for event in (lost, told)]
    assert chances == [[None, None], [None, 0.3]]


def test_ties_are_drawn(made, model):
    """Candidates that a model takes for equal share alike, and are made so."""
    decider = made(candidates=[Candidate((kind, Decimal(3)))
                               for kind in ("new", "newer", "newest")])
    point(made.models, model)
    shown = Counter(decider.decide(f"u{number}", "s", AT)["offer_type"] for number in range(300))
    assert min(shown.values()) > 60 and len(shown) == 3


@pytest.mark.quick
def test_what_is_drawn_has_its_chance():
    """As often as its part of [0, 1) is wide; what has no chance is never drawn."""
    chances = [0.0, 0.25, 0.0, 0.5, 0.25, 0.0]
    shown = Counter(drawn(chances, number / 1000) for number in range(1000))
    assert shown == {1: 250, 3: 500, 4: 250}
    assert drawn(chances, math.nextafter(1, 0)) == 4
    rng, same = np.random.default_rng(5), np.random.default_rng(5)
    chances = np.random.default_rng(6).dirichlet(np.ones(9))
    assert [drawn(chances.tolist(), rng.random()) for _ in range(1000)] == [
        same.choice(9, p=chances) for _ in range(1000)]


def test_a_challenger_that_is_the_policy_is_not_asked(made, model):
    """With another rule it decides otherwise, and is."""
    decider = made()
    point(made.models, model)
    point(made.models, model, "challenger.json")
    decider.decide("u", "s", AT)
    pointer = made.models / "challenger.json"
    pointer.write_text(pointer.read_text().replace("0.2", "0.3"))
    look(decider)
    decider.decide("u", "s", AT)
    alone, noted = (json.loads(event["decision_context"]) for event in made.events())
    assert "target" not in alone
    assert noted["target"]["policy_version"] == model.name


def test_no_challenger_is_asked_where_a_holdout_goes_one_way(made, model):
    """Of a named offer nothing can be learned about another policy; of chance it can."""
    point(made.models, model, "challenger.json")
    for offer in (("vip", Decimal("9.99")), None, ("gone", Decimal(1))):
        made(holdout=Holdout(1.0, offer)).decide("u", "s", AT)
    contexts = [json.loads(event["decision_context"]) for event in made.events()]
    assert [(one["arm"], "target" in one) for one in contexts] == [
        ("holdout", False), ("holdout", True), ("holdout", True)]


def test_no_request_waits_for_a_model(made, model, monkeypatch, caplog):
    """A thread reads it, and one that could not goes on looking."""
    monkeypatch.setattr("offer_ai.serving.decider.LOOK_AGAIN", 0.05)
    decider, begun, may_go = made(), threading.Event(), threading.Event()
    with decider.looking():
        def read():
            begun.set()
            may_go.wait(5)
            raise RuntimeError("no luck")

        decider.promoted.look = read
        assert begun.wait(20)
        point(made.models, model)
        decider.looked_at = -math.inf
        assert decider.decide("u", "s", AT)["policy_version"] == "fallback-uniform"
        del decider.promoted.look
        may_go.set()
        until = time.monotonic() + 20
        while decider.promoted.policy is None and time.monotonic() < until:
            time.sleep(0.01)
        assert decider.decide("u", "s", AT)["policy_version"] == model.name
    assert "cannot be looked at" in caplog.text


def test_a_number_that_is_none_is_null(made, model):
    class Odd(Decider):
        def _lookup(self):
            class Store:
                description = type("D", (), {"landed_at": "2025-06-01T00:00:00"})

                def features(self, *_):
                    return FEATURES | {"last_session_win_ratio": float("nan"),
                                       "prev_week_purchase_amount": Decimal("NaN")}
            return Store()

    decider = made(Odd)
    point(made.models, model)
    decision = decider.decide("u", "s", AT)
    assert decision["features"]["last_session_win_ratio"] is None
    assert decision["policy_version"] == model.name
    json.dumps(decision, allow_nan=False)


def test_a_whole_number_of_more_than_64_bits_is_noted_as_text(made):
    decider = made()
    decider.features = FEATURES | {"score": 2**70, "level": -2**63}
    told = decider.decide("u", "s", AT)["features"]
    assert (told["score"], told["level"]) == (str(2**70), -2**63)
    assert json.loads(made.events()[0]["decision_context"])["features"] == told


def test_a_pointer_that_could_not_be_read_for_a_moment(made, model, monkeypatch):
    decider = made()
    point(made.models, model)
    look(decider)
    with monkeypatch.context() as patched:
        patched.setattr(type(made.models), "stat", lambda *_, **__: (_ for _ in ()).throw(
            OSError("stale")))
        decider.promoted.look()
    assert "cannot be read" in decider.promoted.problem
    decider.promoted.look()
    assert decider.promoted.problem is None


def test_a_feature_that_the_store_lacks_is_the_fallback(made, model, caplog):
    decider = made()
    point(made.models, model)
    decider.features = {name: value for name, value in FEATURES.items() if name != "country"}
    assert decider.decide("u", "s", AT)["policy_version"] == "fallback-uniform"
    # A challenger that cannot be asked either is said once, too.
    point(made.models, model, "challenger.json")
    pointer = made.models / "challenger.json"
    shutil.copytree(model, made.models / "m-other")
    pointer.write_text(json.dumps(json.loads(pointer.read_text()) | {"model": "m-other"}))
    look(decider)
    for _ in range(3):
        decider.decide("u", "s", AT)
    said = [record.message for record in caplog.records if "asks for the feature" in record.message]
    assert len(said) == 2 and all("country" in one for one in said)
    decider.features = FEATURES
    assert decider.decide("u", "s", AT)["policy_version"] == model.name


@pytest.mark.parametrize("damage", ["cut", "empty folder", "no pointer"])
def test_the_policy_in_place_goes_on(made, model, damage):
    """A model file cut short would end the process if LightGBM saw it."""
    decider = made()
    point(made.models, model)
    look(decider)
    assert decider.promoted.policy.version == model.name
    if damage == "cut":
        bad = made.models / "m-cut"
        shutil.copytree(model, bad)
        text = (bad / "model.txt").read_bytes()
        (bad / "model.txt").write_bytes(text[:len(text) // 2])
        point(made.models, bad)
    elif damage == "empty folder":
        (made.models / "m-empty").mkdir()
        point(made.models, made.models / "m-empty")
    else:
        (made.models / "promoted.json").write_text("{")
    state = look(decider)
    assert decider.promoted.policy.version == model.name
    assert "cannot be loaded" in state["why_not"]
    assert decider.decide("u", "s", AT)["policy_version"] == model.name
    point(made.models, model)
    look(decider)
    assert decider.promoted.problem is None
    (made.models / "promoted.json").unlink()
    look(decider)
    assert decider.decide("u", "s", AT)["policy_version"] == "fallback-uniform"
    assert "no model was ever judged" in look(decider)["why_not"]


def test_probabilities_are_kept(made):
    """Numbers of numpy are none of JSON."""
    decision = made().decide("u", "s", AT)
    assert not isinstance(decision["propensity"], np.floating)
    assert decision["propensity"] == 0.5


def test_one_event_names_one_policy(made, model):
    """Though another is promoted while it is made."""
    decider = made()
    point(made.models, model)
    look(decider)
    read = [decider.promoted.policy]

    class Taken:
        policy = property(lambda _: read.pop() if read else None)

        def look(self):
            pass

    decider.promoted = Taken()
    assert decider.decide("u", "s", AT)["policy_version"] == model.name
    (event,) = made.events()
    assert json.loads(event["decision_context"])["in_place"] == model.name


@pytest.mark.quick
def test_no_caller_names_a_figure(made):
    """Each label is kept for good."""
    decider = made(is_apprentice=True)
    with TestClient(create_app(decider)) as client:
        for kind in ("gems", "anything", "whatever"):
            assert client.post("/decide", json={
                "user_id": "u", "session_id": "s", "offer_type": kind, "offer_price": 4.99}
            ).status_code == 200
        text = client.get("/metrics").text
    assert 'offer_type="gems",policy_version="caller"} 1.0' in text
    assert 'offer_type="other",policy_version="caller"} 2.0' in text
    assert "anything" not in text and "whatever" not in text


@pytest.mark.quick
def test_a_damaged_item_is_the_fallback(made, tmp_path):
    """Of that user alone."""
    store = open_store(f"sqlite:///{tmp_path}/none.sqlite")
    publish_all(store, [item("v", "DK")])
    store.write([("u", "[[")], description())
    store.complete(description())
    decider = made(Decider)
    for user, country in (("u", None), ("v", "DK")):
        decision = decider.decide(user, "t", AT)
        assert (decision["features"].get("country"), decision["propensity"]) == (country, 0.5)
    assert decider.local.lookup is not None


@pytest.mark.quick
def test_one_request_a_second_waits_for_a_slow_store(made, monkeypatch):
    """However long each attempt takes, and at whatever it fails."""
    clock, opened = [100.0], []

    class Slow:
        def description(self):
            opened.append(clock[0])
            clock[0] += 5
            if len(opened) != 2:
                raise StoreError("slow")
            return description()

        def get(self, user_id):
            clock[0] += 5
            raise StoreError("slow")

    monkeypatch.setattr("offer_ai.serving.decider.open_store", lambda *_, **__: Slow())
    monkeypatch.setattr("offer_ai.serving.decider.time",
                        SimpleNamespace(monotonic=lambda: clock[0]))
    decider = made(Decider)
    for _ in range(30):
        assert decider.decide("u", "s", AT)["features"] == {}
        clock[0] += 0.1
    # The second is opened, and fails when it is asked.
    assert opened == pytest.approx([100, 106, 117], abs=0.3)


def listed(path, *lines: str):
    path.write_text("\n".join(["offer_type,offer_price,most_per_user_week", *lines, ""]))
    return path


def shown(decider, count=60) -> set[str]:
    decider.looked_at = -math.inf
    return {decider.decide(f"u{number}", "s", AT)["offer_type"] for number in range(count)}


@pytest.mark.quick
def test_candidates_change_while_it_serves(made, tmp_path, caplog):
    """One that is withdrawn is made no more, a new one is; a file that cannot be used changes
    nothing, and is said once."""
    caplog.set_level("INFO", "offer_ai")
    path = listed(tmp_path / "offers.csv", "gems,4.99,", "vip,9.99,")
    decider = made(candidates=ReloadingCandidates(path))
    assert shown(decider) == {"gems", "vip"}
    listed(path, "gems,4.99,", "coins,1.99,")
    assert shown(decider) == {"gems", "coins"}
    assert "offers.csv: without vip at 9.99; new: coins at 1.99" in caplog.text
    listed(path, "gems,4.99,", "gems,4.990,")
    assert shown(decider) == shown(decider) == {"gems", "coins"}
    assert caplog.text.count("is on line 2 already; the candidates before") == 1
    assert "line 3: gems at 4.99 is on line 2 already" in look(decider)["why_not"]
    path.unlink()
    assert shown(decider) == {"gems", "coins"}
    assert "cannot be read" in look(decider)["why_not"]
    listed(path, "vip,9.99,")
    assert shown(decider) == {"vip"}
    assert "offers.csv" not in look(decider)["why_not"]


@pytest.mark.quick
def test_without_a_model_it_is_starting_or_degraded(made, tmp_path):
    """Starting, while all that is missing is what nobody has promoted or published yet."""
    path = listed(tmp_path / "offers.csv", "gems,4.99,")
    decider = made(candidates=ReloadingCandidates(path))

    def status() -> str:
        decider.looked_at = decider.local.looked_at = -math.inf
        found = readiness(decider)
        assert "no model was ever judged" in found.why
        return found.status

    assert status() == "starting"
    listed(path, "gems,-1,")
    assert status() == "degraded"
    listed(path, "gems,4.99,")
    assert status() == "starting"
    (tmp_path / "none.sqlite").write_bytes(b"no database " * 500)
    assert status() == "degraded"
    assert "the feature store cannot be read" in readiness(decider).why


@pytest.mark.quick
def test_a_new_cap_counts_what_was_made_before_it(made, tmp_path):
    path = listed(tmp_path / "offers.csv", "gems,4.99,")
    decider = made(candidates=ReloadingCandidates(path))
    decider.decide("u", "s", AT)
    decider.decide("u", "s", AT + timedelta(hours=1))
    listed(path, "gems,4.99,2")
    look(decider)
    until = time.monotonic() + 10
    while (len(decider.recent.before("u", AT + timedelta(days=1))) < 2
           and time.monotonic() < until):
        time.sleep(0.01)
    assert decider.decide("u", "s", AT + timedelta(days=1))["offer_type"] is None
    assert decider.decide("v", "s", AT + timedelta(days=1))["offer_type"] == "gems"
    listed(path, "gems,4.99,", "gems,5.99,")
    look(decider)
    assert decider.decide("u", "s", AT + timedelta(days=1))["offer_type"] == "gems"


@pytest.mark.quick
def test_what_a_target_is_worth_is_its_mean():
    """Not what its favourite is: the policy explores. Of the offer made, what it predicts."""
    class Told:
        version = "m"

        def choose(self, features, offers):
            worth = {("gems", 4.99): (0.7, 3.0), ("vip", 9.99): (0.3, 1.0), ("old", 2.0): (1, 5.0)}
            return tuple(np.array(some) for some in zip(*(worth[one] for one in offers),
                                                        strict=True))

    among = [GEMS, VIP]
    target = as_target(Told(), {}, among, Choice(("vip", Decimal("9.99"))), ACTIONS)
    assert target == {"policy_version": "m", "offer_type": "gems", "offer_price": "4.99",
                      "propensity": 0.3, "predicted": 1.0,
                      "value": pytest.approx(0.7 * 3 + 0.3 * 1)}
    # An offer that is no candidate is never made by the target.
    target = as_target(Told(), {}, among, Choice(("old", Decimal("2"))), ACTIONS)
    assert (target["propensity"], target["predicted"]) == (0, 5)
    assert target["value"] == pytest.approx(2.4)
