"""Training on a published table whose truth is known."""

import json
from datetime import timedelta
from decimal import Decimal

import click
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from matplotlib.figure import Figure

from commands import train
from learned import OFFERS, published
from offer_ai.learning.fitting import calibration, fit_models
from offer_ai.learning.model_files import plot
from offer_ai.learning.revenue_model import RevenueModel
from offer_ai.learning.trees import deviance, importance_weights
from offer_ai.training.table import read_training


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


@pytest.mark.quick
@pytest.mark.parametrize(("more", "name"), [
    ({}, "next_week_amount"), ({"part": None}, "next_week_amount"),
    ({"part": "first_hour_amount"}, "first_hour_amount")])
def test_the_picture_names_what_is_predicted(tmp_path, monkeypatch, more, name):
    """Of a model that learns from an early part of its label, the part."""
    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *_, **__: drawn.append(figure.axes[0]))
    plot({"label": "next_week_amount", "calibration": [{"predicted": 1, "earned": 2}]} | more,
         tmp_path / "calibration.png")
    assert (drawn[0].get_xlabel(), drawn[0].get_ylabel()) == (f"predicted {name}", f"mean {name}")


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


@pytest.mark.quick
def test_what_is_held_out_is_seen_by_no_copy(tmp_path):
    """Whatever was earned in the last days: of held-out models, bootstrapped or not, nothing
    changes; others learn from it."""
    manifest, table = read_training(published(tmp_path, rows=1500) / "training")
    of, last = [value.date() for value in table["offered_at"]], max(table["offered_at"]).date()
    changed = table | {"next_week_purchase_amount": [
        Decimal("7.5") if (last - day).days < 7 else amount
        for day, amount in zip(of, table["next_week_purchase_amount"], strict=True)]}
    first, second = (fit_models(manifest, told, "next_week_purchase_amount", 7, 2)[0]
                     for told in (table, changed))
    assert {name: first[name].model_to_string() == second[name].model_to_string()
            for name in first} == {
        "model": False, "model-0": False, "model-1": False,
        "held_out": True, "held_out-0": True, "held_out-1": True}


@pytest.mark.quick
def test_a_model_and_the_mean_are_judged_by_the_same_weights(tmp_path):
    """Where some offers were made three times as often as others, both as if all had been alike."""
    manifest, table = read_training(published(tmp_path, rows=1500) / "training")
    label = "next_week_purchase_amount"
    table["propensity"] = [0.6 if price < 5 else 0.2 for price in table["offer_price"]]
    _, description = fit_models(manifest, table, label, 7, 0)
    amounts, weights = np.array(table[label], float), importance_weights(table["propensity"])
    days = np.array([value.date() for value in table["offered_at"]])
    is_late = days > days.max() - timedelta(days=7)
    mean = np.average(amounts[~is_late], weights=weights[~is_late])
    assert description["metrics"]["deviance_of_the_mean"] == pytest.approx(
        deviance(amounts[is_late], np.full(is_late.sum(), mean), weights[is_late]))


def test_deviance():
    """None for a perfect prediction; by hand for POWER 1.5: 4 (y^.5 - mu^.5)^2 / mu^.5."""
    two, three = np.array([2.0]), np.array([3.0])
    assert abs(deviance(two, two, None)) < 1e-12
    assert abs(deviance(two, three, None) - 4 * (2**0.5 - 3**0.5) ** 2 / 3**0.5) < 1e-12
    assert abs(deviance(np.array([0.0]), three, None) - 4 * 3**0.5) < 1e-12


def test_no_training_table(tmp_path):
    assert "There is no training table in" in train(tmp_path).stderr


def replaced(folder, **columns) -> None:
    """Replaces columns of the published table."""
    path = folder / "training" / "v1" / "offers.parquet"
    table = pq.read_table(path)
    for name, values in columns.items():
        table = table.set_column(table.schema.get_field_index(name), name, pa.array(values))
    pq.write_table(table, path)


def test_refunds_keep_their_sign(tmp_path):
    """An offer that is returned, with its costs, is worth less than nothing."""
    published(tmp_path)
    path = tmp_path / "training" / "v1" / "offers.parquet"
    kinds = pq.read_table(path)["offer_type"].to_pylist()
    rng = np.random.default_rng(7)  # not that of the table
    replaced(tmp_path, next_week_purchase_amount=[
        float(rng.choice([-6.0, 1.0]) if kind == "vip" else rng.choice([0.0, 2.0]))
        for kind in kinds])
    said = train(tmp_path)
    assert said.returncode == 0, said.stderr
    (folder,) = (tmp_path / "models").iterdir()
    user = {"country": "DK", "facebook_connected": True, "prev_week_purchase_amount": Decimal(3),
            "last_session_win_ratio": 0.5}
    gems, vip, coins = RevenueModel.load(folder).predict(user, OFFERS)
    assert vip == pytest.approx(-2.5, abs=0.7)
    assert gems == pytest.approx(1, abs=0.4) and coins == pytest.approx(1, abs=0.4)


def test_nothing_earned_is_one_sentence(tmp_path):
    published(tmp_path)
    replaced(tmp_path, next_week_purchase_amount=[-1.0 if n % 9 == 0 else 0.0
                                                  for n in range(6000)])
    said = train(tmp_path)
    assert (said.returncode, len(said.stderr.strip().splitlines())) == (1, 1)
    assert "0 users have a next_week_purchase_amount above 0 before the last days" in said.stderr


def test_few_payers_or_rows_that_say_nothing_are_one_sentence(tmp_path):
    manifest, table = read_training(published(tmp_path, rows=1500) / "training")
    label, users = "next_week_purchase_amount", table["user_id"]
    rare = [Decimal(int(n < 40)) for n in range(len(users))]
    for told, sentence in (
            (table | {label: rare, "user_id": [
                f"u{n % 9}" if n < 40 else user for n, user in enumerate(users)]},
             f"9 users have a {label} above 0"),
            (table | {label: [None, *table[label][1:]]}, f"Of 1 offers {label} says nothing"),
            ({name: values[:0] for name, values in table.items()}, "0 offers with a mature label")):
        with pytest.raises(click.ClickException, match=sentence):
            fit_models(manifest, told, label, 7, 0)


def test_as_many_bins_as_rows():
    assert calibration(np.array([1.0, 3.0]), np.array([2.0, 1.0])) == [
        {"predicted": 1.0, "earned": 3.0, "rows": 1}, {"predicted": 2.0, "earned": 1.0, "rows": 1}]


@pytest.mark.parametrize("kind", ["interval", "varchar[]"])
def test_a_feature_that_no_model_reads_is_refused(tmp_path, kind):
    published(tmp_path)
    manifest = tmp_path / "training" / "manifest.json"
    told = json.loads(manifest.read_text())
    told["features"].append({"name": "last_seen_at", "data_type": kind})
    manifest.write_text(json.dumps(told))
    said = train(tmp_path)
    assert said.returncode == 1
    assert f"last_seen_at is of type {kind}, which no model reads" in said.stderr
