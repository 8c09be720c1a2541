"""The training table: offers with a mature label, written, published and read."""

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import click
import duckdb
import pyarrow.dataset
from tqdm import tqdm

from offer_ai.base import declarations
from offer_ai.base.files import MANIFEST, file_hash, new_folder
from offer_ai.base.sql import sql_text
from offer_ai.training.versions import Versions, content_version
from offer_ai.warehouse.connection import schema_of, watermark

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
    `candidates`.
    """
    con.execute("""
        create or replace table memory.main.offers as
        select
            training_offers.* exclude (is_label_mature),
            stg_decisions.arm,
            stg_decisions.holdout_share,
            stg_decisions.candidates
        from marts.training_offers as training_offers
        left join staging.stg_decisions as stg_decisions using (offer_id)
        where training_offers.is_label_mature
        order by training_offers.offered_at, offer_id""")
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
    return {
        "version": content_version(files),
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
    }


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
    manifest_path = folder / MANIFEST
    if not manifest_path.exists():
        raise click.ClickException(
            f"There is no training table in {folder}: run `scripts/export.py training`.")
    manifest = json.loads(manifest_path.read_text())
    files = [folder / manifest["version"] / file["path"] for file in manifest["files"]]
    if not files:
        raise click.ClickException(
            f"The training table in {folder} is empty: no offer's 7 days have passed yet.")
    table = pyarrow.dataset.dataset(files).to_table().sort_by(
        [("offered_at", "ascending"), ("offer_id", "ascending")])
    return manifest, table.to_pydict()
