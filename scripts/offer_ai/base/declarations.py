"""What dbt_project.yml declares, for scripts that publish it."""

import hashlib
from datetime import timedelta
from functools import cache
from pathlib import Path

import click
import yaml

from offer_ai.base import settings
from offer_ai.base.settings import ROOT

PROJECT = ROOT / "dbt_project.yml"
OFFERS = "offers"  # the decision point that is shipped


@cache
def project(path: Path = PROJECT) -> dict:
    return yaml.load(path.read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def variables() -> dict:
    """The project's vars; where one stands that has it as a package, with those it sets."""
    own = settings.project_folder() / "dbt_project.yml"
    if own == PROJECT or not own.exists():
        return project()["vars"]
    host = project(own).get("vars") or {}
    if project(own).get("name") == project()["name"]:
        return host
    return project()["vars"] | {
        name: value for name, value in host.items() if name in project()["vars"]
    } | host.get(project()["name"], {})


def schemas() -> list[str]:
    """The schemas of models and seeds."""
    declared = project()["models"]["offer_ai"], {"seeds": project()["seeds"]["offer_ai"]}
    return [entry["+schema"] for entries in declared for entry in entries.values()
            if isinstance(entry, dict) and "+schema" in entry]


def features() -> list[dict]:
    """Each declared feature: name, data_type, description and `definition`."""
    return columns("features")


def snapshot_features() -> list[dict]:
    """Those that a snapshot holds: all but what is given with the request."""
    return [feature for feature in features() if "from_anchor" not in feature["definition"]]


def request_features(point: dict | None = None) -> list[dict]:
    """Those of a decision point that are given with the request: fields of the anchor's event."""
    asked = features() if point is None else point["features"]
    return [feature for feature in asked if "from_anchor" in feature["definition"]]


def column_of(field: str) -> str:
    """The column in staging of a field of `event_fields`."""
    return variables()["event_fields"][field].get("as", field)


def labels() -> list[dict]:
    """Each declared label, likewise."""
    return columns("labels")


def length_of(window: dict) -> timedelta | None:
    """How long {hour: n} or {day: n} is; None of {count: n}."""
    return None if "count" in window else timedelta(
        **{f"{unit}s": size for unit, size in window.items()})


def columns(kind: str, names: list[str] | str = "all") -> list[dict]:
    return [
        {"name": column["name"], "data_type": column["data_type"],
         "description": column.get("description", ""), "definition": column["config"]["meta"]}
        for column in variables()[kind] if names == "all" or column["name"] in names
    ]


def decision_points() -> dict[str, dict]:
    """Each declared decision point by name: `event`, `one`, `time`, `action`, `outcome`,
    `columns`, `measures`, `status_quo` and `reward` (a label's name or None) as declared, its
    features and labels as columns, and `id` and `training`, the names of its column and
    relation."""
    return {
        name: {"reward": None, "action": [], "outcome": [], "columns": [], "measures": [],
               "status_quo": None} | point | {
            "name": name, "id": f"{point['one']}_id", "training": f"training_{name}",
            "features": columns("features", point.get("features", "all")),
            "labels": columns("labels", point.get("labels", "all"))}
        for name, point in (variables().get("decision_points") or {}).items()}


def decision_point(name: str | None = None) -> dict:
    """One of them; without a name the first that is declared.

    Raises ClickException where it is not there, with what is.
    """
    declared = decision_points()
    if not declared:
        raise click.ClickException("dbt_project.yml declares no `decision_points`: nothing is "
                                   "decided, so there is nothing to learn or to serve.")
    if name is not None and name not in declared:
        raise click.ClickException(f"'{name}' is no decision point under `decision_points` in "
                                   f"dbt_project.yml: {', '.join(declared)}.")
    return declared[next(iter(declared)) if name is None else name]


def notes_of(point: dict) -> str:
    """The relation of what a service noted with the decisions of a point."""
    return "stg_decisions" if point["name"] == OFFERS else f"{point['one']}_decisions"


def mart_of(mart: str, point: dict) -> str:
    """A relation of a decision point's policies by the name that it has of `offers`."""
    return mart if point["name"] == OFFERS else f"{point['one']}_{mart}"


def folder_of(kind: str, name: str) -> str:
    """The folder of a decision point's `training` or `models` below OFFER_AI_EXPORT."""
    return kind if name == OFFERS else f"{kind}_{name}"


@cache
def code_version() -> str:
    """The project's version and a digest of its models, macros and declarations."""
    digest = hashlib.sha256()
    for path in [PROJECT, *sorted([*ROOT.glob("models/**/*.sql"), *ROOT.glob("macros/**/*.sql")])]:
        digest.update(path.read_bytes())
    return f"{project()['version']}+{digest.hexdigest()[:12]}"


def type_word(data_type: str) -> str:
    """The word of a declared type, however it is written: `decimal` of `NUMERIC (10, 2)`."""
    word = data_type.lower().partition("(")[0].strip()
    return "decimal" if word == "numeric" else word
