"""Values a model's policy from logs, and promotes it when it is sure to be better."""

from pathlib import Path

import click

from offer_ai.base import declarations, settings
from offer_ai.learning.model_files import point_of, told_of
from offer_ai.learning.off_policy import effective_sample_size
from offer_ai.learning.policies import EPSILON_GREEDY, INVERSE_GAP, THOMPSON
from offer_ai.learning.promotion import evaluate_against, promote, roll_back
from offer_ai.training.table import read_training


@click.command(context_settings={"show_default": True})
@click.argument("model", required=False,
                type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--decision-point", default=None,
              help="Of which declared decision point; that of MODEL, or the first, by default.")
@click.option("--training", type=click.Path(path_type=Path), default=None,
              help="The published training table; OFFER_AI_EXPORT/training by default, of another "
              "decision point than offers training_NAME.")
@click.option("--rule", default=None,
              type=click.Choice([EPSILON_GREEDY, THOMPSON, INVERSE_GAP]),
              help="The model's favourite, that of one of its bootstrapped copies, or (the default "
              "of models of learn.py) each the likelier, the less its prediction is below the "
              "favourite's.")
@click.option("--epsilon", default=None, type=click.FloatRange(0, 1),
              help="Share of decisions that explore, evenly over the candidates; 0.1 by default, "
              "0.01 by inverse gaps.")
@click.option("--promote/--no-promote", "is_promotion", default=False,
              help="Make it the policy that is served, if it is sure to be better.")
@click.option("--rollback", is_flag=True,
              help="Serve what was served before the last promotion; needs no MODEL.")
@click.option("--models", type=click.Path(path_type=Path, file_okay=False), default=None,
              help="Of --rollback: the folder of model versions; OFFER_AI_EXPORT/models by "
              "default, of another decision point than offers models_NAME.")
@click.option("--why", default="rolled back by hand", help="Of --rollback: the reason to record.")
def main(model: Path | None, decision_point: str | None, training: Path | None, rule: str | None,
         epsilon: float | None, is_promotion: bool, rollback: bool, models: Path | None,
         why: str) -> None:
    """Value the policy of MODEL (a folder that train.py wrote) on logs it has not seen.

    MODEL's twin that was fitted to the days before is what is valued, on the days after
    those. It is promoted when the interval of the difference of it and the policy in place,
    on the same decisions, lies above zero; a refreshed model of the kind in place, when it is
    not worse beyond a margin. A warning blocks it. Every step is kept beside the models, in
    promotions.ndjson. A policy that is not promoted goes on as the challenger, of which the
    service notes what it would have done.
    """
    export = settings.export_folder()
    if decision_point:
        declarations.decision_point(decision_point)
    name = decision_point or (model and point_of(model))
    if rollback:
        name = declarations.decision_point(name)["name"]
        step = roll_back(models or export / declarations.folder_of("models", name), why)
        click.echo(f"took back {step['taken_back']}; served from now on: "
                   f"{step['model'] or 'each candidate alike'}")
        return
    if model is None:
        raise click.UsageError("Name a MODEL, a folder that train.py wrote.")
    told = told_of(model)
    rule = rule or (INVERSE_GAP if "gamma" in told else EPSILON_GREEDY)
    if epsilon is None:
        epsilon = 0.01 if rule == INVERSE_GAP else 0.1
    # A model of parts is fitted to offers whose label is not mature, and valued on them.
    manifest, table = read_training(training or export / declarations.folder_of("training", name),
                                    with_young=bool(told.get("part")))
    found, made = evaluate_against(model.absolute(), table, rule, epsilon, manifest.get("drift"))
    logged = found.logged
    click.echo(f"{len(logged.reward):,} decisions from {found.days[0]} to {found.days[1]} "
               f"({found.left_out:,} left out), {int((~logged.is_known).sum()):,} without a "
               f"propensity, effective sample size {effective_sample_size(logged.weight):,.0f}")
    for name, estimate in found.estimates.items():
        click.echo(f"{name:>6} {estimate.value:8.4f} per decision, {estimate.interval}")
    click.echo(f"logged {logged.reward.mean():8.4f} per decision")
    gain = made.difference
    click.echo(f"difference {gain.value:+.4f} per decision, {gain.interval}, to {made.against}")
    for warning in found.warnings:
        click.echo(f"warning: {warning}")
    if not is_promotion:
        click.echo(f"next: {'--promote would promote it' if made.is_promoted else advice(made)}")
        return
    made = promote(model.absolute(), found, made)
    if made.is_promoted:
        click.echo(f"promoted: replaces {made.against}")
        click.echo("next: `make serve`; a service that runs takes it over by itself")
    else:
        click.echo(f"not promoted: {'; '.join(made.reasons)}")
        click.echo(f"next: {advice(made)}")


def advice(made) -> str:
    """What may help after a refusal."""
    return (f"{made.against} goes on, and the service notes what this policy would have done; "
            "come back with more decisions, or see docs/deciding.md for what blocks a policy")


if __name__ == "__main__":
    main()
