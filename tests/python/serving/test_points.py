"""Any decision point: what its action is made of, who is asked what, and what is learned of it."""

import json
from decimal import Decimal

import numpy as np
import pytest

from learned import published
from offer_ai.base import declarations
from offer_ai.base.actions import Actions, words
from offer_ai.features.request_time import RequestFeatures
from offer_ai.learning.candidates import CandidatesError, read_candidates
from offer_ai.learning.effects_model import EffectsModel
from offer_ai.learning.effects_training import fit_early
from offer_ai.learning.fitting import fit_models
from offer_ai.learning.model_files import write_model
from offer_ai.learning.policies import Policy
from offer_ai.learning.revenue_model import Encoding
from offer_ai.serving.app import create_app
from offer_ai.serving.arms import Holdout
from offer_ai.serving.choices import unusable
from offer_ai.serving.decider import Decider
from offer_ai.serving.decision_log import DecisionLog
from offer_ai.serving.logged_fields import check_fields
from offer_ai.training.table import arrays_of, read_offers
from oracle import identifier

pytestmark = pytest.mark.quick
COLUMNS = [("paywall", "string"), ("price", "decimal(22, 4)"), ("days", "bigint"),
           ("scale", "double"), ("is_full", "boolean")]
FIELDS = {"paywall": "text", "price": "money", "days": "integer", "scale": "number",
          "is_full": "boolean"}
CSV = "paywall,price,days,scale,is_full\nhard,4.990,7,0.5,true\nsoft,0,1,2,false\n"
REQUEST = {"user_id": "u", "session_id": "s", "at": "2026-01-01T00:00:00"}


def point(action=tuple(FIELDS), **more) -> dict:
    return {"name": "paywalls", "one": "paywall", "event": "paywall_shown", "time": "shown_at",
            "id": "paywall_id", "action": list(action), "outcome": [], "status_quo": None,
            "features": [], "labels": [], "reward": None, "columns": [
                {"name": name, "data_type": kind} for name, kind in COLUMNS]} | more


@pytest.fixture
def app(tmp_path):
    """Makes the service's client of a point, and reads what it logged."""
    testing = pytest.importorskip("fastapi.testclient")
    made = []

    def make(declared, text=CSV, **more):
        path = tmp_path / "paywall_candidates.csv"
        path.write_text(text)
        log = DecisionLog(tmp_path / "events")
        made.append(log)
        decider = Decider(tmp_path / "models", f"sqlite:///{tmp_path}/none.sqlite", log, seed=1,
                          candidates=read_candidates(path, Actions.declared(declared)),
                          point=declared, **more)
        return testing.TestClient(create_app(decider))

    def events():
        made[-1].rotate()
        return [json.loads(line) for path in (tmp_path / "events").glob("*.ndjson")
                for line in path.read_text().splitlines()]

    make.events = events
    yield make
    for log in made:
        log.close()


def test_an_answer_and_an_event_have_the_columns_of_the_action(app):
    client = app(point())
    hard = {"paywall": "hard", "price": "4.99", "days": 7, "scale": 0.5, "is_full": True}
    made = client.post("/decide", json=REQUEST | {"paywalls": [hard]}).json()
    assert {name: made[name] for name in hard} == hard
    assert next(iter(made)) == "decision_id"
    (event,) = app.events()
    assert event["event_id"] == "paywall_shown"
    assert {name: event[name] for name in hard} == hard
    assert json.loads(event["decision_context"])["candidates"] == [hard | {"probability": 1.0}]
    assert 'offer_ai_decisions_total{paywall="hard"' in client.get("/metrics").text
    for days in ("many", 2**63):
        refused = client.post("/decide", json=REQUEST | {"paywalls": [hard | {"days": days}]})
        assert refused.json()["detail"][0]["field"] == "paywalls.days"


@pytest.mark.parametrize("text", [
    "7.0", "-12.0", "7.00", "1.5", "x.0", ".0", "007.0", "1e7", " 7.0", "undefined", "NULL", "nan",
    "None", "null ", "0", "-1"])
def test_an_id_is_what_the_warehouse_reads(app, text):
    """Whom the service decides for, and whom it logs."""
    client = app(point(["paywall"]), "paywall\nhard\n")
    user = identifier(text, ("undefined", "null", "nan"))
    said = client.post("/decide", json=REQUEST | {"user_id": text, "session_id": text})
    assert said.status_code == (422 if user is None else 200), said.text
    if user is None:
        assert "no_user_ids" in said.json()["detail"][0]["problem"]
        assert client.post("/decide", json=REQUEST | {"session_id": text}).status_code == 200
    for event in app.events():
        assert event["session_id"] == identifier(text)
        assert event["customer_identifier"] == (user or "u")


def test_nothing_can_be_done(app):
    client = app(point(["paywall"]), "paywall\nhard\n")
    made = client.post("/decide", json=REQUEST | {"paywalls": [{"paywall": "soft"}]}).json()
    assert made["paywall"] is None
    assert "none of the offers of the request" in made["reason"]
    (event,) = app.events()
    assert event["event_id"] == "no_paywall"
    assert "paywall" not in event


def test_the_status_quo_of_the_holdout(app, monkeypatch):
    monkeypatch.setattr(declarations, "variables", lambda: {
        "holdout_share": 1, "features": [], "labels": [], "decision_points": {},
        "event_fields": {}})
    declared = point(["paywall", "price"], status_quo={"paywall": "soft", "price": 0})
    actions = Actions.declared(declared)
    holdout = Holdout.declared(declared, actions)
    assert holdout.version == "holdout-soft-0"
    client = app(declared, "paywall,price\nhard,1\nsoft,0.00\n", holdout=holdout)
    made = client.post("/decide", json=REQUEST).json()
    assert (made["paywall"], made["price"]) == ("soft", "0")
    assert made["policy_version"] == "holdout-soft-0"
    with pytest.raises(ValueError, match=r"paywalls: status_quo needs a paywall and a price"):
        Holdout.declared(declared | {"status_quo": {"paywall": "soft"}}, actions)


@pytest.mark.parametrize(("row", "why"), [
    ("hard,-1,7,0.5,true", "price '-1' is no price of at most four decimals"),
    ("hard,1,7.5,0.5,true", "days '7.5' is no whole number of 64 bits"),
    ("hard,1,9223372036854775808,0.5,true", "is no whole number of 64 bits"),
    ("hard,1,7,inf,true", "scale 'inf' is no number"),
    ("hard,1,7,1_0,true", "scale '1_0' is no number"),
    ("hard,1,7,0.5,maybe", r"is_full 'maybe' is no boolean \(true or false\)"),
    (",1,7,0.5,true", "line 2: paywall is missing"),
    ("hard,1,7,0.5,1\nhard,1.0,7,0.5,true", "hard 1 7 0.5 true is on line 2 already"),
])
def test_a_wrong_candidate_is_named(tmp_path, row, why):
    path = tmp_path / "paywall_candidates.csv"
    path.write_text(CSV.splitlines()[0] + "\n" + row + "\n")
    with pytest.raises(CandidatesError, match=why):
        read_candidates(path, Actions.declared(point()))


@pytest.mark.parametrize(("declared", "why"), [
    (point([]), "no `action` is declared"),
    (point(["wall"]), "'wall' under `action` is not under `columns`"),
    (point(["shown_on"], columns=[{"name": "shown_on", "data_type": "date"}]),
     "'shown_on' under `action` is neither text, a number nor a boolean"),
    (point(["user_id"], columns=[{"name": "user_id", "data_type": "string"}]),
     "'user_id' under `action` is what each decision says of itself"),
])
def test_a_wrong_action_is_named(declared, why):
    with pytest.raises(ValueError, match=f"decision_points, paywalls: {why}"):
        Actions.declared(declared)


def test_a_field_that_a_decision_would_lack_is_named(monkeypatch):
    fields = {name: {"type": "text"} for name in (
        "decision_id", "policy_version", "decision_context", "paywall", "customer_identifier")}
    declared, actions = point(["paywall"]), Actions(("paywall",), ("text",))

    def check(**more):
        monkeypatch.setattr(declarations, "variables", lambda: {
            "event_fields": fields | more, "decision_points": {}, "features": [], "labels": []})
        check_fields(declared, actions, RequestFeatures(declared))

    with pytest.raises(ValueError, match=r"`propensity` is missing.*`propensity: \{type: prob"):
        check()
    with pytest.raises(ValueError, match=r"`of: \[offer_shown, paywall_shown\]` reads it of both"):
        check(propensity={"type": "probability", "of": "offer_shown"})
    propensity = {"type": "probability", "of": ["offer_shown", "paywall_shown"]}
    with pytest.raises(ValueError, match=r"`level` is required of paywall_shown"):
        check(propensity=propensity, level={"type": "integer", "required": True})
    check(propensity=propensity, level={"type": "integer", "required": True, "of": "game_end"})


def test_words():
    assert words(("gems", Decimal("4.990"))) == "gems at 4.99"
    assert words(("soft", 3, 0.5, True)) == "soft 3 0.5 true"


def renamed(manifest: dict, table, names: dict[str, str], action: list[str]):
    """A training table of another decision point, with other names."""
    table = table.rename_columns([names.get(name, name) for name in table.column_names])
    kinds = {"paywall": "string", "price": "decimal(22, 4)"}
    return manifest | {"decision": {
        "name": "paywalls", "one": "paywall", "id": "paywall_id", "time": "shown_at",
        "action": action, "action_columns": [
            {"name": name, "data_type": kinds[name]} for name in action]}}, table


@pytest.fixture(scope="module")
def offers(tmp_path_factory):
    return read_offers(published(tmp_path_factory.mktemp("world"), rows=3000) / "training")


NAMES = {"offer_type": "paywall", "offer_price": "price", "offered_at": "shown_at",
         "offer_id": "paywall_id"}
USER = {"country": "DK", "facebook_connected": True, "prev_week_purchase_amount": 1.0,
        "last_session_win_ratio": 0.5}
LABEL = "next_week_purchase_amount"
SOLD = [("gems", 4.99), ("vip", 9.99), ("new", 3.99)]


def test_other_names_learn_the_same(offers):
    manifest, table = offers
    other, walls = renamed(manifest, table, NAMES, ["paywall", "price"])
    kept = ["candidates"]
    for first, second in (
        (fit_models(manifest, table.to_pydict(), LABEL, 7, 0)[0]["model"],
         fit_models(other, walls.to_pydict(), LABEL, 7, 0)[0]["model"]),
        (fit_early(manifest, arrays_of(table.drop_columns(kept)), LABEL, 7)[0]["model"],
         fit_early(other, arrays_of(walls.drop_columns(kept)), LABEL, 7)[0]["model"]),
    ):
        if isinstance(first, EffectsModel):
            assert first.model_to_string() == second.model_to_string()
            assert np.array_equal(first.predict(USER, SOLD), second.predict(USER, SOLD))
        else:
            rows = Encoding.of(manifest, table.to_pydict()).matrix(table.to_pydict())
            assert np.array_equal(first.predict(rows), second.predict(rows))


def test_what_has_no_price_is_learned_too(offers):
    """Of a text alone: who likes what, and what is new brings what purchases bring on average."""
    manifest, walls = renamed(*offers, NAMES, ["paywall"])
    models, description = fit_early(
        manifest, arrays_of(walls.drop_columns(["candidates"])), LABEL, 7)
    model = models["model"]
    in_denmark = model.predict(USER, [("gems",), ("vip",), ("coins",)])
    in_america = model.predict(USER | {"country": "US"}, [("gems",), ("vip",), ("coins",)])
    assert (in_denmark.argmax(), in_america.argmax()) == (0, 1)
    assert description["decision_point"] == "paywalls"
    assert model.of_offers([("new",)])[1][0] == pytest.approx(model.per_price)
    again = EffectsModel.from_string(model.model_to_string(), model.encoding, {})
    assert np.array_equal(again.predict(USER, [("gems",), ("new",)]),
                          model.predict(USER, [("gems",), ("new",)]))
    assert len(model.feature_importance("")) == len(model.encoding.names)


def test_rows_that_do_not_say_what_was_done_teach_nothing(offers):
    manifest, table = offers
    told = table.to_pydict()
    silent = told | {"offer_type": [None if row % 3 == 0 else kind for row, kind in enumerate(
        told["offer_type"])]}
    _, description = fit_models(manifest, silent, LABEL, 7, 0)
    assert description["metrics"]["rows"] == 2000


def test_a_model_of_another_action_is_not_asked(app, offers, tmp_path):
    """Whoever declares one more column of the action gets a sentence, not an error."""
    manifest, walls = renamed(*offers, NAMES, ["paywall"])
    folder = write_model(tmp_path / "models", *fit_early(
        manifest, arrays_of(walls.drop_columns(["candidates"])), LABEL, 7))
    (tmp_path / "models" / "promoted.json").write_text(json.dumps(
        {"model": folder.name, "rule": "inverse-gap", "epsilon": 0.1}))
    policy = Policy.load(folder, "inverse-gap", 0.1)
    assert unusable(policy, USER, Actions(("paywall",), ("text",))) is None
    assert "chooses by paywall, and the declared action is paywall, price" in unusable(
        policy, USER, Actions(("paywall", "price"), ("text", "amount")))
    client = app(point(["paywall", "price"]), "paywall,price\ngems,4.99\n")
    assert client.post("/decide", json=REQUEST).json()["paywall"] == "gems"
