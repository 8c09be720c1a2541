"""Files as plain lines of JSON: copies of those that are another form, and single lines."""

import codecs
import glob
import os
from collections.abc import Sequence
from pathlib import Path

import duckdb

from offer_ai.base.sql import sql_text
from offer_ai.warehouse.event_files import digest
from offer_ai.warehouse.file_forms import (
    BLOCK,
    MAX_LINE,
    Content,
    Form,
    FormError,
    chunks,
    compression_of,
    content_of,
    is_oddly_named,
    is_read_as_it_lies,
    split_values,
)

LINES_OF_TEXT = "(format csv, header false, quote '', escape '', delimiter e'\\x01')"


def inspect(path: str, names: Sequence[str], below: Sequence[str], copy: Path) -> dict:
    """How to read a file as lines of JSON, or why it cannot be.

    `names` are those of a line's own fields, `below` those in objects that fields hold;
    `copy` is where a copy may be written. Keys: digest, is_reached (false where the machine and not
    the content was at fault, so that the next build tries again), read_path (`path`, or `copy`),
    longest_line (bytes, an upper bound), has_other_case (whether names in another case were
    seen among its fields) and error (text or None).
    """
    row = {"digest": None, "read_path": path, "longest_line": 0, "has_other_case": False,
           "error": None, "is_reached": True}
    try:
        row["digest"] = digest(path)
        content = content_of(path)
        if not is_read_as_it_lies(path, content):
            row["read_path"] = copy_as_lines(path, content, names, copy)
        row["has_other_case"] = is_in_other_case(content.names, names) or is_in_other_case(
            content.names_below, below)
        row["longest_line"] = longest_line(row["read_path"])
        if row["longest_line"] > MAX_LINE:
            row["error"] = f"a line is longer than {MAX_LINE:,} bytes"
    except (OSError, FormError, duckdb.Error, MemoryError) as error:
        # What Arrow says of damaged content is an OSError without a number.
        row["is_reached"] = not (isinstance(error, MemoryError) or getattr(error, "errno", None))
        row["error"] = (str(error) or "it is too large").splitlines()[0].removeprefix(f"{path}: ")
    return row


def is_in_other_case(found: frozenset[str], names: Sequence[str]) -> bool:
    """Whether a name that was found differs from one of `names` in its case alone."""
    others = {name.lower() for name in found.difference(names)}
    return not others.isdisjoint(name.lower() for name in names if name)


def copy_as_lines(path: str, content: Content, names: Sequence[str], copy: Path) -> str:
    """Writes a file of any form as plain lines of JSON; returns where."""
    if (content.compression or content.encoding or content.form is Form.LINES
            or is_oddly_named(path)):
        plain = copy.with_suffix(".plain")
        copy_plain(path, content.encoding, plain)
        path = str(plain)
    if content.form is Form.LINES:
        return path
    if content.form is Form.PARQUET:
        copy_parquet(path, names, copy)
    else:
        copy_values(path, copy)
    return str(copy)


def copy_plain(path: str, encoding: str | None, copy: Path) -> None:
    """Writes a file decompressed and, where an encoding is given, as UTF-8; bytes that are none
    stay as they are, to be rejected with their line."""
    errors = "surrogateescape" if encoding == "utf-8-sig" else "replace"
    decoder = encoding and codecs.getincrementaldecoder(encoding)(errors)
    with copy.open("wb") as out:
        for chunk in chunks(path):
            out.write(decoder.decode(chunk).encode("utf-8", errors) if decoder else chunk)
        if decoder:
            out.write(decoder.decode(b"", final=True).encode("utf-8", errors))


def copy_values(path: str, copy: Path) -> None:
    """Writes JSON values, those in arrays one by one, one a line.

    DuckDB reads what is whole; what is not is cut into values here, where what is broken
    becomes a line of its own, to be rejected.
    """
    size = max(os.path.getsize(path), BLOCK)
    for form in ("array", "unstructured"):
        elements = "json" if form == "array" else (
            "unnest(case when json_type(json) = 'ARRAY' then json -> '$[*]' else [json] end)")
        try:
            return copy_rows(f"""
                select translate({elements}::varchar, e'\\n\\r', '  ')
                from read_json_objects(?, format = '{form}', maximum_object_size = {size},
                    hive_partitioning = false)""", path, copy, LINES_OF_TEXT)
        except duckdb.Error:
            continue
    # Bytes that are not UTF-8 stay as they are, to be rejected with their line.
    text = Path(path).read_bytes().decode("utf-8", "surrogateescape")
    with copy.open("w", encoding="utf-8", errors="surrogateescape", newline="") as out:
        for piece, _, _ in split_values(text):
            out.write(piece.replace("\n", " ").replace("\r", " ") + "\n")


def copy_parquet(path: str, names: Sequence[str], copy: Path) -> None:
    """Writes the rows of Parquet, each column as the text that a JSON producer would send.

    A column that is a field but for its case, where none is in the right case, gets the
    field's name.
    """
    described = "describe select * from read_parquet(?, hive_partitioning = false)"
    with duckdb.connect() as con:
        columns = con.execute(described, [glob.escape(path)]).fetchall()
    present = {name for name, *_ in columns}
    fields = {name.lower(): name for name in names if name not in present}
    selected = []
    for name, kind, *_ in columns:
        known = name if name in names else fields.pop(name.lower(), name)
        selected.append(f"{as_sent(quoted(name), kind)} as {quoted(known)}")
    copy_rows(f"select {', '.join(selected)} from read_parquet(?, hive_partitioning = false)",
              path, copy)


def as_sent(column: str, kind: str) -> str:
    """A Parquet column as SQL for its text: whole doubles without a fraction, bytes decoded."""
    if kind in ("DOUBLE", "FLOAT"):
        return (f"case when {column} = trunc({column}) and abs({column}) < 1e18 "
                f"then {column}::hugeint::varchar else {column}::varchar end")
    if kind == "BLOB":
        return f"coalesce(try(decode({column})), {column}::varchar)"
    if kind.endswith("]") or kind.startswith(("STRUCT", "MAP")):
        return f"to_json({column})"
    return f"{column}::varchar"


def copy_rows(query: str, path: str, copy: Path, form: str = "(format json)") -> None:
    """Writes the rows of a query of one file as lines."""
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute("set TimeZone = 'UTC'")
        try:
            con.execute(f"copy ({query}) to {sql_text(copy)} {form}", [glob.escape(path)])
        except UnicodeDecodeError as error:  # DuckDB's own message quotes the file's bytes
            raise duckdb.InvalidInputException("it holds bytes that are not UTF-8") from error


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def longest_line(path: str) -> int:
    """An upper bound, in bytes, of the length of the file's lines.

    A plain file is only sampled: where every block has a line break, no line
    is longer than two blocks. A compressed one is read to its end, which also
    shows whether it is whole.
    """
    is_plain = compression_of(path) is None
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
