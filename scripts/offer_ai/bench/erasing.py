"""Times erasing against a full build."""

import sys
from pathlib import Path

import click
import duckdb

from offer_ai.base.settings import SCRIPTS
from offer_ai.bench.builds import dbt
from offer_ai.bench.runs import processor_seconds, run, simulate


def bench(work: Path, users: int, days: int, share: float) -> None:
    """Times a build of a world of `users` over `days`, its publishing, and erasing a share."""
    world, folder = work / "world", work / "erasing"
    simulate(world, users, days)
    run("rm", "-rf", folder)
    folder.mkdir(parents=True)
    database, export = folder / "offer_ai.duckdb", folder / "export"
    used = processor_seconds()
    built = dbt(world / "events", database, "build", "--exclude-resource-type", "unit_test")
    with duckdb.connect(str(database), read_only=True) as con:
        ids = [user for (user,) in con.execute(
            "select user_id from sessions.user_activity order by hash(user_id) limit ?",
            [max(1, round(users * share))]).fetchall()]
    build_used = processor_seconds()
    click.echo(f"full build: {built['seconds']:.2f} s, of it all models "
               f"{built['model_seconds']:.2f} s; {build_used - used:.2f} s of processor")
    places = {"OFFER_AI_DB": str(database), "OFFER_AI_EXPORT": str(export),
              "OFFER_AI_EVENTS": str(world / "events")}
    published = sum(run(sys.executable, SCRIPTS / "export.py", kind, **places)[0]
                    for kind in ("marts", "training", "latest"))
    (folder / "ids").write_text("\n".join(ids))
    erase_began = processor_seconds()
    seconds, memory = run(sys.executable, SCRIPTS / "erase.py", "--file", folder / "ids", **places)
    click.echo(f"publishing: {published:.2f} s")
    click.echo(f"erasing {len(ids):,} of {users:,} users, from everything: {seconds:.2f} s, "
               f"{seconds / built['seconds']:.1%} of the full build, {memory:.2f} GB")
    erase_used = processor_seconds() - erase_began
    click.echo(f"of processor {erase_used:.2f} s, {erase_used / (build_used - used):.1%} of the "
               "full build's (target: 10 %)")
