"""What lies beside the models: the steps from one to another, how the promoted one fits."""

import csv
import json
from pathlib import Path


def read_steps(models: Path) -> dict[str, list]:
    """Columns at, step, model and why of the steps in promotions.ndjson, but of what is none."""
    steps = []
    for line in lines(models / "promotions.ndjson"):
        try:
            step = json.loads(line)
            steps.append((step["at"], step["step"], step.get("model"),
                          "; ".join(step.get("why") or [])))
        except (ValueError, KeyError, TypeError):
            continue
    return {name: [step[at] for step in steps]
            for at, name in enumerate(("at", "step", "model", "why"))}


def read_fit(models: Path) -> tuple[dict[str, list], dict[str, list], dict]:
    """Of the promoted model: its calibration and its importance; without one both are empty. And
    `of`, the label that its predictions are of (of an early part, where it learns from one), with
    `is_effects`, whether its importance is of weights."""
    try:
        folder = models / json.loads((models / "promoted.json").read_text())["model"]
        told = json.loads((folder / "model.json").read_text())
        bins = told["calibration"]
        gains = [(row["feature"], float(row["gain"]))
                 for row in csv.DictReader(lines(folder / "importance.csv"))]
    except (OSError, ValueError, KeyError, TypeError):
        told, bins, gains = {}, [], []
    total = sum(gain for _, gain in gains) or 1.0
    return ({name: [one[name] for one in bins] for name in ("predicted", "earned", "rows")},
            {"feature": [name for name, _ in gains],
             "share": [round(gain / total, 6) for _, gain in gains]},
            {"of": told.get("part") or told.get("label"),
             "is_effects": told.get("kind") == "effects"})


def lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except FileNotFoundError:
        return []
