"""What each user was offered in the last week, of the offers that a week allows only so often."""

import json
import time
from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path

from offer_ai.learning.candidates import Offer

WEEK = timedelta(days=7)
FORGET_EVERY = 10_000  # offers


class RecentOffers:
    """Counts offers of this service, and those that its folder of decisions holds at its start.

    Of other offers (the game's own, and what another service on another folder decides) it knows
    nothing. Only `capped` offers are kept, for 7 days before the latest one.
    """

    def __init__(self, capped: Collection[Offer], folder: Path | None = None):
        self.capped, self.count = frozenset(capped), 0
        self.made: dict[str, list[tuple[datetime, Offer]]] = defaultdict(list)
        self.latest: datetime | None = None
        if self.capped and folder is not None:
            self._read(folder)

    def before(self, user_id: str, at: datetime) -> list[Offer]:
        """The capped offers made to a user in [at - 7 days, at]."""
        return [offer for when, offer in self.made.get(user_id, ()) if at - WEEK <= when <= at]

    def add(self, user_id: str, at: datetime, offer: Offer) -> None:
        if offer not in self.capped:
            return
        self.made[user_id].append((at, offer))
        self.latest = max(at, self.latest or at)
        self.count += 1
        if self.count % FORGET_EVERY == 0:
            self._forget()

    def _forget(self) -> None:
        for user_id, made in list(self.made.items()):
            left = [entry for entry in made if entry[0] >= self.latest - WEEK]
            if left:
                self.made[user_id] = left
            else:
                del self.made[user_id]

    def _read(self, folder: Path) -> None:
        """The decisions of files that were closed within the week; a line that is none is not."""
        since = time.time() - WEEK.total_seconds()
        for path in folder.glob("decisions-*.ndjson"):
            try:
                if path.stat().st_mtime < since:
                    continue
                lines = path.read_text().splitlines()
            except OSError:
                continue
            for line in lines:
                try:
                    event = json.loads(line)
                    self.add(event["customer_identifier"],
                             datetime.fromisoformat(event["event_time"]),
                             (event["offer_type"], Decimal(event["offer_price"])))
                except (ValueError, KeyError, TypeError, InvalidOperation):
                    continue
