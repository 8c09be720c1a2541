"""What an offer adds to what comes after the early part of a label, whoever decides then."""

from dataclasses import dataclass, replace

import numpy as np

from offer_ai.learning.coded import codes_of, one_hot

RIDGE = 10.0  # decisions' worth of what a bin's users spend, towards the mean
MIN_USERS = 30  # of whom an effect is told
ROUNDS = 50  # of the search for what effects have in common
IS_SOME = 0.1  # of offers, so many are expected to add something to the rest, or to take it
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


def posterior(effect: np.ndarray, variance: np.ndarray, typical: float
              ) -> tuple[np.ndarray, np.ndarray]:
    """What each effect is beyond what all have in common, and how unsure that is: mean and standard
    deviation, (offers,) both; the variance is infinite of one that nobody knows.

    Most offers add nothing to the rest, and some as much as offers bring at once, or take it:
    `typical` in the mean square. One spread for all would let pass what chance raises of an offer
    that was seldom made. Source: Mitchell, Beauchamp, Bayesian variable selection in linear
    regression (1988): a spike and slab.
    """
    is_known = np.isfinite(variance)
    if is_known.sum() < 2 or typical <= 0:
        return np.zeros(len(effect)), np.zeros(len(effect))
    effect, slab = np.where(is_known, effect, 0.0), typical**2
    precision = np.where(is_known, 1 / variance, 0.0)
    times = slab * precision
    kept = times / (1 + times)  # of an effect, if there is one
    # From the middle one on: what is least sure counts less, and what is surest, a policy's
    # favourite, not for all others.
    order = np.argsort(np.where(is_known, effect, np.inf))
    counts = np.sqrt(np.minimum(precision, np.median(precision[is_known])))[order].cumsum()
    middle = effect[order][np.searchsorted(counts, counts[-1] / 2)]
    for _ in range(ROUNDS):
        above = effect - middle
        # By how much likelier it is if there is an effect: the log of Bayes' factor.
        likelier = 0.5 * (above**2 * precision * kept - np.log1p(times))
        is_some = 1 / (1 + (1 / IS_SOME - 1) * np.exp(-likelier))
        weight = (1 - is_some + 1e-9) * precision
        middle = weight @ effect / weight.sum()
    if_some = above * kept
    mean = is_some * if_some
    square = is_some * (if_some**2 + slab * (1 - kept))
    return mean, np.sqrt(np.maximum(square - mean**2, 0.0))


def doubt_of(deviation: np.ndarray, variance: np.ndarray, mature: np.ndarray, made: np.ndarray,
             typical: float) -> np.ndarray:
    """How unsure each effect will be, (offers,), once what was `made` is `mature`, decisions both:
    what is on its way need not be asked for again."""
    is_known = np.isfinite(variance)
    if not is_known.any() or typical <= 0:
        return np.zeros(len(variance))
    each = np.median(variance[is_known] * mature[is_known]) / np.maximum(made, 1)
    return np.where(is_known, deviation * np.sqrt(mature / np.maximum(made, 1)),
                    np.sqrt(IS_SOME * each * typical**2 / (each + typical**2)))


def fit_rest(decisions: Rest, typical: float, made: np.ndarray
             ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What each offer adds to the rest of the label, (offers,), what users spend, (bins,), and how
    unsure the former is, (offers,).

    All decisions tell it, but to whom a policy makes an offer, features alone do not tell; in the
    holdout chance does, unless a named offer is its own. So the holdout corrects what all say, by
    how far both differ beyond chance. Without one, of what a policy hardly makes its first, random
    days tell most: weeks stay together then. `typical` is what an offer brings at once, `made` how
    often each was made, (offers,), mature or not.
    """
    if not len(decisions.rest):
        return np.zeros(decisions.offers), np.zeros(decisions.size), np.zeros(decisions.offers)
    if not decisions.is_held.any():
        decisions = replace(decisions, week=np.zeros_like(decisions.week))
    effect, variance, usual = decisions.effects()
    found, deviation = posterior(effect, variance, typical)
    mature = np.bincount(decisions.offer, minlength=decisions.offers)
    doubt = doubt_of(deviation, variance, mature, made, typical)
    is_random = decisions.is_held & ~(decisions.propensity >= 1)
    if is_random.any() and not is_random.all():
        at_random, variance, _ = decisions.rows(is_random).effects()
        found += posterior(at_random - found, variance, typical)[0]
    # What was made on average is in what users spend.
    return found - found[decisions.offer].mean(), usual, doubt
