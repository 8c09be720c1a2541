"""Puts one-line faults into copies of the project's SQL and counts those that a test sees.

`make mutants` runs it; arguments are parts of names of faults to run alone.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
LEAST = 0.95


def copied(folder: Path) -> Path:
    """A copy of what git tracks."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True,
                           text=True).stdout.split("\0")
    for name in filter(None, names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder


def is_seen(folder: Path, tests: str) -> bool:
    """Whether tests fail in a copy. Raises RuntimeError where they could not be run."""
    own = {"PYTHONPATH": str(folder / "scripts"), "DBT_TARGET_PATH": str(folder / "target")}
    if tests == "models":
        own |= {"OFFER_AI_DB": str(folder / "w.duckdb"),
                "OFFER_AI_EVENTS": str(folder / "tests/raw/other_producer_events.ndjson.gz")}
        command = [Path(sys.executable).parent / "dbt", "--quiet", "build"]
    else:
        command = [sys.executable, "-m", "pytest", "--numprocesses", "0", "-q", "-x",
                   *shlex.split(tests)]
    done = subprocess.run(command, cwd=folder, env=os.environ | own, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{tests}: {done.stdout}{done.stderr}")
    return done.returncode == 1


def main() -> None:
    told = tomllib.loads((ROOT / "tests/mutants/faults.toml").read_text())
    faults = [fault for fault in told["fault"]
              if not sys.argv[1:] or any(part in fault["name"] for part in sys.argv[1:])]
    seen = 0
    for fault in faults:
        with tempfile.TemporaryDirectory() as folder:
            path = copied(Path(folder)) / fault["file"]
            text = path.read_text()
            if text.count(fault["old"]) != 1:
                raise SystemExit(f"{fault['name']}: {fault['file']} holds its `old` "
                                 f"{text.count(fault['old'])} times: mend faults.toml.")
            path.write_text(text.replace(fault["old"], fault["new"]))
            found = is_seen(Path(folder), fault["tests"])
        seen += found
        print(f"{'seen' if found else 'NOT SEEN':<10}{fault['name']}", flush=True)
    print(f"{seen} of {len(faults)} faults of SQL are seen: {seen / len(faults):.0%}")
    raise SystemExit(seen < LEAST * len(faults))


if __name__ == "__main__":
    main()
