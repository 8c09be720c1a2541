"""What is timed: a command in a process of its own, on a simulated world."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import click
import duckdb

from offer_ai.base.settings import ROOT, SCRIPTS

BIN = Path(sys.executable).parent


def run(*command, cwd: Path = ROOT, **environment) -> tuple[float, float]:
    """Runs a command; returns its seconds and peak memory in GB. Raises if it fails."""
    began = time.perf_counter()
    process = subprocess.Popen(
        list(map(str, command)), cwd=cwd, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, env=os.environ | environment,
    )
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise click.ClickException(f"{command[0]} failed:\n{output}")
    return time.perf_counter() - began, usage.ru_maxrss * 1024 / 1e9


def processor_seconds() -> float:
    """What the processes that this one has waited for have used so far; other work on the machine
    changes it less than it changes seconds."""
    used = os.times()
    return used.children_user + used.children_system


def plain_work(rate: int, seconds: float) -> list[float]:
    """Seconds that the same loop of additions takes on the first core, `rate` times a second.

    It reads nothing and waits for nobody: where these differ, the processor does.
    """
    before, times = os.sched_getaffinity(0), []
    os.sched_setaffinity(0, {min(before)})
    start = time.perf_counter()
    for index in range(int(rate * seconds)):
        time.sleep(max(0, start + index / rate - time.perf_counter()))
        began, total = time.perf_counter(), 0
        for number in range(10_000):
            total += number
        times.append(time.perf_counter() - began)
    os.sched_setaffinity(0, before)
    return sorted(times)


def simulate(out: Path, users: int, days: int) -> float:
    """Simulates a world unless it is there; returns events a second, or 0."""
    stamp = out / f"{users}-users-{days}-days"
    if stamp.exists():
        return 0
    for other in out.glob("*-users-*-days"):
        other.unlink()
    seconds, _ = run(sys.executable, SCRIPTS / "simulate.py", "--out", out,
                     "--users", users, "--days", days, "--start", "2025-01-01")
    stamp.touch()
    return count_lines(out / "events") / seconds


def count_lines(events: Path) -> int:
    with duckdb.connect() as con:
        return con.execute(
            "select count(*) from read_csv(?, header = false, delim = e'\\x01', "
            "quote = '', columns = {'line': 'varchar'})", [f"{events}/*.ndjson"],
        ).fetchone()[0]


def hold_back(world: Path, work: Path, batch: int, ticks: int, per_tick: int) -> list[Path]:
    """Lays out a world as a history and what comes after it.

    Returns the history (a folder, links), a batch of `batch` events and a folder with
    `ticks` files of `per_tick` events: the last lines of the last whole day, in order of
    arrival.
    """
    run("rm", "-rf", work)
    history, later = work / "events", work / "later"
    history.mkdir(parents=True)
    later.mkdir()
    *days, last_day, _ = sorted((world / "events").iterdir())
    for path in days:
        os.link(path, history / path.name)
    lines = last_day.read_bytes().splitlines(keepends=True)
    kept = len(lines) - batch - ticks * per_tick
    if kept < 0:
        raise click.ClickException("The simulated world is too small to hold events back.")
    (history / last_day.name).write_bytes(b"".join(lines[:kept]))
    (work / "batch.ndjson").write_bytes(b"".join(lines[kept:kept + batch]))
    for tick in range(ticks):
        start = kept + batch + tick * per_tick
        (later / f"tick-{tick:04}.ndjson").write_bytes(b"".join(lines[start:start + per_tick]))
    return [history, work / "batch.ndjson", later]


def free_port() -> int:
    """A port of loopback that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[int(len(values) * share)]
