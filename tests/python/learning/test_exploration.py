"""What is explored, and that its probabilities are exact."""

import numpy as np
import pytest

from offer_ai.learning.effects_model import Catalogue
from offer_ai.learning.one_request import inverse_gap_of_one, thompson_of_one
from offer_ai.learning.policies import (
    INVERSE_GAP,
    NEW_CHANCE,
    NEW_COUNT,
    Policy,
    inverse_gap,
    thompson,
)

pytestmark = pytest.mark.quick


def test_inverse_gaps_by_hand():
    """Of 3, gamma 10: 0.5 below the favourite has 1 / (3 + 5), 1.0 below 1 / (3 + 10)."""
    chances = inverse_gap(np.array([2.0, 1.5, 1.0]), 10.0, 0.0)
    assert chances == pytest.approx([1 - 1 / 8 - 1 / 13, 1 / 8, 1 / 13])
    mixed = inverse_gap(np.array([2.0, 1.5, 1.0]), 10.0, 0.3)
    assert mixed == pytest.approx(0.7 * chances + 0.1)


def test_chances_add_up_and_keep_the_floor():
    """For any predictions and candidates; equals share alike; what is no candidate has none."""
    rng = np.random.default_rng(1)
    predicted = rng.normal(size=(500, 9)).round(1)
    is_candidate = rng.random((500, 9)) < 0.6
    is_candidate[:, 4] = True
    chances = inverse_gap(predicted, 1e6, 0.09, is_candidate)
    assert chances.sum(axis=1) == pytest.approx(np.ones(500))
    assert (chances[~is_candidate] == 0).all()
    count = is_candidate.sum(axis=1, keepdims=True)
    assert (chances >= 0.09 / count - 1e-12)[is_candidate].all()
    best = np.where(is_candidate, predicted, -np.inf)
    ties = (best == best.max(axis=1, keepdims=True)) & is_candidate
    for row in np.flatnonzero(ties.sum(axis=1) > 1):
        assert np.ptp(chances[row][ties[row]]) < 1e-12
    assert (ties.sum(axis=1) > 1).any()


class Known:
    """A model that has seen gems often and vip seldom, and thinks nothing of vip."""

    def __init__(self):
        self.description = {"gamma": 1e9}
        self.catalogue = Catalogue([("gems", 4.99), ("vip", 9.99)], [NEW_COUNT, NEW_COUNT - 1],
                                   2.0, 1.0)

    def predict(self, features, offers):
        return np.array([{"gems": 5.0}.get(kind, 0.0) for kind, _ in offers])


def test_a_new_candidate_gets_its_chance():
    """One that was never made, and one made seldom; one that is withdrawn gets none."""
    policy = Policy("m", [Known()], INVERSE_GAP, 0.0)
    chances, _ = policy.choose({}, [("gems", 4.99), ("vip", 9.99), ("coins", 1.99)])
    assert chances == pytest.approx([1 - 2 * NEW_CHANCE, NEW_CHANCE, NEW_CHANCE], abs=1e-6)
    chances, _ = policy.choose({}, [("gems", 4.99)])
    assert chances == pytest.approx([1])
    chances, _ = policy.choose({}, [(f"new{n}", 1.0) for n in range(20)])
    assert chances.sum() == pytest.approx(1)
    predicted = np.array([[[5.0, 0.0, 0.0]]])
    chances, _ = policy.of_predictions(predicted, np.array([[True, False, True]]),
                                       np.array([False, True, True]))
    assert chances[0] == pytest.approx([1 - NEW_CHANCE, 0, NEW_CHANCE], abs=1e-6)


def test_one_request_gets_what_a_table_would_say():
    """To the last bit: what is logged is valued later by the other form."""
    rng = np.random.default_rng(2)
    for number in range(600):
        # Rounded, some are equals.
        predicted = rng.normal(size=(1 + number % 5, 1 + number % 20)).round(number % 3 or 9)
        gamma, epsilon = 10 ** rng.uniform(0, 6), (0.0, 0.01, 0.3)[number % 3]
        assert thompson_of_one(predicted.tolist(), epsilon) == thompson(
            predicted, epsilon).tolist()
        assert inverse_gap_of_one(predicted[0].tolist(), gamma, epsilon) == inverse_gap(
            predicted[0], gamma, epsilon).tolist()
    policy, kinds = Policy("m", [Known()], INVERSE_GAP, 0.02), ["gems", "vip", "coins", "x"]
    for count in range(1, 15):
        offers = [(kinds[number % 4], float(number)) for number in range(count)]
        chances, mean = policy.choose({}, offers)
        expected, _ = policy.of_predictions(mean[None], is_new=policy.is_new(offers))
        assert chances.tolist() == expected.tolist()
