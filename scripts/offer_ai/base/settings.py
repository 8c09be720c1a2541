"""Where things lie: the project, and what the environment says of the rest."""

import os
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).parents[3]
SCRIPTS = ROOT / "scripts"


def events() -> Path:
    """The file, directory or glob that raw events are read from."""
    return Path(os.environ.get("OFFER_AI_EVENTS", "data/events"))


def database() -> Path:
    """The DuckDB file of the warehouse."""
    return Path(os.environ.get("OFFER_AI_DB", "data/offer_ai.duckdb"))


def export_folder() -> Path:
    """The folder to publish to."""
    return Path(os.environ.get("OFFER_AI_EXPORT", "data/export"))


def spark_tables() -> Path:
    """The folder of Spark's tables."""
    return Path(os.environ.get("OFFER_AI_SPARK_WAREHOUSE", "data/spark"))


def default_store(export: Path) -> str:
    """The URL of the SQLite feature store in an export folder."""
    return f"sqlite:///{quote(str(export / 'latest' / 'latest_features.sqlite'))}"
