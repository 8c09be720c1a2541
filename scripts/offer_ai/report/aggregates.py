"""What the page knows: sums by day and country, small enough to travel with it."""

from datetime import datetime
from functools import cache
from pathlib import Path

import duckdb

from offer_ai.base import declarations
from offer_ai.warehouse.counts import landed_counts

QUERIES = Path(__file__).parent / "queries"
BLOCKS = ("activity", "retention", "events", "repeats", "offers", "arms", "decisions", "skew",
          "drift", "evaluation", "rejects", "checks")
MAX_ROWS = 120_000  # of all blocks, about 3 MB
MAX_DAYS = 366
MAX_COUNTRIES = 25


@cache
def query(name: str) -> str:
    """The text of queries/<name>.sql."""
    return (QUERIES / f"{name}.sql").read_text()


def read_aggregates(con: duckdb.DuckDBPyConnection, made_at: datetime) -> dict:
    """Blocks of columns by name, and first_day (ISO), days, whole_day, countries, facts,
    the currency of amounts and limits of estimates.

    `day` counts from first_day, whole_day is the last one that is over. Days are the last
    MAX_DAYS, or as many as make no more than MAX_ROWS rows.
    """
    variables, days = declarations.variables(), MAX_DAYS
    while True:
        for name, value in {
                "most_days": days, "most_countries": MAX_COUNTRIES, "made_at": made_at,
                "event_types": variables["event_types"], "most_skew": variables["most_skew"],
                "most_rejects": variables["most_rejects"]["warn"]}.items():
            con.execute(f"set variable {name} = $value", {"value": value})
        con.execute(query("setup"))
        for view in shown_views():
            con.execute(view)
        found = {name: columns(con, query(name)) for name in BLOCKS}
        rows = sum(len(next(iter(block.values()))) for block in found.values())
        if rows <= MAX_ROWS or days <= 7:
            break
        days = days // 2
    first, last, whole = con.execute(
        "select getvariable('first_day'), getvariable('last_day'), getvariable('whole_day')"
    ).fetchone()
    countries = con.execute("""
        select players.country from players
        group by 1
        order by players.country in ('other', 'unknown'), count(*) desc, 1""").fetchall()
    return found | {
        "first_day": first and first.isoformat(),
        "days": (last - first).days + 1 if first else 0,
        "whole_day": (whole - first).days if first else -1,
        "countries": [country for country, in countries],
        "facts": {name: plain(value) for name, value in landed_counts(con).items()},
        "currency": variables["reporting_currency"],
        "limits": {name: variables["estimates"][name]
                   for name in ("min_users", "min_degrees_of_freedom")}}


def shown_views() -> list[str]:
    """SQL for what hangs on the declared action: a view `shown`, the training table with `offer`,
    what was done in words, and the reward; `decided`, decisions and whether they match."""
    point = declarations.decision_points()[declarations.OFFERS]
    is_money = {column["name"]: declarations.type_word(column["data_type"]) == "decimal"
                for column in point["columns"]}
    words = ", ".join(f"{name}::decimal(38, 2)" if is_money[name] else name
                      for name in point["action"])
    match = " and ".join(f"{name} = target_{name}" for name in point["action"])
    return [f"""
        create or replace temp view shown as
        select *, concat_ws(' ', {words or "''"}) as offer, {point["reward"] or "0"} as reward
        from marts.training_offers""", f"""
        create or replace temp view decided as
        select *, {match or "true"} as is_match from staging.stg_decisions"""]


def columns(con: duckdb.DuckDBPyConnection, text: str) -> dict[str, list]:
    """The columns of a query, as JSON can hold them."""
    cursor = con.execute(text)
    names = [column[0] for column in cursor.description]
    rows = cursor.fetchall()
    return {name: [plain(row[at]) for row in rows] for at, name in enumerate(names)}


def plain(value):
    if isinstance(value, float):
        return None if value != value else round(value, 6)
    return value.isoformat(" ", "seconds") if isinstance(value, datetime) else value
