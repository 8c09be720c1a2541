"""The marts in one read-only DuckDB file, for queries that no build blocks."""

from pathlib import Path

import duckdb
from tqdm import tqdm

from offer_ai.base import declarations
from offer_ai.base.files import part_of
from offer_ai.base.sql import sql_text
from offer_ai.warehouse.connection import relation_of

DATABASE = "published.duckdb"
PUBLISHED = (
    "sessions", "latest_features", "offer_performance", "offer_performance_by_country",
    "daily_activity", "retention", "weekly_revenue", "user_profiles", "watermark",
    "rejected_events",
)
# Of each decision point, beside its training table.
OF_POINTS = ("performance", "policy_evaluation", "policy_lift", "decision_skew", "feature_drift")


def published(con: duckdb.DuckDBPyConnection) -> list[str]:
    """The relations to publish, each with its schema."""
    points = declarations.decision_points().values()
    own = [declarations.mart_of(mart, point) for mart in OF_POINTS for point in points]
    training = [point["training"] for point in points]
    found = [relation_of(con, name) for name in (*PUBLISHED, *own, *training)]
    return [name for name in found if name]


def publish_marts(con: duckdb.DuckDBPyConnection, export: Path) -> dict[str, int]:
    """Replaces the published database; returns each relation's count of rows."""
    target = (export / DATABASE).resolve()  # where it is a link, that stays one
    target.parent.mkdir(parents=True, exist_ok=True)
    part = part_of(target)
    for leaving in target.parent.glob(f"{part.name}*"):
        leaving.unlink()
    con.execute("set preserve_insertion_order = false")
    # Its analysis costs more time than its space is worth.
    con.execute("set disabled_compression_methods = 'fsst'")
    con.execute(f"attach {sql_text(part)} as published")
    rows = {}
    for name in tqdm(published(con), unit="table", disable=None):
        con.execute(f"create schema if not exists published.{name.split('.')[0]}")
        (rows[name],) = con.execute(f"create table published.{name} as from {name}").fetchone()
    con.execute("detach published")
    # Of whoever opened the file to write and was killed; DuckDB would apply it to the new one.
    target.with_name(f"{target.name}.wal").unlink(missing_ok=True)
    part.replace(target)
    return rows
