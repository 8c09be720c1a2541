"""The files of a log of decisions: what they are called, and what a killed service left open."""

import fcntl
import logging
import os
from pathlib import Path

LOG = logging.getLogger("offer_ai")
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
        content = os.pread(file, os.fstat(file).st_size, 0)
        whole = content.rfind(b"\n") + 1
        os.ftruncate(file, whole)
        if whole:
            path.rename(closed_name(path))
        else:
            path.unlink()
    except BlockingIOError:
        return  # it is another server's
    finally:
        os.close(file)
