"""One decision: features of a request, a policy over the candidates, a choice, a log."""

import json
import secrets
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from decision_log import DecisionLog
from evaluate import PROMOTED
from feature_store import Lookup, StoreError, open_store
from policies import candidates, epsilon_greedy
from revenue_model import RevenueModel

FALLBACK = "fallback-uniform"
LOOK_AGAIN = 1.0  # seconds between looks for a model or a store that has come


class Decider:
    """Decides with the promoted model and the published features, and logs it.

    Without a model, or without features, each candidate has the same chance and the
    policy is FALLBACK. A model that is promoted meanwhile is taken over between requests.
    """

    def __init__(self, models: Path, store_url: str, log: DecisionLog, seed: int | None = None):
        self.pointer, self.store_url, self.log = models / PROMOTED, store_url, log
        self.offers = candidates()
        self.rng = np.random.default_rng(seed)
        self.local = threading.local()
        self.policy: tuple[str, RevenueModel, float] | None = None
        self.looked_at, self.stamp = -LOOK_AGAIN, None
        self.lock = threading.Lock()

    def decide(self, user_id: str, session_id: str, at: datetime | None = None) -> dict:
        """decision_id, offer_type, offer_price, propensity, features and policy_version.

        Raises OSError when the decision could not be logged: it was not made then.
        """
        at = (at or datetime.now(UTC)).astimezone(UTC)
        self._look_for_model()
        policy, features = self.policy, self._features(user_id, session_id, at)
        if policy is None or features is None:
            version, chances = FALLBACK, np.full(len(self.offers), 1 / len(self.offers))
        else:
            version, model, epsilon = policy
            chances = epsilon_greedy(model.predict(features, self.offers), epsilon)
        with self.lock:
            choice = int(self.rng.choice(len(self.offers), p=chances / chances.sum()))
        offer_type, offer_price = self.offers[choice]
        decision = {
            "decision_id": secrets.token_hex(16), "offer_type": offer_type,
            "offer_price": str(offer_price), "propensity": float(chances[choice]),
            "policy_version": version,
        }
        shown = {name: value if value is None or isinstance(value, (bool, int, float))
                 else str(value) for name, value in (features or {}).items()}
        self.log.append({
            "event_id": "offer_shown", "event_uuid": decision["decision_id"],
            "event_time": at.replace(tzinfo=None).isoformat() + "Z",
            "customer_identifier": user_id, "session_id": session_id, **decision,
            "features": shown})
        return decision | {"features": shown}

    @property
    def state(self) -> dict:
        """What decisions are made with now: policy_version and features_as_of."""
        lookup = self._lookup()
        return {"policy_version": self.policy[0] if self.policy else FALLBACK,
                "features_as_of": lookup.description.as_of if lookup else None}

    def _look_for_model(self) -> None:
        if time.monotonic() - self.looked_at < LOOK_AGAIN:
            return
        self.looked_at = time.monotonic()
        try:
            stamp = self.pointer.stat().st_mtime_ns
            if stamp != self.stamp:
                promoted = json.loads(self.pointer.read_text())
                name = promoted["model"]
                self.policy = (name, RevenueModel.load(self.pointer.parent / name),
                               promoted["epsilon"])
                self.stamp = stamp
        except (OSError, ValueError, KeyError):
            return  # the policy in place goes on

    def _lookup(self) -> Lookup | None:
        """This thread's, opened again when it is not there yet."""
        if getattr(self.local, "lookup", None) is None:
            if time.monotonic() - getattr(self.local, "tried_at", -LOOK_AGAIN) < LOOK_AGAIN:
                return None
            self.local.tried_at = time.monotonic()
            try:
                self.local.lookup = Lookup(open_store(self.store_url, read_only=True))
            except StoreError:
                self.local.lookup = None
        return self.local.lookup

    def _features(self, user_id: str, session_id: str, at: datetime) -> dict | None:
        lookup = self._lookup()
        if lookup is None:
            return None
        try:
            return lookup.features(user_id, session_id, at)
        except StoreError:
            self.local.lookup = None
            return None
