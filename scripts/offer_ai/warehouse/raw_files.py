"""Raw event files as DuckDB sees them: which there are and which can be read.

A dbt-duckdb plugin. SQL does the parsing; what SQL cannot do is done here: list
the files, tell why one cannot be read (one bad file must not stop a build), turn
the forms that the line reader does not know (a JSON array, Parquet, UTF-16, a
byte order mark) into plain NDJSON, and fetch the text of rejected lines.
"""

import codecs
import gc
import glob
import os
import re
import shutil
from pathlib import Path

import duckdb
import pandas  # noqa: F401  DuckDB would import it amid the first model that calls us.
from dbt.adapters.duckdb.plugins import BasePlugin

from offer_ai.base.sql import sql_text
from offer_ai.warehouse.event_files import (
    BLOCK,
    chunks,
    digest,
    first_bytes,
    is_json,
    list_files,
    longest_line,
    pick_lines,
)

MAX_LINE = 1 << 30
# Those of UTF-16 with the pattern that an ASCII character makes after them: alone,
# they may as well be the broken first line of a file of UTF-8.
BYTE_ORDER_MARKS = {
    rb"\xef\xbb\xbf": "utf-8-sig",
    rb"\xff\xfe.\0": "utf-16",
    rb"\xfe\xff\0": "utf-16",
}


def inspect(path: str, copy: Path) -> dict:
    """How to read the file, or why it cannot be.

    Keys: digest, read_path (`path`, or `copy` written as plain NDJSON),
    longest_line (bytes, an upper bound) and error (text or None).
    """
    row = {"digest": None, "read_path": path, "longest_line": 0, "error": None}
    try:
        row["digest"] = digest(path)
        if path.endswith(".gz") and os.path.getsize(path) == 0:
            raise OSError("an empty file is no gzip stream")
        if path.endswith(".parquet"):
            row["read_path"] = copy_rows(
                "select columns(*)::varchar from read_parquet(?)", path, copy
            )
        else:
            head = first_bytes(path)
            encoding = next(
                (name for mark, name in BYTE_ORDER_MARKS.items()
                 if re.match(mark, head, re.DOTALL)), None,
            )
            if encoding:
                row["read_path"] = copy_text(path, encoding, copy)
                head = first_bytes(str(copy))
            if is_json(path) and head.lstrip()[:1] == b"[":
                row["read_path"] = copy_array(row["read_path"], copy)
        row["longest_line"] = longest_line(row["read_path"])
        if row["longest_line"] > MAX_LINE:
            row["error"] = f"a line is longer than {MAX_LINE:,} bytes"
    except (OSError, UnicodeError, duckdb.Error) as error:
        row["error"] = str(error).splitlines()[0].removeprefix(f"{path}: ")
    return row


def copy_text(path: str, encoding: str, copy: Path) -> str:
    """Writes the file as UTF-8 without a byte order mark."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    with copy.open("w", encoding="utf-8", newline="") as out:
        for chunk in chunks(path):
            out.write(decoder.decode(chunk))
        out.write(decoder.decode(b"", final=True))
    return str(copy)


def copy_array(path: str, copy: Path) -> str:
    """Writes an array's elements one a line; a broken array is left as lines."""
    whole = copy.with_suffix(".array.ndjson")
    size = max(sum(map(len, chunks(path))), BLOCK)
    try:
        return copy_rows(
            f"""select json(json) from read_json_objects(
                ?, format = 'array', maximum_object_size = {size})""",
            path, whole, "(format csv, header false, quote '', escape '', "
            "delimiter e'\\x01')",
        )
    except duckdb.Error:
        return path


def copy_rows(query: str, path: str, copy: Path, form: str = "(format json)") -> str:
    """Writes the rows of a query of one file as lines."""
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute("set TimeZone = 'UTC'")
        con.execute(f"copy ({query}) to {sql_text(copy)} {form}", [glob.escape(path)])
    return str(copy)


class Plugin(BasePlugin):
    """Gives DuckDB `listed_files`, `inspected_file`, `file_digest`, `lines_of_file`."""

    def update_connection_config(self, creds, config: dict) -> None:
        Path(creds.path).absolute().parent.mkdir(parents=True, exist_ok=True)

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        # What dbt has parsed lives as long as the process: looking through it for
        # garbage would take a tenth of a second now and then.
        if not gc.get_freeze_count():
            gc.freeze()
        # The connection holds the database's lock: what is left is nobody's.
        shutil.rmtree(self.scratch, ignore_errors=True)
        conn.create_function(
            "listed_files", list_files, ["VARCHAR"],
            "STRUCT(source_file VARCHAR, size BIGINT, modified_us BIGINT)[]",
            side_effects=True,
        )
        conn.create_function(
            "inspected_file", self.inspected_file, ["VARCHAR", "BIGINT"],
            "STRUCT(digest VARCHAR, read_path VARCHAR, longest_line BIGINT, "
            "error VARCHAR)", side_effects=True,
        )
        conn.create_function(
            "file_digest", digest, ["VARCHAR"], "VARCHAR",
            side_effects=True, exception_handling="return_null",
        )
        conn.create_function(
            "lines_of_file", pick_lines, ["VARCHAR", "BIGINT[]"],
            "STRUCT(line_ordinal BIGINT, line_number BIGINT, raw_line VARCHAR, "
            "is_utf8 BOOLEAN)[]",
        )

    def inspected_file(self, path: str, file_id: int) -> dict:
        self.scratch.mkdir(parents=True, exist_ok=True)
        return inspect(path, self.scratch / f"{file_id}.ndjson")

    @property
    def scratch(self) -> Path:
        return Path(f"{os.path.abspath(self.creds.path)}.scratch")
