"""Off-policy estimates against policies whose value is known."""

import numpy as np
import pytest

from learned import SHOWN, TARGET, TRUTH
from offer_ai.learning.candidates import candidates, index_of
from offer_ai.learning.off_policy import Logged, effective_sample_size, estimates, warnings
from offer_ai.learning.policies import epsilon_greedy, thompson

pytestmark = pytest.mark.quick


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


def test_thompson():
    """By hand: two of three models favour the first."""
    predicted = np.array([[3.0, 1.0], [2.0, 1.0], [0.0, 1.0]])
    assert np.allclose(thompson(predicted, 0.1), [0.65, 0.35])
