"""Features that are given with the request, and times as features: training, evaluation and
serving read them alike, and no snapshot holds what the caller gives."""

import json
import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pyarrow.parquet
import pytest
from fastapi.testclient import TestClient

from built import build, edited, rows, write_events
from declared import FEATURES, feature
from offer_ai.base import declarations
from offer_ai.features import open_store
from offer_ai.features.publish import publish_latest
from offer_ai.features.request_time import READERS, RequestFeatures
from offer_ai.learning.candidates import Candidate
from offer_ai.learning.effects_training import fit_early
from offer_ai.learning.fitting import fit_models
from offer_ai.learning.model_files import load_model, write_model
from offer_ai.learning.policies import PROMOTED
from offer_ai.learning.revenue_model import Encoding
from offer_ai.serving.app import create_app
from offer_ai.serving.decider import Decider
from offer_ai.serving.decision_log import DecisionLog
from offer_ai.training.table import arrays_of, read_offers
from offer_ai.training.writing import write_training
from offer_ai.warehouse.connection import open_warehouse

# `battery` is known to the caller alone: no event but the offer's carries it.
FIELDS = """    battery: {type: integer, description: 'Per cent.'}
    installed_at: {type: timestamp, description: When.}
    os_version:"""
DECLARED = FEATURES + "".join([
    feature("currency_balance", "double", from_anchor="currency_balance"),
    feature("battery", "bigint", from_anchor="battery"),
    feature("installed_at", "timestamp", from_anchor="installed_at"),
    feature("installed_on", "date", from_anchor="installed_at", encode="day_of_week"),
    feature("clock", "timestamp", from_anchor="event_time", encode="hour_of_day"),
    feature("last_paid_at", "timestamp", over="stg_purchases", before={"day": 28},
            aggregate="max(event_time)")])
START, MILLI = datetime(2025, 1, 1), timedelta(milliseconds=1)
OFFERS = [("x", "1.99"), ("y", "4.99")]
ASKED_AT = datetime(2025, 1, 30, 18, 30, tzinfo=UTC)
GIVEN = {"currency_balance": "4000", "battery": 7, "installed_at": "2025-01-01T12:00:00.25+02:00"}


def history(chance: random.Random) -> list[dict]:
    """Twenty days of offers to 100 users, half of them bought."""
    events = []
    for number in range(1200):
        user, kind = f"u{number % 100}", chance.choice(OFFERS)
        common = {"customer_identifier": user, "session_id": f"s{number}"}
        t = START + timedelta(days=20) / 1200 * number + MILLI * chance.randint(0, 999)
        events.append(common | {
            "event_id": "offer_shown", "event_time": t.isoformat(), "offer_type": kind[0],
            "offer_price": kind[1], "currency_balance": chance.choice([None, "12.5", 4000]),
            "battery": chance.choice([None, 7, 80]), "propensity": 0.5,
            "installed_at": (t - timedelta(days=chance.random() * 9)).isoformat()})
        if chance.random() < 0.5:
            events.append(common | {
                "event_id": "purchase", "event_time": (t + timedelta(minutes=1)).isoformat(),
                "txn_amount": kind[1]})
    return [*events, *({"event_time": "2025-01-30T00:00:00", "customer_identifier": f"u{n}"}
                       for n in range(3))]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A project that declares these, its warehouse, what was published of it, and the service."""
    folder = tmp_path_factory.mktemp("given")
    project = edited(folder, ("    os_version:", FIELDS), (FEATURES, DECLARED))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        write_events(folder / "events" / "1.ndjson", *history(random.Random(3)))
        build(folder / "events", folder / "w.duckdb", project=project)
        (folder / "training" / "v").mkdir(parents=True)
        with open_warehouse(folder / "w.duckdb") as con:
            store = open_store(f"sqlite:///{folder}/store.sqlite")
            publish_latest(con, store)
            manifest = write_training(con, folder / "training" / "v") | {"version": "v"}
        (folder / "training" / "manifest.json").write_text(json.dumps(manifest))
        yield folder, project, store


@pytest.fixture(scope="module", params=[
    pytest.param("trees", marks=pytest.mark.long), "effects"])
def model(request, world):
    """The folder of a model of the published table."""
    folder, _, _ = world
    manifest, offers = read_offers(folder / "training")
    label = "next_week_purchase_amount"
    models, description = (
        fit_models(manifest, offers.to_pydict(), label, 3, 0) if request.param == "trees" else
        fit_early(manifest, arrays_of(offers.drop_columns(["candidates"])), label, 3))
    return write_model(folder / "models", models, description)


def service(folder) -> TestClient:
    log = DecisionLog(folder / "events", seconds=0.1)
    candidates = [Candidate((kind, Decimal(price))) for kind, price in OFFERS]
    decider = Decider(folder / "models", f"sqlite:///{folder}/store.sqlite", log,
                      candidates=candidates)
    return TestClient(create_app(decider))


@pytest.mark.long
def test_no_store_holds_what_the_caller_gives(world):
    folder, _, store = world
    names = {feature["name"] for feature in store.description().features}
    assert {"last_paid_at", "country"} <= names
    given = {"currency_balance", "battery", "installed_at", "installed_on", "clock"}
    assert not names & given
    assert not set(rows(folder / "w.duckdb", "from marts.latest_features limit 1")[0]) & given


def test_a_decision_is_made_as_training_will_see_it(world, model):
    """One whose features are all given, and one of which nothing is."""
    folder, project, _ = world
    (folder / "models" / PROMOTED).write_text(json.dumps(
        {"model": model.name, "rule": "epsilon-greedy", "epsilon": 0.1}))
    with service(folder) as client:
        made = [client.post("/decide", json={
            "user_id": f"u{int(model.name[1:], 16) % 100}", "session_id": "new", "at": (
                ASKED_AT + timedelta(seconds=number)).isoformat()} | given).json()
            for number, given in enumerate([GIVEN, {}])]
        state = client.get("/healthz").json()
        described = client.get("/openapi.json").json()["components"]["schemas"]["DeclaredRequest"]
    assert described["properties"]["battery"]["type"] == ["integer", "string", "null"]
    assert state["why_not"] is None
    assert state["policy_version"] == made[0]["policy_version"] == model.name
    full, empty = (decision["features"] for decision in made)
    assert {name: full[name] for name in (
        "currency_balance", "battery", "installed_at", "installed_on", "clock")} == {
        "currency_balance": 4000.0, "battery": 7, "installed_at": "2025-01-01 10:00:00.250000",
        "installed_on": "2025-01-01", "clock": "2025-01-30 18:30:00"}
    assert (empty["battery"], empty["installed_at"], empty["clock"]) == (
        None, None, "2025-01-30 18:30:01")

    build(folder / "events", folder / "w.duckdb", project=project)
    ids = ", ".join(f"'{decision['decision_id']}'" for decision in made)
    skew = rows(folder / "w.duckdb", f"from marts.decision_skew where decision_id in ({ids})")
    assert {row["feature"] for row in skew} == {f["name"] for f in declarations.features()}
    assert [row for row in skew if not row["is_equal"]] == []
    # Times drift as numbers: none is a category that was not seen.
    assert rows(folder / "w.duckdb", """
        select distinct feature from marts.feature_drift
        where unseen_categories = 0 and feature in ('installed_at', 'installed_on', 'clock')
        order by 1""") == [{"feature": name} for name in ("clock", "installed_at", "installed_on")]
    # What the model made of the request is what it makes of the training row.
    trained = rows(folder / "w.duckdb", f"""
        from marts.training_offers where decision_id in ({ids}) order by offered_at""")
    loaded = load_model(model)
    table = {name: [row[name] for row in trained] for name in trained[0]}
    assert trained[0]["currency_balance"] == 4000 and trained[0]["installed_on"] == date(2025, 1, 1)
    offers = [(kind, float(price)) for kind, price in OFFERS]
    for row, seen, of_each in zip(trained, loaded.predict_rows(table),
                                  loaded.predict_offers(table, offers), strict=True):
        (served,) = loaded.predict(row, [(row["offer_type"], float(row["offer_price"]))])
        assert served == pytest.approx(seen, abs=1e-12)
        assert loaded.predict(row, offers) == pytest.approx(of_each, abs=1e-12)


@pytest.mark.quick
def test_times_become_numbers():
    """By hand, of a row and of columns as Parquet and as Python have them."""
    features = [{"name": name, "data_type": kind, "definition": dict(encode)}
                for name, kind, *encode in [
                    ("age", "timestamp"), ("day_age", "date", ("encode", "age_in_days")),
                    ("hour", "timestamp", ("encode", "hour_of_day")),
                    ("weekday", "date", ("encode", "day_of_week"))]]
    row = {"age": datetime(2025, 1, 7, 12), "day_age": date(2025, 1, 1),
           "hour": datetime(2025, 1, 7, 18, 30), "weekday": date(2025, 1, 5),
           "offered_at": datetime(2025, 1, 8, 12), "offer_type": "x", "offer_price": 1.0}
    none = dict.fromkeys(("age", "day_age", "hour", "weekday"))
    table = {name: [row[name], (row | none)[name]] for name in row}
    encoding = Encoding.of({"features": features}, table)
    assert Encoding.refuses(features) is None
    expected = [[1, 7.5, 18.5, 6], [np.nan] * 4]
    np.testing.assert_array_equal(encoding.matrix(table)[:, :4], expected)
    np.testing.assert_array_equal(
        encoding.matrix(arrays_of(pyarrow.table(table)))[:, :4], expected)
    for one, numbers in zip((row, row | none), expected, strict=True):
        np.testing.assert_array_equal(encoding.row(one), numbers)


@pytest.mark.parametrize(("field", "value", "problem"), [
    ("battery", "many", "is declared as an integer, and 'many' is none"),
    ("battery", 7.5, "is declared as an integer, and 7.5 is none"),
    ("battery", True, "is declared as an integer, and True is none"),
    ("battery", 2**63, "is declared as an integer, and 9223372036854775808 is none"),
    ("currency_balance", [1], "is declared as a number, and [1] is none"),
    ("currency_balance", "nan", "is declared as a number, and 'nan' is none"),
    ("installed_at", "soon", "is declared as a time (ISO 8601), and 'soon' is none"),
])
def test_a_value_of_a_wrong_type_is_refused(world, field, value, problem):
    with service(world[0]) as client:
        answer = client.post("/decide", json={"user_id": "u", "session_id": "s", field: value})
    assert answer.status_code == 422
    assert answer.json() == {"detail": [{"field": field, "problem": problem}]}


@pytest.mark.quick
@pytest.mark.parametrize(("kind", "value", "read"), [
    ("text", "a", "a"), ("number", "1e3", 1000.0), ("integer", "7.0", 7), ("integer", 2**60, 2**60),
    ("boolean", "1", True), ("boolean", False, False), ("money", "1.00005", Decimal("1.0001")),
    ("money", 2.9699999999999998, Decimal("2.9700")),
    ("timestamp", 1735689600, START), ("timestamp", 1735689600000, START), ("text", None, None),
    ("timestamp", "2025-01-01 00:00:00 UTC", START), ("timestamp", "1.7356896e9", START),
    ("text", 7, "7"), ("text", 7.5, "7.5"), ("text", True, "true"), ("text", " ", " "),
    ("boolean", 1.0, True), ("boolean", 0.0, False), ("boolean", "1.0", True),
    ("boolean", "0.0", False), ("boolean", "TRUE", True), ("boolean", 0, False),
    *((kind, "", None) for kind in READERS),
])
def test_a_value_is_read_as_an_event_s(kind, value, read):
    """JSON or text, as the warehouse reads it of events."""
    feature = {"name": "f", "data_type": kind, "definition": {"from_anchor": "f"}}
    requests = RequestFeatures(None, [feature], {"f": {"type": kind}})
    found = requests.read("f", value)
    assert (found, type(found)) == (read, type(read))


@pytest.mark.quick
@pytest.mark.parametrize(("kind", "value"), [
    ("boolean", 2), ("boolean", 10.0), ("boolean", "yes"), ("text", ["a"]), ("text", "a\0"),
    ("number", True), ("integer", 7.5)])
def test_what_the_warehouse_cannot_read_is_refused(kind, value):
    feature = {"name": "f", "data_type": kind, "definition": {"from_anchor": "f"}}
    with pytest.raises(ValueError, match=r"^is declared as .*, and .* is none$"):
        RequestFeatures(None, [feature], {"f": {"type": kind}}).read("f", value)


@pytest.mark.quick
def test_an_empty_text_is_none_of_a_field_that_is_required():
    feature = {"name": "f", "data_type": "text", "definition": {"from_anchor": "f"}}
    with pytest.raises(ValueError, match="is missing"):
        RequestFeatures(None, [feature], {"f": {"type": "text", "required": True}}).read("f", "")
