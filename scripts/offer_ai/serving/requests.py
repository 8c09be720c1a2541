"""What a request to decide says, and what it is answered: models made from the decision point."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    StrictBool,
    WithJsonSchema,
    create_model,
)

from offer_ai.base import declarations
from offer_ai.base.actions import Action, Actions
from offer_ai.features.request_time import JSON_TYPES, RequestFeatures
from offer_ai.serving.choices import Choice


def storable(text: str) -> str:
    """Text that a raw event can carry; raises ValueError."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("is no valid Unicode text") from error
    if "\0" in text or not text.strip():
        raise ValueError("is blank or holds a NUL character")
    return text


def in_utc(at: datetime) -> datetime:
    """A time without an offset is UTC; raises ValueError beyond the calendar."""
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("lies beyond the calendar") from error


Text = Annotated[str, Field(min_length=1, max_length=1024), AfterValidator(storable)]
WHOLE = re.compile(r"(-?[0-9]+)[.]0+")
Price = Annotated[Decimal, Field(max_digits=18, decimal_places=4)]
Whole = Annotated[int, Field(ge=-2**63, lt=2**63)]
# How a request gives a value of an action, and how an answer does, by kind.
GIVEN = {"text": Text, "amount": Price, "whole number": Whole, "boolean": StrictBool,
         "number": Annotated[float, Field(allow_inf_nan=False)]}
ANSWERED = {"text": str, "amount": str, "whole number": int, "boolean": bool, "number": float}
SOME = """{A} {one} that the request allows."""
REQUEST = """A user at a moment at which {a} {one} can be shown.

    The {one} that the game would show by itself is what an apprentice makes, with the
    probability with which the game chose it, if it knows that; otherwise both are ignored, so
    that the switch needs no change of the game. `{name}` are the only ones to choose among.
    """
ANSWER = """What was decided; {one} and propensity are null where no candidate is eligible, or the
    game did not say its own propensity."""


class Asked(BaseModel):
    """What every request says."""

    user_id: Text
    session_id: Text
    at: Annotated[datetime, AfterValidator(in_utc)] | None = None


def id_of(field: str, no_ids: str | None = None):
    """The type of an id that the warehouse reads as `to_id` (macros/engine/casts.sql) does: `7.0`
    is 7, a word of the var `no_ids` is none."""
    variables = declarations.variables()
    if variables.get("event_fields", {}).get(field, {}).get("type") != "id":
        return Text
    none = {str(word).lower() for word in variables.get(no_ids) or () if word is not None}

    def read(text: str) -> str:
        text = whole[1] if (whole := WHOLE.fullmatch(text)) else text
        if text.lower() in none:
            raise ValueError(f"is a word that stands for none ({no_ids})")
        return text

    return Annotated[Text, AfterValidator(read)]


class Interface:
    """What is asked of a decision point and answered: `request` and `answer` are the models."""

    def __init__(self, point: dict, actions: Actions, requests: RequestFeatures):
        self.name, self.actions = point["name"], actions
        one = point["one"].replace("_", " ")
        a = "an" if one[0] in "aeiou" else "a"
        words = {"one": one, "name": self.name, "a": a, "A": a.capitalize()}
        kinds = list(zip(actions.names, actions.kinds, strict=True))
        some = create_model(
            one.title().replace(" ", ""), __doc__=SOME.format(**words),
            **{name: (GIVEN[kind], ...) for name, kind in kinds})
        self.request = create_model(
            "DeclaredRequest", __base__=Asked, __doc__=REQUEST.format(**words),
            user_id=(id_of("customer_identifier", "no_user_ids"), ...),
            session_id=(id_of("session_id"), ...),
            **{name: (GIVEN[kind] | None, None) for name, kind in kinds},
            propensity=(Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] | None, None),
            **{self.name: (list[some] | None, None)},
            **{field: (reader(requests, field), ... if field in requests.required else None)
               for field in requests.types})
        self.answer = create_model(
            "Decision", __doc__=ANSWER.format(**words), decision_id=(str, ...),
            **{name: (ANSWERED[kind] | None, ...) for name, kind in kinds},
            propensity=(float | None, ...), policy_version=(str, ...),
            features=(dict[str, bool | int | float | str | None], ...), reason=(str | None, None))

    def lacks(self, request: BaseModel) -> str | None:
        """The first column of the action that a request does not give."""
        return next((name for name in self.actions.names if getattr(request, name) is None), None)

    def choice(self, request: BaseModel) -> Choice:
        """What the caller would do by itself."""
        return Choice(self.action(request), request.propensity)

    def allowed(self, request: BaseModel) -> list[Action] | None:
        """The only ones to choose among; None for all candidates."""
        given = getattr(request, self.name)
        return None if given is None else [self.action(one) for one in given]

    def action(self, given: BaseModel) -> Action:
        return tuple(getattr(given, name) for name in self.actions.names)


def reader(requests: RequestFeatures, field: str):
    """The type of a field that a declared feature (`from_anchor`) reads."""
    schema = WithJsonSchema({"type": [*JSON_TYPES[requests.types[field]], "null"]})
    return Annotated[Any, BeforeValidator(lambda value: requests.read(field, value)), schema]
