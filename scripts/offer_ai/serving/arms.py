"""Who is outside the policy, to measure its lift by."""

import hashlib
from dataclasses import dataclass

import numpy as np

from offer_ai.base import declarations
from offer_ai.base.actions import Actions, as_texts
from offer_ai.learning.candidates import Candidate, Offer

POLICY, HOLDOUT = "policy", "holdout"


@dataclass(frozen=True)
class Holdout:
    """A share of users that get the status quo: each candidate alike, or one named offer."""

    share: float = 0.0
    offer: Offer | None = None

    @classmethod
    def declared(cls, point: dict, actions: Actions) -> "Holdout":
        """As dbt_project.yml says of a decision point; raises ValueError, in one sentence."""
        variables = declarations.variables()
        is_shipped = point["name"] == declarations.OFFERS
        place, offer = ("holdout_offer", variables.get("holdout_offer")) if is_shipped else (
            f"decision_points, {point['name']}: status_quo", point["status_quo"])
        share = variables.get("holdout_share") or 0
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
            raise ValueError(f"dbt_project.yml: holdout_share {share!r} is no share from 0 to 1.")
        if offer is None:
            return cls(float(share))
        try:
            return cls(float(share), actions.read(offer))
        except (AttributeError, ValueError) as error:
            needed = " and ".join(f"an {name}" if name[0] in "aeiou" else f"a {name}"
                                  for name in actions.names)
            raise ValueError(f"dbt_project.yml: {place} needs {needed}, or is null.") from error

    def arm_of(self, user_id: str) -> str:
        """The user's arm: the same on any machine at any time, and for a greater share, too."""
        return HOLDOUT if place_of(user_id) < self.share else POLICY

    @property
    def version(self) -> str:
        """What stands for a policy's version in decisions for the holdout."""
        if self.offer is None:
            return "holdout-uniform"
        return "-".join(["holdout", *as_texts(self.offer)])

    def chances(self, offers: list[Candidate]) -> np.ndarray:
        """Chance of each eligible candidate, (offers,); all alike where the named one is none."""
        named = np.array([candidate.offer == self.offer for candidate in offers], float)
        return named if named.any() else np.full(len(offers), 1 / len(offers))


def place_of(user_id: str) -> float:
    """Where a user lies in [0, 1), by a hash that nothing else uses."""
    digest = hashlib.md5(f"holdout|{user_id}".encode(), usedforsecurity=False).hexdigest()
    return int(digest[:8], 16) / 2**32
