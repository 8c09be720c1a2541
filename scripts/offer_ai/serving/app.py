"""The service: POST /decide, GET /healthz, GET /metrics."""

import hmac
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

from fastapi import FastAPI, Header, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram
from prometheus_client import generate_latest as metrics_text
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, create_model

from offer_ai.base import declarations
from offer_ai.features.request_time import RequestFeatures
from offer_ai.serving.decider import Choice, Decider

MAX_BODY = 16_384  # bytes
LOGGED = {"event_id", "event_uuid", "event_time", "customer_identifier", "decision_id",
          "policy_version", "decision_context"}
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
    """A DecisionRequest that takes the fields of declared features (`from_anchor`) too.

    Raises ValueError when one has the name of a field that says something else here.
    """
    def reader(field: str):
        return BeforeValidator(lambda value: requests.read(field, value))

    for field in requests.types:
        if field in DecisionRequest.model_fields or field in LOGGED:
            raise ValueError(f"dbt_project.yml, features: `from_anchor: {field}` names what a "
                             "request or a decision says by itself: choose another field.")
    return create_model("DeclaredRequest", __base__=DecisionRequest, **{
        field: (Annotated[Any, reader(field)], None) for field in requests.types})


def invalid_field(field: str, problem: str) -> RequestValidationError:
    return RequestValidationError([{"loc": ("body", field), "msg": problem}])


def check_clock(at: datetime | None, hours: float) -> None:
    """A request later than that ahead of now is dated wrongly; raises RequestValidationError."""
    if at is not None and at > datetime.now(UTC) + timedelta(hours=hours):
        raise invalid_field("at", f"lies more than {hours:g} hours ahead of the service's clock, "
                            f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")


def create_app(decider: Decider, api_key: str | None = None) -> FastAPI:
    """The service around a decider."""
    registry = CollectorRegistry()
    declared_request = with_fields(decider.requests)
    tolerance = declarations.variables().get("clock_tolerance_hours", CLOCK_TOLERANCE_HOURS)
    decisions = Counter("offer_ai_decisions", "Decisions made.", ["policy_version", "offer_type"],
                        registry=registry)
    refused = Counter("offer_ai_refused", "Requests refused.", ["status"], registry=registry)
    seconds = Histogram("offer_ai_decision_seconds", "Seconds of a decision.", registry=registry,
                        buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 1))

    @asynccontextmanager
    async def lifespan(_: FastAPI):
        yield
        decider.log.close()

    app = FastAPI(title="Offer AI", lifespan=lifespan)

    @app.middleware("http")
    async def within_bounds(request: Request, call_next):
        length = request.headers.get("content-length", "0")
        if request.method == "POST" and (
                not length.isdigit() or int(length) > MAX_BODY
                or "transfer-encoding" in request.headers):
            response = JSONResponse(
                {"detail": f"the body needs a Content-Length of at most {MAX_BODY} bytes"}, 413)
        else:
            response = await call_next(request)
        if 400 <= response.status_code < 500:
            refused.labels(response.status_code).inc()
        return response

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError):
        # Without the input itself, which may be what no response can carry.
        return JSONResponse({"detail": [
            {"field": ".".join(filter(None, map(name_of, problem["loc"][1:]))) or "body",
             "problem": problem["msg"].removeprefix("Value error, ")}
            for problem in error.errors()]}, 422)

    @app.post("/decide")
    def decide(request: declared_request, x_api_key: Annotated[str | None, Header()] = None):
        if api_key and not hmac.compare_digest((x_api_key or "").encode(), api_key.encode()):
            raise HTTPException(401, "X-API-Key is missing or wrong")
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
            raise HTTPException(503, f"the decision could not be logged: {error}") from error
        seconds.observe(time.perf_counter() - began)
        decisions.labels(decision["policy_version"], decision["offer_type"] or "none").inc()
        return decision

    @app.get("/healthz")
    def healthz():
        return {"status": "ok", **decider.state}

    @app.get("/metrics")
    def metrics():
        return Response(metrics_text(registry), media_type=CONTENT_TYPE_LATEST)

    return app
