"""The whole loop in a simulated world: decide, land, build, train, evaluate, promote.

Players come, go and change; offers are decided by the code that serves, from features
that the warehouse published; the world alone knows what each decision is worth.
"""

import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click
import duckdb
import numpy as np
import pyarrow as pa
from tqdm import tqdm

from offer_ai.base import declarations
from offer_ai.base.settings import default_store
from offer_ai.features.opening import open_store
from offer_ai.features.publish import publish_latest
from offer_ai.learning.cycle import Step, learn
from offer_ai.learning.policies import INVERSE_GAP
from offer_ai.simulation.arms import by_round
from offer_ai.simulation.comparison import play
from offer_ai.simulation.deciders import Deciders
from offer_ai.simulation.game import deliver
from offer_ai.simulation.moving_game import ARRIVING, WORLDS, MovingGame
from offer_ai.simulation.raw_events import (
    as_structs,
    register_players,
    register_world,
    write_events,
)
from offer_ai.simulation.report import measure
from offer_ai.simulation.schedule import learning_days, news_days
from offer_ai.simulation.world import load_candidates
from offer_ai.training.versions import Versions
from offer_ai.training.writing import publish_training
from offer_ai.warehouse.connection import open_warehouse
from offer_ai.warehouse.warm_dbt import Dbt

START = np.datetime64("2025-01-01", "D")
FRESH_VERSIONS = 2


@dataclass
class Decisions:
    """What was decided, and what each candidate would have earned by itself then.

    Lists of one entry per decision: features (dict), worth (candidates,), choice, player,
    second (of the epoch), day (of the world, from 0), round, policy, and whether it is of the
    holdout.
    """

    features: list = field(default_factory=list)
    worth: list = field(default_factory=list)
    choice: list = field(default_factory=list)
    player: list = field(default_factory=list)
    second: list = field(default_factory=list)
    day: list = field(default_factory=list)
    round: list = field(default_factory=list)
    policy: list = field(default_factory=list)
    is_held: list = field(default_factory=list)


class Loop:
    """One world and the project that serves it, in a folder of its own."""

    def __init__(self, folder: Path, players: int, seed: int, world: str, round_days: int,
                 holdout_share: float):
        shutil.rmtree(folder, ignore_errors=True)
        self.events, self.export = folder / "events", folder / "export"
        self.events.mkdir(parents=True)
        self.database, self.seed = folder / "offer_ai.duckdb", seed
        os.environ.update(OFFER_AI_EVENTS=str(self.events), OFFER_AI_DB=str(self.database),
                          OFFER_AI_EXPORT=str(self.export))
        self.dbt = Dbt(folder / "target")
        self.dbt.parse()
        self.game = WORLDS[world](players, seed, load_candidates(), round_days)
        self.known = list(zip(self.game.offers.offer_type.tolist(),
                              self.game.offers.price.tolist(), strict=True))
        # The game's own numbers are then those that it has in memory.
        self.delays = np.random.default_rng([seed, 0, 0])
        self.con = duckdb.connect(config={"preserve_insertion_order": True})
        register_world(self.con, self.game, seed)
        self.offers = as_structs(self.con, "offers", "offer")
        self.store_url = default_store(self.export)
        self.decisions, self.late, self.day, self.round = Decisions(), None, 0, 0
        self.builds, self.user_ids = 0, []
        self.candidates, self.listed = folder / "offer_candidates.csv", []
        self.list_candidates()
        self.deciders = Deciders(self.export / "models", self.store_url, self.events,
                                 self.candidates, holdout_share, seed)

    def list_candidates(self) -> None:
        """Writes the day's candidates to the file that the service reads."""
        is_valid = self.game.is_valid(self.day)
        listed = [offer for offer, is_so in zip(self.known, is_valid, strict=True) if is_so]
        if listed == self.listed:
            return
        self.candidates.write_text("\n".join(["offer_type,offer_price", *(
            f"{kind},{price}" for kind, price in listed), ""]))
        self.listed = listed

    def play(self, days: int) -> int:
        """Plays some days; returns how many events there were."""
        lines = 0
        for _ in tqdm(range(days), desc=f"round {self.round}", unit="day", disable=None):
            self.game.next_day()
            self.list_candidates()
            register_players(self.con, self.game, self.seed)
            self.user_ids = [user for (user,) in self.con.execute(
                "select user_id from players order by player").fetchall()]
            date = START + self.day
            second = int(date.astype("datetime64[s]").astype(np.int64))
            today, late = deliver(self.delays, self.game.play_day(second, self.decide))
            parts = [today] if self.late is None else [self.late, today]
            lines += write_events(
                self.con, pa.concat_tables(parts), as_structs(self.con, "players", "player"),
                self.offers, self.events / f"events-{date}.ndjson")
            self.late, self.day = late, self.day + 1
        return lines

    def decide(self, player: np.ndarray, session: np.ndarray, second: np.ndarray) -> np.ndarray:
        """The day's decisions, through the code that serves."""
        asked = [(self.user_ids[who], which, at) for who, which, at in zip(
            player.tolist(), session.tolist(), second.tolist(), strict=True)]
        choices = []
        for offer, *told in self.deciders.decide(asked, player.tolist()):
            choices.append(self.known.index(offer))
            for values, value in zip((self.decisions.features, self.decisions.policy,
                                      self.decisions.is_held), told, strict=True):
                values.append(value)
        self.decisions.worth.extend(self.game.worth(player))
        self.decisions.choice += choices
        self.decisions.player += player.tolist()
        self.decisions.second += second.tolist()
        self.decisions.day += [self.day] * len(choices)
        self.decisions.round += [self.round] * len(choices)
        return np.array(choices)

    def build(self) -> None:
        """Lands and builds."""
        self.dbt("run", *([] if self.builds == 0 else ["--exclude", *self.dbt.lasting_views()]))
        self.builds += 1

    def publish(self) -> None:
        """Publishes what is served from and learned from."""
        with open_warehouse(self.database) as con:
            store = open_store(self.store_url)
            publish_latest(con, store)
            store.close()
            publish_training(con, Versions(str(self.export / "training")),
                             self.export / ".training.part", FRESH_VERSIONS)

    def learn(self, epsilon: float) -> Step:
        """One step of the cycle that `learn.py` keeps going; returns what came of it."""
        try:
            return learn(self.export, INVERSE_GAP, epsilon)
        except click.ClickException as error:
            return Step(error.message)


def run(folder: Path, players: int, rounds: int, days: int, seed: int, every_days: int,
        epsilon: float, world: str = "drifting", holdout_share: float = 0.05,
        peers: Sequence[str] = ()) -> dict:
    """Runs the loop; returns its report: see report.measure. Beside it `peers`: the share by
    round of each of these learners (of comparison.LEARNERS) in the same world in memory."""
    loop = Loop(folder, players, seed, world, days, holdout_share)
    ends = [days * number for number in range(1, rounds + 1)]
    due = {*learning_days(ends[-1], every_days), *ends}
    while due:
        until = min(due)
        due.remove(until)
        began = time.perf_counter()
        loop.round = 1 + loop.day // days
        before = len(loop.decisions.choice)
        lines = loop.play(until - loop.day)
        played = time.perf_counter() - began
        built = learned = 0.0
        outcome = "the world ends"
        if until < ends[-1]:
            loop.build()
            loop.publish()
            built = time.perf_counter() - began - played
            step = loop.learn(epsilon)
            outcome = step.said
            due |= {day for day in news_days(until, every_days, step.change_days)
                    if day < ends[-1]}
            learned = time.perf_counter() - began - played - built
        click.echo(
            f"day {loop.day}: {len(loop.decisions.choice) - before:,} decisions in {lines:,} "
            f"events, played in {played:.0f} s, built in {built:.0f} s, learned in {learned:.0f} "
            f"s; {outcome}")
    loop.build()  # for the report alone: nobody asks any more, so nothing is published
    loop.deciders.close()
    arms = by_round(loop.database, loop.decisions, days, str(START),
                    {user: number for number, user in enumerate(loop.user_ids)})
    moves = (loop.game.index(ARRIVING), loop.game.flip_round) if isinstance(
        loop.game, MovingGame) else ()
    return measure(loop.decisions, declarations.features(), arms, days, *moves) | {
        "world": world, "seed": seed,
        "peers": {name: play(name, world, players, rounds, days, seed, every_days)["rounds"]
                  for name in peers}}
