"""The commands, as a user runs them and in this process."""

import os
import runpy
import subprocess
import sys
import traceback
from collections.abc import Mapping
from functools import cache
from unittest.mock import patch

import click
from click.testing import CliRunner

from offer_ai.base.settings import SCRIPTS

# For code that is no command: where the package and the helpers of tests are.
PATHS = {"PYTHONPATH": os.pathsep.join(map(str, (SCRIPTS, SCRIPTS.parent / "tests" / "python")))}


@cache
def command(name: str) -> click.Command:
    """The command of scripts/<name>.py."""
    return runpy.run_path(str(SCRIPTS / f"{name}.py"))["main"]


def called(name: str, *arguments, env: Mapping[str, str] | None = None, check: bool = False
           ) -> subprocess.CompletedProcess:
    """Runs a command in this process: a Python of its own takes a second to begin."""
    with patch.dict(os.environ, env or {}):
        done = CliRunner().invoke(command(name), [*map(str, arguments)])
    unexpected = done.exception if not isinstance(done.exception, SystemExit) else None
    said = done.stderr + "".join(traceback.format_exception(unexpected) if unexpected else [])
    found = subprocess.CompletedProcess([name, *arguments], done.exit_code, done.stdout, said)
    if check and found.returncode:
        raise AssertionError(said)
    return found


def run(name: str, *arguments, **options) -> subprocess.CompletedProcess:
    """Runs scripts/<name>.py in a process of its own; options are those of subprocess.run."""
    return subprocess.run([sys.executable, SCRIPTS / f"{name}.py", *map(str, arguments)],
                          capture_output=True, text=True, **options)


def run_code(code: str, *arguments, **variables: str) -> subprocess.CompletedProcess:
    """Runs Python code with these variables in its environment."""
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True,
                          text=True, env=os.environ | PATHS | variables)


def environment(folder) -> dict[str, str]:
    """Where the commands find the warehouse of a folder and publish it to."""
    return os.environ | {"OFFER_AI_DB": str(folder / "w.duckdb"),
                         "OFFER_AI_EXPORT": str(folder / "export")}


def export(folder, *arguments, check=True) -> subprocess.CompletedProcess:
    return called("export", *arguments, check=check, env=environment(folder))


def train(folder, *arguments) -> subprocess.CompletedProcess:
    """Trains on the table that is published in a folder, to `models` there."""
    return called("train", "--training", folder / "training", "--out", folder / "models",
                  *arguments)
