"""Proves that serving sees what training saw, for sampled anchors (offers) of the warehouse."""

import click

from offer_ai.base import declarations, settings
from offer_ai.features.replay import replay
from offer_ai.features.store import StoreError
from offer_ai.warehouse.warm_dbt import BuildError


@click.command(context_settings={"show_default": True})
@click.option("--decision-point", "name", default=None,
              help="Which declared decision point; the first one by default.")
@click.option("--offers", default=20, type=click.IntRange(1), help="Anchors (offers) to sample.")
@click.option("--seed", default="1", help="The same seed samples the same ones.")
def main(name: str | None, offers: int, seed: str) -> None:
    """Compare training rows of sampled anchors with what serving would have seen."""
    point = declarations.decision_point(name)
    try:
        done = replay(settings.database(), offers, seed, point)
    except (BuildError, StoreError) as error:
        raise click.ClickException(f"What came before an anchor was not built: {error}") from error
    for difference in done.differences:
        click.echo(difference)
    click.echo(f"{done.offers:,} {point['name']} replayed, {done.features:,} features compared, "
               f"{len(done.differences):,} differ")
    if done.differences:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
