"""Which models were fitted to events of users."""

import json
from collections import defaultdict
from pathlib import Path

import duckdb

from offer_ai.erasing.found import USERS
from offer_ai.erasing.warehouse import tables

# As learning.policies names them: erasing needs no library that models need.
POINTERS = ("promoted.json", "challenger.json")
OFFERS = '"anchors"."offer_features"'
AGAIN = {"effects": "scripts/learn.py --once",
         "trees": "scripts/train.py, then scripts/evaluate.py of the version it names --promote"}


def fitted_to(con: duckdb.DuckDBPyConnection, models: Path) -> dict[str, list[str]]:
    """User to the models that were fitted to days on which the user was shown an offer.

    What a model was fitted to says its description; that the offer was among what was published
    then is taken for granted.
    """
    found = defaultdict(list)
    if OFFERS not in tables(con):
        return {}
    for path in sorted(models.glob("*/model.json")):
        try:
            days = json.loads(path.read_text())["training"]["days"]["model"]
        except (OSError, ValueError, KeyError, TypeError):
            continue  # no version of a model
        for (user,) in con.execute(f"""
                select distinct user_id from {OFFERS} semi join {USERS} using (user_id)
                where offered_at::date between ? and ?""", days).fetchall():
            found[user].append(path.parent.name)
    return dict(found)


def told(models: Path, names: list[str]) -> list[dict]:
    """Of models that are still there: `model` (its folder), `serves`, and what to `run`."""
    serving = {served_by(models / pointer) for pointer in POINTERS}
    found = []
    for name in names:
        try:
            kind = json.loads((models / name / "model.json").read_text()).get("kind", "trees")
        except (OSError, ValueError):
            continue
        found.append({"model": str(models / name), "serves": name in serving,
                      "run": f"{AGAIN.get(kind, AGAIN['trees'])}; then rm -r {models / name}"})
    return found


def served_by(pointer: Path) -> str | None:
    try:
        return json.loads(pointer.read_text())["model"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
