"""A loop's report: a table, a picture, and what was earned in two sentences."""

import base64
import html
import io
from pathlib import Path

import numpy as np
from scipy import special

from offer_ai.simulation.report import POLICIES


def over_worlds(values: list[float]) -> str:
    """Mean and, of several, the 95 % interval of the mean (Student's t)."""
    mean = np.mean(values)
    if len(values) == 1:
        return f"{mean:.3f}"
    half = special.stdtrit(len(values) - 1, 0.975) * np.std(values, ddof=1) / np.sqrt(len(values))
    return f"{mean:.3f} (95 % interval {mean - half:.3f} to {mean + half:.3f})"


def by_round(reports: list[dict]) -> list[dict]:
    """The rounds, averaged over worlds; None where a world lacks a figure."""
    return [{name: None if any(row[name] is None for row in same)
             else float(np.mean([row[name] for row in same])) for name in same[0]}
            for same in zip(*(report["rounds"] for report in reports), strict=True)]


def table(reports: list[dict]) -> str:
    """A line per round, then what to conclude."""
    head = " ".join(f"{name:>24}" for name in POLICIES.values())
    lines = [f"expected revenue per decision, {len(reports)} world(s)",
             f"round decisions {head} {'share':>6} {'cumulative':>11} {'regret':>8} "
             f"{'explored':>8} {'measured lift per user and week':>31} {'true':>6}"]
    for row in by_round(reports):
        lines.append(
            f"{row['round']:5.0f} {row['decisions']:9,.0f} "
            + " ".join(f"{row[name]:24.4f}" for name in POLICIES)
            + f" {row['share']:6.3f} {row['total ours']:11,.0f} {row['regret']:8,.0f} "
            f"{row['explored']:8.3f} {lift_text(row):>31} "
            + ("" if row["true_lift"] is None else f"{row['true_lift']:6.3f}"))
    for name, shares in peers(reports).items():
        lines.append(f"share of {name} in the same world in memory, by round: "
                     + " ".join(f"{share:.3f}" for share in shares))
    return "\n".join([*lines, *conclusions(reports), *earned(reports)])


def peers(reports: list[dict]) -> dict[str, np.ndarray]:
    """The share by round of each peer, averaged over worlds: (rounds,) each."""
    return {name: np.mean([report["peers"][name] for report in reports], axis=0)
            for name in reports[0].get("peers", {})}


def lift_text(row: dict) -> str:
    if row["lift"] is None:
        return "unknown"
    if row["lift_low"] is None or row["lift_high"] is None:
        return f"{row['lift']:+.3f} (no interval)"
    return f"{row['lift']:+.3f} ({row['lift_low']:+.3f} to {row['lift_high']:+.3f})"


def conclusions(reports: list[dict]) -> list[str]:
    def moved(name, what):
        own = [report[name] for report in reports if report.get(name) is not None]
        return [f"{what}: {over_worlds(own)}; by world: "
                + ", ".join(f"{one:.3f}" for one in own)] if own else []

    def margins(name):
        own = ", ".join("{:+.4f} ({:+.4f} to {:+.4f})".format(*report[name]) for report in reports)
        return over_worlds([report[name][0] for report in reports]) + f"; by world: {own}"

    def shares(name):
        own = ", ".join(f"{report[name]:.3f}" for report in reports)
        return over_worlds([report[name] for report in reports]) + f"; by world: {own}"
    return [
        "share of the gap between random and the best on the same features, all rounds: "
        + shares("share"),
        "the same, last round: " + shares("last_share"),
        "margin over the best single offer in hindsight, all rounds: " + margins("over_single"),
        "the same, last round: " + margins("last_over_single"),
        "best single offer of the oracle: "
        + over_worlds([report["single_of_oracle"] for report in reports]),
        *moved("back", "share in the last week of the two rounds from the flip on, in parts of "
               "that in the round before"),
        *moved("new_offer", "decisions for the new offer in its second round, in parts of those "
               "of the best on the same features")]


def earned(reports: list[dict]) -> list[str]:
    """What was earned, and what the holdout told of it: a sentence each."""
    last = [report["rounds"][-1] for report in reports]
    total = {name: sum(row[f"total {name}"] for row in last) for name in POLICIES}
    more = total["ours"] - total["random"]
    found = [
        f"In {len(reports[0]['rounds'])} rounds offers earned {total['ours']:,.0f}, "
        f"{signed(more)} ({more / total['random']:+.0%}) than a random choice and "
        f"{signed(total['ours'] - total['single'])} than the best single offer in hindsight."]
    rows = [row for report in reports for row in report["rounds"] if row["true_lift"] is not None]
    sure = [row for row in rows if None not in (row["lift_low"], row["lift_high"])]
    if not sure:
        found.append("The holdout is too small, or the rounds too few, to measure a lift.")
    else:
        held = sum(row["lift_low"] <= row["true_lift"] <= row["lift_high"] for row in sure)
        true, measured = (np.mean([row[name] for row in sure]) for name in ("true_lift", "lift"))
        found.append(
            f"The policy brought {true:+.2f} per user and week, in the mean of the rounds; the "
            f"holdout of {np.mean([report['holdout'] for report in reports]):.0%} measured "
            f"{measured:+.2f}, and in {held} of {len(sure)} rounds its 95 % interval holds the "
            "truth.")
    return found


def signed(value: float) -> str:
    return f"{abs(value):,.0f} {'more' if value >= 0 else 'less'}"


def draw(reports: list[dict], out: Path) -> None:
    """Writes loop.png and loop.html, which holds the picture and the table."""
    picture = picture_of(by_round(reports), peers(reports))
    (out / "loop.png").write_bytes(picture)
    encoded = base64.b64encode(picture).decode()
    (out / "loop.html").write_text(
        "<!doctype html><meta charset='utf-8'><title>Offer AI: the loop</title>"
        f"<img alt='revenue, regret, exploration and lift by round' style='max-width:100%' "
        f"src='data:image/png;base64,{encoded}'>"
        + "".join(f"<p>{html.escape(line)}</p>" for line in earned(reports))
        + f"<pre>{html.escape(table(reports))}</pre>\n")


def picture_of(rounds: list[dict], others: dict[str, np.ndarray]) -> bytes:
    """The rounds as a PNG of six panels; `others` are the shares of peers: see `peers`."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot
    from matplotlib.ticker import MaxNLocator

    figure, axes = pyplot.subplots(2, 3, figsize=(15, 8))
    numbers = [row["round"] for row in rounds]
    of_decision, share, of_all, regret, explored, lift = axes.flat
    for axis, prefix, title in ((of_decision, "", "expected revenue per decision"),
                                (of_all, "total ", "cumulative revenue of all decisions")):
        for name, label in POLICIES.items():
            axis.plot(numbers, [row[prefix + name] for row in rounds], label=label,
                      linewidth=2.5 if name == "ours" else 1.2)
        axis.set_title(title)
        axis.set_ylim(bottom=0)
        axis.legend()
    share.plot(numbers, [row["share"] for row in rounds], "o-", label=POLICIES["ours"])
    for name, shares in others.items():
        share.plot(numbers, shares, label=name, linewidth=1.2)
    share.legend()
    share.set_ylim(top=1.05)
    share.set_title("share of what the features allow, above random")
    regret.bar(numbers, [row["regret"] for row in rounds], color="grey")
    regret.set_title("regret: what the oracle would have earned more")
    explored.plot(numbers, [row["explored"] for row in rounds], "o-")
    explored.set_title("share of decisions that explored")
    explored.set_ylim(0, 1.05)
    known = [row for row in rounds if row["true_lift"] is not None]
    sure = [row for row in known if None not in (row["lift_low"], row["lift_high"])]
    lift.plot([row["round"] for row in known], [row["true_lift"] for row in known], "o-",
              label="true")
    lift.plot([row["round"] for row in known], [row["lift"] for row in known], "o",
              color="grey", label="measured, with 95 % interval")
    lift.vlines([row["round"] for row in sure], [row["lift_low"] for row in sure],
                [row["lift_high"] for row in sure], color="grey")
    lift.set_title("lift per user and week")
    lift.legend()
    for axis in axes.flat:
        axis.set_xlabel("round")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.tight_layout()
    picture = io.BytesIO()
    figure.savefig(picture, dpi=100, metadata={"Software": None})
    pyplot.close(figure)
    return picture.getvalue()
