"""What a model learns of an offer by its type and price."""

import json
from dataclasses import replace
from math import log

import numpy as np
import pytest

from offer_ai.learning.catalogue import Catalogue
from offer_ai.learning.effects_fit import Rows, codes_of, fit_odds, lines_of
from offer_ai.learning.effects_model import HOPE, Bins, EffectsModel

pytestmark = pytest.mark.quick
ASKED = [("x", price) for price in (0.99, 1.99, 4.99, 9.99, 19.99)]


def odds(price: float) -> float:
    """Up to 5 as many buy at any price, above it fewer and fewer."""
    return -2.0 - 1.5 * max(log(price / 5), 0)


def fitted(powers: int) -> tuple[Catalogue, np.ndarray]:
    """What 100,000 decisions teach."""
    each = 20_000
    bought = np.concatenate([
        np.arange(each) < round(each / (1 + np.exp(-odds(price)))) for _, price in ASKED])
    catalogue, offer = Catalogue.of(ASKED, np.repeat(np.arange(len(ASKED)), each))
    catalogue = replace(catalogue, powers=powers)
    rows = Rows(np.zeros((len(offer), 1), int), offer, bought, np.ones(len(offer)), 1, len(ASKED))
    return catalogue, fit_odds(rows, catalogue.describe(ASKED), catalogue.numbers, 1,
                               np.empty((0, 1)))


def missed(powers: int) -> float:
    """By how much the log-odds at prices that nobody was asked are missed at most."""
    catalogue, weights = fitted(powers)
    new = [2.99, 14.99]
    found = (catalogue.describe([("x", price) for price in new]) @ weights)[:, 0]
    return float(np.abs(found - [odds(price) for price in new]).max())


def test_prices_that_nobody_was_asked_lie_on_a_curve():
    assert missed(powers=2) < 0.2 < missed(powers=1)


def test_far_away_the_curve_ends():
    """What costs a hundred times more is not taken for a bargain, however prices curve."""
    catalogue, _ = fitted(powers=2)
    far, farther = catalogue.describe([("x", 999.0), ("x", 9999.0)])
    assert far[1] < farther[1]
    assert far[2] == farther[2] == 3.0


def test_a_model_of_before_predicts_as_it_did():
    """Its catalogue says nothing of powers."""
    catalogue, weights = fitted(powers=1)
    model = EffectsModel(None, Bins([], [], 1), catalogue, weights, 1.0, np.ones(len(ASKED)),
                         np.zeros(len(ASKED)), np.zeros(1), np.ones(len(ASKED)))
    told = json.loads(model.model_to_string())
    del told["catalogue"]["powers"], told["doubt"]
    again = EffectsModel.from_string(json.dumps(told), None, {})
    new = [("x", 2.99)]
    assert again.of_offers(new)[0].tolist() == (catalogue.describe(new) @ weights).tolist()
    seen = catalogue.offers[0]
    assert model.hope([seen, ("never", 1.0)]).tolist() == [HOPE, 0]
    assert again.hope([seen]).tolist() == [0]  # it explores as it did


def test_the_search_ends_where_the_posterior_is_highest():
    """Wherever it begins: rare bins and offers beside frequent ones are no reason to end early."""
    rng = np.random.default_rng(1)
    offers = [(kind, price) for kind in "xyz" for price in (0.99, 4.99, 19.99)]
    made = rng.choice(len(offers), 60_000, p=np.geomspace(1, 200, len(offers))[::-1] / np.geomspace(
        1, 200, len(offers)).sum())
    bins = np.minimum(rng.geometric(0.4, (len(made), 3)) - 1, 5)
    at = np.column_stack([np.zeros(len(made), int), 1 + bins + 6 * np.arange(3)])
    tastes = rng.normal(0, 0.7, (len(offers), 19))
    odds = -3.0 + tastes[made[:, None], at].sum(axis=1)
    catalogue, offer = Catalogue.of(offers, made)
    rows = Rows(at, offer, rng.random(len(made)) < 1 / (1 + np.exp(-odds)), np.ones(len(made)), 19,
                len(offers))
    described = catalogue.describe(catalogue.offers)
    lines = lines_of(Bins([[0, 1, 2, 3]] * 3, [1, 7, 13], 19), at, [False, False, True])
    assert lines.shape == (2, 19)
    asked = described, catalogue.numbers, len(catalogue.kinds), lines
    one = fit_odds(rows, *asked)
    other = fit_odds(rows, *asked, start=rng.normal(0, 1, one.shape))
    assert np.abs(described @ (one - other)).max() < 0.1


@pytest.mark.parametrize(("decisions", "curve", "better"), [
    (8_000, lambda rank: 1.6 * (rank - 0.5), 0.7), (500_000, lambda rank: np.sin(9 * rank), 3)])
def test_a_number_is_a_line_until_more_is_known(decisions, curve, better):
    """By few decisions nine bins are told by what they have in common, by many each by itself."""
    rng = np.random.default_rng(1)
    rank = rng.random(decisions)
    bins = Bins([[number / 9 for number in range(1, 9)]], [1], 11)
    at, offer = bins.indices(rank[:, None]), np.zeros(decisions, int)
    bought = rng.random(decisions) < 1 / (1 + np.exp(2 - curve(rank)))
    rows = Rows(at, offer, bought, np.ones(decisions), bins.size, 1)
    lines = lines_of(bins, at, [False])
    assert np.isnan(lines[0, [0, 10]]).all()
    catalogue, _ = Catalogue.of([("x", 1.0)], offer)
    described = catalogue.describe(catalogue.offers)
    true = curve((np.arange(9) + 0.5) / 9) - 2

    def missed(lines):
        found = (described @ fit_odds(rows, described, catalogue.numbers, 1, lines))[0]
        return np.abs(found[0] + found[1:10] - true).max()
    assert missed(lines) < 0.3
    assert missed(lines) < better * missed(np.empty((0, bins.size)))


@pytest.mark.parametrize("values", [
    np.array([5, -2, 5, 7, -2, 2**62]), np.array(["b", "a", "é", "b"], object), np.array([3])])
def test_codes_are_those_of_a_sort(values):
    _, first, inverse = np.unique(values, return_index=True, return_inverse=True)
    assert [found.tolist() for found in codes_of(values)] == [first.tolist(), inverse.tolist()]
