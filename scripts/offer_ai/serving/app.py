"""The service: POST /decide, GET /healthz, GET /readyz, GET /metrics."""

import math
import time
from collections.abc import Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import orjson
from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel

from offer_ai.base import declarations
from offer_ai.base.actions import as_json
from offer_ai.features.opening import is_at_hand
from offer_ai.learning.candidates import Candidate
from offer_ai.serving.bounds import Bounds, Keys
from offer_ai.serving.decider import Decider
from offer_ai.serving.direct import JSON, PATH, Direct, failed_answer, invalid, invalid_answer
from offer_ai.serving.figures import Figures
from offer_ai.serving.requests import Interface
from offer_ai.serving.state import is_starting

CLOCK_TOLERANCE_HOURS = 24  # where dbt_project.yml declares none


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
    """`ready`; `starting`: no model is promoted yet, each candidate has the same chance;
    `degraded`: a new model or list of candidates cannot be used, and what was in place goes on, or
    the store or its features cannot, and each candidate has the same chance; `broken`: no decision
    can be logged, so none is made."""

    status: Literal["ready", "starting", "degraded", "broken"]
    why: str | None


ANSWERS = {422: {"model": Invalid}, **{
    status: {"model": Refusal, "description": why} for status, why in (
        (400, "The body cannot be read as JSON"),
        (401, "The key is missing or wrong"), (413, "The body is too large"),
        (429, "More requests than the key may make"), (503, "The decision could not be logged"))}}


def label_of(value: object, candidates: Iterable[Candidate]) -> str:
    """What the figures call the first column of an action: a caller of an apprentice may say
    anything, and each label is kept for good."""
    if value is None or value == "":
        return "none"
    known = (one.offer[0] for one in candidates)
    return str(value) if any(value == as_json(one) for one in known) else "other"


def check_clock(at: datetime | None, hours: float) -> None:
    """A request later than that ahead of now is dated wrongly; raises RequestValidationError."""
    if at is not None and at > datetime.now(UTC) + timedelta(hours=hours):
        raise invalid(f"lies more than {hours:g} hours ahead of the service's clock, "
                      f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", "at")


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
    return Readiness(status="starting" if is_starting(decider) else "degraded",
                     why=state["why_not"])


def create_app(decider: Decider, keys: Keys | None = None) -> Bounds:
    """The service around a decider, as an ASGI application."""
    actions, point = decider.actions, decider.point
    keys, figures = keys or Keys(), Figures(actions.names[0])
    interface = Interface(point, actions, decider.requests)
    tolerance = declarations.variables().get("clock_tolerance_hours", CLOCK_TOLERANCE_HOURS)

    @asynccontextmanager
    async def lifespan(_: FastAPI):
        with decider.looking():
            yield
        decider.log.close()

    # Without pages of documentation, whose scripts come from elsewhere.
    app = FastAPI(title="Offer AI", lifespan=lifespan, docs_url=None, redoc_url=None)

    @app.exception_handler(RequestValidationError)
    async def not_valid(_: Request, error: RequestValidationError):
        return invalid_answer(error)

    @app.exception_handler(Exception)
    async def failed(_: Request, error: Exception):
        return failed_answer()

    def admit(x_api_key: Annotated[str | None, Header()] = None):
        name = keys.name_of(x_api_key)
        if name is None:
            raise HTTPException(401, "X-API-Key is missing or wrong")
        figures.requests.labels(name).inc()
        if wait := keys.wait(name):
            raise HTTPException(429, f"{name} may make {keys.per_second:g} requests a second",
                                {"Retry-After": str(math.ceil(wait))})

    @app.post(PATH, response_model=None, dependencies=[Depends(admit)],
              responses={200: {"model": interface.answer}} | ANSWERS)
    def decide(request: interface.request):
        check_clock(request.at, tolerance)
        choice = None
        if decider.is_apprentice:
            if (field := interface.lacks(request)) is not None:
                raise invalid(f"an apprentice needs the game's own {point['one']}", field)
            choice = interface.choice(request)
        began = time.perf_counter()
        try:
            decision = decider.decide(request.user_id, request.session_id, request.at, choice,
                                      interface.allowed(request), {field: getattr(request, field)
                                               for field in decider.requests.types})
        except OSError as error:
            raise HTTPException(503, "the decision could not be logged") from error
        figures.seconds.observe(time.perf_counter() - began)
        figures.decisions.labels(
            decision["policy_version"],
            label_of(decision[actions.names[0]], decider.candidates)).inc()
        return Response(orjson.dumps(decision), media_type=JSON)

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

    direct = Direct(app, interface.request, admit, decide, is_at_hand(decider.store_url))
    return Bounds(direct, figures.refused)
