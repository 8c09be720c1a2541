"""The chances of one request, in plain floats: the same numbers, to the last bit, as `thompson`
and `inverse_gap` of policies.py give for a table of one row, in a tenth of the time."""

from collections.abc import Sequence

import numpy as np

MAX_KNOWN = 1000  # sets of offers that are remembered


def remember(known: dict, offers: tuple, found: tuple) -> None:
    """Keeps what was found of these offers for the next request; one of another thread may forget
    it at any time."""
    if len(known) > MAX_KNOWN:
        known.clear()
    known[offers] = found


def summed(values: Sequence[float]) -> float:
    """The sum as numpy adds up: eight and more values not one after another."""
    return float(np.add.reduce(values)) if len(values) >= 8 else sum(values)


def thompson_of_one(predicted: Sequence[Sequence[float]], epsilon: float) -> list[float]:
    """Probability of each candidate, of predictions (models, candidates)."""
    count = len(predicted[0])
    shares = [0.0] * count
    for values in predicted:
        best = max(values)
        share = 1 / values.count(best)
        for number, value in enumerate(values):
            if value == best:
                shares[number] += share
    return [(1 - epsilon) * (share / len(predicted)) + epsilon / count for share in shares]


def inverse_gap_of_one(predicted: Sequence[float], hope: Sequence[float], gamma: float,
                       epsilon: float) -> list[float]:
    """Probability of each candidate, of predictions and hopes (candidates,)."""
    best, count = max(predicted), len(predicted)
    others = [0.0 if value == best else 1 / (count + gamma * max(best - value - more, 0.0))
              for value, more in zip(predicted, hope, strict=True)]
    share = (1 - summed(others)) / predicted.count(best)
    return [(1 - epsilon) * (share if value == best else other) + epsilon / count
            for value, other in zip(predicted, others, strict=True)]
