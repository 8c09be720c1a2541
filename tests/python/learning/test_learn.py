"""Learning at a rhythm: what is young takes part, one at a time, through bad days."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from decimal import Decimal

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from commands import run
from learned import FEATURES, OFFERS, candidates_of
from offer_ai.base.settings import SCRIPTS
from offer_ai.learning import cycle, effects_fit, keeping, model_files, promotions
from offer_ai.learning.cycle import (
    days_to_value,
    explore_more,
    is_due,
    last_told,
    learn,
    rhythm,
)
from offer_ai.learning.effects_rest import fit_rest
from offer_ai.learning.effects_training import surest, worth_at_random
from offer_ai.learning.intervals import Estimate
from offer_ai.learning.keeping import Keeper
from offer_ai.learning.model_files import load_model
from offer_ai.learning.policies import Policy
from offer_ai.learning.promotion import Verdict, roll_back
from offer_ai.training.writing import YOUNG

LABEL, PART = "next_week_purchase_amount", "first_hour_offer_amount"


def publish(folder, days=6, rows=12_000, mature_days=0, version="v1", late_vip=0.0,
            flip_day=None, offers=OFFERS, labels=(LABEL, PART), users=10**6):
    """A training table of which the first days alone are mature, of so many users in turn;
    `late_vip` is what vip brings after its first hour. Buyers in DK like gems, in US vip; from
    `flip_day` on the other way."""
    rng = np.random.default_rng(len(version) + days)
    country = rng.choice(["DK", "US"], rows)
    offer = rng.integers(0, len(offers), rows)
    price = np.array([offers[i][1] for i in offer])
    is_turned = np.arange(rows) >= rows * (2 if flip_day is None else flip_day / days)
    likes = np.where(is_turned, np.where(country == "DK", "US", "DK"), country)
    chance = np.where((likes == "DK") & (offer == 0), 0.4,
                      np.where((likes == "US") & (offer == 1), 0.3, 0.05))
    early = (rng.random(rows) < chance) * price
    rest = rng.exponential(1.0, rows) + late_vip * (offer == 1)
    at = [datetime(2025, 1, 1) + timedelta(days=n * days / rows) for n in range(rows)]

    def money(values):
        return pa.array([Decimal(str(round(float(value), 2))) for value in values],
                        pa.decimal128(22, 4))
    table = pa.table({
        "offer_id": [f"{n:06}" for n in range(rows)],
        "user_id": [f"u{n % users}" for n in range(rows)],
        "offered_at": at, "country": [str(one) for one in country],
        "facebook_connected": rng.choice([True, False], rows),
        "prev_week_purchase_amount": money(rng.integers(0, 9, rows)),
        "last_session_win_ratio": rng.random(rows),
        "offer_type": [offers[i][0] for i in offer], "offer_price": money(price),
        "propensity": [1 / len(offers)] * rows, "candidates": [candidates_of(offers)] * rows,
        LABEL: money(early + rest), PART: money(early)})
    table = table.drop_columns([name for name in (LABEL, PART) if name not in labels])
    mature = sum(one < datetime(2025, 1, 1) + timedelta(days=mature_days) for one in at)
    root = folder / "training" / version
    root.mkdir(parents=True)
    told = {"files": [], "young": []}
    if mature:
        pq.write_table(table.slice(0, mature), root / "offers.parquet")
        told["files"] = [{"path": "offers.parquet"}]
    if mature < rows:
        pq.write_table(table.slice(mature).drop_columns([LABEL]), root / YOUNG)
        told["young"] = [{"path": YOUNG}]
    watermark = datetime(2025, 1, 1) + timedelta(days=days)
    (folder / "training" / "manifest.json").write_text(json.dumps(told | {
        "version": version, "watermark": watermark.isoformat() + "Z", "code_version": "1",
        "features": FEATURES, "labels": [{"name": name} for name in labels]}))
    return folder


def user(country: str) -> dict:
    return {"country": country, "facebook_connected": True,
            "prev_week_purchase_amount": Decimal(3), "last_session_win_ratio": None}


def test_it_learns_before_a_label_is_mature(tmp_path):
    """Six days of offers, none of them mature: who likes what is known, and promoted."""
    step = learn(publish(tmp_path))
    assert ": promoted, " in step.said
    model = load_model(step.model)
    in_denmark, in_america = (model.predict(user(one), OFFERS) for one in ("DK", "US"))
    assert (int(in_denmark.argmax()), int(in_america.argmax())) == (0, 1)
    assert in_denmark[0] == pytest.approx(0.4 * 4.99, abs=0.3)
    assert model.description["metrics"]["mature_rows"] == 0
    rows = {name: [value] * 3 for name, value in user("DK").items()}
    assert model.predict_rows(rows | {
        "offer_type": [kind for kind, _ in OFFERS],
        "offer_price": [price for _, price in OFFERS]}) == pytest.approx(in_denmark)
    told = json.loads((tmp_path / "models" / "promoted.json").read_text())
    assert (told["model"], told["rule"]) == (step.model.name, "inverse-gap")


def test_without_a_part_what_is_mature_tells(tmp_path):
    """Its days, of which half are for valuing, are fewer than the table's."""
    step = learn(publish(tmp_path, days=10, mature_days=4, labels=[LABEL]))
    description = load_model(step.model).description
    assert (description["part"], description["validate_days"]) == (None, 2)
    assert description["metrics"]["rows"] == description["metrics"]["mature_rows"] == 4_800
    assert ": promoted, " in step.said


def test_what_was_often_made_is_no_new_candidate(tmp_path):
    offers = [("starter", 0.99), ("gems", 4.99), ("vip", 19.99)]
    step = learn(publish(tmp_path, offers=offers))
    policy = Policy.load(step.model, "inverse-gap", 0.01)
    assert policy.is_new(offers).tolist() == [False] * 3


def test_a_thread_may_forget_what_another_one_is_about_to_use(tmp_path):
    class Forgetful(dict):
        def __setitem__(self, *_):
            pass

    policy = Policy.load(learn(publish(tmp_path)).model, "inverse-gap", 0.01)
    chances, _ = policy.choose(user("DK"), OFFERS)
    policy.models[0].known = Forgetful()
    forgets = Policy(policy.version, policy.models, policy.rule, policy.epsilon, Forgetful())
    assert forgets.choose(user("DK"), OFFERS)[0].tolist() == chances.tolist()


def test_the_week_corrects_the_first_hour(tmp_path):
    """vip loses in the days after more than it brings at once; mature offers alone know it."""
    step = learn(publish(tmp_path, days=14, mature_days=7, late_vip=-4.0))
    model = load_model(step.model)
    rest = dict(zip(model.catalogue.offers, model.rest, strict=True))
    assert rest["vip", 9.99] < -2 < 0 < rest["gems", 4.99]
    assert int(model.predict(user("US"), OFFERS).argmax()) != 1


def test_what_a_step_knows_of_chance(tmp_path, monkeypatch):
    """What was logged of each mature decision, and what a user's next ones brought, and what those
    offers bring in the mean."""
    seen = []
    monkeypatch.setattr(effects_fit, "fit_rest", lambda rest, *others: (
        seen.append(rest), fit_rest(rest, *others))[1])
    learn(publish(tmp_path, days=14, mature_days=7, users=4_000))
    last = max(seen, key=lambda rest: len(rest.offer))
    assert len(last.offer) == 6_000 and (last.chances == 1 / len(OFFERS)).all()
    assert np.std(last.of_next) > 2 * np.std(last.expected_of_next) > 0
    assert last.expected_of_next.mean() == pytest.approx(last.of_next.mean(), rel=0.05)


@pytest.mark.parametrize(("flip_day", "change_days"), [(14, 7), (7, 14)])
def test_what_has_changed_is_found_out(tmp_path, flip_day, change_days):
    """When tastes turn, the model is of the days since, explores as much as these allow, and
    the days before still tell what is as it was."""
    models = [load_model(learn(publish(tmp_path / str(day), days=21, flip_day=day)).model)
              for day in (None, flip_day)]
    steady, turned = (model.description for model in models)
    assert (steady["change_days"], turned["change_days"]) == (None, change_days)
    assert [[int(model.predict(user(country), OFFERS).argmax()) for country in ("DK", "US")]
            for model in models] == [[0, 1], [1, 0]]
    assert turned["gamma"] / steady["gamma"] == pytest.approx(np.sqrt(change_days / 21), rel=0.1)


@pytest.mark.quick
def test_a_line_that_a_full_disk_cut_short_takes_no_other_with_it(tmp_path):
    """What is recorded after it is served."""
    (tmp_path / promotions.LOG).write_text('{"step": "not promoted", "mod')
    promotions.serve(tmp_path, {"step": promotions.PROMOTION, "model": "m1", "rule": "thompson",
                                "epsilon": 0.1, "why": []})
    assert promotions.pointer(tmp_path)["model"] == "m1"
    assert [step["model"] for step in promotions.steps(tmp_path)] == ["m1"]


@pytest.mark.quick
def test_a_promotion_that_was_cut_off_is_ended_before_a_refusal_is_recorded(tmp_path, monkeypatch):
    step = {"step": promotions.PROMOTION, "model": "m1", "rule": "thompson", "epsilon": 0.1,
            "why": []}
    with monkeypatch.context() as patched:
        append = promotions.append
        patched.setattr(promotions, "append", lambda *of: (append(*of), 1 / 0))
        with pytest.raises(ZeroDivisionError):
            promotions.serve(tmp_path, step)
    promotions.record(tmp_path, step | {"step": promotions.REFUSAL, "model": "m2"})
    promotions.finish(tmp_path)
    assert promotions.pointer(tmp_path)["model"] == "m1"


def test_young_offers_that_do_not_say_their_price(tmp_path):
    """An event of before the field was logged stops nobody."""
    learn(publish(tmp_path))
    path = publish(tmp_path, days=9, version="v2") / "training" / "v2" / YOUNG
    table = pq.read_table(path)
    price = table.column_names.index("offer_price")
    values = [None if row % 7 == 0 else value
              for row, value in enumerate(table["offer_price"].to_pylist())]
    pq.write_table(table.set_column(price, "offer_price", pa.array(
        values, pa.decimal128(22, 4))), path)
    assert ": promoted, " in learn(tmp_path).said


@pytest.mark.quick
@pytest.mark.parametrize(("less_of", "known", "found"), [
    ({}, None, None), ({7: 0.1}, None, 7), ({7: 0.01}, None, None),
    ({None: 0.01}, 14, 14), ({None: 0.1}, 14, None),  # what was found is not lost by chance
    ({7: 0.01}, 14, 14), ({7: 0.1}, 14, 7),
    ({7: 0.1, 14: 0.09}, None, 14), ({7: 0.1, 14: 0.02}, None, 7),  # of like ones the longest ago
    ({None: 0.09, 14: 0.1}, 7, None),  # or none at all
])
def test_what_was_known_holds_until_another_is_surely_better(less_of, known, found):
    """By three standard errors, of 0.01 here."""
    noise = np.tile([0.5, -0.5], 1250)
    losses = {change: 1.0 - less_of[change] + noise * (-1 if change == 14 else 1)
              if change in less_of else np.ones(2500)
              for change in (None, 7, 14)}
    assert surest(losses, known, np.arange(2500)) == found


@pytest.mark.quick
def test_what_a_few_users_repeat_is_not_sure():
    """Ten of one user are as sure as one of each of ten."""
    less = 0.04 + np.tile([0.5, -0.5], 1250)
    losses = {None: np.ones(2500), 7: 1 - less}
    assert surest(losses, None, np.arange(2500)) == 7
    many = {change: np.repeat(loss[:250], 10) for change, loss in losses.items()}
    assert surest(many, None, np.repeat(np.arange(250), 10)) is None


def test_a_change_that_was_found_is_remembered(tmp_path):
    """Five weeks later a learner that looks anew takes another day for it."""
    days = []
    for folder, so_many in (("all along", 21), ("all along", 47), ("anew", 47)):
        step = learn(publish(tmp_path / folder, days=so_many, flip_day=14,
                             version=f"v{so_many}"))
        days.append(load_model(step.model).description["changed_on"])
    assert days[0] == days[1] == "2025-01-15" != days[2]


def test_a_first_policy_is_valued_on_more_days(tmp_path):
    """A week is enough for a successor; while nothing is promoted, half of what there is."""
    assert [days_to_value(days) for days in (2, 10, 14, 60)] == [1, 5, 7, 7]
    assert [days_to_value(days, is_first=True) for days in (10, 30, 60)] == [5, 15, 28]
    root = publish(tmp_path, days=20)
    first, second = learn(root), learn(publish(tmp_path, days=20, version="v2"))
    assert [load_model(one.model).description["validate_days"] for one in (first, second)] == [
        10, 7]


def test_what_a_log_is_worth_at_random():
    """Random decisions count, those of a policy that was sure of itself hardly; and what is logged
    later adds to it."""
    rows, day = np.ones(1000, bool), np.zeros(1000, int)
    random = np.full(1000, 0.1)
    assert worth_at_random({"propensity": random}, rows, day) == pytest.approx(1000)
    sure = np.where(np.arange(1000) < 990, 0.99, 0.001)
    alone = worth_at_random({"propensity": sure}, rows, day)
    assert 0 < alone < 15
    both = {"propensity": np.concatenate([sure, random])}
    assert worth_at_random(both, np.ones(2000, bool), np.repeat([3, 4], 1000)) == pytest.approx(
        1000 + alone)
    held = both | {"arm": np.repeat(np.array(["policy", "holdout"], object), 1000)}
    assert worth_at_random(held, np.ones(2000, bool), np.zeros(2000, int)) == pytest.approx(
        1000 + alone)  # beside it, too
    assert worth_at_random({"propensity": np.full(1000, np.nan)}, rows, day) == 1000
    assert worth_at_random({}, rows[:7], day) == 7


@pytest.mark.quick
def test_a_step_is_due_by_the_days_of_events(tmp_path):
    assert is_due(tmp_path / "models", "2025-01-02T00:00:00Z", 1)
    assert not is_due(tmp_path / "models", None, 1)
    learn(publish(tmp_path))
    models = tmp_path / "models"
    assert not is_due(models, "2025-01-07T23:00:00Z", 1)
    assert is_due(models, "2025-01-08T00:00:00Z", 1)
    assert not is_due(models, "2025-01-13T23:00:00Z", 7)
    assert is_due(models, "2025-01-06T00:00:00Z", 0)  # an erasure may move the watermark back
    assert (rhythm(7, None), rhythm(7, 28), rhythm(7, 14), rhythm(1, 7)) == (7, 7, 2, 1)
    # As soon as that after a step which found that something changed.
    learn(publish(tmp_path / "turned", days=21, flip_day=14))
    assert is_due(tmp_path / "turned" / "models", "2025-01-24T00:00:00Z", 7)


def refused(models, against):
    """A verdict that refuses a successor of what is served now."""
    return Verdict(False, ["too thin"], Estimate(0.0, -1.0, 1.0, 99, 50.0, 0.5), against,
                   promotions.pointed(models))


@pytest.mark.quick
def test_after_a_refusal_the_policy_in_place_explores_more(tmp_path):
    """So that its logs tell, next time; the step is noted, and a successor starts afresh."""
    first = learn(publish(tmp_path)).model.name
    models = tmp_path / "models"
    for epsilon in (0.05, 0.1, 0.2, 0.2):
        explore_more(models, refused(models, first))
        assert promotions.pointer(models)["epsilon"] == epsilon
    last = promotions.steps(models)[-1]
    assert (last["step"], last["why"]) == (
        "explores more", ["a successor was refused: too thin"])
    step = learn(publish(tmp_path, days=9, version="v2"))
    assert ": promoted, " in step.said
    assert promotions.pointer(models)["epsilon"] == 0.01


@pytest.mark.quick
def test_what_is_served_by_now_or_cannot_be_read_does_not_explore_more(tmp_path):
    """A rollback in the meantime stays as it is, and a damaged pointer stops no step."""
    first = learn(publish(tmp_path)).model.name
    models = tmp_path / "models"
    before = refused(models, first)
    promotions.serve(models, promotions.pointer(models) | {"epsilon": 0.03})
    explore_more(models, before)
    assert promotions.pointer(models)["epsilon"] == 0.03
    (models / "promoted.json").write_text("[]")
    explore_more(models, refused(models, f"{first} cannot be loaded"))
    assert promotions.pointed(models) == b"[]"


@pytest.mark.quick
def test_a_successor_that_decides_alike_changes_nothing(tmp_path):
    """Of the same offers, however much the policy in place explores by now: it neither explores
    more, nor does its own floor let the same policy win."""
    first = learn(publish(tmp_path)).model.name
    models = tmp_path / "models"
    for version in ("v1", "v2"):
        assert f"it decides as {first} does" in learn(publish_again(tmp_path, version)).said
        assert promotions.pointer(models)["epsilon"] == 0.01
    explore_more(models, refused(models, first))
    assert f"it decides as {first} does" in learn(publish_again(tmp_path, "v3")).said
    assert promotions.pointer(models)["epsilon"] == 0.05
    assert not (models / "challenger.json").exists()


def publish_again(folder, version):
    """The offers that are published, as another version."""
    manifest = folder / "training" / "manifest.json"
    told = json.loads(manifest.read_text())
    (folder / "training" / told["version"]).rename(folder / "training" / version)
    manifest.write_text(json.dumps(told | {"version": version}))
    return folder


@pytest.mark.quick
def test_after_a_rollback_a_successor_is_judged_strictly(tmp_path, monkeypatch):
    """Until one is promoted; a refusal and what is explored for it are none."""
    judged, evaluate_against = [], cycle.evaluate_against

    def spy(*of, is_successor):
        judged.append(is_successor)
        return evaluate_against(*of, is_successor=is_successor)
    monkeypatch.setattr(cycle, "evaluate_against", spy)
    first = learn(publish(tmp_path)).model.name
    models = tmp_path / "models"
    assert ": promoted, " in learn(publish(tmp_path, days=9, version="v2")).said
    roll_back(models, "a test")
    promotions.record(models, {"step": promotions.REFUSAL, "model": "m-other"})
    explore_more(models, refused(models, first))
    assert promotions.pointer(models)["epsilon"] == 0.05
    learn(publish(tmp_path, days=10, version="v3"))
    promotions.serve(models, {"step": promotions.PROMOTION} | {
        name: promotions.pointer(models)[name] for name in ("model", "rule", "epsilon")})
    learn(publish(tmp_path, days=11, version="v4"))
    assert judged == [True, True, False, True]


@pytest.mark.quick
def test_what_was_taken_back_during_a_step_is_not_overwritten(tmp_path, monkeypatch):
    """By hand, after the step had looked at what is served."""
    learn(publish(tmp_path))
    models, promote = tmp_path / "models", cycle.promote
    monkeypatch.setattr(
        cycle, "promote", lambda *of: (roll_back(models, "a test"), promote(*of))[1])
    said = learn(publish(tmp_path, days=9, version="v2")).said
    assert ": not promoted, " in said and "changed in the meantime" in said
    assert promotions.pointer(models) is None
    assert [step["step"] for step in promotions.steps(models)] == [
        "promoted", "rolled back", "not promoted"]


@pytest.mark.quick
def test_the_model_before_is_the_latest_of_the_cycle(tmp_path):
    """Whatever was judged by hand since: trees, or an old model once more."""
    for name, kind, day in (("m-old", "effects", 1), ("m-new", "effects", 3), ("trees", None, 5)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.json").write_text(json.dumps(
            {"kind": kind, "name": name, "training": {"watermark": f"2025-01-0{day}T00:00:00Z"}}))
    assert last_told(tmp_path) == {}
    for name in ("m-old", "m-new", "trees", "m-old", "m-gone"):
        promotions.record(tmp_path, {"step": promotions.REFUSAL, "model": name})
    assert last_told(tmp_path)["name"] == "m-new"


@pytest.mark.quick
def test_a_model_of_young_offers_is_valued_by_hand(tmp_path):
    """As the cycle values it, by its own rule."""
    first = learn(publish(tmp_path)).model
    said = run("evaluate", first, "--training", tmp_path / "training")
    assert said.returncode == 0, said.stderr
    assert "decisions from 2025-01-04 to 2025-01-06" in said.stdout
    assert "difference +0.0000" in said.stdout


def environment(folder):
    return os.environ | {"OFFER_AI_EXPORT": str(folder), "OFFER_AI_DB": str(folder / "w.duckdb")}


@pytest.mark.long
def test_the_command_once_and_alone(tmp_path):
    """A step, then none until there is more; a second process is refused, by name."""
    publish(tmp_path)
    first = run("learn", "--once", "--no-publish", env=environment(tmp_path))
    assert ": promoted, " in first.stdout, first.stderr
    again = run("learn", "--once", "--no-publish", env=environment(tmp_path))
    assert "It is not time yet" in again.stdout
    process = subprocess.Popen(
        [sys.executable, SCRIPTS / "learn.py", "--no-publish", "--poll", "0.05"],
        env=environment(tmp_path), stdout=subprocess.PIPE, text=True)
    try:
        lock = tmp_path / "models" / ".learning"
        until = time.time() + 60
        while lock.read_text() != str(process.pid) and time.time() < until:
            time.sleep(0.05)
        other = run("learn", "--once", "--no-publish", env=environment(tmp_path))
        assert f"Process {process.pid} learns for {tmp_path} already" in other.stderr
        # A bad day: a version that cannot be read. What is served stays, and it goes on.
        publish(tmp_path, days=9, version="v2")
        (tmp_path / "training" / "v2" / YOUNG).write_bytes(b"cut")
        assert "learning failed" in process.stdout.readline()
        publish(tmp_path, days=9, version="v3")
        lines = []
        while not lines or "failed" in lines[-1]:
            lines.append(process.stdout.readline())
        assert "promoted, " in lines[-1]
    finally:
        process.terminate()
        assert process.wait(60) == 0
    assert len(promotions.steps(tmp_path / "models")) == 2


def test_a_warehouse_that_is_not_there_or_held_is_said(tmp_path, monkeypatch):
    """At once where it is not there, as of a mistyped variable; by one that goes on, after a few
    looks where a build holds it."""
    said = run("learn", "--once", env=environment(tmp_path))
    assert said.returncode == 1
    assert f"no warehouse at OFFER_AI_DB='{tmp_path / 'w.duckdb'}'" in said.stderr
    with duckdb.connect(str(tmp_path / "w.duckdb")):
        said = run("learn", "--once", env=environment(tmp_path))
    assert said.returncode == 1
    assert "OFFER_AI_DB: " in said.stderr and "a build is writing it" in said.stderr
    keeper = Keeper(tmp_path / "w.duckdb", tmp_path, 1.0, 0.0, "inverse-gap", 0.01)
    heard, looks = [], iter([None, *["held"] * 9, None, *["held"] * 4])

    def publish(_):
        if (found := next(looks, "end")) == "end":
            keeper.stop()
        return None if found == "end" else found
    monkeypatch.setattr(Keeper, "publish", publish)
    monkeypatch.setattr(keeping, "say", heard.append)
    keeper.run()
    assert heard == ["waiting: held", "stopped"]


def kill_at(place: str) -> None:
    """Has this process kill itself where a step of learning gets to a place."""
    def dead(*_, **__):
        os.kill(os.getpid(), signal.SIGKILL)

    if place == "while a model is written":
        model_files.plot = dead
    elif place == "before it is recorded":
        promotions.append = dead
    else:
        append = promotions.append
        promotions.append = lambda *of: (append(*of), dead())


@pytest.mark.parametrize(("place", "is_first"), [
    ("while a model is written", False), ("before it is recorded", True),
    ("when it is recorded", True), ("when it is recorded", False)])
def test_a_killed_step(tmp_path, place, is_first):
    """Nothing is served by half, and the next run ends as if there had been no kill."""
    keeper = Keeper(tmp_path / "w.duckdb", tmp_path, 1.0, 0.1, "inverse-gap", 0.01, False)
    models = tmp_path / "models"
    models.mkdir()
    before = None
    if not is_first:
        publish(tmp_path)
        assert ": promoted, " in keeper.step()
        before = promotions.pointer(models)["model"]
    publish(tmp_path, days=9, version="v2")
    process = multiprocessing.get_context("fork").Process(
        target=lambda: (kill_at(place), keeper.step()))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    decided = Policy.at(models / "promoted.json").version if before else None
    assert decided == before
    said = keeper.step()
    # What was recorded is ended; what was not is learned again.
    assert said is None if place == "when it is recorded" else ": promoted, " in said
    promoted = [step["model"] for step in promotions.steps(models) if step["step"] == "promoted"]
    assert len(promoted) == len(set(promoted)) == 2 - is_first
    assert Policy.at(models / "promoted.json").version == promoted[-1]
    assert keeper.step() is None
    assert {path.name for path in models.iterdir()} == {
        *promoted, "promoted.json", "promotions.ndjson", ".promoting"}
    if before:
        roll_back(models, "a test")
        assert promotions.pointer(models)["model"] == before
