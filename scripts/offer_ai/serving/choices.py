"""What is chosen among candidates, and what another policy makes of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from offer_ai.learning.candidates import Candidate
from offer_ai.learning.policies import Policy


@dataclass(frozen=True)
class Choice:
    """An offer that is made, with its probability; None where nobody knows that."""

    offer_type: str
    offer_price: Decimal
    propensity: float | None = None


def lacking(policy: Policy, missing: list[str]) -> str:
    return (f"{policy.version} asks for the feature {missing[0]}, which the feature store lacks: "
            "train a model on what is declared now")


def as_floats(among: Sequence[Candidate]) -> list[tuple[str, float]]:
    return [(one.offer_type, float(one.offer_price)) for one in among]


def as_target(policy: Policy, features: dict, among: list[Candidate], made: Choice) -> dict:
    """What a policy would have done, and what it makes of the offer that is made."""
    offers = as_floats(among)
    chances, predicted = policy.choose(features, offers)
    favourite, offer = among[int(chances.argmax())], (made.offer_type, float(made.offer_price))
    if offer in offers:
        chance, worth = (float(values[offers.index(offer)]) for values in (chances, predicted))
    else:
        chance, worth = 0.0, float(policy.choose(features, [offer])[1][0])
    return {"policy_version": policy.version, "offer_type": favourite.offer_type,
            "offer_price": favourite.price_text, "propensity": chance, "predicted": worth,
            "value": float(chances @ predicted)}
