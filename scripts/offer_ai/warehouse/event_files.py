"""Event files: which there are, and whether one has changed."""

import glob
import hashlib
import os
from collections.abc import Iterator

DIGEST_BLOCKS = 16
MARKER, MARKED = "_SUCCESS", (".crc", ".tmp", ".part")  # a name, and how names end


def find(events: str) -> list[str]:
    """The event files that a file, directory or glob names, in order of name.

    In a directory (searched through and through, links followed) and for a glob every
    file counts, whatever its name, but hidden ones, markers and empty ones. A file that is
    named by itself counts in any case. Raises OSError where a folder cannot be searched.
    """
    events = os.path.abspath(events)
    if os.path.isdir(events):
        found = files_below(events)
    elif os.path.lexists(events):
        return [events]
    else:
        found = (
            path for match in glob.glob(events, recursive=True)
            for path in (files_below(match) if os.path.isdir(match) else [match]))
    return sorted({path for path in found if may_hold_events(path)})


def files_below(folder: str, seen: set[str] | None = None) -> Iterator[str]:
    """Every file below a folder, those of hidden folders left out.

    A folder counts once, under its own name if it lies there, however many links lead to it: a
    link such as `latest` leads to another one each day. `seen` are folders that count already.
    """
    def fail(error: OSError):
        raise error

    seen, links = set() if seen is None else seen, []
    for parent, folders, names in os.walk(folder, onerror=fail):
        seen.add(os.path.realpath(parent))
        below = [os.path.join(parent, name) for name in sorted(folders) if name[0] != "."]
        links += filter(os.path.islink, below)
        folders[:] = [os.path.basename(path) for path in below
                      if not os.path.islink(path) and os.path.realpath(path) not in seen]
        yield from (os.path.join(parent, name) for name in names)
    for link in links:
        if os.path.realpath(link) not in seen:
            yield from files_below(link, seen)


def is_event_name(path: str) -> bool:
    """Whether neither a folder of a path is hidden nor its file, and that is no marker."""
    names = path.split("/")
    return names[-1] != MARKER and not path.endswith(MARKED) and not any(
        name.startswith(".") for name in names)


def may_hold_events(path: str) -> bool:
    if not is_event_name(os.path.basename(path)):
        return False
    # A link that leads nowhere is reported, not passed over.
    try:
        return os.path.getsize(path) > 0
    except OSError:
        return os.path.lexists(path)  # else it went while it was looked at


def list_files(events: str) -> list[dict]:
    """One row per event file: source_file, size (bytes), modified_us (since 1970). Raises OSError,
    also over a name that no table can hold."""
    found = find(events)
    for path in found:
        try:
            path.encode()
        except UnicodeEncodeError:
            raise OSError(f"the name of {path!a} is not UTF-8: rename it") from None
    return [{"source_file": path, **stamp(path)} for path in found]


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
