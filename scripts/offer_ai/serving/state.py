"""What decisions are made with, and why not with a model."""

from offer_ai.serving.choices import FALLBACK, lacking
from offer_ai.serving.reloading import why_none


def state_of(decider) -> dict:
    """Of a Decider, as GET /healthz says it."""
    lookup, policy = decider._lookup(), decider.promoted.policy
    known = [*lookup.names, *decider.requests.names] if lookup else []
    why_not = [decider.promoted.problem] if decider.promoted.problem else []
    if policy is None:
        why_not = why_not or [why_none(decider.models)]
    elif lookup is None:
        why_not.append("the feature store cannot be read: no model can be asked")
    elif missing := policy.lacks(known):
        why_not.append(lacking(policy, missing))
    if decider.listed and decider.listed.problem:
        why_not.append(decider.listed.problem)
    is_used = policy and lookup and not policy.lacks(known)
    return {"policy_version": policy.version if is_used else FALLBACK,
            "since": decider.promoted.since if is_used else decider.started_at,
            "why_not": "; ".join(why_not) or None,
            "features_as_of": lookup.description.as_of if lookup else None,
            "holdout_share": decider.holdout.share,
            "is_apprentice": decider.is_apprentice}
