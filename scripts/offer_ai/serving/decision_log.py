"""Decisions as raw events: lines in files that land when they are closed."""

import fcntl
import os
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import orjson

from offer_ai.serving.log_files import LOG, OPEN, close_left, closed_name, copy, names


class DecisionLog:
    """Appends events to a hidden file of a folder and renames it, whole, now and then.

    An event is in the kernel's hands when `append` returns: a killed process loses none.
    What it left open, the next one closes. A file is renamed after `seconds` or `lines`; one that
    could not be is tried again every `seconds`.
    Several logs, of any processes, may share a folder.
    """

    def __init__(self, folder: Path, seconds: float = 10.0, lines: int = 50_000):
        self.folder, self.seconds, self.lines = folder, seconds, lines
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(OPEN):
            close_left(left)
        self.lock = threading.Lock()
        self.file, self.path, self.count, self.size, self.opened_at = None, None, 0, 0, 0.0
        self.refused = 0  # bytes of the event that the disk did not take last; 0 since it took one
        self.full: list[tuple[int, Path]] = []  # no event goes there any more; to be closed
        self.left: dict[Path, float] = {}  # what could not be closed, and when tried
        self.is_closed, self.is_due = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._rotate_by_time, daemon=True)
        self.thread.start()

    def append(self, event: dict) -> None:
        """Writes one event; raises OSError when it cannot be kept."""
        line = orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE)
        with self.lock:
            self.refused = len(line)
            self._writable()
            written = os.write(self.file, line)
            if written != len(line):
                os.ftruncate(self.file, self.size)
                raise OSError("the disk took only a part of the event")
            self.refused = 0
            self.size += written
            self.count += 1
            if self.count >= self.lines:
                self._leave()
                self.is_due.set()  # a thread closes it: the decision is kept, however that ends

    def rotate(self) -> None:
        """Closes the file that is open: what it holds can land."""
        with self.lock:
            self._leave()
        self._close_full()

    def check(self) -> None:
        """Raises OSError when no event could be written now."""
        with self.lock:
            if self.refused or self.file is None or os.fstat(self.file).st_nlink == 0:
                probe = self.folder / f".probe-{os.getpid()}.tmp"
                try:
                    probe.write_bytes(b"\n" * max(self.refused, 1))
                finally:  # in another container a process may have the same number
                    probe.unlink(missing_ok=True)

    def close(self) -> None:
        self.is_closed.set()
        self.is_due.set()
        self.thread.join()
        self.rotate()

    def _writable(self) -> None:
        """Has a file that is in the folder. The events of one that somebody deleted were
        acknowledged: they are written again, which raises OSError while the folder is gone."""
        if self.file is not None and os.fstat(self.file).st_nlink:
            return
        file, path = self._opened()
        if (deleted := self.file) is None:
            self.count, self.size = 0, 0
        else:
            try:
                copy(deleted, file, self.size)
            except OSError:
                path.unlink(missing_ok=True)
                os.close(file)
                raise
            os.close(deleted)
            LOG.warning("%s: a file of decisions was deleted; its %d events are written again",
                        self.folder, self.count)
        self.file, self.path, self.opened_at = file, path, time.monotonic()

    def _opened(self) -> tuple[int, Path]:
        """A new file of the folder, locked, and its path."""
        while True:
            name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{os.getpid()}"
            path = self.folder / f".decisions-{name}.open"
            try:
                file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_EXCL, 0o644)
            except FileExistsError:  # another log of this process, in the same microsecond
                continue
            fcntl.flock(file, fcntl.LOCK_EX)
            if names(path, file):
                return file, path
            os.close(file)  # before it was locked, another process took it for one left behind

    def _leave(self) -> None:
        """Takes the open file out of use: what comes next goes to a new one."""
        if self.file is not None:
            self.full.append((self.file, self.path))
        self.file = None

    def _close_full(self) -> None:
        """Not under the lock: no decision waits for the disk. Raises the last OSError."""
        with self.lock:
            full, self.full = self.full, []
        failed = None
        for file, path in full:
            try:
                self._close(file, path)
            except OSError as error:
                failed = error
        if failed:
            raise failed

    def _close(self, file: int, path: Path) -> None:
        try:
            if os.fstat(file).st_size:
                os.fsync(file)
                path.rename(closed_name(path))
            else:  # the disk took no event
                path.unlink(missing_ok=True)
        except OSError:
            self.left[path] = time.monotonic()
            raise
        finally:
            os.close(file)

    def _close_left(self) -> None:
        for path, tried_at in [*self.left.items()]:
            if time.monotonic() - tried_at >= self.seconds:
                self.left[path] = time.monotonic()
                if path.exists():  # else its folder is away, most likely
                    close_left(path)
                    if not path.exists():
                        del self.left[path]

    def _rotate_by_time(self) -> None:
        while not self.is_closed.is_set():
            self.is_due.wait(min(self.seconds, 1.0) / 4)
            self.is_due.clear()
            try:
                with self.lock:
                    if self.file is not None and time.monotonic() - self.opened_at >= self.seconds:
                        self._writable()
                        self._leave()
                self._close_full()
                self._close_left()
            except OSError as error:
                LOG.warning("%s: a file of decisions cannot be closed: %s", self.folder, error)
