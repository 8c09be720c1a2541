"""What the policies of a loop earned, by round."""

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import lightgbm
import numpy as np

from offer_ai.learning.revenue_model import Encoding
from offer_ai.simulation.moving_game import ARRIVAL_ROUND, FLIP_ROUND

BOOTSTRAPS = 1000
POLICIES = {"ours": "our policy", "random": "random", "single": "best single offer",
            "same_features": "best on the same features", "oracle": "oracle"}
REFERENCE = {"objective": "regression", "num_leaves": 31, "min_data_in_leaf": 1,
             "min_data_in_bin": 1, "learning_rate": 0.1, "verbosity": -1, "seed": 1,
             "deterministic": True, "force_row_wise": True, "num_threads": 1}
TREES = 100
# Decisions in a leaf, or a twentieth of a small world's: with less, the reference learns the other
# users by heart.
MIN_DECISIONS = 1000


def best_on_features(decisions, features: list[dict], fold: np.ndarray) -> np.ndarray:
    """The choice of a policy that was told the true worth of every offer: (decisions,).

    Fitted to the noise-free worth of all candidates, by users other than the decision's
    own (two folds) and with the round as a further input, so that it knows the drift.
    """
    worth = np.array(decisions.worth)
    table = getattr(decisions, "table", None) or {feature["name"]: [
        row.get(feature["name"]) for row in decisions.features] for feature in features}
    rows = len(worth)
    encoding = Encoding.of({"features": features}, table | {"offer_type": [""] * rows})
    matrix = np.column_stack([encoding.matrix(
        table | {"offer_type": [""] * rows, "offer_price": [0] * rows}), decisions.round])
    categorical = [encoding.names.index(name) for name in encoding.categories]
    # Decisions alike in all of these are one row, with their number for its weight: 577,000 of
    # one world were 35,000.
    _, first, which = np.unique(np.where(np.isnan(matrix), -np.inf, matrix), axis=0,
                                return_index=True, return_inverse=True)
    distinct, which = matrix[first], which.reshape(-1)
    predicted = np.full((2, len(first), worth.shape[1]), -np.inf)

    def predict(case: tuple[int, int]) -> None:
        test, offer = case
        train = ~np.isnan(worth[:, offer]) & (fold != test)
        if not train.any():
            return
        count = np.bincount(which[train], minlength=len(first))
        total = np.bincount(which[train], worth[train, offer], len(first))
        there = count > 0
        # Of a squared error the hessian is the weight.
        least = {"min_sum_hessian_in_leaf": min(MIN_DECISIONS, train.sum() / 20)}
        data = lightgbm.Dataset(distinct[there], total[there] / count[there], weight=count[there],
                                categorical_feature=categorical)
        predicted[test, :, offer] = lightgbm.train(REFERENCE | least, data, TREES).predict(
            distinct, num_threads=1)

    # Side by side, each of one thread: the same trees on any machine.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(predict, product((0, 1), range(worth.shape[1]))))
    return np.where(np.isnan(worth), -np.inf, predicted[fold, which]).argmax(axis=1)


def reference(decisions, features: list[dict]) -> np.ndarray:
    """As best_on_features, with every other player in a fold."""
    return best_on_features(decisions, features, np.array(decisions.player) % 2)


def earned_by(decisions, best: np.ndarray) -> dict[str, np.ndarray]:
    """Expected revenue of each decision under each of POLICIES: (decisions,) each.

    `best` is what the reference chooses, (decisions,). Worth is NaN where an offer could not be
    made. The best single offer is, in hindsight, what an A/B test of all that could be made
    throughout would have picked.
    """
    worth, at = np.array(decisions.worth), np.arange(len(decisions.worth))
    always = ~np.isnan(worth).any(axis=0)
    single = np.where(always, worth.mean(axis=0), -np.inf).argmax()
    return {
        "ours": worth[at, np.array(decisions.choice)], "random": np.nanmean(worth, axis=1),
        "single": worth[:, single],
        "same_features": worth[at, best],
        "oracle": np.nanmax(worth, axis=1)}


def share_of_gap(earned: dict[str, np.ndarray], rows: np.ndarray) -> float:
    """What we got of what lies between a random choice and the best on the same features."""
    ours, random, best = (earned[name][rows].mean() for name in ("ours", "random", "same_features"))
    return float((ours - random) / (best - random))


def moved(day: np.ndarray, earned: dict[str, np.ndarray], made: np.ndarray, wanted: np.ndarray,
          days: int, flip_round: int = FLIP_ROUND) -> dict:
    """What is made of a moving world, in rounds of so many days. Of each decision: its day, from
    0; what it `earned` (see earned_by); the chance with which the offer that arrives was `made`,
    or whether it was; whether the reference `wanted` it.

    `back`: the share in the last week of the two rounds from the flip on, in parts of the share in
    the round before; `new_offer`: in the second round of the offer that arrives, its share of the
    decisions, in parts of the share that the reference gives it. None before those rounds, where
    no round is before the flip, and where the reference gives it none.
    """
    last, number = (flip_round + 1) * days, 1 + day // days
    before = number == flip_round - 1
    week, there = (day >= last - 7) & (day < last), number == ARRIVAL_ROUND + 1
    share = wanted[there].mean() if there.any() else 0.0
    return {
        "back": share_of_gap(earned, week) / share_of_gap(earned, before)
        if week.any() and before.any() else None,
        "new_offer": None if share == 0 else float(made[there].mean() / share)}


def measure(decisions, features: list[dict], arms: list[dict] | None = None,
            days: int = 0, arriving: int | None = None, flip_round: int = FLIP_ROUND) -> dict:
    """Expected revenue (currency units) of each policy, by round.

    Returns rounds, a list of dicts: round; decisions of all and revenue per decision of each
    policy, share (see share_of_gap), these without the holdout; `total POLICY`, the revenue of
    all decisions since the first round; regret, the oracle's revenue of the round less ours,
    of all decisions; and what `arms` says of the round (see arms.by_round). Beside them share,
    over all rounds; last_share; over_single and last_over_single, what was earned per decision
    above the best single offer, with its 95 % interval by a bootstrap over players;
    single_of_oracle; holdout, the share of decisions in it. With rounds of so many `days` and the
    number of the `arriving` offer, of a moving world with its `flip_round`, also what `moved` says.
    """
    rounds, player = np.array(decisions.round), np.array(decisions.player)
    is_ours = ~np.array(decisions.is_held)
    best = reference(decisions, features)
    earned = earned_by(decisions, best)
    told = {row["round"]: row for row in arms or []}
    found, totals = [], dict.fromkeys(POLICIES, 0.0)
    for number in np.unique(rounds).tolist():
        every = rounds == number
        here = every & is_ours
        for name, values in earned.items():
            totals[name] += float(values[every].sum())
        found.append({
            "round": number, "decisions": int(every.sum()),
            **{name: float(values[here].mean()) for name, values in earned.items()},
            "share": share_of_gap(earned, here),
            "regret": float((earned["oracle"] - earned["ours"])[every].sum()),
            **{f"total {name}": total for name, total in totals.items()},
            **told.get(number, {})})
    margin, last = earned["ours"] - earned["single"], is_ours & (rounds == rounds.max())
    report = {} if arriving is None else moved(
        np.array(decisions.day)[is_ours], {name: one[is_ours] for name, one in earned.items()},
        (np.array(decisions.choice) == arriving)[is_ours], (best == arriving)[is_ours], days,
        flip_round)
    return report | {
        "rounds": found, "policies": len(set(decisions.policy)),
        "share": share_of_gap(earned, is_ours), "last_share": found[-1]["share"],
        "over_single": [float(margin[is_ours].mean()), *interval(margin[is_ours], player[is_ours])],
        "last_over_single": [float(margin[last].mean()), *interval(margin[last], player[last])],
        "single_of_oracle": totals["single"] / totals["oracle"],
        "holdout": float(1 - is_ours.mean())}


def interval(values: np.ndarray, player: np.ndarray) -> list[float]:
    """95 % interval of the mean of values, by a bootstrap over players."""
    _, index = np.unique(player, return_inverse=True)
    sums, counts = np.bincount(index, values), np.bincount(index)
    rng = np.random.default_rng(1)
    means = []
    for _ in range(BOOTSTRAPS):
        drawn = rng.integers(0, len(sums), len(sums))
        means.append(sums[drawn].sum() / counts[drawn].sum())
    return list(map(float, np.quantile(means, [0.025, 0.975])))
