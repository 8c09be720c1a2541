"""Which offer: the chance of a purchase, linear in what offer and user have together.

The log-odds that user x buys offer o are the sum over a of u[o, a] * (x . W[a]): u holds 1, the
log price and its square, the offer's type and the offer itself (of any action: the same of its
numbers, its texts, itself); x, for each feature, the bin its value is in
(one for missing values). So what is learned of one offer tells something of its type and its
price, and of one that was never made. Expected revenue is that chance times what a purchase
brings, plus what the offer adds to or takes from the rest of the label's time (`rest`), plus
what the user spends anyway (`usual`).
"""

import json
import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise

import numpy as np

from offer_ai.base.actions import numbers
from offer_ai.learning.catalogue import Catalogue, Offer
from offer_ai.learning.one_request import remember
from offer_ai.learning.revenue_model import Encoding

BINS = 8  # of a number, by quantiles, beside those of 0 and of missing values
HOPE = 2.0  # standard deviations by which an offer may well be better


@dataclass(frozen=True)
class Bins:
    """Where each feature's values are cut; the indices of all features' bins lie one after
    another, after 0, which each row has."""

    cuts: list[list[float]]
    first: list[int]
    size: int

    @classmethod
    def of(cls, matrix: np.ndarray, is_category: Sequence[bool]) -> "Bins":
        """From a feature matrix (rows, features), NaN where missing."""
        cuts, first, size = [], [], 1
        for values, category in zip(matrix.T, is_category, strict=True):
            known = values[~np.isnan(values)]
            if category or (len(np.unique(known[:1000])) <= 2 and len(np.unique(known)) <= 2):
                cut = np.unique(known)
            else:
                # What is most common of amounts and counts, 0, has a bin of its own.
                above = known[known > 0]
                cut = np.unique(np.concatenate(
                    [np.quantile(part, np.linspace(0, 1, BINS + 1)[1:-1])
                     for part in (above, known[known < 0]) if len(part)] + [[0.0, 1e-9]]))
            cuts.append([float(value) for value in cut])
            first.append(size)
            size += len(cut) + 2
        return cls(cuts, first, size)

    def indices(self, matrix: np.ndarray) -> np.ndarray:
        """The bins of each row: (rows, 1 + features)."""
        found = np.zeros((len(matrix), len(self.cuts) + 1), np.int64)
        for number, cut in enumerate(self.cuts):
            values = matrix[:, number]
            at = np.searchsorted(cut, values, side="right")
            at[np.isnan(values)] = len(cut) + 1
            found[:, number + 1] = self.first[number] + at
        return found

    def row(self, values: Sequence[float]) -> list[int]:
        """The bins of one row, as `indices` would give them."""
        return [0] + [
            first + (len(cut) + 1 if math.isnan(value) else bisect_right(cut, value))
            for value, cut, first in zip(values, self.cuts, self.first, strict=True)]


@dataclass
class EffectsModel:
    """A fitted model; `model.json` beside it holds its encoding and description."""

    encoding: Encoding
    bins: Bins
    catalogue: Catalogue
    weights: np.ndarray  # W: (1 + powers of numbers + texts + offers seen, bins)
    per_price: float  # what a purchase brings, of an offer's price (else of 1), over all offers
    amounts: np.ndarray  # what a purchase brings: (offers seen,)
    rest: np.ndarray  # what the offer adds to the rest of the label: (offers seen,)
    usual: np.ndarray  # what a user spends in that rest: (bins,)
    doubt: np.ndarray  # the standard deviation of `rest`: (offers seen,)
    description: dict = field(default_factory=dict)
    known: dict = field(default_factory=dict, repr=False)  # of one_request, by offers

    def of_offers(self, offers: Sequence[Offer]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of each offer: its weights (offers, bins), what a purchase of it brings and what it
        adds to the rest, (offers,) both; of an offer never seen, by its type and price."""
        at = {tuple(offer): number for number, offer in enumerate(self.catalogue.offers)}
        places, prices = [at.get(offer) for offer in offers], self.catalogue.prices(offers)
        return (self.catalogue.describe(offers) @ self.weights,
                np.array([self.per_price * price if place is None else self.amounts[place]
                          for price, place in zip(prices, places, strict=True)]),
                np.array([0.0 if place is None else self.rest[place] for place in places]))

    def hope(self, offers: Sequence[Offer]) -> np.ndarray:
        """By how much each offer may well be better than predicted, as far as the rest of the label
        goes, (offers,); 0 of one never seen, which has a chance of its own.

        Source: Auer, Using confidence bounds for exploitation-exploration trade-offs (2002).
        """
        doubt = dict(zip(self.catalogue.offers, self.doubt.tolist(), strict=True))
        return HOPE * np.array([doubt.get(numbers(offer), 0.0) for offer in offers])

    def predict(self, features: dict, offers: Sequence[Offer]) -> np.ndarray:
        """Expected revenue of each offer (type, price), in currency units: (offers,)."""
        at = self.bins.row(self.encoding.row(features))
        by_bin, amounts, rest = self.one_request(tuple(offers))
        odds = np.add.reduce(by_bin.take(at, 0), axis=0)
        return amounts / (1 + np.exp(-odds)) + rest + np.add.reduce(self.usual.take(at))

    def one_request(self, offers: tuple) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What `of_offers` says, with the weights by bin: (bins, offers)."""
        if (found := self.known.get(offers)) is None:
            weights, amounts, rest = self.of_offers([numbers(offer) for offer in offers])
            found = np.ascontiguousarray(weights.T), amounts, rest
            remember(self.known, offers, found)
        return found

    def predict_rows(self, table: dict[str, Sequence]) -> np.ndarray:
        """Expected revenue of each row: (rows,)."""
        at = self.rows(table)
        early, rest = self.parts(at, *offers_of(self.encoding, table))
        return early + rest

    def predict_offers(self, table: dict[str, Sequence], offers: Sequence[Offer]) -> np.ndarray:
        """Expected revenue of each offer in each row: (rows, offers)."""
        at = self.rows(table)
        return np.column_stack([
            sum(self.parts(at, [offer], np.zeros(len(at), int))) for offer in offers])

    def rest_of(self, table: dict[str, Sequence]) -> np.ndarray:
        """Of each row, what is expected after the part that is known early: (rows,)."""
        return self.parts(self.rows(table), *offers_of(self.encoding, table))[1]

    def rows(self, table: dict[str, Sequence]) -> np.ndarray:
        """The bins of each row: (rows, 1 + features)."""
        return self.bins.indices(feature_matrix(self.encoding, table))

    def parts(self, at: np.ndarray, offers: list[Offer], which: np.ndarray
              ) -> tuple[np.ndarray, np.ndarray]:
        """Expected early part and rest of rows in these bins, of offers[which]: (rows,) both."""
        weights, amounts, rest = self.of_offers(offers)
        odds = weights[which[:, None], at].sum(axis=1)
        return (amounts[which] / (1 + np.exp(-odds)),
                rest[which] + self.usual[at].sum(axis=1))

    def model_to_string(self) -> str:
        return json.dumps({
            "bins": asdict(self.bins), "catalogue": asdict(self.catalogue),
            "weights": self.weights.tolist(), "per_price": self.per_price,
            "amounts": self.amounts.tolist(), "rest": self.rest.tolist(),
            "usual": self.usual.tolist(), "doubt": self.doubt.tolist()})

    @classmethod
    def from_string(cls, text: str, encoding: Encoding, description: dict) -> "EffectsModel":
        told = json.loads(text)
        catalogue = told["catalogue"]
        catalogue["offers"] = [tuple(offer) for offer in catalogue["offers"]]
        for name in ("mean", "spread"):  # one number in older versions
            if isinstance(catalogue[name], float):
                catalogue[name] = [catalogue[name]]
        told.setdefault("doubt", [0.0] * len(told["rest"]))  # older versions knew none
        arrays = {name: np.array(told[name])
                  for name in ("weights", "amounts", "rest", "usual", "doubt")}
        return cls(encoding, Bins(**told["bins"]), Catalogue(**catalogue),
                   per_price=told["per_price"], description=description, **arrays)

    def feature_importance(self, _: str) -> list[float]:
        """Sum of squared weights by feature, then by value of the offer."""
        squares = (self.weights**2).sum(axis=0)
        ends = [*self.bins.first, self.bins.size]
        return [*(float(squares[start:end].sum())
                  for start, end in pairwise(ends)),
                *(float((self.weights[places] ** 2).sum()) for places in self.catalogue.places())]


def feature_matrix(encoding: Encoding, table: dict[str, Sequence]) -> np.ndarray:
    """(rows, features) without the offer: codes of categories, numbers, NaN where missing."""
    columns = [encoding.column(column, table) for column in encoding.features]
    return np.column_stack(columns) if columns else np.empty((len(table[encoding.action[0]]), 0))


def offers_of(encoding: Encoding, table: dict[str, Sequence]) -> tuple[list[Offer], np.ndarray]:
    """The offers that rows made, and which of them each did: (rows,)."""
    index: dict[tuple, int] = {}
    which = np.array([index.setdefault(offer, len(index)) for offer in zip(
        *(table[name] for name in encoding.action), strict=True)], np.int64)
    return [numbers(offer) for offer in index], which
