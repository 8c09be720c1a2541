"""The training table, as it is read: offers with a mature label, and young ones."""

import json
from collections.abc import Callable, Collection
from datetime import datetime
from pathlib import Path

import click
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset

from offer_ai.base import declarations
from offer_ai.base.files import MANIFEST
from offer_ai.training.anchor_rows import DECIDED_WITH


def read_training(folder: Path, with_young: bool = False) -> tuple[dict, dict[str, list]]:
    """The manifest and the columns of the published training table, by time of anchor; with
    offers whose label is not mature, if asked."""
    manifest = manifest_of(folder)
    return manifest, offers_of_version(folder, manifest, with_young).to_pydict()


def read_offers(folder: Path) -> tuple[dict, pa.Table]:
    """The manifest and the published offers by time."""
    manifest = manifest_of(folder)
    return manifest, offers_of_version(folder, manifest)


def manifest_of(folder: Path) -> dict:
    """The manifest of the version that holds. Raises ClickException where there is none."""
    path = folder / MANIFEST
    if not path.exists():
        raise click.ClickException(
            f"There is no training table in {folder}: run `scripts/export.py training`.")
    return json.loads(path.read_text())


def offers_of_version(folder: Path, manifest: dict, with_young: bool = False,
                      only: Collection[str] | None = None, since: datetime | None = None
                      ) -> pa.Table:
    """The offers of a version by time, with all columns or `only` these beside time and id, from a
    time on; of young ones the label is null. Features of a service's decisions are those that it
    decided with.

    Raises ClickException where the version has none.
    """
    decision = manifest.get("decision", {"time": "offered_at", "id": "offer_id"})
    version = folder / manifest["version"]
    files = [version / file["path"] for file in manifest["files"]]
    young = [version / file["path"] for file in manifest.get("young", [])] if with_young else []
    if not files and not young:
        raise click.ClickException(
            f"The training table in {folder} is empty: no offer's 7 days have passed yet.")
    parts = []
    for some in filter(None, (files, young)):
        dataset = pyarrow.dataset.dataset(some, format="parquet")
        parts.append(dataset.to_table(
            columns=[name for name in dataset.schema.names
                     if only is None or name in (
                         *only, decision["time"], decision["id"], DECIDED_WITH)],
            filter=None if since is None else pyarrow.dataset.field(decision["time"]) >= since))
    table = as_decided(pa.concat_tables(parts, promote_options="default"))
    if not files:
        for label in manifest["labels"]:
            if label["name"] not in table.column_names:
                table = table.append_column(label["name"], pa.nulls(len(table), pa.float64()))
    times = table[decision["time"]]
    # Each file is in order, and days come one after another: of equal times all are in one file.
    if pc.all(pc.less_equal(times[:-1], times[1:])).as_py() is not False:
        return table
    return table.sort_by([(decision[key], "ascending") for key in ("time", "id")])


def as_decided(table: pa.Table) -> pa.Table:
    """With the features that decisions were made with, where that was noted, in place of what was
    known by then: a model is asked with these, and the action is at random given these alone."""
    if DECIDED_WITH not in table.column_names:
        return table
    decided = table[DECIDED_WITH].combine_chunks()
    is_noted, table = decided.is_valid(), table.drop_columns(DECIDED_WITH)
    for field in decided.type:
        if field.name in table.column_names:
            own = table[field.name].combine_chunks()
            table = table.set_column(
                table.column_names.index(field.name), field.name,
                pc.if_else(is_noted, decided.field(field.name).cast(own.type), own))
    return table


def label_of(manifest: dict, label: str | None) -> str:
    """The label to learn of a training table: its reward, where none is named.

    Raises ClickException for one that the table does not have.
    """
    reward = declarations.decision_points().get(declarations.OFFERS, {}).get("reward")
    label = label or manifest.get("decision", {}).get("reward", reward)
    names = [one["name"] for one in manifest["labels"]]
    if label not in names:
        raise click.ClickException(
            (f"'{label}' is no label of the training table" if label else
             "The decision point declares no `reward` in dbt_project.yml")
            + f": its labels are {', '.join(names) or 'none'}.")
    return label


def arrays_of(table: pa.Table) -> dict[str, np.ndarray]:
    """Its columns as arrays: numbers, amounts and booleans as floats, NaN where missing; times
    as they are; text as objects, None where missing."""
    found = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        kind = column.type
        if pa.types.is_decimal(kind):
            # By way of text: cast at once 0.9900 is 0.9900000000000001, at which no offer is made.
            found[name] = of_distinct(
                column, lambda values: np.array(values.cast(pa.string()).cast(pa.float64()), float))
        elif pa.types.is_string(kind):
            found[name] = of_distinct(column, lambda values: np.array(values, object))
        elif pa.types.is_boolean(kind) or pa.types.is_integer(kind):
            found[name] = column.cast(pa.float64(), safe=False).to_numpy()
        else:
            found[name] = column.to_numpy()
    return found


def of_distinct(column: pa.ChunkedArray, convert: Callable[[pa.Array], np.ndarray]) -> np.ndarray:
    """What `convert` makes of the values of a column, which are few, row by row: (rows,)."""
    encoded = column.combine_chunks().dictionary_encode(null_encoding="encode")
    return convert(encoded.dictionary)[encoded.indices.to_numpy()]
