"""Aliases that lead into objects, arrays of keys and values, and text that is JSON."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from built import BuildError, build, build_and_test, dbt, messages, rows

ALIASES = {
    "country": ["properties.geo.country", "context[0].country"],
    "level": ["properties.level", "params[level]", "context[1].level"],
    "sku": ['"item.sku"', 'properties."item.sku"', "skus[1]", 'params["item.sku"]'],
    "won": ["$.properties.won", "params[won]"],
    "session_id": ["properties.session", "session_id"],
}
VARS = ("--vars", json.dumps({"field_aliases": ALIASES}))
FIELDS = "country, level, sku, won, session_id"
TEXT = json.dumps({"level": "7", "geo": json.dumps({"country": "DK"})})
CASES = {
    "flat": ({"country": "DK", "level": 7, "sku": "a", "won": True, "session_id": "s"},
             ("DK", 7, "a", True, "s")),
    "objects": ({"properties": {"geo": {"country": "DK"}, "level": 7, "won": "1", "item.sku": "a",
                                "session": "p"}, "session_id": "s"}, ("DK", 7, "a", True, "p")),
    "the first that is not null": (
        {"level": None, "properties": {"level": None}, "params": [
            {"key": "level", "value": {"string_value": None, "int_value": 3}}],
         "context": [{"country": "SE"}, {"level": 9}]}, ("SE", 3, None, None, None)),
    "keys and values": (
        {"params": [{"key": "level", "value": {"int_value": "7"}}, {"key": None}, None,
                    {"key": "item.sku", "value": {"string_value": "a"}},
                    {"key": "level", "value": {"int_value": "8"}},
                    {"key": "won", "value": {"double_value": 1.0}}]}, (None, 7, "a", True, None)),
    "literal": ({"item.sku": "a", "item": {"sku": "b"}, "properties.level": 3},
                (None, None, "a", None, None)),
    "places": ({"context": [{"country": "DK"}, {"level": 7}], "skus": ["b", "a"]},
               ("DK", 7, "a", None, None)),
    "text": ({"properties": TEXT, "params": json.dumps(
        [{"key": "won", "value": {"int_value": 0}}])}, ("DK", 7, None, False, None)),
    "text in an object": ({"properties": {"level": 7, "geo": json.dumps({"country": "DK"})}},
                          ("DK", 7, None, None, None)),
    "text with objects beside it": (
        {"note": "{}", "properties": {"level": 7, "geo": {"country": "DK"}},
         "context": "[{no", "params": "{}"}, ("DK", 7, None, None, None)),
    "none of it": ({"properties": 5, "params": {"key": "level"}, "context": [], "skus": "a"},
                   (None, None, None, None, None)),
    "another case": ({"CUSTOMER_IDENTIFIER": "another case", "PROPERTIES": {
        "LEVEL": 7, "Geo": '{"COUNTRY": "DK"}'},
        "Params": [{"key": "won", "value": {"int_value": 1}}]}, ("DK", 7, None, True, None)),
}


def line(user: str, event: dict) -> dict:
    common = {"event_id": "game_end", "event_time": "2025-01-05T10:00:00"}
    named = {} if "CUSTOMER_IDENTIFIER" in event else {"customer_identifier": user}
    return common | named | event


def found(database) -> dict:
    return {row.pop("user_id"): tuple(row.values()) for row in rows(
        database, f"select user_id, {FIELDS} from staging.stg_events")}


def test_every_kind_of_path(tmp_path):
    (tmp_path / "events.json").write_text(
        "\n".join(json.dumps(line(name, event)) for name, (event, _) in CASES.items()))
    build_and_test(tmp_path / "events.json", tmp_path / "w.duckdb", *VARS)
    assert found(tmp_path / "w.duckdb") == {name: values for name, (_, values) in CASES.items()}
    assert not any("aliases_match" in text for text in messages)
    wrong = {"field_aliases": ALIASES | {"badge": ["properties.bagde"]}}
    dbt("build", "--full-refresh", "--exclude-resource-type", "unit_test", "--select", "landing",
        "aliases_match", "--vars", json.dumps(wrong), events=tmp_path / "events.json",
        database=tmp_path / "w.duckdb")
    assert any("aliases_match" in text for text in messages)


def test_a_file_whose_nested_names_are_in_another_case(tmp_path):
    """As far as was looked: no line lacks a required field."""
    (tmp_path / "events.json").write_text(json.dumps(line("u", {"properties": {"LEVEL": 7}})))
    build(tmp_path / "events.json", tmp_path / "w.duckdb", *VARS)
    assert found(tmp_path / "w.duckdb") == {"u": (None, 7, None, None, None)}


def test_parquet(tmp_path):
    """Structs, lists of keys and values, and JSON as text."""
    value = pa.struct([("string_value", pa.string()), ("int_value", pa.int64())])
    pq.write_table(pa.table({
        **{name: [value] * 2 for name, value in line("u", {}).items()},
        "customer_identifier": ["struct", "text"],
        "params": pa.array([[{"key": "level", "value": {"int_value": 7}}], None], pa.list_(
            pa.struct([("key", pa.string()), ("value", value)]))),
        "PROPERTIES": pa.array([{"geo": {"country": "DK"}, "won": True}, None]),
        "context": [None, '[{"country": "DK"}, {"level": 7}]'],
    }), tmp_path / "table")
    build(tmp_path / "table", tmp_path / "w.duckdb", *VARS)
    assert found(tmp_path / "w.duckdb") == {
        "struct": ("DK", 7, None, True, None), "text": ("DK", 7, None, None, None)}


@pytest.mark.quick
@pytest.mark.parametrize(("alias", "message"), [
    ("properties..level", "'properties..level' of level is no path"),
    ("properties.", "'properties.' of level is no path"),
    ("params[level].value", "'params[level].value' of level is no path"),
    ("params[level", "'params[level' of level is no path"),
    ('properties."level', "of level is no path"),
    ("properties[level]", "'properties[level]' of level leads through what another alias reads"),
])
def test_a_wrong_path_says_so(tmp_path, alias, message):
    (tmp_path / "events.json").write_text(json.dumps(line("u", {})))
    aliases = {"country": ["properties.country"], "level": [alias]}
    with pytest.raises(BuildError) as error:
        build(tmp_path / "events.json", tmp_path / "w.duckdb", "--vars",
              json.dumps({"field_aliases": aliases}))
    assert message in str(error.value)
