"""What a file is, as its content says: its compression, encoding and form."""

import codecs
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import pyarrow as pa

BLOCK = 16 << 20
HEAD = 1 << 18  # bytes that are looked at to tell lines from other forms
SAMPLED_LINES = 500
MAX_LINE = 1 << 30
COMPRESSIONS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
SUFFIXES = {"gzip": ".gz", "zstd": ".zst"}  # by which DuckDB knows them
# Those of UTF-16 with the pattern that an ASCII character makes: the marks alone may as
# well be the broken first line of a file of UTF-8.
ENCODINGS = {
    rb"\xef\xbb\xbf": "utf-8-sig",
    rb"\xff\xfe.\0": "utf-16",
    rb"\xfe\xff\0": "utf-16",
    rb"[\[{]\0.\0": "utf-16-le",
    rb"\0[\[{]\0": "utf-16-be",
}
OTHERS = {
    b"BZh": "bzip2", b"\xfd7zXZ\0": "xz", b"PK\x03\x04": "zip", b"\x04\x22\x4d\x18": "lz4",
    b"ORC": "ORC", b"Obj\x01": "Avro", b"SQLite format 3\0": "SQLite", b"%PDF": "PDF",
}
WAY_OUT = "deliver lines of JSON or Parquet, plain, gzip or zstd"


class FormError(ValueError):
    """The file is of no form that is read here; the message says what it seems to be."""


class Form(Enum):
    LINES = "a JSON value on each line, each judged alone"
    VALUES = "JSON values, arrays of them among them, with any white space between"
    PARQUET = "Parquet"


@dataclass(frozen=True)
class Content:
    """What a file is. `names` are those of the fields of the objects that were sampled,
    `names_below` those in objects that these hold.
    """

    compression: str | None
    encoding: str | None
    form: Form
    names: frozenset[str]
    names_below: frozenset[str] = frozenset()


def compression_of(path: str) -> str | None:
    """gzip, zstd or None, by the file's first bytes. Raises OSError."""
    with open(path, "rb") as file:
        start = file.read(4)
    return next((name for magic, name in COMPRESSIONS.items() if start.startswith(magic)), None)


def is_read_as_it_lies(path: str, content: Content) -> bool:
    """Whether DuckDB, which goes by names, decompresses the file as its content asks."""
    if is_oddly_named(path):
        return False
    by_name = next((c for c, suffix in SUFFIXES.items() if path.endswith(suffix)), None)
    return (by_name, content.encoding, content.form) == (content.compression, None, Form.LINES)


def is_oddly_named(path: str) -> bool:
    """Whether DuckDB would take the name for another: what is behind `?` it takes for the query
    of a URL, and behind a backslash no sign of a glob can be escaped."""
    return "?" in path or "\\" in path


def chunks(path: str, size: int = BLOCK) -> Iterator[bytes]:
    """The file's decompressed bytes; raises OSError where they break off."""
    with pa.input_stream(path, compression=compression_of(path)) as stream:
        while chunk := stream.read(size):
            yield chunk


def content_of(path: str) -> Content:
    """Tells what a file is from its first bytes; raises FormError and OSError."""
    head, is_whole = head_of(path)
    compression = compression_of(path)
    if head.startswith(b"PAR1"):
        return Content(compression, None, Form.PARQUET, frozenset())
    for magic, name in OTHERS.items():
        if head.startswith(magic):
            raise FormError(f"it is {name}; {WAY_OUT}")
    encoding = next(
        (name for mark, name in ENCODINGS.items() if re.match(mark, head, re.DOTALL)), None)
    if encoding:
        head = head.decode(encoding, "replace").encode()
    lines = sampled_lines(head, is_whole)
    values = [parsed(line) for line in lines]
    names = frozenset(name for value in values if isinstance(value, dict) for name in value)
    form = form_of_text(head, is_whole, lines, values, path)
    return Content(compression, encoding, form, names, frozenset(names_below(values)))


def names_below(values: list[object]) -> Iterator[str]:
    """The names in objects that objects hold, however deep."""
    for value in values:
        if isinstance(value, (dict, list)):
            inner = list(value.values()) if isinstance(value, dict) else value
            for one in inner:
                if isinstance(one, dict):
                    yield from one
            yield from names_below(inner)


def sampled_lines(head: bytes, is_whole: bool) -> list[bytes]:
    """The first lines that are not blank, without one that may go on."""
    lines = head.split(b"\n")
    if not is_whole and len(lines) > 1:
        lines.pop()
    return [line for line in lines if line.strip()][:SAMPLED_LINES]


def head_of(path: str) -> tuple[bytes, bool]:
    """The file's first HEAD bytes or its first line if that is longer; and if that is all."""
    parts, length, has_line = [], 0, False
    for chunk in chunks(path, HEAD):
        parts.append(chunk)
        length += len(chunk)
        has_line = has_line or b"\n" in chunk
        if length > MAX_LINE or (length > HEAD and has_line):
            return b"".join(parts), False
    return b"".join(parts), True


def form_of_text(
    head: bytes, is_whole: bool, lines: list[bytes], values: list[object], name: str,
) -> Form:
    """Tells lines from values by what the sampled lines, parsed, are; raises FormError.

    Values stand several to a line, or in an array, or spread over lines. A file of which
    half the lines are objects is one of lines, whatever the others are, unless each of
    these holds whole objects too.
    """
    kinds = [kind_of_line(line, value) for line, value in zip(lines, values, strict=True)]
    objects = kinds.count("object")
    if "broken" not in kinds:
        return Form.VALUES if "several" in kinds else Form.LINES
    if objects * 2 >= len(lines):
        return Form.LINES
    found, is_clean = objects_in(head, is_whole)
    if found and (is_clean or found > objects):
        return Form.VALUES
    if found or any(line.lstrip()[:1] in (b"{", b"[") for line in lines):
        return Form.LINES
    raise FormError(f"it is neither JSON nor Parquet{looks_like(lines[0], name)}; {WAY_OUT}")


def kind_of_line(line: bytes, value: object) -> str:
    """object, other (JSON without an object), several (objects and what may lie between)
    or broken.
    """
    if isinstance(value, dict):
        return "object"
    if value is not None or line.strip() == b"null":
        is_batch = isinstance(value, list) and any(isinstance(v, dict) for v in value)
        return "several" if is_batch else "other"
    found, is_clean = objects_in(line, is_whole=True)
    return "several" if is_clean and (found or not line.strip(b" \t\r,[]\x1e")) else "broken"


def looks_like(line: bytes, name: str) -> str:
    suffix = os.path.splitext(name)[1]
    if suffix == ".br":
        return ", brotli by its name"
    text = line[:1000].decode("utf-8", "replace")
    if "\ufffd" in text or not text.isprintable():
        return " but some other binary form"
    return " but looks like CSV" if re.search(r"\w[,;\t]\s*\"?\w", text) else " but other text"


def parsed(line: bytes) -> object:
    """The JSON value of a line; None when it is not one."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def objects_in(text: bytes, is_whole: bool) -> tuple[int, bool]:
    """How many objects a text holds, one after another or in arrays; and if all is JSON.

    Of a text that goes on (`is_whole` false) the last value may be cut.
    """
    try:
        decoded, is_clean = codecs.getincrementaldecoder("utf-8")().decode(text, is_whole), True
    except UnicodeDecodeError:
        decoded, is_clean = text.decode("utf-8", "replace"), False
    count = 0
    for piece, value, is_last in split_values(decoded):
        count += isinstance(value, dict)
        if value is None and piece != "null" and (is_whole or not is_last):
            is_clean = False
    return count, is_clean


def split_values(text: str) -> Iterator[tuple[str, object, bool]]:
    """Cuts text into JSON values: what each says, the value, and whether it is the last.

    Arrays outside of values are opened. What is no JSON is one piece, with None for a
    value, up to where the next value begins: a line that starts with `{` or `[`, no deeper
    indented than the line of the broken one, or a `{` behind a `}`.
    """
    decoder = json.JSONDecoder()
    position, end = 0, len(text)
    while (start := GAP.match(text, position).end()) < end:
        try:
            value, position = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            line_start = text.rfind("\n", 0, start) + 1
            indent = INDENT.match(text, line_start).end() - line_start
            following = re.compile(
                rf"\n[ \t]{{0,{indent}}}(?=[\[{{])|(?<=\}})\s*,?\s*(?=\{{)").search(text, start + 1)
            position = following.end() if following else end
            yield text[start:position].rstrip(), None, following is None
        else:
            yield text[start:position], value, False


INDENT = re.compile(r"[ \t]*")
GAP = re.compile(r"[\s,\[\]\x1e\ufeff]*")
