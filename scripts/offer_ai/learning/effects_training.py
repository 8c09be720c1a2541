"""Fits what a policy asks from the first days on: labels that are not mature take part."""

import click
import numpy as np
from tqdm import tqdm

from offer_ai.base import declarations
from offer_ai.learning.effects_fit import fit_effects
from offer_ai.learning.effects_model import EffectsModel, offers_of
from offer_ai.learning.fitting import calibration
from offer_ai.learning.revenue_model import Encoding

KIND = "effects"
MIN_ROWS, MIN_PURCHASES = 1_000, 50
HALF_LIVES = (None, 28, 7)  # days; the last days say with which age counts best
GAP = 3.0  # of inverse-gap weighting: times the root of the decisions, over what a favourite earns


def part_of(label: str) -> str | None:
    """The label that is known before `label` and is a part of it, as declared; None for none."""
    return next((one["name"] for one in declarations.labels()
                 if one["definition"].get("part_of") == label), None)


def gamma_of(model: EffectsModel, at: np.ndarray) -> float:
    """How sharply inverse-gap weighting prefers what looks better, per currency unit.

    It grows with the root of the decisions learned from, as their error shrinks. Source: Foster,
    Rakhlin, Beyond UCB: Optimal and Efficient Contextual Bandits with Regression Oracles (2020).
    """
    rows = at[np.random.default_rng(1).integers(0, len(at), min(len(at), 2_000))]
    offers = model.catalogue.offers
    worth = np.array([model.parts(rows, [offer], np.zeros(len(rows), int))[0]
                      for offer in offers])
    return float(GAP * np.sqrt(sum(model.catalogue.counts))
                 / max(worth.max(axis=0).mean(), 1e-9))


def log_loss(model: EffectsModel, table: dict, early: np.ndarray) -> float:
    """Mean log loss of whether there is an early purchase."""
    at, (offers, which) = model.rows(table), offers_of(table)
    odds = model.of_offers(offers)[0][which[:, None], at].sum(axis=1)
    return float(np.mean(np.logaddexp(0, odds) - (early > 0) * odds))


def rows_of(table: dict, rows: np.ndarray) -> dict:
    """The rows of a table of arrays."""
    return {name: values[rows] for name, values in table.items()}


def fit_early(manifest: dict, table: dict[str, np.ndarray], label: str, validate_days: int,
              bootstraps: int = 0) -> tuple[dict[str, EffectsModel], dict]:
    """Fits to the days before the last ones, looks there, then fits to all.

    `table` has arrays: features, offer, user_id, offered_at, the label (NaN where it is not
    mature) and its part. Returns models by name as `fit_models` does, and their description.
    Raises ClickException when nothing can be learned from the table.
    """
    amounts = np.array(table[label], float)
    part = part_of(label)
    early = amounts if part is None or part not in table else np.array(table[part], float)
    dates = np.asarray(table["offered_at"], "datetime64[D]").astype(int)
    check(manifest["features"], table, label, early, dates, validate_days)
    if part is None or part not in table:
        keep = ~np.isnan(amounts)
        table, amounts, early, dates = (rows_of(table, keep), amounts[keep], early[keep],
                                        dates[keep])
    _, user = np.unique(table["user_id"], return_inverse=True)
    encoding = Encoding.of(manifest["features"], table)
    is_late = dates > dates.max() - validate_days

    def fit(rows, half_life, start=None, times=None):
        weight = np.ones(len(rows))
        if half_life:
            weight = 0.5 ** ((dates[rows].max() - dates[rows]) / half_life)
        if times is not None:
            weight = weight * times[user[rows]]
        return fit_effects(encoding, rows_of(table, rows), early[rows], amounts[rows],
                           user[rows], weight, start)

    before, late = np.flatnonzero(~is_late), np.flatnonzero(is_late)
    span = int(dates[before].max() - dates[before].min())
    tried, last = {}, None
    for half_life in HALF_LIVES:
        # Where no day is that old, all count alike.
        if half_life is None or span > half_life:
            last = fit(before, half_life, last)
            tried[half_life] = (last, log_loss(last, rows_of(table, late), early[late]))
    half_life = min(tried, key=lambda one: tried[one][1])
    held_out, loss = tried[half_life]
    every = np.arange(len(amounts))
    models = {"model": fit(every, half_life, held_out), "held_out": held_out}
    rng = np.random.default_rng(1)
    for number in tqdm(range(bootstraps), unit="model", disable=None):
        times = rng.poisson(1, user.max() + 1)
        models[f"model-{number}"] = fit(every, half_life, models["model"], times)
        models[f"held_out-{number}"] = fit(before, half_life, held_out, times)
    shown = rows_of(table, late)
    at, (offers, which) = held_out.rows(shown), offers_of(shown)
    predicted = held_out.parts(at, offers, which)[0]
    description = {
        "kind": KIND, "label": label, "part": part, "validate_days": validate_days,
        "training": {key: manifest[key] for key in ("version", "watermark", "code_version")} | {
            "days": {name: [str(np.datetime64(int(day), "D")) for day in (of.min(), of.max())]
                     for name, of in {"model": dates, "held_out": dates[before]}.items()}},
        "encoding": {"columns": encoding.columns, "categories": encoding.categories},
        "gamma": gamma_of(models["model"], models["model"].rows(rows_of(
            table, every[-100_000:]))),
        "half_life_days": half_life,
        "metrics": {"rows": len(amounts), "mature_rows": int((~np.isnan(amounts)).sum()),
                    "validation_rows": len(late), "log_loss": loss,
                    "earned": float(early[late].mean()),
                    "predicted": float(predicted.mean()),
                    "rest_by_offer": {f"{kind} {price:g}": float(value) for (kind, price), value
                                      in zip(models["model"].catalogue.offers,
                                             models["model"].rest, strict=True)}},
        "calibration": calibration(early[late], predicted),
    }
    return models, description


def check(features: list[dict], table: dict, label: str, early: np.ndarray, dates: np.ndarray,
          validate_days: int) -> None:
    """Raises ClickException when nothing can be learned from the table."""
    if refused := Encoding.refuses(features):
        raise click.ClickException(refused)
    if len(early) < MIN_ROWS:
        raise click.ClickException(f"{len(early):,} offers are too few to learn from: "
                                   f"{MIN_ROWS:,} are the least.")
    if dates.max() - validate_days < dates.min():
        raise click.ClickException(
            "All offers lie within --validate-days: there is nothing earlier to train on.")
    if len(set(zip(table["offer_type"], table["offer_price"].tolist(), strict=True))) == 1:
        raise click.ClickException(
            "Only one offer was ever shown: there is nothing to choose from. Show others "
            "too, at random, and log their propensity.")
    bought = int((early[dates <= dates.max() - validate_days] > 0).sum())
    if bought < MIN_PURCHASES:
        raise click.ClickException(
            f"Before the last days {bought} offers were followed by a purchase, in what is known "
            f"of {label}: {MIN_PURCHASES} are the least to learn from.")
