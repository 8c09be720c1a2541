"""Training on a published table whose truth is known."""

import json
import subprocess
import sys
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from offer_ai.learning.revenue_model import RevenueModel
from train import deviance
from warehouse import ROOT

OFFERS = [("gems", 4.99), ("vip", 9.99), ("coins", 1.99)]
FEATURES = [{"name": "country", "data_type": "string"},
            {"name": "facebook_connected", "data_type": "boolean"},
            {"name": "prev_week_purchase_amount", "data_type": "decimal(38, 4)"},
            {"name": "last_session_win_ratio", "data_type": "double"}]


def chance_of(country: str, offer: int) -> float:
    """Buyers in DK like gems, in US vip."""
    return {("DK", 0): 0.4, ("US", 1): 0.3}.get((country, offer), 0.03)


def published(folder, rows=6000, offers=3, days=28, paid=True):
    """A training table as export.py publishes it, of random offers."""
    rng = np.random.default_rng(1)
    country = rng.choice(["DK", "US"], rows)
    offer = rng.integers(0, offers, rows)
    price = np.array([OFFERS[i][1] for i in offer])
    bought = np.array([rng.random() < chance_of(c, i)
                       for c, i in zip(country, offer, strict=True)]) & paid
    table = pa.table({
        "offer_id": [f"{n:06}" for n in range(rows)],
        "user_id": [f"u{n}" for n in range(rows)],
        "offered_at": [datetime(2025, 1, 1) + timedelta(days=n * days / rows)
                       for n in range(rows)],
        "country": [None if n % 50 == 0 else str(c) for n, c in enumerate(country)],
        "facebook_connected": rng.choice([True, False], rows),
        "prev_week_purchase_amount": [Decimal(int(v)) for v in rng.integers(0, 9, rows)],
        "last_session_win_ratio": rng.random(rows),
        "offer_type": [OFFERS[i][0] for i in offer],
        "offer_price": [Decimal(str(p)) for p in price],
        "propensity": [1 / offers] * rows,
        "next_week_purchase_amount": [Decimal(str(round(v, 2))) for v in bought * price],
    })
    version = folder / "training" / "v1"
    version.mkdir(parents=True)
    pq.write_table(table, version / "offers.parquet")
    (folder / "training" / "manifest.json").write_text(json.dumps({
        "version": "v1", "watermark": "2025-01-29T00:00:00Z", "code_version": "1",
        "features": FEATURES, "files": [{"path": "offers.parquet"}]}))
    return folder


def train(folder, *arguments):
    return subprocess.run(
        [sys.executable, ROOT / "scripts" / "train.py", "--training", folder / "training",
         "--out", folder / "models", *arguments], capture_output=True, text=True)


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


def test_deviance():
    """None for a perfect prediction; by hand for POWER 1.5: 4 (y^.5 - mu^.5)^2 / mu^.5."""
    two, three = np.array([2.0]), np.array([3.0])
    assert abs(deviance(two, two, None)) < 1e-12
    assert abs(deviance(two, three, None) - 4 * (2**0.5 - 3**0.5) ** 2 / 3**0.5) < 1e-12
    assert abs(deviance(np.array([0.0]), three, None) - 4 * 3**0.5) < 1e-12


def test_no_training_table(tmp_path):
    assert "There is no training table in" in train(tmp_path).stderr
