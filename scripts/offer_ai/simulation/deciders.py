"""The service's own deciders, each in a process of its own."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

from offer_ai.serving.arms import HOLDOUT, Holdout
from offer_ai.serving.decider import Decider
from offer_ai.serving.decision_log import DecisionLog
from offer_ai.serving.reloading import ReloadingCandidates

COUNT = 2
# User, session and second of the epoch; and the offer (type, price), features, policy and whether
# the user is of the holdout.
Asked = tuple[str, int, int]
Made = tuple[tuple[str, float], dict, str, bool]


class Deciders:
    """As the workers of `serve.py --workers`: a log and random numbers for each. Here a user is
    always the same one's, so that a world plays the same again."""

    def __init__(self, models: Path, store_url: str, events: Path, candidates: Path,
                 holdout_share: float, seed: int):
        self.pools = [
            ProcessPoolExecutor(1, get_context("spawn"), begin, (
                models, store_url, events, candidates, holdout_share, [seed, 1 + number]))
            for number in range(COUNT)]

    def decide(self, asked: Sequence[Asked], of: Sequence[int]) -> list[Made]:
        """A day's decisions, in order of time; `of` are the users' numbers. When they are made,
        what was logged can land."""
        mine = [[at for at, user in enumerate(of) if user % COUNT == number]
                for number in range(COUNT)]
        jobs = [pool.submit(decide_all, [asked[at] for at in places])
                for pool, places in zip(self.pools, mine, strict=True)]
        made: list = [None] * len(asked)
        for job, places in zip(jobs, mine, strict=True):
            for at, one in zip(places, job.result(), strict=True):
                made[at] = one
        return made

    def close(self) -> None:
        for pool in self.pools:
            pool.shutdown()


DECIDER: Decider  # of this process


def begin(models: Path, store_url: str, events: Path, candidates: Path, holdout_share: float,
          seed: list[int]) -> None:
    """Makes this process a decider."""
    global DECIDER
    DECIDER = Decider(models, store_url, DecisionLog(events, seconds=3600, lines=1 << 60),
                      seed=seed, candidates=ReloadingCandidates(candidates),
                      holdout=Holdout(holdout_share))


def decide_all(asked: Sequence[Asked]) -> list[Made]:
    DECIDER.look(after=0)
    found = []
    for user, session, second in asked:
        made = DECIDER.decide(user, hashlib.md5(f"{user}{session}".encode()).hexdigest()[:14],
                              datetime.fromtimestamp(second, UTC))
        found.append(((made["offer_type"], float(made["offer_price"])), made["features"],
                      made["policy_version"], DECIDER.holdout.arm_of(user) == HOLDOUT))
    DECIDER.log.rotate()
    return found
