"""The marts in one read-only DuckDB file, for queries that no build blocks."""

from pathlib import Path

import duckdb
from tqdm import tqdm

from offer_ai.base.files import part_of
from offer_ai.base.sql import sql_text

DATABASE = "published.duckdb"
PUBLISHED = (
    "marts.sessions", "marts.training_offers", "marts.latest_features",
    "marts.offer_performance", "marts.policy_evaluation", "marts.policy_lift",
    "marts.decision_skew", "marts.daily_activity", "marts.retention", "marts.weekly_revenue",
    "marts.feature_drift",
    "sessions.user_profiles", "sessions.watermark", "landing.rejected_events",
)


def publish_marts(con: duckdb.DuckDBPyConnection, export: Path) -> dict[str, int]:
    """Replaces the published database; returns each relation's count of rows."""
    export.mkdir(parents=True, exist_ok=True)
    target = export / DATABASE
    part = part_of(target)
    for leaving in export.glob(f"{part.name}*"):
        leaving.unlink()
    con.execute("set preserve_insertion_order = false")
    # Its analysis costs more time than its space is worth.
    con.execute("set disabled_compression_methods = 'fsst'")
    con.execute(f"attach {sql_text(part)} as published")
    rows = {}
    for name in tqdm(PUBLISHED, unit="table", disable=None):
        con.execute(f"create schema if not exists published.{name.split('.')[0]}")
        (rows[name],) = con.execute(f"create table published.{name} as from {name}").fetchone()
    con.execute("detach published")
    part.replace(target)
    return rows
