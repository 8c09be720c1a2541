"""What is done at a decision point: the columns of its action, and values of them.

An action is a tuple, a value for each column: text, Decimal (an amount), int, float or bool, as
candidates and events have them exactly; to models each but text is a float.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from offer_ai.base.declarations import type_word

Value = str | Decimal | int | float | bool
Action = tuple[Value, ...]

KINDS = {
    "text": ("string", "varchar", "text"), "amount": ("decimal",),
    "whole number": ("bigint", "integer", "int", "smallint", "tinyint", "hugeint"),
    "number": ("double", "float", "real"), "boolean": ("boolean",),
}
# What requests and the events of decisions say of themselves, whatever is decided, and what
# their answers and notes do.
SAID = ("event_id", "event_uuid", "customer_identifier", "session_id", "received_at", "user_id",
        "at", "propensity", "decision_id", "policy_version", "decision_context")
NOTED = ("event_time", "features", "reason", "probability", "predicted", "value")
SHOWN = {"amount": "price of at most four decimals", "whole number": "whole number of 64 bits",
         "boolean": "boolean (true or false)"}  # what an error calls a kind
# As `to_boolean` (macros/engine/casts.sql) reads them, in lower case.
TRUTHS = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}


@dataclass(frozen=True)
class Actions:
    """The columns of the action of a decision point, and what kind of value each has."""

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    one: str = "offer"  # the point's word for one of them

    @classmethod
    def of(cls, columns: Iterable[Mapping], one: str = "offer") -> "Actions":
        """From columns of `name` and `data_type`; ValueError over a type that none can have."""
        kinds = {column["name"]: kind_of(column["data_type"]) for column in columns}
        for name, kind in kinds.items():
            if kind is None:
                raise ValueError(f"'{name}' under `action` is neither text, a number nor a boolean")
            if name in SAID + NOTED:
                raise ValueError(f"'{name}' under `action` is what each decision says of itself: "
                                 "call the column otherwise")
        return cls(tuple(kinds), tuple(kinds.values()), one)

    @classmethod
    def declared(cls, point: Mapping) -> "Actions":
        """Of a declared decision point; ValueError, in one sentence, where it has none."""
        place = f"dbt_project.yml, decision_points, {point['name']}"
        if not point["action"]:
            raise ValueError(
                f"{place}: no `action` is declared, so there is nothing to decide between: name "
                "the columns that say what was done")
        columns = {column["name"]: column for column in point["columns"]}
        if missing := [name for name in point["action"] if name not in columns]:
            raise ValueError(f"{place}: '{missing[0]}' under `action` is not under `columns`")
        if point["name"] in point["action"]:
            raise ValueError(f"{place}: a column under `action` has the name of the decision point")
        try:
            return cls.of((columns[name] for name in point["action"]), point["one"])
        except ValueError as error:
            raise ValueError(f"{place}: {error}") from error

    @property
    def price(self) -> int | None:
        """Which of the columns is the price, the first amount; None for none."""
        return self.kinds.index("amount") if "amount" in self.kinds else None

    def read(self, told: Mapping) -> Action:
        """An action from what a file, a request or an event says of it; raises ValueError."""
        return tuple(read(name, kind, told.get(name))
                     for name, kind in zip(self.names, self.kinds, strict=True))

    def told(self, action: Action | None) -> dict:
        """The same as answers and events say it; null for none."""
        if action is None:
            return dict.fromkeys(self.names)
        return {name: as_json(value) for name, value in zip(self.names, action, strict=True)}

    def rows(self, table: Mapping[str, Sequence]) -> list[tuple[str | float | None, ...]]:
        """What was done in each row of a table, as models see it; None where a row does not say."""
        return [numbers(row) for row in zip(*(table[name] for name in self.names), strict=True)]


def kind_of(data_type: str) -> str | None:
    word = type_word(data_type)
    return next((kind for kind, words in KINDS.items() if word in words), None)


def read(name: str, kind: str, value: object) -> Value:
    """A value of a kind from text or JSON; raises ValueError."""
    text = "" if value is None else str(value).strip()
    if not text:
        raise ValueError(f"{name} is missing")
    try:
        if kind == "text" and not isinstance(value, bool | float | dict | list):
            return text
        if "_" in text:
            raise ValueError
        if kind == "amount":
            amount = Decimal(text)
            if amount.is_finite() and 0 <= amount < 10**18 and amount == round(amount, 4):
                return amount
        elif kind == "whole number" and -2**63 <= (whole := int(text)) < 2**63:
            return whole
        elif kind == "number" and abs(number := float(text)) < float("inf"):
            return number
        elif kind == "boolean":
            return TRUTHS[text.lower()]
    except (ValueError, KeyError, InvalidOperation):
        pass
    raise ValueError(f"{name} {value!r} is no {SHOWN.get(kind, kind)}")


def numbers(action: Iterable) -> tuple[str | float | None, ...]:
    """An action as models see it: text, and a float for whatever is a number."""
    return tuple(value if value is None or isinstance(value, str) else float(value)
                 for value in action)


def as_json(value: Value) -> str | int | float | bool:
    """An amount is text, so that it stays exact, and says 9.99 for 9.990, 10 for 10.0."""
    return amount_text(value) if isinstance(value, Decimal) else value


@lru_cache(10_000)
def amount_text(value: Decimal) -> str:
    """As `as_json` has an amount; candidates say the same few in each decision."""
    return f"{value.normalize():f}"


def as_texts(action: Iterable[Value]) -> list[str]:
    """Each value as a person would write it."""
    return [str(as_json(value)).lower() if isinstance(value, bool)
            else f"{value:g}" if isinstance(value, float) else str(as_json(value))
            for value in action]


def words(action: Action) -> str:
    """An action in words: gems at 4.99."""
    *first, last = as_texts(action)
    return f"{' '.join(first)} at {last}" if first and isinstance(action[-1], Decimal) else (
        " ".join([*first, last]))


def reserved(points: Iterable[Mapping]) -> set[str]:
    """Fields that say something else in a request or a decision than what a feature reads: of
    themselves, or of what was done at one of the points and what came of it."""
    return {*SAID, *(word for point in points
                     for word in (point["name"], *point["action"], *point["outcome"]))}
