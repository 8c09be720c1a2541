"""What is declared and what was built agree, whatever is declared."""

import json

import pytest

from built import BuildError, build, build_and_test, edited, rows, write_events
from declared import FEATURES, feature
from events import at
from offer_ai.base.declarations import variables

# Vars that no stored row depends on: of how files are found, of what is read through views, of
# what is warned of.
INDIFFERENT = {
    "event_types", "watermark_users", "missing_files", "reread_files", "new_names_sort_last",
    "events_table", "events_loaded_at", "events_overlap_hours", "events_json", "landing_schema",
    "events_freshness", "most_rejects", "vocabulary", "most_skew", "most_drift", "holdout_share",
    "holdout_offer", "estimates"}
COMPARED = {
    "event_fields", "event_type_aliases", "field_aliases", "no_user_ids", "no_session_ids",
    "clock_tolerance_hours", "excluded_users", "session_split", "decision_points",
    "features", "labels", "reporting_currency", "session_measures"}
PARTS_OF_VARS = {"from_anchor", "action"}  # of features and of decision points
PURCHASES = {"over": "stg_purchases", "aggregate": "sum(txn_amount)", "if_none": 0}
LABELS = [{"name": "next_week_purchase_amount", "data_type": "decimal(38, 4)",
           "config": {"meta": PURCHASES | {"after": {"day": 14}}}}]


def test_a_change_of_any_declaration_is_refused_by_name(tmp_path):
    """Rows of two declarations never lie in one table."""
    events, database = tmp_path / "1.ndjson", tmp_path / "w.duckdb"
    write_events(events, {})
    build(events, database)
    (log,) = rows(database, "select declarations from landing.build_log")
    # A new var is either compared, or said to be indifferent.
    assert set(json.loads(log["declarations"])) == COMPARED | PARTS_OF_VARS
    assert set(variables()) == COMPARED | INDIFFERENT
    for name, value in (("labels", LABELS), ("reporting_currency", "EUR")):
        with pytest.raises(BuildError, match=f"`{name}`"):
            build(events, database, "--vars", json.dumps({name: value}))
    points = json.loads(json.dumps(variables()["decision_points"]))
    points["offers"]["action"] = ["offer_type"]
    with pytest.raises(BuildError, match=r"`action`.*--full-refresh --select stg_decisions\+"):
        build(events, database, "--vars", json.dumps({"decision_points": points}))
    build(events, database)


MEASURES = "session_measures:\n" + feature(
    "levels_reached", "bigint", aggregate="max(level)") + feature(
    "score", "bigint", aggregate="max(score)") + feature(
    "sent", "double", aggregate="sum(txn_amount_sent)")
SEEN = "".join(feature(f"seen_{name}", "bigint", over="sessions", before={"count": 1},
                       aggregate=f"max({name})") for name in ("levels_reached", "score"))


@pytest.mark.long
def test_a_measure_over_any_column_is_of_what_was_seen(tmp_path):
    """Of a session that goes on, at an offer of another one; a measure may have a column's name."""
    def game(time, session, level, score, kind="game_end"):
        return at(1, time, session, kind, level=level, score=score)

    def offer(time):
        return at(1, time, "s2", "offer_shown", offer_type="x", offer_price="1")

    events = [game("09:00:00", "s1", 1, 10), game("09:10:00", "s1", 2, 30), offer("09:15:00"),
              game("09:20:00", "s1", 9, 90)]
    project = edited(tmp_path, ("session_measures: []\n", MEASURES), (FEATURES, FEATURES + SEEN))
    for name, batches in (("full", [events]), ("batches", [events[1:3], events[:1], events[3:]])):
        folder, database = tmp_path / name, tmp_path / f"{name}.duckdb"
        for number, batch in enumerate(batches):
            write_events(folder / f"{number}.ndjson", *batch)
            build_and_test(folder, database, project=project)
        assert rows(database, "select seen_levels_reached as level, seen_score as score "
                    "from marts.training_offers") == [{"level": 2, "score": 30}]


def paid(name: str, over: str, **window) -> str:
    return feature(f"{name}_paid", "bigint", over=over, aggregate="sum(txn_amount)", **window)


LAST = paid("last_two", "stg_purchases", before={"count": 2}) + paid(
    "last_three", "purchase", before={"count": 3})
UPS = ("level-up", "level_up", "LEVEL_UP", "2up")  # event types that one could take for another


@pytest.mark.long
@pytest.mark.parametrize("ahead", [{"day": 1}, {"count": 1}])
def test_rows_of_one_time_and_windows_ahead(tmp_path, ahead):
    """Of purchases of one second the last two are the same in whatever order they came; what a
    feature sees ahead of an offer comes later; types of like names are types of their own."""
    tied = [at(1, "09:00:00", "s", "purchase", txn_amount=str(2 ** n)) for n in range(8)]
    ups = [at(1, f"10:00:0{n}", "s", kind) for count, kind in enumerate(UPS, 1)
           for n in range(count)]
    offer = at(2, "10:00:00", "s", "offer_shown", offer_type="x", offer_price="1")
    after = [at(3, "09:00:00", "t", "purchase", txn_amount="1000"),
             at(4, "09:00:00", "t", "purchase", txn_amount="5000")]
    project = edited(
        tmp_path, ("event_types: [", f"event_types: [{', '.join(UPS)}, "),
        (FEATURES, FEATURES + LAST + paid("later", "stg_purchases", after=ahead) + "".join(feature(
            f"up_{number}", "bigint", over=kind, before={"day": 7}, aggregate="count(*)")
            for number, kind in enumerate(UPS, 1))))
    found = {}
    for name, batches in (("full", [[*tied, *ups, offer, *after]]),
                          ("batches", [[*tied[:2:-1], *ups, offer], tied[2::-1],
                                       after[1:], after[:1]])):
        for number, batch in enumerate(batches):
            write_events(tmp_path / name / f"{number}.ndjson", *batch)
            build(tmp_path / name, tmp_path / f"{name}.duckdb", project=project)
        (found[name],) = rows(tmp_path / f"{name}.duckdb", """
            select last_two_paid, last_three_paid, later_paid, up_1, up_2, up_3, up_4
            from marts.training_offers""")
    assert found["batches"] == found["full"]
    assert bin(found["full"]["last_two_paid"]).count("1") == 2
    assert found["full"]["later_paid"] == 1000
    assert [found["full"][f"up_{number}"] for number in range(1, 5)] == [1, 2, 3, 4]


@pytest.mark.long
def test_a_session_ahead_counts_up_to_the_end_of_the_window(tmp_path):
    """What is mature does not change by a session that began in time and goes on."""
    offer = at(1, "10:00:00", "s", "offer_shown", offer_type="x", offer_price="1")
    paid = [at(2, time, "t", "purchase", txn_amount=amount)
            for time, amount in (("09:30:00", "5"), ("10:00:00", "7"), ("10:30:00", "9"))]
    project = edited(tmp_path, (FEATURES, FEATURES + feature(
        "later", "bigint", over="sessions", after={"day": 1}, aggregate="sum(purchase_amount)")))
    for number, batch in enumerate(([offer, paid[0]], paid[1:])):
        write_events(tmp_path / "events" / f"{number}.ndjson", *batch)
        build_and_test(tmp_path / "events", tmp_path / "w.duckdb", project=project)
        assert rows(tmp_path / "w.duckdb", "select later from marts.training_offers") == [
            {"later": 5}]


@pytest.mark.long
def test_an_anchor_that_is_done_again_for_what_is_ahead_knows_what_went_on(tmp_path):
    """The session that an offer saw begin was over long before the purchase came."""
    seen = [at(1, "09:00:00", "s"), at(1, "10:00:00", "s"),
            at(1, "09:30:00", "t", "offer_shown", offer_type="x", offer_price="1")]
    bought = at(3, "09:00:00", "u", "purchase", txn_amount="5")
    project = edited(tmp_path, (FEATURES, FEATURES + paid(
        "later", "stg_purchases", after={"day": 3}) + feature(
        "so_far", "bigint", over="sessions", before={"count": 1}, aggregate="sum(event_count)")))
    for number, (batch, later) in enumerate(((seen, None), ([bought], 5))):
        write_events(tmp_path / "events" / f"{number}.ndjson", *batch)
        build_and_test(tmp_path / "events", tmp_path / "w.duckdb", project=project)
        assert rows(tmp_path / "w.duckdb", "select so_far, later_paid from marts.training_offers"
                    ) == [{"so_far": 1, "later_paid": later}]


@pytest.mark.long
def test_a_window_over_a_type_of_event_that_a_vocabulary_knows(tmp_path):
    project = edited(tmp_path, (FEATURES, FEATURES + feature(
        "views", "bigint", over="screen_view", before={"day": 7}, aggregate="count(*)")))
    micros = 1_735_725_600_000_000
    path = tmp_path / "1.ndjson"
    path.write_text("".join(json.dumps({
        "event_name": name, "event_timestamp": micros + number, "user_id": "u",
        "event_params": [{"key": "offer_type", "value": {"string_value": "x"}},
                         {"key": "offer_price", "value": {"double_value": 1.5}}]}) + "\n"
        for number, name in enumerate(["screen_view", "screen_view", "offer_shown"])))
    build(path, tmp_path / "w.duckdb", "--vars", "vocabulary: ga4", project=project)
    assert rows(tmp_path / "w.duckdb", "select views from marts.training_offers") == [{"views": 2}]


@pytest.mark.long
def test_an_offer_outside_sessions_is_an_anchor_by_any_column(tmp_path):
    """Sessions are by device, and an offer says none: no offer is ever dropped."""
    offer = {"offer_type": "x", "offer_price": "1"}
    events = [at(1, "09:00:00", "s", "offer_shown", device_id="d", **offer),
              at(1, "10:00:00", "s", "offer_shown", **offer),
              at(1, "11:00:00", "s", "purchase", txn_amount="3", device_id="d"),
              at(1, "12:00:00", "s", "purchase", txn_amount="4")]
    database = tmp_path / "w.duckdb"
    for number, batch in enumerate((events[2:], events[:2])):
        write_events(tmp_path / "events" / f"{number}.ndjson", *batch)
        build_and_test(tmp_path / "events", database,
                       "--vars", json.dumps({"session_split": {"by": "device_id"}}))
    assert rows(database, "select session_id, next_week_purchase_amount::int as paid "
                "from marts.training_offers order by offered_at") == [
        {"session_id": "d", "paid": 7}, {"session_id": None, "paid": 7}]


@pytest.mark.quick
def test_what_differs_in_the_least_is_not_one(tmp_path):
    """Times to the microsecond name an event; a probability ends at 1 and begins at 0."""
    offer = {"event_id": "offer_shown", "offer_type": "x", "offer_price": "1"}
    chances = ["0", "1", "1.0000000001", "50", "-0.0000001", "1e1", "nan"]
    write_events(tmp_path / "1.ndjson",
                 offer | {"event_time": "2025-01-01T10:00:00.000001"},
                 offer | {"event_time": "2025-01-01T10:00:00.000002"},
                 offer | {"event_time": "2025-01-01T10:00:00.000002"},
                 *(offer | {"event_time": f"2025-01-01T11:00:0{number}", "propensity": chance}
                   for number, chance in enumerate(chances)))
    build(tmp_path / "1.ndjson", tmp_path / "w.duckdb")
    assert rows(tmp_path / "w.duckdb", "select count(*) as n, count(distinct offer_id) as ids "
                "from marts.training_offers") == [{"n": 4, "ids": 4}]
    assert rows(tmp_path / "w.duckdb", "select propensity as p from marts.training_offers "
                "where p is not null order by p") == [{"p": 0.0}, {"p": 1.0}]
    found = rows(tmp_path / "w.duckdb", "select line_number as n, reason "
                 "from landing.rejected_events order by n")
    assert [row["n"] for row in found] == [6, 7, 8, 9, 10]
    assert all(row["reason"].startswith("propensity cannot be read") for row in found)
