"""Features that are given with the request (`from_anchor`): fields of the anchor's event.

The caller sends a field, the decision logs it in its event, and training reads it from there:
so what is read of a request is what the warehouse reads of the event.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from offer_ai.base import declarations
from offer_ai.base.actions import TRUTHS, reserved

EVENT_TIME = "event_time"  # of a request it is its own time
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Value = str | bool | int | float | Decimal | datetime | date | None


class RequestFeatures:
    """The features of a decision point that requests give, and the fields that callers send for
    them; of all declared ones where no point is named.

    Raises ValueError over a field that says something else in a request or a decision.
    """

    def __init__(self, point: dict | None = None, features: list[dict] | None = None,
                 fields: dict | None = None):
        declared = declarations.request_features(point) if features is None else features
        taken = reserved(declarations.decision_points().values())
        of_event = declarations.variables()["event_fields"] if fields is None else fields
        for one in declared:
            if (field := one["definition"]["from_anchor"]) in taken:
                raise ValueError(
                    f"dbt_project.yml, features, {one['name']}: `from_anchor: {field}` is what the "
                    "decision itself says: choose another field")
        self.fields_of = {one["name"]: one["definition"]["from_anchor"] for one in declared}
        self.data_types = {one["name"]: one["data_type"] for one in declared}
        self.types = {field: of_event[field]["type"]
                      for field in self.fields_of.values() if field != EVENT_TIME}
        self.required = {field for field in self.types if of_event[field].get("required")}

    @property
    def names(self) -> list[str]:
        return list(self.fields_of)

    def read(self, field: str, value: object) -> Value:
        """A field's value as sent (JSON) to its declared type; ValueError says what it is not."""
        kind = self.types[field]
        if value is None or value == "":
            if field in self.required:
                raise ValueError("is missing, and an event without it would be no event")
            return None
        try:
            return READERS[kind](value)
        except (ValueError, TypeError, OverflowError, InvalidOperation) as error:
            raise ValueError(f"is declared as {A[kind]}, and {shown(value)} is none") from error

    def features(self, given: Mapping[str, Value], at: datetime) -> dict[str, Value]:
        """Name to value of each, from what `read` made of fields; None for one not sent."""
        if at.tzinfo:
            at = at.astimezone(UTC).replace(tzinfo=None)
        return {name: as_declared(at if field == EVENT_TIME else given.get(field),
                                  self.data_types[name])
                for name, field in self.fields_of.items()}


def as_declared(value: Value, data_type: str) -> Value:
    """What the warehouse casts a field's value to."""
    if value is None:
        return None
    word = declarations.type_word(data_type)
    if word == "date":
        return value.date()
    return float(value) if word in ("double", "float", "real") else value


def as_json(value: Value) -> str | bool | int | float | None:
    """A value as a raw event carries it: exactly what is read back."""
    if isinstance(value, datetime):
        return value.isoformat() + "Z"
    return str(value) if isinstance(value, Decimal) else value


def to_text(value: object) -> str:
    """Of a number or a boolean its JSON."""
    text = json.dumps(value) if isinstance(value, bool | int | float) else value
    if not isinstance(text, str) or "\0" in text:
        raise ValueError
    text.encode()
    return text


def to_number(value: object) -> float:
    if isinstance(value, bool) or (isinstance(value, str) and "_" in value):
        raise ValueError
    number = float(value)
    if not abs(number) < float("inf"):
        raise ValueError
    return number


def to_integer(value: object) -> int:
    to_number(value)
    number = Decimal(str(value))
    if number != number.to_integral_value() or not -2**63 <= number < 2**63:
        raise ValueError
    return int(number)


def to_boolean(value: object) -> bool:
    if (text := str(value).lower()) not in TRUTHS:
        raise ValueError
    return TRUTHS[text]


def to_money(value: object) -> Decimal:
    to_number(value)
    amount = Decimal(str(value)).quantize(Decimal("0.0001"), ROUND_HALF_UP)
    if abs(amount) >= 10**18:
        raise ValueError
    return amount


def to_timestamp(value: object) -> datetime:
    """ISO 8601, UTC without an offset, or an epoch number; naive UTC comes back."""
    if isinstance(value, str) and not re.fullmatch(r"[+-]?[0-9.]+([eE][+-]?[0-9]+)?", value):
        parsed = datetime.fromisoformat(value.removesuffix(" UTC"))
        parsed = parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    else:
        epoch = Decimal(str(to_number(value)) if isinstance(value, float) else str(value))
        scale = 10**6 if abs(epoch) < 10**11 else 10**3 if abs(epoch) < 10**14 else 1
        parsed = EPOCH + timedelta(microseconds=int(epoch * scale // 1))
    return parsed.replace(tzinfo=None)


# How each declared type of a field is read, and what an error calls it.
READERS = {"text": to_text, "number": to_number, "integer": to_integer, "boolean": to_boolean,
           "money": to_money, "timestamp": to_timestamp}
A = {"text": "text", "number": "a number", "integer": "an integer", "boolean": "a boolean",
     "money": "an amount", "timestamp": "a time (ISO 8601)"}

JSON_TYPES = {"text": ["string", "number", "boolean"], "number": ["number", "string"],
              "integer": ["integer", "string"], "boolean": ["boolean", "number", "string"],
              "money": ["number", "string"], "timestamp": ["string", "number"]}


def shown(value: object) -> str:
    """A value for an error: short, and nothing that no response can carry."""
    return ascii(value if len(ascii(value)) <= 40 else type(value).__name__)
