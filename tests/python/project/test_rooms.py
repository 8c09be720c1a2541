"""Imports between the rooms of scripts/offer_ai go one way."""

import ast
from pathlib import Path

import pytest

from offer_ai.base.settings import SCRIPTS

pytestmark = pytest.mark.quick
ROOMS = ("base", "warehouse", "report", "features", "training", "learning", "serving",
         "erasing", "simulation", "bench")
COMMANDS = {path.stem for path in SCRIPTS.glob("*.py")}


def imported(path: Path) -> set[str]:
    """The modules that a file imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_a_room_imports_only_those_before_it():
    assert {path.parent.name for path in SCRIPTS.glob("offer_ai/*/*.py")} == set(ROOMS)
    for number, room in enumerate(ROOMS):
        for path in SCRIPTS.glob(f"offer_ai/{room}/*.py"):
            for name in imported(path):
                if name.startswith("offer_ai."):
                    assert name.split(".")[1] in ROOMS[:number + 1], (path, name)


def test_nobody_imports_a_command():
    for path in [*SCRIPTS.rglob("*.py"), *(SCRIPTS.parent / "tests").rglob("*.py")]:
        assert not {name.split(".")[0] for name in imported(path)} & COMMANDS, path
