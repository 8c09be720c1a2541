"""Worlds that tests learn from, whose truth is known."""

import json
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

TRUTH = np.array([[1.0, 3.0, 0.5], [4.0, 1.0, 2.0]])  # of each kind of user and action
SHOWN = np.array([0.5, 0.2, 0.3])
TARGET = np.array([[0.1, 0.8, 0.1], [0.8, 0.1, 0.1]])

OFFERS = [("gems", 4.99), ("vip", 9.99), ("coins", 1.99)]
FEATURES = [{"name": "country", "data_type": "string"},
            {"name": "facebook_connected", "data_type": "boolean"},
            {"name": "prev_week_purchase_amount", "data_type": "decimal(38, 4)"},
            {"name": "last_session_win_ratio", "data_type": "double"}]


def chance_of(country: str, offer: int) -> float:
    """Buyers in DK like gems, in US vip."""
    return {("DK", 0): 0.4, ("US", 1): 0.3}.get((country, offer), 0.03)


def candidates_of(offers, chances=None) -> str:
    """Candidates as the service logs them, each alike unless told."""
    chances = chances or [1 / len(offers)] * len(offers)
    return json.dumps([{"offer_type": kind, "offer_price": str(price), "probability": chance}
                       for (kind, price), chance in zip(offers, chances, strict=True)])


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
        "candidates": [candidates_of(OFFERS[:offers])] * rows,
        "next_week_purchase_amount": [Decimal(str(round(v, 2))) for v in bought * price],
    })
    version = folder / "training" / "v1"
    version.mkdir(parents=True)
    pq.write_table(table, version / "offers.parquet")
    (folder / "training" / "manifest.json").write_text(json.dumps({
        "version": "v1", "watermark": "2025-01-29T00:00:00Z", "code_version": "1",
        "features": FEATURES, "labels": [{"name": "next_week_purchase_amount"}],
        "files": [{"path": "offers.parquet"}]}))
    return folder
