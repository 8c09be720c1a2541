"""Intervals of means and ratios over users, whose decisions depend on each other.

The same formulas as in macros/estimates/estimates.sql.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import special

from offer_ai.base import declarations

CONFIDENCE = 0.95
SYMMETRIC = 1e-4  # skewness below which its series is exact enough


@dataclass(frozen=True)
class Limits:
    """What an estimate needs: `estimates` in dbt_project.yml."""

    min_users: int
    min_degrees_of_freedom: float
    min_effective_sample: float
    max_weight_share: float
    max_mean_weight_error: float
    max_unknown_share: float
    promotion_margin: float


@cache
def limits() -> Limits:
    return Limits(**declarations.variables()["estimates"])


@dataclass(frozen=True)
class Estimate:
    """A value with its interval, both NaN where there is nothing to tell them from.

    `degrees_of_freedom` are those of its variance: few, when a few users make all of it.
    """

    value: float
    low: float
    high: float
    users: int = 0
    degrees_of_freedom: float = 0.0
    error: float = float("nan")  # standard error

    @property
    def interval(self) -> str:
        if np.isnan(self.low):
            return "no interval"
        return f"{CONFIDENCE:.0%} interval {self.low:.4f} to {self.high:.4f}"


def codes_of(users: np.ndarray) -> tuple[np.ndarray, int]:
    """Users as numbers from 0 on, shaped as `users`, and how many there are."""
    names, codes = np.unique(users, return_inverse=True)
    return codes, len(names)


def ratio(above: np.ndarray, below: np.ndarray, user: np.ndarray, users: int,
          takes_part: np.ndarray | None = None) -> Estimate:
    """sum(above) / sum(below), both (decisions,), with its interval over users.

    `user` (decisions,) are numbers below `users`; those with a decision that `takes_part`
    (all by default) are counted. The estimator is linearised: user u moves it by
    (above_u - value * below_u) / sum(below). Its variance over users has Satterthwaite's
    degrees of freedom, 2 n / (kurtosis - 1) (O'Neill, Some Useful Moment Results in Sampling
    Problems, 2014, result 15), its skewness is taken out by Hall's transformation (On the
    Removal of Skewness by Transformation, 1992, equation 2.3). Without variance there is no
    interval, nor below `min_users` users.
    """
    base = float(below.sum())
    if base == 0:
        return Estimate(*[float("nan")] * 3)
    value = float(above.sum()) / base
    part = np.ones(len(user)) if takes_part is None else takes_part.astype(float)
    counted = np.bincount(user, part, users) > 0
    deviation = np.bincount(user, above - value * below, users)[counted]
    return interval_of(value, deviation / base)


def interval_of(value: float, deviation: np.ndarray) -> Estimate:
    """The interval of a value that each user moves by `deviation` (users,), which adds up to 0."""
    count = len(deviation)
    m2, m3, m4 = (float((deviation**power).sum()) for power in (2, 3, 4))
    if count < 2 or m2 == 0:
        return Estimate(value, float("nan"), float("nan"), count)
    df = min(count - 1, 2 * count / max(count * m4 / m2**2 - 1, 1e-9))
    error = float(np.sqrt(m2 * count / (count - 1)))
    if count < limits().min_users:
        return Estimate(value, float("nan"), float("nan"), count, df, error)
    quantile = float(special.stdtrit(max(df, 1), (1 + CONFIDENCE) / 2))
    skewness = m3 / m2**1.5
    return Estimate(value, value - error * unskewed(quantile, skewness),
                    value - error * unskewed(-quantile, skewness), count, df, error)


def unskewed(x: float, g: float) -> float:
    """Where a studentised estimate of skewness `g` has the quantile `x` of its symmetric form."""
    y = x - g / 6
    if abs(g) < SYMMETRIC:
        return y - g * y * y / 3
    return float(3 / g * (np.cbrt(1 + g * y) - 1))


def doubts(estimate: Estimate) -> list[str]:
    """Why an interval may not cover; empty when nothing speaks against it."""
    if estimate.users < limits().min_users:
        return [f"{estimate.users:,} users with a known propensity are too few for an interval: "
                f"{limits().min_users} are the least"]
    if np.isnan(estimate.low):
        return ["nothing varies between users: there is no interval"]
    if estimate.degrees_of_freedom < limits().min_degrees_of_freedom:
        return ["a few users make nearly all of the variance "
                f"({estimate.degrees_of_freedom:.0f} degrees of freedom): the interval may not "
                "cover"]
    return []
