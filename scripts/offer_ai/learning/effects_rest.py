"""What an offer adds to what comes after the early part of a label, whoever decides then."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from offer_ai.learning.coded import codes_of, one_hot

RIDGE = 10.0  # decisions' worth of what a bin's users spend, towards the mean
MIN_USERS = 30  # of whom an effect is told
# Offers differ by no more than chance makes them once in so many times: while few have paid, the
# variance is told too small, and a policy would be ruled for days by what is not so.
BY_CHANCE = 1_000
MAX_WEIGHT = 30.0  # of a decision: beyond, a few that were hardly ever made would tell all


@dataclass(frozen=True)
class Rest:
    """Decisions with what is left of their label: (decisions,) each, but the bins `at` of features
    (decisions, 1 + features), of `size`, and the number of `offers`. `user` are codes of users,
    `week` numbers of weeks, `propensity` NaN where nobody knows it."""

    at: np.ndarray
    size: int
    offers: int
    offer: np.ndarray
    rest: np.ndarray
    user: np.ndarray
    week: np.ndarray
    is_held: np.ndarray
    propensity: np.ndarray

    def rows(self, rows: np.ndarray) -> "Rest":
        """Those of some rows."""
        return Rest(self.at[rows], self.size, self.offers, *(
            values[rows] for values in (self.offer, self.rest, self.user, self.week,
                                        self.is_held, self.propensity)))

    @property
    def weight(self) -> np.ndarray:
        """As if all decisions had been equally likely, 1 in the mean: to whom a policy makes an
        offer, features alone do not tell. Source: Horvitz, Thompson (1952)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            inverse = np.where(self.propensity > 0, 1 / self.propensity, 1.0)
        weight = np.minimum(inverse, MAX_WEIGHT)
        return weight / weight.mean()

    def effects(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What each offer adds to the rest, above what was made on average, and the variance of
        that, infinite where fewer than MIN_USERS tell, (offers,) both; and what users spend,
        (bins,), in the last week outside the holdout.

        By weighted ridge regression on bins, offers and who decides next: what comes of a user's
        next decisions is in the rest, too, and is another thing in each week and in the holdout.
        The variance is over users. Source: Liang, Zeger, Longitudinal data analysis using
        generalized linear models (1986).
        """
        _, when = codes_of(2 * self.week + self.is_held)
        first = self.size + when.max() + 1  # of the offers' columns
        x = one_hot(np.column_stack([self.at, self.size + when, first + self.offer]),
                    first + self.offers)
        # The ridge leaves the mean of all alone.
        weighted = x.multiply(self.weight[:, None]).tocsr()
        inverse = np.linalg.inv(
            (x.T @ weighted).toarray() + RIDGE * np.diag(np.arange(x.shape[1]) > 0))
        found = inverse @ (weighted.T @ self.rest)
        by_user = one_hot(self.user[:, None], self.user.max() + 1).T @ weighted.multiply(
            (self.rest - x @ found)[:, None])
        share = np.bincount(self.offer, minlength=self.offers) / len(self.offer)
        contrast = np.eye(self.offers) - share
        variance = ((by_user @ inverse[:, first:] @ contrast.T) ** 2).sum(axis=0)
        pair, _ = codes_of(self.user.astype(np.int64) * self.offers + self.offer)
        users = np.bincount(self.offer[pair], minlength=self.offers)
        latest = self.size + when[np.argmax(2 * self.week - self.is_held)]
        usual = found[:self.size].copy()
        usual[0] += found[latest] + share @ found[first:]
        return (contrast @ found[first:],
                np.where(users < MIN_USERS, np.inf, variance + 1e-12), usual)


def shrunk(effect: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Effects without their mean, shrunk to 0 by how much they vary surely beyond chance; 0 of one
    that nobody knows. Source: DerSimonian, Laird, Meta-analysis in clinical trials (1986), with a
    quantile of chi-squared in the place of its mean."""
    weight = 1 / variance
    is_known = weight > 0
    if is_known.sum() < 2:
        return np.zeros(len(effect))
    mean = weight @ effect / weight.sum()
    q = weight @ (effect - mean) ** 2
    spread = max(0.0, (q - special.chdtri(is_known.sum() - 1, 1 / BY_CHANCE)) / (
        weight.sum() - (weight**2).sum() / weight.sum()))
    return np.where(is_known, (effect - mean) * spread / (spread + variance), 0.0)


def fit_rest(decisions: Rest) -> tuple[np.ndarray, np.ndarray]:
    """What each offer adds to the rest of the label, (offers,), and what users spend, (bins,).

    All decisions tell it, but to whom a policy makes an offer, features alone do not tell; in the
    holdout chance does, unless a named offer is its own. So the holdout corrects what all say, by
    how far both differ beyond chance. Without one, of what a policy hardly makes its first, random
    days tell most: weeks stay together then.
    """
    if not len(decisions.rest):
        return np.zeros(decisions.offers), np.zeros(decisions.size)
    if not decisions.is_held.any():
        decisions = replace(decisions, week=np.zeros_like(decisions.week))
    effect, variance, usual = decisions.effects()
    found = shrunk(effect, variance)
    is_random = decisions.is_held & ~(decisions.propensity >= 1)
    if is_random.any() and not is_random.all():
        at_random, variance, _ = decisions.rows(is_random).effects()
        found += shrunk(at_random - found, variance)
    return found, usual
