"""The contract, event by event: what the marts must hold, written naively.

Nothing here is fast and nothing is shared with the SQL. Input is the raw files;
output is rows as dicts, keyed like the marts.
"""

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal, InvalidOperation
from urllib.parse import urlparse

WEEK = timedelta(days=7)
TOLERANCE = timedelta(hours=24)
EPOCH = datetime(1970, 1, 1)
NO_USERS = "undefined", "null", "nan"
TYPE_ALIASES = {"purchase_made": "purchase"}
FIELD_ALIASES = {
    "offer_type": ["item_category"],
    "offer_price": ["item_price"],
    "txn_amount": ["item_price"],
}
IDS = "device_id decision_id".split()
TEXT = (
    "country language signin_method package_name package_version os "
    "os_version device_type device_make device_model badge "
    "policy_version sku purchase_source decision_context"
).split()
NUMBERS = "currency_balance level score".split()
BOOLEANS = "won offer_purchased offer_dismissed".split()
FIELDS = (
    *"event_id event_time customer_identifier session_id event_uuid received_at currency".split(),
    *IDS, *TEXT, *NUMBERS, *BOOLEANS,
    *"offer_type offer_price propensity txn_amount".split(),
)


class RejectError(Exception):
    """The line is no event; the message names the field."""


def text(value):
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def identifier(value, none=()):
    """Text; a whole number is its digits; blank and the words of `none` are none."""
    if value is None or not value.strip():
        return None
    value = re.sub(r"^(-?[0-9]+)[.]0+$", r"\1", value)
    return None if value.lower() in none else value


def uuid(value):
    return identifier(value, NO_USERS) if (value or "").strip("0-{} ") else None


def money(value):
    try:
        amount = Decimal(value)
    except InvalidOperation:
        return None
    return amount.quantize(Decimal("0.0001"), ROUND_HALF_UP) if amount.is_finite() else None


def boolean(value):
    return {"true": True, "1": True, "false": False, "0": False}.get(
        (value or "").lower()
    )


def number(value):
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None


def time(value):
    if re.fullmatch(r"[+-]?[0-9.]+([eE][+-]?[0-9]+)?", value):
        epoch = Decimal(value)
        scale = 10**6 if abs(epoch) < 10**11 else 10**3 if abs(epoch) < 10**14 else 1
        return EPOCH + timedelta(microseconds=int((epoch * scale).to_integral(ROUND_FLOOR)))
    try:
        parsed = datetime.fromisoformat(value.removesuffix(" UTC"))
    except ValueError:
        return None
    if parsed.tzinfo:
        try:
            parsed = parsed.astimezone(UTC).replace(tzinfo=None)
        except OverflowError:
            return datetime.max
    return parsed


def parse(json_text):
    return json.loads(json_text, parse_float=str, parse_int=str)


def below(raw: dict, name: str, spelt=str):
    """The field in the object `properties`, else the value of its key in `params`."""
    properties = raw.get(spelt("properties"))
    properties = parse(properties) if isinstance(properties, str) else properties
    if (properties or {}).get(name) is not None:
        return properties[name]
    values = next((pair["value"] for pair in raw.get(spelt("params")) or []
                   if pair["key"] == name), {})
    return next((value for value in values.values() if value is not None), None)


def read_event(line: bytes) -> dict:
    try:
        raw = parse(line)
    except (ValueError, UnicodeDecodeError):
        raise RejectError("JSON") from None
    if not isinstance(raw, dict):
        raise RejectError("JSON")
    lacks_required = any(
        raw.get(name) is None and below(raw, name) is None
        for name in ("event_id", "event_time", "customer_identifier"))

    def spelt(name):
        if name in raw or not lacks_required:
            return name
        return next((key for key in raw if key.lower() == name), name)

    def get(name, none=(None,)):
        names = [spelt(n) for n in (name, *FIELD_ALIASES.get(name, []))]
        return next(
            (text(raw[n]) for n in names if raw.get(n) not in none),
            text(below(raw, name, spelt)),
        )

    def get_id(name):
        return get(name, (None, ""))

    event = {name: get(name) for name in TEXT}
    event |= {name: identifier(get_id(name)) for name in IDS}
    event["event_uuid"] = uuid(get_id("event_uuid"))
    event["type"] = get("event_id")
    event["type"] = TYPE_ALIASES.get(event["type"], event["type"])
    event["user_id"] = identifier(get_id("customer_identifier"), NO_USERS)
    event["session_id"] = identifier(get_id("session_id"), ("-1", "0"))
    event["time"] = time(get("event_time") or "")
    event["received_at"] = time(get("received_at") or "")
    for name, source in [("type", "event_id"), ("time", "event_time"),
                         ("user_id", "customer_identifier")]:
        if event[name] is None:
            raise RejectError(source)
    event |= {name: number(get(name)) for name in NUMBERS}
    event |= {name: boolean(get(name)) for name in BOOLEANS}
    event |= {"offer_type": None, "offer_price": None, "propensity": None,
              "txn_amount": None}
    if event["type"] == "offer_shown":
        event["offer_type"] = get("offer_type")
        if event["offer_type"] is None:
            raise RejectError("offer_type")
        if get("offer_price") is None or (price := money(get("offer_price"))) is None:
            raise RejectError("offer_price")
        event["offer_price"] = price
        if get("propensity") is not None:
            event["propensity"] = number(get("propensity"))
            if event["propensity"] is None or not 0 <= event["propensity"] <= 1:
                raise RejectError("propensity")
    if event["type"] == "purchase":
        amount = get("txn_amount")
        if amount is None or (paid := money(amount)) is None:
            raise RejectError("txn_amount")
        event["txn_amount"] = paid
    if event["time"] > (event["received_at"] or datetime.now(UTC).replace(tzinfo=None)) + TOLERANCE:
        raise RejectError("event_time")
    return event


@dataclass
class World:
    """Everything that the raw lines say."""

    lines: int = 0
    rejects: list = field(default_factory=list)  # (file name, line number, field)
    duplicates: int = 0
    events: list = field(default_factory=list)

    @property
    def watermark(self):
        """The last event of the user whose last event is third latest."""
        last = sorted(self.last_events().values(), reverse=True)[:3]
        return min([*last, datetime.now()]) if last else None

    def last_events(self) -> dict:
        """User to the time of the last event."""
        last = {}
        for event in self.events:
            last[event["user_id"]] = max(last.get(event["user_id"], EPOCH), event["time"])
        return last


def read(files: Mapping[str, Iterable[bytes]]) -> World:
    """What files say, name to lines."""
    world, seen = World(), set()
    for name in sorted(files):
        for line_number, line in enumerate(files[name], 1):
            if not line.strip():
                continue
            world.lines += 1
            try:
                event = read_event(line)
            except RejectError as error:
                world.rejects.append((name, line_number, str(error)))
                continue
            if event["event_uuid"]:
                key = tuple(event[n] for n in ("event_uuid", "user_id", "session_id", "type"))
            else:
                key = tuple(sorted(
                    (name, str(value) if isinstance(value, datetime) else value)
                    for name, value in event.items() if value is not None))
            if key in seen:
                world.duplicates += 1
            else:
                seen.add(key)
                world.events.append(event)
    return world


def roll_up(events: list[dict]) -> dict:
    kinds = Counter(event["type"] for event in events)
    played = kinds["game_start"]
    won = sum(1 for e in events if e["type"] == "game_end" and e["won"])
    return {
        "started_at": min(e["time"] for e in events),
        "ended_at": max(e["time"] for e in events),
        "event_count": len(events),
        "games_played": played,
        "games_won": won,
        "win_ratio": won / played if played else None,
        "purchase_amount": sum(
            (e["txn_amount"] for e in events if e["type"] == "purchase"), Decimal(0)
        ),
        "purchase_count": sum(
            1 for e in events if e["type"] == "purchase" and e["txn_amount"] > 0),
        "offers_shown": kinds["offer_shown"],
    }


def sessions(events: list[dict]) -> dict:
    """(user, session) to its row."""
    grouped, rows, of_user = defaultdict(list), {}, defaultdict(list)
    for event in events:
        if event["session_id"] is not None:
            grouped[event["user_id"], event["session_id"]].append(event)
    for (user, session), own in grouped.items():
        rows[user, session] = roll_up(own)
        of_user[user].append((rows[user, session]["started_at"], session))
    for user, starts in of_user.items():
        for index, (_, session) in enumerate(sorted(starts), 1):
            rows[user, session]["session_index"] = index
    return rows


def is_facebook(method):
    method = method.lower()
    if method in ("fb", "facebook"):
        return True
    host = (urlparse(method).hostname or "") if "://" in method else ""
    return host == "facebook.com" or host.endswith(".facebook.com")


def features(events: list[dict], user: str, session: str | None, t: datetime) -> dict:
    """The five features of the anchor (user, session, t)."""
    own = [event for event in events if event["user_id"] == user]
    profile = sorted(
        (e for e in own
         if e["type"] in ("app_launched", "user_updated") and e["time"] <= t),
        key=lambda e: (e["time"], e["session_id"] or "", e["type"], e["country"] or "",
                       e["signin_method"] or ""),
    )
    country = method = None
    for event in profile:
        country = event["country"] or country
        method = event["signin_method"] or method
    others = defaultdict(list)
    for event in own:
        if event["session_id"] not in (None, session) and event["time"] < t:
            others[event["session_id"]].append(event)
    last = max(
        others.items(),
        key=lambda item: (min(e["time"] for e in item[1]), item[0]), default=None,
    )
    seen = roll_up(last[1]) if last else None
    return {
        "country": country,
        "facebook_connected": None if method is None else is_facebook(method),
        "prev_week_purchase_amount": sum(
            (e["txn_amount"] for e in own
             if e["type"] == "purchase" and t - WEEK <= e["time"] < t), Decimal(0)
        ),
        "last_session_games_played": seen and seen["games_played"],
        "last_session_win_ratio": seen and seen["win_ratio"],
    }


def training_offers(world: World) -> list[dict]:
    index = sessions(world.events)
    rows = []
    for event in world.events:
        if event["type"] != "offer_shown":
            continue
        user, session, t = event["user_id"], event["session_id"], event["time"]
        rows.append({
            "user_id": user,
            "session_id": session,
            "session_index": session and index[user, session]["session_index"],
            "offered_at": t,
            **{name: event[name] for name in (
                "offer_type", "offer_price", "offer_purchased", "offer_dismissed",
                "decision_id", "propensity", "policy_version")},
            **features(world.events, user, session, t),
            "next_week_purchase_amount": sum(
                (e["txn_amount"] for e in world.events
                 if e["user_id"] == user and e["type"] == "purchase"
                 and t <= e["time"] < t + WEEK), Decimal(0)
            ),
            "first_hour_offer_amount": sum(
                (e["txn_amount"] for e in world.events
                 if e["user_id"] == user and e["type"] == "purchase"
                 and e["purchase_source"] in (None, "offer")
                 and t <= e["time"] < t + timedelta(hours=1)), Decimal(0)
            ),
            "label_matures_at": t + WEEK,
            "is_label_mature": t + WEEK <= world.watermark,
        })
    return rows
