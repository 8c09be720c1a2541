"""The files of a model version: the models, their description, what to look at."""

import csv
import hashlib
import json
import shutil
from pathlib import Path

from offer_ai.base import declarations
from offer_ai.base.files import file_hash, new_folder, part_of
from offer_ai.learning.effects_model import EffectsModel
from offer_ai.learning.revenue_model import Encoding, RevenueModel


def write_model(out: Path, boosters: dict, description: dict) -> Path:
    """Writes a version, named after its content, whole or not at all; returns its folder."""
    texts = {name: booster.model_to_string() for name, booster in boosters.items()}
    description = description | {"digests": {
        f"{name}.txt": hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}}
    digest = hashlib.sha256(json.dumps([texts, description]).encode()).hexdigest()
    folder = out / f"m{digest[:16]}"
    part = new_folder(part_of(folder))
    for name, text in texts.items():
        (part / f"{name}.txt").write_bytes(text.encode())
    (part / "model.json").write_text(json.dumps(description, indent=2) + "\n")
    with (part / "importance.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["feature", "gain"])
        names = [column["name"] for column in description["encoding"]["columns"]]
        gains = boosters["model"].feature_importance("gain")
        writer.writerows(sorted(zip(names, map(float, gains), strict=True),
                                key=lambda row: -row[1]))
    plot(description, part / "calibration.png")
    if is_whole(folder, description):
        shutil.rmtree(part)
    else:
        shutil.rmtree(folder, ignore_errors=True)
        part.rename(folder)
    return folder


def load_model(folder: Path, name: str = "model.txt") -> RevenueModel | EffectsModel:
    """The model of a version's file, of the kind that its description says.

    Raises OSError and ValueError as RevenueModel.load does.
    """
    description = RevenueModel.describe(folder, name)
    if description.get("kind") == "effects":
        return EffectsModel.from_string((folder / name).read_text(),
                                        Encoding(**description["encoding"]), description)
    return RevenueModel.load(folder, name)


def told_of(folder: Path) -> dict:
    """What a version says of its models; nothing where it cannot be read."""
    try:
        return json.loads((folder / "model.json").read_text())
    except (OSError, ValueError):
        return {}


def point_of(folder: Path) -> str:
    """The decision point that a version's models decide; `offers` where it does not say."""
    return told_of(folder).get("decision_point", declarations.OFFERS)


def is_whole(folder: Path, description: dict) -> bool:
    """Whether a version's files are there as they were written."""
    try:
        return all(file_hash(folder / name) == digest
                   for name, digest in description["digests"].items()) and json.loads(
                       (folder / "model.json").read_text()) == description
    except (OSError, ValueError):
        return False


def predicted_of(description: dict) -> str | None:
    """The label that a model's predictions are of: the early part, where it learns from one."""
    return description.get("part") or description.get("label")


def plot(description: dict, path: Path) -> None:
    from matplotlib.figure import Figure  # pyplot would turn a notebook's own plots off

    bins, name = description["calibration"], predicted_of(description)
    figure = Figure(figsize=(5, 5))
    axes = figure.subplots()
    most = max(max(b["predicted"], b["earned"]) for b in bins)
    axes.plot([0, most], [0, most], color="grey", linewidth=1)
    axes.plot([b["predicted"] for b in bins], [b["earned"] for b in bins], "o-")
    axes.set_xlabel(f"predicted {name}")
    axes.set_ylabel(f"mean {name}")
    axes.set_title("Calibration on the last days")
    figure.savefig(path, dpi=100, metadata={"Software": None})
