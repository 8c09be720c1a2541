"""What a model's policy is worth, from the logs of the last days."""

from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from offer_ai.learning.candidates import candidates, index_of
from offer_ai.learning.off_policy import Estimate, Logged, estimates
from offer_ai.learning.policies import Policy


@dataclass(frozen=True)
class Evaluation:
    """A policy, the decisions it was valued on and its estimates by name."""

    policy: Policy
    label: str
    days: int
    late: dict[str, list]  # the decisions of the last days: column name to values
    left_out: int  # of them, others
    logged: Logged
    estimates: dict[str, Estimate]


def evaluate(model: Path, table: dict[str, list], rule: str, epsilon: float) -> Evaluation:
    """Values the policy of a model folder on a training table.

    Its twin that was fitted to the days before is what is valued. Raises ClickException
    when the folder or the logs do not allow it.
    """
    try:
        policy = Policy.load(model, rule, epsilon, held_out=True)
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    description = policy.models[0].description
    label, days = description["label"], description["validate_days"]
    late, others = late_decisions(table, days)
    if not late[label]:
        raise click.ClickException(
            "No decision of the last days has a propensity and an offer of "
            "seeds/offer_candidates.csv: log propensities to evaluate a policy.")
    logged = as_seen_by(policy, late, label)
    return Evaluation(policy, label, days, late, others, logged, estimates(logged))


def late_decisions(table: dict[str, list], days: int) -> tuple[dict[str, list], int]:
    """The decisions of the last days whose offer is a candidate with a logged propensity.

    Returns them and how many others there were.
    """
    offers = candidates()
    day = np.array([value.toordinal() for value in table["offered_at"]])
    is_late = day > day.max() - days
    is_usable = (index_of(offers, table["offer_type"], table["offer_price"]) >= 0) & np.array(
        [value is not None and value > 0 for value in table["propensity"]])
    keep = np.flatnonzero(is_late & is_usable)
    return ({name: [values[i] for i in keep] for name, values in table.items()},
            int((is_late & ~is_usable).sum()))


def as_seen_by(policy: Policy, table: dict[str, list], label: str) -> Logged:
    """The decisions under another policy."""
    offers = candidates()
    rows = len(table[label])
    every = np.empty((len(policy.models), rows, len(offers)))
    for number, model in enumerate(policy.models):
        for index, (kind, price) in enumerate(offers):
            every[number, :, index] = model.predict_rows(
                table | {"offer_type": [kind] * rows, "offer_price": [price] * rows})
    chances, predicted = policy.of_predictions(every)
    action = index_of(offers, table["offer_type"], table["offer_price"])
    at = np.arange(rows), action
    return Logged(
        reward=np.array([float(value) for value in table[label]]),
        propensity=np.array(table["propensity"], float),
        target=chances[at], predicted=predicted[at], value=(chances * predicted).sum(axis=1),
        user=np.array(table["user_id"]))
