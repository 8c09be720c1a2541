"""Has mutmut put faults into the Python of rooms that compute, and prints the share seen.

`make mutants-python` runs it. Which files and which tests, [tool.mutmut] of pyproject.toml says.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from run import copied

LEAST = 0.9


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = copied(Path(name))
        # mutmut knows a package by where it lies, and takes only `src` for no part of its name.
        (folder / "src").mkdir()
        (folder / "scripts" / "offer_ai").rename(folder / "src" / "offer_ai")
        project = folder / "pyproject.toml"
        project.write_text(project.read_text().replace("scripts/", "src/").replace(
            'pythonpath = ["tests/python", "scripts"]', 'pythonpath = ["tests/python", "src"]'))
        # A path that is not there yet when Python starts would be passed over for good.
        own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        for command in (["run", "--max-children", "2"], ["export-cicd-stats"]):
            subprocess.run([sys.executable, "-m", "mutmut", *command, *(
                sys.argv[1:] if command[0] == "run" else [])],
                cwd=folder, env=own, check=command[0] != "run")
        told = json.loads((folder / "mutants" / "mutmut-cicd-stats.json").read_text())
        subprocess.run([sys.executable, "-m", "mutmut", "results"], cwd=folder, env=own)
    seen = told["killed"] + told.get("timeout", 0)
    judged = seen + told["survived"] + told.get("no_tests", 0)
    print(f"{seen} of {judged} faults of Python are seen: {seen / max(judged, 1):.0%}")
    raise SystemExit(not judged or seen < LEAST * judged)


if __name__ == "__main__":
    main()
