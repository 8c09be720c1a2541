"""What a feature store is: one item per user and one description of them all."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

SCHEMA = 3  # of an item; a reader knows its own alone


class StoreError(Exception):
    """The store cannot serve; the message says why and what to do."""


class UnpublishedError(StoreError):
    """Nothing was published to the store yet."""


class ItemError(StoreError):
    """One user's item cannot be read; others can."""

    def __init__(self, user_id: str):
        super().__init__(
            f"The feature store's item of user '{user_id}' is damaged: delete the store and run "
            "`scripts/export.py latest`.")


# What reading raises of content that is not as `write` and `complete` left it.
UNREADABLE = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError)
DAMAGED = ("The feature store's description is damaged: delete the store and run "
           "`scripts/export.py latest`.")


Row = tuple[str, str]  # user_id and feature_versions, as in marts.latest_features


class Item(NamedTuple):
    """One user's features: those of every request still to come.

    `feature_versions` is as in marts.latest_features; `as_of` is the watermark (ISO 8601,
    UTC) when the item was written; `schema_version` as in the description of the publish
    that wrote it.
    """

    user_id: str
    feature_versions: str
    as_of: str
    schema_version: str


@dataclass(frozen=True)
class Description:
    """What all items of a store have in common.

    `features` are name and data_type in the order of an item's arrays; `cold_start`
    their values (JSON) for a user without events; `as_of` the watermark of the last
    publish, of the build that went through at `published_through`, with files that landed by
    `landed_at`, of the warehouse that was first built at `warehouse`; `schema_version` tells
    stores of other features or another form apart.
    """

    features: list[dict]
    cold_start: list
    as_of: str
    warehouse: str
    published_through: str
    landed_at: str
    schema_version: str

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Description":
        """Raises StoreError when it is of another schema version, or is no description."""
        try:
            values = json.loads(text)
            version = str(values.get("schema_version"))
        except UNREADABLE as error:
            raise StoreError(DAMAGED) from error
        if version.partition(".")[0] != str(SCHEMA):
            raise StoreError(
                f"The feature store holds schema version {version}; this reader knows {SCHEMA}. "
                "Publish and serve with the same version of Offer AI.")
        try:
            return cls(**values)
        except TypeError as error:
            raise StoreError(DAMAGED) from error


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
        """Writes rows that are new or differ; returns how many."""
        held = self.get_many([user_id for user_id, _ in rows])
        changed = []
        for row in rows:
            item = held.get(row[0])
            if item is None or (item.feature_versions, item.schema_version) != (
                    row[1], description.schema_version):
                changed.append(row)
        if changed:
            self.write(changed, description)
        return len(changed)

    @abstractmethod
    def remove(self, user_ids: Sequence[str]) -> None: ...

    def forget(self, user_ids: Sequence[str]) -> None:
        """Removes items for good, at once: no byte of theirs stays where the store lies."""
        self.remove(user_ids)

    @abstractmethod
    def complete(self, description: Description) -> None:
        """Ends a publish: what was written and removed holds from now on."""

    @abstractmethod
    def close(self) -> None: ...
