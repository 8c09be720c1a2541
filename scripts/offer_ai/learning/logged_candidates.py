"""What each decision could have offered, as it was logged: never as the seed is today."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from offer_ai.base.actions import TRUTHS, Actions, numbers
from offer_ai.base.sql import sql_text
from offer_ai.learning.coded import codes_of
from offer_ai.learning.off_policy import is_unlikely

Offer = tuple[str | float, ...]
CANDIDATES = "candidates"  # the column of a training table
AT_ONCE = 100_000  # decisions that are read together: each of their candidates is a row


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
    def of(cls, table: Mapping[str, Sequence], actions: Actions) -> "LoggedCandidates":
        """From a training table (column name to values); a decision without any has none."""
        texts = table[CANDIDATES]
        parts = {first: read(texts[first:first + AT_ONCE], actions)
                 for first in range(0, len(texts), AT_ONCE)}
        offers = sorted({offer for *_, some in parts.values() for offer in some})
        index = {offer: number for number, offer in enumerate(offers)}
        found = np.full((len(texts), len(offers)), np.nan)
        is_candidate = np.zeros(found.shape, bool)
        for first, (decision, offer, probability, some) in parts.items():
            at = first + decision, np.array([index[offer] for offer in some], int)[offer]
            found[at], is_candidate[at] = probability, True
        told, which = distinct_rows([pa.array(table[name]) for name in actions.names])
        made = np.array([index.get(numbers(one), -1) for one in told], int)[which]
        rows = np.flatnonzero(made >= 0)
        made[rows[~is_candidate[rows, made[rows]]]] = -1
        return cls(offers, is_candidate, found, made)

    def chances(self, offers: Sequence[Offer], rows: np.ndarray) -> np.ndarray:
        """In some rows, the chance of each of `offers`, 0 of one that was no candidate: (rows,
        offers); NaN where a decision's are not known, or what was made was none of its candidates.
        """
        index = {offer: number for number, offer in enumerate(self.offers)}
        found = np.zeros((len(rows), len(offers)))
        for place, offer in enumerate(offers):
            if (at := index.get(offer)) is not None:
                found[:, place] = np.where(
                    self.is_candidate[rows, at], self.probability[rows, at], 0.0)
        found[(self.made[rows] < 0) | np.isnan(found).any(axis=1)] = np.nan
        return found

    def rows(self, rows: np.ndarray) -> "LoggedCandidates":
        """Those of some decisions, over the offers that any of these had."""
        is_there = self.is_candidate[rows].any(axis=0)
        made = self.made[rows]
        return LoggedCandidates(
            [offer for offer, is_one in zip(self.offers, is_there, strict=True) if is_one],
            self.is_candidate[rows][:, is_there], self.probability[rows][:, is_there],
            np.where(made < 0, -1, (is_there.cumsum() - 1)[made]))

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


def read(texts: Sequence[str | None], actions: Actions
         ) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[Offer]]:
    """The candidates of decisions from the JSON that was logged of each: whose it is, which of
    the offers, its probability, (candidates,) each, and the offers, in order. None of a decision
    whose JSON cannot be read."""
    form = json.dumps([dict.fromkeys(actions.names, "VARCHAR") | {"probability": "DOUBLE"}])
    logged = pa.table({"decision": np.arange(len(texts)), "text": (
        texts if isinstance(texts, pa.ChunkedArray) else pa.array(texts, pa.string()))})
    with duckdb.connect() as con:
        con.register("logged", logged)
        found = con.execute(f"""
            select decision, from_json(try_cast(text as json), {sql_text(form)}) as found
            from logged
            where found is not null""").to_arrow_table().combine_chunks()
    lists = found["found"].combine_chunks()
    decision = np.repeat(found["decision"].to_numpy(), np.diff(lists.offsets.to_numpy()))
    *columns, probability = lists.flatten().flatten()
    probability = probability.to_numpy(zero_copy_only=False)
    told, which = distinct_rows(columns)
    actions_told = [as_offer(one, actions) for one in told]
    offers = sorted({one for one in actions_told if one is not None})
    index = {one: number for number, one in enumerate(offers)}
    offer = np.array([index.get(one, -1) for one in actions_told], int)[which]
    if (offer < 0).any():
        is_read = ~np.isin(decision, decision[offer < 0])
        decision, offer, probability = decision[is_read], offer[is_read], probability[is_read]
    return decision, offer, probability, offers


def as_offer(told: Sequence[str | None], actions: Actions) -> Offer | None:
    """An action from the text of its values; None where that says none."""
    if None in told:
        return None
    try:
        return tuple(
            value if kind == "text" else float(TRUTHS[value] if kind == "boolean" else value)
            for value, kind in zip(told, actions.kinds, strict=True))
    except (ValueError, KeyError):
        return None


def distinct_rows(columns: Sequence[pa.Array]) -> tuple[list[tuple], np.ndarray]:
    """The distinct rows of columns, and which of these each row is: (rows,)."""
    code = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        encoded = column.dictionary_encode(null_encoding="encode")
        code = code * len(encoded.dictionary) + encoded.indices.to_numpy()
    first, which = codes_of(code)
    return list(zip(*(column.take(pa.array(first)).to_pylist() for column in columns),
                    strict=True)), which
