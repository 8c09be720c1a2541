"""Values a model's policy from logs, and promotes it when it is sure to be better."""

import json
from datetime import UTC, datetime
from pathlib import Path

import click
import numpy as np

from export import settings
from off_policy import Logged, effective_sample_size, estimates, warnings
from policies import candidates, epsilon_greedy, index_of
from revenue_model import RevenueModel
from train import read_training
from training_versions import write_json

PROMOTED, DECISIONS = "promoted.json", "decisions.ndjson"


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


def as_seen_by(model: RevenueModel, table: dict[str, list], label: str, epsilon: float) -> Logged:
    """The decisions under the epsilon-greedy policy of a model."""
    offers = candidates()
    rows = len(table[label])
    predicted = np.empty((rows, len(offers)))
    for index, (kind, price) in enumerate(offers):
        predicted[:, index] = model.predict_rows(
            table | {"offer_type": [kind] * rows, "offer_price": [price] * rows})
    chances = epsilon_greedy(predicted, epsilon)
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
@click.option("--epsilon", default=0.1, type=click.FloatRange(0, 1),
              help="Share of decisions that explore, evenly over the candidates.")
@click.option("--promote/--no-promote", default=False,
              help="Make it the policy that is served, if it is sure to be better.")
def main(model: Path, training: Path | None, epsilon: float, promote: bool) -> None:
    """Value the policy of MODEL (a folder that train.py wrote) on the last days' logs.

    MODEL's twin that was fitted to the days before is what is valued, so that no model
    is asked about what it was trained on. A policy is promoted only when the lower bound
    of its doubly robust estimate beats the estimate of the one in place (of the logging
    policy, when there is none); the decision is printed and kept beside the models.
    """
    _, export = settings()
    _, table = read_training(training or export / "training")
    held_out = RevenueModel.load(model, "held_out.txt")
    label, days = held_out.description["label"], held_out.description["validate_days"]
    late, others = late_decisions(table, days)
    if not late[label]:
        raise click.ClickException(
            "No decision of the last days has a propensity and an offer of "
            "seeds/offer_candidates.csv: log propensities to evaluate a policy.")
    logged = as_seen_by(held_out, late, label, epsilon)
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
        decide(model, found["dr"], late, label, epsilon, float(logged.reward.mean()))


def decide(model: Path, candidate, late: dict, label: str, epsilon: float, mean: float) -> None:
    """Promotes the model or not; prints and records which and why."""
    pointer = model.parent / PROMOTED
    current, against = "the logging policy", mean
    if pointer.exists():
        current = json.loads(pointer.read_text())["model"]
        before = RevenueModel.load(model.parent / current, "held_out.txt")
        against = estimates(as_seen_by(before, late, label, epsilon))["dr"].value
    is_better = candidate.low > against
    decision = {
        "model": model.name, "promoted": is_better, "lower_bound": candidate.low,
        "current": current, "current_estimate": against, "epsilon": epsilon,
        "decided_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    with (model.parent / DECISIONS).open("a") as file:
        file.write(json.dumps(decision) + "\n")
    if is_better:
        write_json(pointer, decision)
    click.echo(f"{'promoted' if is_better else 'not promoted'}: lower bound {candidate.low:.4f} "
               f"{'beats' if is_better else 'does not beat'} {against:.4f} of {current}")


if __name__ == "__main__":
    main()
