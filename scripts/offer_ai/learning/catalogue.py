"""The offers (any point's actions) that were seen, and how any offer is described by numbers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Offer = tuple[str | float, ...]

POWERS = 2  # of the log of a number: who buys what is cheap need not buy what is cheaper still
FAR = 2.0  # spreads from the mean: farther away the log alone goes on


@dataclass(frozen=True)
class Catalogue:
    """The offers that were seen in training, and how any offer is described."""

    offers: list[Offer]
    counts: list[int]  # decisions for each, all that were seen
    mean: list[float]  # of the log of each number: of the price
    spread: list[float]
    price: int | None = 1  # which of an offer's values it is
    powers: int = 1  # as in older versions

    @classmethod
    def of(cls, offers: Sequence[Offer], which: np.ndarray, price: int | None = 1
           ) -> tuple["Catalogue", np.ndarray]:
        """From the offers that decisions made, offers[which]; beside it which of the catalogue's
        each is: (decisions,)."""
        counts = np.bincount(which, minlength=len(offers))
        made = sorted((offer, number) for number, offer in enumerate(offers) if counts[number])
        place = np.zeros(len(offers), int)
        place[[number for _, number in made]] = np.arange(len(made))
        seen = [offer for offer, _ in made]
        logs = [[log_of(offer[at]) for offer in seen] for at in numeric(seen)]
        return cls(seen, [int(counts[number]) for _, number in made],
                   [float(np.mean(of)) for of in logs],
                   [float(np.std(of) or 1.0) for of in logs], price, POWERS), place[which]

    @property
    def numbers(self) -> int:
        """How many of u tell of numbers."""
        return self.powers * len(self.mean)

    @property
    def kinds(self) -> list[tuple[int, str]]:
        """Every text that an offer has, with which of its values it is."""
        return sorted({(at, value) for offer in self.offers for at, value in enumerate(offer)
                       if isinstance(value, str)})

    def prices(self, offers: Sequence[Offer]) -> np.ndarray:
        """(offers,); 1 where an offer has none."""
        return np.array([1.0 if self.price is None else offer[self.price] for offer in offers])

    def places(self) -> list[list[int]]:
        """Which of u hold each value of an offer, in the order of its values."""
        first, columns = 1 + self.numbers, numeric(self.offers)
        return [[*range(1 + columns.index(at), first, len(columns))] if at in columns else
                [first + number for number, (of, _) in enumerate(self.kinds) if of == at]
                for at in range(len(self.offers[0]))]

    def describe(self, offers: Sequence[Offer]) -> np.ndarray:
        """u of each offer: (offers, 1 + powers of numbers + texts + offers seen)."""
        known = {tuple(offer): at for at, offer in enumerate(self.offers)}
        kinds, first = self.kinds, 1 + self.numbers
        index = {kind: first + number for number, kind in enumerate(kinds)}
        found = np.zeros((len(offers), first + len(kinds) + len(known)))
        for row, offer in enumerate(offers):
            logs = np.array([
                (log_of(offer[at]) - mean) / spread for at, mean, spread in zip(
                    numeric(self.offers), self.mean, self.spread, strict=True)])
            squares = np.clip(logs, -FAR, FAR) ** 2 - 1
            found[row, :first] = np.concatenate([[1], logs, squares])[:first]
            for kind in enumerate(offer):
                if kind in index:
                    found[row, index[kind]] = 1
            if offer in known:
                found[row, first + len(kinds) + known[offer]] = 1
        return found


def numeric(offers: Sequence[Offer]) -> list[int]:
    """Which of the values of offers are numbers."""
    return [at for at, value in enumerate(offers[0]) if not isinstance(value, str)]


def log_of(number: float) -> float:
    """Of a price log(1 + price); of a number below 0, the same on the other side of 0."""
    return math.copysign(math.log1p(abs(number)), number)
