"""What the benchmark publishes is what a warehouse has."""

from offer_ai.bench.stores import synthetic_warehouse
from offer_ai.features import open_store
from offer_ai.features.publish import publish_latest
from offer_ai.training.versions import Versions
from offer_ai.training.writing import publish_training
from offer_ai.warehouse.connection import open_warehouse


def test_a_synthetic_warehouse_is_published(tmp_path):
    synthetic_warehouse(tmp_path / "w.duckdb", 1000)
    with open_warehouse(tmp_path / "w.duckdb") as con:
        done = publish_latest(con, open_store(f"sqlite:///{tmp_path}/f.sqlite"))
        manifest, _ = publish_training(
            con, Versions(str(tmp_path / "training")), tmp_path / "days", 2)
    assert (done.written, manifest["rows"]) == (1000, 1000)
