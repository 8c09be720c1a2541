"""Where things lie: the project, and what the environment says of the rest.

A relative path in the environment starts where the user stands; each default lies in the
project.
"""

import os
import sys
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote

import click

from offer_ai.base.shown import without_secrets

ROOT = Path(__file__).parents[3]
SCRIPTS = ROOT / "scripts"
URLS = ("s3://", "gs://")
NO_PATHS = (*URLS, "table:")


def events() -> str:
    """The file, directory or glob that raw events are read from, as an absolute path.

    Or what is no path: a URL (s3://, gs://), or `table:` and a relation. Raises ClickException
    where it holds a password, which would be in the name of each file that lands.
    """
    given = os.environ.get("OFFER_AI_EVENTS", "")
    if given.startswith(NO_PATHS) and without_secrets(given) != given:
        raise click.ClickException(
            "OFFER_AI_EVENTS holds a password: it names files or a table, and what opens them "
            "belongs into the environment of AWS or into profiles.yml (docs/sources.md).")
    return given if given.startswith(NO_PATHS) else str(place("OFFER_AI_EVENTS", "data/events"))


def database() -> Path:
    """The DuckDB file of the warehouse."""
    return place("OFFER_AI_DB", "data/offer_ai.duckdb")


def export_folder() -> Path:
    """The folder to publish to."""
    return place("OFFER_AI_EXPORT", "data/export")


def spark_tables() -> Path:
    """The folder of Spark's tables."""
    return place("OFFER_AI_SPARK_WAREHOUSE", "data/spark")


def default_store(export: Path) -> str:
    """The URL of the SQLite feature store in an export folder."""
    return f"sqlite:///{quote(str(export / 'latest' / 'latest_features.sqlite'))}"


def shown(path: Path) -> Path:
    """A path as a person standing here would name it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def place(variable: str, default: str) -> Path:
    """An absolute path: that of an environment variable, or a default below the project."""
    given = os.environ.get(variable)
    return started_in() / given if given else project_folder() / default


def project_folder() -> Path:
    """The project that dbt works in, which may be a copy of this one; else this one."""
    return Path.cwd() if Path("dbt_project.yml").exists() else ROOT


def started_in() -> Path:
    """The folder in which the user stands: with --project-dir dbt moves into the project."""
    given = next((
        value for name, value in pairwise(sys.argv) if name == "--project-dir"
    ), os.environ.get("DBT_PROJECT_DIR"))
    stood = os.environ.get("PWD")
    if given and stood and Path(stood, given).resolve() == Path.cwd().resolve():
        return Path(stood)
    return Path.cwd()
