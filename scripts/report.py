"""Writes the page on which people see what was published."""

import time

import click

from offer_ai.base import settings
from offer_ai.report.writing import write_page
from offer_ai.warehouse.connection import open_warehouse


@click.command()
def main() -> None:
    """Write OFFER_AI_EXPORT/report.html from the warehouse (OFFER_AI_DB).

    One file that needs no network: data, players, money, offers, policy and model, for the
    days and the country that are chosen on it.
    """
    began = time.perf_counter()
    with open_warehouse(settings.database()) as con:
        path = write_page(con, settings.export_folder())
    click.echo(f"report: {settings.shown(path)}, {path.stat().st_size / 1e6:.1f} MB in "
               f"{time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    main()
