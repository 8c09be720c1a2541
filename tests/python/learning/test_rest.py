"""What an offer adds to the rest of a label, and how unsure that is."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from offer_ai.learning.effects_rest import (
    IS_SOME,
    Rest,
    doubt_of,
    fit_rest,
    mean_of_offer,
    of_next,
    posterior,
)

pytestmark = pytest.mark.quick


def last_ones(at, size, offers, offer, rest, user, week, is_held, chances=None):
    """Decisions of users whose next ones bring nothing at once; by default, chances unknown."""
    none = np.zeros(len(offer))
    if chances is None:
        chances = np.full((len(offer), offers), np.nan)
    return Rest(at=at, size=size, offers=offers, offer=offer, rest=rest, user=user, week=week,
                is_held=is_held, of_next=none, expected_of_next=none, chances=chances)


def rest_of(decisions):
    """What each offer adds and what users spend, all decisions being mature."""
    return fit_rest(decisions, 1.0, np.bincount(decisions.offer, minlength=decisions.offers))[:2]


def test_of_a_few_effects_each_is_judged_by_itself():
    """Ten standard errors are one, two hardly, though others are sure; what all but one have in
    common is none, however sure that one is; of what nobody knows the doubt alone is said."""
    effect = np.array([0.0, 0.2, -0.2, 1.0, 0.0, -0.6]) + 0.4
    variance = np.array([0.01, 0.01, 0.01, 0.01, np.inf, 1e-4])
    found, deviation = posterior(effect, variance, 1.0)
    assert np.abs(found[[0, 1, 2]]).max() < 0.08
    assert found[3] == pytest.approx(0.99, abs=0.02)
    assert found[5] == pytest.approx(-0.6, abs=0.02)
    assert found[4] == 0 and deviation[4] == pytest.approx(np.sqrt(IS_SOME))
    assert (deviation[[0, 1, 2, 3]] < 0.15).all() and deviation[5] < 0.02
    noise = np.random.default_rng(8).normal(0, 0.1, (300, 9))
    told = np.array([posterior(one, np.full(9, 0.01), 1.0)[0] for one in noise])
    assert np.abs(told).mean() < 0.25 * np.abs(noise).mean()
    assert not any(values.any() for values in posterior(effect[:1], variance[:1], 1.0))
    assert not any(values.any() for values in posterior(effect, variance, -1.0))


def test_what_is_on_its_way_leaves_less_doubt():
    """Four times as many decisions, half the doubt; of an offer that nobody knows, as others."""
    deviation, variance = np.array([0.2, 0.2, 0.5]), np.array([0.04, 0.04, np.inf])
    mature = np.array([100, 100, 0])
    found = doubt_of(deviation, variance, mature, np.array([100, 400, 10**9]), 1.0)
    assert found[:2].tolist() == [0.2, 0.1] and found[2] < 0.001
    new = doubt_of(deviation, variance, mature, np.array([100, 400, 0]), 1.0)[2]
    assert new == pytest.approx(np.sqrt(IS_SOME * 4 / 5))
    for nothing in (doubt_of(deviation, variance, mature, mature, 0.0),
                    doubt_of(deviation, np.full(3, np.inf), mature, mature, 1.0)):
        assert not nothing.any()


def test_what_is_hardly_made_is_doubted_most():
    """Offers alike but in how often they are made: none is told to add anything to speak of."""
    rng = np.random.default_rng(9)
    offer, who = rng.choice(3, 20_000, p=[0.9, 0.09, 0.01]), rng.integers(0, 5_000, 20_000)
    found, _, doubt = fit_rest(last_ones(
        np.zeros((20_000, 1), int), 1, 3, offer, rng.exponential(2.0, 20_000), who,
        np.zeros(20_000, int), np.zeros(20_000, bool)), 1.0,
        np.bincount(offer))
    assert np.abs(found).max() < 0.1
    assert doubt[0] < doubt[1] < doubt[2] < 0.3


def test_chance_alone_is_no_effect_on_the_rest():
    """Offers that differ by chance are taken to be alike, however few decisions there are."""
    rng = np.random.default_rng(3)
    offer, who = rng.integers(0, 9, 9_000), rng.integers(0, 3_000, 9_000)
    rest = rng.exponential(5.0, 3_000)[who] + rng.exponential(5.0, 9_000)
    def fitted(rest):
        return rest_of(last_ones(np.zeros((9_000, 1), int), 1, 9, offer, rest, who,
                                 np.zeros(9_000, int), np.zeros(9_000, bool)))

    found, usual = fitted(rest)
    plain = np.array([rest[offer == one].mean() for one in range(9)]) - rest.mean()
    assert np.abs(found).max() < 0.5 * np.abs(plain).max()
    assert usual[0] == pytest.approx(rest.mean(), rel=0.01)
    found, _ = fitted(rest + 3.0 * (offer == 4))
    assert found.argmax() == 4 and found[4] > 2


def test_what_others_decide_next_is_no_effect_on_the_rest():
    """The holdout, and everyone in the first week, earns 1 less by what is offered next; of the
    offers that a policy hardly makes, most are of theirs. One offer takes 0.5 from the rest."""
    rng = np.random.default_rng(4)
    who, week = rng.integers(0, 5_000, 40_000), rng.integers(0, 4, 40_000)
    is_held = who % 20 == 0
    is_random = is_held | (week == 0)
    offer = np.where(is_random, rng.integers(0, 4, 40_000), (rng.random(40_000) < 0.95) * 1)
    rest = rng.exponential(2.0, 40_000) - is_random - 0.5 * (offer == 1)
    at, none = np.zeros((40_000, 1), int), np.zeros(40_000, int)
    found, usual = rest_of(last_ones(at, 1, 4, offer, rest, who, week, is_held))
    assert found[1] - found[[0, 2, 3]] == pytest.approx(-0.5, abs=0.15)
    assert usual[0] + found[0] == pytest.approx(2.0, abs=0.15)
    pooled, _ = rest_of(last_ones(at, 1, 4, offer, rest, who, none, none > 0))
    assert (pooled[1] - pooled[[2, 3]] > -0.2).all()


def test_what_next_decisions_brought_at_once_is_theirs():
    """Of decisions at 0, 1, 2 and 30 hours, those after the first hour and within a day."""
    hours = np.array([2, 0, 1, 30, 1, 5])
    user, early = np.array([0, 0, 0, 0, 1, 1]), np.array([4.0, 1.0, 2.0, 8.0, 16.0, 32.0])
    time = np.datetime64("2025-01-01", "us") + hours * np.timedelta64(1, "h")
    found, = of_next(user, time, [early], timedelta(hours=1), timedelta(days=1))
    assert found.tolist() == [0, 2 + 4, 4, 0, 32, 0]
    found, none = of_next(user, time, [early, 0 * early], timedelta(hours=1), timedelta(hours=2))
    assert found.tolist() == [0, 2, 4, 0, 0, 0] and not none.any()
    assert not of_next(user, time, [early], timedelta(days=1), timedelta(days=1))[0].any()


def test_what_next_decisions_brought_at_once_hides_no_effect():
    """One offer has users come back; what offers bring at once is twenty times as much."""
    rng = np.random.default_rng(10)
    offer, who = rng.integers(0, 4, 40_000), rng.integers(0, 20_000, 40_000)
    bought = 50.0 * (rng.random(40_000) < 0.08)
    rest = rng.exponential(1.0, 40_000) + 0.2 * (offer == 2) + bought
    given = last_ones(np.zeros((40_000, 1), int), 1, 4, offer, rest, who, np.zeros(40_000, int),
                      np.zeros(40_000, bool))
    found, usual = rest_of(replace(given, of_next=bought))
    assert found[2] - found[[0, 1, 3]] == pytest.approx(0.2, abs=0.05)
    assert usual[0] == pytest.approx(rest.mean(), rel=0.001)
    assert np.abs(rest_of(given)[0]).max() < 0.1


def test_that_users_come_back_to_next_offers_is_an_effect():
    """One offer has them come back three times as often, and any offer brings 4 at once in the
    mean, in a few purchases: chance is taken from the rest, not that they came."""
    rng = np.random.default_rng(11)
    first = rng.integers(0, 4, 20_000)
    back = np.flatnonzero(rng.random(20_000) < np.where(first == 2, 0.6, 0.2))
    offer = np.concatenate([first, rng.integers(0, 4, len(back))])
    who = np.concatenate([np.arange(20_000), back])
    early = 50.0 * (rng.random(len(offer)) < 0.08)
    time = np.datetime64("2025-01-01", "us") + np.repeat([0, 24], [20_000, len(back)]) * (
        np.timedelta64(1, "h"))
    rest = rng.exponential(1.0, len(offer))
    rest[back] += early[20_000:]
    brought, expected = of_next(who, time, [early, mean_of_offer(early, offer)],
                                timedelta(hours=1), timedelta(days=7))
    given = last_ones(np.zeros((len(offer), 1), int), 1, 4, offer, rest, who,
                      np.repeat([0, 1], [20_000, len(back)]), np.zeros(len(offer), bool))
    told = replace(given, of_next=brought, expected_of_next=expected)
    found, _ = rest_of(told)
    assert found[2] - found[[0, 1, 3]] == pytest.approx(1.6 * 20_000 / len(offer), abs=0.15)
    deviations = [fit_rest(one, 1.0, np.bincount(offer))[2].max() for one in (told, given)]
    assert deviations[0] < 0.5 * deviations[1]


def test_what_an_offer_brings_in_the_mean():
    found = mean_of_offer(np.array([3.0, 1.0, 8.0]), np.array([0, 0, 2]))
    assert found.tolist() == [2, 2, 8]


def test_chances_tell_of_the_rest_what_features_do_not():
    """Those whom the policy makes the second offer spend 1 more, whatever they are offered."""
    rng = np.random.default_rng(6)
    who, spends = rng.integers(0, 8_000, 60_000), rng.random(8_000) < 0.5
    is_random = rng.random(60_000) < 0.15
    offer = np.where(is_random, rng.integers(0, 3, 60_000), spends[who] * 1)
    chances = 0.05 + 0.85 * (np.arange(3) == spends[who, None])
    rest = rng.exponential(2.0, 60_000) + spends[who] - 0.5 * (offer == 1)

    def found(chances):
        return rest_of(last_ones(np.zeros((60_000, 1), int), 1, 3, offer, rest, who,
                                 np.zeros(60_000, int), np.zeros(60_000, bool), chances=chances))
    told, usual = found(chances)
    assert told[1] - told[[0, 2]] == pytest.approx(-0.5, abs=0.15)
    assert usual[0] == pytest.approx(rest.mean(), rel=0.01)
    untold, usual = found(None)
    assert untold[1] > untold[0] + 0.2
    assert usual[0] == pytest.approx(rest.mean(), rel=0.01)


def test_who_could_be_made_one_offer_alone_tells_nothing():
    """In a holdout who had the named offer twice gets another one by chance: heavy users, who
    spend 1 more."""
    rng = np.random.default_rng(7)
    who, spends = rng.integers(0, 8_000, 60_000), rng.random(8_000) < 0.3
    is_held = who % 2 == 0
    is_named = is_held & ~spends[who]
    offer = np.where(is_named, 0, rng.integers(0, 3, 60_000))
    chances = np.where(is_named[:, None], np.arange(3) == 0, 1 / 3)
    found, _ = rest_of(last_ones(
        np.zeros((60_000, 1), int), 1, 3, offer, rng.exponential(2.0, 60_000) + spends[who], who,
        np.zeros(60_000, int), is_held, chances=chances))
    assert found == pytest.approx(0, abs=0.15)
