"""Takes users out of the service's logs of decisions."""

import json
import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from offer_ai.base.files import part_of
from offer_ai.erasing.found import Found
from offer_ai.serving.log_files import CLOSED, OPEN, closed_name

USER = re.compile(rb'"customer_identifier": ?("(?:[^"\\]|\\.)*")')


def decisions(folder: Path, users: Collection[str], dry_run: bool) -> list[Found]:
    """Blanks the lines of users in every log of a folder, closed or open.

    A line becomes spaces, and a closed file keeps size and time: it has landed, most likely, and
    is still the file that landed.
    """
    # As the service writes an id, and as it did before it used orjson.
    wanted = {json.dumps(user, ensure_ascii=is_ascii).encode()
              for user in users for is_ascii in (False, True)}
    if not dry_run:
        for left in folder.glob(f".{CLOSED}.part"):  # of a process that was killed
            left.unlink(missing_ok=True)
    found = []
    for path in sorted([*folder.glob(CLOSED), *folder.glob(OPEN)]):
        try:
            count = blank(path, wanted, dry_run)
        except FileNotFoundError:  # closed since: its name is another now
            path = closed_name(path)
            count = blank(path, wanted, dry_run)
        if count:
            found.append(Found("decision log", str(path), count))
    return found


def blank(path: Path, wanted: set[bytes], dry_run: bool) -> int:
    """Blanks the lines of users in one file; returns how many there were."""
    content = path.read_bytes()
    lines = list(lines_of(content, wanted))
    if not lines or dry_run:
        return len(lines)
    if path.name.endswith(".open"):
        # Its server appends to it: what is whole is written over where it stands.
        with path.open("rb+") as file:
            for start, end in lines:
                os.pwrite(file.fileno(), b" " * (end - start), start)
            os.fsync(file.fileno())
        return len(lines)
    told, changed = path.stat(), bytearray(content)
    for start, end in lines:
        changed[start:end] = b" " * (end - start)
    part = part_of(path)
    with part.open("wb") as file:
        file.write(changed)
        file.flush()
        os.fsync(file.fileno())
    os.utime(part, ns=(told.st_atime_ns, told.st_mtime_ns))
    part.replace(path)
    return len(lines)


def lines_of(content: bytes, wanted: set[bytes]) -> Iterator[tuple[int, int]]:
    """From where to where each whole line of one of the users goes, without its end."""
    for match in USER.finditer(content):
        if match[1] in wanted:
            end = content.find(b"\n", match.end())
            if end >= 0:
                yield content.rfind(b"\n", 0, match.start()) + 1, end
