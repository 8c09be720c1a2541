"""The whole loop in a simulated world: decide, land, build, train, evaluate, promote."""

import json
import shutil
import time
from pathlib import Path

import click

from offer_ai.simulation.comparison import PEERS
from offer_ai.simulation.loop import run
from offer_ai.simulation.moving_game import WORLDS
from offer_ai.simulation.report_page import draw, table


@click.command(context_settings={"show_default": True})
@click.option("--players", default=20_000, type=click.IntRange(10), help="Players at a time.")
@click.option("--rounds", default=10, type=click.IntRange(2), help="Rounds to learn over.")
@click.option("--days", default=14, type=click.IntRange(1), help="Days of a round.")
@click.option("--every-days", default=7, type=click.IntRange(1),
              help="The rhythm of learning, in days; sooner in the first ones.")
@click.option("--epsilon", default=0.01, type=click.FloatRange(0, 1),
              help="Share of decisions that is spread evenly over the candidates: the floor.")
@click.option("--holdout-share", default=0.05, type=click.FloatRange(0, 1, max_open=True),
              help="Share of players outside the policy, to measure its lift by.")
@click.option("--world", default="drifting", type=click.Choice(list(WORLDS)),
              help="What the world does: drift, move by leaps, lie behind such a leap, or none.")
@click.option("--peer", "peers", multiple=True, type=click.Choice(PEERS),
              help="Who plays the same world in memory, beside it. May be given again.")
@click.option("--seeds", default=1, type=click.IntRange(1), help="Worlds to run, one by one.")
@click.option("--first-seed", default=1, help="The seed of the first world.")
@click.option("--out", default="data/loop", type=click.Path(path_type=Path),
              help="Folder of the worlds and the report.")
def main(players: int, rounds: int, days: int, every_days: int, epsilon: float,
         holdout_share: float, world: str, peers: tuple[str, ...], seeds: int,
         first_seed: int, out: Path) -> None:
    """Play rounds of a world against the whole project; report what was earned.

    Each round simulates days whose offers the serving code decides, lands and builds them,
    trains, evaluates off-policy and promotes. The report (a table, loop.png, loop.html,
    loop.json) compares revenue with a random choice, the best single offer, the best policy on
    the same features and an oracle that knows each player, and the lift that the holdout
    measured with the true one. Of several worlds the last one's files stay.
    """
    out = out.absolute()
    began, reports = time.perf_counter(), []
    for seed in range(first_seed, first_seed + seeds):
        click.echo(f"world {seed}: {players:,} players, {rounds} rounds of {days} days, "
                   f"{world}")
        if seed > first_seed:
            # The events of a world fill several gigabytes.
            shutil.rmtree(out / f"world-{seed - 1}", ignore_errors=True)
        reports.append(run(
            out / f"world-{seed}", players, rounds, days, seed, every_days, epsilon,
            world, holdout_share, peers))
        (out / "loop.json").write_text(json.dumps(reports, indent=1) + "\n")
    click.echo(table(reports))
    draw(reports, out)
    click.echo(f"{time.perf_counter() - began:.0f} s; {out / 'loop.png'}, {out / 'loop.html'}")


if __name__ == "__main__":
    main()
