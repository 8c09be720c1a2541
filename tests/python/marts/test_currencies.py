"""Amounts in several currencies: as sent, and at the rate of their day."""

from functools import partial

import pytest

from built import BuildError, build, build_and_test, copy_project, messages, rows, write_events
from compared import same_warehouses

RATES = "currency,day,rate\nEUR,2025-01-01,2\nEUR,2025-01-09,3\n"


@pytest.fixture
def project(tmp_path):
    return copy_project(tmp_path)


def paid(database) -> list:
    return [row["paid"] and float(row["paid"]) for row in rows(database, """
        select purchase_amount as paid from marts.sessions order by user_id, session_id""")]


def events(user: str, day: int, session: str, currency: str | None) -> list[dict]:
    common = {"event_time": f"2025-01-{day:02}T10:00:00", "customer_identifier": user,
              "session_id": session, "currency": currency}
    return [common | {"event_id": "offer_shown", "offer_type": "x", "offer_price": 3},
            common | {"event_id": "purchase", "txn_amount": 10}]


@pytest.mark.long
def test_rates_of_the_day_then_other_rates_as_a_full_build(tmp_path, project):
    """New days, a mended rate and one that was missing; a full build says the same."""
    raw, seed = tmp_path / "events", project / "seeds" / "exchange_rates.csv"
    database, whole = tmp_path / "w.duckdb", tmp_path / "whole.duckdb"
    run = partial(build, raw, project=project)
    seed.write_text(RATES)
    write_events(raw / "1.ndjson", *events("u1", 5, "a", "EUR"), *events("u1", 12, "b", "eur"),
                 *events("u2", 5, "a", None), *events("u2", 12, "b", "USD"))
    run(database)
    assert paid(database) == [20, 30, 10, 10]
    assert [float(row["offer_price"]) for row in rows(database, """
        select offer_price from marts.training_offers order by user_id, offered_at""")] \
        == [6, 9, 3, 3]
    # GBP has no rate: null, never 10; what was sent stays, and the test names it.
    write_events(raw / "2.ndjson", *events("u3", 13, "c", "GBP"))
    with pytest.raises(BuildError, match="every_currency_has_a_rate"):
        build_and_test(raw, database, project=project)
    assert "every_currency_has_a_rate: currency GBP, day 2025-01-13, event_count 2" in messages
    assert paid(database)[-1] == 0
    assert rows(database, """
        select txn_amount, currency, txn_amount_sent::int as sent from staging.stg_purchases
        where user_id = 'u3'""") == [{"txn_amount": None, "currency": "GBP", "sent": 10}]
    # Mended, with nothing new to land: sessions, features and labels follow.
    seed.write_text(RATES.replace("09,3", "09,4") + "GBP,2025-01-10,5\n")
    run(database)
    assert paid(database) == [20, 40, 10, 10, 50]
    changed = rows(database, "select user_id from landing.changed_users order by 1")
    assert [row["user_id"] for row in changed] == ["u1", "u3"]
    run(whole)
    same_warehouses(database, whole)
    run(database)
    assert rows(database, "from landing.changed_users") == []


@pytest.mark.long
def test_a_wrong_rate_that_is_put_right_before_a_build_went_through(tmp_path, project):
    """The build that took the wrong one ends half-way; the next has what a full build has."""
    raw, seed = tmp_path / "1.ndjson", project / "seeds" / "exchange_rates.csv"
    database = tmp_path / "w.duckdb"
    write_events(raw, *events("u1", 5, "a", "EUR"), *events("u1", 12, "b", "EUR"))
    seed.write_text(RATES)
    build(raw, database, project=project)
    seed.write_text(RATES.replace("09,3", "09,300"))
    build(raw, database, "--exclude", "offer_labels", project=project)
    assert paid(database) == [20, 3000]
    seed.write_text(RATES)
    build(raw, database, project=project)
    assert paid(database) == [20, 30]
    build(raw, tmp_path / "whole.duckdb", project=project)
    same_warehouses(database, tmp_path / "whole.duckdb")
    build(raw, database, project=project)
    assert rows(database, "from landing.changed_users") == []


@pytest.mark.long
def test_another_reporting_currency_asks_for_a_full_refresh(tmp_path, project):
    write_events(tmp_path / "e.ndjson", *events("u1", 5, "a", "EUR"))
    (project / "seeds" / "exchange_rates.csv").write_text(RATES)
    build(tmp_path / "e.ndjson", tmp_path / "w.duckdb", project=project)
    with pytest.raises(BuildError, match="`reporting_currency`"):
        build(tmp_path / "e.ndjson", tmp_path / "w.duckdb", "--vars", "reporting_currency: EUR",
              project=project)
    build(tmp_path / "e.ndjson", tmp_path / "w.duckdb", "--full-refresh", "--vars",
          "reporting_currency: EUR", project=project)
    assert paid(tmp_path / "w.duckdb") == [10]
