"""Our estimates beside those of obp, on its samples of the Open Bandit Data.

Of obp 0.5.7 the estimators and the samples are used as they lie: as a whole it needs
other versions of Python, pandas and scipy than ours, and torch.
"""

import os
import sys
import types
from pathlib import Path

import numpy as np
import pandas
import pytest
import yaml

from offer_ai.learning.off_policy import Logged, from_sums, parts

ACTIONS, POSITIONS = 80, 3
RUNS = int(os.environ.get("OFFER_AI_RUNS", "1"))
# Bernoulli TS valued from Random logs, campaign all: relative errors that obp publishes.
PUBLISHED = {"dm": 0.157, "ips": 0.311, "snips": 0.312, "dr": 0.292}
SEED = 12345
# Where `make setup-test` puts obp and scikit-learn, which it needs.
PEERS = Path(sys.prefix, "peers")


@pytest.fixture(scope="module")
def obp():
    """obp's folder; its modules of estimators and regression can be imported."""
    root = PEERS / "obp"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [*sys.path, str(PEERS)])
        import sklearn.utils  # noqa: F401  before torch seems to be there

        for name in ("obp", "obp.ope"):
            package = types.ModuleType(name)
            package.__path__ = [str(root.joinpath(*name.split(".")[1:]))]
            patch.setitem(sys.modules, name, package)
        torch = types.ModuleType("torch")
        torch.Tensor = torch.tensor = type("Tensor", (), {})
        patch.setitem(sys.modules, "torch", torch)
        yield root


def logs(root: Path, policy: str) -> pandas.DataFrame:
    """Impressions that a policy logged, by time."""
    return pandas.read_csv(root / "dataset" / "obd" / policy / "all" / "all.csv",
                           index_col=0).sort_values("timestamp")


def thompson_chances(root: Path, draws: int = 100_000) -> np.ndarray:
    """How often Bernoulli TS, at the start of its campaign, puts each item at each
    position: (items, positions)."""
    prior = yaml.safe_load((root / "policy" / "conf" / "prior_bts.yaml").read_text())["all"]
    rng = np.random.default_rng(SEED)
    chances = np.zeros((ACTIONS, POSITIONS))
    for _ in range(draws // 10_000):
        drawn = rng.beta(prior["alpha"], prior["beta"], (10_000, ACTIONS))
        first = np.argsort(-drawn, axis=1)[:, :POSITIONS]
        for position in range(POSITIONS):
            chances[:, position] += np.bincount(first[:, position], minlength=ACTIONS)
    return chances / draws


def items(root: Path) -> np.ndarray:
    """Features of the items: category codes and a number, (items, features)."""
    context = pandas.read_csv(root / "dataset" / "obd" / "random" / "all" / "item_context.csv",
                              index_col=0)
    codes = context.drop(columns=["item_id", "item_feature_0"]).apply(
        lambda column: column.astype("category").cat.codes)
    return np.column_stack([codes, context["item_feature_0"]])


@pytest.fixture(scope="module")
def runs(obp):
    """Of each bootstrap run: our estimates, theirs, relative errors of ours."""
    from obp.ope import estimators as theirs
    from obp.ope.regression_model import RegressionModel
    from sklearn.linear_model import LogisticRegression

    shown = logs(obp, "random")
    users = pandas.get_dummies(
        shown.loc[:, shown.columns.str.contains("user_feature")], drop_first=True).to_numpy(float)
    truth = logs(obp, "bts")["click"].mean()
    chances, found = thompson_chances(obp), []
    for run in range(RUNS):
        drawn = np.random.RandomState(run).choice(len(shown), len(shown))  # as obp draws
        sample = shown.iloc[drawn]
        logged = {
            "action": sample["item_id"].to_numpy(), "reward": sample["click"].to_numpy(),
            "position": sample["position"].to_numpy() - 1,
            "pscore": sample["propensity_score"].to_numpy()}
        model = RegressionModel(
            n_actions=ACTIONS, len_list=POSITIONS, action_context=items(obp),
            base_model=LogisticRegression(C=100, max_iter=10_000, random_state=SEED))
        predicted = model.fit_predict(context=users[drawn], **logged, n_folds=2,
                                      random_state=SEED)
        inputs = logged | {"action_dist": np.tile(chances, (len(sample), 1, 1)),
                           "estimated_rewards_by_reg_model": predicted}
        their = {name: estimator.estimate_policy_value(**inputs) for name, estimator in {
            "dm": theirs.DirectMethod(), "ips": theirs.InverseProbabilityWeighting(),
            "snips": theirs.SelfNormalizedInverseProbabilityWeighting(),
            "dr": theirs.DoublyRobust()}.items()}
        at, target = np.arange(len(sample)), chances[:, logged["position"]].T
        seen = predicted[at, :, logged["position"]]
        ours = from_sums(parts(Logged(
            logged["reward"].astype(float), logged["pscore"], target[at, logged["action"]],
            seen[at, logged["action"]], (target * seen).sum(axis=1), at)).sum(axis=0))
        found.append((ours, their, {
            name: abs(ours[name] - truth) / truth for name in ours}))
    return found


def test_the_same_estimates(runs):
    for ours, their, _ in runs:
        assert ours == pytest.approx(their, rel=1e-9)


@pytest.mark.skipif(RUNS < 30, reason="make test-long runs it")
def test_the_published_errors(runs, capsys):
    """The mean relative error is the published one within the spread of both means."""
    for name, published in PUBLISHED.items():
        errors = np.array([errors[name] for _, _, errors in runs])
        spread = np.sqrt(2) * errors.std(ddof=1) / np.sqrt(RUNS)
        with capsys.disabled():
            print(f"{name}: {errors.mean():.3f} (published {published}), spread {spread:.3f}")
        assert abs(errors.mean() - published) < spread, name
