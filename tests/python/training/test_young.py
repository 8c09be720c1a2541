"""Offers whose label is not mature yet are published apart, without it."""

import json
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq

from built import build, write_events
from commands import export
from events import at
from offer_ai.training.table import arrays_of, manifest_of, offers_of_version, read_training


def test_what_is_young_is_apart(tmp_path):
    """Of the watermark 9th, 12:00: an offer of the 1st is mature, of the 9th, 10:00, young; of
    the 9th, 11:30, not even its first hour is over. A purchase after the hour is in no part."""
    offer = {"kind": "offer_shown", "offer_type": "x", "offer_price": "9.99"}
    bought = {"kind": "purchase", "purchase_source": "offer"}
    write_events(
        tmp_path / "events" / "1.ndjson",
        at(1, "10:00:00", **offer), at(1, "10:00:30", **bought, txn_amount="9.99"),
        at(3, "10:00:30", **bought, txn_amount="2"),
        at(9, "10:00:00", **offer), at(9, "10:00:30", **bought, txn_amount="9.99"),
        at(9, "11:00:00", **bought, txn_amount="5"), at(9, "11:30:00", **offer),
        *(at(9, "12:00:00") | {"customer_identifier": f"w{n}"} for n in range(3)))
    build(tmp_path / "events", tmp_path / "w.duckdb")
    said = export(tmp_path, "training")
    assert "1 offers of 1 days" in said.stdout, said.stderr
    folder = tmp_path / "export" / "training"
    manifest = json.loads((folder / "manifest.json").read_text())
    (young,) = manifest["young"]
    assert young["rows"] == 1
    alone = pq.read_table(folder / manifest["version"] / young["path"])
    assert "next_week_purchase_amount" not in alone.column_names
    assert [str(one) for one in alone["first_hour_offer_amount"].to_pylist()] == ["9.9900"]

    _, mature = read_training(folder)
    assert [str(one) for one in mature["next_week_purchase_amount"]] == ["11.9900"]
    both = offers_of_version(folder, manifest_of(folder), with_young=True)
    assert both["next_week_purchase_amount"].to_pylist()[1] is None
    arrays = arrays_of(both)
    assert arrays["first_hour_offer_amount"].tolist() == [9.99, 9.99]
    assert str(arrays["next_week_purchase_amount"].tolist()) == "[11.99, nan]"
    # The same events again: the same version, nothing sent.
    assert "0 days sent, 1 unchanged" in export(tmp_path, "training").stdout


def test_an_amount_is_the_float_that_its_text_is():
    """Candidates come as text: an amount of another last bit would be another offer."""
    amounts = [Decimal(cents).scaleb(-2) for cents in range(-100, 20_000)]
    column = pa.array([None, *amounts], pa.decimal128(22, 4))
    assert arrays_of(pa.table({"balance": pa.chunked_array([[2**53 + 1, None]])}))[
        "balance"][0] == 2.0**53
    assert arrays_of(pa.table({"price": column}))["price"].tolist()[1:] == [
        float(str(amount)) for amount in amounts]
