"""What is chosen among candidates, and what another policy makes of it."""

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import accumulate
from math import isfinite
from typing import NamedTuple

import numpy as np

from offer_ai.base.actions import Actions, numbers
from offer_ai.features.request_time import Value, as_json
from offer_ai.learning.candidates import Candidate, Offer
from offer_ai.learning.policies import Policy

FALLBACK, CALLER = "fallback-uniform", "caller"


class Asked(NamedTuple):
    """A request: who asks, when (UTC), and the fields that it gives."""

    user_id: str
    session_id: str
    at: datetime
    given: Mapping[str, Value]

    @property
    def fields(self) -> dict:
        """What its event says of it; fields that were not given are not there."""
        return {name: as_json(value) for name, value in self.given.items() if value is not None
                } | {"event_time": as_json(self.at.replace(tzinfo=None)),
                     "customer_identifier": self.user_id, "session_id": self.session_id}


@dataclass(frozen=True)
class Choice:
    """An offer that is made, with its probability; None where nobody knows that."""

    offer: Offer
    propensity: float | None = None


def unusable(policy: Policy, known: Collection[str], actions: Actions) -> str | None:
    """Why a policy cannot be asked, of what is known; None where it can be."""
    if policy.action != actions.names:
        return (f"{policy.version} chooses by {', '.join(policy.action)}, and the declared action "
                f"is {', '.join(actions.names)}: train a model on what is declared now")
    if missing := policy.lacks(known):
        return (f"{policy.version} asks for the feature {missing[0]}, which the feature store "
                "lacks: train a model on what is declared now")
    return None


def noted(features: Mapping[str, Value] | None) -> dict:
    """Features as a decision notes them, in JSON: amounts, times, dates and whole numbers of more
    than 64 bits are text."""
    return {name: value if value is None or isinstance(value, (bool, float)) or (
                isinstance(value, int) and -2**63 <= value < 2**63) else str(value)
            for name, value in (features or {}).items()}


def finite(features: Mapping[str, Value]) -> dict[str, Value]:
    """A number that is none is null: no model and no answer can carry it."""
    return {name: None if isinstance(value, float | Decimal) and not isfinite(value) else value
            for name, value in features.items()}


def as_floats(among: Sequence[Candidate]) -> list[tuple[str | float, ...]]:
    return [one.as_float for one in among]


def version_of(policy: Policy | None) -> str:
    return policy.version if policy else FALLBACK


def in_place(policy: Policy | None) -> dict:
    """What is noted of the policy that is promoted."""
    if policy is None:
        return {"in_place": FALLBACK}
    first, last = policy.description["training"]["days"]["model"]
    return {"in_place": policy.version, "fitted": {"first": first, "last": last}}


def chances_of(policy: Policy | None, features: dict, among: Sequence[Candidate]) -> list[float]:
    """The chance of each candidate, in their order; without a policy all have the same."""
    if policy is None:
        return [1 / len(among)] * len(among)
    chances, _ = policy.choose(features, as_floats(among))
    return (chances / np.add.reduce(chances)).tolist()


def drawn(chances: Sequence[float], chance: float) -> int:
    """Which of several is made, each with its chance, by a random number of [0, 1)."""
    ends = list(accumulate(chances))
    return bisect_right([end / ends[-1] for end in ends], chance)


def as_target(policy: Policy, features: dict, among: list[Candidate], made: Choice,
              actions: Actions) -> dict:
    """What a policy would have done, and what it makes of the offer that is made."""
    offers = as_floats(among)
    chances, predicted = policy.choose(features, offers)
    favourite, offer = among[int(chances.argmax())], numbers(made.offer)
    if offer in offers:
        chance, worth = (float(values[offers.index(offer)]) for values in (chances, predicted))
    else:
        chance, worth = 0.0, float(policy.choose(features, [offer])[1][0])
    return {"policy_version": policy.version, **actions.told(favourite.offer),
            "propensity": chance, "predicted": worth, "value": float(chances @ predicted)}
