"""The raw events of a game's first days, one NDJSON file per day.

Beside them goes `truth.parquet`: what each offer would earn from each player
over the next 7 days. No model reads it.
"""

import shutil
from datetime import datetime
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from tqdm import tqdm

from offer_ai.simulation.game import USUAL_GAMES, Game, deliver
from offer_ai.simulation.raw_events import as_structs, register_world, write_events, write_truth
from offer_ai.simulation.world import load_candidates


def simulate(out: Path, users: int, days: int, seed: int, start: datetime,
             games: float = USUAL_GAMES, keen: float = 0.0) -> int:
    """Writes events/ (what is there is replaced) and truth.parquet; returns the lines."""
    first_day = np.datetime64(start, "D")
    events_dir, staging = out / "events", out / "events.part"
    for folder in (staging, events_dir):
        shutil.rmtree(folder, ignore_errors=True)
    staging.mkdir(parents=True)
    game = Game(users, seed, load_candidates(), games, keen)
    con = duckdb.connect(config={"preserve_insertion_order": True})
    register_world(con, game, seed)
    write_truth(con, game, out / "truth.parquet")

    players, offers = as_structs(con, "players", "player"), as_structs(con, "offers", "offer")
    lines, late = 0, None
    with tqdm(total=days, unit="day", disable=None) as bar:
        for day in range(days + 1):
            date = first_day + day
            second = int(date.astype("datetime64[s]").astype(np.int64))
            parts = [] if late is None else [late]
            if day < days:
                today, late = deliver(game.rng, game.play_day(second))
                parts.append(today)
                bar.update()
            lines += write_events(
                con, pa.concat_tables(parts), players, offers, staging / f"events-{date}.ndjson"
            )
            bar.set_postfix(events=f"{lines:,}")
    staging.rename(events_dir)
    return lines
