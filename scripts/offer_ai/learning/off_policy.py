"""The value of a policy from what another policy logged.

Of each logged decision i: the reward r, the probability p with which the logging policy
took the action it took, the probability pi with which the target policy would have, the
model's q of that action and v, the model's value of the target policy there (the sum of
pi * q over all actions). All arrays have shape (decisions,); rewards are in currency
units.
"""

from dataclasses import dataclass

import numpy as np

BOOTSTRAPS = 1000
CONFIDENCE = 0.95
MIN_SAMPLE_SHARE = 0.1  # effective sample size per decision
MAX_WEIGHT_SHARE = 0.05  # of all weight on one decision


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
    def weight(self) -> np.ndarray:
        return self.target / self.propensity


@dataclass(frozen=True)
class Estimate:
    """A policy's value per decision with a bootstrap interval."""

    value: float
    low: float
    high: float


def parts(logged: Logged) -> np.ndarray:
    """What the estimators sum, (decisions, 5): 1, v, w * r, w, v + w * (r - q)."""
    weight = logged.weight
    return np.column_stack([
        np.ones(len(weight)), logged.value, weight * logged.reward, weight,
        logged.value + weight * (logged.reward - logged.predicted)])


def from_sums(sums: np.ndarray) -> dict[str, np.ndarray]:
    """Each estimator from sums of `parts`, whose last axis is the part.

    dm and dr: Dudik, Langford, Li, Doubly Robust Policy Evaluation and Learning (2011),
    equations 1 and 3; ips: Horvitz, Thompson (1952); snips: Swaminathan, Joachims, The
    Self-Normalized Estimator for Counterfactual Learning (2015), equation 9.
    """
    count, value, weighted, weight, robust = np.moveaxis(sums, -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {"dm": value / count, "ips": weighted / count, "snips": weighted / weight,
                "dr": robust / count}


def estimates(logged: Logged, seed: int = 1, bootstraps: int = BOOTSTRAPS) -> dict[str, Estimate]:
    """dm, ips, snips and dr with percentile intervals of a bootstrap over users."""
    rows = parts(logged)
    _, user = np.unique(logged.user, return_inverse=True)
    users = user.max() + 1
    by_user = np.zeros((users, rows.shape[1]))
    np.add.at(by_user, user, rows)
    rng = np.random.default_rng(seed)
    drawn = np.array([
        np.bincount(rng.integers(0, users, users), minlength=users) @ by_user
        for _ in range(bootstraps)])
    tail = (1 - CONFIDENCE) / 2
    point, spread = from_sums(rows.sum(axis=0)), from_sums(drawn)
    return {name: Estimate(float(point[name]), *map(float, np.nanquantile(
        spread[name], [tail, 1 - tail]))) for name in point}


def effective_sample_size(weight: np.ndarray) -> float:
    """(sum w)^2 / sum w^2. Source: Kish, Survey Sampling (1965), section 11.7."""
    total = float((weight**2).sum())
    return float(weight.sum()) ** 2 / total if total else 0.0


def warnings(logged: Logged) -> list[str]:
    """Why the estimates may mislead; empty when the logs cover the target policy."""
    weight, found = logged.weight, []
    share = effective_sample_size(weight) / len(weight)
    if share < MIN_SAMPLE_SHARE:
        found.append(f"effective sample size is {share:.1%} of the decisions: the logs "
                     "hardly show what the policy would do")
    if weight.sum() and weight.max() / weight.sum() > MAX_WEIGHT_SHARE:
        found.append(f"one decision carries {weight.max() / weight.sum():.1%} of all weight")
    if abs(weight.mean() - 1) > 0.1:
        found.append(f"weights average {weight.mean():.2f}, not 1: propensities are wrong, or "
                     "some of the policy's actions were never logged")
    return found
