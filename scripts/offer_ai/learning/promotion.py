"""Which model is served: one that is sure to be better than the one in place."""

import json
from datetime import UTC, datetime
from pathlib import Path

from offer_ai.base.files import write_json
from offer_ai.learning.evaluation import Evaluation, as_seen_by
from offer_ai.learning.off_policy import estimates
from offer_ai.learning.policies import CHALLENGER, PROMOTED, Policy

DECISIONS = "decisions.ndjson"


def promote_if_better(model: Path, found: Evaluation) -> dict:
    """Promotes the model or not; records which and why beside the models, and returns it.

    It is promoted when the lower bound of its doubly robust estimate beats the estimate of
    the policy in place: of the logging policy, when there is none.
    """
    policy, candidate = found.policy, found.estimates["dr"]
    pointer = model.parent / PROMOTED
    current, against = "the logging policy", float(found.logged.reward.mean())
    if pointer.exists():
        told = json.loads(pointer.read_text())
        current = told["model"]
        before = Policy.load(model.parent / current, told["rule"], told["epsilon"], held_out=True)
        against = estimates(as_seen_by(before, found.late, found.label))["dr"].value
    is_better = candidate.low > against
    decision = {
        "model": model.name, "promoted": is_better, "lower_bound": candidate.low,
        "current": current, "current_estimate": against, "rule": policy.rule,
        "epsilon": policy.epsilon,
        "decided_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    with (model.parent / DECISIONS).open("a") as file:
        file.write(json.dumps(decision) + "\n")
    if is_better:
        write_json(pointer, decision)
        (model.parent / CHALLENGER).unlink(missing_ok=True)
    elif model.name != current:
        write_json(model.parent / CHALLENGER, decision)
    return decision
