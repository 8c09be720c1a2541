"""The value of a policy from what other policies logged.

Of each logged decision i: the reward r (negative where more was refunded than paid), the
probability p with which the logging policy took the action it took, the probability pi with
which the target policy would have, the model's q of that action and v, the model's value of
the target policy there (the sum of pi * q over all actions). All arrays have shape
(decisions,); rewards are in currency units. The logging policy may change from decision to
decision, as p is of each; p is NaN where nobody knows it: then the decision has no weight, and
takes part in the direct method alone.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from offer_ai.learning.intervals import Estimate, codes_of, limits, ratio

CERTAIN = 3.29  # standard errors: by chance beyond them once in 1,000 times


@dataclass(frozen=True)
class Logged:
    """Decisions of the logging policy as the target policy sees them."""

    reward: np.ndarray
    propensity: np.ndarray
    target: np.ndarray  # pi of the logged action
    predicted: np.ndarray  # q of the logged action
    value: np.ndarray  # v
    user: np.ndarray  # whose decision it is; one user's are not independent

    @property
    def is_known(self) -> np.ndarray:
        return self.propensity > 0

    @property
    def weight(self) -> np.ndarray:
        """pi / p, 0 where nobody knows p."""
        return np.divide(self.target, self.propensity, out=np.zeros(len(self.target)),
                         where=self.is_known)


def parts(logged: Logged) -> np.ndarray:
    """What the estimators sum, (decisions, 6): 1, v, w * r, w, v + w * (r - q), and 1 where p is
    known, which the last but one is 0 without."""
    weight, known = logged.weight, logged.is_known.astype(float)
    return np.column_stack([
        np.ones(len(weight)), logged.value, weight * logged.reward, weight,
        known * logged.value + weight * (logged.reward - logged.predicted), known])


# Numerator and denominator of each estimator, as columns of `parts`.
ESTIMATORS = {"dm": (1, 0), "ips": (2, 5), "snips": (2, 3), "dr": (4, 5)}


def from_sums(sums: np.ndarray) -> dict[str, np.ndarray]:
    """Each estimator from sums of `parts`, whose last axis is the part.

    dm and dr: Dudik, Langford, Li, Doubly Robust Policy Evaluation and Learning (2011),
    equations 1 and 3; ips: Horvitz, Thompson (1952); snips: Swaminathan, Joachims, The
    Self-Normalized Estimator for Counterfactual Learning (2015), equation 9.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return {name: sums[..., above] / sums[..., below]
                for name, (above, below) in ESTIMATORS.items()}


def estimates(logged: Logged) -> dict[str, Estimate]:
    """dm, ips, snips and dr, with intervals over users."""
    rows, (user, users) = parts(logged), codes_of(logged.user)
    return {name: ratio(rows[:, above], rows[:, below], user, users,
                        None if name == "dm" else logged.is_known)
            for name, (above, below) in ESTIMATORS.items()}


def difference(one: Logged, other: Logged) -> Estimate:
    """By how much the first policy's doubly robust value is above the second's, per decision.

    Both see the same decisions: what they have in common cancels in each, and the interval is
    of what is left.
    """
    first, second = parts(one), parts(other)
    user, users = codes_of(one.user)
    return ratio(first[:, 4] - second[:, 4], first[:, 5], user, users, one.is_known)


def effective_sample_size(weight: np.ndarray) -> float:
    """(sum w)^2 / sum w^2. Source: Kish, Survey Sampling (1965), section 11.7."""
    total = float((weight**2).sum())
    return float(weight.sum()) ** 2 / total if total else 0.0


def warnings(logged: Logged) -> list[str]:
    """Why the estimates may mislead; empty when the logs cover the target policy."""
    weight, known, found = logged.weight, logged.is_known, []
    unknown = int((~known).sum())
    if unknown > limits().max_unknown_share * len(known):
        found.append(f"nobody knows the propensity of {unknown:,} of {len(known):,} decisions: "
                     "they take part in the direct method alone")
    if not known.any():
        return found
    size = effective_sample_size(weight)
    if size < limits().min_effective_sample:
        found.append(f"effective sample size is {size:,.0f} ({size / known.sum():.1%} of the "
                     f"decisions), and {limits().min_effective_sample} is the least: the logs "
                     "hardly show what the policy would do")
    if weight.sum() and weight.max() / weight.sum() > limits().max_weight_share:
        found.append(f"one decision carries {weight.max() / weight.sum():.1%} of all weight")
    user, users = codes_of(logged.user)
    mean = ratio(weight, known.astype(float), user, users, known)
    if abs(mean.value - 1) > max(limits().max_mean_weight_error,
                                 CERTAIN * np.nan_to_num(mean.error)):
        found.append(f"weights average {mean.value:.2f}, not 1: propensities are wrong, or "
                     "some of the policy's actions were never logged")
    return found


def is_unlikely(made: np.ndarray, expected: np.ndarray) -> bool:
    """Whether counts (classes,) stray from what is expected of them by less chance than 0.001.

    Pearson's chi-squared, on the classes expected at least 5 times. Where probabilities differ
    between decisions it strays less than its distribution says. Source: Pearson (1900).
    """
    often = expected >= 5
    if often.sum() < 2:
        return False
    statistic = ((made - expected)[often] ** 2 / expected[often]).sum()
    return bool(statistic > special.chdtri(often.sum() - 1, 0.001))
