"""Which offer to make: a model's favourite, and now and then another."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from offer_ai.learning.revenue_model import RevenueModel

PROMOTED, CHALLENGER = "promoted.json", "challenger.json"
EPSILON_GREEDY, THOMPSON = "epsilon-greedy", "thompson"


def epsilon_greedy(predicted: np.ndarray, epsilon: float) -> np.ndarray:
    """Probability of each candidate, shaped as `predicted` (..., candidates).

    The one with the highest prediction (the first of equals) is made with probability
    1 - epsilon + epsilon / candidates, each other with the floor epsilon / candidates.
    """
    return thompson(predicted[None], epsilon)


def thompson(predicted: np.ndarray, epsilon: float) -> np.ndarray:
    """Probability of each candidate (..., candidates), of predictions (models, ..., candidates).

    With probability 1 - epsilon a model drawn at random makes its favourite (the first of
    equals), else each candidate has the same chance: the floor is epsilon / candidates.
    Source: Eckles, Kaptein, Thompson Sampling with the Online Bootstrap (2014).
    """
    count = predicted.shape[-1]
    favourites = predicted.argmax(axis=-1)[..., None] == np.arange(count)
    return (1 - epsilon) * favourites.mean(axis=0) + epsilon / count


@dataclass(frozen=True)
class Policy:
    """A rule over the predictions of a model, or of its bootstrapped copies."""

    version: str
    models: list[RevenueModel]
    rule: str
    epsilon: float

    @classmethod
    def load(cls, folder: Path, rule: str, epsilon: float, held_out: bool = False) -> "Policy":
        """From a folder that train.py wrote; `held_out` for the twin that knows no late day.

        Raises ValueError when the folder has no copies for Thompson sampling.
        """
        name = "held_out" if held_out else "model"
        paths = [folder / f"{name}.txt"] if rule == EPSILON_GREEDY else sorted(
            folder.glob(f"{name}-*.txt"))
        if not paths:
            raise ValueError(f"{folder} holds no bootstrapped models: run train.py --bootstraps 10")
        return cls(folder.name, [RevenueModel.load(folder, path.name) for path in paths],
                   rule, epsilon)

    @classmethod
    def at(cls, pointer: Path) -> "Policy":
        """The policy that a pointer file beside the models names."""
        told = json.loads(pointer.read_text())
        return cls.load(pointer.parent / told["model"], told["rule"], told["epsilon"])

    def choose(
        self, features: dict, offers: Sequence[tuple[str, float]]
    ) -> tuple[np.ndarray, np.ndarray]:
        """The chance of each offer and the revenue predicted for it, (offers,) both."""
        return self.of_predictions(
            np.array([model.predict(features, offers) for model in self.models]))

    def of_predictions(self, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Chances and mean predictions (..., candidates) of predictions (models, ...)."""
        return thompson(predicted, self.epsilon), predicted.mean(axis=0)
