"""One process at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click


@contextmanager
def only_one(path: Path, what: str) -> Iterator[None]:
    """Holds the lock of a file; raises ClickException when another process does, of which the
    message says that it does `what` already. A killed process holds nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            raise click.ClickException(
                f"Process {file.read().strip() or '?'} {what} already.") from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


@contextmanager
def publishing(export: Path) -> Iterator[None]:
    """One process at a time publishes into a folder: each writes aside under the same names."""
    export.mkdir(parents=True, exist_ok=True)
    with after_others(export / ".publishing"):
        yield


@contextmanager
def after_others(path: Path) -> Iterator[None]:
    """Holds the lock of a file, once no other process does."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
