"""Fits what a policy asks: how much each offer would earn from a user in 7 days."""

import click
import lightgbm
import numpy as np
from tqdm import tqdm

from offer_ai.learning.revenue_model import Encoding
from offer_ai.learning.trees import (
    PARAMETERS,
    USER_ROUNDS,
    deviance,
    fit_trees,
    importance_weights,
    resampled,
)

MIN_ROWS = 1_000
MAX_ROUNDS = 500
BINS = 10


def check(table: dict[str, list], label: str, is_late: np.ndarray) -> None:
    """Raises ClickException when nothing can be learned from the table."""
    rows = len(table[label])
    if rows < MIN_ROWS:
        raise click.ClickException(
            f"{rows:,} offers with a mature label are too few to learn from: "
            f"{MIN_ROWS:,} are the least.")
    if not 0 < is_late.sum() < rows:
        raise click.ClickException(
            "All offers lie within --validate-days: there is nothing earlier to train on.")
    if len(set(zip(table["offer_type"], table["offer_price"], strict=True))) == 1:
        raise click.ClickException(
            "Only one offer was ever shown: there is nothing to choose from. Show others "
            "too, at random, and log their propensity.")
    if len(set(table[label])) == 1:
        raise click.ClickException(f"{label} is the same for every offer: nothing to learn.")


def calibration(label: np.ndarray, predicted: np.ndarray) -> list[dict]:
    """Bins of equal size in order of prediction: mean predicted, mean earned, rows."""
    order = np.argsort(predicted, kind="stable")
    return [{"predicted": float(predicted[part].mean()), "earned": float(label[part].mean()),
             "rows": len(part)} for part in np.array_split(order, BINS)]


def fit_models(
    manifest: dict, table: dict[str, list], label: str, validate_days: int, bootstraps: int
) -> tuple[dict[str, lightgbm.Booster], dict]:
    """Fits to earlier offers, validates on the last days, then fits to all of them.

    Returns the boosters (model, its twin held_out that has not seen the last days, and of
    both so many bootstrapped copies) and their description. Raises ClickException when
    nothing can be learned from the table.
    """
    earned = np.array([float(value) for value in table[label]])
    amounts = np.maximum(earned, 0)  # Tweedie knows no negative; a refunded week earned nothing
    days = np.array([value.toordinal() for value in table["offered_at"]])
    is_late = days > days.max() - validate_days
    check(table, label, is_late)

    encoding = Encoding.of(manifest["features"], table)
    matrix = encoding.matrix(table)
    categorical = [encoding.names.index(name) for name in encoding.categories]
    weights = importance_weights(table["propensity"])
    tried = {}
    for name, weight in {"even": None, "by propensity": weights}.items():
        if name == "even" or weight is not None:
            late_weight = None if weights is None else weights[is_late]
            booster = fit_trees(matrix[~is_late], amounts[~is_late],
                                None if weight is None else weight[~is_late], categorical,
                                MAX_ROUNDS, (matrix[is_late], amounts[is_late], late_weight))
            tried[name] = (deviance(
                amounts[is_late], booster.predict(matrix[is_late]), late_weight), booster)
    chosen = min(tried, key=lambda name: tried[name][0])
    late_deviance, booster = tried[chosen]
    rounds = max(booster.best_iteration - USER_ROUNDS, 1)
    bins = calibration(amounts[is_late], booster.predict(matrix[is_late]))
    constant = deviance(amounts[is_late], np.full(is_late.sum(), amounts[~is_late].mean()), None)
    weights = weights if chosen == "by propensity" else None

    def fit_rows(rows):
        return fit_trees(matrix[rows], amounts[rows],
                         None if weights is None else weights[rows], categorical, rounds)

    every, early = np.arange(len(amounts)), np.flatnonzero(~is_late)
    boosters = {"model": fit_rows(every), "held_out": booster}
    rng = np.random.default_rng(PARAMETERS["seed"])
    for number in tqdm(range(bootstraps), unit="model", disable=None):
        for name, rows in {"model": every, "held_out": early}.items():
            users = [table["user_id"][row] for row in rows]
            boosters[f"{name}-{number}"] = fit_rows(rows[resampled(users, rng)])

    description = {
        "label": label,
        "validate_days": validate_days,
        "training": {key: manifest[key] for key in ("version", "watermark", "code_version")},
        "encoding": {"columns": encoding.columns, "categories": encoding.categories},
        "parameters": PARAMETERS | {"rounds": rounds},
        "weights": chosen,
        "metrics": {
            "rows": len(amounts), "validation_rows": int(is_late.sum()),
            "negative_labels": int((earned < 0).sum()),
            "deviance": late_deviance, "deviance_of_the_mean": constant,
            "earned": float(amounts[is_late].mean()),
            "predicted": float(np.average([b["predicted"] for b in bins],
                                          weights=[b["rows"] for b in bins])),
        },
        "calibration": bins,
    }
    return boosters, description
