"""How a request looks its features up: from a store, alone."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from offer_ai.base.declarations import type_word
from offer_ai.features.store import (
    DAMAGED,
    UNREADABLE,
    Description,
    Item,
    ItemError,
    Store,
    StoreError,
    UnpublishedError,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
# What is text in a store, so that it stays exact, by the feature's type.
FROM_TEXT = {"decimal": Decimal, "timestamp": datetime.fromisoformat, "date": date.fromisoformat}


class Lookup:
    """Features at request time, exactly as the warehouse would compute them then.

    Raises StoreError when nothing is published, its schema is not known, or what is asked for
    is damaged.
    """

    def __init__(self, store: Store):
        self.store = store
        self.refresh()

    def refresh(self) -> None:
        """Learns of publishes since: what `description` says is of the last one."""
        description = self.store.description()
        if description is None:
            raise UnpublishedError(
                "The feature store is empty: run `scripts/export.py latest` to publish to it.")
        try:
            self._take(description)
        except UNREADABLE as error:
            raise StoreError(DAMAGED) from error

    def _take(self, description: Description) -> None:
        self.description = description
        self.names = [feature["name"] for feature in description.features]
        types = [type_word(feature["data_type"]) for feature in description.features]
        self.as_text = [(index, FROM_TEXT[kind]) for index, kind in enumerate(types)
                        if kind in FROM_TEXT]
        self.cold_start = self._named(description.cold_start)

    def features(self, user_id: str, session_id: str | None, at: datetime) -> dict:
        """The features of a request by `user_id` from `session_id` at time `at`.

        Returns name to value: text, bool, int, float, Decimal (money), datetime (UTC, without
        a zone), date or None; what is given with a request (`from_anchor`) is not among them.
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
            return dict(self.cold_start)
        if item.schema_version != self.description.schema_version:
            self.refresh()
            check_same_schema(item.schema_version, self.description.schema_version)
        try:
            return self._named(version_at(json.loads(item.feature_versions), session_id, at)[2:])
        except UNREADABLE as error:
            raise ItemError(item.user_id) from error

    def _named(self, values: Sequence) -> dict:
        values = list(values)
        for index, read in self.as_text:
            if values[index] is not None:
                values[index] = read(values[index])
        return dict(zip(self.names, values, strict=True))


def version_at(versions: list[list], session_id: str | None, at: datetime) -> list:
    """The version that holds for a request, of those under `feature_versions`."""
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    at_us = (at - EPOCH) // MICROSECOND
    of_session = [v for v in versions if v[0] == session_id] or [
        v for v in versions if v[0] is None]
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
