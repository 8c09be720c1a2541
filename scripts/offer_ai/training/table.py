"""The training table: offers with a mature label, written, published and read."""

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.dataset
from tqdm import tqdm

from offer_ai.base import declarations
from offer_ai.base.files import MANIFEST, file_hash, new_folder
from offer_ai.base.sql import sql_text
from offer_ai.training.versions import Versions, content_version
from offer_ai.warehouse.connection import relation_of, relation_of_point, schema_of, watermark

# What the service noted of a decision; `lacking` is what the table does not say itself.
NOTES = """
select anchors.*, {lacking}notes.arm, notes.holdout_share, notes.candidates
from {training} as anchors
left join {decisions} as notes on anchors.{id} = notes.{id}"""
SAID = ("propensity", "policy_version")

YOUNG = "_young"  # of a name that no reader of a folder, or of *.parquet, takes for a day

# Features that drifted on the last day that is over, and since when without a day between.
DRIFT = """
with days as (
    select drift.feature, drift.day, drift.has_drifted
    from {drift} as drift, sessions.watermark as watermark
    where drift.day < watermark.watermark_at::date
)
select feature, min(day)::varchar from days
where day > coalesce((
    select max(calm.day) from days as calm
    where calm.feature = days.feature and not calm.has_drifted), '0001-01-01')
group by feature order by feature"""


def rows_of(con: duckdb.DuckDBPyConnection, point: dict) -> str:
    """A query of a decision point's anchors with what the service noted of them.

    Raises ClickException where dbt has not built the point's training table.
    """
    training = relation_of_point(con, point["training"], point)
    decisions = relation_of(con, declarations.notes_of(point))
    is_decided = point["action"] or point["name"] == declarations.OFFERS
    if decisions is None or not is_decided:
        return f"select * from {training}"
    columns = [column["name"] for column in schema_of(con, f"from {training}")]
    return NOTES.format(training=training, decisions=decisions, id=point["id"], lacking="".join(
        f"notes.{name}, " for name in SAID if name not in columns))


def write_training(con: duckdb.DuckDBPyConnection, folder: Path,
                   name: str = declarations.OFFERS) -> dict:
    """Writes a decision point's training table to a folder, Parquet by day; returns its manifest.

    Beside the mart's columns it has what the service noted: `arm`, `holdout_share` and
    `candidates`. Anchors whose label is not mature but of which a declared part is known are in
    a file of their own, `young` of the manifest, without the label: they cannot be taken for
    mature ones.
    """
    point = declarations.decision_points()[name]
    time = point["time"]
    con.execute(f"""
        create or replace table memory.main.offers as
        select * exclude (is_label_mature)
        from ({rows_of(con, point)})
        where is_label_mature
        order by {time}, {point["id"]}""")
    days = con.execute(f"""
        select distinct {time}::date::varchar from memory.main.offers
        order by all""").fetchall()

    # A day is too small for DuckDB to divide: days are written side by side.
    def write_day(day: str) -> dict:
        path = folder / f"{point['one']}_day={day}" / f"{point['name']}.parquet"
        path.parent.mkdir()
        with con.cursor() as cursor:
            (rows,) = cursor.execute(f"""
                copy (
                    from memory.main.offers
                    where {time} >= {sql_text(day)} and {time} < {sql_text(day)}::date + 1
                ) to {sql_text(path)} (format parquet, compression zstd)""").fetchone()
        return {"path": str(path.relative_to(folder)), "rows": rows, "sha256": file_hash(path)}

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        files = list(pool.map(write_day, [day for day, in days]))
    young = write_young(con, folder, point)
    drift = relation_of(con, declarations.mart_of("feature_drift", point))
    return {
        "version": content_version([*files, *young]),
        "rows": sum(file["rows"] for file in files),
        "watermark": watermark(con),
        "published_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "code_version": declarations.code_version(),
        "schema": schema_of(con, "from memory.main.offers"),
        "decision": {key: point[key] for key in ("name", "one", "id", "time", "action", "reward")}
        | {"action_columns": [{key: column[key] for key in ("name", "data_type")}
                              for name in point["action"] for column in point["columns"]
                              if column["name"] == name]},
        "features": point["features"],
        "labels": point["labels"],
        "drift": [{"feature": feature, "since": since} for feature, since in con.execute(
            DRIFT.format(drift=drift)).fetchall()] if drift else [],
        "files": files,
        "young": young,
    }


def write_young(con: duckdb.DuckDBPyConnection, folder: Path, point: dict) -> list[dict]:
    """Writes the anchors of which a part of the label alone is known; returns the file, if any.

    Which labels they lack and why, the docstring of `write_training` says.
    """
    labels = point["labels"]
    parts = [label for label in labels if "part_of" in label["definition"]]
    if not parts:
        return []
    ((unit, size),) = max((part["definition"]["after"] for part in parts),
                          key=lambda after: length_of(after)).items()
    others = ", ".join(label["name"] for label in labels if label not in parts)
    path = folder / YOUNG
    (rows,) = con.execute(f"""
        copy (
            select offers.* exclude (is_label_mature, {others})
            from ({rows_of(con, point)}) as offers
            cross join sessions.watermark as watermark
            where
                not is_label_mature
                and {point["time"]} + interval {int(size)} {unit} <= watermark.watermark_at
            order by {point["time"]}, {point["id"]}
        ) to {sql_text(path)} (format parquet, compression zstd)""").fetchone()
    if not rows:
        path.unlink()
        return []
    return [{"path": YOUNG, "rows": rows, "sha256": file_hash(path)}]


def length_of(after: dict) -> timedelta:
    """How long {hour: n} or {day: n} is."""
    return timedelta(**{f"{unit}s": size for unit, size in after.items()})


def publish_training(
    con: duckdb.DuckDBPyConnection, versions: Versions, part: Path, keep: int,
    name: str = declarations.OFFERS,
) -> tuple[dict, dict[str, int]]:
    """Publishes the training table of a decision point as a version, by way of the folder `part`.

    Returns its manifest and the counts of Versions.publish. Raises PublishError and OSError.
    """
    manifest = write_training(con, new_folder(part), name)
    with tqdm(total=len(manifest["files"]), unit="day", disable=None) as bar:
        counts = versions.publish(manifest, part, keep, bar.update)
    shutil.rmtree(part)
    return manifest, counts


def read_training(folder: Path) -> tuple[dict, dict[str, list]]:
    """The manifest and the columns of the published training table; by time of anchor."""
    manifest, table = read_offers(folder)
    return manifest, table.to_pydict()


def read_offers(folder: Path, with_young: bool = False) -> tuple[dict, pa.Table]:
    """The manifest and the published offers by time; with young ones the label is null there."""
    manifest_path = folder / MANIFEST
    if not manifest_path.exists():
        raise click.ClickException(
            f"There is no training table in {folder}: run `scripts/export.py training`.")
    manifest = json.loads(manifest_path.read_text())
    version = folder / manifest["version"]
    files = [version / file["path"] for file in manifest["files"]]
    young = [version / file["path"] for file in manifest.get("young", [])] if with_young else []
    if not files and not young:
        raise click.ClickException(
            f"The training table in {folder} is empty: no offer's 7 days have passed yet.")
    parts = [pyarrow.dataset.dataset(some, format="parquet").to_table()
             for some in (files, young) if some]
    table = pa.concat_tables(parts, promote_options="default")
    if not files:
        for label in manifest["labels"]:
            if label["name"] not in table.column_names:
                table = table.append_column(label["name"], pa.nulls(len(table), pa.float64()))
    decision = manifest.get("decision", {"time": "offered_at", "id": "offer_id"})
    return manifest, table.sort_by([(decision[key], "ascending") for key in ("time", "id")])


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
            column = column.cast(pa.string()).cast(pa.float64())
        elif pa.types.is_boolean(kind) or pa.types.is_integer(kind):
            column = column.cast(pa.float64())
        found[name] = column.to_numpy()
    return found
