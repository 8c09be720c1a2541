"""A wrong declaration ends with one sentence: which entry, what is wrong, what is possible."""

import copy
import json
import re

import pytest

from built import BuildError, build, dbt, edited, rows, write_events
from offer_ai.base import declarations
from offer_ai.base.settings import ROOT

WEEK = {"over": "stg_purchases", "before": {"day": 7}, "aggregate": "sum(txn_amount)"}
IDLE = "event_time > previous.event_time + interval 30 minute"


def entry(meta, data_type="double", **more):
    return {"name": "mine", "description": "d", "data_type": data_type,
            "config": {"meta": meta}} | more


def feature(change=(), without=(), **more):
    meta = {key: value for key, value in (WEEK | dict(change)).items() if key not in without}
    return {"features": [entry(meta, **more)]}


def label(**change):
    return {"labels": [entry({"over": "stg_purchases", "after": {"day": 7},
                              "aggregate": "sum(txn_amount)"} | change)]}


def rewarded(data_type="double", **change):
    """A decision point whose reward is the label."""
    declared = label(**change)
    declared["labels"][0]["data_type"] = data_type
    offers = copy.deepcopy(declarations.variables()["decision_points"]["offers"])
    return declared | {"decision_points": {"offers": offers | {
        "labels": ["mine"], "reward": "mine", "measures": []}}}


def anchor(field, data_type="double", **more):
    return {"features": [entry({"from_anchor": field} | more, data_type)]}


def field(name, **spec):
    return {"event_fields": copy.deepcopy(declarations.variables()["event_fields"]) | {name: spec}}


def fields_without(name):
    return {"event_fields": {other: spec for other, spec in
                             declarations.variables()["event_fields"].items() if other != name}}


UNITS = "`before` as one of {count: n}, {hour: n}, {day: n}"
WRONG = [
    # The entry itself.
    ({"features": "country"}, "features: is no list of entries"),
    ({"features": ["country"]}, "features, entry 1: country is no mapping of name, data_type"),
    ({"features": [{"data_type": "double"}]}, "features, entry 1: `name` is missing"),
    (feature(data_typ="double"), "features, mine: 'data_typ' is none of name, data_type"),
    (feature(data_type=""), "features, mine: `data_type` is missing"),
    (feature(data_type="money"), "features, mine: data_type 'money' is none of string, boolean"),
    (feature(name="Mine!"), "features, Mine!: a name is lower-case letters, digits"),
    (feature(name="user_id"), "features, user_id: is the name of another column"),
    (feature(name="propensity"), "features, propensity: is the name of another column"),
    (feature() | {"labels": label()["labels"]}, "labels, mine: is the name of another column"),
    ({"features": 2 * feature()["features"]}, "features, mine: is the name of another column"),
    (feature(config={"met": {}}), "features, mine, config: 'met' is none of meta"),
    # How it is computed.
    (feature({"agregate": "count(*)"}), "features, mine: 'agregate' is none of over, before"),
    (feature(without=["aggregate"]), "features, mine: `aggregate` is missing"),
    (feature(without=["before"]), "features, mine: `before` is missing"),
    (feature(without=["over"]),
     "features, mine: needs one of over, as_of, from_anchor, and has none"),
    (feature({"as_of": "user_profiles"}), "and has over and as_of"),
    (feature({"aggregate": 7}), "features, mine: `aggregate: 7` is no text"),
    (feature({"after": {"day": 1}}),
     "features, mine: has `before` and `after`: a window is one of them"),
    (feature({"encode": "age_in_days"}),
     "`encode` is for a timestamp or a date, and it is of type double"),
    (feature({"encode": "year"}, data_type="date"),
     "`encode: year` is none of age_in_days, hour_of_day, day_of_week"),
    (feature({"if_none": 0}, data_type="date"), "features, mine: `if_none` is for numbers, text"),
    (feature({"if_none": None}), "features, mine: `if_none` names no value"),
    (feature({"over": "stg_purchase"}),
     "features, mine: `over: stg_purchase` is none of sessions, app_launched"),
    (feature({"over": "stg_purchase"}), "; the nearest is stg_purchases"),
    (label(over="game_ends"), "labels, mine: `over: game_ends` is none of"),
    ({"features": [entry({"as_of": "user_profile", "value": "country"}, "string")]},
     "`as_of: user_profile` is none of user_profiles"),
    ({"features": [entry({"as_of": "profile_changes", "value": "country"}, "string")]},
     "`as_of: profile_changes` says from when on and not until when, which user_profiles does"),
    # What is counted of a session.
    ({"session_measures": [entry({"aggregate": "count(*)"}, name="win_ratio")]},
     "session_measures, win_ratio: is the name of another column"),
    ({"session_measures": [entry({"agregate": "count(*)"})]},
     "session_measures, mine: 'agregate' is none of aggregate"),
    # Windows.
    (feature({"before": {"week": 1}}), f"features, mine: needs {UNITS}, and 'week' is no unit"),
    (feature({"before": {"day": 1, "hour": 2}}), f"features, mine: needs {UNITS}, and has"),
    (feature({"before": 7}), f"features, mine: needs {UNITS}, and has 7"),
    (feature({"before": {"day": "7"}}), "and n is a whole number from 1, not 7"),
    (feature({"before": {"day": 0}}), "and n is a whole number from 1, not 0"),
    (label(after={"count": 7}), "labels, mine: needs `after` as one of {hour: n}, {day: n}"),
    (label(before={"day": 7}), "labels, mine: a label looks ahead, with `after`"),
    (label(part_of="nothing") | {"features": []}, "`part_of: nothing` is none of the labels: mine"),
    (label(part_of="mine"),
     "labels, mine: is `part_of` a label and says nothing of an empty window"),
    ({"labels": [entry({"as_of": "user_profiles", "value": "country"})]}, "labels, mine: 'as_of'"),
    # What is given with the request.
    (anchor("balance"),
     "features, mine: `from_anchor: balance` is no field of event_fields: event_id"),
    (anchor("currency_balance", "bigint"),
     "data_type bigint does not hold the field currency_balance of type number: double does"),
    (anchor("level", "string"), "of type integer: bigint or double does"),
    (anchor("offer_price"), "`from_anchor: offer_price` is what the decision itself says"),
    (anchor("device_id", "string"), "is of type id, and a feature is read from text, number"),
    (anchor("currency_balance", if_none=0),
     "features, mine: 'if_none' is none of from_anchor, encode"),
    # Decision points.
    ({"decision_points": {"walls": {"event": "wall", "one": "wall", "time": "shown_at"}}},
     "decision_points, walls: `event: wall` is none of the event types: app_launched"),
    (rewarded(), "decision_points, offers: the reward 'mine' says nothing of an empty window"),
    (rewarded("string", if_none="''"),
     "decision_points, offers: the reward 'mine' is of type string"),
    # Fields.
    (field("mood", type="word"), "event_fields, mood: type 'word' is none of text, id"),
    (field("mood", typ="text"), "event_fields, mood: 'typ' is none of type, description"),
    (field("mood", type="text", of="offer"),
     "event_fields, mood: `of: offer` is none of the event types: app_launched"),
    (field("mood", type="text", required="yes"), "`required: yes` is neither true nor false"),
    ({"event_fields": {"event_id": {"type": "text", "as": "event_type"}}},
     "event_fields: `event_time` is missing"),
    (fields_without("session_id"), "event_fields: `session_id` is missing: models read it"),
    (fields_without("event_uuid"), "event_fields: `event_uuid` is missing"),
    (field("customer_identifier", type="id", required=True),
     "event_fields, customer_identifier: models read it `as: user_id`"),
    (field("event_key", type="text"), "event_fields, event_key: 'event_key' is what a column"),
    (field("level_text", type="text"), "event_fields, level_text: 'level_text' is what a column"),
    ({"field_aliases": {"ofer_type": ["x"]}},
     "field_aliases: 'ofer_type' is no field of event_fields"),
    ({"field_aliases": {"received_at": ["landed_at"]}},
     "field_aliases, received_at: 'landed_at' is what a column beside the fields is called: "
     "write it as '$.landed_at'"),
    ({"field_aliases": {"country": ["Country"]}},
     "'Country' of country differs from another name, country, in case alone"),
    ({"field_aliases": {"sku": ["item.id"], "level": ["item.ID"]}},
     "'item.id' of sku differs from another name, ID, in case alone"),
    # The split.
    ({"session_split": {"by": "session"}}, "session_split: 'session' is no column of an event: "),
    ({"session_split": {"order_by": "event_tim", "split_on": IDLE}},
     "session_split: 'event_tim' is no column"),
    ({"session_split": {"order_by": "event_time", "split_on": "level > previous.levle"}},
     "session_split: 'previous.levle' is no column of an event"),
    ({"session_split": {"order_by": "event_time"}}, "is neither {by: session_id} nor"),
]
# Asked when a run begins, as it takes the relations' columns.
COLUMNS = [
    (feature({"aggregate": "sum(txn_amout)"}),
     "features, mine: 'txn_amout' is no column of stg_purchases: purchase_id, user_id"),
    (feature({"over": "sessions", "aggregate": "sum(games)"}),
     "features, mine: 'games' is no column of sessions: "),
    (feature({"over": "sessions", "aggregate": "max(session_index)"}),
     "features, mine: 'session_index' is no column of sessions: user_id, session_id, started_at"),
    (feature({"aggregate": "sum(txn_amount"}),
     "features, mine: is no SQL of one value: sum(txn_amount ("),
    ({"features": [entry({"as_of": "user_profiles", "value": "contry"}, "string")]},
     "features, mine: 'contry' is no column of user_profiles: "),
    (label(aggregate="sum(amount)"), "labels, mine: 'amount' is no column of stg_purchases"),
    ({"session_split": {"order_by": "event_time", "split_on": "levle > previous.level"}},
     "session_split: 'levle' is no column of an event"),
    ({"session_measures": [entry({"aggregate": "max(levle)"})]},
     "session_measures, mine: 'levle' is no column of an event"),
]


def said(tmp_path, macro, declared) -> str:
    """What a check says of declarations in the place of the project's own."""
    with pytest.raises(BuildError) as error:
        dbt("run-operation", macro, "--vars", json.dumps(declared),
            events=tmp_path, database=tmp_path / "w.duckdb")
    return str(error.value)


@pytest.mark.quick
@pytest.mark.parametrize(("declared", "sentence"), WRONG)
def test_it_is_refused_by_name(tmp_path, declared, sentence):
    assert sentence in said(tmp_path, "check_declarations", declared)


@pytest.mark.quick
@pytest.mark.parametrize(("declared", "sentence"), COLUMNS)
def test_columns_that_are_not_there(tmp_path, declared, sentence):
    assert sentence in said(tmp_path, "check_columns", declared)


@pytest.mark.quick
def test_what_is_right_passes(tmp_path):
    """Any aggregate, and every window."""
    features = [entry(WEEK | {"before": {unit: 3}, "aggregate": aggregate}, name=f"f_{number}")
                for number, (unit, aggregate) in enumerate([
                    ("count", "count(*)"), ("hour", "sum(txn_amount) filter (where sku = 'x; y')"),
                    ("day", "quantile_cont(txn_amount, 0.5)"),
                    ("day", "max(case when txn_amount > 1 then 1 else 0 end)"),
                    ("day", "list_sum(list_transform(list(txn_amount), lambda x: x * 2))")])]
    # It is allowed, and said to know the future.
    features.append(entry({"over": "sessions", "after": {"count": 2}, "aggregate": "count(*)"}))
    for macro in ("check_declarations", "check_columns"):
        for declared in ({}, {"features": features}, {"session_split": {
                "order_by": ["event_time", "event_type"],
                "split_on": f"{IDLE} or event_type = 'x' or Level > Previous.LEVEL"}}):
            dbt("run-operation", macro, "--vars", json.dumps(declared),
                events=tmp_path, database=tmp_path / "w.duckdb")


@pytest.mark.parametrize(("old", "new", "sentence"), [
    ("before: {day: 7}", "before: {week: 1}",
     f"features, prev_week_purchase_amount: needs {UNITS}"),
    ("aggregate: sum(txn_amount)", "aggregate: sum(txn_amout)",
     "features, prev_week_purchase_amount: 'txn_amout' is no column of stg_purchases"),
])
def test_a_build_ends_before_anything_is_done(tmp_path, old, new, sentence):
    """By itself when dbt reads the project, by its columns when the run begins."""
    project = edited(tmp_path, (old, new))
    write_events(tmp_path / "f.ndjson", {})
    with pytest.raises(BuildError) as error:
        build(tmp_path / "f.ndjson", tmp_path / "w.duckdb", project=project)
    assert f"dbt_project.yml, {sentence}" in str(error.value)
    database = tmp_path / "w.duckdb"
    assert not database.exists() or rows(database, "from duckdb_tables()") == []


def renamed(tmp_path, old, new):
    """A project in whose dbt_project.yml a var has another name."""
    return edited(tmp_path, (f"\n  {old}:", f"\n  {new}:"))


@pytest.mark.parametrize(("old", "new"), [
    ("decision_points", "decison_points"), ("features", "feature"), ("most_skew", "most_skwe")])
def test_a_misspelt_var_is_named(tmp_path, old, new):
    with pytest.raises(BuildError) as error:
        build(tmp_path, tmp_path / "w.duckdb", project=renamed(tmp_path, old, new))
    assert f"dbt_project.yml, vars, {new}: is no var of Offer AI; the nearest is {old}" in str(
        error.value)


def test_every_var_is_known():
    found = re.search(r"macro known_vars.*?return\(\[(.*?)\]", (
        ROOT / "macros/declarations/names.sql").read_text(), re.DOTALL)[1]
    assert re.findall(r"'(\w+)'", found) == list(declarations.project()["vars"])


def test_what_models_read_is_there_though_no_field_declares_it():
    """The columns that staging makes up are those of the shipped fields, but what every event has
    and what decision points name."""
    macro = re.search(r"macro undeclared_columns.*?endmacro", (
        ROOT / "macros/vocabulary/vocabulary.sql").read_text(), re.DOTALL)[0]
    texts = re.search(r"for column in (\[.*?\])", macro, re.DOTALL)[1]
    found = dict.fromkeys(re.findall(r"'(\w+)'", texts), "text") | dict(
        re.findall(r"'(\w+)': (?:'|offer_ai[.])?(bigint|double|boolean|money)", macro))
    kinds = {"integer": "bigint", "number": "double", "probability": "double", "id": "text"}
    shipped = declarations.project()["vars"]
    columns = {column["name"] for point in shipped["decision_points"].values()
               for column in point["columns"]} - {"decision_id", "policy_version", "propensity"}
    every = {"event_id", "event_time", "customer_identifier", "session_id", "event_uuid",
             "received_at"}
    assert found == {"txn_amount_sent": "money"} | {
        name: kinds.get(spec["type"], spec["type"])
        for name, spec in shipped["event_fields"].items()
        if name not in every | columns}
