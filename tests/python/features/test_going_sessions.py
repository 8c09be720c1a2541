"""Where sessions are cut by time, no client knows its session: a lookup does."""

import json
import os
import random
from collections import defaultdict
from datetime import timedelta

import pytest

import oracle
from built import build, write_events
from events import KINDS
from offer_ai.features import Lookup, open_store
from offer_ai.features.publish import publish_latest
from offer_ai.warehouse.connection import open_warehouse
from streams import MICROSECOND, OFFSETS, START

USERS = 20 * int(os.environ.get("OFFER_AI_EXAMPLES", "5"))
HALF_HOUR = timedelta(minutes=30)
IDLE = "event_time > previous.event_time + interval 30 minute"


def idle(event, before):
    return event["time"] > before["time"] + HALF_HOUR


def other_session_or_idle(event, before):
    return event["session_id"] != before["session_id"] or idle(event, before)


# Each declared split, the same in Python, of an event and the one before it.
CUTS = {
    IDLE: idle,
    "cast(event_time as date) <> cast(previous.event_time as date)":
        lambda event, before: event["time"].date() != before["time"].date(),
    f"session_id is distinct from previous.session_id or {IDLE}": other_session_or_idle,
    # No request knows its level, which is no cut then: it is the last session's for ever.
    "coalesce(level, 0) > previous.level":
        lambda event, before: before["level"] is not None
        and (event["level"] or 0) > before["level"],
}


def in_sessions(events, is_cut):
    """The events with the number of their block as session_id, by user."""
    of_user = defaultdict(list)
    for event in sorted(events, key=lambda e: (
            e["time"], e["session_id"] is None, e["session_id"] or "", e["type"],
            e["level"] is None, e["level"] or 0)):
        own = of_user[event["user_id"]]
        block = own[-1][1]["session_id"] if own else "1"
        if own and is_cut(event, own[-1][0]):
            block = str(int(block) + 1)
        own.append((event, event | {"session_id": block}))
    return of_user


def random_events(chance, users):
    """Events of few kinds at times on the edges of what the splits say, by many users."""
    return [
        chance.choice(KINDS) | {
            "event_time": (START + chance.choice(OFFSETS) + HALF_HOUR * chance.randint(0, 2)
                           + MICROSECOND * chance.randint(0, 1)).isoformat(),
            "customer_identifier": f"u{chance.randrange(users)}",
            "session_id": chance.choice([None, "1", "2", "a"]), "level": chance.randint(1, 3)}
        for _ in range(6 * users)]


@pytest.mark.long
@pytest.mark.parametrize("split", CUTS)
def test_a_lookup_knows_whether_the_session_goes_on(tmp_path, split):
    """By idle time, in two builds, of which the second changes some users."""
    is_cut, lookups = CUTS[split], 0
    declared = json.dumps({"session_split": {"order_by": "event_time", "split_on": split}})
    events = random_events(random.Random(17), USERS)
    first = len(events) - USERS if split == IDLE else len(events)
    for number, part in enumerate(filter(None, [events[:first], events[first:]])):
        write_events(tmp_path / "events" / f"{number}.ndjson", *part)
        build(tmp_path / "events", tmp_path / "w.duckdb", "--vars", declared)
    with open_warehouse(tmp_path / "w.duckdb") as con:
        store = open_store(f"sqlite:///{tmp_path}/features.sqlite")
        publish_latest(con, store)
    lookup = Lookup(store)
    read = oracle.read({"all": [json.dumps(event).encode() for event in events]})
    for user, pairs in in_sessions(read.events, is_cut).items():
        own_events, (last, in_block) = [own for _, own in pairs], pairs[-1]
        for later in [*OFFSETS, HALF_HOUR - MICROSECOND, HALF_HOUR, HALF_HOUR + MICROSECOND]:
            t = last["time"] + later
            for client in (None, "1", "2", "a", last["session_id"]):
                request = {"time": t, "session_id": client or "", "level": None}
                session = None if is_cut(request, last) else in_block["session_id"]
                expected = oracle.features(own_events, user, session, t)
                assert lookup.features(user, client, t) == expected, (user, client, t)
                lookups += expected != oracle.features(own_events, user, None, t)
    assert lookups > USERS  # of a session that goes on, which made a difference
