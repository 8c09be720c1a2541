"""Where event files lie, on disk or in object storage, and how they come to be read."""

import shutil
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from offer_ai.base.settings import URLS
from offer_ai.warehouse import event_files
from offer_ai.warehouse.file_forms import SUFFIXES, compression_of
from offer_ai.warehouse.object_storage import AT_ONCE, ObjectStorage, StorageError
from offer_ai.warehouse.plain_lines import inspect

YOUNG = 60  # seconds since a file was last written to: someone may write on


class EventSource:
    """The event files that a path, a glob or a URL names."""

    def __init__(self, events: str):
        self.events = events
        self.storage = None
        self.listed: dict[str, dict] = {}  # by name, as last seen on disk
        if events.startswith(URLS):
            self.storage = ObjectStorage(events.partition("://")[0])

    def list(self, after: str | None = None) -> list[dict]:
        """One row per file: source_file, size (bytes), modified_us (since 1970).

        In object storage, only names that sort behind `after`, if that is given. Raises
        OSError, and of it StorageError.
        """
        if self.storage:
            return self.storage.list(self.events, after)
        found = event_files.list_files(self.events)
        self.listed = {row["source_file"]: row for row in found}
        return found

    def digest(self, name: str) -> str:
        """What tells whether a file is the one it was: SHA-256 of its bytes, or the ETag."""
        return self.storage.etag(name) if self.storage else event_files.digest(name)

    def inspect(
        self, places: Sequence[tuple[str, int]], names: Sequence[str], below: Sequence[str],
        scratch: Path,
    ) -> Iterator[dict]:
        """How each file (its name and file_id) is read, in order; `scratch` is for copies.

        As `plain_lines.inspect` yields; an object that was not there to be read is not reached,
        nor is a file that is being written to.
        """
        scratch.mkdir(parents=True, exist_ok=True)
        if not self.storage:
            for name, file_id in places:
                try:
                    path = self.at_rest(name, scratch / f"{file_id}.object")
                except BlockingIOError as error:
                    yield unreached(name, error)
                else:
                    yield inspect(str(path), names, below, scratch / f"{file_id}.ndjson")
            return
        with ThreadPoolExecutor(AT_ONCE) as pool:
            fetched = pool.map(lambda place: self.fetched(*place, scratch), places)
            for (name, file_id), copy in zip(places, fetched, strict=True):
                if isinstance(copy, StorageError):
                    yield unreached(name, copy)
                else:
                    path, etag = copy
                    yield inspect(
                        str(path), names, below, scratch / f"{file_id}.ndjson",
                    ) | {"digest": etag, "is_reached": True}

    def fetched(self, url: str, file_id: int, scratch: Path) -> tuple[Path, str] | StorageError:
        """A copy of an object, under a name that says how it is compressed, and its ETag."""
        copy = scratch / f"{file_id}.object"
        try:
            etag = self.storage.fetch(url, copy)
            return named_as(copy, url), etag
        except OSError as error:
            return error if isinstance(error, StorageError) else StorageError(str(error))

    def at_rest(self, name: str, copy: Path) -> Path:
        """A file that nobody writes to while a build reads it more than once: itself, or a copy.

        Raises BlockingIOError where it was written to since it was listed.
        """
        now = {"source_file": name, **event_files.stamp(name)}
        is_young = now["modified_us"] / 1e6 > time.time() - YOUNG
        try:
            # What cannot be read says why when it is looked at.
            if not is_young or not Path(name).is_file():
                return Path(name)
            shutil.copyfile(name, copy)
        except OSError:
            copy.unlink(missing_ok=True)  # a full disk is needed for other things
            return Path(name)
        if not self.listed.get(name, now) == now == {
                "source_file": name, **event_files.stamp(name)}:
            raise BlockingIOError("it is being written to; the next build tries again")
        return named_as(copy, name)


def named_as(copy: Path, name: str) -> Path:
    """Gives a copy a name that says how it is compressed, and of what form the file is."""
    suffix = SUFFIXES.get(compression_of(str(copy))) or Path(name).suffix
    return copy.rename(copy.with_name(copy.name + suffix))


def unreached(name: str, error: OSError) -> dict:
    """A row of a file that was not there to be read."""
    return {"read_path": name, "error": str(error), "longest_line": 0, "has_other_case": False,
            "is_reached": False}
