"""Random declarations, random events, and naively what they must come to."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from hypothesis import strategies as st

START = datetime(2025, 3, 1)
EPOCH = datetime(1970, 1, 1)
MICROSECOND = timedelta(microseconds=1)
KINDS = ("game_start", "purchase", "chat_sent")
# On the edges of windows, of idle gaps and of days, and beside them.
OFFSETS = [timedelta(hours=hours, minutes=minutes) for hours in (0, 1, 2, 24, 26, 48, 72)
           for minutes in (0, 30, 31)]
JITTERS = [timedelta(0), timedelta(0), MICROSECOND, -MICROSECOND]
EVENT_SUMS = {
    "count(*)": ("bigint", len),
    "count(distinct level)": ("bigint", lambda rows: len(
        {row["level"] for row in rows if row["level"] is not None})),
    "max(level)": ("bigint", lambda rows: max(
        (row["level"] for row in rows if row["level"] is not None), default=None)),
    "sum(txn_amount)": ("decimal(38, 4)", lambda rows: total(row["txn_amount"] for row in rows)),
}
SESSION_SUMS = {
    "count(*)": ("bigint", len),
    "sum(event_count)": ("bigint", lambda rows: total(len(row) for row in rows)),
    "max(games_played)": ("bigint", lambda rows: max((sum(
        event["kind"] == "game_start" for event in row) for row in rows), default=None)),
    "sum(purchase_amount)": ("decimal(38, 4)", lambda rows: total(total(
        event["txn_amount"] for event in row) or Decimal(0) for row in rows)),
}


def total(values):
    known = [value for value in values if value is not None]
    return sum(known) if known else None


@dataclass
class World:
    """Declarations as dbt_project.yml has them, and events in batches."""

    split: dict
    kind: str  # of the decision point
    features: list[dict]
    labels: list[dict]
    batches: list[list[dict]] = field(default_factory=list)

    def variables(self) -> dict:
        return {
            "event_types": [*KINDS, "offer_shown"], "session_split": self.split,
            "features": self.features, "labels": self.labels,
            "decision_points": {"offers": {
                "event": self.kind, "one": "offer", "time": "offered_at", "columns": [],
                "reward": next((label["name"] for label in self.labels
                                if "if_none" in label["config"]["meta"]), None)}}}


@st.composite
def windows(draw, name: str, is_back: bool):
    """A feature, or a label: a window over sessions or a type of event."""
    over = draw(st.sampled_from(["sessions", *KINDS]))
    aggregate = draw(st.sampled_from(sorted(SESSION_SUMS if over == "sessions" else EVENT_SUMS)))
    unit = draw(st.sampled_from(["count", "hour", "day"] if is_back else ["hour", "day"]))
    meta = {"over": over, "before" if is_back else "after": {unit: draw(st.integers(1, 3))},
            "aggregate": aggregate}
    if draw(st.booleans()):
        meta["if_none"] = 0
    kind = (SESSION_SUMS if over == "sessions" else EVENT_SUMS)[aggregate][0]
    return {"name": name, "description": name, "data_type": kind, "config": {"meta": meta}}


@st.composite
def worlds(draw):
    split = draw(st.sampled_from([
        {"by": "session_id"},
        {"order_by": "event_time",
         "split_on": "event_time > previous.event_time + interval 30 minute"},
        {"order_by": "event_time",
         "split_on": "cast(event_time as date) <> cast(previous.event_time as date)"}]))
    world = World(split, draw(st.sampled_from(KINDS)),
                  [draw(windows(f"feature_{n}", True)) for n in range(draw(st.integers(1, 8)))],
                  [draw(windows(f"label_{n}", False)) for n in range(draw(st.integers(1, 4)))])
    events = {}
    for _ in range(draw(st.integers(5, 60))):
        kind = draw(st.sampled_from(KINDS))
        event = {
            "kind": kind, "user": draw(st.sampled_from(["u", "v", "w"])),
            "session": draw(st.sampled_from(["a", "b", "10", "9", None])),
            "at": START + draw(st.sampled_from(OFFSETS)) + draw(st.sampled_from(JITTERS)),
            "level": draw(st.sampled_from([1, 2, None])),
            "txn_amount": Decimal(draw(st.sampled_from(["4.99", "-1", "0.0001"])))
            if kind == "purchase" else None}
        # Of two alike in order, either may be the last of so many.
        events.setdefault((kind, event["user"], event["session"], event["at"]), event)
    parts = draw(st.integers(1, 3))
    world.batches = [[] for _ in range(parts)]
    for event in events.values():
        world.batches[draw(st.integers(0, parts - 1))].append(event)
    return world


def line(event: dict) -> bytes:
    raw = {"event_id": event["kind"], "customer_identifier": event["user"],
           "session_id": event["session"], "level": event["level"],
           "event_time": event["at"].isoformat(),
           "txn_amount": event["txn_amount"] and str(event["txn_amount"])}
    return json.dumps({name: value for name, value in raw.items() if value is not None}).encode()


def sessions_of(own: list[dict], split: dict) -> list[list[dict]]:
    """A user's sessions, in order of start; each event in one, or none without an id."""
    if "by" in split:
        found = {}
        for event in own:
            if event["session"] is not None:
                found.setdefault(event["session"], []).append(event)
        return [found[name] for name in sorted(
            found, key=lambda name: (min(event["at"] for event in found[name]), name))]
    found = []
    for event in sorted(own, key=lambda event: event["at"]):
        before = found[-1][-1]["at"] if found else None
        is_cut = before is None or (
            event["at"] - before > timedelta(minutes=30) if "interval" in split["split_on"]
            else event["at"].date() != before.date())
        if is_cut:
            found.append([])
        found[-1].append(event)
    return found


def value(meta: dict, anchor: dict, own: list[dict], sessions: list[list[dict]]):
    """What a window holds at an anchor, event by event."""
    t, is_back = anchor["at"], "before" in meta
    ((unit, size),) = meta["before" if is_back else "after"].items()
    if meta["over"] == "sessions":
        aggregate = SESSION_SUMS[meta["aggregate"]][1]
        others = [some for some in sessions if not any(event is anchor for event in some)]
        rows = [[event for event in some if not is_back or event["at"] < t] for some in others]
        rows = [row for row in rows if row]
        start = [min(event["at"] for event in row) for row in rows]
    else:
        aggregate = EVENT_SUMS[meta["aggregate"]][1]
        rows = sorted((event for event in own if event["kind"] == meta["over"]),
                      key=lambda event: (event["at"], event["session"] or ""))
        start = [event["at"] for event in rows]
    if unit == "count":
        seen = [row for row, at in zip(rows, start, strict=True) if at < t][-size:]
    else:
        span = timedelta(**{f"{unit}s": size})
        seen = [row for row, at in zip(rows, start, strict=True)
                if (t - span <= at < t if is_back else t <= at < t + span)]
    if not seen:
        return meta.get("if_none")
    found = aggregate(seen)
    return meta.get("if_none") if found is None else found


def typed(entry: dict, found):
    is_money = found is not None and entry["data_type"].startswith("decimal")
    return Decimal(found) if is_money else found


def training(world: World) -> list[dict]:
    """What marts.training_offers must hold."""
    events, found = [event for batch in world.batches for event in batch], []
    for user in {event["user"] for event in events}:
        own = [event for event in events if event["user"] == user]
        sessions = sessions_of(own, world.split)
        for anchor in own:
            if anchor["kind"] == world.kind:
                found.append({"user_id": user, "offered_at": anchor["at"], **{
                    entry["name"]: typed(entry, value(
                        entry["config"]["meta"], anchor, own, sessions))
                    for entry in (*world.features, *world.labels)}})
    return found
