"""Proves that serving sees what training saw, for sampled offers of the warehouse."""

import click

from offer_ai.base import settings
from offer_ai.features.replay import replay


@click.command(context_settings={"show_default": True})
@click.option("--offers", default=20, type=click.IntRange(1), help="Offers to sample.")
@click.option("--seed", default="1", help="The same seed samples the same offers.")
def main(offers: int, seed: str) -> None:
    """Compare training rows of sampled offers with what serving would have seen."""
    done = replay(settings.database(), offers, seed)
    for difference in done.differences:
        click.echo(difference)
    click.echo(f"{done.offers:,} offers replayed, {done.features:,} features compared, "
               f"{len(done.differences):,} differ")
    if done.differences:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
