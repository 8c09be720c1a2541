"""Times the warehouse on a simulated world; prints each part in multiples of a floor.

The floor is what no design can avoid: DuckDB scanning the declared columns of the
same raw files, and nothing else.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import click
import duckdb

ROOT = Path(__file__).parents[1]
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
    return time.perf_counter() - began, usage.ru_maxrss / 1e6


def simulate(out: Path, users: int, days: int) -> float:
    """Simulates a world unless it is there; returns events a second, or 0."""
    stamp = out / f"{users}-users-{days}-days"
    if stamp.exists():
        return 0
    seconds, _ = run(sys.executable, "scripts/simulate.py", "--out", out,
                     "--users", users, "--days", days)
    stamp.touch()
    return count_lines(out / "events") / seconds


def count_lines(events: Path) -> int:
    with duckdb.connect() as con:
        return con.execute(
            "select count(*) from read_csv(?, header = false, delim = e'\\x01', "
            "quote = '', columns = {'line': 'varchar'})", [f"{events}/*.ndjson"],
        ).fetchone()[0]


def raw_names() -> list[str]:
    """Every raw field name that the declared vocabulary reads."""
    import yaml

    variables = yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"]
    aliases = [name for names in variables["field_aliases"].values() for name in names]
    return list(dict.fromkeys([*variables["event_fields"], *aliases]))


def floor(events: Path) -> float:
    """Seconds to scan the declared columns of the raw files, the median of three."""
    names = raw_names()
    columns = ", ".join(f"'{name}': 'varchar'" for name in names)
    query = (
        f"select {', '.join(f'max({name})' for name in names)} from read_json("
        f"'{events}/*.ndjson', format = 'newline_delimited', columns = {{{columns}}})"
    )
    with duckdb.connect() as con:
        seconds = []
        for _ in range(3):
            began = time.perf_counter()
            con.execute(query).fetchall()
            seconds.append(time.perf_counter() - began)
    return sorted(seconds)[1]


def dbt(events: Path, database: Path, *arguments: str) -> dict:
    """Runs dbt in a new process; returns seconds, memory and each model's seconds."""
    target = database.parent / "target"
    seconds, memory = run(
        BIN / "dbt", *arguments, "--target-path", target,
        OFFER_AI_EVENTS=str(events), OFFER_AI_DB=str(database),
    )
    results = json.loads((target / "run_results.json").read_text())["results"]
    models = {
        result["unique_id"].split(".")[-1]: result["execution_time"]
        for result in results if result["unique_id"].startswith("model.")
    }
    return {"seconds": seconds, "memory": memory, "models": models,
            "model_seconds": sum(models.values())}


def line(name: str, seconds: float, unit: float, note: str = "") -> None:
    click.echo(f"{name:<44}{seconds:8.2f} s {seconds / unit:7.2f} x floor  {note}")


@click.command(context_settings={"show_default": True})
@click.option("--users", default=35_000, type=click.IntRange(1),
              help="Players to simulate.")
@click.option("--days", default=28, type=click.IntRange(8), help="Days to simulate.")
@click.option("--work", default="data/bench", type=click.Path(path_type=Path),
              help="Folder for the simulated world and the databases.")
def main(users: int, days: int, work: Path) -> None:
    """Simulate about 8 million events, build them cold, and print what it took."""
    work = work.absolute()
    work.mkdir(parents=True, exist_ok=True)
    rate = simulate(work / "world", users, days)
    events, database = work / "world" / "events", work / "build" / "offer_ai.duckdb"
    lines = count_lines(events)
    size = sum(path.stat().st_size for path in events.iterdir())
    click.echo(f"{lines:,} events, {size / 1e9:.2f} GB of NDJSON" + (
        f", simulated at {rate:,.0f} events a second" if rate else ""))

    unit = floor(events)
    line("floor: scan of the declared columns", unit, unit)
    run("rm", "-rf", database.parent)
    built = dbt(events, database, "build")
    for name, seconds in built["models"].items():
        line(f"  {name}", seconds, unit)
    line("all models", built["model_seconds"], unit, "target: 4")
    line("whole cold dbt build, with tests", built["seconds"], unit, "target: 7")
    click.echo(f"peak memory {built['memory']:.2f} GB (target: 3), "
               f"{lines / built['seconds']:,.0f} events a second")


if __name__ == "__main__":
    main()
