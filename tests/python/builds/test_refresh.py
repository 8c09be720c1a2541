"""What is declared changes: the refused build names the command that makes anew what is made of
it, and that alone."""

import re

import pytest
from click import ClickException

from built import BuildError, build, built_of, dbt, edited, rows, write_events
from compared import same_warehouses
from declared import FEATURES, feature
from offer_ai.features import open_store
from offer_ai.features.publish import publish_latest
from offer_ai.warehouse.connection import open_warehouse

GAMES = feature("games", "bigint", over="stg_game_starts", before={"day": 28},
                aggregate="count(*)", if_none=0)
BALANCE = feature("balance", "double", from_anchor="currency_balance")
LEVEL = feature("level_then", "bigint", from_anchor="level")
ON_FEATURES = {"offer_features", "latest_anchor_features", "latest_requests"}


def day(number: int) -> list[dict]:
    own = {"event_time": f"2025-01-0{number}T10:00:00", "session_id": f"s{number}"}
    return [own, own | {"event_id": "purchase", "txn_amount": "1", "event_uuid": f"p{number}"},
            own | {"event_id": "offer_shown", "offer_type": "x", "offer_price": "1",
                   "currency_balance": number, "level": number}]


@pytest.fixture
def place(tmp_path):
    """A project that a test may change, and where its warehouse is."""
    return {"database": built_of(tmp_path, *day(1), *day(2)), "events": tmp_path / "events",
            "project": edited(tmp_path)}


def declare(place, old: str, new: str) -> None:
    path = place["project"] / "dbt_project.yml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def refused(place) -> list[str]:
    """The options that the refused build names, for dbt and for make."""
    with pytest.raises(BuildError, match="changed since the tables were built") as error:
        build(**place)
    options = re.search(r"Run `dbt build (--full-refresh[^`]*)` once", str(error.value))[1]
    assert f"`make build ARGS='{options}'`" in str(error.value)
    return options.split()


def stored(results) -> set[str]:
    return {result.node.name for result in results
            if result.node.resource_type == "model"
            and result.node.config.materialized == "incremental"}


def same_as_new(place, tmp_path, *events) -> None:
    whole = tmp_path / "whole" / "w.duckdb"
    build(write_events(tmp_path / "whole" / "1.ndjson", *events), whole, project=place["project"])
    same_warehouses(place["database"], whole)


def published(place, tmp_path) -> int:
    store = open_store(f"sqlite:///{tmp_path}/features.sqlite")
    with open_warehouse(place["database"]) as con:
        done = publish_latest(con, store)
    store.close()
    return done.written


@pytest.mark.long
def test_a_feature_refreshes_the_columns_of_features_alone(tmp_path, place):
    declare(place, FEATURES, FEATURES + GAMES)
    options = refused(place)
    assert options == ["--full-refresh", "--select", "latest_anchor_features+", "offer_features+"]
    assert stored(build(place["events"], place["database"], *options, project=place["project"])) \
        == ON_FEATURES
    assert [row["games"] for row in rows(
        place["database"], "select games from marts.training_offers order by 1")] == [0, 1]
    write_events(place["events"] / "3.ndjson", *day(3))
    build(**place)
    same_as_new(place, tmp_path, *day(1), *day(2), *day(3))

    # Of the same name and type it is published whole, as every value may be another.
    published(place, tmp_path)
    declare(place, '"count(*)", "if_none": 0', '"count(*) + 1", "if_none": 0')
    build(place["events"], place["database"], *options, project=place["project"])
    assert published(place, tmp_path) == 1


@pytest.mark.long
def test_what_a_decision_gives_and_a_label(tmp_path, place):
    """A field that offers are stored without goes into them; a label's window into labels."""
    declare(place, FEATURES, FEATURES + BALANCE + LEVEL)
    declare(place, "after: {day: 7}", "after: {day: 8}")
    options = refused(place)
    assert options == ["--full-refresh", "--select", "latest_anchor_features+", "stg_offers_shown+"]
    ran = stored(build(place["events"], place["database"], *options, project=place["project"]))
    assert ran == ON_FEATURES | {"stg_offers_shown", "offer_labels"}
    assert [tuple(row.values()) for row in rows(place["database"], """
        select balance, level_then from marts.training_offers order by 1""")] == [(1, 1), (2, 2)]
    declare(place, "after: {day: 8}", "after: {day: 7}")
    assert refused(place) == ["--full-refresh", "--select", "offer_labels+"]


@pytest.mark.long
def test_half_of_a_refresh_is_not_taken_for_the_whole(tmp_path, place):
    """Neither when a model is left out, nor when it fails and the declaration is taken back."""
    wrong = GAMES.replace("count(*)", "error('boom')")
    declare(place, FEATURES, FEATURES + wrong)
    options = refused(place)
    with pytest.raises(BuildError, match="leaves out latest_anchor_features, which changed too"):
        dbt("run", "--full-refresh", "--select", "offer_features", **place)
    with pytest.raises(BuildError, match="boom"):
        build(place["events"], place["database"], *options, project=place["project"])
    with pytest.raises(ClickException, match="did not go through"):
        published(place, tmp_path)
    declare(place, wrong, "")
    build(place["events"], place["database"], *refused(place), project=place["project"])
    same_as_new(place, tmp_path, *day(1), *day(2))
    # Of views alone nothing is made anew: the log stays as it is.
    log = rows(place["database"], "from landing.build_log")
    dbt("run", "--full-refresh", "--select", "training_offers", **place)
    assert rows(place["database"], "from landing.build_log") == log
