"""Which offer to make: a model's favourite, and now and then another."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

CANDIDATES = Path(__file__).parents[1] / "seeds" / "offer_candidates.csv"


def candidates(path: Path = CANDIDATES) -> list[tuple[str, float]]:
    """The offers that can be made, (type, price) each, in the order of the file."""
    with path.open(newline="") as file:
        return [(row["offer_type"], float(row["offer_price"])) for row in csv.DictReader(file)]


def epsilon_greedy(predicted: np.ndarray, epsilon: float) -> np.ndarray:
    """Probability of each candidate, shaped as `predicted` (..., candidates).

    The one with the highest prediction (the first of equals) is made with probability
    1 - epsilon + epsilon / candidates, each other with the floor epsilon / candidates.
    """
    count = predicted.shape[-1]
    probability = np.full(predicted.shape, epsilon / count)
    best = predicted.argmax(axis=-1)[..., None]
    np.put_along_axis(probability, best, 1 - epsilon + epsilon / count, axis=-1)
    return probability


def index_of(offers: Sequence[tuple[str, float]], kinds: Sequence, prices: Sequence) -> np.ndarray:
    """Which candidate each (kind, price) is; -1 for none."""
    known = {offer: index for index, offer in enumerate(offers)}
    return np.array([known.get((kind, float(price)), -1)
                     for kind, price in zip(kinds, prices, strict=True)])
