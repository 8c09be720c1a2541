"""Fits what a policy asks from the first days on: labels that are not mature take part."""

from dataclasses import asdict
from datetime import timedelta

import click
import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from offer_ai.base import declarations
from offer_ai.base.actions import as_texts
from offer_ai.learning.coded import codes_of
from offer_ai.learning.effects_fit import Later, Sample, Seen
from offer_ai.learning.effects_model import EffectsModel
from offer_ai.learning.effects_rest import mean_of_offer, of_next
from offer_ai.learning.evaluation import HOLDOUT
from offer_ai.learning.fitting import calibration, check_action
from offer_ai.learning.logged_candidates import LoggedCandidates
from offer_ai.learning.revenue_model import Encoding, decision_of
from offer_ai.learning.table_rows import rows_of, rows_that_say

KIND = "effects"
ROW = ".row"  # a column of its own: which of the table's rows it was
MIN_ROWS, MIN_PURCHASES = 1_000, 50
CHANGES = (7, 14, 21, 28, 42)  # how many days ago something may have changed
SURE = 3.0  # standard errors by which a change must explain the last days better than the known
GAP = 3.0  # of inverse-gap weighting: times the root of the decisions, over what a favourite earns


def part_of(label: str) -> str | None:
    """The label that is known before `label` and is a part of it, as declared; None for none."""
    return next((one["name"] for one in declarations.labels()
                 if one["definition"].get("part_of") == label), None)


def spans_of(part: str | None, label: str) -> list[timedelta] | None:
    """How long both look ahead, as declared; None where one does not say, or counts."""
    declared = {one["name"]: one["definition"].get("after") for one in declarations.labels()}
    spans = [after and declarations.length_of(after)
             for after in (declared.get(part), declared.get(label))]
    return spans if all(spans) else None


def gamma_of(model: EffectsModel, at: np.ndarray, decisions: float) -> float:
    """How sharply inverse-gap weighting prefers what looks better, per currency unit.

    It grows with the root of the decisions learned from, as their error shrinks. Source: Foster,
    Rakhlin, Beyond UCB: Optimal and Efficient Contextual Bandits with Regression Oracles (2020).
    """
    rows = at[np.random.default_rng(1).integers(0, len(at), min(len(at), 2_000))]
    offers = model.catalogue.offers
    worth = np.array([model.parts(rows, [offer], np.zeros(len(rows), int))[0]
                      for offer in offers])
    return float(GAP * np.sqrt(decisions)
                 / max(worth.max(axis=0).mean(), 1e-9))


def worth_at_random(table: dict[str, np.ndarray], rows: np.ndarray, dates: np.ndarray) -> float:
    """How many random decisions some rows (rows,) of booleans tell as much as; `dates` (rows,) are
    their days; a holdout is told apart by the column `arm`, if there is one.

    After a change the log of a policy that was sure of what held before says little of the rest.
    The effective sample size of a random policy, source: Kish, Survey Sampling (1965), section
    11.7; by day and arm, as what such a policy logged takes nothing from what others log later or
    beside it.
    Decisions whose propensity nobody knows count as random.
    """
    if "propensity" not in table:
        return float(rows.sum())
    propensity = np.array(table["propensity"][rows], float)
    is_known = propensity > 0
    weight = 1 / propensity[is_known]
    _, part = codes_of((2 * dates + held(table, len(dates)))[rows][is_known])
    effective = np.bincount(part, weight) ** 2 / np.bincount(part, weight**2)
    return float((~is_known).sum() + effective.sum())


def held(table: dict[str, np.ndarray], count: int) -> np.ndarray:
    """Which of so many rows are of the holdout, by the column `arm`, if there is one."""
    return np.asarray(table["arm"]) == HOLDOUT if "arm" in table else np.zeros(count, bool)


def surest(losses: dict[int | None, np.ndarray], known: int | None, user: np.ndarray
           ) -> int | None:
    """The known change, perhaps None, unless its loss, (rows,) each, is surely more than the least:
    then of those that are not, None or else the one longest ago. What varies is users, whose
    numbers from 0 on are `user` (rows,)."""
    best = min(losses, key=lambda change: losses[change].mean())

    def is_surely_worse(change):
        more = losses[change] - losses[best]
        error = np.linalg.norm(np.bincount(user, more - more.mean())) / len(more)
        return more.mean() > SURE * error
    if not is_surely_worse(known):
        return known
    return None if not is_surely_worse(None) else max(
        change for change in losses if change and not is_surely_worse(change))


# Matrices here are small: of two threads each waits for the other half of the time.
@threadpool_limits.wrap(limits=1, user_api="blas")
def fit_early(manifest: dict, table: dict[str, np.ndarray], label: str, validate_days: int,
              bootstraps: int = 0, changed_on: str | None = None,
              logged: LoggedCandidates | None = None) -> tuple[dict[str, EffectsModel], dict]:
    """Fits to the days before the last ones, looks there, then fits to all.

    `changed_on` is the day on which something changed, as the model before this one found: as
    that day recedes, the last days alone would tell less and less of it.

    `table` has arrays: features, action, user_id, the anchor's time, propensity (may be absent),
    the label (NaN where it is not mature) and its part; `logged` are the candidates of its rows.
    Returns models by name as `fit_models` does, and their description. Raises ClickException when
    nothing can be learned from the table.
    """
    table = table | {ROW: np.arange(len(table["user_id"]))}
    table = rows_that_say(decision_of(manifest)["action"], table)
    part = part_of(label)
    if part not in table:
        part, table = None, rows_of(table, ~np.isnan(np.array(table[label], float)))
    amounts, early = (np.array(table[name], float) for name in (label, part or label))
    dates = np.asarray(table[decision_of(manifest)["time"]], "datetime64[D]").astype(int)
    # Of what is mature alone there are fewer days.
    if len(dates):
        validate_days = min(validate_days, max(1, int(np.ptp(dates) + 1) // 2))
    check(manifest, table, label, early, dates, validate_days)
    _, user = codes_of(table["user_id"])
    encoding = Encoding.of(manifest, table)
    seen = Seen.of(encoding, table)
    is_late = dates > dates.max() - validate_days

    spans = spans_of(part, label)
    values = early, mean_of_offer(early, seen.which)
    brought, expected = np.zeros((2, len(dates))) if spans is None else of_next(
        user, table[decision_of(manifest)["time"]], values, *spans)
    chances = np.full((len(dates), len(seen.offers)), np.nan) if logged is None else (
        logged.chances(seen.offers, table[ROW]))
    later = Later(label=amounts, user=user, week=dates // 7, is_held=held(table, len(dates)),
                  of_next=brought, expected_of_next=expected, chances=chances)

    def sample(rows):
        return Sample(seen.rows(rows), early[rows], later, rows)

    def since(rows, change):
        return None if change is None else dates[rows] > dates.max() - change

    before, late, every = (np.flatnonzero(rows) for rows in (
        ~is_late, is_late, np.ones(len(dates), bool)))
    # Whether things have changed, half of the users tell, with what the last days of the others
    # show. The twin knows no late day: a change of these days is none to it.
    is_last = dates > dates.max() - min(validate_days, CHANGES[0])
    shows = is_last & (user % 2 == 0)
    half, others = np.flatnonzero(~is_last | shows), np.flatnonzero(is_last & ~shows)
    of_half = sample(half)
    tried = {None: of_half.odds()}
    known = None if changed_on is None else int(
        dates.max() + 1 - np.datetime64(changed_on, "D").astype(int))
    # What was before has a week at least.
    possible = [change for change in {*CHANGES, known} - {None}
                if CHANGES[0] <= change <= dates.max() - dates.min() + 1 - CHANGES[0]]
    for change in possible:
        tried[change] = of_half.odds(tried[None], since(half, change))
    change = surest({one: of_half.log_losses(odds, seen.rows(others), early[others])
                     for one, odds in tried.items()}, known if known in tried else None,
                    user[others])
    of_before, of_all = sample(before), sample(every)
    shown, shown_early = seen.rows(late), early[late]
    twin, odds = None, of_before.odds(tried[None])
    losses = of_before.log_losses(odds, shown, shown_early)
    if change is not None and change > validate_days:
        other = of_before.odds(odds, since(before, change))
        other_losses = of_before.log_losses(other, shown, shown_early)
        if other_losses.mean() < losses.mean():
            twin, odds, losses = change, other, other_losses
    models = {"model": of_all.model(of_all.odds(tried[None], since(every, change))),
              "held_out": of_before.model(odds)}
    learned_from = float(len(every)) if change is None else worth_at_random(
        table, dates > dates.max() - change, dates)
    rng = np.random.default_rng(1)
    for number in tqdm(range(bootstraps), unit="model", disable=None):
        times = rng.poisson(1, user.max() + 1)
        for name, of, rows, changed in (("model", of_all, every, change),
                                        ("held_out", of_before, before, twin)):
            odds = of.odds(models[name].weights, since(rows, changed), times[user[rows]])
            models[f"{name}-{number}"] = of.model(odds, times[user[rows]])
    predicted = models["held_out"].parts(models["held_out"].bins.indices(shown.matrix),
                                         shown.offers, shown.which)[0]
    description = {
        "kind": KIND, "decision_point": decision_of(manifest)["name"], "label": label,
        "part": part, "validate_days": validate_days,
        "training": {key: manifest[key] for key in ("version", "watermark", "code_version")} | {
            "days": {name: [str(np.datetime64(int(day), "D")) for day in (of.min(), of.max())]
                     for name, of in {"model": dates, "held_out": dates[before]}.items()}},
        "encoding": asdict(encoding),
        "gamma": gamma_of(models["model"], of_all.at[-100_000:], learned_from),
        "change_days": change,
        "changed_on": None if change is None else str(
            np.datetime64(int(dates.max()) + 1 - change, "D")),
        "metrics": {"rows": len(amounts), "mature_rows": int((~np.isnan(amounts)).sum()),
                    "validation_rows": len(late), "log_loss": float(losses.mean()),
                    "earned": float(early[late].mean()),
                    "predicted": float(predicted.mean()),
                    "rest_by_offer": {" ".join(as_texts(offer)): float(value) for offer, value
                                      in zip(models["model"].catalogue.offers,
                                             models["model"].rest, strict=True)}},
        "calibration": calibration(early[late], predicted),
    }
    return models, description


def check(manifest: dict, table: dict, label: str, early: np.ndarray, dates: np.ndarray,
          validate_days: int) -> None:
    """Raises ClickException when nothing can be learned from the table."""
    name = decision_of(manifest)["name"]
    if len(early) < MIN_ROWS:
        raise click.ClickException(f"{len(early):,} {name} are too few to learn from: "
                                   f"{MIN_ROWS:,} are the least.")
    if dates.max() - validate_days < dates.min():
        raise click.ClickException(
            f"All {name} lie within --validate-days: there is nothing earlier to train on.")
    check_action(manifest, table)
    bought = int((early[dates <= dates.max() - validate_days] > 0).sum())
    if bought < MIN_PURCHASES:
        raise click.ClickException(
            f"Before the last days {bought} {name} were followed by a purchase, in what is known "
            f"of {label}: {MIN_PURCHASES} are the least to learn from.")
