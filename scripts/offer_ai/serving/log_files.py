"""The files of a log of decisions: what they are called, and what a killed service left open."""

import fcntl
import logging
import os
from pathlib import Path

LOG = logging.getLogger("offer_ai")
BLOCK = 1 << 20  # bytes; no call reads or writes more than 2 GiB
OPEN, CLOSED = ".decisions-*.open", "decisions-*.ndjson"


def closed_name(path: Path) -> Path:
    return path.with_name(path.name.removeprefix(".").removesuffix(".open") + ".ndjson")


def names(path: Path, file: int) -> bool:
    """Whether a path still names an open file."""
    try:
        told = path.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(told, os.fstat(file))


def end_of_lines(file: int) -> int:
    """Bytes of a file up to the end of its last whole line."""
    end = os.fstat(file).st_size
    while end:
        start = max(end - BLOCK, 0)
        if (found := os.pread(file, end - start, start).rfind(b"\n")) >= 0:
            return start + found + 1
        end = start
    return 0


def copy(source: int, target: int, size: int) -> None:
    """Writes so many bytes of one file to another; raises OSError when not all are taken."""
    for start in range(0, size, BLOCK):
        some = os.pread(source, min(BLOCK, size - start), start)
        if os.write(target, some) != min(BLOCK, size - start):
            raise OSError("the disk took only a part of the events")


def close_left(path: Path) -> None:
    """Closes a file that a killed process left open, without a line it did not finish."""
    try:
        file = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return  # its process has just closed it
    except OSError as error:
        LOG.warning("%s was left open and cannot be closed, so its decisions do not land: %s",
                    path, error.strerror)
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not names(path, file):
            return
        whole = end_of_lines(file)
        os.ftruncate(file, whole)
        if whole:
            path.rename(closed_name(path))
        else:
            path.unlink()
    except BlockingIOError:
        return  # it is another server's
    finally:
        os.close(file)
