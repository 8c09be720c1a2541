"""Random adversarial streams of raw lines."""

import gzip
import json
import os
import random
from datetime import datetime, timedelta
from pathlib import Path

import zstandard
from hypothesis import HealthCheck, Phase, assume, settings
from hypothesis import strategies as st

import oracle

# A build takes a second or two: too slow to shrink a failure for long.
PHASES = [Phase.explicit, Phase.reuse, Phase.generate]
START = datetime(2025, 3, 1)
EPOCH = datetime(1970, 1, 1)
# Each is a build more.
MAX_SINGLES = 4 if {"OFFER_AI_EXAMPLES", "OFFER_AI_STREAMS"} & set(os.environ) else 2
MICROSECOND, MILLISECOND, SECOND = (timedelta(microseconds=n) for n in (1, 10**3, 10**6))
# Few distinct times, a week apart to the microsecond, so that ties and purchases
# on the very edge of a window are common.
OFFSETS = [
    timedelta(0), timedelta(seconds=1), timedelta(seconds=2), timedelta(hours=1),
    timedelta(days=1), timedelta(days=3), timedelta(days=6, hours=23),
    timedelta(days=7), timedelta(days=7, seconds=1), timedelta(days=8),
    timedelta(days=10), timedelta(days=14), timedelta(days=15),
]
JITTERS = [timedelta(0)] * 6 + [timedelta(microseconds=1), timedelta(microseconds=-1)]

users = st.sampled_from(["u1", "u2", "u3", "7", "o'x \"{{ u }}\" 😀"])
# Some sessions have many events, most have one: what joins an old one changes much.
session_ids = (
    st.sampled_from(["a", "b", "c", "10", "9"]) | st.integers(100, 160).map(str)
    | st.sampled_from(["a", "b", 10, 10.0, "10.0", None, "", "-1", 0, "0"]))
times = st.builds(
    lambda offset, jitter: START + offset + jitter,
    st.sampled_from(OFFSETS), st.sampled_from(JITTERS),
)
amounts = st.sampled_from([
    "4.99", "0.01", "-4.99", "100", "12345678901.23", "1e1", "0", 4.99, 2.9699999999999998,
    "2.9699999999999998", "1.00005", "-1.00005", "0.00004999999999999999999"])
booleans = st.sampled_from([True, False, "true", "false", "1", "0", 1, 0, None])
methods = st.sampled_from([
    None, "fb", "facebook", "google", "https://www.facebook.com/jo",
    "https://facebook.com.evil.example/x", "https://evil.example/?facebook.com",
    "http://m.facebook.com:80", "notfacebook", "https://facebook.com@evil.example/",
])
CONTEXTS = [json.dumps(context) for context in (
    {"arm": "policy", "in_place": "m", "candidates": [{"offer_type": "xmas", "probability": 1}]},
    {"arm": "holdout", "holdout_share": 0.1, "features": {"country": "DK"}},
    {"fitted": {"first": "2025-01-01", "last": "soon"}, "target": {
        "policy_version": "t", "offer_type": "gems", "offer_price": "1.990", "propensity": 0.25,
        "value": "NaN"}}, [])] + ['{"arm": "po']
OWN = {
    "app_launched": st.fixed_dictionaries({
        "country": st.sampled_from([None, "DK", "US", "BR"]), "signin_method": methods,
        "os": st.sampled_from(["iOS", "Android"])}),
    "user_updated": st.fixed_dictionaries({}, optional={
        "country": st.sampled_from(["DK", "IN"]), "signin_method": methods}),
    "game_start": st.fixed_dictionaries({"level": st.sampled_from([1, "1", 2, None])}),
    "game_end": st.fixed_dictionaries({
        "won": booleans, "level": st.sampled_from([1, "2", "x"])}),
    "offer_shown": st.fixed_dictionaries(
        {"offer_type": st.sampled_from(["xmas", "gems"]), "offer_price": amounts,
         "offer_purchased": booleans, "offer_dismissed": booleans},
        optional={"propensity": st.sampled_from(["0.5", 0.25, 1]),
                  "decision_id": st.sampled_from(["d1", "d2"]),
                  "decision_context": st.sampled_from(CONTEXTS)}),
    "purchase": st.fixed_dictionaries(
        {"txn_amount": amounts}, optional={"sku": st.just("coins")}),
    "chat_sent": st.fixed_dictionaries({"country": st.just("ZZ"), "won": st.just("1"),
                                        "txn_amount": st.just("5")}),
}
BROKEN = [
    b"[1, 2]", b"42", b'"text"', b"null", b'{"event_id": "purch', b"", b"   ",
    b"\xff\xfe", b'{"event_id": "purchase"}', b"{}", b'{"event_id": "a\xff"}', b"}{",
    b'{"event_id":"purchase","event_time":"2025-03-01","customer_identifier":"u1",'
    b'"session_id":"a","txn_amount":"five"}',
    b'{"event_id":"purchase","event_time":"2025-03-01","customer_identifier":"u1",'
    b'"session_id":"a"}',
    b'{"event_id":"game_start","event_time":"soon","customer_identifier":"u1",'
    b'"session_id":"a"}',
    b'{"event_id":"offer_shown","event_time":"2025-03-01T00:00:00",'
    b'"customer_identifier":"u1","session_id":"a","offer_price":"1"}',
    b'{"event_id":"offer_shown","event_time":"2025-03-01T00:00:00",'
    b'"customer_identifier":"u1","session_id":"a","offer_type":"x","offer_price":"1",'
    b'"propensity":"often"}',
    b'{"event_id":"offer_shown","event_time":"2025-03-01T00:00:00",'
    b'"customer_identifier":"u1","session_id":"a","offer_type":"x","offer_price":"1",'
    b'"propensity":1.5}',
    b'{"event_id":"game_start","event_time":"2099-03-01","customer_identifier":"u1"}',
    b'{"event_id":"game_start","event_time":"9999-12-31T23:59:59-08:00",'
    b'"customer_identifier":"u1"}',
    b'{"event_id":"game_start","event_time":"2025-03-03","received_at":"2025-03-01T23:00:00",'
    b'"customer_identifier":"u1"}',
    b'{"event_id":"game_start","event_time":"2025-03-01","customer_identifier":"undefined"}',
    b'{"event_id":"game_start","event_time":"2025-03-01","customer_identifier":" "}',
]
FORMS = [
    lambda t: t.isoformat(),
    lambda t: t.isoformat(sep=" "),
    lambda t: t.isoformat() + "Z",
    lambda t: (t + timedelta(hours=5, minutes=30)).isoformat() + "+05:30",
    lambda t: (t - timedelta(hours=8)).isoformat(timespec="microseconds") + "-0800",
    lambda t: t.isoformat(sep=" ") + " UTC",
    lambda t: (t - EPOCH) // MICROSECOND,
    lambda t: str((t - EPOCH) // MICROSECOND),
    # Only whole milliseconds and seconds say it exactly.
    lambda t: ((t - EPOCH) // MILLISECOND if not (t - EPOCH) % MILLISECOND
               else t.isoformat()),
    lambda t: (str((t - EPOCH) // SECOND) if not (t - EPOCH) % SECOND else t.isoformat()),
]


@st.composite
def raw_events(draw):
    kind = draw(st.sampled_from(list(OWN)))
    event = {
        "event_id": kind,
        "event_time": draw(st.sampled_from(FORMS))(draw(times)),
        "customer_identifier": draw(users),
        "session_id": draw(session_ids),
        **draw(OWN[kind]),
    }
    if event["customer_identifier"] == "7":
        event["customer_identifier"] = draw(st.sampled_from(["7", 7, 7.0]))
    if event["session_id"] is None and draw(st.booleans()):
        del event["session_id"]
    if draw(st.integers(0, 9)) == 0:
        event["received_at"] = "2025-04-01T00:00:00Z"
    if kind == "purchase" and draw(st.booleans()):
        event["event_id"] = "purchase_made"
        event["item_price"] = event.pop("txn_amount")
    if kind == "offer_shown" and draw(st.booleans()):
        event["item_price"] = event.pop("offer_price")
        event["item_category"] = event.pop("offer_type")
    return event


# Fields may lie in an object, in text that is JSON, or in an array of keys and values.
NESTED = ("--vars", json.dumps({"field_aliases": {
    name: [*oracle.FIELD_ALIASES.get(name, []), f"properties.{name}", f"params[{name}]"]
    for name in oracle.FIELDS}}))


def nested(event: dict, chance: random.Random) -> dict:
    """The same event with some of its fields, or all, below others."""
    share = chance.choice([0.3, 1])
    inner = {name: value for name, value in event.items()
             if not name.startswith("item_") and chance.random() < share}
    outer = {name: value for name, value in event.items() if name not in inner}
    form = chance.choice(["object", "text", "keys"])
    if form == "keys":
        return outer | {"params": [{"key": name, "value": keyed(value)}
                                   for name, value in inner.items()]}
    return outer | {"properties": inner if form == "object" else json.dumps(inner)}


def keyed(value) -> dict:
    if isinstance(value, bool):
        value = str(value).lower()
    kind = {str: "string_value", int: "int_value", float: "double_value"}.get(type(value))
    return {"string_value": None} | ({kind: value} if kind else {})


@st.composite
def streams(draw, may_nest=False):
    """Files of lines: events, some sent twice in other words, and broken lines.

    A uuid may be on events of several users; some fields are named in another case. With
    `may_nest`, to be built with NESTED, fields may lie below others. Hypothesis begins with the
    simplest of examples, one event again and again, which is none here.
    """
    events = draw(st.lists(raw_events(), min_size=20, max_size=60))
    assume(len({str(event["customer_identifier"]) for event in events}) > 2)
    assume({"offer_shown", "purchase"} <= {event["event_id"] for event in events})
    shuffle = random.Random(draw(st.integers(0, 1 << 30)))
    lines, used = [], set()
    for number, event in enumerate(events):
        event_uuid = shuffle.choice([
            None, None, None, None, f"uuid-{number}", "shared", number % 3,
            "00000000-0000-0000-0000-000000000000"])
        read = oracle.read_event(json.dumps(event).encode())
        owner = event_uuid, read["type"], read["user_id"], read["session_id"]
        if event_uuid is not None and owner not in used:
            used.add(owner)
            event["event_uuid"] = event_uuid
        copies = 1 + (shuffle.random() < 0.2)
        for _ in range(copies):
            is_nested = may_nest and shuffle.random() < 0.5
            items = list((nested(event, shuffle) if is_nested else event).items())
            shuffle.shuffle(items)
            if shuffle.random() < 0.03:
                items = [(name.upper(), value) for name, value in items]
            lines.append(json.dumps(dict(items)).encode())
    lines += draw(st.lists(st.sampled_from(BROKEN), max_size=5))
    shuffle.shuffle(lines)
    files = [[] for _ in range(shuffle.randint(1, 3))]
    for line in lines:
        shuffle.choice(files).append(line)
    return list(map(told_for_lines, files))


def told_for_lines(lines: list[bytes]) -> list[bytes]:
    """With an empty object where nothing would tell that a file is one of JSON lines: such a
    file is a reject as a whole."""
    said = [line for line in lines if line.strip()]
    return lines if not said or any(map(looks_like_json, said)) else [*lines, b"{}"]


def looks_like_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return line.lstrip()[:1] in (b"{", b"[")
    return True


@st.composite
def batches(draw):
    """The lines of a stream in batches, in random order of arrival; some are empty.

    The last batches are of one event, half of them purchases: what is late by itself
    changes what lies before it by nothing but its label.
    """
    lines = [line for file in draw(streams()) for line in file]
    shuffle = random.Random(draw(st.integers(0, 1 << 30)))
    singles = []
    for _ in range(draw(st.integers(0, MAX_SINGLES))):
        purchases = [line for line in lines if b"purchase" in line and b"uuid" not in line]
        late = shuffle.choice([lines, purchases or lines])
        if late:
            singles.append([late[shuffle.randrange(len(late))]])
            lines.remove(singles[-1][0])
    parts = [[] for _ in range(shuffle.randint(2, 3))]
    for line in lines:
        shuffle.choice(parts).append(line)
    if shuffle.random() < 0.2:
        parts.insert(shuffle.randrange(len(parts)), [])
    return list(map(told_for_lines, parts + singles))


def builds(examples: int, **more):
    """Settings of a property that builds for each of so many examples."""
    return settings(max_examples=examples, deadline=None, phases=PHASES,
                    suppress_health_check=list(HealthCheck), **more)


def is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def write_in_any_form(folder: Path, name: str, lines: list[bytes], chance: random.Random) -> Path:
    """Writes a file of a stream in one of the forms that files have, under any name.

    Lines that are no objects stay lines; a file of nothing else would be none of JSON.
    """
    values = [line for line in lines if line.strip()]
    forms = {"lines": b"\n".join(lines), "ends": b"\r\n".join(lines) + b"\r\n"}
    if values and all(map(is_object, values)):
        forms |= {
            "array": b"[" + b",\n".join(values) + b"]",
            "values": b"".join(values),
            "pretty": "\n".join(json.dumps(json.loads(v), indent=1) for v in values).encode(),
            "utf-16": b"\n".join(values).decode().encode("utf-16"),
        }
    content = forms[chance.choice(list(forms))]
    pack = chance.choice([bytes, bytes, gzip.compress, zstandard.ZstdCompressor().compress])
    place = folder / chance.choice([".", "country=ZZ", "customer_identifier=x/dt=1"])
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"{name}{chance.choice(['', '.ndjson', '.json', '.gz', '.zst', '.parquet'])}"
    path.write_bytes(pack(content or b"\n"))  # an empty file counts as none
    return path


def write_lines(path: Path, lines: list[bytes]) -> Path:
    """Writes a file of a stream."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\n".join(lines) or b"\n")  # an empty file counts as none
    return path
