"""Which offer to make: a model's favourite, and now and then another."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from offer_ai.learning.revenue_model import OFFER, RevenueModel

PROMOTED, CHALLENGER = "promoted.json", "challenger.json"
EPSILON_GREEDY, THOMPSON = "epsilon-greedy", "thompson"


def epsilon_greedy(predicted: np.ndarray, epsilon: float) -> np.ndarray:
    """Probability of each candidate, shaped as `predicted` (..., candidates).

    The one with the highest prediction is made with probability 1 - epsilon + epsilon /
    candidates, each other with the floor epsilon / candidates; equals share alike.
    """
    return thompson(predicted[None], epsilon)


def thompson(predicted: np.ndarray, epsilon: float,
             is_candidate: np.ndarray | None = None) -> np.ndarray:
    """Probability of each candidate (..., candidates), of predictions (models, ..., candidates).

    With probability 1 - epsilon a model drawn at random makes its favourite (one of equals, at
    random), else each candidate has the same chance: the floor is epsilon / candidates. Where
    `is_candidate` (..., candidates) is false, the chance is 0.
    Source: Eckles, Kaptein, Thompson Sampling with the Online Bootstrap (2014).
    """
    if is_candidate is None:
        is_candidate = np.ones(predicted.shape[1:], bool)
    predicted = np.where(is_candidate, predicted, -np.inf)
    favourites = (predicted == predicted.max(axis=-1, keepdims=True)) & is_candidate
    share = favourites / np.maximum(favourites.sum(axis=-1, keepdims=True), 1)
    count = np.maximum(is_candidate.sum(axis=-1, keepdims=True), 1)
    return (1 - epsilon) * share.mean(axis=0) + epsilon * is_candidate / count


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

        Raises OSError when a file is missing and ValueError when one is not what train.py
        wrote, or the folder has no copies for Thompson sampling.
        """
        if not (folder / "model.json").exists():
            raise FileNotFoundError(f"{folder} holds no model that train.py wrote")
        name = "held_out" if held_out else "model"
        paths = [folder / f"{name}.txt"] if rule == EPSILON_GREEDY else sorted(
            folder.glob(f"{name}-*.txt"))
        if not paths:
            raise ValueError(f"{folder} holds no bootstrapped models: run train.py --bootstraps 10")
        return cls(folder.name, [RevenueModel.load(folder, path.name) for path in paths],
                   rule, epsilon)

    @classmethod
    def at(cls, pointer: Path) -> "Policy":
        """The policy that a pointer file beside the models names.

        Raises OSError, ValueError and KeyError when it names none that can be used.
        """
        told = json.loads(pointer.read_text())
        return cls.load(pointer.parent / told["model"], told["rule"], told["epsilon"])

    def choose(
        self, features: dict, offers: Sequence[tuple[str, float]]
    ) -> tuple[np.ndarray, np.ndarray]:
        """The chance of each offer and the revenue predicted for it, (offers,) both."""
        return self.of_predictions(
            np.array([model.predict(features, offers) for model in self.models]))

    def of_predictions(self, predicted: np.ndarray, is_candidate: np.ndarray | None = None
                       ) -> tuple[np.ndarray, np.ndarray]:
        """Chances and mean predictions (..., candidates) of predictions (models, ...)."""
        return thompson(predicted, self.epsilon, is_candidate), predicted.mean(axis=0)

    @property
    def description(self) -> dict:
        """What train.py wrote of the model."""
        return self.models[0].description

    @property
    def kind(self) -> tuple:
        """What a refreshed model has in common with the one before."""
        return (self.rule, self.epsilon, self.description["label"],
                tuple(self.models[0].encoding.names))

    def lacks(self, features: Collection[str]) -> list[str]:
        """The features that the model asks for and that are not among these."""
        offer = {column["name"] for column in OFFER}
        return [name for name in self.models[0].encoding.names
                if name not in offer and name not in features]
