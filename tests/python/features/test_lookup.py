"""Which version of a user's features a request sees, and what their values are."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import duckdb
import pytest
from click import ClickException

from items import description
from offer_ai.base.declarations import type_word
from offer_ai.features import Lookup, open_store
from offer_ai.features.lookup import check_same_schema, version_at
from offer_ai.features.publish import publish, value_of_none
from offer_ai.features.store import ItemError, StoreError, UnpublishedError, schema_version

pytestmark = pytest.mark.quick
SECOND = 1_000_000
VERSIONS = [["s", SECOND, "in s"], [None, SECOND, "first"], [None, 2 * SECOND, "second"],
            [None, 3 * SECOND, "third"], ["s", 3 * SECOND, "later in s"]]


@pytest.mark.parametrize(("session", "second", "held"), [
    (None, 0, "first"),  # before the user's last event it counts as that event's time
    (None, 1, "first"), (None, 1.999999, "first"), (None, 2, "second"), (None, 2.5, "second"),
    (None, 3, "third"), (None, 99, "third"), ("other", 2, "second"), ("", 2, "second"),
    ("s", 0, "in s"), ("s", 2.999999, "in s"), ("s", 3, "later in s")])
def test_a_version_holds_from_its_time_on(session, second, held):
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
    for told in (at, at.replace(tzinfo=None), at.astimezone(timezone(timedelta(hours=5)))):
        assert version_at(VERSIONS, session, told)[2] == held


@pytest.mark.parametrize(("declared", "data_type", "value"), [
    (None, "string", None), (0, "decimal(38, 4)", "0"), (0, "bigint", 0), (False, "boolean", False),
    ("'it''s none'", "string", "it's none"), ("''", "string", ""), ("1e3", "double", 1000.0),
    ("0", "bigint", 0), ("false", "boolean", False), ("1 / 2", "decimal(38, 4)", "0.5"),
    ("1e3", "decimal(38, 4)", "1000")])
def test_what_stands_for_none_is_what_the_warehouse_has(declared, data_type, value):
    """`if_none` is SQL there."""
    found = value_of_none(duckdb.connect(), "mine", declared, data_type)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("declared", ["'", "'none'", "no_such_column"])
def test_what_no_value_of_the_type_is_is_said(declared):
    with pytest.raises(ClickException, match=f"^features, mine: `if_none: {declared}`"):
        value_of_none(duckdb.connect(), "mine", declared, "bigint")


@pytest.mark.parametrize(("data_type", "word"), [
    ("decimal(38, 4)", "decimal"), ("NUMERIC (10, 2)", "decimal"), ("TIMESTAMP", "timestamp"),
    ("bigint", "bigint")])
def test_a_type_is_one_however_it_is_written(data_type, word):
    assert type_word(data_type) == word


def test_values_are_of_their_types(tmp_path):
    """Money, times and dates are text in a store; null is null of any type."""
    features = [{"name": name, "data_type": kind} for name, kind in (
        ("money", "NUMERIC (38, 4)"), ("at", "TIMESTAMP"), ("on", "date"), ("level", "bigint"),
        ("country", "string"))]
    version = schema_version(features)
    told = description(1, "w", version, features)
    told = type(told)(**vars(told) | {"cold_start": ["0", None, None, None, None]})
    values = '"4.9900","2025-01-01 10:00:00.5","2025-01-02",7,"4.99"'
    store = open_store(f"sqlite:///{tmp_path}/f.sqlite")
    publish(store, [[("a", f"[[null,1,{values}]]"), ("b", "[[null,1,null,null,null,null,null]]")]],
            told, lambda: {"a", "b"})
    lookup = Lookup(store)
    now = datetime(2025, 1, 3)
    assert lookup.features("a", None, now) == {
        "money": Decimal("4.99"), "at": datetime(2025, 1, 1, 10, 0, 0, 500000),
        "on": date(2025, 1, 2), "level": 7, "country": "4.99"}
    assert set(lookup.features("b", None, now).values()) == {None}
    assert lookup.features("?", None, now)["money"] == Decimal(0)
    assert lookup.features_of_many([("b", None, now), ("a", None, now)]) == [
        lookup.features("b", None, now), lookup.features("a", None, now)]


@pytest.mark.parametrize("versions", [
    '[[null,1,"DK","1",7]]', '[[null,1,"DK"]]', '[[null,1,"DK","one"]]', '[[null,1,"DK",[]]]',
    '[[null,1,"DK","1"', "", "null", "7", "[]", '["s"]', '{"s":1}', '[["s",1,"DK","1"]]'])
def test_an_item_that_is_damaged_is_an_error(tmp_path, versions):
    """That names the user; what the store holds of others is found."""
    store = open_store(f"sqlite:///{tmp_path}/f.sqlite")
    publish(store, [[("a", versions), ("b", '[[null,1,"SE","2"]]')]], description(), set)
    lookup, now = Lookup(store), datetime(2025, 1, 1)
    with pytest.raises(ItemError, match="item of user 'a' is damaged: delete the store and run "):
        lookup.features("a", None, now)
    assert lookup.features("b", None, now)["country"] == "SE"


@pytest.mark.parametrize("damage", [
    {"more": 1}, {"features": None}, {"features": [{"name": "country"}]}, {"features": ["x", "y"]},
    {"cold_start": [None]}, {"cold_start": None}, {"cold_start": [None, "zero"]}])
def test_a_description_that_is_damaged_is_an_error(tmp_path, damage):
    store = open_store(f"sqlite:///{tmp_path}/f.sqlite")
    publish(store, [], description(), set)
    lookup = Lookup(store)
    told = json.loads(description().to_json()) | damage
    store.con.execute("update description set json = ?", (json.dumps(told),))
    for read in (lookup.refresh, lambda: Lookup(store)):
        with pytest.raises(StoreError, match="description is damaged: delete the store"):
            read()
    del told["as_of"]
    store.con.execute("update description set json = ?", (json.dumps(told),))
    with pytest.raises(StoreError, match="description is damaged"):
        store.description()


def test_a_store_that_is_emptied_is_not_published(tmp_path):
    """Nobody is new because of that."""
    store = open_store(f"sqlite:///{tmp_path}/f.sqlite")
    publish(store, [], description(), set)
    lookup = Lookup(store)
    store.con.execute("delete from description")
    with pytest.raises(UnpublishedError, match="is empty: run"):
        lookup.refresh()


def test_what_is_said(tmp_path):
    with pytest.raises(StoreError) as raised:
        check_same_schema("3.a", "3.b")
    assert str(raised.value) == (
        "An item of schema version 3.a is in a feature store of 3.b: a publish with other "
        "features was cut off. Run `scripts/export.py latest` again.")
    with pytest.raises(StoreError) as raised:
        Lookup(open_store(f"sqlite:///{tmp_path}/f.sqlite"))
    assert str(raised.value) == (
        "The feature store is empty: run `scripts/export.py latest` to publish to it.")


def test_a_request_of_a_session_sees_that_sessions_version(tmp_path):
    """One by one and many at once; and as the last publish says, though it came later."""
    store = open_store(f"sqlite:///{tmp_path}/f.sqlite")
    publish(store, [[("a", '[["s",1,"in s","1"],[null,1,"else","2"]]')]], description(),
            lambda: {"a"})
    lookup, now = Lookup(store), datetime(2025, 1, 1)
    requests = [("a", "s", now), ("a", "t", now), ("a", None, now)]
    for found in ([lookup.features(*request) for request in requests],
                  lookup.features_of_many(requests)):
        assert [one["country"] for one in found] == ["in s", "else", "else"]
    features = [{"name": "level", "data_type": "bigint"}]
    version = schema_version(features)
    publish(store, [[("a", "[[null,1,7]]")]], description(2, "w", version, features),
            lambda: {"a"})
    assert lookup.features("a", None, now) == {"level": 7}
    store.write([("b", "[[null,1,7]]")], description(2, "w", "3.other", features))
    with pytest.raises(StoreError, match=rf"version 3\.other is in a feature store of {version}"):
        lookup.features("b", None, now)
    assert Lookup(store).description.published_through == 2
    publish(store, [], description(3, "w", version, features), lambda: {"a"})
    assert lookup.description.published_through == 2
    lookup.refresh()
    assert lookup.description.published_through == 3
