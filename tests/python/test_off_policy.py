"""Off-policy estimates against policies whose value is known."""

import json
import shutil
import subprocess
import sys

import numpy as np

from offer_ai.learning.off_policy import Logged, effective_sample_size, estimates, warnings
from offer_ai.learning.policies import candidates, epsilon_greedy, index_of, thompson
from test_train import published, train
from warehouse import ROOT

TRUTH = np.array([[1.0, 3.0, 0.5], [4.0, 1.0, 2.0]])  # of each kind of user and action
SHOWN = np.array([0.5, 0.2, 0.3])
TARGET = np.array([[0.1, 0.8, 0.1], [0.8, 0.1, 0.1]])


def world(rng, rows: int, error: float = 0.0) -> Logged:
    """Decisions logged under SHOWN, each of a user of its own, with a model that errs."""
    kind = rng.integers(0, 2, rows)
    action = rng.choice(3, rows, p=SHOWN)
    mean = TRUTH[kind, action]
    reward = rng.binomial(1, 0.2, rows) * mean / 0.2
    model = TRUTH + error * np.array([[1, -1, 2], [-2, 1, 1]])
    return Logged(reward, SHOWN[action], TARGET[kind, action], model[kind, action],
                  (TARGET * model)[kind].sum(axis=1), np.arange(rows))


def test_by_hand():
    logged = Logged(*map(np.array, (
        [2.0, 0.0], [0.5, 0.25], [1.0, 0.5], [1.0, 3.0], [1.5, 2.5], [0, 1])))
    found = {name: estimate.value for name, estimate in estimates(logged, bootstraps=10).items()}
    assert found == {"dm": 2.0, "ips": 2.0, "snips": 1.0, "dr": (3.5 - 3.5) / 2}
    assert effective_sample_size(np.array([1.0, 1.0, 2.0])) == 16 / 6


def test_intervals_cover_the_truth():
    """In 100 worlds, 95 % intervals of ips, snips and dr hold it at least 90 times; dr is
    right with a wrong model too, dm with a right one alone."""
    value = (TARGET * TRUTH).sum(axis=1).mean()
    covered = dict.fromkeys(("ips", "snips", "dr"), 0)
    misses = 0
    for seed in range(100):
        found = estimates(world(np.random.default_rng(seed), 2000, error=0.5), seed, 200)
        for name in covered:
            covered[name] += found[name].low <= value <= found[name].high
        misses += not found["dm"].low <= value <= found["dm"].high
    assert min(covered.values()) >= 90, covered
    assert misses > 90


def test_users_are_resampled_whole():
    """Ten copies of each decision under one user tell no more than one."""
    logged = world(np.random.default_rng(1), 300)
    copies = Logged(*(np.repeat(values, 10) for values in vars(logged).values()))
    one, ten = estimates(logged)["dr"], estimates(copies)["dr"]
    assert abs((ten.high - ten.low) / (one.high - one.low) - 1) < 0.1


def test_overlap_warnings():
    logged = world(np.random.default_rng(1), 500)
    assert warnings(logged) == []
    rare = np.where(np.arange(500) == 0, 1.0, 0.0)
    found = warnings(Logged(logged.reward, np.full(500, 0.5), rare, logged.predicted,
                            logged.value, logged.user))
    assert len(found) == 3
    assert "effective sample size is 0.2%" in found[0]


def test_epsilon_greedy():
    chances = epsilon_greedy(np.array([[1.0, 3.0, 3.0, 0.0], [2.0, 1.0, 0.0, 0.0]]), 0.2)
    assert np.allclose(chances, [[0.05, 0.85, 0.05, 0.05], [0.85, 0.05, 0.05, 0.05]])
    offers = candidates()
    assert len(offers) == 9
    assert index_of(offers, ["gems", "gems"], [4.99, 5]).tolist() == [
        offers.index(("gems", 4.99)), -1]


def evaluate(folder, model, *arguments):
    return subprocess.run(
        [sys.executable, ROOT / "scripts" / "evaluate.py", model,
         "--training", folder / "training", *arguments], capture_output=True, text=True)


def test_a_better_policy_is_promoted_once(tmp_path):
    """It beats random logs; it does not beat itself."""
    train(published(tmp_path, rows=20_000))
    (model,) = (tmp_path / "models").iterdir()
    said = evaluate(tmp_path, model, "--promote")
    assert said.returncode == 0, said.stderr
    assert "promoted: lower bound" in said.stdout
    assert "of the logging policy" in said.stdout
    assert json.loads((tmp_path / "models" / "promoted.json").read_text())["model"] == model.name
    again = evaluate(tmp_path, model, "--promote")
    assert "not promoted: lower bound" in again.stdout
    assert not (tmp_path / "models" / "challenger.json").exists()
    other = model.with_name("m-other")
    shutil.copytree(model, other)
    evaluate(tmp_path, other, "--promote")
    challenger = json.loads((tmp_path / "models" / "challenger.json").read_text())
    assert (challenger["model"], challenger["promoted"]) == ("m-other", False)
    assert len((tmp_path / "models" / "decisions.ndjson").read_text().splitlines()) == 3


def test_thompson_needs_bootstrapped_models(tmp_path):
    train(published(tmp_path, rows=20_000), "--bootstraps", "3")
    (model,) = (tmp_path / "models").iterdir()
    said = evaluate(tmp_path, model, "--rule", "thompson")
    assert "dr" in said.stdout, said.stderr
    for path in model.glob("held_out-*"):
        path.unlink()
    said = evaluate(tmp_path, model, "--rule", "thompson")
    assert "run train.py --bootstraps 10" in said.stderr


def test_thompson():
    """By hand: two of three models favour the first."""
    predicted = np.array([[3.0, 1.0], [2.0, 1.0], [0.0, 1.0]])
    assert np.allclose(thompson(predicted, 0.1), [0.65, 0.35])


def test_logs_without_propensity(tmp_path):
    train(published(tmp_path))
    (model,) = (tmp_path / "models").iterdir()
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "training" / "v1" / "offers.parquet"
    table = pq.read_table(path)
    index = table.schema.get_field_index("propensity")
    pq.write_table(table.set_column(index, "propensity", pa.nulls(len(table), pa.float64())), path)
    said = evaluate(tmp_path, model)
    assert said.returncode == 1
    assert "log propensities" in said.stderr
