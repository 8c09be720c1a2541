"""What decisions are made with, and why not with a model."""

from offer_ai.serving.choices import FALLBACK, unusable
from offer_ai.serving.reloading import why_none


def state_of(decider) -> dict:
    """Of a Decider, as GET /healthz says it."""
    lookup, policy = decider._lookup(), decider.promoted.policy
    problem = unusable(policy, [*lookup.names, *decider.requests.names], decider.actions) if (
        policy and lookup) else None
    why_not = [decider.promoted.problem] if decider.promoted.problem else []
    if policy is None:
        why_not = why_not or [why_none(decider.models)]
    if is_unreadable(decider) or (policy and not lookup):
        why_not.append("the feature store cannot be read: no model can be asked")
    if problem:
        why_not.append(problem)
    if decider.listed and decider.listed.problem:
        why_not.append(decider.listed.problem)
    is_used = policy and lookup and not problem
    return {"policy_version": policy.version if is_used else FALLBACK,
            "since": decider.promoted.since if is_used else decider.started_at,
            "why_not": "; ".join(why_not) or None,
            "features_as_of": lookup.description.as_of if lookup else None,
            "holdout_share": decider.holdout.share,
            "is_apprentice": decider.is_apprentice}


def is_unreadable(decider) -> bool:
    """Whether there is a feature store that cannot be read."""
    return decider._lookup() is None and not getattr(decider.local, "is_unpublished", False)


def is_starting(decider) -> bool:
    """Whether all that is missing is what nobody has promoted or published yet."""
    is_bad = decider.promoted.problem or (decider.listed and decider.listed.problem)
    return decider.promoted.policy is None and not is_bad and not is_unreadable(decider)
