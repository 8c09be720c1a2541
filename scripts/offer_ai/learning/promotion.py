"""Which policy is served: one that is sure to be better than the one in place."""

from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

import click
import numpy as np

from offer_ai.base.files import write_json
from offer_ai.learning import promotions
from offer_ai.learning.evaluation import Evaluation, as_logged, as_seen_by, evaluate, last_day
from offer_ai.learning.intervals import Estimate, doubts, limits
from offer_ai.learning.off_policy import difference
from offer_ai.learning.policies import CHALLENGER, PROMOTED, Policy

LOGGING = "the logging policy"
NOTHING = 0.1  # of the margin: what is surely lost by so little is not worth a refusal
ALIKE = 1e-9  # currency units: what rounding alone makes of no difference


@dataclass(frozen=True)
class InPlace:
    """The promoted policy; None for none, or for one that cannot be served, as its name says."""

    name: str
    policy: Policy | None


@dataclass(frozen=True)
class Verdict:
    """Whether to promote, with the reasons, and the difference that tells: of the policy and
    the one it was compared with, per decision, on the same decisions (currency units)."""

    is_promoted: bool
    reasons: list[str]
    difference: Estimate
    against: str
    served: bytes | None = None  # the pointer to what is served, as it was then

    @property
    def is_alike(self) -> bool:
        """Whether both decide alike, as far as the logs show."""
        return is_none(self.difference)


def is_none(gain: Estimate) -> bool:
    """Whether a difference is none of any user, give or take what rounding makes."""
    return abs(gain.value) <= ALIKE and not gain.error > ALIKE


def in_place(models: Path, table: dict[str, list]) -> InPlace:
    """What a new policy is compared with: the promoted one, if it can be served at all.

    Where it cannot, a new one would be the only way out: it is compared with what was logged.
    """
    try:
        told = promotions.pointer(models)
        if told is None:
            return InPlace(LOGGING, None)
        policy = Policy.load(models / told["model"], told["rule"], told["epsilon"], held_out=True)
    except (OSError, ValueError) as error:
        return InPlace(f"{LOGGING} (what is promoted cannot be loaded: {error})", None)
    if missing := policy.lacks(table):
        return InPlace(f"{LOGGING} ({policy.version} is promoted and asks for the feature "
                       f"{missing[0]}, which is there no more)", None)
    return InPlace(policy.version, policy)


def unseen_drift(drift: list[dict], last: date) -> list[str]:
    """Warnings of features that drifted (`feature`, `since`) after the last day fitted to.

    A model that was fitted to days since then has seen what they drifted to: it is the way out.
    """
    return [f"{one['feature']} has drifted since {one['since']} (marts.feature_drift), and the "
            f"model was fitted through {last}: train one on days since then"
            for one in drift if date.fromisoformat(one["since"]) > last]


def evaluate_against(model: Path, table: dict[str, list], rule: str, epsilon: float,
                     drift: list[dict] | None = None, is_successor: bool = False,
                     ) -> tuple[Evaluation, Verdict]:
    """Values a model's policy, and judges whether it may replace the one in place.

    Both are valued on the same decisions, of days that neither was fitted to; of the one in
    place the model that is served where these days allow it, else its twin, too. `drift` is
    that of the table's manifest, `is_successor` as in `verdict`. Raises ClickException as
    `evaluate` does.
    """
    served = promotions.pointed(model.parent)
    current = in_place(model.parent, table)
    after = last_day(current.policy, "held_out") if current.policy else date.min
    found = evaluate(model, table, rule, epsilon, after)
    if current.policy and current.policy.action != found.policy.action:
        current = InPlace(f"{LOGGING} ({current.name} is promoted and chooses by "
                          f"{', '.join(current.policy.action)})", None)
    found.warnings.extend(unseen_drift(drift or [], last_day(found.policy, "model")))
    return found, replace(judge(found, current, model.parent, is_successor), served=served)


def judge(found: Evaluation, current: InPlace, models: Path, is_successor: bool) -> Verdict:
    """Contract, section 6, 'Promotion'.

    Of one kind are models and what they learned, not what refusals made of the floor: with that
    each refusal would make the next successor look better.
    """
    policy, margin = current.policy, None
    if policy is None:
        gain = difference(found.logged, as_logged(found))
    else:
        is_refreshed = policy.kind == found.policy.kind
        if last_day(policy, "model") < found.days[0]:
            policy = Policy.load(models / policy.version, policy.rule, policy.epsilon)
        if is_refreshed:
            policy = replace(policy, epsilon=found.policy.epsilon)
        other, _ = as_seen_by(policy, found.table, found.label, found.candidates)
        gain = difference(found.logged, other)
        if is_refreshed:
            worth = found.estimates["dr"].value - gain.value
            margin = limits().promotion_margin * max(worth, 0.0)
    return verdict(gain, found.warnings, current.name, margin, is_successor)


def verdict(gain: Estimate, warnings: list[str], against: str, margin: float | None = None,
            is_successor: bool = False) -> Verdict:
    """Whether a policy that earns `gain` more than the one in place replaces it.

    `warnings` of the estimates block it, as do doubts about the interval. `margin` is None
    unless the policy is a refreshed model of the kind in place: then it need not be better, only
    not worse by more than the margin.

    A successor (`is_successor`) is refreshed by the cycle itself: the same fit, of more. Then the
    difference must not be below zero by the margin, nor surely by a tenth of it; how wide the
    interval is beyond that is no doubt, as logs hardly tell a policy from its successor. So what
    the logs say is weighed with what is expected of a successor, no difference give or take the
    margin: the mean of both, by their precision. What this lets pass, test_gate prints.
    """
    if is_none(gain):
        reasons = [*warnings, f"it decides as {against} does: nothing varies between users"]
    elif margin is None or not is_successor or np.isnan(gain.low):
        bound = 0.0 if margin is None else -margin
        reasons = [*warnings, *(doubt for doubt in doubts(gain) if doubt not in warnings)]
        if gain.low <= bound:
            allowed = "not above 0" if margin is None else (
                f"not above the {bound:.4f} that a refreshed model is allowed")
            reasons.append(f"the lower bound of the difference, {gain.low:+.4f} per decision, is "
                           + allowed)
    else:
        reasons = list(warnings)
        # Nothing is a margin of what earns nothing.
        least = -margin - gain.error**2 / margin if margin > 0 else 0.0
        if gain.value < least:
            reasons.append(f"the difference, {gain.value:+.4f} per decision, is not above the "
                           f"{least:.4f} that a successor is allowed")
        if gain.high < -NOTHING * margin:
            reasons.append(f"the difference is below zero: {gain.high:+.4f} per decision at most")
    return Verdict(not reasons and not np.isnan(gain.low), reasons, gain, against)


def promote(model: Path, found: Evaluation, made: Verdict) -> Verdict:
    """Does what the verdict says and records it; a policy that is refused is the challenger.

    Returns the verdict that holds: where what is served is no longer what the policy was judged
    against, it is refused, as somebody took it back or promoted another in the meantime.
    """
    models = model.parent
    if made.is_promoted:
        try:
            promotions.serve(models, recorded(model, found, made), instead_of=made.served)
        except promotions.ServesAnother as error:
            made = replace(made, is_promoted=False, reasons=[str(error)])
        else:
            end_outdated(models, found.policy)
            return made
    step = promotions.record(models, recorded(model, found, made))
    if model.name != made.against and not made.is_alike:
        write_json(models / CHALLENGER, step)
    return made


def recorded(model: Path, found: Evaluation, made: Verdict) -> dict:
    """The step that a verdict is, as it is recorded."""
    return {
        "step": promotions.PROMOTION if made.is_promoted else promotions.REFUSAL,
        "model": model.name, "rule": found.policy.rule, "epsilon": found.policy.epsilon,
        "against": made.against,
        "difference": {name: None if value != value else value
                       for name, value in asdict(made.difference).items()},
        "decisions": len(found.logged.reward), "days": [str(day) for day in found.days],
        "why": made.reasons or [f"{made.difference.low:+.4f} or more per decision than "
                                f"{made.against}"]}


def end_outdated(models: Path, promoted: Policy) -> None:
    """Ends the challenger where it is a model of the kind that was promoted, fitted to less: each
    decision would go on asking it, for nobody."""
    try:
        challenger = Policy.at(models / CHALLENGER)
    except (OSError, ValueError, KeyError):
        return
    if challenger.kind == promoted.kind and (
            last_day(challenger, "model") < last_day(promoted, "model")):
        (models / CHALLENGER).unlink(missing_ok=True)


def roll_back(models: Path, why: str) -> dict:
    """Serves what was served before the last promotion; returns the step.

    Its `model` is None when that was no model. Raises ClickException when there is nothing to
    take back, or what was before cannot be loaded.
    """
    promotions.finish(models)
    served = promotions.pointed(models)
    try:
        taken, again = promotions.pointer(models), promotions.before(models)
        if again is not None:
            Policy.load(models / again["model"], again["rule"], again["epsilon"])
    except LookupError as error:
        raise click.ClickException(str(error)) from error
    except (OSError, ValueError) as error:
        raise click.ClickException(
            f"What was served before cannot be loaded ({error}). Remove {models / PROMOTED} to "
            "serve each candidate alike.") from error
    step = {"step": promotions.ROLLBACK, "taken_back": taken["model"], "why": [why]} | (
        {name: again[name] for name in ("model", "rule", "epsilon")} if again
        else {"model": None})
    try:
        return promotions.serve(models, step, instead_of=served)
    except promotions.ServesAnother as error:
        raise click.ClickException(str(error)) from error
