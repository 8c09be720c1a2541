"""Fits an EffectsModel: log-odds by penalised likelihood, what purchases bring by their means."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import optimize

from offer_ai.learning.coded import codes_of, one_hot
from offer_ai.learning.effects_model import (
    Bins,
    Catalogue,
    EffectsModel,
    Offer,
    feature_matrix,
    offers_of,
)
from offer_ai.learning.effects_rest import Rest, Told, fit_rest
from offer_ai.learning.revenue_model import Encoding

# Prior standard deviations of log-odds: of what all users share, by 1, price, type and offer,
# and of what each bin of a feature adds to those. Own effects of one offer are the smallest:
# what its type and price explain is not learned again for each.
SHARED = {"one": 3.0, "price": 3.0, "type": 3.0, "offer": 1.0}
BY_BIN = {"one": 0.5, "price": 0.3, "type": 0.5, "offer": 0.15}
# Times BY_BIN: how much a number adds by its rank, and by how much one bin of it differs from that.
# With bins that know nothing of each other a policy needs weeks for what a line says in days.
LINE, OFF_LINE = 0.3, 0.1
CHANGE = 2.0  # times BY_BIN: by how much the days since a change may differ from those before
PRIOR_PURCHASES = 20  # what a purchase brings is its share of the price, until so many are seen
STEPS = 300


class Rows:
    """Decisions, those alike in bins and offer as one: which bin of which offer, decisions and
    purchases."""

    def __init__(self, at: np.ndarray, offer: np.ndarray, is_bought: np.ndarray,
                 weight: np.ndarray, size: int, offers: int):
        mixed = np.random.default_rng(1).integers(1, 2**62, at.shape[1] + 1, dtype=np.int64)
        with np.errstate(over="ignore"):
            key = at @ mixed[:-1] + offer * mixed[-1]
        first, inverse = codes_of(key)
        self.count = np.bincount(inverse, weight)
        self.bought = np.bincount(inverse, weight * is_bought)
        self.shape = offers, size
        self.x = one_hot(at[first] + offer[first, None] * size, offers * size)


def lines_of(bins: Bins, at: np.ndarray, is_category: Sequence[bool]) -> np.ndarray:
    """Of each number, the rank among the decisions `at` (decisions, 1 + features) of what is in its
    bins, without its mean and in standard deviations: (numbers, bins). NaN in other bins, and where
    the number is missing."""
    found = []
    for feature, (cut, first) in enumerate(zip(bins.cuts, bins.first, strict=True), 1):
        if is_category[feature - 1] or len(cut) <= 2:
            continue
        count = np.bincount(at[:, feature] - first, minlength=len(cut) + 2)[:-1]
        rank = np.cumsum(count) - count / 2
        share = count / max(count.sum(), 1)
        rank = rank - share @ rank
        line = np.full(bins.size, np.nan)
        line[first:first + len(count)] = rank / max(np.sqrt(share @ rank**2), 1e-9)
        found.append(line)
    return np.array(found).reshape(-1, bins.size)


def fit_odds(rows: Rows, described: np.ndarray, numbers: int, kinds: int, lines: np.ndarray,
             start: np.ndarray | None = None) -> np.ndarray:
    """W of the log-odds: (described, bins), the mode of its posterior under a normal prior.

    Offers are described by 1, so many powers of the logs of numbers, so many kinds of text, and
    themselves. What the bins of one number have in common is a line, `lines` as lines_of makes
    them.

    Where `rows` tell offers before a change and since apart, each is an offer of its own, described
    by what it was before and by what is new: what has not changed is not learned again. What is
    returned is of since.
    """
    size = rows.shape[1]
    is_on_line = ~np.isnan(lines)
    basis = np.concatenate([np.eye(size), np.where(is_on_line, lines, 0.0)])
    each = [1, numbers, kinds, described.shape[1] - 1 - numbers - kinds]
    by_bin = np.outer(np.repeat(list(BY_BIN.values()), each), np.concatenate([
        np.where(is_on_line.any(axis=0), OFF_LINE, 1.0), np.full(len(lines), LINE)]))
    spread = by_bin.copy()
    spread[:, 0] = np.repeat(list(SHARED.values()), each)
    if rows.shape[0] > len(described):
        described = np.kron([[1, 0], [1, 1]], described)
        spread = np.concatenate([spread, CHANGE * by_bin])
    transposed = rows.x.T
    first = np.zeros(spread.shape)
    if start is None or start.shape != (sum(each), size):
        share = np.clip(rows.bought.sum() / rows.count.sum(), 1e-6, 1 - 1e-6)
        first[0, 0] = np.log(share / (1 - share))
    else:
        first[:len(start), :size] = start

    def odds_of(weights):
        return rows.x @ (described @ (weights @ basis)).ravel()

    def summed(values):
        return (transposed @ values).reshape(rows.shape)

    # By how sharply the posterior curves, else the search ends far from its mode.
    chance = 1 / (1 + np.exp(-odds_of(first)))
    information = (described**2).T @ summed(rows.count * chance * (1 - chance)) @ (basis**2).T
    scale = 1 / np.sqrt(spread**-2 + information)

    def loss(flat):
        weights = flat.reshape(scale.shape) * scale
        odds = odds_of(weights)
        chance = 1 / (1 + np.exp(-odds))
        likelihood = rows.bought @ odds - rows.count @ np.logaddexp(0, odds)
        slope = weights / spread**2 - (
            described.T @ summed(rows.bought - rows.count * chance) @ basis.T)
        return 0.5 * ((weights / spread)**2).sum() - likelihood, (slope * scale).ravel()

    found = optimize.minimize(loss, (first / scale).ravel(), jac=True, method="L-BFGS-B",
                              options={"maxiter": STEPS, "ftol": 1e-8, "maxcor": 20})
    found = found.x.reshape(scale.shape) * scale @ basis
    return found.reshape(-1, sum(each), size).sum(axis=0)


def fit_amounts(catalogue: Catalogue, offer: np.ndarray, amount: np.ndarray,
                weight: np.ndarray) -> tuple[float, np.ndarray]:
    """What a purchase brings: as a share of the price over all offers, and by offer."""
    price = catalogue.prices(catalogue.offers)
    bought, paid = (np.bincount(offer, values * (amount > 0), len(price))
                    for values in (weight, weight * amount))
    refunds = np.bincount(offer, weight * amount * (amount < 0), len(price))
    asked = bought @ price
    share = float(paid.sum() / asked) if asked > 0 else 1.0
    return share, (paid + refunds + PRIOR_PURCHASES * share * price) / (bought + PRIOR_PURCHASES)


@dataclass(frozen=True)
class Seen:
    """Decisions as a model sees them: features (decisions, features), NaN where missing, and
    which of the `offers` each made."""

    encoding: Encoding
    matrix: np.ndarray
    offers: list[Offer]
    which: np.ndarray

    @classmethod
    def of(cls, encoding: Encoding, table: dict[str, Sequence]) -> "Seen":
        return cls(encoding, feature_matrix(encoding, table), *offers_of(encoding, table))

    def rows(self, rows: np.ndarray) -> "Seen":
        """Those of some rows."""
        return Seen(self.encoding, self.matrix[rows], self.offers, self.which[rows])


@dataclass(frozen=True, kw_only=True)
class Later(Told):
    """What is known later of all decisions: the `label`, (decisions,), NaN where it is not mature,
    and what its rest is told by, with chances of the offers seen."""

    label: np.ndarray


class Sample:
    """Decisions that models are fitted to, with the early part of their label, and which `rows`
    they are of what is known `later`: where the label is not mature, they take no part in the
    rest. What fits with one change or another share is made once.
    """

    def __init__(self, seen: Seen, early: np.ndarray, later: Later, rows: np.ndarray):
        self.encoding, self.early, self.later, self.rows = seen.encoding, early, later, rows
        is_category = [
            column["name"] in seen.encoding.categories for column in seen.encoding.features]
        self.bins = Bins.of(seen.matrix, is_category)
        self.at = self.bins.indices(seen.matrix)
        self.lines = lines_of(self.bins, self.at, is_category)
        self.catalogue, self.offer = Catalogue.of(seen.offers, seen.which,
                                                  seen.encoding.actions.price)
        self.places = [seen.offers.index(offer) for offer in self.catalogue.offers]

    def odds(self, start: np.ndarray | None = None, is_since: np.ndarray | None = None,
             weight: np.ndarray | None = None) -> np.ndarray:
        """W of the log-odds of an early purchase: (described, bins). `is_since` says which
        decisions were made since a change, None where there was none."""
        offers = len(self.catalogue.offers)
        aged = self.offer if is_since is None else self.offer + offers * is_since
        rows = Rows(self.at, aged, self.early > 0, self._weight(weight), self.bins.size,
                    offers if is_since is None else 2 * offers)
        return fit_odds(rows, self.catalogue.describe(self.catalogue.offers),
                        self.catalogue.numbers, len(self.catalogue.kinds), self.lines, start)

    def model(self, odds: np.ndarray, weight: np.ndarray | None = None) -> EffectsModel:
        """With these log-odds, and what purchases bring, and what comes after."""
        share, amounts = fit_amounts(self.catalogue, self.offer, self.early, self._weight(weight))
        return EffectsModel(self.encoding, self.bins, self.catalogue, odds, share, amounts,
                            *self.rest)

    @cached_property
    def rest(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What fit_rest says, which weights take no part in."""
        later, offers = self.later, len(self.catalogue.offers)
        is_mature = ~np.isnan(later.label[self.rows])
        rows, offer = self.rows[is_mature], self.offer[is_mature]
        return fit_rest(Rest(
            at=self.at[is_mature], size=self.bins.size, offers=offers, offer=offer,
            rest=later.label[rows] - self.early[is_mature], user=later.user[rows],
            week=later.week[rows], is_held=later.is_held[rows], of_next=later.of_next[rows],
            expected_of_next=later.expected_of_next[rows],
            chances=later.chances[np.ix_(rows, self.places)]),
            float(self.early.mean()), np.bincount(self.offer, minlength=offers))

    def log_losses(self, odds: np.ndarray, seen: Seen, early: np.ndarray) -> np.ndarray:
        """Of other decisions, log loss of whether there is an early purchase: (rows,)."""
        weights = self.catalogue.describe(seen.offers) @ odds
        found = weights[seen.which[:, None], self.bins.indices(seen.matrix)].sum(axis=1)
        return np.logaddexp(0, found) - (early > 0) * found

    def _weight(self, weight: np.ndarray | None) -> np.ndarray:
        return np.ones(len(self.early)) if weight is None else weight
