"""What a user changes in dbt_project.yml: splits, features, fields, caps."""

import pytest

from built import BuildError, build, build_and_test, copy_project, dbt, edited, rows, write_events
from declared import SPLIT, SPLITS
from events import at

EVENTS = [
    at(1, "23:50:00", "a"), at(1, "23:59:59", "b"), at(2, "00:10:00", "a"),
    at(2, "00:40:00", "b"), at(2, "01:10:01", "a"), at(2, "01:20:00", "a", "offer_shown",
                                                        offer_type="x", offer_price=1),
]


@pytest.mark.parametrize("split", [
    *(pytest.param(split, marks=pytest.mark.long) for split in SPLITS
      if split == SPLIT or "cast" in split),
    *(split for split in SPLITS if "interval" in split),
    *(pytest.param(split, marks=pytest.mark.long) for split in SPLITS if "offer_shown" in split)])
def test_any_split_on_the_same_events(tmp_path, split):
    """One line changes; a build in two parts gives what one build of all gives."""
    project = edited(tmp_path, (SPLIT, split))
    for database, parts in (("one", [EVENTS]), ("two", [EVENTS[::2], EVENTS[1::2]])):
        events = tmp_path / database / "events"
        for number, part in enumerate(parts, 1):
            write_events(events / f"{number}.ndjson", *part)
            run = build_and_test if number == 2 else build
            run(events, tmp_path / database / "w.duckdb", project=project)
        assert rows(tmp_path / database / "w.duckdb", """
            select session_id, event_count from marts.sessions order by session_index""") \
            == [{"session_id": name, "event_count": count} for name, count in SPLITS[split]]
        (offer,) = rows(tmp_path / database / "w.duckdb",
                        "select session_id from marts.training_offers")
        assert offer["session_id"] == {SPLIT: "a"}.get(split, "2")


NEW_FEATURES = """  features:
    - name: prev_28_days_games_played
      description: Games started in [t - 28 days, t).
      data_type: bigint
      config: {meta: {over: stg_game_starts, before: {day: 28}, aggregate: count(*), if_none: 0}}
    - name: last_3_sessions_win_ratio
      description: Share of games won, before t, in the last three sessions but this one.
      data_type: double
      config:
        meta:
          over: sessions
          before: {count: 3}
          aggregate: sum(games_won) / nullif(sum(games_played), 0)
    - name: prev_hour_levels
      description: Greatest level started in [t - 1 hour, t).
      data_type: bigint
      config: {meta: {over: stg_game_starts, before: {hour: 1}, aggregate: max(level)}}
    - name: last_2_starts_levels
      description: Levels of the last two games started before t, added up.
      data_type: bigint
      config: {meta: {over: stg_game_starts, before: {count: 2}, aggregate: sum(level)}}
"""


@pytest.mark.long
def test_a_feature_is_one_entry(tmp_path):
    """It shows in the training table and in the snapshot, over events and sessions; a plain
    build with the unit tests is green."""
    project = edited(tmp_path, ("  features:\n", NEW_FEATURES))
    write_events(
        tmp_path / "f.ndjson",
        *(at(day, "10:00:00", f"s{day}", level=day) for day in range(1, 6)),
        *(at(day, "10:01:00", f"s{day}", "game_end", won=day % 2) for day in range(1, 6)),
        at(5, "10:30:00", "s5", level=9),
        at(5, "11:00:00", "s5", "offer_shown", offer_type="x", offer_price=1),
    )
    database = tmp_path / "w.duckdb"
    dbt("build", events=tmp_path / "f.ndjson", database=database, project=project)
    names = ("prev_28_days_games_played, last_3_sessions_win_ratio, prev_hour_levels, "
             "last_2_starts_levels")
    # s2, s3 and s4 are the last three but s5; of the hour, 10:00:00 counts and not 11:00.
    assert rows(database, f"select {names} from marts.training_offers") == [{
        "prev_28_days_games_played": 6, "last_3_sessions_win_ratio": 1 / 3,
        "prev_hour_levels": 9, "last_2_starts_levels": 5 + 9}]
    # From a new session s5 is one of the last three: won s3, s5 of s3, s4, s5 and s5.
    assert rows(database, f"select {names} from marts.latest_features") == [{
        "prev_28_days_games_played": 6, "last_3_sessions_win_ratio": 2 / 4,
        "prev_hour_levels": 9, "last_2_starts_levels": 5 + 9}]


@pytest.mark.long
def test_a_field_is_one_line_and_asks_for_a_full_refresh(tmp_path):
    """Rather than add rows of a new kind to rows of the old."""
    project, database = copy_project(tmp_path), tmp_path / "w.duckdb"
    write_events(tmp_path / "f.ndjson", {"mood": "happy"})
    build(tmp_path / "f.ndjson", database, project=project)
    path = project / "dbt_project.yml"
    path.write_text(path.read_text().replace(
        "    os_version:", "    mood: {type: text, description: Mood.}\n    os_version:"))
    with pytest.raises(BuildError) as error:
        build(tmp_path / "f.ndjson", database, project=project)
    assert "event_fields" in str(error.value)
    assert "changed since 1 files landed" in str(error.value)
    assert "dbt build --full-refresh" in str(error.value)
    build_and_test(tmp_path / "f.ndjson", database, "--full-refresh", project=project)
    assert rows(database, "select mood from staging.stg_events") == [{"mood": "happy"}]
    # A description is no part of what the rows are.
    path.write_text(path.read_text().replace("Points reached", 'Points \\"won\\"'))
    build(tmp_path / "f.ndjson", database, project=project)
