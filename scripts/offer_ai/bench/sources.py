"""Times the same events from other places and in another form, against flat files on disk."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from statistics import median

import click
import duckdb

from offer_ai.base import declarations
from offer_ai.base.sql import sql_text
from offer_ai.bench.builds import dbt
from offer_ai.bench.runs import BIN, count_lines, processor_seconds, simulate

CORE = ("event_id", "event_time", "customer_identifier")
PORT = 18_085
LANDING = ("new_files", "new_rows", "landed_events", "landed_rows", "rejected_events")
AWS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1",
       "AWS_ENDPOINT_URL": f"http://127.0.0.1:{PORT}"}
TABLES = {  # the rows of raw.events, of files
    "typed columns": "select * from read_json_auto({files})",
    "a JSON column": "select json from read_json_objects({files})",
}


def bench_sources(work: Path, users: int, days: int, times: int) -> None:
    """Builds a simulated world of `users` over `days` under `work`, so often from each place in
    turn; prints the median of each in processor seconds, and its ratio to flat files."""
    world = work / "world"
    simulate(world, users, days)
    flat = work / "flat"
    shutil.rmtree(flat, ignore_errors=True)
    shutil.copytree(world / "events", flat)
    nested = nest(flat, work / "nested")
    click.echo(f"{count_lines(flat):,} events, {times} builds of each, in turn")
    store = subprocess.Popen([BIN / "moto_server", "--host", "127.0.0.1", "--port", str(PORT)],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        os.environ |= AWS
        upload(flat)
        ways = {
            "flat files": (str(flat), {}),
            "nested files": (str(nested), {"field_aliases": {
                field: [*aliases(field), f"properties.{field}"]
                for field in declarations.variables()["event_fields"] if field not in CORE}}),
            "S3 (moto)": ("s3://box/events", {}),
            **{f"a table of {name}": ("table:raw.events", {
                "events_json": "json" if "JSON" in name else None})
               for name in TABLES},
        }
        found: dict[str, list[dict]] = {name: [] for name in ways}
        for _ in range(times):
            for name, (events, variables) in ways.items():
                database = work / "build" / "w.duckdb"
                shutil.rmtree(database.parent, ignore_errors=True)
                database.parent.mkdir(parents=True)
                if events.startswith("table:"):
                    load_table(database, flat, TABLES[name.removeprefix("a table of ")], days)
                before = processor_seconds()
                built = dbt(events, database, "run", "--vars", json.dumps(variables))
                found[name].append({
                    "all": processor_seconds() - before,
                    "landing": sum(built["models"].get(model, 0) for model in LANDING)})
    finally:
        store.terminate()
        store.wait()
    for part in ("all", "landing"):
        base = median(one[part] for one in found["flat files"])
        what = "processor seconds of a build" if part == "all" else "seconds of its landing"
        click.echo(f"\n{what}")
        for name, builds in found.items():
            value = median(one[part] for one in builds)
            click.echo(f"  {name:<28}{value:8.2f} s {value / base:6.2f} x flat files")


def aliases(field: str) -> list[str]:
    return declarations.variables()["field_aliases"].get(field) or []


def nest(flat: Path, nested: Path) -> Path:
    """The same events, all fields but those that each must have in an object `properties`."""
    shutil.rmtree(nested, ignore_errors=True)
    nested.mkdir()
    for path in flat.iterdir():
        with path.open() as lines, (nested / path.name).open("w") as out:
            for line in lines:
                event = json.loads(line)
                core = {name: event.pop(name) for name in CORE if name in event}
                out.write(json.dumps(core | {"properties": event}) + "\n")
    return nested


def upload(folder: Path) -> None:
    import boto3
    from botocore.config import Config

    client = boto3.client("s3", region_name="us-east-1", config=Config(
        retries={"total_max_attempts": 20, "mode": "standard"}))  # while the server starts
    client.create_bucket(Bucket="box")
    for path in folder.iterdir():
        client.upload_file(str(path), "box", f"events/{path.name}")


def load_table(database: Path, folder: Path, query: str, days: int) -> None:
    """Rows that were loaded hour by hour over so many days."""
    files = query.format(files=sql_text(f"{folder}/*.ndjson"))
    with duckdb.connect(str(database)) as con:
        con.execute(f"""
            create schema raw;
            create table raw.events as
            select
                *,
                timestamp '2025-06-01'
                + to_hours((row_number() over () * {24 * days} // count(*) over ())::int)
                    as loaded_at
            from ({files})""")
