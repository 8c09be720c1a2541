"""What an offer adds to what comes after the early part of a label, whoever decides then."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from offer_ai.learning.coded import codes_of, one_hot

RIDGE = 10.0  # decisions' worth of what a bin's users spend, towards the mean
MIN_USERS = 30  # of whom an effect is told
ROUNDS = 50  # of the search for what effects have in common
IS_SOME = 0.1  # of offers, so many are expected to add something to the rest, or to take it


@dataclass(frozen=True, kw_only=True)
class Told:
    """What the rest of labels is told by, (decisions,) each. `user` are codes of users, `week`
    numbers of weeks, `is_held` says who is in the holdout. What the user's next offers brought
    (`of_next`) is in the rest, and `expected_of_next` is what they bring in the mean; `chances`
    (decisions, offers) are those that were logged of each offer, NaN where nobody knows them."""

    user: np.ndarray
    week: np.ndarray
    is_held: np.ndarray
    of_next: np.ndarray
    expected_of_next: np.ndarray
    chances: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Rest(Told):
    """Decisions with what is left of their label, (decisions,) each, but the bins `at` of features
    (decisions, 1 + features), of `size`, and the number of `offers`."""

    at: np.ndarray
    size: int
    offers: int
    offer: np.ndarray
    rest: np.ndarray

    @property
    def beside_chance(self) -> np.ndarray:
        """Of each offer, 1 where it was made, less its chance: (decisions, offers).

        To whom a policy makes an offer, features alone do not tell; whatever does, this has nothing
        to do with it. Where nobody knows the chances, it is as if chance had made each as often as
        it was made. Source: Robinson, Root-N-consistent semiparametric regression (1988).
        """
        found = -self.chances
        is_unknown = np.isnan(found).any(axis=1)
        if is_unknown.any():
            share = np.bincount(self.offer[is_unknown], minlength=self.offers) / is_unknown.sum()
            found[is_unknown] = -share
        found[np.arange(len(found)), self.offer] += 1
        return found

    def effects(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What each offer adds to the rest, above what was made on average, and the variance of
        that, infinite where fewer than MIN_USERS tell, (2, offers) both: beside next offers, and
        by those that users come back to. And what users spend, (bins,), in the last week outside
        the holdout.

        By ridge regression on bins, who decides next, and offers beside chance: what comes of a
        user's next decisions is in the rest, too, and is another thing in each week and in the
        holdout. Whether they came may be an offer's doing; what they brought above the mean is
        chance, and left out, as a control variate. The variance is over users. Sources: Liang,
        Zeger, Longitudinal data analysis using generalized linear models (1986); Glynn, Szechtman,
        Some new perspectives on the method of control variates (2002).
        """
        _, when = codes_of(2 * self.week + self.is_held)
        first = self.size + when.max() + 1  # of the offers' columns
        known = one_hot(np.column_stack([self.at, self.size + when]), first)
        beside = self.beside_chance
        both = known.T @ beside
        square = np.block([[(known.T @ known).toarray(), both], [both.T, beside.T @ beside]])
        # The ridge leaves the mean of all alone.
        inverse = np.linalg.inv(square + RIDGE * np.diag(np.arange(len(square)) > 0))

        def fitted(values):
            return inverse @ np.concatenate([known.T @ values, beside.T @ values])

        def across(weights):
            return known @ weights[:first] + beside @ weights[first:]
        spent = fitted(self.rest)
        latest = self.size + when[np.argmax(2 * self.week - self.is_held)]
        usual = spent[:self.size].copy()
        usual[0] += spent[latest]
        share = np.bincount(self.offer, minlength=self.offers) / len(self.offer)
        contrast = np.eye(self.offers) - share
        influence = across(inverse[:, first:] @ contrast.T)  # of a decision on each offer's
        users = one_hot(self.user[:, None], self.user.max() + 1).T
        found, variance = [], []
        for values in (self.rest - self.of_next, self.expected_of_next):
            weights = fitted(values)
            found.append(contrast @ weights[first:])
            beyond = values - across(weights)
            variance.append(((users @ (influence * beyond[:, None])) ** 2).sum(axis=0))
        pair, _ = codes_of(self.user.astype(np.int64) * self.offers + self.offer)
        told_by = np.bincount(self.offer[pair], minlength=self.offers)
        return (np.array(found),
                np.where(told_by < MIN_USERS, np.inf, np.array(variance) + 1e-12), usual)


def mean_of_offer(early: np.ndarray, offer: np.ndarray) -> np.ndarray:
    """What the offer of each decision brings at once in the mean: (decisions,) all."""
    return (np.bincount(offer, early) / np.maximum(np.bincount(offer), 1))[offer]


def of_next(user: np.ndarray, time: np.ndarray, values: Sequence[np.ndarray], part: timedelta,
            whole: timedelta) -> list[np.ndarray]:
    """Of each of `values`, its sum over the same user's next decisions, those that came after the
    early `part` of a decision and within its `whole` label: (decisions,) each.

    `user` are codes of users, `time` datetime64: (decisions,) as each of the values.
    """
    seconds = np.asarray(time, "datetime64[s]").astype(np.int64)
    seconds -= seconds.min()
    lasts = int(whole.total_seconds())
    moment = user * (seconds.max() + lasts + 1) + seconds
    order = np.argsort(moment, kind="stable")
    moment = moment[order]
    first, end = (np.searchsorted(moment, moment + int(span)) for span in (
        part.total_seconds(), lasts))
    found = []
    for one in values:
        sums, by_decision = np.concatenate([[0.0], one[order].cumsum()]), np.empty(len(one))
        by_decision[order] = sums[end] - sums[np.minimum(first, end)]
        found.append(by_decision)
    return found


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

    `typical` is what an offer brings at once, `made` how often each was made, (offers,), mature or
    not.
    """
    if not len(decisions.rest):
        return np.zeros(decisions.offers), np.zeros(decisions.size), np.zeros(decisions.offers)
    effects, variances, usual = decisions.effects()
    # Each of both by itself: of an offer that brings nobody back, that there are next offers at
    # all is noise.
    parts = [posterior(*one, typical) for one in zip(effects, variances, strict=True)]
    found = sum(mean for mean, _ in parts)
    deviation = np.hypot(*(one for _, one in parts))
    mature = np.bincount(decisions.offer, minlength=decisions.offers)
    doubt = doubt_of(deviation, variances.sum(axis=0), mature, made, typical)
    # What was made on average is in what users spend.
    return found - found[decisions.offer].mean(), usual, doubt
