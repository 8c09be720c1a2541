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
from offer_ai.warehouse.connection import schema_of, watermark

# An offer with what the service noted of it.
OFFERS = """
select
    training_offers.*,
    stg_decisions.arm,
    stg_decisions.holdout_share,
    stg_decisions.candidates
from marts.training_offers as training_offers
left join staging.stg_decisions as stg_decisions using (offer_id)"""

YOUNG = "_young"  # of a name that no reader of a folder, or of *.parquet, takes for a day

# Features that drifted on the last day that is over, and since when without a day between.
DRIFT = """
with days as (
    select drift.feature, drift.day, drift.has_drifted
    from marts.feature_drift as drift, sessions.watermark as watermark
    where drift.day < watermark.watermark_at::date
)
select feature, min(day)::varchar from days
where day > coalesce((
    select max(calm.day) from days as calm
    where calm.feature = days.feature and not calm.has_drifted), '0001-01-01')
group by feature order by feature"""


def write_training(con: duckdb.DuckDBPyConnection, folder: Path) -> dict:
    """Writes the training table to a folder, Parquet by day; returns its manifest.

    Beside the mart's columns it has what the service noted: `arm`, `holdout_share` and
    `candidates`. Offers whose label is not mature but of which a declared part is known are in
    a file of their own, `young` of the manifest, without the label: they cannot be taken for
    mature ones.
    """
    con.execute(f"""
        create or replace table memory.main.offers as
        select * exclude (is_label_mature)
        from ({OFFERS})
        where is_label_mature
        order by offered_at, offer_id""")
    days = con.execute("""
        select distinct offered_at::date::varchar from memory.main.offers
        order by all""").fetchall()

    # A day is too small for DuckDB to divide: days are written side by side.
    def write_day(day: str) -> dict:
        path = folder / f"offer_day={day}" / "offers.parquet"
        path.parent.mkdir()
        with con.cursor() as cursor:
            (rows,) = cursor.execute(f"""
                copy (
                    from memory.main.offers
                    where offered_at >= {sql_text(day)}
                        and offered_at < {sql_text(day)}::date + 1
                ) to {sql_text(path)} (format parquet, compression zstd)""").fetchone()
        return {"path": str(path.relative_to(folder)), "rows": rows, "sha256": file_hash(path)}

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        files = list(pool.map(write_day, [day for day, in days]))
    young = write_young(con, folder)
    return {
        "version": content_version([*files, *young]),
        "rows": sum(file["rows"] for file in files),
        "watermark": watermark(con),
        "published_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "code_version": declarations.code_version(),
        "schema": schema_of(con, "from memory.main.offers"),
        "features": declarations.features(),
        "labels": declarations.labels(),
        "drift": [{"feature": feature, "since": since}
                  for feature, since in con.execute(DRIFT).fetchall()],
        "files": files,
        "young": young,
    }


def write_young(con: duckdb.DuckDBPyConnection, folder: Path) -> list[dict]:
    """Writes the offers of which a part of the label alone is known; returns the file, if any.

    Which labels they lack and why, the docstring of `write_training` says.
    """
    labels = declarations.labels()
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
            from ({OFFERS}) as offers
            cross join sessions.watermark as watermark
            where
                not is_label_mature
                and offered_at + interval {int(size)} {unit} <= watermark.watermark_at
            order by offered_at, offer_id
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
) -> tuple[dict, dict[str, int]]:
    """Publishes the training table as a version, by way of the folder `part`.

    Returns its manifest and the counts of Versions.publish. Raises PublishError and OSError.
    """
    manifest = write_training(con, new_folder(part))
    with tqdm(total=len(manifest["files"]), unit="day", disable=None) as bar:
        counts = versions.publish(manifest, part, keep, bar.update)
    shutil.rmtree(part)
    return manifest, counts


def read_training(folder: Path) -> tuple[dict, dict[str, list]]:
    """The manifest and the columns of the published training table; by time of offer."""
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
    return manifest, table.sort_by([("offered_at", "ascending"), ("offer_id", "ascending")])


def arrays_of(table: pa.Table) -> dict[str, np.ndarray]:
    """Its columns as arrays: numbers, amounts and booleans as floats, NaN where missing; times
    as they are; text as objects, None where missing."""
    found = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        kind = column.type
        if pa.types.is_decimal(kind) or pa.types.is_boolean(kind) or pa.types.is_integer(kind):
            column = column.cast(pa.float64())
        found[name] = column.to_numpy()
    return found
