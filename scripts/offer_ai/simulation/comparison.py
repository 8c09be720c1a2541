"""Learners side by side in worlds in memory: what share of what can be reached they reach."""

import time
from collections.abc import Callable

import numpy as np

from offer_ai.learning.policies import EPSILON_GREEDY, THOMPSON
from offer_ai.simulation.learners import Ours, TestFirst, VowpalWabbit
from offer_ai.simulation.memory_world import FEATURES, MemoryWorld
from offer_ai.simulation.moving_game import ARRIVING, WORLDS, MovingGame
from offer_ai.simulation.report import earned_by, interval, moved, reference, share_of_gap
from offer_ai.simulation.schedule import learning_days, news_days
from offer_ai.simulation.world import load_candidates

LEARNERS: dict[str, Callable] = {
    "inverse-gap": Ours,
    "epsilon-greedy": lambda world: Ours(
        world, EPSILON_GREEDY, lambda day: max(0.02, 0.2 / day**0.5)),
    "thompson": lambda world: Ours(world, THOMPSON, 0.01, bootstraps=8),
    "first hour alone": lambda world: Ours(world, labels="early"),
    "mature alone": lambda world: Ours(world, labels="mature"),
    "vowpal-wabbit": VowpalWabbit,
    "a/b test": TestFirst,
}
PEERS = ("vowpal-wabbit", "a/b test")


class Played:
    """A world's decisions, as report.earned_by reads them."""

    def __init__(self, world: MemoryWorld, days: int):
        log = world.log
        self.worth = np.concatenate(log.worth)
        self.choice, self.player = np.concatenate(log.choice), np.concatenate(log.player)
        self.day = np.repeat(np.arange(world.day), [len(one) for one in log.choice])
        self.round = 1 + self.day // days
        self.chances = np.concatenate(log.chances)
        self.table = {feature["name"]: np.concatenate(
            [one[feature["name"]] for one in log.features]) for feature in FEATURES}


def play(name: str, kind: str, players: int, rounds: int, days: int, seed: int, every: int,
         vw_options: str = "", has_gate: bool = True) -> dict:
    """Plays a world with a learner; returns its figures: see `measured` and `moved`."""
    began = time.process_time()
    game = WORLDS[kind](players, seed, load_candidates(), days)
    world = MemoryWorld(game, seed)
    learner = LEARNERS[name](world)
    if vw_options and isinstance(learner, VowpalWabbit):
        learner = VowpalWabbit(world, vw_options)
    if isinstance(learner, Ours):
        learner.has_gate = has_gate
    due = set(learning_days(rounds * days, every))
    for day in range(1, rounds * days + 1):
        world.play(learner.chances)
        if day in due:
            world.publish()
        # It learns each day, from features as old as everyone's.
        if day in due or isinstance(learner, VowpalWabbit):
            learner.learn()
            due |= news_days(day, every, getattr(learner, "change_days", None))
    played = Played(world, days)
    best = reference(played, FEATURES)
    found = measured(played, best, name)
    if isinstance(game, MovingGame):
        arriving = game.index(ARRIVING)
        found |= moved(played.day, earned_by(played, best), played.chances[:, arriving],
                       best == arriving, days, game.flip_round)
    return found | {"world": kind, "seed": seed, "seconds": time.process_time() - began,
                    "steps": getattr(learner, "steps", [])}


def measured(played: Played, best: np.ndarray, name: str) -> dict:
    """`share` of what lies between a random choice and the best on the same features, over all
    rounds and by `rounds`; `over_single`, what was earned per decision above the best single
    offer in hindsight, with its 95 % interval over players; `explored`, the share of decisions
    that were not the one likeliest offer; `chance` of each offer by round.
    """
    earned = earned_by(played, best)
    numbers = np.unique(played.round)
    margin = earned["ours"] - earned["single"]
    every = np.ones(len(margin), bool)
    return {
        "learner": name, "share": share_of_gap(earned, every),
        "single": share_of_gap(earned | {"ours": earned["single"]}, every),
        "rounds": [share_of_gap(earned, played.round == number) for number in numbers],
        "over_single": [float(margin.mean()), *interval(margin, played.player)],
        "explored": float(is_explored(played.chances, played.choice).mean()),
        "chance": [played.chances[played.round == number].mean(axis=0).tolist()
                   for number in numbers]}


def is_explored(chances: np.ndarray, choice: np.ndarray) -> np.ndarray:
    """Which choices (decisions,) were not the one likeliest offer, of chances (decisions, offers):
    where several are, all; as on the page and in the loop's report (simulation/arms.py)."""
    is_likeliest = chances >= chances.max(axis=1, keepdims=True) - 1e-9
    return ~is_likeliest[np.arange(len(choice)), choice] | (is_likeliest.sum(axis=1) > 1)


def table(found: list[dict]) -> str:
    """A line per learner and world."""
    lines = [f"{'world':>9} {'seed':>4} {'learner':>16} {'share':>6} {'last':>6} {'single':>6} "
             f"{'more than single, per decision':>32} {'explored':>8} {'back':>5} {'new':>5}  "
             "share by round"]
    for one in found:
        low_high = "{:+.3f} ({:+.3f} to {:+.3f})".format(*one["over_single"])
        lines.append(
            f"{one['world']:>9} {one['seed']:4} {one['learner']:>16} {one['share']:6.3f} "
            f"{one['rounds'][-1]:6.3f} {one['single']:6.3f} {low_high:>32} "
            f"{one['explored']:8.3f} "
            + " ".join("    -" if one.get(name) is None else f"{one[name]:5.2f}"
                       for name in ("back", "new_offer")) + "  "
            + " ".join(f"{share:.2f}" for share in one["rounds"]))
    return "\n".join(lines)
