"""The training table, written and published: offers with a mature label, and young ones."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from tqdm import tqdm

from offer_ai.base import declarations
from offer_ai.base.files import file_hash, new_folder
from offer_ai.base.sql import sql_text
from offer_ai.training.anchor_rows import AnchorRows
from offer_ai.training.versions import Versions, content_version
from offer_ai.warehouse.connection import relation_of, schema_of, watermark

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


def write_training(con: duckdb.DuckDBPyConnection, folder: Path,
                   name: str = declarations.OFFERS, before: dict | None = None) -> dict:
    """Writes a decision point's training table to a folder, Parquet by day; returns its manifest.

    Days that the version `before` has, by its manifest, are in the manifest and not written.
    Beside the mart's columns it has what the service noted: `arm`, `holdout_share` and
    `candidates`. Anchors whose label is not mature but of which a declared part is known are in
    a file of their own, `young` of the manifest, without the label: they cannot be taken for
    mature ones.
    """
    point = declarations.decision_points()[name]
    time, anchors = point["time"], AnchorRows.of(con, point)

    def path_of(day: str) -> str:
        return f"{point['one']}_day={day}/{point['name']}.parquet"
    of_days, young_days = anchors.digests(con)
    digests = {path_of(day): digest for day, digest in of_days.items()}
    kept = unchanged(digests, before or {})
    days = [day for day in of_days if path_of(day) not in kept]
    con.execute("create or replace table memory.main.offers as "
                + anchors.since(min([*days, *young_days], default=None)))
    schema = schema_of(con, "select * exclude (is_label_mature) from memory.main.offers")

    # A day is too small for DuckDB to divide: days are written side by side.
    def write_day(day: str) -> dict:
        path = folder / path_of(day)
        path.parent.mkdir()
        with con.cursor() as cursor:
            (rows,) = cursor.execute(f"""
                copy (
                    select * exclude (is_label_mature) from memory.main.offers
                    where
                        is_label_mature
                        and {time} >= {sql_text(day)} and {time} < {sql_text(day)}::date + 1
                    order by {time}, {point["id"]}
                ) to {sql_text(path)} (format parquet, compression zstd)""").fetchone()
        return {"path": path_of(day), "rows": rows, "sha256": file_hash(path)}

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        written = {file["path"]: file for file in pool.map(write_day, days)}
    files = [kept.get(path) or written[path] for path in digests]
    young = write_young(con, folder, point)
    drift = relation_of(con, declarations.mart_of("feature_drift", point))
    return {
        "version": content_version([*files, *young]),
        "rows": sum(file["rows"] for file in files),
        "watermark": watermark(con),
        "published_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "code_version": declarations.code_version(),
        "schema": schema,
        "decision": {key: point[key] for key in ("name", "one", "id", "time", "action", "reward")}
        | {"action_columns": [{key: column[key] for key in ("name", "data_type")}
                              for name in point["action"] for column in point["columns"]
                              if column["name"] == name]},
        "features": point["features"],
        "labels": point["labels"],
        "drift": [{"feature": feature, "since": since} for feature, since in con.execute(
            DRIFT.format(drift=drift)).fetchall()] if drift else [],
        "files": files,
        "digests": digests,
        "young": young,
    }


def unchanged(digests: dict[str, str], before: dict) -> dict[str, dict]:
    """The files of the version before, by path, whose rows would be written again as they are."""
    paths = dict(before.get("digests", {}).items() & digests.items())
    return {file["path"]: file for file in before.get("files", []) if file["path"] in paths}


def write_young(con: duckdb.DuckDBPyConnection, folder: Path, point: dict) -> list[dict]:
    """Writes the anchors of which a part of the label alone is known; returns the file, if any.

    Which labels they lack and why, the docstring of `write_training` says.
    """
    labels = point["labels"]
    parts = [label for label in labels if "part_of" in label["definition"]]
    if not parts:
        return []
    ((unit, size),) = max((part["definition"]["after"] for part in parts),
                          key=declarations.length_of).items()
    others = ", ".join(label["name"] for label in labels if label not in parts)
    path = folder / YOUNG
    (rows,) = con.execute(f"""
        copy (
            select offers.* exclude (is_label_mature, {others})
            from memory.main.offers as offers
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


def publish_training(
    con: duckdb.DuckDBPyConnection, versions: Versions, part: Path, keep: int,
    name: str = declarations.OFFERS,
) -> tuple[dict, dict[str, int]]:
    """Publishes the training table of a decision point as a version, by way of the folder `part`.

    Returns its manifest and the counts of Versions.publish. Raises PublishError and OSError.
    """
    manifest = write_training(con, new_folder(part), name, versions.current())
    with tqdm(total=len(manifest["files"]), unit="day", disable=None) as bar:
        counts = versions.publish(manifest, part, keep, bar.update)
    shutil.rmtree(part)
    return manifest, counts
