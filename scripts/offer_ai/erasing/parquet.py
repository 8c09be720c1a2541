"""Takes users out of Parquet files and of the versions of the training table."""

import json
import shutil
from collections.abc import Collection
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from offer_ai.base.files import MANIFEST, file_hash, new_folder, part_of, write_json
from offer_ai.base.sql import sql_text
from offer_ai.erasing.found import USERS, Found, keep_users
from offer_ai.training.versions import Versions, content_version


class Without:
    """Writes Parquet files without some users."""

    def __init__(self, users: Collection[str]):
        self.con = duckdb.connect()
        keep_users(self.con, users)

    def count(self, source: Path) -> int:
        """The rows of the users."""
        return self.con.execute(
            f"select count(*) from {rows_in(source)} semi join {USERS} using (user_id)"
        ).fetchone()[0]

    def write(self, source: Path, target: Path) -> int:
        """Writes the rows of all others, in their order; returns how many."""
        target.parent.mkdir(parents=True, exist_ok=True)
        return self.con.execute(f"""
            copy (select * from {rows_in(source)} where user_id not in (from {USERS}))
            to {sql_text(target)} (format parquet, compression zstd)""").fetchone()[0]


def rows_in(path: Path) -> str:
    return f"read_parquet({sql_text(path)}, hive_partitioning = false)"


def latest(parquet: Path, without: Without, dry_run: bool) -> list[Found]:
    """The latest features of every user; see features.publish.write_latest. A publish or an erasure
    that was killed may have left the file without a manifest, or with that of the one before."""
    count = without.count(parquet) if parquet.exists() else 0
    if count and not dry_run:
        without.write(parquet, part_of(parquet))
        part_of(parquet).replace(parquet)
    manifest = parquet.with_name(MANIFEST)
    if parquet.exists() and manifest.exists() and not dry_run:
        told, files = json.loads(manifest.read_text()), [
            {"path": parquet.name, "sha256": file_hash(parquet)}]
        if told["files"] != files:
            write_json(manifest, told | {
                "rows": pq.read_metadata(parquet).num_rows, "files": files})
    return [Found("latest features", parquet.name, count)] if count else []


def training(target: str, without: Without, part: Path, dry_run: bool) -> list[Found]:
    """Every version that is kept: in the place of one that holds rows of the users comes
    another without them, which goes by another name.

    What no manifest lists goes, whoever is in it: nobody reads it, and no other place would tell
    that it holds a user. `part` is a folder for copies. Raises PublishError and OSError.
    """
    versions, found, replaced = Versions(target), [], {}
    known: dict[str, tuple[int, int]] = {}  # SHA-256 to rows of the users, and of all others
    new_folder(part)
    for manifest in versions.kept():
        gone, files = 0, {"files": [], "young": []}
        for kind in files:
            for file in manifest.get(kind, []):
                written = part / manifest["version"] / file["path"]
                source = versions.local(f"{manifest['version']}/{file['path']}", part / ".copy")
                key = file["sha256"]  # versions share the days that did not change
                if key not in known:
                    known[key] = without.count(source), file["rows"]
                count, rows = known[key]
                gone += count
                if not count:
                    files[kind].append(file)
                elif rows > count and not dry_run:
                    left = without.write(source, written)
                    files[kind].append(file | {"rows": left, "sha256": file_hash(written)})
        if gone:
            found.append(Found("training table", f"{target}/{manifest['version']}", gone))
            everything = [*files["files"], *files["young"]]
            replaced[manifest["version"]] = manifest | files | {
                "version": content_version(everything), "digests": {},
                "rows": sum(file["rows"] for file in files["files"])}
    if replaced and not dry_run:
        versions.replace(replaced, part)
    elif not dry_run:
        versions.prune()
    shutil.rmtree(part)
    return found
