"""Gradient-boosted trees with a Tweedie loss: what they are fitted to and how."""

import lightgbm
import numpy as np
from tqdm import tqdm

from offer_ai.learning.revenue_model import OFFER

USER_ROUNDS = 100  # trees that see the user alone
PATIENCE = 50  # rounds without a better validation
POWER = 1.5  # of Tweedie's variance: between Poisson (1) and gamma (2)
MAX_WEIGHT = 10.0  # times the mean weight
PARAMETERS = {
    "objective": "tweedie", "tweedie_variance_power": POWER, "metric": "tweedie",
    "learning_rate": 0.05, "num_leaves": 15, "min_data_in_leaf": 100, "lambda_l2": 1.0,
    "feature_fraction": 0.9, "cat_smooth": 50, "verbosity": -1, "seed": 1,
    "deterministic": True, "force_row_wise": True, "num_threads": 2,
}
OFFER_PARAMETERS = {"num_leaves": 7, "lambda_l2": 10.0}


def importance_weights(propensity: list) -> np.ndarray | None:
    """1 / propensity with mean 1, capped; None when it says nothing."""
    known = np.array([np.nan if value is None else value for value in propensity], float)
    if np.isnan(known).any() or (known <= 0).any() or known.min() == known.max():
        return None
    weights = 1 / known
    return np.minimum(weights / weights.mean(), MAX_WEIGHT)


def deviance(label: np.ndarray, predicted: np.ndarray, weight: np.ndarray | None) -> float:
    """Mean Tweedie deviance with variance power POWER.

    Source: Jorgensen, The Theory of Dispersion Models (1997), section 4.1.
    """
    p, mu = POWER, np.maximum(predicted, 1e-9)
    unit = 2 * (np.power(label, 2 - p) / ((1 - p) * (2 - p))
                - label * np.power(mu, 1 - p) / (1 - p) + np.power(mu, 2 - p) / (2 - p))
    return float(np.average(unit, weights=weight))


def fit_trees(matrix, label, weight, categorical, rounds, validation=None) -> lightgbm.Booster:
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
