"""What the version before wrote opens in this one, or says the one command that mends it."""

import json
import tarfile
from datetime import datetime
from decimal import Decimal

import click
import pytest

from built import ROOT, BuildError, build, build_and_test, rows, write_events
from compared import same
from events import offers
from offer_ai.erasing.whole import Places, erase
from offer_ai.features import Lookup, open_store
from offer_ai.features.publish import publish_latest
from offer_ai.learning.model_files import load_model
from offer_ai.training.table import read_training
from offer_ai.training.versions import Versions
from offer_ai.training.writing import publish_training
from offer_ai.warehouse.connection import open_warehouse

OLD = ROOT / "tests" / "upgrades" / "before_erasing.tar.xz"
# What the old warehouse was built of.
EVENTS = [
    *(offer | {"session_id": "s", "propensity": 0.5}
      for day in (1, 2, 20) for offer in offers(day)),
    {"event_id": "app_launched", "event_time": "2025-01-01T09:00:00", "customer_identifier": "u0",
     "country": "DK", "signin_method": "fb"},
    {"event_id": "purchase", "event_time": "2025-01-01T10:30:00", "customer_identifier": "u0",
     "txn_amount": "4.99"},
    {"event_id": "purchase", "event_time": "2025-01-01T10:31:00", "customer_identifier": "u1"},
]
MARTS = ("marts.training_offers", "marts.sessions", "marts.latest_features")


@pytest.fixture
def old(tmp_path):
    with tarfile.open(OLD) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path


def test_a_warehouse_is_taken_over_by_one_command(old):
    """A plain build, a reader and erasing refuse it and name that command."""
    database, events = old / "w.duckdb", old / "events"
    write_events(events / "2.ndjson", *offers(21))
    with pytest.raises(click.ClickException, match="dbt build --full-refresh"):
        open_warehouse(database)
    with pytest.raises(BuildError, match="dbt build --full-refresh"):
        build(events, database)
    places = Places(database, old / "export", str(events))
    with pytest.raises(click.ClickException, match="dbt build --full-refresh"):
        erase(["u0"], places, print)
    # It needs no raw file, but where the vocabulary is another than then.
    build_and_test(events, database, "--full-refresh", "--vars", "missing_files: keep")
    write_events(old / "whole" / "1.ndjson", *EVENTS)
    write_events(old / "whole" / "2.ndjson", *offers(21))
    build(old / "whole", old / "whole" / "w.duckdb")
    for mart in MARTS:
        same(rows(database, f"from {mart}"), rows(old / "whole" / "w.duckdb", f"from {mart}"))
    build(events, database)

    with open_warehouse(database) as con:
        store = open_store(f"sqlite:///{old}/export/latest/latest_features.sqlite")
        publish_latest(con, store)
        assert Lookup(store).features("u0", None, datetime(2025, 2, 1))["country"] == "DK"
        store.close()
        versions = Versions(str(old / "export" / "training"))
        before = versions.current()["version"]
        publish_training(con, versions, old / ".part", 5)
    assert versions.current()["history"][0] == before
    erase(["u0"], places, print)
    for version in versions.kept():
        folder = old / "export" / "training" / version["version"]
        assert all(file["rows"] for file in version["files"]) and folder.exists()
        # They are of rows that are no more.
        assert version["digests"] == {}
    assert {row["user_id"] for row in rows(database, "from marts.sessions")} == {"u1", "u2"}
    build_and_test(events, database)


@pytest.mark.quick
def test_what_was_published_is_read(old):
    """A store, a training table and a model, as they are."""
    url = f"sqlite:///{old}/export/latest/latest_features.sqlite"
    found = Lookup(open_store(url, read_only=True)).features("u0", None, datetime(2025, 1, 5))
    assert (found["country"], found["prev_week_purchase_amount"]) == ("DK", Decimal("0.0000"))
    manifest, table = read_training(old / "export" / "training")
    assert manifest["rows"] == len(table["offer_id"]) == 6
    (folder,) = (old / "export" / "models").iterdir()
    predicted = load_model(folder).predict(
        {"country": "DK", "facebook_connected": True, "prev_week_purchase_amount": Decimal(1),
         "last_session_win_ratio": 0.5}, [("gems", 4.99), ("vip", 9.99)])
    assert predicted.tolist() == pytest.approx([0.61625, 0.62865], rel=1e-4)
    assert json.loads((folder / "model.json").read_text())["training"]["version"] == "v1"
