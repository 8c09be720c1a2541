"""The offers that can be made."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from offer_ai.base.settings import ROOT

CANDIDATES = ROOT / "seeds" / "offer_candidates.csv"


def candidates(path: Path = CANDIDATES) -> list[tuple[str, float]]:
    """The offers that can be made, (type, price) each, in the order of the file."""
    with path.open(newline="") as file:
        return [(row["offer_type"], float(row["offer_price"])) for row in csv.DictReader(file)]


def index_of(offers: Sequence[tuple[str, float]], kinds: Sequence, prices: Sequence) -> np.ndarray:
    """Which candidate each (kind, price) is; -1 for none."""
    known = {offer: index for index, offer in enumerate(offers)}
    return np.array([known.get((kind, float(price)), -1)
                     for kind, price in zip(kinds, prices, strict=True)])
