"""Raw event files as DuckDB sees them: which there are and which can be read.

A dbt-duckdb plugin. SQL does the parsing; what SQL cannot do is done here: list
the files, tell why one cannot be read (one bad file must not stop a build), turn
the forms that the line reader does not know (a JSON array, Parquet, UTF-16, a
byte order mark) into plain NDJSON, and fetch the text of rejected lines.
"""

import codecs
import gc
import glob
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pandas  # noqa: F401  DuckDB would import it amid the first model that calls us.
import pyarrow as pa
from dbt.adapters.duckdb.plugins import BasePlugin

SUFFIXES = (".ndjson", ".jsonl", ".json")
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
# Those of UTF-16 with the pattern that an ASCII character makes after them: alone,
# they may as well be the broken first line of a file of UTF-8.
BYTE_ORDER_MARKS = {
    rb"\xef\xbb\xbf": "utf-8-sig",
    rb"\xff\xfe.\0": "utf-16",
    rb"\xfe\xff\0": "utf-16",
}
BLOCK = 16 << 20
MAX_LINE = 1 << 30
DIGEST_BLOCKS = 16


def find(events: str) -> list[str]:
    """The event files that a file, directory or glob names, in order of name.

    In a directory (searched through and through) and for a glob, only names
    that end in a known suffix count, and hidden files do not.
    """
    events = os.path.abspath(events)
    path = Path(events)
    if path.is_dir():
        found = [
            os.path.join(folder, name)
            for folder, _, names in os.walk(path)
            for name in names
        ]
    elif path.exists():
        return [events]
    else:
        found = glob.glob(events, recursive=True)
        found = [name for name in found if not os.path.isdir(name)]
    return sorted(name for name in found if is_event_file(name))


def is_event_file(name: str) -> bool:
    base = os.path.basename(name)
    stem, last = os.path.splitext(base)
    plain = stem if last in COMPRESSIONS else base
    return not base.startswith(".") and plain.endswith((*SUFFIXES, ".parquet"))


def chunks(path: str, size: int = BLOCK) -> Iterator[bytes]:
    """The file's decompressed bytes; raises OSError where they break off."""
    compression = COMPRESSIONS.get(os.path.splitext(path)[1])
    with pa.input_stream(path, compression=compression) as stream:
        while chunk := stream.read(size):
            yield chunk


def first_bytes(path: str) -> bytes:
    return next(chunks(path, 4096), b"")


def longest_line(path: str) -> int:
    """An upper bound, in bytes, of the length of the file's lines.

    A plain file is only sampled: where every block has a line break, no line
    is longer than two blocks. A compressed one is read to its end, which also
    shows whether it is whole.
    """
    is_plain = os.path.splitext(path)[1] not in COMPRESSIONS
    size = os.path.getsize(path)
    if is_plain and size <= 2 * BLOCK:
        return size
    if is_plain:
        with open(path, "rb") as file:
            for start in range(0, size - BLOCK, BLOCK):
                file.seek(start)
                room = BLOCK
                while room > 0 and b"\n" not in (part := file.read(min(room, 1 << 16))):
                    room -= len(part)
                if room <= 0:
                    break
            else:
                return 2 * BLOCK
    longest = length = 0
    for chunk in chunks(path):
        first = chunk.find(b"\n")
        if first < 0:
            length += len(chunk)
        else:
            longest = max(longest, length + first)
            length = len(chunk) - chunk.rfind(b"\n")
            if len(chunk) > longest:
                longest = max(longest, *(map(len, chunk.split(b"\n"))))
    return max(longest, length)


def list_files(events: str) -> list[dict]:
    """One row per event file: source_file, size (bytes), modified_us (since 1970)."""
    return [{"source_file": path, **stamp(path)} for path in find(events)]


def stamp(path: str) -> dict:
    """The file's size and modified_us; 0 and 0 when it cannot be reached."""
    try:
        stat = os.stat(path)
    except OSError:
        return {"size": 0, "modified_us": 0}
    return {"size": stat.st_size, "modified_us": stat.st_mtime_ns // 1000}


def digest(path: str) -> str:
    """SHA-256, in hexadecimal, of the file's bytes.

    Of a file beyond DIGEST_BLOCKS blocks of 64 KiB, only that many, spread evenly
    from the first to the last, are taken.
    """
    block = 1 << 16
    size = os.path.getsize(path)
    sha = hashlib.sha256()
    with open(path, "rb") as file:
        if size <= DIGEST_BLOCKS * block:
            sha.update(file.read())
        else:
            for index in range(DIGEST_BLOCKS):
                file.seek((size - block) * index // (DIGEST_BLOCKS - 1))
                sha.update(file.read(block))
    return sha.hexdigest()


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


def is_json(path: str) -> bool:
    stem, last = os.path.splitext(path)
    return (stem if last in COMPRESSIONS else path).endswith(".json")


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
    target = str(copy).replace("'", "''")
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute("set TimeZone = 'UTC'")
        con.execute(f"copy ({query}) to '{target}' {form}", [glob.escape(path)])
    return str(copy)


def pick_lines(path: str, ordinals: list[int]) -> list[dict]:
    """The lines of a file with these ordinals among those that are not blank.

    Bytes that are not UTF-8 are replaced, and `is_utf8` is false.
    """
    wanted = set(ordinals)
    found, ordinal, number = [], 0, 0

    def visit(line: bytes) -> None:
        nonlocal ordinal, number
        number += 1
        if not line.strip():
            return
        ordinal += 1
        if ordinal in wanted:
            text = line.removesuffix(b"\r").decode("utf-8", "replace")
            found.append({
                "line_ordinal": ordinal, "line_number": number, "raw_line": text,
                "is_utf8": "\ufffd" not in text or is_utf8(line),
            })

    parts: list[bytes] = []
    for chunk in chunks(path):
        first, *lines = chunk.split(b"\n")
        parts.append(first)
        if not lines:
            continue
        visit(b"".join(parts))
        for line in lines[:-1]:
            visit(line)
        parts = [lines[-1]]
    rest = b"".join(parts)
    if rest:
        visit(rest)
    return found


def is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


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
