"""Which models were fitted to events of users."""

import json
from collections import defaultdict
from pathlib import Path

import duckdb

from offer_ai.base import declarations
from offer_ai.erasing.found import USERS
from offer_ai.erasing.warehouse import tables

# As learning.policies names them: erasing needs no library that models need.
POINTERS = ("promoted.json", "challenger.json")
AGAIN = {"effects": "scripts/learn.py --once --every-days 0{which}",
         "trees": "scripts/train.py{which}, then scripts/evaluate.py of the version it names "
                  "--promote"}


def fitted_to(con: duckdb.DuckDBPyConnection, export: Path) -> dict[str, list[str]]:
    """User to the models that were fitted to days on which something was decided for the user.

    What a model was fitted to says its description; that the decision was among what was
    published then is taken for granted.
    """
    found, stored = defaultdict(list), tables(con)
    for name, point in declarations.decision_points().items():
        table = next((one for one in stored if one.endswith(f'."{point["one"]}_features"')), None)
        if table is None:
            continue
        models = export / declarations.folder_of("models", name)
        for path in sorted(models.glob("*/model.json")):
            try:
                days = json.loads(path.read_text())["training"]["days"]["model"]
            except (OSError, ValueError, KeyError, TypeError):
                continue  # no version of a model
            for (user,) in con.execute(f"""
                    select distinct user_id from {table} semi join {USERS} using (user_id)
                    where {point["time"]}::date between ? and ?""", days).fetchall():
                found[user].append(path.parent.name)
    return dict(found)


def told(export: Path, names: list[str]) -> list[dict]:
    """Of models that are still there: `model` (its folder), `serves`, and what to `run`."""
    found = []
    for point in declarations.decision_points():
        models = export / declarations.folder_of("models", point)
        serving = {served_by(models / pointer) for pointer in POINTERS}
        which = "" if point == declarations.OFFERS else f" --decision-point {point}"
        for name in names:
            try:
                kind = json.loads((models / name / "model.json").read_text()).get("kind", "trees")
            except (OSError, ValueError):
                continue
            again = AGAIN.get(kind, AGAIN["trees"]).format(which=which)
            found.append({"model": str(models / name), "serves": name in serving,
                          "run": f"{again}; when it no longer serves, rm -r {models / name}"})
    return found


def served_by(pointer: Path) -> str | None:
    try:
        return json.loads(pointer.read_text())["model"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
