"""Event files: which there are, what their bytes and lines are."""

import glob
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

SUFFIXES = (".ndjson", ".jsonl", ".json")
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
BLOCK = 16 << 20
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


def is_json(path: str) -> bool:
    stem, last = os.path.splitext(path)
    return (stem if last in COMPRESSIONS else path).endswith(".json")


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
