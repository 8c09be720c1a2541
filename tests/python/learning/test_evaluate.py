"""The evaluation of a model's policy, its promotion and the way back."""

import json
import shutil
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from commands import called, train
from learned import published


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A published table and a model of it, which tests copy."""
    folder = published(tmp_path_factory.mktemp("world"), rows=8000)
    said = train(folder)
    assert said.returncode == 0, said.stderr
    assert "evaluate.py" in said.stdout.splitlines()[-1]
    return folder


@pytest.fixture
def copy(world, tmp_path):
    shutil.copytree(world, tmp_path / "w")
    return tmp_path / "w"


def model_of(folder) -> Path:
    (model,) = (folder / "models").glob("m[0-9a-f]*")
    return model


def evaluate(folder, model, *arguments):
    return called("evaluate", model, "--training", folder / "training", *arguments)


def roll_back(folder, *arguments):
    return called("evaluate", "--rollback", "--models", folder / "models", *arguments)


def change(folder, **columns) -> None:
    """Replaces columns of the published table by what functions make of their values."""
    path = folder / "training" / "v1" / "offers.parquet"
    table = pq.read_table(path)
    for name, make in columns.items():
        field = table.schema.field(name)
        table = table.set_column(table.schema.get_field_index(name), field, pa.array(
            make(table[name].to_pylist()), field.type))
    pq.write_table(table, path)


def steps(folder) -> list[dict]:
    return [json.loads(line)
            for line in (folder / "models" / "promotions.ndjson").read_text().splitlines()]


def test_a_better_policy_is_promoted_once(copy):
    """It beats random logs; it does not beat itself; each step is kept, and there is a way back
    as far as there was a way."""
    model, promoted = model_of(copy), copy / "models" / "promoted.json"
    said = evaluate(copy, model, "--promote")
    assert said.returncode == 0, said.stderr
    assert "promoted: replaces the logging policy" in said.stdout
    assert json.loads(promoted.read_text())["model"] == model.name
    again = evaluate(copy, model, "--promote")
    assert f"not promoted: it decides as {model.name} does" in again.stdout
    assert not (copy / "models" / "challenger.json").exists()
    other = model.with_name("m-other")
    shutil.copytree(model, other)
    said = evaluate(copy, other, "--promote", "--epsilon", "0.3")
    assert "not promoted: the lower bound of the difference" in said.stdout
    assert said.stdout.splitlines()[-1].startswith("next: ")
    challenger = json.loads((copy / "models" / "challenger.json").read_text())
    assert (challenger["model"], challenger["step"]) == ("m-other", "not promoted")
    said = roll_back(copy, "--why", "it sells too little")
    assert said.stdout == f"took back {model.name}; served from now on: each candidate alike\n"
    assert not promoted.exists()
    refused = roll_back(copy)
    assert refused.returncode == 1
    assert "nothing to take back" in refused.stderr
    kept = steps(copy)
    assert [step["step"] for step in kept] == [
        "promoted", "not promoted", "not promoted", "rolled back"]
    assert kept[-1]["why"] == ["it sells too little"]
    assert all(step["by"] and step["at"] and step["why"] for step in kept)


@pytest.mark.parametrize("epsilon, last_day, is_ended", [
    (0.1, "2020-01-01", True), (0.3, "2020-01-01", False), (0.1, "2030-01-01", False)])
def test_a_promotion_ends_an_older_challenger_of_its_kind(copy, epsilon, last_day, is_ended):
    model, pointer = model_of(copy), copy / "models" / "challenger.json"
    other = model.with_name("m-other")
    shutil.copytree(model, other)
    told = json.loads((other / "model.json").read_text())
    told["training"]["days"]["model"][1] = last_day
    (other / "model.json").write_text(json.dumps(told))
    pointer.write_text(json.dumps(
        {"model": "m-other", "rule": "epsilon-greedy", "epsilon": epsilon}))
    assert "promoted: replaces" in evaluate(copy, model, "--promote", "--epsilon", 0.1).stdout
    assert pointer.exists() != is_ended


@pytest.mark.long
def test_the_way_back_is_to_the_policy_before(copy):
    model, models = model_of(copy), copy / "models"
    for name, epsilon in (("m-first", 0.8), ("m-second", 0.1)):
        shutil.copytree(model, models / name)
        said = evaluate(copy, models / name, "--promote", "--epsilon", epsilon)
        assert "promoted: replaces" in said.stdout, said.stdout
    assert "served from now on: m-first" in roll_back(copy).stdout
    pointer = json.loads((models / "promoted.json").read_text())
    assert (pointer["model"], pointer["epsilon"]) == ("m-first", 0.8)
    shutil.rmtree(models / "m-first")
    shutil.copytree(model, models / "m-third")
    said = evaluate(copy, models / "m-third", "--promote")
    assert "what is promoted cannot be loaded" in said.stdout
    assert "m-first" in roll_back(copy).stderr


def test_a_day_that_was_trained_on_is_not_valued_on(copy):
    """Whatever table, and whatever its last days are."""
    model = model_of(copy)
    days = json.loads((model / "model.json").read_text())["training"]["days"]
    assert days == {"model": ["2025-01-01", "2025-01-28"], "held_out": ["2025-01-01", "2025-01-21"]}
    change(copy, offered_at=lambda times: [time - timedelta(days=5) for time in times])
    said = evaluate(copy, model)
    assert "decisions from 2025-01-22 to 2025-01-23" in said.stdout, said.stdout
    change(copy, offered_at=lambda times: [time - timedelta(days=5) for time in times])
    said = evaluate(copy, model, "--promote")
    assert said.returncode == 1
    assert "no day left to value a policy on" in said.stderr


def confounded(folder) -> None:
    """Logs whose offers were made for a reason, each said to be sure."""
    change(folder, propensity=lambda values: [1.0] * len(values))


def lost(folder) -> None:
    change(folder, propensity=lambda values: [
        None if n % 10 == 0 else value for n, value in enumerate(values)])


def rare(folder) -> None:
    """Eight rewarded decisions at a propensity of 1e-6."""
    paid = pq.read_table(folder / "training" / "v1" / "offers.parquet")[
        "next_week_purchase_amount"].to_pylist()
    late = [n for n, value in enumerate(paid) if value and n > 7000][:8]
    change(folder, propensity=lambda values: [
        1e-6 if n in late else value for n, value in enumerate(values)])


def other_shares(folder) -> None:
    """One offer was made twice as often as is said of it."""
    def said(lists):
        other = json.loads(lists[0])
        for one, chance in zip(other, (0.15, 0.15, 0.7), strict=True):
            one["probability"] = chance
        return [json.dumps(other)] * len(lists)
    change(folder, candidates=said)


def few_users(folder) -> None:
    change(folder, user_id=lambda users: [f"u{n % 5}" for n in range(len(users))])


@pytest.mark.parametrize(("spoil", "reason"), [
    (confounded, "weights average"), (lost, "nobody knows the propensity of"),
    (rare, "effective sample size is"), (other_shares, "in other shares than"),
    (few_users, "5 users with a known propensity are too few"),
])
def test_a_warning_blocks(copy, spoil, reason):
    spoil(copy)
    said = evaluate(copy, model_of(copy), "--promote")
    assert said.returncode == 0, said.stderr
    assert "not promoted: " in said.stdout and reason in said.stdout, said.stdout
    assert not (copy / "models" / "promoted.json").exists()
    assert any(reason in why for why in steps(copy)[-1]["why"])


def test_thompson_needs_bootstrapped_models(copy):
    said = evaluate(copy, model_of(copy), "--rule", "thompson")
    assert "run train.py --bootstraps 10" in said.stderr


def test_logs_without_propensity(copy):
    """The direct method alone is left, which promotes nothing."""
    change(copy, propensity=lambda values: [None] * len(values))
    said = evaluate(copy, model_of(copy), "--promote")
    assert "log propensities" in said.stdout
    assert not (copy / "models" / "promoted.json").exists()


def test_logs_without_candidates(copy):
    """Nothing is taken from the seed of today in their place."""
    change(copy, candidates=lambda lists: [None] * len(lists))
    said = evaluate(copy, model_of(copy), "--promote")
    assert said.returncode == 1
    assert "has logged its candidates" in said.stderr


def test_candidates_that_left_the_seed(copy):
    """The learned world's offers are three, of which the seed knows other prices: what was
    logged is what counts, and the value is that of the world."""
    said = evaluate(copy, model_of(copy))
    value = float(next(line for line in said.stdout.splitlines() if "dr" in line).split()[1])
    chance, price = np.array([[0.4, 0.03, 0.03], [0.03, 0.3, 0.03]]), np.array([4.99, 9.99, 1.99])
    best = 0.9 * (chance * price).max(axis=1) + 0.1 * (chance * price).mean(axis=1)
    assert value == pytest.approx(best.mean(), rel=0.2)


@pytest.mark.long
def test_a_feature_that_is_there_no_more(copy):
    """A new model is the way out, and its comparison does not fail over the old one."""
    model = model_of(copy)
    evaluate(copy, model, "--promote")
    path = copy / "training" / "v1" / "offers.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["facebook_connected"]), path)
    said = evaluate(copy, model)
    assert "asks for the feature facebook_connected" in said.stderr
    manifest = copy / "training" / "manifest.json"
    told = json.loads(manifest.read_text())
    told["features"] = [one for one in told["features"] if one["name"] != "facebook_connected"]
    manifest.write_text(json.dumps(told))
    train(copy)
    (new,) = set((copy / "models").glob("m[0-9a-f]*")) - {model}
    said = evaluate(copy, new, "--promote")
    assert "promoted: replaces the logging policy" in said.stdout, said.stdout + said.stderr
    assert "which is there no more" in said.stdout


@pytest.mark.parametrize(("since", "is_promoted"), [("2025-01-29", False), ("2025-01-20", True)])
def test_drift_that_a_model_has_not_seen_blocks_it(copy, since, is_promoted):
    """The table ends on the 28th, and so do the days that its model was fitted to."""
    path = copy / "training" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {
        "drift": [{"feature": "country", "since": since}]}))
    said = evaluate(copy, model_of(copy), "--promote").stdout
    assert ("promoted: replaces" in said) == is_promoted, said
    assert ("country has drifted since 2025-01-29" in said) != is_promoted
