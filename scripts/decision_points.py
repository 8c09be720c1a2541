"""Writes the models of the decision points that dbt_project.yml declares."""

import click

from offer_ai.base import declarations, settings
from offer_ai.warehouse.decision_models import FOLDER, write_models


@click.command()
def main() -> None:
    """Write models/decision_points of the dbt project that you stand in.

    Each point under `decision_points` but `offers`, which is shipped, gets its models, a line each,
    and their contracts, which follow the declarations. Run it again when a point is new.
    """
    project = settings.project_folder()
    written = write_models(project)
    points = [name for name in declarations.decision_points() if name != declarations.OFFERS]
    click.echo(f"{len(points)} decision points beside offers ({', '.join(points) or 'none'}), "
               f"{len(written)} files written to {settings.shown(project / FOLDER)}")


if __name__ == "__main__":
    main()
