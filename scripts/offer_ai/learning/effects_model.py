"""Which offer: the chance of a purchase, linear in what offer and user have together.

The log-odds that user x buys offer o are the sum over a of u[o, a] * (x . W[a]): u holds 1, the
log price, the offer's type and the offer itself; x, for each feature, the bin its value is in
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
from decimal import Decimal
from itertools import pairwise

import numpy as np

from offer_ai.learning.revenue_model import Encoding

Offer = tuple[str, float]
BINS = 8  # of a number, by quantiles, beside those of 0 and of missing values


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


@dataclass(frozen=True)
class Catalogue:
    """The offers that were seen in training, and how any offer is described."""

    offers: list[Offer]
    counts: list[int]  # decisions for each, all that were seen
    mean: float  # of the log price
    spread: float

    @classmethod
    def of(cls, offers: Sequence[Offer], which: np.ndarray) -> tuple["Catalogue", np.ndarray]:
        """From the offers that decisions made, offers[which]; beside it which of the catalogue's
        each is: (decisions,)."""
        counts = np.bincount(which, minlength=len(offers))
        made = sorted((offer, number) for number, offer in enumerate(offers) if counts[number])
        place = np.zeros(len(offers), int)
        place[[number for _, number in made]] = np.arange(len(made))
        logs = np.log1p([price for (_, price), _ in made])
        return cls([offer for offer, _ in made], [int(counts[number]) for _, number in made],
                   float(logs.mean()), float(logs.std() or 1.0)), place[which]

    @property
    def kinds(self) -> list[str]:
        return sorted({kind for kind, _ in self.offers})

    def describe(self, offers: Sequence[Offer]) -> np.ndarray:
        """u of each offer: (offers, 2 + types + offers seen)."""
        kinds, known = self.kinds, {tuple(offer): at for at, offer in enumerate(self.offers)}
        found = np.zeros((len(offers), 2 + len(kinds) + len(known)))
        for row, (kind, price) in enumerate(offers):
            found[row, :2] = 1, (math.log1p(price) - self.mean) / self.spread
            if kind in kinds:
                found[row, 2 + kinds.index(kind)] = 1
            if (kind, price) in known:
                found[row, 2 + len(kinds) + known[kind, price]] = 1
        return found


@dataclass
class EffectsModel:
    """A fitted model; `model.json` beside it holds its encoding and description."""

    encoding: Encoding
    bins: Bins
    catalogue: Catalogue
    weights: np.ndarray  # W: (2 + types + offers seen, bins)
    per_price: float  # what a purchase brings, of an offer's price, over all offers
    amounts: np.ndarray  # what a purchase brings: (offers seen,)
    rest: np.ndarray  # what the offer adds to the rest of the label: (offers seen,)
    usual: np.ndarray  # what a user spends in that rest: (bins,)
    description: dict = field(default_factory=dict)
    known: dict = field(default_factory=dict, repr=False)  # of one_request, by offers

    def of_offers(self, offers: Sequence[Offer]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of each offer: its weights (offers, bins), what a purchase of it brings and what it
        adds to the rest, (offers,) both; of an offer never seen, by its type and price."""
        at = {tuple(offer): number for number, offer in enumerate(self.catalogue.offers)}
        places = [at.get((kind, float(price))) for kind, price in offers]
        return (self.catalogue.describe(offers) @ self.weights,
                np.array([self.per_price * float(offer[1]) if place is None
                          else self.amounts[place]
                          for offer, place in zip(offers, places, strict=True)]),
                np.array([0.0 if place is None else self.rest[place] for place in places]))

    def predict(self, features: dict, offers: Sequence[Offer]) -> np.ndarray:
        """Expected revenue of each offer (type, price), in currency units: (offers,)."""
        at = self.bins.row(self.encoding.row(features))
        by_bin, amounts, rest = self.one_request(tuple(offers))
        odds = np.add.reduce(by_bin.take(at, 0), axis=0)
        return amounts / (1 + np.exp(-odds)) + rest + np.add.reduce(self.usual.take(at))

    def one_request(self, offers: tuple) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What `of_offers` says, with the weights by bin: (bins, offers)."""
        if offers not in self.known:
            if len(self.known) > 1000:
                self.known.clear()
            weights, amounts, rest = self.of_offers([(kind, float(price))
                                                     for kind, price in offers])
            self.known[offers] = np.ascontiguousarray(weights.T), amounts, rest
        return self.known[offers]

    def predict_rows(self, table: dict[str, Sequence]) -> np.ndarray:
        """Expected revenue of each row: (rows,)."""
        at = self.rows(table)
        early, rest = self.parts(at, *offers_of(table))
        return early + rest

    def rest_of(self, table: dict[str, Sequence]) -> np.ndarray:
        """Of each row, what is expected after the part that is known early: (rows,)."""
        return self.parts(self.rows(table), *offers_of(table))[1]

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
            "usual": self.usual.tolist()})

    @classmethod
    def from_string(cls, text: str, encoding: Encoding, description: dict) -> "EffectsModel":
        told = json.loads(text)
        catalogue = told["catalogue"]
        catalogue["offers"] = [tuple(offer) for offer in catalogue["offers"]]
        arrays = {name: np.array(told[name]) for name in ("weights", "amounts", "rest", "usual")}
        return cls(encoding, Bins(**told["bins"]), Catalogue(**catalogue),
                   per_price=told["per_price"], description=description, **arrays)

    def feature_importance(self, _: str) -> list[float]:
        """Sum of squared weights by feature, then of the offer's type and price."""
        squares = (self.weights**2).sum(axis=0)
        ends = [*self.bins.first, self.bins.size]
        kinds = len(self.catalogue.kinds)
        return [*(float(squares[start:end].sum())
                  for start, end in pairwise(ends)),
                float((self.weights[2:2 + kinds] ** 2).sum()),
                float((self.weights[1] ** 2).sum())]


def feature_matrix(encoding: Encoding, table: dict[str, Sequence]) -> np.ndarray:
    """(rows, features) without the offer: codes of categories, numbers, NaN where missing."""
    columns = [encoding.column(column, table) for column in encoding.columns[:-2]]
    return np.column_stack(columns) if columns else np.empty((len(table["offer_type"]), 0))


def offers_of(table: dict[str, Sequence]) -> tuple[list[Offer], np.ndarray]:
    """The offers that rows made, and which of them each did: (rows,)."""
    index: dict[tuple[str, float | Decimal], int] = {}
    which = np.array([index.setdefault(offer, len(index)) for offer in zip(
        table["offer_type"], table["offer_price"], strict=True)], np.int64)
    return [(kind, float(price)) for kind, price in index], which
