"""Off-policy estimates against policies whose value is known."""

import numpy as np
import pytest

from learned import SHOWN, TARGET, TRUTH
from offer_ai.learning.candidates import candidates, index_of
from offer_ai.learning.intervals import doubts, interval_of
from offer_ai.learning.off_policy import (
    Logged,
    difference,
    effective_sample_size,
    estimates,
    from_sums,
    is_unlikely,
    parts,
    warnings,
)
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
    found = {name: estimate.value for name, estimate in estimates(logged).items()}
    assert found == {"dm": 2.0, "ips": 2.0, "snips": 1.0, "dr": (3.5 - 3.5) / 2}
    assert effective_sample_size(np.array([1.0, 1.0, 2.0])) == 16 / 6


def test_intervals_cover_the_truth():
    """In 100 worlds, 95 % intervals of ips, snips and dr hold it at least 90 times; dr is
    right with a wrong model too, dm with a right one alone."""
    value = (TARGET * TRUTH).sum(axis=1).mean()
    covered = dict.fromkeys(("ips", "snips", "dr"), 0)
    misses = 0
    for seed in range(100):
        found = estimates(world(np.random.default_rng(seed), 2000, error=0.5))
        for name in covered:
            covered[name] += found[name].low <= value <= found[name].high
        misses += not found["dm"].low <= value <= found["dm"].high
    assert min(covered.values()) >= 90, covered
    assert misses > 90


def test_users_count_whole():
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
    assert "effective sample size is 1 (0.2% of the decisions)" in found[0]


def test_epsilon_greedy():
    chances = epsilon_greedy(np.array([[1.0, 3.0, 3.0, 0.0], [2.0, 1.0, 0.0, 0.0]]), 0.2)
    assert np.allclose(chances, [[0.05, 0.45, 0.45, 0.05], [0.85, 0.05, 0.05, 0.05]])
    offers = candidates()
    assert len(offers) == 9
    assert index_of(offers, ["gems", "gems"], [4.99, 5]).tolist() == [
        offers.index(("gems", 4.99)), -1]


def test_thompson():
    """By hand: two of three models favour the first."""
    predicted = np.array([[3.0, 1.0], [2.0, 1.0], [0.0, 1.0]])
    assert np.allclose(thompson(predicted, 0.1), [0.65, 0.35])


def test_only_candidates_have_a_chance():
    predicted = np.array([[[3.0, 2.0, 1.0], [1.0, 1.0, 9.0]]])
    is_candidate = np.array([[False, True, True], [True, True, False]])
    assert np.allclose(thompson(predicted, 0.2, is_candidate), [[0, 0.9, 0.1], [0.5, 0.5, 0]])


def test_a_difference_is_paired():
    """Two policies that nearly agree differ by less than each is known to."""
    logged = world(np.random.default_rng(1), 2000)
    other = Logged(logged.reward, logged.propensity, logged.target * 0.99, logged.predicted,
                   logged.value * 0.99, logged.user)
    gain, alone = difference(logged, other), estimates(logged)["dr"]
    assert gain.high - gain.low < 0.05 * (alone.high - alone.low)
    assert gain.value == pytest.approx(alone.value - estimates(other)["dr"].value)


def test_without_a_propensity():
    """Such decisions are in the direct method alone; the estimates are those without them."""
    logged = world(np.random.default_rng(1), 600)
    lost = np.arange(600) >= 400
    some = Logged(logged.reward, np.where(lost, np.nan, logged.propensity), logged.target,
                  logged.predicted, logged.value, logged.user)
    rest = estimates(Logged(*(values[~lost] for values in vars(logged).values())))
    found = estimates(some)
    for name in ("ips", "snips", "dr"):
        assert found[name] == pytest.approx(rest[name]), name
    assert found["dm"].value == pytest.approx(logged.value.mean())
    assert "nobody knows the propensity of 200 of 600 decisions" in warnings(some)[0]


def test_refunds_count_with_their_sign():
    ones = np.ones(100)
    logged = Logged(np.where(np.arange(100) % 2, 1.0, -3.0), ones / 2, ones / 2, 0 * ones,
                    0 * ones, np.arange(100))
    assert {name: found.value for name, found in estimates(logged).items()} == {
        "dm": 0, "ips": -1, "snips": -1, "dr": -1}


@pytest.mark.parametrize("users", [1, 2, 3, 5, 49])
def test_few_users_have_no_interval(users):
    logged = world(np.random.default_rng(1), 500)
    found = estimates(Logged(*list(vars(logged).values())[:5], np.arange(500) % users))["dr"]
    assert np.isnan(found.low) and np.isnan(found.high)
    assert f"{users} users with a known propensity are too few" in doubts(found)[0]


def test_no_variance_is_no_certainty():
    found = interval_of(1.0, np.zeros(1000))
    assert np.isnan(found.low)
    assert "nothing varies" in doubts(found)[0]


@pytest.mark.parametrize(("draw", "mean"), [
    (lambda rng: rng.pareto(1.5, 1000), 2.0), (lambda rng: rng.lognormal(0, 1.5, 1000), 3.0802),
    (lambda rng: rng.exponential(1, 200), 1.0),
    (lambda rng: (rng.random(1000) < 0.01) * 5.0, 0.05)])
def test_heavy_tails_are_covered_or_said(draw, mean):
    """A bootstrap's percentiles hold Pareto 1.5's mean 59 times of 100."""
    held = 0
    for seed in range(200):
        values = draw(np.random.default_rng(seed))
        found = interval_of(values.mean(), (values - values.mean()) / len(values))
        held += found.low <= mean <= found.high or bool(doubts(found))
    assert held >= 0.92 * 200


def test_a_heavy_weight_is_refused():
    """Eight rewarded rows at propensity 1e-6: an effective sample of a few decisions."""
    logged = world(np.random.default_rng(1), 1000)
    propensity = logged.propensity.copy()
    propensity[:8] = 1e-6
    found = warnings(Logged(logged.reward, propensity, *list(vars(logged).values())[2:]))
    assert any("effective sample size" in warning for warning in found)


def test_wrong_shares_are_seen():
    made = np.array([100, 100, 100])
    assert not is_unlikely(made, np.array([90.0, 105, 105]))
    assert is_unlikely(made, np.array([150.0, 75, 75]))
    assert not is_unlikely(made[:1], np.array([300.0]))


def logs(weight, **others) -> Logged:
    """Decisions of a user each with these weights; a reward of 1 and a model that knows nothing."""
    weight = np.asarray(weight, float)
    ones = np.ones(len(weight))
    values = {"reward": ones, "propensity": ones / 4, "target": weight / 4, "predicted": 0 * ones,
              "value": 0 * ones, "user": np.arange(len(weight))}
    return Logged(**values | others)


def test_each_warning_by_hand():
    """And none where a limit is only reached."""
    assert warnings(logs(np.ones(100))) == []
    assert warnings(logs(np.ones(99))) == [
        "effective sample size is 99 (100.0% of the decisions), and 100 is the least: the logs "
        "hardly show what the policy would do"]
    weight = np.ones(400)
    weight[0] = 30
    assert warnings(logs(weight)) == ["one decision carries 7.0% of all weight"]
    weight[0] = 21  # of 420
    assert warnings(logs(weight)) == []
    assert warnings(logs(np.full(200, 1.25))) == [
        "weights average 1.25, not 1: propensities are wrong, or some of the policy's actions were "
        "never logged"]
    assert warnings(logs(np.full(200, 0.75))) == [
        "weights average 0.75, not 1: propensities are wrong, or some of the policy's actions were "
        "never logged"]
    # Where weights vary much, chance alone takes the mean that far.
    varied = np.where(np.arange(1000) % 10 == 0, 8.0, 0.4)
    assert abs(varied.mean() - 1) > 0.1 and warnings(logs(varied)) == []


def test_warnings_of_lost_propensities():
    def lost(count):
        return np.where(np.arange(200) < count, np.nan, 0.25)

    ones = np.ones(200)
    assert warnings(logs(ones, propensity=lost(10))) == []
    said = ("nobody knows the propensity of {} of 200 decisions: they take part in the direct "
            "method alone")
    assert warnings(logs(ones, propensity=lost(11))) == [said.format(11)]
    assert warnings(logs(ones, propensity=lost(200))) == [said.format(200)]
    # The mean weight is that of decisions whose propensity is known, the users theirs.
    assert warnings(logs(ones, propensity=lost(100))) == [said.format(100)]
    assert warnings(logs(ones * 1.5, propensity=lost(100)))[1].startswith("weights average 1.50")


def test_of_no_weight_there_is_no_sample():
    assert effective_sample_size(np.zeros(3)) == 0
    found = warnings(logs(np.zeros(200)))
    assert found[0].startswith("effective sample size is 0 (0.0% of the decisions)")
    assert len(found) == 2 and found[1].startswith("weights average 0.00")


def test_who_is_counted():
    """Users without a known propensity are in the direct method alone."""
    propensity = np.where(np.arange(200) < 50, np.nan, 0.25)
    logged = logs(np.ones(200), propensity=propensity)
    assert {name: found.users for name, found in estimates(logged).items()} == {
        "dm": 200, "ips": 150, "snips": 150, "dr": 150}
    assert difference(logged, logs(np.zeros(200), propensity=propensity)).users == 150


def test_parts_and_sums_by_hand():
    logged = Logged(*map(np.array, (
        [2.0, 1.0], [0.5, np.nan], [1.0, 0.5], [1.0, 3.0], [1.5, 2.5], [0, 1])))
    rows = parts(logged)
    assert rows.tolist() == [[1, 1.5, 4, 2, 3.5, 1], [1, 2.5, 0, 0, 0, 0]]
    assert from_sums(rows.sum(axis=0)) == {"dm": 2, "ips": 4, "snips": 2, "dr": 3.5}
    with np.errstate(all="raise"):
        nothing = from_sums(np.zeros((2, 6)))
        assert from_sums(np.array([0.0, 1, 1, 0, 1, 0]))["dm"] == np.inf
    assert all(np.isnan(values).all() and values.shape == (2,) for values in nothing.values())


@pytest.mark.parametrize(("made", "expected", "is_so"), [
    ([124, 76], [100, 100], True),  # 11.5, and 10.8 is the limit of 1 degree of freedom
    ([123, 77], [100, 100], False),
    ([126, 100, 74], [100, 100, 100], False),  # 13.5, and 13.8 is that of 2
    ([127, 100, 73], [100, 100, 100], True),
    ([12, 0], [5, 5], True), ([12, 0], [4.9, 5], False), ([50, 0, 0], [20, 4, 4], False)])
def test_shares_by_hand(made, expected, is_so):
    assert is_unlikely(np.array(made), np.array(expected, float)) is is_so
