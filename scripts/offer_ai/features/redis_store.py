"""The feature store in Redis or Valkey."""

from collections.abc import Iterator, Sequence
from functools import wraps
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import redis
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.retry import Retry

from offer_ai.features.store import Description, Item, ItemError, Row, Store, StoreError

BATCH = 2_000
TRIES = 6
PUBLISHER_WAITS, READER_WAITS = 5.0, 0.25  # seconds; a request has other ways to go on
SEPARATOR = "\n"


def as_store_error(method):
    """Turns what Redis raises into a StoreError that names the server."""
    @wraps(method)
    def call(self, *arguments):
        try:
            return method(self, *arguments)
        except redis.RedisError as error:
            raise StoreError(f"Redis at {self.server}: {error}") from error
    return call


class RedisStore(Store):
    """One string per user under `prefix:user:<id>`, written in pipelines.

    URL: redis://[user:password@]host[:port]/[number][?prefix=offer_ai&timeout=5]; rediss
    for TLS. A lost connection is tried again, by a publisher with growing pauses.
    """

    def __init__(self, url: str, read_only: bool = False):
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query))
        self.prefix = options.pop("prefix", "offer_ai")
        timeout = float(options.pop("timeout", READER_WAITS if read_only else PUBLISHER_WAITS))
        self.server = f"{parts.hostname}:{parts.port or 6379}"
        self.client = redis.Redis.from_url(
            urlunsplit(parts._replace(query=urlencode(options))),
            socket_timeout=timeout, socket_connect_timeout=timeout,
            retry=Retry(NoBackoff(), 1) if read_only else
            Retry(ExponentialBackoff(cap=2, base=0.05), TRIES),
            retry_on_error=[redis.ConnectionError, redis.TimeoutError,
                            redis.exceptions.TryAgainError])

    def _key(self, user_id: str) -> str:
        return f"{self.prefix}:user:{user_id}"

    @staticmethod
    def _item(user_id: str, value: bytes) -> Item:
        try:
            schema_version, as_of, feature_versions = value.decode().split(SEPARATOR, 2)
        except ValueError as error:
            raise ItemError(user_id) from error
        return Item(user_id, feature_versions, as_of, schema_version)

    @as_store_error
    def description(self) -> Description | None:
        text = self.client.get(f"{self.prefix}:description")
        return None if text is None else Description.from_json(text)

    @as_store_error
    def get(self, user_id: str) -> Item | None:
        value = self.client.get(self._key(user_id))
        return None if value is None else self._item(user_id, value)

    @as_store_error
    def get_many(self, user_ids: Sequence[str]) -> dict[str, Item]:
        items = {}
        for start in range(0, len(user_ids), BATCH):
            some = user_ids[start:start + BATCH]
            for user_id, value in zip(
                    some, self.client.mget([self._key(u) for u in some]), strict=True):
                if value is not None:
                    items[user_id] = self._item(user_id, value)
        return items

    @as_store_error
    def user_ids(self) -> Iterator[str]:
        start = len(self._key(""))
        keys = self.client.scan_iter(match=f"{self.prefix}:user:*", count=BATCH)
        return iter([key.decode()[start:] for key in keys])

    @as_store_error
    def write(self, rows: Sequence[Row], description: Description) -> None:
        stamp = description.schema_version + SEPARATOR + description.as_of + SEPARATOR
        for start in range(0, len(rows), BATCH):
            self.client.mset({self._key(user_id): stamp + feature_versions
                              for user_id, feature_versions in rows[start:start + BATCH]})

    @as_store_error
    def remove(self, user_ids: Sequence[str]) -> None:
        for start in range(0, len(user_ids), BATCH):
            self.client.unlink(*(self._key(u) for u in user_ids[start:start + BATCH]))

    @as_store_error
    def complete(self, description: Description) -> None:
        self.client.set(f"{self.prefix}:description", description.to_json())

    def close(self) -> None:
        self.client.close()
