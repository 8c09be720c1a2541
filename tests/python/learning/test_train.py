"""Training on a published table whose truth is known."""

from decimal import Decimal

import numpy as np
import pytest

from commands import train
from learned import OFFERS, published
from offer_ai.learning.revenue_model import RevenueModel
from offer_ai.learning.trees import deviance


def test_it_learns_who_likes_what(tmp_path):
    said = train(published(tmp_path))
    assert said.returncode == 0, said.stderr
    (folder,) = (tmp_path / "models").iterdir()
    model = RevenueModel.load(folder)
    user = {"facebook_connected": True, "prev_week_purchase_amount": Decimal(3),
            "last_session_win_ratio": None}
    in_denmark = model.predict(user | {"country": "DK"}, OFFERS)
    in_america = model.predict(user | {"country": "US"}, OFFERS)
    assert (int(in_denmark.argmax()), int(in_america.argmax())) == (0, 1)
    assert abs(in_denmark[0] - 0.4 * 4.99) < 0.5
    assert model.predict(user | {"country": "XX"}, OFFERS).shape == (3,)
    metrics = model.description["metrics"]
    assert metrics["deviance"] < 0.9 * metrics["deviance_of_the_mean"]
    assert abs(metrics["predicted"] / metrics["earned"] - 1) < 0.3
    assert model.description["training"]["version"] == "v1"
    assert (folder / "calibration.png").read_bytes()[:4] == b"\x89PNG"
    assert (folder / "importance.csv").read_text().splitlines()[0] == "feature,gain"


def test_the_same_table_gives_the_same_model(tmp_path):
    published(tmp_path)
    assert train(tmp_path).stdout == train(tmp_path).stdout
    assert len(list((tmp_path / "models").iterdir())) == 1


@pytest.mark.quick
@pytest.mark.parametrize(("table", "message"), [
    ({"rows": 500}, "500 offers with a mature label are too few"),
    ({"offers": 1}, "Only one offer was ever shown"),
    ({"paid": False}, "next_week_purchase_amount is the same for every offer"),
    ({"days": 5}, "All offers lie within --validate-days"),
])
def test_what_cannot_be_learned_from(tmp_path, table, message):
    said = train(published(tmp_path, **table))
    assert said.returncode == 1
    assert message in said.stderr


@pytest.mark.quick
def test_deviance():
    """None for a perfect prediction; by hand for POWER 1.5: 4 (y^.5 - mu^.5)^2 / mu^.5."""
    two, three = np.array([2.0]), np.array([3.0])
    assert abs(deviance(two, two, None)) < 1e-12
    assert abs(deviance(two, three, None) - 4 * (2**0.5 - 3**0.5) ** 2 / 3**0.5) < 1e-12
    assert abs(deviance(np.array([0.0]), three, None) - 4 * 3**0.5) < 1e-12


@pytest.mark.quick
def test_no_training_table(tmp_path):
    assert "There is no training table in" in train(tmp_path).stderr
