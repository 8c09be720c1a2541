"""What the warehouse measured of the arms of a loop, by round, beside the truth."""

from pathlib import Path

import numpy as np

from offer_ai.learning.intervals import interval_of, limits
from offer_ai.warehouse.connection import open_warehouse

WEEK_SECONDS = 7 * 86_400

# As marts.policy_lift does by policy: a user counts once, with the first decision of a round.
FIRST = """
select
    1 + date_diff('day', $start::date, decided_at::date) // $days as round,
    user_id, arm, epoch(decided_at)::bigint as second, revenue
from anchors.arm_decisions
qualify row_number() over (partition by round, user_id order by decided_at, offer_id) = 1
order by round, user_id"""

# Explored is what was not made because one offer was the likeliest, as comparison.is_explored and
# report/queries/decisions.sql have it.
EXPLORED = """
with decisions as (
    select
        1 + date_diff('day', $start::date, event_time::date) // $days as round, propensity,
        list_transform(from_json(candidates, '[{"probability": "DOUBLE"}]'),
            one -> one.probability) as chances
    from staging.stg_decisions
    where arm = 'policy')
select round, avg((propensity < list_max(chances) - 1e-9 or len(list_filter(
    chances, chance -> chance >= list_max(chances) - 1e-9)) > 1)::int) as explored
from decisions group by round order by round"""


def by_round(database: Path, decisions, days: int, start: str, players: dict[str, int]
             ) -> list[dict]:
    """Per round of so many days since `start`: explored, the share of the policy's decisions
    that were not the single likeliest offer; lift, lift_low and lift_high, the revenue of a
    week per user of the policy above the holdout's with its 95 % interval; true_lift, what the
    decisions of the same users and weeks were worth above a random choice. None where there is
    no such figure. `players` says which player a user is.
    """
    asked = {"start": start, "days": days}
    with open_warehouse(database) as con:
        explored = dict(con.execute(EXPLORED, asked).fetchall())
        first = con.execute(FIRST, asked).fetchnumpy()
    player = np.array([players[user] for user in first["user_id"]], int)
    truth = gains_of_week(decisions, player, first["second"])
    found = []
    for number in sorted(explored):
        arms = [(first["round"] == number) & (first["arm"] == arm) for arm in ("policy", "holdout")]
        row = {"round": number, "explored": explored[number], "lift": None, "lift_low": None,
               "lift_high": None, "true_lift": None}
        if all(arm.any() for arm in arms):
            row |= lift(*(first["revenue"][arm] for arm in arms))
            row["true_lift"] = float(truth[arms[0]].mean())
        found.append(row)
    return found


def lift(policy: np.ndarray, holdout: np.ndarray) -> dict:
    """The difference of the means of two groups of users, with its interval; None for its ends
    where a group has fewer than `min_users`."""
    moved = np.concatenate([(policy - policy.mean()) / len(policy),
                            -(holdout - holdout.mean()) / len(holdout)])
    found = interval_of(float(policy.mean() - holdout.mean()), moved)
    is_sure = min(len(policy), len(holdout)) >= limits().min_users and not np.isnan(found.low)
    return {"lift": found.value, "lift_low": found.low if is_sure else None,
            "lift_high": found.high if is_sure else None}


def gains_of_week(decisions, player: np.ndarray, second: np.ndarray) -> np.ndarray:
    """What the decisions for a player in the week from a second (of the epoch) on were worth
    above a random choice among what could be offered: shaped as both."""
    worth = np.array(decisions.worth)
    gain = worth[np.arange(len(worth)), decisions.choice] - np.nanmean(worth, axis=1)
    keys = (np.array(decisions.player) << 34) + decisions.second
    order = np.argsort(keys, kind="stable")
    keys, until = keys[order], np.concatenate([[0.0], gain[order].cumsum()])
    begin = (player << 34) + second
    at, end = (np.searchsorted(keys, one) for one in (begin, begin + WEEK_SECONDS))
    return until[end] - until[at]
