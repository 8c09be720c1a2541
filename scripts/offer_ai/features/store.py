"""Where the latest features are published, and how a request looks them up.

A store holds one item per user and one description of them all. `open_store` gives
the store that a URL names; `publish` brings a store up to date with the warehouse;
`Lookup` answers requests from a store, alone.
"""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

SCHEMA = 2  # of an item; a reader knows its own alone
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class StoreError(Exception):
    """The store cannot serve; the message says why and what to do."""


Row = tuple[str, str]  # user_id and at_request, as in marts.latest_features


class Item(NamedTuple):
    """One user's features: those of every request still to come.

    `at_request` is as in marts.latest_features; `as_of` is the watermark (ISO 8601,
    UTC) when the item was written; `schema_version` as in the description of then.
    """

    user_id: str
    at_request: str
    as_of: str
    schema_version: str


@dataclass(frozen=True)
class Description:
    """What all items of a store have in common.

    `features` are name and data_type in the order of an item's arrays; `cold_start`
    their values (JSON) for a user without events; `as_of` the watermark of the last
    publish, complete through `published_through` (a file_id, which landed at `landed_at`)
    of the warehouse that was first built at `warehouse`; `schema_version` tells stores of
    other features or another form apart.
    """

    features: list[dict]
    cold_start: list
    as_of: str
    warehouse: str
    published_through: int
    landed_at: str
    schema_version: str


def schema_version(features: list[dict]) -> str:
    """The version of items with these features (name and data_type each, in order)."""
    digest = hashlib.sha256(json.dumps(features).encode()).hexdigest()
    return f"{SCHEMA}.{digest[:12]}"


class Store(ABC):
    """What every kind of store can do. All methods raise StoreError."""

    @abstractmethod
    def description(self) -> Description | None:
        """Of the last publish that was completed; None when there was none."""

    @abstractmethod
    def get(self, user_id: str) -> Item | None: ...

    @abstractmethod
    def get_many(self, user_ids: Sequence[str]) -> dict[str, Item]: ...

    @abstractmethod
    def user_ids(self) -> Iterator[str]:
        """Of every item, in no order."""

    @abstractmethod
    def write(self, rows: Sequence[Row], description: Description) -> None:
        """Writes an item of each row, of the description's as_of and schema_version."""

    def write_changed(self, rows: Sequence[Row], description: Description) -> int:
        """Writes the rows that the store holds otherwise or not; returns how many."""
        held = self.get_many([user_id for user_id, _ in rows])
        changed = []
        for row in rows:
            item = held.get(row[0])
            if item is None or (item.at_request, item.schema_version) != (
                    row[1], description.schema_version):
                changed.append(row)
        if changed:
            self.write(changed, description)
        return len(changed)

    @abstractmethod
    def remove(self, user_ids: Sequence[str]) -> None: ...

    @abstractmethod
    def complete(self, description: Description) -> None:
        """Ends a publish: what was written and removed holds from now on."""

    @abstractmethod
    def close(self) -> None: ...


def open_store(url: str, read_only: bool = False) -> Store:
    """The store at a URL: sqlite:///relative/path, sqlite:////absolute/path,
    redis://host:port/number or dynamodb://table?region=name.
    """
    try:
        match url.partition(":")[0]:
            case "sqlite":
                from offer_ai.features.sqlite_store import SqliteStore

                return SqliteStore(url, read_only)
            case "redis" | "rediss":
                from offer_ai.features.redis_store import RedisStore

                return RedisStore(url)
            case "dynamodb":
                from offer_ai.features.dynamodb_store import DynamoStore

                return DynamoStore(url)
    except ModuleNotFoundError as error:
        raise StoreError(
            f"'{url}' needs {error.name}: run `make setup-cloud`.") from error
    raise StoreError(
        f"'{url}' names no feature store: use sqlite:///path/to/file.sqlite, "
        "redis://host:6379/0 or dynamodb://table?region=eu-west-1.")


@dataclass
class Published:
    """What a publish did: counts of users."""

    written: int = 0
    unchanged: int = 0
    removed: int = 0


def publish(
    store: Store,
    batches: Iterable[Sequence[Row]],
    description: Description,
    all_user_ids: Callable[[], set[str]],
    progress: Callable[[int], object] = lambda count: None,
) -> Published:
    """Writes the rows that the store does not hold yet.

    `batches` are of rows that may have changed since the publish that
    `store.description()` tells of: all of them when it was of another warehouse or
    there was none. Then users that are not among `all_user_ids()` are removed.
    """
    done = Published()
    before = store.description()
    is_whole = not is_delta(before, description)
    is_empty = before is None and next(iter(store.user_ids()), None) is None
    for batch in batches:
        if is_empty:
            store.write(batch, description)
            written = len(batch)
        else:
            written = store.write_changed(batch, description)
        done.written += written
        done.unchanged += len(batch) - written
        progress(len(batch))
    if is_whole and not is_empty:
        vanished = list(set(store.user_ids()) - all_user_ids())
        if vanished:
            store.remove(vanished)
        done.removed = len(vanished)
    store.complete(description)
    return done


def is_delta(before: Description | None, now: Description) -> bool:
    """Whether the store holds an earlier publish of the same warehouse."""
    return before is not None and (
        before.warehouse, before.features, before.schema_version
    ) == (now.warehouse, now.features, now.schema_version)


class Lookup:
    """Features at request time, exactly as the warehouse would compute them then.

    Raises StoreError when nothing is published or its schema is not known.
    """

    def __init__(self, store: Store):
        self.store = store
        description = store.description()
        if description is None:
            raise StoreError(
                "The feature store is empty: run `scripts/export.py latest` to publish to it.")
        self._take(description)

    def refresh(self) -> None:
        """Learns of publishes since: what `description` says is of the last one."""
        if (description := self.store.description()) is not None:
            self._take(description)

    def _take(self, description: Description) -> None:
        self.description = description
        self.names = [feature["name"] for feature in description.features]
        self.money = [index for index, feature in enumerate(description.features)
                      if feature["data_type"].startswith("decimal")]

    def features(self, user_id: str, session_id: str | None, at: datetime) -> dict:
        """The features of a request by `user_id` from `session_id` at time `at`.

        Returns name to value: text, bool, int, float, Decimal (money) or None.
        A user that the store does not know gets the cold-start values. `at` without
        a time zone is UTC; before the user's last event it counts as that event's time.
        """
        return self._features(self.store.get(user_id), session_id, at)

    def features_of_many(
        self, requests: Sequence[tuple[str, str | None, datetime]]
    ) -> list[dict]:
        """The same for many (user_id, session_id, at), in order, in one read."""
        items = self.store.get_many(list({user_id for user_id, _, _ in requests}))
        return [self._features(items.get(user_id), session_id, at)
                for user_id, session_id, at in requests]

    def _features(self, item: Item | None, session_id: str | None, at: datetime) -> dict:
        if item is None:
            return self._named(self.description.cold_start)
        if item.schema_version != self.description.schema_version:
            self.refresh()
            check_same_schema(item.schema_version, self.description.schema_version)
        return self._named(holding(json.loads(item.at_request), session_id, at)[2:])

    def _named(self, values: Sequence) -> dict:
        values = list(values)
        for index in self.money:
            if values[index] is not None:
                values[index] = Decimal(values[index])
        return dict(zip(self.names, values, strict=True))


def holding(versions: list[list], session_id: str | None, at: datetime) -> list:
    """The version that holds for a request, of those under `at_request`."""
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    at_us = (at - EPOCH) // MICROSECOND
    of_session = [v for v in versions if v[0] == session_id] if session_id else []
    of_session = of_session or [v for v in versions if v[0] is None]
    holds = of_session[0]
    for version in of_session[1:]:
        if version[1] <= at_us:
            holds = version
    return holds


def check_same_schema(of_item: str, of_store: str) -> None:
    if of_item != of_store:
        raise StoreError(
            f"An item of schema version {of_item} is in a feature store of {of_store}: a "
            "publish with other features was cut off. Run `scripts/export.py latest` again.")


def description_to_json(description: Description) -> str:
    return json.dumps(asdict(description))


def description_from_json(text: str) -> Description:
    """Raises StoreError when the description is of another schema version."""
    values = json.loads(text)
    version = str(values.get("schema_version"))
    if version.partition(".")[0] != str(SCHEMA):
        raise StoreError(
            f"The feature store holds schema version {version}; this reader knows {SCHEMA}. "
            "Publish and serve with the same version of Offer AI.")
    return Description(**values)
