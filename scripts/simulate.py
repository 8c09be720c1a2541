"""Writes the raw events of a simulated game, one NDJSON file per day.

Beside them goes `truth.parquet`: what each offer would earn from each player
over the next 7 days. No model reads it.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from offer_ai.simulation.game import USUAL_GAMES
from offer_ai.simulation.history import simulate


@click.command(context_settings={"show_default": True})
@click.option("--out", default="data", type=click.Path(path_type=Path, file_okay=False),
              help="Folder for events/ and truth.parquet; an events/ folder "
              "that is there is replaced.")
@click.option("--users", default=1_000, type=click.IntRange(1),
              help="Players on the first day.")
@click.option("--days", default=28, type=click.IntRange(1), help="Days to play.")
@click.option("--games", default=USUAL_GAMES, type=click.FloatRange(1),
              help="Games of a session, on average.")
@click.option("--keen", default=0.0, help="Added to the log-odds of each purchase of an offer.")
@click.option("--seed", default=1, help="The same seed gives the same files.")
@click.option("--start", default=None, type=click.DateTime(["%Y-%m-%d"]),
              help="First day (UTC); by default so that the last one is yesterday.")
def main(out: Path, users: int, days: int, games: float, keen: float,
         seed: int, start: datetime | None) -> None:
    """Simulate a game's raw events: DIR/events/*.ndjson and DIR/truth.parquet."""
    start = start or datetime.now(UTC).replace(tzinfo=None) - timedelta(days=days)
    lines = simulate(out, users, days, seed, start, games, keen)
    click.echo(f"{lines:,} lines of {users:,} players over {days} days in {out / 'events'}")


if __name__ == "__main__":
    main()
