"""What dbt_project.yml declares, for scripts that publish it."""

import hashlib
from decimal import Decimal
from functools import cache

import yaml

from offer_ai.base.settings import ROOT

PROJECT = ROOT / "dbt_project.yml"


@cache
def project() -> dict:
    return yaml.load(PROJECT.read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def variables() -> dict:
    """The project's vars."""
    return project()["vars"]


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


def request_features() -> list[dict]:
    """Those that are given with the request: fields of the anchor's event."""
    return [feature for feature in features() if "from_anchor" in feature["definition"]]


def column_of(field: str) -> str:
    """The column in staging of a field of `event_fields`."""
    return variables()["event_fields"][field].get("as", field)


def labels() -> list[dict]:
    """Each declared label, likewise."""
    return columns("labels")


def columns(kind: str) -> list[dict]:
    return [
        {"name": column["name"], "data_type": column["data_type"],
         "description": column["description"], "definition": column["config"]["meta"]}
        for column in variables()[kind]
    ]


@cache
def code_version() -> str:
    """The project's version and a digest of its models, macros and declarations."""
    digest = hashlib.sha256()
    for path in [PROJECT, *sorted([*ROOT.glob("models/**/*.sql"), *ROOT.glob("macros/**/*.sql")])]:
        digest.update(path.read_bytes())
    return f"{project()['version']}+{digest.hexdigest()[:12]}"


def cold_start() -> list:
    """Each value of a snapshot for a user without events, as JSON (money is text)."""
    return [
        None if (value := feature["definition"].get("if_none")) is None
        else str(Decimal(str(value))) if feature["data_type"].startswith("decimal")
        else value
        for feature in snapshot_features()
    ]
