"""Keeps a policy learning: publish, train, value, promote, at a rhythm of days."""

import signal

import click

from offer_ai.base import declarations, settings
from offer_ai.base.locks import only_one
from offer_ai.learning.keeping import Keeper
from offer_ai.learning.policies import EPSILON_GREEDY, INVERSE_GAP


@click.command(context_settings={"show_default": True})
@click.option("--decision-point", default=None,
              help="Of which declared decision point; the first one by default.")
@click.option("--every-days", default=1.0, type=click.FloatRange(0),
              help="Days by which the events must have gone on between steps.")
@click.option("--poll", default=60.0, type=click.FloatRange(0.01),
              help="Seconds between looks at the warehouse.")
@click.option("--once", is_flag=True, help="One step, if it is time, and end.")
@click.option("--publish/--no-publish", "is_publishing", default=True,
              help="Publish the training table first, or learn from what is published.")
@click.option("--rule", default=INVERSE_GAP, type=click.Choice([INVERSE_GAP, EPSILON_GREEDY]),
              help="How the policy explores.")
@click.option("--epsilon", default=0.01, type=click.FloatRange(0, 1),
              help="Share of decisions that is spread evenly over the candidates: the floor.")
def main(decision_point: str | None, every_days: float, poll: float, once: bool,
         is_publishing: bool, rule: str, epsilon: float) -> None:
    """Learn from every decision so far, at a rhythm, and promote what is better.

    A step publishes the training table of OFFER_AI_DB, trains on it (offers whose week is not
    over take part through their first hour), values the model on the last days and promotes it
    if it passes. It goes beside `watch.py`, which builds: while a build has the warehouse, a
    step waits for the next look, and `--once` ends with 1. One process learns at a time; a step
    that fails leaves what is served. SIGINT and SIGTERM end it after the step.
    """
    database, export = settings.database().absolute(), settings.export_folder().absolute()
    name = declarations.decision_point(decision_point)["name"]
    keeper = Keeper(database, export, every_days, poll, rule, epsilon, is_publishing, name)
    with only_one(keeper.models / ".learning", f"learns for {export}"):
        if once:
            said = keeper.step()
            if said is None and keeper.busy:
                raise click.ClickException(f"{keeper.busy}. Nothing was learned: try again later.")
            click.echo(said or "It is not time yet: nothing new was published, or not "
                       f"{every_days:g} days of events since the last step.")
            return
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, keeper.stop)
        keeper.run()


if __name__ == "__main__":
    main()
