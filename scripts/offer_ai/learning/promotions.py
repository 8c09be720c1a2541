"""Every step from one served policy to another, in a file beside the models."""

import getpass
import json
import socket
from datetime import UTC, datetime
from pathlib import Path

from offer_ai.base.files import write_json
from offer_ai.learning.policies import CHALLENGER, PROMOTED

LOG = "promotions.ndjson"
PROMOTION, REFUSAL, ROLLBACK = "promoted", "not promoted", "rolled back"


def who() -> str:
    """Who takes a step: user and host."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = "unknown"
    return f"{user}@{socket.gethostname()}"


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def record(models: Path, step: dict) -> dict:
    """Appends a step (`step`, `model`, `why`, …) with who took it and when; returns it so."""
    step = step | {"by": who(), "at": now()}
    with (models / LOG).open("a") as file:
        file.write(json.dumps(step) + "\n")
    return step


def steps(models: Path) -> list[dict]:
    """Every step, in order; a line that is none is passed over."""
    found = []
    try:
        lines = (models / LOG).read_text().splitlines()
    except FileNotFoundError:
        return []
    for line in lines:
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def pointer(models: Path) -> dict | None:
    """What the pointer to the served policy says; None when none is served.

    Raises ValueError when it cannot be read.
    """
    try:
        told = json.loads((models / PROMOTED).read_text())
    except FileNotFoundError:
        return None
    if not isinstance(told, dict) or not {"model", "rule", "epsilon"} <= told.keys():
        raise ValueError(f"{models / PROMOTED} does not name a model, a rule and an epsilon")
    return told


def point_to(models: Path, step: dict) -> None:
    """Has the policy of a step served from now on."""
    write_json(models / PROMOTED, step)
    try:
        if json.loads((models / CHALLENGER).read_text())["model"] == step["model"]:
            (models / CHALLENGER).unlink()
    except (OSError, ValueError, KeyError, TypeError):
        pass  # there is none


def before(models: Path) -> dict | None:
    """The promotion that holds again when the last one is taken back; None for none.

    Raises LookupError when there is nothing to take back.
    """
    stack = []
    for step in steps(models):
        if step["step"] == PROMOTION:
            stack.append(step)
        elif step["step"] == ROLLBACK and stack:
            stack.pop()
    told = pointer(models)
    if told is None:
        raise LookupError("No policy is promoted: there is nothing to take back.")
    if stack and stack[-1]["model"] == told["model"]:
        stack.pop()
    return stack[-1] if stack else None
