"""Users who do not count are landed, counted and in nothing else."""

import pytest

from built import BuildError, build, build_and_test, rows, write_events
from commands import environment, run

EXCLUDED = """{"excluded_users": "user_id like 'test%' or user_id = 'bot'"}"""


def day(number: int, user: str) -> list[dict]:
    own = {"event_time": f"2025-01-0{number}T10:00:00", "session_id": f"s{number}",
           "customer_identifier": user}
    return [own | {"event_id": "purchase", "txn_amount": "1"},
            own | {"event_id": "offer_shown", "offer_type": "x", "offer_price": 1}]


@pytest.mark.long
def test_users_who_do_not_count(tmp_path):
    events, database = tmp_path / "events", tmp_path / "w.duckdb"
    write_events(events / "1.ndjson", *day(1, "u"), *day(1, "test-1"))
    build(events, database)
    assert len(rows(database, "from marts.training_offers")) == 2
    with pytest.raises(BuildError, match=r"`excluded_users`.*--full-refresh"):
        build(events, database, "--vars", EXCLUDED)
    build(events, database, "--full-refresh", "--vars", EXCLUDED)
    # A later batch, of repeated events too.
    write_events(events / "2.ndjson", *day(2, "bot"), *day(2, "u"), *day(1, "test-1"))
    build_and_test(events, database, "--vars", EXCLUDED)
    for mart in ("sessions", "training_offers", "latest_features"):
        assert {row["user_id"] for row in rows(database, f"from marts.{mart}")} == {"u"}
    assert rows(database, """
        select user_id, count(*) as events from staging.excluded_events
        group by user_id order by user_id""") == [
            {"user_id": "bot", "events": 2}, {"user_id": "test-1", "events": 2}]
    said = run("summary", env=environment(tmp_path)).stdout
    assert "8 events + 2 repeats + 0 rejects" in said
    assert "Of the events 4 are of 2 excluded users" in said
