"""Fits what a policy asks: how much each offer would earn from a user."""

from dataclasses import asdict

import click
import lightgbm
import numpy as np
from tqdm import tqdm

from offer_ai.learning.revenue_model import Encoding, decision_of
from offer_ai.learning.table_rows import rows_that_say
from offer_ai.learning.trees import (
    PARAMETERS,
    USER_ROUNDS,
    deviance,
    fit_trees,
    importance_weights,
    objective_of,
    resampled,
)

MIN_ROWS = 1_000
MIN_PAYERS = 10  # users; of fewer, what is fitted to and what tells of it may each hold none
MAX_ROUNDS = 500
MIN_ROUNDS = 40  # with fewer trees many offers are predicted alike, however well on average
BINS = 10
TUNING_SHARE = 0.25  # of users, who tell how many trees serve best


def check_action(manifest: dict, table: dict) -> None:
    """Raises ClickException where the table does not say what was done, or only ever one thing."""
    if refused := Encoding.refuses(manifest["features"]):
        raise click.ClickException(refused)
    decision = decision_of(manifest)
    action = [column["name"] for column in decision["action_columns"]]
    if not action or action != list(decision["action"]):
        raise click.ClickException(
            f"The training table of {decision['name']} does not say what was done: declare the "
            "columns that do as the `action` of the decision point, and publish it again.")
    if missing := [name for name in action if name not in table]:
        raise click.ClickException(
            f"The training table has no {missing[0]}: models choose among what was done. Declare "
            "it as part of the `action` of the decision point, and publish the table again.")
    if len(set(zip(*(np.asarray(table[name]).tolist() for name in action), strict=True))) == 1:
        raise click.ClickException(
            f"Only one {decision['one']} was ever shown: there is nothing to choose from. Show "
            "others too, at random, and log their propensity.")


def check(manifest: dict, table: dict[str, list], label: str, is_late: np.ndarray) -> None:
    """Raises ClickException when nothing can be learned from the table."""
    rows, decision = len(table[label]), decision_of(manifest)
    if rows < MIN_ROWS:
        raise click.ClickException(
            f"{rows:,} {decision['name']} with a mature label are too few to learn from: "
            f"{MIN_ROWS:,} are the least.")
    if not 0 < is_late.sum() < rows:
        raise click.ClickException(
            f"All {decision['name']} lie within --validate-days: there is nothing earlier to "
            "train on.")
    check_action(manifest, table)
    if unknown := sum(value is None for value in table[label]):
        raise click.ClickException(
            f"Of {unknown:,} {decision['name']} {label} says nothing: declare an `if_none` of it "
            "in dbt_project.yml, such as 0, and publish the table again.")
    if len(set(table[label])) == 1:
        raise click.ClickException(
            f"{label} is the same for every {decision['one']}: nothing to learn.")
    payers = {user for user, value, late in zip(table["user_id"], table[label], is_late,
                                                strict=True) if value > 0 and not late}
    if len(payers) < MIN_PAYERS:
        raise click.ClickException(
            f"{len(payers):,} users have a {label} above 0 before the last days, which are too "
            f"few to learn from: {MIN_PAYERS} are the least.")


def calibration(label: np.ndarray, predicted: np.ndarray) -> list[dict]:
    """Bins of equal size in order of prediction, as many as rows where those are few: mean
    predicted, mean earned, rows."""
    order = np.argsort(predicted, kind="stable")
    return [{"predicted": float(predicted[part].mean()), "earned": float(label[part].mean()),
             "rows": len(part)} for part in np.array_split(order, min(BINS, len(order)))]


def tuning_rows(users: list) -> np.ndarray:
    """A quarter of the users' rows, or of the rows where users are few: (rows,) of booleans."""
    names, user = np.unique(users, return_inverse=True)
    of = user if len(names) >= 100 else np.arange(len(user))
    return np.random.default_rng(PARAMETERS["seed"]).random(of.max() + 1)[of] < TUNING_SHARE


def fit_models(
    manifest: dict, table: dict[str, list], label: str, validate_days: int, bootstraps: int
) -> tuple[dict[str, lightgbm.Booster], dict]:
    """Fits to earlier offers, validates on the last days, then fits to all of them.

    Returns the boosters (model, its twin held_out that has not seen the last days, and of
    both so many bootstrapped copies) and their description. Raises ClickException when
    nothing can be learned from the table.
    """
    table = rows_that_say(decision_of(manifest)["action"], table)
    dates = np.array([value.date() for value in table[decision_of(manifest)["time"]]])
    days = np.array([date.toordinal() for date in dates])
    is_late = days > days.max(initial=0) - validate_days
    check(manifest, table, label, is_late)
    amounts = np.array([float(value) for value in table[label]])
    objective = objective_of(amounts)

    encoding = Encoding.of(manifest, table)
    matrix = encoding.matrix(table)
    categorical = [encoding.names.index(name) for name in encoding.categories]
    weights = importance_weights(table.get("propensity") or [None] * len(amounts))
    # How many trees, and which weights, some users of the earlier days tell: the last days
    # take no part, as the policy is valued on them.
    early = np.flatnonzero(~is_late)
    is_tuning = tuning_rows(table["user_id"])
    fit, tune = early[~is_tuning[early]], early[is_tuning[early]]
    tried = {}
    for name, weight in {"even": None, "by propensity": weights}.items():
        if name == "even" or weight is not None:
            told = None if weights is None else weights[tune]
            booster = fit_trees(matrix[fit], amounts[fit],
                                None if weight is None else weight[fit], categorical,
                                MAX_ROUNDS, (matrix[tune], amounts[tune], told),
                                objective=objective, of_offer=len(encoding.action))
            tried[name] = (deviance(amounts[tune], booster.predict(matrix[tune]), told,
                                    objective), booster.best_iteration)
    chosen = min(tried, key=lambda name: tried[name][0])
    rounds = max(tried[chosen][1] - USER_ROUNDS, MIN_ROUNDS)
    judged_by, weights = weights, weights if chosen == "by propensity" else None

    def fit_rows(rows):
        return fit_trees(matrix[rows], amounts[rows],
                         None if weights is None else weights[rows], categorical, rounds,
                         objective=objective, of_offer=len(encoding.action))

    every = np.arange(len(amounts))
    boosters = {"model": fit_rows(every), "held_out": fit_rows(early)}
    late = boosters["held_out"].predict(matrix[is_late])
    weight = None if judged_by is None else judged_by[is_late]
    mean = np.average(amounts[early], weights=None if judged_by is None else judged_by[early])
    late_deviance = deviance(amounts[is_late], late, weight, objective)
    constant = deviance(amounts[is_late], np.full(len(late), mean), weight, objective)
    bins = calibration(amounts[is_late], late)

    rng = np.random.default_rng(PARAMETERS["seed"])
    for number in tqdm(range(bootstraps), unit="model", disable=None):
        for name, rows in {"model": every, "held_out": early}.items():
            users = [table["user_id"][row] for row in rows]
            boosters[f"{name}-{number}"] = fit_rows(rows[resampled(users, rng)])

    description = {
        "decision_point": decision_of(manifest)["name"],
        "label": label,
        "validate_days": validate_days,
        # A policy is never valued on a day that what is valued was fitted to.
        "training": {key: manifest[key] for key in ("version", "watermark", "code_version")} | {
            "days": {name: [str(of.min()), str(of.max())] for name, of in {
                "model": dates, "held_out": dates[~is_late]}.items()}},
        "encoding": asdict(encoding),
        "parameters": PARAMETERS | objective | {"rounds": rounds},
        "weights": chosen,
        "metrics": {
            "rows": len(amounts), "validation_rows": int(is_late.sum()),
            "negative_labels": int((amounts < 0).sum()),
            "deviance": late_deviance, "deviance_of_the_mean": constant,
            "earned": float(amounts[is_late].mean()),
            "predicted": float(np.average([b["predicted"] for b in bins],
                                          weights=[b["rows"] for b in bins])),
        },
        "calibration": bins,
    }
    return boosters, description
