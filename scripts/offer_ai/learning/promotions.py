"""Every step from one served policy to another, in a file beside the models."""

import getpass
import json
import os
import socket
from datetime import UTC, datetime
from pathlib import Path

from offer_ai.base.files import write_json
from offer_ai.base.locks import after_others
from offer_ai.learning.policies import CHALLENGER, PROMOTED

LOG, NEXT, LOCK = "promotions.ndjson", ".promoted.next", ".promoting"
PROMOTION, REFUSAL, ROLLBACK = "promoted", "not promoted", "rolled back"
WHATEVER = object()  # is served


class ServesAnother(Exception):
    """What is served has changed since somebody looked."""


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
    """Appends a step (`step`, `model`, `why`, …) that changes nothing of what is served, with who
    took it and when; returns it so."""
    with after_others(models / LOCK):
        end_left(models)
        step = step | {"by": who(), "at": now()}
        append(models, step)
    return step


def append(models: Path, step: dict) -> None:
    with (models / LOG).open("a+b") as file:
        end = file.tell()
        # A line that a full disk cut short would take this one with it.
        is_cut = end and os.pread(file.fileno(), 1, end - 1) != b"\n"
        file.write(b"\n" * bool(is_cut) + json.dumps(step).encode() + b"\n")


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
    told = pointed(models)
    return None if told is None else policy_of(told, models)


def policy_of(told: bytes, models: Path) -> dict:
    """What a pointer says, as `pointed` read it: `model`, `rule`, `epsilon` and more.

    Raises ValueError when it does not.
    """
    found = json.loads(told)
    if not isinstance(found, dict) or not {"model", "rule", "epsilon"} <= found.keys():
        raise ValueError(f"{models / PROMOTED} does not name a model, a rule and an epsilon")
    return found


def pointed(models: Path) -> bytes | None:
    """The pointer to the served policy as it stands, None for none: each step leaves another."""
    try:
        return (models / PROMOTED).read_bytes()
    except FileNotFoundError:
        return None


def serve(models: Path, step: dict, instead_of: bytes | object | None = WHATEVER) -> dict:
    """Records a step and has its policy served from now on, none where `model` is None.

    Returns it as recorded. A process that is killed in between leaves what `finish` ends. Raises
    ServesAnother where the pointer is not `instead_of` any more, what `pointed` said: nothing is
    recorded then.
    """
    with after_others(models / LOCK):
        end_left(models)
        if instead_of is not WHATEVER and pointed(models) != instead_of:
            raise ServesAnother("what is served was changed in the meantime, by hand or by another "
                                "process: look again")
        step = step | {"by": who(), "at": now()}
        write_json(models / NEXT, step)
        append(models, step)
        end_left(models)
    return step


def finish(models: Path) -> None:
    """Ends a step that a killed process began: what was recorded is served, what was not is
    forgotten."""
    if (models / NEXT).exists():
        with after_others(models / LOCK):
            end_left(models)


def end_left(models: Path) -> None:
    """As `finish`, by who holds the lock."""
    try:
        step = json.loads((models / NEXT).read_text())
    except FileNotFoundError:
        return
    if steps(models)[-1:] != [step]:
        (models / NEXT).unlink()
        return
    try:
        if json.loads((models / CHALLENGER).read_text())["model"] == step["model"]:
            (models / CHALLENGER).unlink()
    except (OSError, ValueError, KeyError, TypeError):
        pass  # there is none
    if step["model"] is None:
        (models / PROMOTED).unlink(missing_ok=True)
        (models / NEXT).unlink()
    else:
        (models / NEXT).replace(models / PROMOTED)


def is_taken_back(models: Path) -> bool:
    """Whether the last promotion was taken back, and nothing was promoted since."""
    changes = [step["step"] for step in steps(models) if step["step"] in (PROMOTION, ROLLBACK)]
    return changes[-1:] == [ROLLBACK]


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
