"""Learners side by side in simulated worlds in memory."""

import json
from pathlib import Path

import click

from offer_ai.simulation.comparison import LEARNERS, WORLDS, play, table


@click.command(context_settings={"show_default": True})
@click.option("--players", default=20_000, type=click.IntRange(10), help="Players at a time.")
@click.option("--rounds", default=10, type=click.IntRange(1), help="Rounds.")
@click.option("--days", default=14, type=click.IntRange(1), help="Days of a round.")
@click.option("--every-days", default=7, type=click.IntRange(1), help="The rhythm of learning.")
@click.option("--seeds", default=1, type=click.IntRange(1), help="Worlds, one by one.")
@click.option("--first-seed", default=1, help="The seed of the first world.")
@click.option("--world", default="drifting", type=click.Choice(list(WORLDS)),
              help="What the world does: drift, move by leaps, lie behind such a leap, or none.")
@click.option("--learner", "learners", multiple=True, type=click.Choice(list(LEARNERS)),
              default=list(LEARNERS), help="Who plays; all by default. May be given again.")
@click.option("--vw-options", default="", help="Options of Vowpal Wabbit instead of its own.")
@click.option("--gate/--no-gate", "has_gate", default=True,
              help="Promote what passes the gate, or each model that was fitted.")
@click.option("--out", default=None, type=click.Path(path_type=Path),
              help="A JSON file for the figures, with the verdict of each step of learning.")
def main(players: int, rounds: int, days: int, every_days: int, seeds: int, first_seed: int,
         world: str, learners: tuple[str, ...], vw_options: str, has_gate: bool,
         out: Path | None) -> None:
    """Play each learner in the same worlds, and print which share of the reachable gain it got.

    Nothing is written, landed or built: the world tells the learner what the warehouse would.
    The share is of what lies between a random choice and the best policy on the same features.
    In a moving world `back` is the share in the last week of the two rounds from the flip on, in
    parts of that in the round before it; `new` how often the new offer is made in its second
    round, in parts of how often that best policy makes it.
    """
    found = []
    for seed in range(first_seed, first_seed + seeds):
        for name in learners:
            found.append(play(name, world, players, rounds, days, seed, every_days,
                              vw_options, has_gate))
            lines = table(found).splitlines()
            click.echo("\n".join(lines if len(found) == 1 else lines[-1:]))
            if out:
                out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
