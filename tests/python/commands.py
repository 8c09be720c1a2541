"""The commands, each in a process of its own."""

import os
import subprocess
import sys

from offer_ai.base.settings import SCRIPTS

# For code that is no command: where the package and the helpers of tests are.
PATHS = {"PYTHONPATH": os.pathsep.join(map(str, (SCRIPTS, SCRIPTS.parent / "tests" / "python")))}


def run(name: str, *arguments, **options) -> subprocess.CompletedProcess:
    """Runs scripts/<name>.py; options are those of subprocess.run."""
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
    return run("export", *arguments, check=check, env=environment(folder))


def train(folder, *arguments) -> subprocess.CompletedProcess:
    """Trains on the table that is published in a folder, to `models` there."""
    return run("train", "--training", folder / "training", "--out", folder / "models", *arguments)
