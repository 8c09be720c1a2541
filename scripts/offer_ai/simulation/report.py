"""What the policies of a loop earned, by round: as numbers, a table and a picture."""

import base64
import html
import io
from pathlib import Path

import lightgbm
import numpy as np
from scipy import stats

from offer_ai.learning.revenue_model import Encoding

BOOTSTRAPS = 1000
POLICIES = {"ours": "our policy", "random": "random", "single": "best single offer",
            "same_features": "best on the same features", "oracle": "oracle"}
REFERENCE = {"objective": "regression", "num_leaves": 31, "min_data_in_leaf": 200,
             "learning_rate": 0.1, "verbosity": -1, "seed": 1, "deterministic": True,
             "force_row_wise": True, "num_threads": 1}
TREES = 100


def best_on_features(decisions, features: list[dict], fold: np.ndarray) -> np.ndarray:
    """The choice of a policy that was told the true worth of every offer: (decisions,).

    Fitted to the noise-free worth of all candidates, by users other than the decision's
    own (two folds) and with the round as a further input, so that it knows the drift.
    """
    worth = np.array(decisions.worth)
    table = getattr(decisions, "table", None) or {feature["name"]: [
        row.get(feature["name"]) for row in decisions.features] for feature in features}
    rows = len(worth)
    encoding = Encoding.of(features, table | {"offer_type": [""] * rows})
    matrix = np.column_stack([encoding.matrix(
        table | {"offer_type": [""] * rows, "offer_price": [0] * rows}), decisions.round])
    categorical = [encoding.names.index(name) for name in encoding.categories]
    predicted = np.full(worth.shape, -np.inf)
    for test in (0, 1):
        for offer in range(worth.shape[1]):
            is_valid = ~np.isnan(worth[:, offer])
            train, other = is_valid & (fold != test), is_valid & (fold == test)
            if not (train.any() and other.any()):
                continue
            data = lightgbm.Dataset(matrix[train], worth[train, offer],
                                    categorical_feature=categorical)
            predicted[other, offer] = lightgbm.train(REFERENCE, data, TREES).predict(
                matrix[other], num_threads=1)
    return predicted.argmax(axis=1)


def measure(decisions, features: list[dict]) -> dict:
    """Expected revenue per decision (currency units) of each policy, by round.

    Returns rounds (list of dicts of round, decisions, policy -> revenue, regret: the
    oracle's revenue less ours, summed), share_of_gap of the last round (of what lies
    between random and the best policy on the same features) and margin over the best
    single offer there, with its 95 % interval by a bootstrap over players.
    """
    worth, choice = np.array(decisions.worth), np.array(decisions.choice)
    rounds, player = np.array(decisions.round), np.array(decisions.player)
    at = np.arange(len(worth))
    # What an A/B test of all of them would have picked, in hindsight.
    single = int(worth.mean(axis=0).argmax())
    earned = {
        "ours": worth[at, choice], "random": worth.mean(axis=1), "single": worth[:, single],
        "same_features": worth[at, best_on_features(decisions, features, player % 2)],
        "oracle": worth.max(axis=1)}
    found = []
    for number in np.unique(rounds):
        here = rounds == number
        row = {name: float(values[here].mean()) for name, values in earned.items()}
        found.append({"round": int(number), "decisions": int(here.sum()), **row,
                      "regret": float((earned["oracle"] - earned["ours"])[here].sum())})
    last = rounds == rounds.max()
    margin = (earned["ours"] - earned["single"])[last]
    row = found[-1]
    return {
        "rounds": found,
        "policies": len(set(decisions.policy)),
        "share_of_gap": (row["ours"] - row["random"]) / (row["same_features"] - row["random"]),
        "single_of_oracle": sum(r["single"] * r["decisions"] for r in found)
        / sum(r["oracle"] * r["decisions"] for r in found),
        "margin": [float(margin.mean()), *interval(margin, player[last])]}


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


def over_worlds(values: list[float]) -> str:
    """Mean and, of several, the 95 % interval of the mean (Student's t)."""
    mean = np.mean(values)
    if len(values) == 1:
        return f"{mean:.3f}"
    half = stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return f"{mean:.3f} (95 % interval {mean - half:.3f} to {mean + half:.3f})"


def by_round(reports: list[dict]) -> list[dict]:
    """The rounds, averaged over worlds."""
    return [{name: float(np.mean([row[name] for row in same])) for name in same[0]}
            for same in zip(*(report["rounds"] for report in reports), strict=True)]


def table(reports: list[dict]) -> str:
    head = "round decisions " + " ".join(f"{name:>25}" for name in POLICIES.values())
    lines = [f"expected revenue per decision, {len(reports)} world(s)", f"{head} {'regret':>9}"]
    for row in by_round(reports):
        lines.append(f"{row['round']:5.0f} {row['decisions']:9,.0f} " + " ".join(
            f"{row[name]:25.4f}" for name in POLICIES) + f" {row['regret']:9,.0f}")
    lines += conclusions(reports)
    return "\n".join(lines)


def conclusions(reports: list[dict]) -> list[str]:
    own = ", ".join("{:.4f} ({:.4f} to {:.4f})".format(*report["margin"]) for report in reports)
    return [
        "share of the gap between random and the best on the same features, last round: "
        + over_worlds([report["share_of_gap"] for report in reports]) + " (target: 0.85)",
        "margin over the best single offer, last round: "
        + over_worlds([report["margin"][0] for report in reports]) + f"; by world: {own}",
        "best single offer of the oracle: "
        + over_worlds([report["single_of_oracle"] for report in reports]) + " (at least 0.6)",
    ]


def draw(reports: list[dict], out: Path) -> None:
    """Writes loop.png and loop.html, which holds the picture and the table."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    rounds = by_round(reports)
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4.5))
    numbers = [row["round"] for row in rounds]
    for name, label in POLICIES.items():
        left.plot(numbers, [row[name] for row in rounds], label=label,
                  linewidth=2.5 if name == "ours" else 1.2)
    left.set_xlabel("round")
    left.set_ylabel("expected revenue per decision")
    left.set_ylim(bottom=0)
    left.legend()
    right.bar(numbers, [row["regret"] for row in rounds], color="grey")
    right.set_xlabel("round")
    right.set_ylabel("regret: what the oracle would have earned more")
    figure.tight_layout()
    picture = io.BytesIO()
    figure.savefig(picture, dpi=110, metadata={"Software": None})
    pyplot.close(figure)
    (out / "loop.png").write_bytes(picture.getvalue())
    encoded = base64.b64encode(picture.getvalue()).decode()
    (out / "loop.html").write_text(
        "<!doctype html><meta charset='utf-8'><title>Offer AI: the loop</title>"
        f"<img alt='revenue and regret by round' src='data:image/png;base64,{encoded}'>"
        f"<pre>{html.escape(table(reports))}</pre>\n")
