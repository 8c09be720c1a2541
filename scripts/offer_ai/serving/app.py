"""The service: POST /decide, GET /healthz, GET /readyz, GET /metrics."""

import math
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Header, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    WithJsonSchema,
    create_model,
)

from offer_ai.base import declarations
from offer_ai.features.request_time import JSON_TYPES, RequestFeatures
from offer_ai.serving.bounds import HEADERS, Bounds, Keys
from offer_ai.serving.decider import Choice, Decider
from offer_ai.serving.figures import Figures

CLOCK_TOLERANCE_HOURS = 24  # where dbt_project.yml declares none


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


def name_of(part: str | int) -> str:
    """One element of where a validation error lies; positions in broken JSON are no names."""
    return part if isinstance(part, str) else ""


Text = Annotated[str, Field(min_length=1, max_length=1024), AfterValidator(storable)]


Price = Annotated[Decimal, Field(max_digits=18, decimal_places=4)]


class Offer(BaseModel):
    """An offer that the request allows."""

    offer_type: Text
    offer_price: Price


class DecisionRequest(BaseModel):
    """A user at a moment at which an offer can be shown.

    The offer that the game would show by itself is what an apprentice makes, with the
    probability with which the game chose it, if it knows that; otherwise both are ignored, so
    that the switch needs no change of the game. `offers` are the only ones to choose among.
    """

    user_id: Text
    session_id: Text
    at: Annotated[datetime, AfterValidator(in_utc)] | None = None
    offer_type: Text | None = None
    offer_price: Price | None = None
    propensity: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] | None = None
    offers: list[Offer] | None = None


def with_fields(requests: RequestFeatures) -> type[DecisionRequest]:
    """A DecisionRequest that takes the fields of declared features (`from_anchor`) too."""
    def reader(field: str):
        schema = WithJsonSchema({"type": [*JSON_TYPES[requests.types[field]], "null"]})
        return Annotated[Any, BeforeValidator(lambda value: requests.read(field, value)), schema]

    return create_model("DeclaredRequest", __base__=DecisionRequest, **{
        field: (reader(field), None) for field in requests.types})


class Decision(BaseModel):
    """What was decided; offer and propensity are null where no candidate is eligible, or the
    game did not say its own propensity."""

    decision_id: str
    offer_type: str | None
    offer_price: str | None
    propensity: float | None
    policy_version: str
    features: dict[str, bool | int | float | str | None]
    reason: str | None = None


class Problem(BaseModel):
    """What is wrong with a field of the request."""

    field: str
    problem: str


class Invalid(BaseModel):
    """Everything that is wrong with a request."""

    detail: list[Problem]


class Refusal(BaseModel):
    """Why a request was not answered."""

    detail: str


class Readiness(BaseModel):
    """`ready`; `starting`: no model or features yet, each candidate has the same chance;
    `degraded`: likewise, as those that there are cannot be used; `broken`: no decision can be
    logged, so none is made."""

    status: Literal["ready", "starting", "degraded", "broken"]
    why: str | None


ANSWERS = {200: {"model": Decision}, 422: {"model": Invalid}, **{
    status: {"model": Refusal, "description": why} for status, why in (
        (400, "The body cannot be read as JSON"),
        (401, "The key is missing or wrong"), (413, "The body is too large"),
        (429, "More requests than the key may make"), (503, "The decision could not be logged"))}}


def invalid_field(field: str, problem: str) -> RequestValidationError:
    return RequestValidationError([{"loc": ("body", field), "msg": problem}])


def check_clock(at: datetime | None, hours: float) -> None:
    """A request later than that ahead of now is dated wrongly; raises RequestValidationError."""
    if at is not None and at > datetime.now(UTC) + timedelta(hours=hours):
        raise invalid_field("at", f"lies more than {hours:g} hours ahead of the service's clock, "
                            f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")


def readiness(decider: Decider) -> Readiness:
    """How far decisions can be made now."""
    try:
        decider.log.check()
    except OSError as error:
        return Readiness(status="broken",
                         why=f"decisions cannot be logged: {error.strerror or error}")
    state = decider.state
    if state["why_not"] is None:
        return Readiness(status="ready", why=None)
    is_new = decider.promoted.policy is None and decider.promoted.problem is None
    return Readiness(status="starting" if is_new else "degraded", why=state["why_not"])


def create_app(decider: Decider, keys: Keys | None = None) -> FastAPI:
    """The service around a decider."""
    keys, figures = keys or Keys(), Figures()
    declared_request = with_fields(decider.requests)
    tolerance = declarations.variables().get("clock_tolerance_hours", CLOCK_TOLERANCE_HOURS)

    @asynccontextmanager
    async def lifespan(_: FastAPI):
        yield
        decider.log.close()

    # Without pages of documentation, whose scripts come from elsewhere.
    app = FastAPI(title="Offer AI", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.add_middleware(Bounds, refused=figures.refused)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError):
        # Without the input itself, which may be what no response can carry.
        return JSONResponse({"detail": [
            {"field": ".".join(filter(None, map(name_of, problem["loc"][1:]))) or "body",
             "problem": problem["msg"].removeprefix("Value error, ")}
            for problem in error.errors()]}, 422)

    @app.exception_handler(Exception)
    async def failed(_: Request, error: Exception):
        # It is in the service's own log. This answer passes by the middleware.
        return JSONResponse({"detail": "the service failed"}, 500, HEADERS)

    @app.post("/decide", response_model=None, responses=ANSWERS)
    def decide(request: declared_request, x_api_key: Annotated[str | None, Header()] = None):
        name = keys.name_of(x_api_key)
        if name is None:
            raise HTTPException(401, "X-API-Key is missing or wrong")
        figures.requests.labels(name).inc()
        if wait := keys.wait(name):
            raise HTTPException(429, f"{name} may make {keys.per_second:g} requests a second",
                                {"Retry-After": str(math.ceil(wait))})
        check_clock(request.at, tolerance)
        choice, offers = None, None
        if decider.is_apprentice:
            for field in ("offer_type", "offer_price"):
                if getattr(request, field) is None:
                    raise invalid_field(field, "an apprentice needs the game's own offer")
            choice = Choice(request.offer_type, request.offer_price, request.propensity)
        if request.offers is not None:
            offers = [(offer.offer_type, offer.offer_price) for offer in request.offers]
        began = time.perf_counter()
        try:
            decision = decider.decide(request.user_id, request.session_id, request.at, choice,
                                      offers, {field: getattr(request, field)
                                               for field in decider.requests.types})
        except OSError as error:
            raise HTTPException(503, "the decision could not be logged") from error
        figures.seconds.observe(time.perf_counter() - began)
        figures.decisions.labels(
            decision["policy_version"], decision["offer_type"] or "none").inc()
        return JSONResponse(decision)

    @app.get("/healthz")
    def healthz():
        return {"status": "ok", **decider.state}

    @app.get("/readyz", response_model=Readiness, responses={503: {"model": Readiness}})
    def readyz(response: Response):
        found = readiness(decider)
        response.status_code = 503 if found.status == "broken" else 200
        return found

    @app.get("/metrics")
    def metrics():
        return Response(figures.text(), media_type=CONTENT_TYPE_LATEST)

    return app
