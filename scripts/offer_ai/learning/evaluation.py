"""Values a model's policy from logs, and promotes it when it is sure to be better."""

import json
from datetime import UTC, datetime
from pathlib import Path

import click
import numpy as np

from export import settings
from offer_ai.learning.off_policy import (
    Estimate,
    Logged,
    effective_sample_size,
    estimates,
    warnings,
)
from offer_ai.learning.policies import (
    CHALLENGER,
    EPSILON_GREEDY,
    PROMOTED,
    THOMPSON,
    Policy,
    candidates,
    index_of,
)
from offer_ai.training.versions import write_json
from train import read_training

DECISIONS = "decisions.ndjson"


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


@click.command(context_settings={"show_default": True})
@click.argument("model", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--training", type=click.Path(path_type=Path), default=None,
              help="The published training table; OFFER_AI_EXPORT/training by default.")
@click.option("--rule", default=EPSILON_GREEDY, type=click.Choice([EPSILON_GREEDY, THOMPSON]),
              help="The model's favourite, or that of one of its bootstrapped copies.")
@click.option("--epsilon", default=0.1, type=click.FloatRange(0, 1),
              help="Share of decisions that explore, evenly over the candidates.")
@click.option("--promote/--no-promote", default=False,
              help="Make it the policy that is served, if it is sure to be better.")
def main(model: Path, training: Path | None, rule: str, epsilon: float, promote: bool) -> None:
    """Value the policy of MODEL (a folder that train.py wrote) on the last days' logs.

    MODEL's twin that was fitted to the days before is what is valued, so that no model
    is asked about what it was trained on. A policy is promoted only when the lower bound
    of its doubly robust estimate beats the estimate of the one in place (of the logging
    policy, when there is none); the decision is printed and kept beside the models. One
    that is not promoted goes on as the challenger, of which the service notes what it
    would have done.
    """
    _, export = settings()
    _, table = read_training(training or export / "training")
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
    found = estimates(logged)
    click.echo(f"{len(logged.reward):,} decisions of the last {days} days ({others:,} left out), "
               f"effective sample size {effective_sample_size(logged.weight):,.0f}")
    for name, estimate in found.items():
        click.echo(f"{name:>6} {estimate.value:8.4f} per decision, 95 % interval "
                   f"{estimate.low:.4f} to {estimate.high:.4f}")
    click.echo(f"logged {logged.reward.mean():8.4f} per decision")
    for warning in warnings(logged):
        click.echo(f"warning: {warning}")
    if promote:
        decide(model, policy, found["dr"], late, label, float(logged.reward.mean()))


def decide(model: Path, policy: Policy, candidate: Estimate, late: dict, label: str,
           mean: float) -> None:
    """Promotes the model or not; prints and records which and why."""
    pointer = model.parent / PROMOTED
    current, against = "the logging policy", mean
    if pointer.exists():
        told = json.loads(pointer.read_text())
        current = told["model"]
        before = Policy.load(model.parent / current, told["rule"], told["epsilon"], held_out=True)
        against = estimates(as_seen_by(before, late, label))["dr"].value
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
    click.echo(f"{'promoted' if is_better else 'not promoted'}: lower bound {candidate.low:.4f} "
               f"{'beats' if is_better else 'does not beat'} {against:.4f} of {current}")


if __name__ == "__main__":
    main()
