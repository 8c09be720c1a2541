"""Compiles requirements/*.in anew: what they ask for, pinned, with the hashes of every file of it.

`make pins` runs it. A pin stays what it is unless its .in asks for another; `--upgrade`, or
`--upgrade-package NAME`, takes what is newest. Where a package comes from is not written down.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Each after those whose pins it keeps (`-c`).
ORDER = ("core", "cloud", "learn", "metrics", "report", "serve", "spark", "test", "mutants",
         "supply", "obp", "peers", "pip")
# Installed without what they need, and obp names no Python that is still kept.
OPTIONS = {"obp": ["--no-deps", "--python-version", "3.9"],
           "peers": ["--no-deps", "--python-version", "3.11"]}


def main() -> None:
    for name in ORDER:
        done = subprocess.run(
            [Path(sys.executable).parent / "uv", "pip", "compile", "--quiet", "--no-header",
             "--generate-hashes", "--no-strip-extras",
             *OPTIONS.get(name, ["--python-version", "3.11"]),
             f"requirements/{name}.in", "--output-file", f"requirements/{name}.txt",
             *sys.argv[1:]], cwd=ROOT)
        if done.returncode:
            raise SystemExit(f"requirements/{name}.in could not be compiled, see above.")


if __name__ == "__main__":
    main()
