"""Gradient-boosted trees: what they are fitted to, with which loss and how."""

import lightgbm
import numpy as np
from tqdm import tqdm

USER_ROUNDS = 100  # trees that see the user alone
PATIENCE = 50  # rounds without a better validation
POWER = 1.5  # of Tweedie's variance: between Poisson (1) and gamma (2)
MAX_WEIGHT = 10.0  # times the mean weight
PARAMETERS = {
    "learning_rate": 0.05, "num_leaves": 15, "min_data_in_leaf": 100, "lambda_l2": 1.0,
    "feature_fraction": 0.9, "cat_smooth": 50, "verbosity": -1, "seed": 1,
    # Two threads wait for each other where anything else runs: ten times as long.
    "deterministic": True, "force_row_wise": True, "num_threads": 1,
}
TWEEDIE = {"objective": "tweedie", "tweedie_variance_power": POWER, "metric": "tweedie"}
SQUARES = {"objective": "regression", "metric": "l2"}
OFFER_PARAMETERS = {"num_leaves": 7, "lambda_l2": 10.0}


def objective_of(label: np.ndarray) -> dict:
    """The loss for these labels: Tweedie's, which knows no negative one, else squares.

    To take what was refunded for nothing would make an offer that loses money one that earns.
    """
    return SQUARES if (label < 0).any() else TWEEDIE


def importance_weights(propensity: list) -> np.ndarray | None:
    """1 / propensity with mean 1, capped; 1 where it is unknown; None when it says nothing."""
    known = np.array([np.nan if value is None else value for value in propensity], float)
    is_known = known > 0
    if not is_known.any() or known[is_known].min() == known[is_known].max():
        return None
    weights = np.ones(len(known))
    weights[is_known] = 1 / known[is_known]
    weights[is_known] /= weights[is_known].mean()
    return np.minimum(weights, MAX_WEIGHT)


def deviance(label: np.ndarray, predicted: np.ndarray, weight: np.ndarray | None,
             objective: dict = TWEEDIE) -> float:
    """Mean deviance: Tweedie's with variance power POWER, or the squared error.

    Source: Jorgensen, The Theory of Dispersion Models (1997), section 4.1.
    """
    if objective is SQUARES:
        return float(np.average((label - predicted) ** 2, weights=weight))
    p, mu = POWER, np.maximum(predicted, 1e-9)
    unit = 2 * (np.power(label, 2 - p) / ((1 - p) * (2 - p))
                - label * np.power(mu, 1 - p) / (1 - p) + np.power(mu, 2 - p) / (2 - p))
    return float(np.average(unit, weights=weight))


def fit_trees(matrix, label, weight, categorical, rounds, validation=None,
              objective: dict = TWEEDIE, of_offer: int = 2) -> lightgbm.Booster:
    """Trees on what a user spends anyway, then trees on what the offer adds.

    The first see no offer, which the last `of_offer` columns are: what users differ in is many
    times what offers do, and would hide it. `rounds` are those of the second kind; with a
    validation (matrix, label, weight) as many of them as serve it best.
    """
    def data(rows, amounts, weights, **more):
        return lightgbm.Dataset(rows, amounts, weight=weights, categorical_feature=categorical,
                                free_raw_data=False, **more)

    leaf = {"min_data_in_leaf": int(np.clip(len(label) // 400, 20, 500))}
    users = lightgbm.train(PARAMETERS | objective | leaf,
                           data(without_offer(matrix, of_offer), label, weight), USER_ROUNDS)
    parameters = PARAMETERS | objective | OFFER_PARAMETERS | leaf
    if validation is None:
        return lightgbm.train(parameters, data(matrix, label, weight), rounds, init_model=users)
    train = data(matrix, label, weight)
    late = data(*validation, reference=train)
    with tqdm(total=rounds, unit="tree", disable=None) as bar:
        return lightgbm.train(
            parameters, train, rounds, valid_sets=[late], init_model=users, callbacks=[
                lightgbm.early_stopping(PATIENCE, verbose=False), lambda _: bar.update() and None])


def without_offer(matrix: np.ndarray, columns: int) -> np.ndarray:
    masked = matrix.copy()
    masked[:, -columns:] = 0
    return masked


def resampled(users: list, rng: np.random.Generator) -> np.ndarray:
    """Rows of users drawn with replacement, as often as drawn."""
    _, user = np.unique(users, return_inverse=True)
    count = user.max() + 1
    times = np.bincount(rng.integers(0, count, count), minlength=count)[user]
    return np.repeat(np.arange(len(user)), times)
