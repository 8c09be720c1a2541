"""Where event files lie, on disk or in object storage, and how they come to be read."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from offer_ai.base.settings import URLS
from offer_ai.warehouse import event_files
from offer_ai.warehouse.file_forms import SUFFIXES, compression_of
from offer_ai.warehouse.object_storage import AT_ONCE, ObjectStorage, StorageError
from offer_ai.warehouse.plain_lines import inspect


class EventSource:
    """The event files that a path, a glob or a URL names."""

    def __init__(self, events: str):
        self.events = events
        self.storage = None
        if events.startswith(URLS):
            self.storage = ObjectStorage(events.partition("://")[0])

    def list(self, after: str | None = None) -> list[dict]:
        """One row per file: source_file, size (bytes), modified_us (since 1970).

        In object storage, only names that sort behind `after`, if that is given. Raises
        OSError, and of it StorageError.
        """
        if self.storage:
            return self.storage.list(self.events, after)
        return event_files.list_files(self.events)

    def digest(self, name: str) -> str:
        """What tells whether a file is the one it was: SHA-256 of its bytes, or the ETag."""
        return self.storage.etag(name) if self.storage else event_files.digest(name)

    def inspect(
        self, places: Sequence[tuple[str, int]], names: Sequence[str], below: Sequence[str],
        scratch: Path,
    ) -> Iterator[dict]:
        """How each file (its name and file_id) is read, in order; `scratch` is for copies.

        As `plain_lines.inspect` yields; an object that was not there to be read is not reached.
        """
        scratch.mkdir(parents=True, exist_ok=True)
        if not self.storage:
            for name, file_id in places:
                copy = scratch / f"{file_id}.ndjson"
                yield inspect(name, names, below, copy)
            return
        with ThreadPoolExecutor(AT_ONCE) as pool:
            fetched = pool.map(lambda place: self.fetched(*place, scratch), places)
            for (name, file_id), copy in zip(places, fetched, strict=True):
                if isinstance(copy, StorageError):
                    yield {"read_path": name, "error": str(copy), "longest_line": 0,
                           "has_other_case": False, "is_reached": False}
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
            compression = compression_of(str(copy))
        except OSError as error:
            return error if isinstance(error, StorageError) else StorageError(str(error))
        suffix = SUFFIXES.get(compression) or Path(url).suffix
        return copy.rename(copy.with_name(f"{file_id}.object{suffix}")), etag
