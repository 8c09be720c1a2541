"""What each decision could have offered, as it was logged: never as the seed is today."""

import json
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from offer_ai.base.actions import Actions
from offer_ai.learning.off_policy import is_unlikely

Offer = tuple[str | float, ...]


@dataclass(frozen=True)
class LoggedCandidates:
    """Candidates of decisions, over all offers that any of them had.

    `is_candidate` and `probability` (NaN where nobody knows it or it was none) are (decisions,
    offers); `made` (decisions,) is the index of the offer that was made, -1 when it was not
    among the candidates.
    """

    offers: list[Offer]
    is_candidate: np.ndarray
    probability: np.ndarray
    made: np.ndarray

    @classmethod
    def of(cls, table: dict[str, list], actions: Actions) -> "LoggedCandidates":
        """From a training table (column name to values); a decision without any has none."""
        lists = [read(text, actions) for text in table["candidates"]]
        offers = sorted({offer for found in lists for offer in found})
        index = {offer: number for number, offer in enumerate(offers)}
        probability = np.full((len(lists), len(offers)), np.nan)
        is_candidate = np.zeros(probability.shape, bool)
        for row, found in enumerate(lists):
            for offer, chance in found.items():
                is_candidate[row, index[offer]] = True
                probability[row, index[offer]] = np.nan if chance is None else chance
        made = [index.get(offer, -1) for offer in actions.rows(table)]
        made = [at if at >= 0 and is_candidate[row, at] else -1 for row, at in enumerate(made)]
        return cls(offers, is_candidate, probability, np.array(made, int))

    @property
    def are_logged(self) -> np.ndarray:
        """Which decisions have candidates, (decisions,)."""
        return self.is_candidate.any(axis=1)

    @property
    def is_open(self) -> np.ndarray:
        """Which decisions could have gone to each of their candidates, (decisions,)."""
        return ~(self.probability <= 0).any(axis=1)

    def are_shares_wrong(self) -> bool:
        """Whether offers were made in other shares than their probabilities say (p < 0.001)."""
        known = ~np.isnan(np.where(self.is_candidate, self.probability, 0)).any(axis=1)
        known &= self.are_logged & (self.made >= 0)
        if not known.any():
            return False
        made = np.bincount(self.made[known], minlength=len(self.offers))
        return is_unlikely(made, np.nansum(self.probability[known], axis=0))


@lru_cache(10_000)
def read(text: str | None, actions: Actions) -> dict[Offer, float | None]:
    """The probability of each candidate in the logged JSON; nothing where it cannot be read."""
    if text is None:
        return {}
    try:
        return {
            tuple(str(one[name]) if kind == "text" else float(one[name])
                  for name, kind in zip(actions.names, actions.kinds, strict=True)):
                None if one["probability"] is None else float(one["probability"])
            for one in json.loads(text)}
    except (ValueError, TypeError, KeyError):
        return {}
