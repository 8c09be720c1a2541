"""Trains what a policy asks: how much each offer (or other action) would earn from a user."""

from pathlib import Path

import click

from offer_ai.base import declarations, settings
from offer_ai.learning.fitting import fit_models
from offer_ai.learning.model_files import write_model
from offer_ai.learning.revenue_model import decision_of
from offer_ai.training.table import label_of, read_training


@click.command(context_settings={"show_default": True})
@click.option("--decision-point", default=None,
              help="Of which declared decision point; the first one by default.")
@click.option("--training", type=click.Path(path_type=Path), default=None,
              help="The published training table; OFFER_AI_EXPORT/training by default, of another "
              "decision point than offers training_NAME.")
@click.option("--label", default=None, help="What to predict; the declared reward by default.")
@click.option("--validate-days", default=7, type=click.IntRange(1),
              help="The last days of offers, to validate on.")
@click.option("--bootstraps", default=0, type=click.IntRange(0),
              help="Also fit so many models to users drawn with replacement, for Thompson "
              "sampling.")
@click.option("--out", type=click.Path(path_type=Path), default=None,
              help="Folder of model versions; OFFER_AI_EXPORT/models by default, of another "
              "decision point than offers models_NAME.")
def main(decision_point: str | None, training: Path | None, label: str | None,
         validate_days: int, bootstraps: int, out: Path | None) -> None:
    """Train on earlier offers, validate on the last days, then fit to all of them.

    The model (gradient-boosted trees; Tweedie loss, or squares where a label is negative) goes
    to OUT/<version>/ with its metrics, calibration and importance. The same training table
    gives the same version.
    """
    export = settings.export_folder()
    if training is None or decision_point:
        point = declarations.decision_point(decision_point)["name"]
        training = training or export / declarations.folder_of("training", point)
    manifest, table = read_training(training)
    point = decision_of(manifest)["name"]
    label = label_of(manifest, label)
    boosters, description = fit_models(manifest, table, label, validate_days, bootstraps)
    out = out or export / declarations.folder_of("models", point)
    folder = write_model(out, boosters, description)
    metrics = description["metrics"]
    click.echo(
        f"model {folder}: {metrics['rows']:,} {point}, "
        f"{description['parameters']['rounds']} trees, weights {description['weights']}; "
        f"on the last {validate_days} days deviance {metrics['deviance']:.4f} "
        f"({metrics['deviance_of_the_mean']:.4f} for the mean), "
        f"predicted {metrics['predicted']:.3f}, earned {metrics['earned']:.3f} per "
        f"{decision_of(manifest)['one']}")
    click.echo(f"next: .venv/bin/python scripts/evaluate.py {folder} --promote")


if __name__ == "__main__":
    main()
