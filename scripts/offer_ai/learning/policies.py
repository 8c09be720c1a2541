"""Which offer to make: a model's favourite, and now and then another."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from offer_ai.base.actions import numbers
from offer_ai.learning.model_files import load_model
from offer_ai.learning.one_request import inverse_gap_of_one, remember, thompson_of_one
from offer_ai.learning.revenue_model import Encoding

PROMOTED, CHALLENGER = "promoted.json", "challenger.json"
EPSILON_GREEDY, THOMPSON, INVERSE_GAP = "epsilon-greedy", "thompson", "inverse-gap"

# By inverse gaps a candidate that was made less often than that has this chance at least, all
# such together at most that: a model knows little of it, and that little is of others.
NEW_COUNT, NEW_CHANCE, MAX_NEW = 1_000, 0.05, 0.45


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


def inverse_gap(predicted: np.ndarray, gamma: float, epsilon: float,
                is_candidate: np.ndarray | None = None, hope: np.ndarray | float = 0.0
                ) -> np.ndarray:
    """Probability of each candidate, shaped as `predicted` (..., candidates).

    Of K candidates one that is predicted to earn g less than the favourite is made with
    1 / (K + gamma * g), the favourite with what is left, equals sharing alike; mixed with the
    floor epsilon / K. Where `is_candidate` is false, the chance is 0. Of each gap `hope`
    (candidates,) is taken off, by how much one may well be better than predicted: then it is made
    as one of K, until that is known, while the favourite stays the one that is predicted best.
    Source: Foster, Rakhlin, Beyond UCB (2020), algorithm 1.
    """
    if is_candidate is None:
        is_candidate = np.ones(predicted.shape, bool)
    values = np.where(is_candidate, predicted, -np.inf)
    best = values.max(axis=-1, keepdims=True)
    favourites = (values == best) & is_candidate
    count = np.maximum(is_candidate.sum(axis=-1, keepdims=True), 1)
    with np.errstate(invalid="ignore"):
        others = np.where(favourites | ~is_candidate, 0, 1 / (
            count + gamma * np.maximum(best - values - hope, 0.0)))
    left = 1 - others.sum(axis=-1, keepdims=True)
    chances = others + favourites * left / np.maximum(favourites.sum(axis=-1, keepdims=True), 1)
    return (1 - epsilon) * chances * is_candidate + epsilon * is_candidate / count


def of_new(is_new: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What new candidates (..., candidates) leave of each chance, (..., 1), and what they get on
    top, (..., candidates)."""
    new = NEW_CHANCE * is_new
    total = new.sum(axis=-1, keepdims=True)
    part = np.minimum(total, MAX_NEW)
    # Where there is no candidate at all, nothing is made.
    return 1 - part, new * part / np.maximum(total, NEW_CHANCE)


@dataclass(frozen=True)
class Policy:
    """A rule over the predictions of a model, or of its bootstrapped copies."""

    version: str
    models: list  # of RevenueModel or EffectsModel
    rule: str
    epsilon: float
    known: dict = field(default_factory=dict, repr=False, compare=False)  # of _of_one, by offers

    @classmethod
    def load(cls, folder: Path, rule: str, epsilon: float, held_out: bool = False) -> "Policy":
        """From a folder that train.py wrote; `held_out` for the twin that knows no late day.

        Raises OSError when a file is missing and ValueError when one is not what train.py
        wrote, or the folder has no copies for Thompson sampling.
        """
        if not (folder / "model.json").exists():
            raise FileNotFoundError(f"{folder} holds no model that train.py wrote")
        name = "held_out" if held_out else "model"
        paths = [folder / f"{name}.txt"] if rule != THOMPSON else sorted(
            folder.glob(f"{name}-*.txt"))
        if not paths:
            raise ValueError(f"{folder} holds no bootstrapped models: run train.py --bootstraps 10")
        models = [load_model(folder, path.name) for path in paths]
        if rule == INVERSE_GAP and "gamma" not in models[0].description:
            raise ValueError(f"{folder} knows no gamma for {INVERSE_GAP}: "
                             "models of scripts/learn.py do")
        return cls(folder.name, models, rule, epsilon)

    @classmethod
    def at(cls, pointer: Path) -> "Policy":
        """The policy that a pointer file beside the models names.

        Raises OSError, ValueError and KeyError when it names none that can be used.
        """
        told = json.loads(pointer.read_text())
        return cls.load(pointer.parent / told["model"], told["rule"], told["epsilon"])

    def choose(
        self, features: dict, offers: Sequence[tuple[str | float, ...]]
    ) -> tuple[np.ndarray, np.ndarray]:
        """The chance of each offer and the revenue predicted for it, (offers,) both: what
        `of_predictions` says of one row."""
        predicted = [model.predict(features, offers) for model in self.models]
        mean = predicted[0] if len(predicted) == 1 else np.mean(predicted, axis=0)
        if self.rule != INVERSE_GAP:
            return np.array(thompson_of_one(
                [one.tolist() for one in predicted], self.epsilon)), mean
        new, hope = self._of_one(tuple(offers))
        chances = inverse_gap_of_one(mean.tolist(), hope, self.description["gamma"], self.epsilon)
        if new is not None:
            left, added = new
            chances = [chance * left + more for chance, more in zip(chances, added, strict=True)]
        return np.array(chances), mean

    def of_predictions(self, predicted: np.ndarray, is_candidate: np.ndarray | None = None,
                       is_new: np.ndarray | None = None, hope: np.ndarray | float = 0.0
                       ) -> tuple[np.ndarray, np.ndarray]:
        """Chances and mean predictions (..., candidates) of predictions (models, ...).

        By inverse gaps, `is_new` (candidates,) says which get the chance of a new one, and `hope`
        by how much each may well be better, as the methods of these names say.
        """
        mean = predicted.mean(axis=0)
        if self.rule != INVERSE_GAP:
            return thompson(predicted, self.epsilon, is_candidate), mean
        chances = inverse_gap(mean, self.description["gamma"], self.epsilon, is_candidate, hope)
        if is_new is None or not is_new.any():
            return chances, mean
        new = np.broadcast_to(is_new, mean.shape)
        left, added = of_new(new if is_candidate is None else new * is_candidate)
        return chances * left + added, mean

    def is_new(self, offers: Sequence[tuple[str | float, ...]]) -> np.ndarray | None:
        """Which offers the model has seen seldom, (offers,); None where it does not count."""
        catalogue = getattr(self.models[0], "catalogue", None)
        if catalogue is None:
            return None
        seen = dict(zip(catalogue.offers, catalogue.counts, strict=True))
        return np.array([seen.get(numbers(offer), 0) < NEW_COUNT for offer in offers])

    def hope(self, offers: Sequence[tuple[str | float, ...]]) -> np.ndarray:
        """By how much each offer may well be better than its model predicts, (offers,); 0 where
        the model does not say."""
        model = self.models[0]
        return model.hope(offers) if hasattr(model, "hope") else np.zeros(len(offers))

    def _of_one(self, offers: tuple) -> tuple[tuple[float, list[float]] | None, list[float]]:
        """`of_new` of these candidates, None where none is new, and `hope`, in plain floats."""
        if (found := self.known.get(offers)) is None:
            is_new, new = self.is_new(offers), None
            if is_new is not None and is_new.any():
                left, added = of_new(is_new)
                new = left.item(), added.tolist()
            found = new, self.hope(offers).tolist()
            remember(self.known, offers, found)
        return found

    @property
    def description(self) -> dict:
        """What train.py wrote of the model."""
        return self.models[0].description

    @property
    def encoding(self) -> Encoding:
        return self.models[0].encoding

    @cached_property
    def action(self) -> tuple[str, ...]:
        """The columns of what it chooses."""
        return tuple(self.encoding.action)

    @property
    def kind(self) -> tuple:
        """What a refreshed model has in common with the one before.

        By inverse gaps the floor changes after a refusal, and makes no other kind.
        """
        return (self.rule, None if self.rule == INVERSE_GAP else self.epsilon,
                self.description["label"],
                self.description.get("kind"),
                tuple(self.encoding.names))

    @cached_property
    def asks_for(self) -> list[str]:
        """The features that the model asks for."""
        return [column["name"] for column in self.encoding.features]

    def lacks(self, features: Collection[str]) -> list[str]:
        """The features that the model asks for and that are not among these."""
        return [name for name in self.asks_for if name not in features]

    def is_same(self, other: "Policy | None") -> bool:
        """Whether it decides as another one does."""
        return other is not None and (self.version, self.rule, self.epsilon) == (
            other.version, other.rule, other.epsilon)
