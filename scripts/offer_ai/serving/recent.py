"""What each user was offered in the last week, of the offers that a week allows only so often."""

import json
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from offer_ai.base.actions import Actions
from offer_ai.learning.candidates import Candidate, Offer
from offer_ai.serving.log_files import CLOSED

WEEK = timedelta(days=7)
KEPT = 2 * WEEK  # before the latest offer, whose time may lie ahead by `clock_tolerance_hours`
FORGET_EVERY = 10_000  # offers


def capped(candidates: Iterable[Candidate]) -> frozenset[Offer]:
    """The offers that a week allows only so often."""
    return frozenset(one.offer for one in candidates if one.most_per_user_week is not None)


def made_by(kind: str, actions: Actions) -> Callable[[dict], Offer]:
    """Reads what was done by an event of that type; ValueError for another one."""
    def read(event: dict) -> Offer:
        if event.get("event_id") != kind:
            raise ValueError(f"no {kind}")
        return actions.read(event)
    return read


class RecentOffers:
    """Counts offers of this service, and those that its folder of decisions holds already when
    an offer is capped: at the start, or by a change of the candidates.

    Of other offers (the game's own, and what another service on another folder decides) it knows
    nothing. Only `capped` offers are kept, for 14 days before the latest one. `made_by` is the
    offer of an event that was logged; it raises ValueError or KeyError for one of another kind.
    """

    def __init__(self, capped: Collection[Offer], made_by: Callable[[dict], Offer],
                 folder: Path | None = None):
        self.made_by = made_by
        self.capped, self.count = frozenset(), 0
        self.made: dict[str, list[tuple[datetime, Offer]]] = defaultdict(list)
        self.latest: datetime | None = None
        for user_id, at, offer in self.cap(capped, folder):
            self.add(user_id, at, offer)

    def cap(self, capped: Collection[Offer], folder: Path | None
            ) -> Iterator[tuple[str, datetime, Offer]]:
        """Counts these offers alone from now on; what the folder's closed files hold now of those
        that were not counted yet comes back, to be added."""
        new, self.capped = frozenset(capped) - self.capped, frozenset(capped)
        for user_id, made in self.made.items():
            self.made[user_id] = [entry for entry in made if entry[1] in self.capped]
        files = sorted(folder.glob(CLOSED)) if new and folder else []
        return (made for made in decisions_of_week(files, self.made_by)
                if made[2] in new)

    def before(self, user_id: str, at: datetime) -> list[Offer]:
        """The capped offers made to a user within 7 days of `at`: before it, or after it, as the
        clocks of those who ask differ."""
        return [offer for when, offer in self.made.get(user_id, ()) if abs(at - when) <= WEEK]

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
            left = [entry for entry in made if self.latest - entry[0] <= KEPT]
            if left:
                self.made[user_id] = left
            else:
                del self.made[user_id]


def decisions_of_week(files: Iterable[Path], made_by: Callable[[dict], Offer]
                      ) -> Iterator[tuple[str, datetime, Offer]]:
    """User, time and offer of files that were closed within the week; a line that is no decision
    is passed over."""
    since = time.time() - WEEK.total_seconds()
    for path in files:
        try:
            if path.stat().st_mtime < since:
                continue
            lines = path.read_bytes().split(b"\n")
        except OSError:
            continue
        for line in lines:
            try:
                event = json.loads(line)
                at = datetime.fromisoformat(event["event_time"])
                yield (event["customer_identifier"], at if at.tzinfo else at.replace(tzinfo=UTC),
                       made_by(event))
            except (ValueError, KeyError, TypeError):
                continue
