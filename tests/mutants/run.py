"""Puts one-line faults into a copy of the project's SQL and counts those that a test sees.

`make mutants` runs it; arguments are parts of names of faults to run alone.
"""

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
LEAST = 0.95
SEEN, NOT_SEEN, NO_SQL = 1, 0, 2


def copied(folder: Path) -> Path:
    """A copy of what git tracks."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True,
                           text=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


def unit_tests(models: str) -> int:
    """Whether dbt's unit tests of these models fail, on the tables that were built before."""
    from dbt.cli.main import dbtRunner

    done = dbtRunner().invoke([
        "--quiet", "--log-level", "none", "--log-level-file", "none", "--no-write-json",
        "test", "--select", *(f"{model},test_type:unit" for model in models.split())])
    if done.result is None:
        return NO_SQL
    found = {result.status for result in done.result.results}
    if not found:
        raise ValueError(f"{models}: no unit test")
    return NO_SQL if "error" in found else SEEN if "fail" in found else NOT_SEEN


def python_tests(arguments: str) -> int:
    """Whether tests of pytest fail."""
    import pytest

    code = pytest.main(["--numprocesses", "0", "-q", "-x", "-p", "no:cacheprovider",
                        "-m", "long or not long", *shlex.split(arguments)])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise ValueError(f"{arguments}: {code!r}")
    return SEEN if code else NOT_SEEN


def judged(folder: Path, tests: str) -> int:
    """What tests say of the copy, in a process that has dbt imported already.

    Raises RuntimeError where they could not be run.
    """
    log = folder / "said"
    child = os.fork()
    if child == 0:
        with open(log, "w") as file:
            for number in (1, 2):
                os.dup2(file.fileno(), number)
            code = 3
            with contextlib.suppress(BaseException):
                kind, _, told = tests.partition(" ")
                code = unit_tests(told) if kind == "unit" else python_tests(tests)
            sys.stdout.flush()
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code not in (SEEN, NOT_SEEN, NO_SQL):
        raise RuntimeError(f"{tests}: {log.read_text()}")
    return code


def prepare(folder: Path) -> None:
    """A small warehouse, whose columns unit tests ask for, and a project that is parsed once."""
    import dbt.cli.main  # noqa: F401  # which every child has then

    os.chdir(folder)
    sys.path[:0] = [str(folder / "scripts"), str(folder / "tests" / "python")]
    os.environ |= {
        "PYTHONPATH": str(folder / "scripts"), "DBT_TARGET_PATH": str(folder / "target"),
        "OFFER_AI_TEST_TARGET": str(folder / "target-tests"),
        "OFFER_AI_DB": str(folder / "w.duckdb"),
        "OFFER_AI_EVENTS": str(folder / "tests/raw/other_producer_events.ndjson.gz")}
    subprocess.run([Path(sys.executable).parent / "dbt", "--quiet", "build", "--resource-type",
                    "model", "--resource-type", "seed"], check=True)


def main() -> None:
    told = tomllib.loads((ROOT / "tests/mutants/faults.toml").read_text())
    faults = [fault for fault in told["fault"]
              if not sys.argv[1:] or any(part in fault["name"] for part in sys.argv[1:])]
    seen = 0
    with tempfile.TemporaryDirectory() as name:
        folder = copied(Path(name))
        prepare(folder)
        for fault in faults:
            path = folder / fault["file"]
            text = path.read_text()
            if text.count(fault["old"]) != 1:
                raise SystemExit(f"{fault['name']}: {fault['file']} holds its `old` "
                                 f"{text.count(fault['old'])} times: mend faults.toml.")
            began = time.monotonic()
            path.write_text(text.replace(fault["old"], fault["new"]))
            found = judged(folder, fault["tests"])
            path.write_text(text)
            if found == NO_SQL:
                raise SystemExit(f"{fault['name']}: it does not run, which proves nothing.")
            seen += found
            print(f"{'seen' if found else 'NOT SEEN':<10}{fault['name']} "
                  f"({time.monotonic() - began:.0f} s)", flush=True)
    print(f"{seen} of {len(faults)} faults of SQL are seen: {seen / len(faults):.0%}")
    raise SystemExit(seen < LEAST * len(faults))


if __name__ == "__main__":
    main()
