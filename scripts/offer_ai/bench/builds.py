"""Times builds, in multiples of a floor.

The floor is what no design can avoid: DuckDB scanning the declared columns of the
same raw files, and nothing else.
"""

import json
import os
import time
from pathlib import Path

import click
import duckdb

from offer_ai.base import declarations
from offer_ai.bench.runs import BIN, run


def raw_names() -> list[str]:
    """Every raw field name that the declared vocabulary reads of a line itself."""
    variables = declarations.variables()
    aliases = [name for names in variables["field_aliases"].values() for name in names
               if not set(name) & set('.["')]
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


def add_batch(history: Path, database: Path, batch: Path) -> dict:
    """Adds a file to a built history and builds again, as the watch does."""
    os.link(batch, history / batch.name)
    os.sync()  # what the full build has left the disk to write is none of the batch's time
    return dbt(history, database, "run", "--exclude", "config.materialized:view")


def line(name: str, seconds: float, unit: float, note: str = "") -> None:
    click.echo(f"{name:<44}{seconds:8.2f} s {seconds / unit:7.2f} x floor  {note}")


def model_lines(built: dict, unit: float) -> None:
    for name, seconds in built["models"].items():
        line(f"  {name}", seconds, unit)
