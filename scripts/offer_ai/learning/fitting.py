"""Trains what a policy asks: how much each offer would earn from a user in 7 days."""

import csv
import hashlib
import json
import shutil
from pathlib import Path

import click
import lightgbm
import numpy as np
import pyarrow.dataset
from tqdm import tqdm

from export import settings
from offer_ai.learning.revenue_model import OFFER, Encoding
from offer_ai.training.versions import MANIFEST

LEAST_ROWS = 1_000
MOST_ROUNDS = 500
USER_ROUNDS = 100  # trees that see the user alone
PATIENCE = 50  # rounds without a better validation
POWER = 1.5  # of Tweedie's variance: between Poisson (1) and gamma (2)
HEAVIEST = 10.0  # times the mean weight
BINS = 10
PARAMETERS = {
    "objective": "tweedie", "tweedie_variance_power": POWER, "metric": "tweedie",
    "learning_rate": 0.05, "num_leaves": 15, "min_data_in_leaf": 100, "lambda_l2": 1.0,
    "feature_fraction": 0.9, "cat_smooth": 50, "verbosity": -1, "seed": 1,
    "deterministic": True, "force_row_wise": True, "num_threads": 2,
}
OFFER_PARAMETERS = {"num_leaves": 7, "lambda_l2": 10.0}


def read_training(folder: Path) -> tuple[dict, dict[str, list]]:
    """The manifest and the columns of the published training table; by time of offer."""
    manifest_path = folder / MANIFEST
    if not manifest_path.exists():
        raise click.ClickException(
            f"There is no training table in {folder}: run `scripts/export.py training`.")
    manifest = json.loads(manifest_path.read_text())
    files = [folder / manifest["version"] / file["path"] for file in manifest["files"]]
    if not files:
        raise click.ClickException(
            f"The training table in {folder} is empty: no offer's 7 days have passed yet.")
    table = pyarrow.dataset.dataset(files).to_table().sort_by(
        [("offered_at", "ascending"), ("offer_id", "ascending")])
    return manifest, table.to_pydict()


def check(table: dict[str, list], label: str, is_late: np.ndarray) -> None:
    """Raises ClickException when nothing can be learned from the table."""
    rows = len(table[label])
    if rows < LEAST_ROWS:
        raise click.ClickException(
            f"{rows:,} offers with a mature label are too few to learn from: "
            f"{LEAST_ROWS:,} are the least.")
    if not 0 < is_late.sum() < rows:
        raise click.ClickException(
            "All offers lie within --validate-days: there is nothing earlier to train on.")
    if len(set(zip(table["offer_type"], table["offer_price"], strict=True))) == 1:
        raise click.ClickException(
            "Only one offer was ever shown: there is nothing to choose from. Show others "
            "too, at random, and log their propensity.")
    if len(set(table[label])) == 1:
        raise click.ClickException(f"{label} is the same for every offer: nothing to learn.")


def importance_weights(propensity: list) -> np.ndarray | None:
    """1 / propensity with mean 1, capped; None when it says nothing."""
    known = np.array([np.nan if value is None else value for value in propensity], float)
    if np.isnan(known).any() or (known <= 0).any() or known.min() == known.max():
        return None
    weights = 1 / known
    return np.minimum(weights / weights.mean(), HEAVIEST)


def deviance(label: np.ndarray, predicted: np.ndarray, weight: np.ndarray | None) -> float:
    """Mean Tweedie deviance with variance power POWER.

    Source: Jorgensen, The Theory of Dispersion Models (1997), section 4.1.
    """
    p, mu = POWER, np.maximum(predicted, 1e-9)
    unit = 2 * (np.power(label, 2 - p) / ((1 - p) * (2 - p))
                - label * np.power(mu, 1 - p) / (1 - p) + np.power(mu, 2 - p) / (2 - p))
    return float(np.average(unit, weights=weight))


def fit(matrix, label, weight, categorical, rounds, validation=None) -> lightgbm.Booster:
    """Trees on what a user spends anyway, then trees on what the offer adds.

    The first see no offer: what users differ in is many times what offers do, and would
    hide it. `rounds` are those of the second kind; with a validation (matrix, label,
    weight) as many of them as serve it best.
    """
    def data(rows, amounts, weights, **more):
        return lightgbm.Dataset(rows, amounts, weight=weights, categorical_feature=categorical,
                                free_raw_data=False, **more)

    leaf = {"min_data_in_leaf": int(np.clip(len(label) // 400, 20, 500))}
    users = lightgbm.train(PARAMETERS | leaf, data(without_offer(matrix), label, weight),
                           USER_ROUNDS)
    parameters = PARAMETERS | OFFER_PARAMETERS | leaf
    if validation is None:
        return lightgbm.train(parameters, data(matrix, label, weight), rounds, init_model=users)
    train = data(matrix, label, weight)
    late = data(*validation, reference=train)
    with tqdm(total=rounds, unit="tree", disable=None) as bar:
        return lightgbm.train(
            parameters, train, rounds, valid_sets=[late], init_model=users, callbacks=[
                lightgbm.early_stopping(PATIENCE, verbose=False), lambda _: bar.update() and None])


def without_offer(matrix: np.ndarray) -> np.ndarray:
    masked = matrix.copy()
    masked[:, -len(OFFER):] = 0
    return masked


def resampled(users: list, rng: np.random.Generator) -> np.ndarray:
    """Rows of users drawn with replacement, as often as drawn."""
    _, user = np.unique(users, return_inverse=True)
    count = user.max() + 1
    times = np.bincount(rng.integers(0, count, count), minlength=count)[user]
    return np.repeat(np.arange(len(user)), times)


def calibration(label: np.ndarray, predicted: np.ndarray) -> list[dict]:
    """Bins of equal size in order of prediction: mean predicted, mean earned, rows."""
    order = np.argsort(predicted, kind="stable")
    return [{"predicted": float(predicted[part].mean()), "earned": float(label[part].mean()),
             "rows": len(part)} for part in np.array_split(order, BINS)]


def plot(bins: list[dict], path: Path) -> None:
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5, 5))
    most = max(max(b["predicted"], b["earned"]) for b in bins)
    axes.plot([0, most], [0, most], color="grey", linewidth=1)
    axes.plot([b["predicted"] for b in bins], [b["earned"] for b in bins], "o-")
    axes.set_xlabel("predicted revenue of 7 days")
    axes.set_ylabel("earned")
    axes.set_title("Calibration on the last days")
    figure.savefig(path, dpi=100, metadata={"Software": None})
    pyplot.close(figure)


@click.command(context_settings={"show_default": True})
@click.option("--training", type=click.Path(path_type=Path), default=None,
              help="The published training table; OFFER_AI_EXPORT/training by default.")
@click.option("--label", default="next_week_purchase_amount", help="What to predict.")
@click.option("--validate-days", default=7, type=click.IntRange(1),
              help="The last days of offers, to validate on.")
@click.option("--bootstraps", default=0, type=click.IntRange(0),
              help="Also fit so many models to users drawn with replacement, for Thompson "
              "sampling.")
@click.option("--out", type=click.Path(path_type=Path), default=None,
              help="Folder of model versions; OFFER_AI_EXPORT/models by default.")
def main(training: Path | None, label: str, validate_days: int, bootstraps: int,
         out: Path | None) -> None:
    """Train on earlier offers, validate on the last days, then fit to all of them.

    The model (gradient-boosted trees, Tweedie loss) goes to OUT/<version>/ with its
    metrics, calibration and importance. The same training table gives the same version.
    """
    _, export = settings()
    manifest, table = read_training(training or export / "training")
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
            booster = fit(matrix[~is_late], amounts[~is_late],
                          None if weight is None else weight[~is_late], categorical,
                          MOST_ROUNDS, (matrix[is_late], amounts[is_late], late_weight))
            tried[name] = (deviance(
                amounts[is_late], booster.predict(matrix[is_late]), late_weight), booster)
    chosen = min(tried, key=lambda name: tried[name][0])
    late_deviance, booster = tried[chosen]
    rounds = max(booster.best_iteration - USER_ROUNDS, 1)
    bins = calibration(amounts[is_late], booster.predict(matrix[is_late]))
    constant = deviance(amounts[is_late], np.full(is_late.sum(), amounts[~is_late].mean()), None)
    weights = weights if chosen == "by propensity" else None

    def fit_rows(rows):
        return fit(matrix[rows], amounts[rows], None if weights is None else weights[rows],
                   categorical, rounds)

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
    folder = write_model(
        out or export / "models", boosters, encoding.names, description, bins)
    metrics = description["metrics"]
    click.echo(
        f"model {folder}: {metrics['rows']:,} offers, {rounds} trees, weights {chosen}; on the "
        f"last {validate_days} days deviance {late_deviance:.4f} ({constant:.4f} for the mean), "
        f"predicted {metrics['predicted']:.3f}, earned {metrics['earned']:.3f} per offer")


def write_model(
    out: Path, boosters: dict, names: list[str], description: dict, bins: list[dict]
) -> Path:
    """Writes a version whole or not at all; returns its folder."""
    texts = {name: booster.model_to_string() for name, booster in boosters.items()}
    digest = hashlib.sha256(json.dumps([texts, description]).encode()).hexdigest()
    folder = out / f"m{digest[:16]}"
    part = out / f".{folder.name}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for name, text in texts.items():
        (part / f"{name}.txt").write_text(text)
    (part / "model.json").write_text(json.dumps(description, indent=2) + "\n")
    with (part / "importance.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["feature", "gain"])
        gains = boosters["model"].feature_importance("gain")
        writer.writerows(sorted(zip(names, map(float, gains), strict=True),
                                key=lambda row: -row[1]))
    plot(bins, part / "calibration.png")
    if folder.exists():
        shutil.rmtree(part)
    else:
        part.rename(folder)
    return folder


if __name__ == "__main__":
    main()
