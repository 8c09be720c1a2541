"""Whether two warehouses hold the same."""

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import partial

from built import rows

MARTS = ("sessions", "training_offers", "latest_features", "offer_performance")
REJECTS = "select source_file, line_number, raw_line, reason from landing.rejected_events"


def comparable(row: dict) -> dict:
    return {name: str(value) if isinstance(value, datetime) else value
            for name, value in row.items()}


def plain(value):
    return float(value) if isinstance(value, Decimal) else str(value)


def same(actual: list[dict], expected: list[dict]) -> None:
    """Equal as multisets of rows, every field."""
    def key(row):
        return json.dumps(row, default=plain, sort_keys=True)

    names = set(expected[0]) if expected else set()
    actual = [{n: v for n, v in row.items() if n in names} for row in actual]
    actual = sorted(map(comparable, actual), key=key)
    expected = sorted(map(comparable, expected), key=key)
    assert actual == expected


def same_marts(actual: Callable[[str], list[dict]], expected: Callable[[str], list[dict]]) -> None:
    """Every mart and the rejects are the same for two functions from a query to its rows."""
    for query in (*(f"select * from marts.{mart}" for mart in MARTS), REJECTS):
        same(actual(query), expected(query))


def same_warehouses(actual, expected) -> None:
    """Two DuckDB files hold the same marts, rejects and decisions."""
    same_marts(partial(rows, actual), partial(rows, expected))
    decisions = "from staging.stg_decisions"
    same(rows(actual, decisions), rows(expected, decisions))
