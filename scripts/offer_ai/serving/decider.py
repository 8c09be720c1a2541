"""One decision: features of a request, a policy over the candidates, a choice, a log."""

import json
import secrets
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from offer_ai.features.lookup import Lookup
from offer_ai.features.opening import open_store
from offer_ai.features.store import StoreError
from offer_ai.learning.candidates import candidates
from offer_ai.learning.policies import CHALLENGER, PROMOTED, Policy
from offer_ai.serving.decision_log import DecisionLog

FALLBACK, CALLER = "fallback-uniform", "caller"
LOOK_AGAIN = 1.0  # seconds between looks for a model or a store that has come


class ReloadingPolicy:
    """The policy that a pointer file names, taken over when the file changes."""

    def __init__(self, pointer: Path):
        self.pointer, self.stamp, self.policy = pointer, None, None

    def look(self) -> None:
        if not self.pointer.exists():
            self.policy = self.stamp = None
            return
        try:
            stamp = self.pointer.stat().st_mtime_ns
            if stamp != self.stamp:
                self.policy, self.stamp = Policy.at(self.pointer), stamp
        except (OSError, ValueError, KeyError):
            return  # the policy in place goes on


class Decider:
    """Decides with the promoted model and the published features, and logs it.

    Without a model, or without features, each candidate has the same chance and the
    policy is FALLBACK. A model that is promoted meanwhile is taken over between requests.
    Of a challenger (a model that was not sure to be better) it only notes what it would
    have done. As an apprentice it makes the offer of the caller and notes what the
    promoted model would have done.
    """

    def __init__(self, models: Path, store_url: str, log: DecisionLog,
                 is_apprentice: bool = False, seed: int | None = None):
        self.store_url, self.log, self.is_apprentice = store_url, log, is_apprentice
        self.promoted = ReloadingPolicy(models / PROMOTED)
        self.challenger = ReloadingPolicy(models / CHALLENGER)
        self.offers = candidates()
        self.rng = np.random.default_rng(seed)
        self.local = threading.local()
        self.looked_at = -LOOK_AGAIN
        self.lock = threading.Lock()

    def decide(self, user_id: str, session_id: str, at: datetime | None = None,
               choice: tuple[str, str] | None = None) -> dict:
        """decision_id, offer_type, offer_price, propensity, features and policy_version.

        `choice` is the caller's offer (type and price as text), which an apprentice makes.
        Raises OSError when the decision could not be logged: it was not made then.
        """
        at = (at or datetime.now(UTC)).astimezone(UTC)
        self._look_for_models()
        policy, challenger = self.promoted.policy, self.challenger.policy
        features, landed_at = self._features(user_id, session_id, at)
        if features is None:
            policy = challenger = None
        if self.is_apprentice:
            version, target, propensity = CALLER, policy, 1.0
            offer_type, offer_price = choice
        else:
            version, target = policy.version if policy else FALLBACK, challenger
            chances = np.full(len(self.offers), 1 / len(self.offers))
            if policy:
                chances, _ = policy.choose(features, self.offers)
            with self.lock:
                index = int(self.rng.choice(len(self.offers), p=chances / chances.sum()))
            propensity = float(chances[index])
            offer_type, offer_price = self.offers[index][0], str(self.offers[index][1])
        decision = {
            "decision_id": secrets.token_hex(16), "offer_type": offer_type,
            "offer_price": offer_price, "propensity": propensity, "policy_version": version}
        shown = {name: value if value is None or isinstance(value, (bool, int, float))
                 else str(value) for name, value in (features or {}).items()}
        context = {"features": shown}
        if features is not None:
            context["features_landed_at"] = landed_at
        if target:
            context["target"] = self._as_target(target, features, offer_type, offer_price)
        self.log.append({
            "event_id": "offer_shown", "event_uuid": decision["decision_id"],
            "event_time": at.replace(tzinfo=None).isoformat() + "Z",
            "customer_identifier": user_id, "session_id": session_id, **decision,
            "decision_context": json.dumps(context)})
        return decision | {"features": shown}

    def _as_target(self, policy: Policy, features: dict, offer_type: str, price: str) -> dict:
        """What a policy would have done, and what it makes of the offer that is made."""
        chances, predicted = policy.choose(features, self.offers)
        favourite, made = self.offers[int(chances.argmax())], (offer_type, float(price))
        if made in self.offers:
            chance, worth = (float(values[self.offers.index(made)])
                             for values in (chances, predicted))
        else:
            chance, worth = 0.0, float(policy.choose(features, [made])[1][0])
        return {"policy_version": policy.version, "offer_type": favourite[0],
                "offer_price": str(favourite[1]), "propensity": chance, "predicted": worth,
                "value": float(chances @ predicted)}

    @property
    def state(self) -> dict:
        """What decisions are made with now."""
        lookup, policy = self._lookup(), self.promoted.policy
        return {"policy_version": policy.version if policy else FALLBACK,
                "features_as_of": lookup.description.as_of if lookup else None,
                "is_apprentice": self.is_apprentice}

    def _look_for_models(self) -> None:
        if time.monotonic() - self.looked_at >= LOOK_AGAIN:
            self.looked_at = time.monotonic()
            self.promoted.look()
            self.challenger.look()

    def _lookup(self) -> Lookup | None:
        """This thread's, opened again when it is not there yet."""
        local, now = self.local, time.monotonic()
        lookup = getattr(local, "lookup", None)
        if now - getattr(local, "looked_at", -LOOK_AGAIN) >= LOOK_AGAIN:
            local.looked_at = now
            try:
                if lookup is None:
                    lookup = Lookup(open_store(self.store_url, read_only=True))
                else:
                    lookup.refresh()
            except StoreError:
                lookup = None
            local.lookup = lookup
        return lookup

    def _features(
        self, user_id: str, session_id: str, at: datetime
    ) -> tuple[dict, str] | tuple[None, None]:
        """The features of a request and when they landed; None for none."""
        lookup = self._lookup()
        if lookup is None:
            return None, None
        try:
            # landed_at is read first: it may understate freshness, never overstate it.
            landed_at = lookup.description.landed_at
            return lookup.features(user_id, session_id, at), landed_at
        except StoreError:
            self.local.lookup = None
            return None, None
