"""One decision: who is asked, what can be offered, a policy over it, a choice, a log."""

import secrets
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import orjson

from offer_ai.base import declarations
from offer_ai.base.actions import Actions
from offer_ai.features.lookup import Lookup
from offer_ai.features.opening import open_store
from offer_ai.features.request_time import RequestFeatures, Value
from offer_ai.features.store import ItemError, StoreError, UnpublishedError
from offer_ai.learning.candidates import Candidate, Offer, eligible, file_of
from offer_ai.learning.policies import CHALLENGER, PROMOTED, Policy
from offer_ai.serving.arms import HOLDOUT, Holdout
from offer_ai.serving.choices import (
    CALLER,
    Asked,
    Choice,
    as_target,
    chances_of,
    drawn,
    finite,
    in_place,
    noted,
    unusable,
    version_of,
)
from offer_ai.serving.decision_log import DecisionLog
from offer_ai.serving.recent import RecentOffers, capped, made_by
from offer_ai.serving.reloading import LOG, ReloadingCandidates, ReloadingPolicy, again_and_again
from offer_ai.serving.state import state_of

LOOK_AGAIN = 1.0  # seconds between looks for a model, candidates or a store that have come


class Decider:
    """Decides with the promoted model and the published features, and logs it.

    Without a model, or without the features that it asks for, each candidate has the same
    chance and the policy is FALLBACK. Users of the holdout get the status quo. A model that is
    promoted meanwhile, and a file of candidates that changes, are taken over between requests.
    Of a challenger (a model that was not sure to be better) it only notes what it would have
    done, and nothing where a named offer of the holdout could go one way only. As an apprentice it
    makes the offer of the caller and notes what the promoted model would have done.

    What is decided is a declared decision point, the first by default: an offer, or whatever its
    `action` is.

    Raises CandidatesError, ValueError and ClickException when what is declared cannot be used.
    """

    def __init__(self, models: Path, store_url: str, log: DecisionLog,
                 is_apprentice: bool = False, seed: int | None = None,
                 candidates: ReloadingCandidates | Sequence[Candidate] | None = None,
                 holdout: Holdout | None = None, point: dict | None = None):
        self.point = point or declarations.decision_point()
        self.actions = Actions.declared(self.point)
        self.models, self.store_url, self.log = models, store_url, log
        self.is_apprentice = is_apprentice
        self.promoted = ReloadingPolicy(models / PROMOTED)
        self.challenger = ReloadingPolicy(models / CHALLENGER)
        listed = candidates if candidates is not None else ReloadingCandidates(
            file_of(self.point), actions=self.actions)
        self.listed = listed if isinstance(listed, ReloadingCandidates) else None
        self.candidates = self.listed.candidates if self.listed else list(listed)
        self.holdout = holdout or Holdout.declared(self.point, self.actions)
        self.requests = RequestFeatures(self.point)
        self.recent = RecentOffers(
            capped(self.candidates), made_by(self.point["event"], self.actions), log.folder)
        # Between counting a user's offers and making one more, nobody else may make one.
        self.counting = threading.Lock() if self.recent.capped else nullcontext()
        self.rng = np.random.default_rng(seed)
        self.local = threading.local()
        self.looked_at, self.looks_apart = -LOOK_AGAIN, False
        self.lacking: set[str] = set()  # what was said of policies that cannot be asked
        self.started_at = datetime.now(UTC).isoformat(timespec="seconds")

    def decide(self, user_id: str, session_id: str, at: datetime | None = None,
               choice: Choice | None = None, offers: Sequence[Offer] | None = None,
               given: Mapping[str, Value] | None = None) -> dict:
        """decision_id, the action (of offers, offer_type and offer_price), propensity, features
        and policy_version.

        `choice` is the caller's offer, which an apprentice makes; `offers` those that the request
        allows, all if None; `given` the fields of features with `from_anchor`, as RequestFeatures
        reads them. Where no candidate is eligible, offer and propensity are None and `reason`
        says why. Raises OSError when the decision could not be logged: it was not made then.
        """
        at = (at or datetime.now(UTC)).astimezone(UTC)
        self.look()
        asked = Asked(user_id, session_id, at, given or {})
        features, landed_at = self._features(user_id, session_id, at)
        if features is not None:
            features = features | self.requests.features(asked.given, at)
        promoted, other = self._policies()
        policy, challenger = self._usable(promoted, features), self._usable(other, features)
        with self.counting:
            among, reason = eligible(
                self.candidates, at, (features or {}).get("country"),
                self.recent.before(user_id, at), None if offers is None else set(offers))
            context = self._context(user_id, features, landed_at) | in_place(promoted)
            known = (features or {}) | {self.point["time"]: at.replace(tzinfo=None)}
            if choice is not None:
                made, version, target = choice, CALLER, policy
                chances = [choice.propensity if one.offer == choice.offer else None
                           for one in among]
            elif among:
                version, chances = self._chances(context["arm"], policy, known, among)
                index, target = drawn(chances, self.rng.random()), challenger
                made = Choice(among[index].offer, chances[index])
            else:
                return self._nothing(asked, context, reason, policy)
            context["candidates"] = [
                self.actions.told(one.offer) | {"probability": chance}
                for one, chance in zip(among, chances, strict=True)]
            if target and among and not (context["arm"] == HOLDOUT and 0 in chances):
                context["target"] = as_target(target, known, among, made, self.actions)
            decision = {
                "decision_id": secrets.token_hex(16), **self.actions.told(made.offer),
                "propensity": made.propensity, "policy_version": version}
            self._append(self.point["event"], asked, decision, context)
            self.recent.add(user_id, at, made.offer)
        return decision | {"features": context["features"]}

    def _policies(self) -> tuple[Policy | None, Policy | None]:
        """What is promoted, and the challenger; one that decides just so is none."""
        policy, challenger = self.promoted.policy, self.challenger.policy
        return policy, None if challenger and challenger.is_same(policy) else challenger

    def _chances(self, arm: str, policy: Policy | None, features: dict,
                 among: list[Candidate]) -> tuple[str, list[float]]:
        """The version of what chooses, and the chance of each candidate, in their order."""
        if arm == HOLDOUT:
            return self.holdout.version, self.holdout.chances(among).tolist()
        return version_of(policy), chances_of(policy, features, among)

    def _context(self, user_id: str, features: dict | None, landed_at: str | None) -> dict:
        """What is noted of every decision, beside the policy in place."""
        context = {"features": noted(features)}
        if features is not None:
            context["features_landed_at"] = landed_at
        arm, share = (None, None) if self.is_apprentice else (
            self.holdout.arm_of(user_id), self.holdout.share)
        return context | {"arm": arm, "holdout_share": share}

    def _nothing(self, asked: Asked, context: dict, reason: str, policy: Policy | None) -> dict:
        """A decision to offer nothing, as nothing is eligible: an event of its own."""
        version = self.holdout.version if context["arm"] == HOLDOUT else version_of(policy)
        told = {"decision_id": secrets.token_hex(16), "policy_version": version}
        decision = told | self.actions.told(None) | {"propensity": None}
        self._append(f"no_{self.point['one']}", asked, told,
                     context | {"candidates": [], "reason": reason})
        return decision | {"features": context["features"],
                           "reason": f"no candidate is eligible: {reason}"}

    def _append(self, kind: str, asked: Asked, decision: dict, context: dict) -> None:
        self.log.append({
            **asked.fields, "event_id": kind, "event_uuid": decision["decision_id"], **decision,
            "decision_context": orjson.dumps(context).decode()})

    @property
    def state(self) -> dict:
        """What decisions are made with now, and why not with a model."""
        self.look()
        return state_of(self)

    def look(self, after: float = LOOK_AGAIN) -> None:
        """Takes over what was promoted or listed, so many seconds after the last look."""
        if not self.looks_apart and time.monotonic() - self.looked_at >= after:
            self._look()

    def _look(self) -> None:
        self.looked_at = time.monotonic()
        self.promoted.look()
        self.challenger.look()
        if self.listed and self.listed.look():
            self._take(self.listed.candidates)

    def looking(self) -> AbstractContextManager:
        """Has a thread look, from now on: no request waits until a model is read."""
        self._look()
        self.looks_apart = True
        return again_and_again(self._look, LOOK_AGAIN)

    def _take(self, candidates: list[Candidate]) -> None:
        """Has these decided between from now on, and counts what is capped by now."""
        caps = capped(candidates)
        if caps and not self.recent.capped:
            self.counting = threading.Lock()
        with self.counting:
            self.candidates = candidates
            with suppress(OSError):  # the next decision says so
                self.log.rotate()
            before = self.recent.cap(caps, self.log.folder)
        # A week of decisions may be long: requests do not wait for it.
        threading.Thread(target=self._count, args=(before,), daemon=True).start()

    def _count(self, made: Iterable[tuple[str, datetime, Offer]]) -> None:
        for one in made:
            with self.counting:
                self.recent.add(*one)

    def _usable(self, policy: Policy | None, features: dict | None) -> Policy | None:
        """The policy if it can be asked: with every feature that its model wants."""
        if policy is None or features is None:
            return None
        problem = unusable(policy, features, self.actions)
        if problem and problem not in self.lacking:
            self.lacking.add(problem)
            LOG.warning(problem)
        return None if problem else policy

    def _lookup(self) -> Lookup | None:
        """This thread's, opened again when it is not there yet."""
        local, lookup = self.local, getattr(self.local, "lookup", None)
        if time.monotonic() - getattr(local, "looked_at", -LOOK_AGAIN) >= LOOK_AGAIN:
            try:
                if lookup is None:
                    lookup = Lookup(open_store(self.store_url, read_only=True))
                else:
                    lookup.refresh()
            except StoreError as error:
                lookup, local.is_unpublished = None, isinstance(error, UnpublishedError)
            # The time after the attempt: of a slow store not every request waits for the next one.
            local.lookup, local.looked_at = lookup, time.monotonic()
        return lookup

    def _features(self, user_id: str, session_id: str, at: datetime
                  ) -> tuple[dict, str] | tuple[None, None]:
        """The features of a request and when they landed; None for none."""
        lookup = self._lookup()
        if lookup is None:
            return None, None
        try:
            # landed_at is read first: it may understate freshness, never overstate it.
            landed_at = lookup.description.landed_at
            features = lookup.features(user_id, session_id, at)
        except StoreError as error:
            if not isinstance(error, ItemError):
                self.local.lookup, self.local.looked_at = None, time.monotonic()
            return None, None
        return finite(features), landed_at
