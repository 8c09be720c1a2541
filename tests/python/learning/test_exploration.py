"""What is explored, and that its probabilities are exact."""

import json
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pytest

from offer_ai.learning import policies
from offer_ai.learning.effects_model import Catalogue
from offer_ai.learning.one_request import inverse_gap_of_one, thompson_of_one
from offer_ai.learning.policies import (
    INVERSE_GAP,
    MAX_NEW,
    NEW_CHANCE,
    NEW_COUNT,
    THOMPSON,
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


def test_the_chance_of_new_ones_is_bounded():
    """Whatever their number, and in each row of many decisions alike."""
    policy = Policy("m", [Known()], INVERSE_GAP, 0.0)
    offers = [("gems", 4.99), *((f"new{n}", 1.0) for n in range(20))]
    chances, mean = policy.choose({}, offers)
    assert chances[0] == pytest.approx(1 - MAX_NEW, abs=1e-6)
    assert chances[1:] == pytest.approx(MAX_NEW / 20, abs=1e-6)
    assert mean[0] == 5 and not mean[1:].any()
    predicted = np.array([[[5.0, 0.0, 0.0], [5.0, 0.0, 0.0]]])
    may = np.array([[True, True, True], [True, True, False]])
    chances, mean = policy.of_predictions(predicted, may, np.array([False, True, True]))
    assert chances == pytest.approx(np.array(
        [[1 - 2 * NEW_CHANCE, NEW_CHANCE, NEW_CHANCE], [1 - NEW_CHANCE, NEW_CHANCE, 0]]), abs=1e-6)
    assert mean.tolist() == predicted[0].tolist()
    for is_new in (None, np.array([False, False, False])):
        chances, _ = policy.of_predictions(predicted, may, is_new)
        assert chances == pytest.approx(np.array([[1.0, 0, 0], [1, 0, 0]]), abs=1e-6)
    none, _ = policy.of_predictions(predicted[:, :1], np.array([[False, False, False]]),
                                    np.array([True, True, True]))
    assert not none.any()


def test_what_is_no_candidate_gets_no_share():
    predicted = np.array([2.0, 1.5, 9.0])
    chances = inverse_gap(predicted, 10.0, 0.2, np.array([True, True, False]))
    # Of 2, 0.5 below the favourite: 1 / (2 + 5).
    assert chances == pytest.approx([0.8 * (6 / 7) + 0.1, 0.8 / 7 + 0.1, 0])
    alone = np.array([False, True, False])
    assert inverse_gap(predicted, 10.0, 0.2, alone) == pytest.approx([0, 1, 0])
    assert thompson(predicted[None], 0.2, alone) == pytest.approx([0, 1, 0])


class Fake:
    """A model that knows its name, and predicts by it."""

    def __init__(self, name: str, **description):
        self.name = name
        self.description = {"label": "revenue"} | description
        self.encoding = SimpleNamespace(
            names=["country", "offer_price", "level"],
            features=[{"name": "country"}, {"name": "level"}])
        self.asked = []

    def predict(self, features, offers):
        self.asked.append(features)
        return np.array([1.0, 0.0]) if self.name.endswith("0.txt") else np.array([0.0, 1.0])


@pytest.fixture
def models(tmp_path, monkeypatch):
    """A folder `m` with a model, its held-out twin and two copies of each."""
    folder = tmp_path / "m"
    folder.mkdir()
    for name in ("model.json", "model.txt", "held_out.txt", "model-0.txt", "model-1.txt",
                 "held_out-0.txt"):
        (folder / name).touch()
    monkeypatch.setattr(policies, "load_model", lambda at, name: Fake(
        name, kind="trees", at=at, **{"gamma": 2.0} if (at / "gamma").exists() else {}))
    return folder


def test_a_policy_is_loaded(models):
    for rule, held_out, names in (
            ("epsilon-greedy", False, ["model.txt"]), ("epsilon-greedy", True, ["held_out.txt"]),
            (THOMPSON, False, ["model-0.txt", "model-1.txt"]),
            (THOMPSON, True, ["held_out-0.txt"])):
        policy = Policy.load(models, rule, 0.2, held_out)
        assert [model.name for model in policy.models] == names
        assert (policy.version, policy.rule, policy.epsilon) == ("m", rule, 0.2)
        assert {model.description["at"] for model in policy.models} == {models}
    (models / "gamma").touch()
    assert Policy.load(models, INVERSE_GAP, 0.2).description["gamma"] == 2
    pointer = models.parent / "promoted.json"
    pointer.write_text(json.dumps({"model": "m", "rule": THOMPSON, "epsilon": 0.2}))
    policy = Policy.at(pointer)
    chances, mean = policy.choose({"country": "DK"}, [("gems", 1.0), ("coins", 1.0)])
    assert chances == pytest.approx([0.5, 0.5]) and mean == pytest.approx([0.5, 0.5])
    assert policy.models[0].asked == [{"country": "DK"}]
    chances, _ = policy.of_predictions(np.array([[1.0, 0.0], [3.0, 2.0]]), np.array([True, False]))
    assert chances == pytest.approx([1, 0])
    chances, _ = policy.of_predictions(np.array([[1.0, 0.0], [3.0, 2.0]]))
    assert chances == pytest.approx([0.9, 0.1])


def test_a_policy_that_cannot_be_loaded(models, tmp_path):
    with pytest.raises(FileNotFoundError) as raised:
        Policy.load(tmp_path, THOMPSON, 0.1)
    assert str(raised.value) == f"{tmp_path} holds no model that train.py wrote"
    with pytest.raises(ValueError) as raised:
        Policy.load(models, INVERSE_GAP, 0.1)
    assert str(raised.value) == (f"{models} knows no gamma for inverse-gap: models of "
                                 "scripts/learn.py do")
    for path in models.glob("*-*"):
        path.unlink()
    with pytest.raises(ValueError) as raised:
        Policy.load(models, THOMPSON, 0.1)
    assert str(raised.value) == (f"{models} holds no bootstrapped models: run train.py "
                                 "--bootstraps 10")


def test_what_a_policy_is_of(models):
    policy = Policy.load(models, "epsilon-greedy", 0.2)
    names = ("country", "offer_price", "level")
    assert policy.kind == ("epsilon-greedy", 0.2, "revenue", "trees", names)
    other = Policy("n", [Fake("n", gamma=1.0)], INVERSE_GAP, 0.3)
    assert other.kind == (INVERSE_GAP, None, "revenue", None, names)
    assert policy.lacks([]) == ["country", "level"]
    assert policy.lacks(["level"]) == ["country"]
    assert policy.lacks({"level": 1, "country": None}) == []


def test_a_model_that_counts_nothing_knows_of_nothing_new(models):
    policy = Policy.load(models, "epsilon-greedy", 0.2)
    assert policy.is_new([("gems", 1.0)]) is None
    counting = Policy("m", [Known()], INVERSE_GAP, 0.0)
    offers = [("gems", Decimal("4.99")), ("vip", 9.99), ("new", 1.0)]
    assert counting.is_new(offers).tolist() == [False, True, True]


def test_what_may_well_be_better_is_made_as_one_of_all():
    """As far as its doubt may make up for its gap; the favourite stays the one predicted best."""
    predicted, none = np.array([1.0, 0.8, 0.8, 0.1]), np.zeros(4)
    plain = inverse_gap(predicted, 100.0, 0.0)
    assert inverse_gap(predicted, 100.0, 0.0, hope=none).tolist() == plain.tolist()
    found = inverse_gap(predicted, 100.0, 0.0, hope=np.array([5.0, 0.3, 0.1, 0.1]))
    assert found == pytest.approx([1 - 1 / 4 - 1 / 14 - 1 / 84, 1 / 4, 1 / 14, 1 / 84])

    class Doubting(Known):
        def hope(self, offers):
            return np.array([0.0 if kind == "gems" else 9.0 for kind, _ in offers])
    policy = Policy("m", [Doubting()], INVERSE_GAP, 0.0)
    offers = [("gems", 4.99), ("gems", 9.99), ("vip", 4.99)]
    chances, mean = policy.choose({}, offers)
    expected, _ = policy.of_predictions(mean[None], is_new=policy.is_new(offers),
                                        hope=policy.hope(offers))
    assert chances.tolist() == expected.tolist()
    plain, _ = policy.of_predictions(mean[None], is_new=policy.is_new(offers))
    assert chances[2] > plain[2]


def test_one_request_gets_what_a_table_would_say():
    """To the last bit: what is logged is valued later by the other form."""
    rng = np.random.default_rng(2)
    for number in range(600):
        # Rounded, some are equals.
        predicted = rng.normal(size=(1 + number % 5, 1 + number % 20)).round(number % 3 or 9)
        gamma, epsilon = 10 ** rng.uniform(0, 6), (0.0, 0.01, 0.3)[number % 3]
        assert thompson_of_one(predicted.tolist(), epsilon) == thompson(
            predicted, epsilon).tolist()
        hope = np.maximum(rng.normal(size=predicted.shape[1]), 0).round(number % 3 or 9)
        assert inverse_gap_of_one(predicted[0].tolist(), hope.tolist(), gamma, epsilon) == (
            inverse_gap(predicted[0], gamma, epsilon, hope=hope).tolist())
    policy, kinds = Policy("m", [Known()], INVERSE_GAP, 0.02), ["gems", "vip", "coins", "x"]
    for count in range(1, 15):
        offers = [(kinds[number % 4], float(number)) for number in range(count)]
        chances, mean = policy.choose({}, offers)
        expected, _ = policy.of_predictions(mean[None], is_new=policy.is_new(offers))
        assert chances.tolist() == expected.tolist()
