"""Values a model's policy from logs, and promotes it when it is sure to be better."""

from pathlib import Path

import click

from offer_ai.base import settings
from offer_ai.learning.evaluation import evaluate
from offer_ai.learning.off_policy import effective_sample_size, warnings
from offer_ai.learning.policies import EPSILON_GREEDY, THOMPSON
from offer_ai.learning.promotion import promote_if_better
from offer_ai.training.table import read_training


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
    _, table = read_training(training or settings.export_folder() / "training")
    found = evaluate(model, table, rule, epsilon)
    logged = found.logged
    click.echo(f"{len(logged.reward):,} decisions of the last {found.days} days "
               f"({found.left_out:,} left out), effective sample size "
               f"{effective_sample_size(logged.weight):,.0f}")
    for name, estimate in found.estimates.items():
        click.echo(f"{name:>6} {estimate.value:8.4f} per decision, 95 % interval "
                   f"{estimate.low:.4f} to {estimate.high:.4f}")
    click.echo(f"logged {logged.reward.mean():8.4f} per decision")
    for warning in warnings(logged):
        click.echo(f"warning: {warning}")
    if promote:
        made = promote_if_better(model, found)
        is_better = made["promoted"]
        click.echo(f"{'promoted' if is_better else 'not promoted'}: lower bound "
                   f"{made['lower_bound']:.4f} {'beats' if is_better else 'does not beat'} "
                   f"{made['current_estimate']:.4f} of {made['current']}")


if __name__ == "__main__":
    main()
