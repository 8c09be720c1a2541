"""Intervals over users, by hand and by the transformation that they invert."""

import math

import numpy as np
import pytest
from scipy import stats

from offer_ai.learning.intervals import (
    SYMMETRIC,
    Estimate,
    codes_of,
    doubts,
    interval_of,
    limits,
    ratio,
    unskewed,
)

pytestmark = pytest.mark.quick


def hall(s: float, g: float) -> float:
    """Hall's (1992) equation 2.3, of which `unskewed` is the inverse."""
    return s + g / 3 * s**2 + g**2 / 27 * s**3 + g / 6


@pytest.mark.parametrize("g", [-2.0, -0.5, -1.1e-4, -9e-5, 0.0, 5e-5, 1.1e-4, 0.3, 1.5])
@pytest.mark.parametrize("x", [-2.0, -0.1, 0.7, 1.96, 3.0])
def test_it_inverts_halls_transformation(x, g):
    assert hall(unskewed(x, g), g) == pytest.approx(x, abs=1e-6)
    assert unskewed(x, 0.0) == x


def test_the_series_meets_the_root():
    for x in (-2.0, 2.0):
        assert unskewed(x, SYMMETRIC) == pytest.approx(unskewed(x, SYMMETRIC * 0.999), abs=1e-6)


def test_an_interval_by_hand():
    """Fifty users, one of whom makes most of the variance."""
    deviation = np.where(np.arange(50) == 0, 49.0, -1.0)
    m2, m3, m4 = 49**2 + 49, 49**3 - 49, 49**4 + 49
    df = 2 * 50 / (50 * m4 / m2**2 - 1)
    error = math.sqrt(m2 * 50 / 49)
    t, g = stats.t.ppf(0.975, df), m3 / m2**1.5
    found = interval_of(100.0, deviation)
    assert df == pytest.approx(2.127, abs=1e-3) and error == 50
    assert (found.value, found.users) == (100.0, 50)
    assert found.degrees_of_freedom == pytest.approx(df)
    assert found.error == pytest.approx(error)
    assert found.low == pytest.approx(100 - error * unskewed(t, g))
    assert found.high == pytest.approx(100 - error * unskewed(-t, g))
    assert found.high - 100 > 100 - found.low  # the tail is where the one is


def test_users_alike_have_all_degrees_of_freedom():
    found = interval_of(0.0, np.where(np.arange(60) % 2, 1.0, -1.0))
    assert found.degrees_of_freedom == 59
    assert found.high == pytest.approx(stats.t.ppf(0.975, 59) * math.sqrt(60 * 60 / 59))
    assert found.low == pytest.approx(-found.high)


def test_a_quantile_has_one_degree_of_freedom_at_least():
    """Of a thousand users one alone may make the variance."""
    found = interval_of(0.0, np.where(np.arange(1000) == 0, 999.0, -1.0))
    m2, m3 = 999**2 + 999, 999**3 - 999
    assert 1 < found.degrees_of_freedom < 2.1
    few = interval_of(0.0, np.where(np.arange(50) == 0, 49.0, -1.0) * 1e-3)
    assert few.degrees_of_freedom > 1
    assert found.high == pytest.approx(-found.error * unskewed(
        -stats.t.ppf(0.975, found.degrees_of_freedom), m3 / m2**1.5))


@pytest.mark.parametrize("count", [2, 3, 49])
def test_few_users_have_an_error_and_no_interval(count):
    deviation = np.linspace(-1, 1, count)
    found = interval_of(7.0, deviation)
    assert math.isnan(found.low) and math.isnan(found.high)
    assert (found.value, found.users) == (7.0, count)
    assert found.error == pytest.approx(np.std(deviation, ddof=1) * math.sqrt(count))
    assert 0 < found.degrees_of_freedom <= count - 1


def test_nothing_to_tell_from():
    for deviation in (np.zeros(0), np.ones(1), np.zeros(5)):
        found = interval_of(1.0, deviation)
        assert (found.value, found.users, found.degrees_of_freedom) == (1.0, len(deviation), 0.0)
        assert all(map(math.isnan, (found.low, found.high, found.error)))


def test_a_ratio_by_hand():
    """User 0 has 1 of 2, user 1 has 5 of 1, user 2 nothing and takes no part."""
    above, below = np.array([1.0, 0, 5, 0]), np.array([1.0, 1, 1, 0])
    user = np.array([0, 0, 1, 2])
    found = ratio(above, below, user, 3, np.array([1, 1, 1, 0]))
    assert (found.value, found.users) == (2.0, 2)
    # User 0 moves it by (1 - 2 * 2) / 3, user 1 by (5 - 2) / 3.
    assert found.error == pytest.approx(math.sqrt((1 + 1) * 2 / 1))
    assert ratio(above, below, user, 3).users == 3
    # A user whom `users` tells of without a decision takes no part either.
    assert ratio(above, below, user, 5).users == 3
    assert ratio(above[:1], below[:1], user[:1], 1).value == 1
    # Of 4 in all, user 0 moves it by (3 - 2) / 4 and user 1 by as much the other way.
    two = ratio(np.array([3.0, 1]), np.array([2.0, 2]), np.arange(2), 2)
    assert (two.value, two.error) == (1, pytest.approx(0.5))


def test_a_ratio_to_nothing_is_nothing():
    found = ratio(np.ones(3), np.zeros(3), np.arange(3), 3)
    assert all(map(math.isnan, (found.value, found.low, found.high, found.error)))
    assert found.users == 0


def test_the_end_that_is_high_is_that_of_the_tail():
    """One user who earned far more than the others: the truth may lie higher, hardly lower."""
    above = np.where(np.arange(100) == 0, 100.0, 1.0)
    found = ratio(above, np.ones(100), np.arange(100), 100)
    assert found.value == pytest.approx(1.99)
    assert found.high - found.value > found.value - found.low


def test_codes():
    codes, count = codes_of(np.array(["b", "a", "b"]))
    assert (codes.tolist(), count) == ([1, 0, 1], 2)


def test_what_is_said():
    least, df = limits().min_users, limits().min_degrees_of_freedom
    assert Estimate(1.5, 1.25, 2.0).interval == "95% interval 1.2500 to 2.0000"
    assert Estimate(1.5, math.nan, math.nan).interval == "no interval"
    assert doubts(Estimate(1, 0, 2, least, df)) == []
    assert doubts(Estimate(1, 0, 2, least - 1, df)) == [
        f"{least - 1} users with a known propensity are too few for an interval: {least} are the "
        "least"]
    assert doubts(Estimate(1, math.nan, math.nan, least, df)) == [
        "nothing varies between users: there is no interval"]
    assert doubts(Estimate(1, 0, 2, least, df - 0.6)) == [
        f"a few users make nearly all of the variance ({df - 0.6:.0f} degrees of freedom): the "
        "interval may not cover"]
