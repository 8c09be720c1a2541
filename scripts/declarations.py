"""What dbt_project.yml declares, for scripts that publish it."""

from decimal import Decimal
from functools import cache
from pathlib import Path

import yaml

PROJECT = Path(__file__).parents[1] / "dbt_project.yml"


@cache
def variables() -> dict:
    """The project's vars."""
    return yaml.load(PROJECT.read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))["vars"]


def features() -> list[dict]:
    """Each declared feature: name, data_type, description and `definition`."""
    return [
        {"name": feature["name"], "data_type": feature["data_type"],
         "description": feature["description"], "definition": feature["config"]["meta"]}
        for feature in variables()["features"]
    ]


def cold_start() -> list:
    """The value of each feature for a user without events, as JSON (money as text)."""
    return [
        None if (value := feature["definition"].get("if_none")) is None
        else str(Decimal(str(value))) if feature["data_type"].startswith("decimal")
        else value
        for feature in features()
    ]
