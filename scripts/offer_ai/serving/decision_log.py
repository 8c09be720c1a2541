"""Decisions as raw events: lines in files that land when they are closed."""

import fcntl
import json
import os
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

OPEN, CLOSED = ".decisions-*.open", "decisions-*.ndjson"


class DecisionLog:
    """Appends events to a hidden file of a folder and renames it, whole, now and then.

    An event is in the kernel's hands when `append` returns: a killed process loses none.
    What it left open, the next one closes. A file is renamed after `seconds` or `lines`.
    """

    def __init__(self, folder: Path, seconds: float = 10.0, lines: int = 50_000):
        self.folder, self.seconds, self.lines = folder, seconds, lines
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(OPEN):
            close_left(left)
        self.lock = threading.Lock()
        self.file, self.count, self.opened_at = None, 0, 0.0
        self.is_closed = threading.Event()
        threading.Thread(target=self._rotate_by_time, daemon=True).start()

    def append(self, event: dict) -> None:
        """Writes one event; raises OSError when it cannot be kept."""
        line = json.dumps(event).encode() + b"\n"
        with self.lock:
            if self.file is None:
                self._open()
            if os.write(self.file, line) != len(line):
                self._close()
                raise OSError("the disk took only a part of the event")
            self.count += 1
            if self.count >= self.lines:
                self._close()

    def rotate(self) -> None:
        """Closes the file that is open: what it holds can land."""
        with self.lock:
            self._close()

    def close(self) -> None:
        self.is_closed.set()
        self.rotate()

    def _open(self) -> None:
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{os.getpid()}"
        self.path = self.folder / f".decisions-{name}.open"
        self.file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_EXCL)
        fcntl.flock(self.file, fcntl.LOCK_EX)
        self.count, self.opened_at = 0, time.monotonic()

    def _close(self) -> None:
        if self.file is None:
            return
        os.fsync(self.file)
        self.path.rename(closed_name(self.path))
        os.close(self.file)
        self.file = None

    def _rotate_by_time(self) -> None:
        while not self.is_closed.wait(min(self.seconds, 1.0) / 4):
            with self.lock:
                if self.file is not None and time.monotonic() - self.opened_at >= self.seconds:
                    self._close()


def closed_name(path: Path) -> Path:
    return path.with_name(path.name.removeprefix(".").removesuffix(".open") + ".ndjson")


def close_left(path: Path) -> None:
    """Closes a file that a killed process left open, without a line it did not finish."""
    with path.open("rb+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return  # it is another server's
        content = file.read()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            file.truncate(whole)
        if whole:
            path.rename(closed_name(path))
        else:
            path.unlink()
