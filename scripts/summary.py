"""Prints what the last build holds and where to find it."""

import json
from pathlib import Path

import click

from offer_ai.base import declarations, settings
from offer_ai.base.files import MANIFEST
from offer_ai.warehouse.connection import open_warehouse, relation_of
from offer_ai.warehouse.counts import landed_counts
from offer_ai.warehouse.marts import DATABASE

COUNTS = """
select
    (select count(*) from staging.excluded_events) as excluded,
    (select count(distinct user_id) from staging.excluded_events) as excluded_users,
    (select count(*) from marts.sessions) as sessions
"""
REASONS = """
select split_part(reason, ':', 1) as reason, count(*) as lines
from landing.rejected_events
group by 1
order by lines desc, reason
limit 5
"""


@click.command()
def main() -> None:
    """Say what the warehouse (OFFER_AI_DB) and the exports (OFFER_AI_EXPORT) hold."""
    export = settings.export_folder()
    con = open_warehouse(settings.database(), is_to_be_whole=False)
    landed = landed_counts(con)
    lines, repeats, rejected, erased, users, at = (landed[name] for name in (
        "lines", "repeats", "rejected", "erased", "users", "watermark_at"))
    excluded, excluded_users, sessions = con.execute(COUNTS).fetchone()
    anchors = {name: con.execute(
        f"select count(*), count(*) filter (is_label_mature) from {relation}").fetchone()
        for name, point in declarations.decision_points().items()
        if (relation := relation_of(con, point["training"]))}
    told = "\n".join(f"{count:>12,} {name} shown, {mature:,} with a mature label"
                     for name, (count, mature) in anchors.items())
    click.echo(f"""
{landed["files"]:>12,} files, {landed["unreadable"]:,} of them unreadable
{lines:>12,} lines = {lines - repeats - rejected - erased:,} events + {repeats:,} repeats + \
{rejected:,} rejects{f" + {erased:,} of erased users" if erased else ""}
{users:>12,} users in {sessions:,} sessions
{told}
{f"watermark {at} UTC" if at else "no events yet"}""")
    if excluded:
        click.echo(f"Of the events {excluded:,} are of {excluded_users:,} excluded users, and "
                   "count nowhere else.")
    reasons = con.execute(REASONS).fetchall()
    if reasons:
        click.echo("Rejects, in landing.rejected_events:")
    for reason, count in reasons:
        click.echo(f"{count:>12,} {reason}")
    for text in still_empty(users, *anchors.get(declarations.OFFERS, (1, 1))):
        click.echo(text)
    click.echo(f"Query {settings.shown(export / DATABASE)}; models read:")
    for name in (*(declarations.folder_of("training", point)
                   for point in declarations.decision_points()), "latest"):
        manifest = Path(export, name, MANIFEST)
        if manifest.exists():
            published = json.loads(manifest.read_text())
            where = manifest.parent / published.get("version", "")
            click.echo(f"{published['rows']:>12,} rows in {settings.shown(where)}")


def still_empty(users: int, offers: int, mature: int) -> list[str]:
    """A sentence on the first thing that is not there yet, if any."""
    if not users:
        return ["No line was an event: landing.rejected_events says why."]
    if not offers:
        return ["No offer was shown yet: the training table is empty, features are published."]
    if not mature:
        return ["No offer's label is mature yet: the training table is empty until an offer's "
                "window lies before the watermark. Features are published."]
    return []


if __name__ == "__main__":
    main()
