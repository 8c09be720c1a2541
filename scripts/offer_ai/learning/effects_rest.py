"""What an offer adds to what comes after the early part of a label, whoever decides then."""

from dataclasses import dataclass, replace

import numpy as np

from offer_ai.learning.coded import codes_of, one_hot

RIDGE = 10.0  # decisions' worth of what a bin's users spend, towards the mean
LEAST_USERS = 30  # of whom an effect is told


@dataclass(frozen=True)
class Rest:
    """Decisions with what is left of their label: (decisions,) each, but the bins `at` of features
    (decisions, 1 + features), of `size`, and the number of `offers`. `user` are codes of users,
    `week` numbers of weeks."""

    at: np.ndarray
    size: int
    offers: int
    offer: np.ndarray
    rest: np.ndarray
    user: np.ndarray
    week: np.ndarray
    is_held: np.ndarray

    def rows(self, rows: np.ndarray) -> "Rest":
        """Those of some rows."""
        return Rest(self.at[rows], self.size, self.offers, *(
            values[rows] for values in (self.offer, self.rest, self.user, self.week,
                                        self.is_held)))

    def effects(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What each offer adds to the rest, above what was made on average, and the variance of
        that, infinite where fewer than LEAST_USERS tell, (offers,) both; and what users spend,
        (bins,), in the last week outside the holdout.

        By ridge regression on bins, offers and who decides next: what comes of a user's next
        decisions is in the rest, too, and is another thing in each week and in the holdout.
        The variance is over users. Source: Liang, Zeger, Longitudinal data analysis using
        generalized linear models (1986).
        """
        _, when = codes_of(2 * self.week + self.is_held)
        first = self.size + when.max() + 1  # of the offers' columns
        x = one_hot(np.column_stack([self.at, self.size + when, first + self.offer]),
                    first + self.offers)
        # The ridge leaves the mean of all alone.
        inverse = np.linalg.inv((x.T @ x).toarray() + RIDGE * np.diag(np.arange(x.shape[1]) > 0))
        found = inverse @ (x.T @ self.rest)
        by_user = one_hot(self.user[:, None], self.user.max() + 1).T @ x.multiply(
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
                np.where(users < LEAST_USERS, np.inf, variance + 1e-12), usual)


def shrunk(effect: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Effects without their mean, shrunk to 0 by how much they vary beyond chance; 0 of one that
    nobody knows. Source: DerSimonian, Laird, Meta-analysis in clinical trials (1986)."""
    weight = 1 / variance
    is_known = weight > 0
    if is_known.sum() < 2:
        return np.zeros(len(effect))
    mean = weight @ effect / weight.sum()
    q = weight @ (effect - mean) ** 2
    spread = max(0.0, (q - (is_known.sum() - 1)) / (
        weight.sum() - (weight**2).sum() / weight.sum()))
    return np.where(is_known, (effect - mean) * spread / (spread + variance), 0.0)


def fit_rest(decisions: Rest) -> tuple[np.ndarray, np.ndarray]:
    """What each offer adds to the rest of the label, (offers,), and what users spend, (bins,).

    All decisions tell it, but to whom a policy makes an offer, features alone do not tell; in the
    holdout chance does. So the holdout corrects what all say, by how far both differ beyond chance.
    Without one, of what a policy hardly makes its first, random days tell most: weeks stay together
    then.
    """
    if not len(decisions.rest):
        return np.zeros(decisions.offers), np.zeros(decisions.size)
    if not decisions.is_held.any():
        decisions = replace(decisions, week=np.zeros_like(decisions.week))
    effect, variance, usual = decisions.effects()
    found = shrunk(effect, variance)
    if decisions.is_held.any() and not decisions.is_held.all():
        at_random, variance, _ = decisions.rows(decisions.is_held).effects()
        found += shrunk(at_random - found, variance)
    return found, usual
