"""POST /decide by the shortest way.

FastAPI describes the request and answers everything else. Its own way to a function costs more
than the decision: it solves dependencies, keeps stacks of what to close, hands over to a thread.
What is answered is the same, which a test compares.
"""

import json
from collections.abc import Callable
from email.message import Message

from fastapi import HTTPException
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

PATH = "/decide"
JSON = "application/json"


class Direct:
    """ASGI: calls `decide` with a request, and hands the rest to `app`.

    `admit` is asked with its X-API-Key before the body is read. `is_at_hand` says that the features
    come without waiting; otherwise a decision has a thread.
    """

    def __init__(self, app, request: type[BaseModel], admit: Callable[[str | None], None],
                 decide: Callable[[BaseModel], Response], is_at_hand: bool):
        self.app, self.request, self.admit, self.decide = app, request, admit, decide
        self.is_at_hand = is_at_hand

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            return await self.app(scope, receive, send)
        try:
            self.admit(first(scope["headers"], b"x-api-key"))
        except HTTPException as error:
            return await refusal(error)(scope, receive, send)
        body, is_more = b"", True
        while is_more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            is_more = message.get("more_body", False)
        told = body, first(scope["headers"], b"content-type")
        try:
            answer = self.answer(*told) if self.is_at_hand else await run_in_threadpool(
                self.answer, *told)
        except Exception:
            await failed_answer()(scope, receive, send)
            raise
        return await answer(scope, receive, send)

    def answer(self, body: bytes, kind: str | None) -> Response:
        try:
            return self.decide(self.read(body, kind))
        except RequestValidationError as error:
            return invalid_answer(error)
        except HTTPException as error:
            return refusal(error)

    def read(self, body: bytes, kind: str | None) -> BaseModel:
        """The request of a body, as FastAPI reads it; raises what FastAPI does."""
        if not body:
            raise invalid("Field required")
        try:
            told = json.loads(body) if is_json(kind) else body
        except json.JSONDecodeError as error:
            raise invalid("JSON decode error") from error
        except Exception as error:  # bytes that are no text, objects nested too deep
            raise HTTPException(400, "There was an error parsing the body") from error
        try:
            return self.request.model_validate(told, from_attributes=True)
        except ValidationError as error:
            raise RequestValidationError(
                [problem | {"loc": ("body", *problem["loc"])}
                 for problem in error.errors(include_url=False)]) from error


def first(headers: list[tuple[bytes, bytes]], name: bytes) -> str | None:
    """The first header of a name (in lower case); None for none."""
    for one, value in headers:
        if one == name:
            return value.decode("latin-1")
    return None


def is_json(kind: str | None) -> bool:
    """Whether a Content-Type is one of JSON; without one, a browser could send it for anybody."""
    if kind == JSON:
        return True
    message = Message()
    message["content-type"] = kind or ""
    subtype = message.get_content_subtype()
    return bool(kind) and message.get_content_maintype() == "application" and (
        subtype == "json" or subtype.endswith("+json"))


def invalid(problem: str, *field: str) -> RequestValidationError:
    """Says what is wrong with a field of the body, or with the body."""
    return RequestValidationError([{"loc": ("body", *field), "msg": problem}])


def invalid_answer(error: RequestValidationError) -> JSONResponse:
    """Without the input itself, which may be what no response can carry."""
    return JSONResponse({"detail": [
        {"field": ".".join(filter(None, map(name_of, problem["loc"][1:]))) or "body",
         "problem": problem["msg"].removeprefix("Value error, ")}
        for problem in error.errors()]}, 422)


def refusal(error: HTTPException) -> JSONResponse:
    return JSONResponse({"detail": error.detail}, error.status_code, error.headers)


def failed_answer() -> JSONResponse:
    """Of what nobody thought of; what it was is in the service's own log."""
    return JSONResponse({"detail": "the service failed"}, 500)


def name_of(part: str | int) -> str:
    """One element of where a validation error lies; positions in broken JSON are no names."""
    return part if isinstance(part, str) else ""
