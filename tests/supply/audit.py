"""Known flaws of what requirements/*.txt pin, and the licences of what is installed of it.

`make supply` runs it, with the Python whose packages are looked at. Ends with 1 where an advisory
names a pin, or a licence is none of those below. Where nobody answers, it says so.
"""

import json
import re
import subprocess
import sys
import tempfile
from importlib.metadata import distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
PIN = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?==(\S+)", re.MULTILINE)
# Licences that let others use, change and pass on what is built with them.
OPEN = re.compile(r"\b(MIT|BSD|0BSD|Apache|ISC|PSF|Python Software Foundation|MPL|Mozilla|Artistic|"
                  r"Zlib|CC0)", re.IGNORECASE)
# Those that say it in no field that pip reads, and what their licence file says.
READ_BY_HAND = {"axe-playwright-python": "MIT"}


def pins() -> dict[str, str]:
    """The version of each package that some requirements/*.txt pins."""
    return {name: version for path in sorted(ROOT.glob("requirements/*.txt"))
            for name, version in PIN.findall(path.read_text())}


def advisories(wanted: dict[str, str]) -> dict | None:
    """What pip-audit says of each, as its JSON; None where the service cannot be reached."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.writelines(f"{name}=={version}\n" for name, version in wanted.items())
        file.flush()
        done = subprocess.run(
            [sys.executable, "-m", "pip_audit", "--requirement", file.name, "--no-deps",
             "--disable-pip", "--format", "json", "--progress-spinner", "off"],
            capture_output=True, text=True)
    try:
        return json.loads(done.stdout)
    except ValueError:
        return None


def said_of(found: dict | None, count: int) -> tuple[list[str], bool]:
    """What to print of the advisories for `count` packages, and whether none of them is flawed."""
    of = [] if found is None else found["dependencies"]
    asked = [one for one in of if "skip_reason" not in one]
    flaws = [f"{one['name']} {one['version']}: {flaw['id']}, mended in "
             f"{', '.join(flaw['fix_versions']) or 'no version yet'}"
             for one in asked for flaw in one["vulns"]]
    if not asked:
        return [f"advisories: not asked: no answer ({count} packages)"], True
    lines = [f"advisories: {len(flaws)} for {len(asked)} of {count} packages"]
    if len(asked) < count:
        names = {one["name"] for one in asked}
        lines.append("not asked: no answer for " + ", ".join(
            sorted(one["name"] for one in of if one["name"] not in names)))
    return [*lines, *flaws], not flaws


def licences(python: str) -> dict[str, str]:
    """The licence of each package that a Python, or `peers` beside it, has, by name."""
    peers = Path(python).absolute().parents[1] / "peers"
    done = subprocess.run(
        [Path(sys.executable).parent / "pip-licenses", "--python", python, "--from", "mixed",
         "--with-system", "--format", "json"], capture_output=True, text=True, check=True)
    beside = {plain(one.name): one.metadata["License-Expression"] or one.metadata["License"]
              for one in distributions(path=[str(peers)])}
    return beside | {plain(one["Name"]): one["License"] for one in json.loads(done.stdout)}


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def said_of_licences(wanted: dict[str, str], found: dict[str, str]) -> tuple[list[str], bool]:
    """A line for each package with its licence, and whether each is open."""
    held = {name: READ_BY_HAND.get(name, found[plain(name)]) for name in wanted
            if plain(name) in found}
    lines = [f"{name:<32}{wanted[name]:<20}{licence}" for name, licence in sorted(held.items())]
    closed = sorted(name for name, licence in held.items() if not OPEN.search(licence))
    lines.append(f"licences: {len(held) - len(closed)} of {len(held)} are open; "
                 f"{len(wanted) - len(held)} packages are not installed here")
    if closed:
        lines.append(f"look at the licence of {', '.join(closed)}")
    return lines, not closed


def main(python: str) -> None:
    wanted = pins()
    lines, is_open = said_of_licences(wanted, licences(python))
    more, is_sound = said_of(advisories(wanted), len(wanted))
    print("\n".join(lines + more))
    raise SystemExit(not (is_open and is_sound))


if __name__ == "__main__":
    main(sys.argv[1])
