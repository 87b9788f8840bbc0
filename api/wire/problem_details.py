"""Errors → `application/problem+json` (RFC 9457), with `code` and `request_id`; the log's share.

What status and words an error gets is in `errors.py`; here it becomes a response.
"""

import http
import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette._utils import get_route_path
from starlette.exceptions import HTTPException
from starlette.types import Scope

from index.errors import IndexingError
from rag.errors import AnswerError

from ..errors import INVALID, PLAIN_CODES, UNFORESEEN, ApiError, RequestInvalid, Verdict, verdict
from .openai_schemas import ChatError, ChatErrorBody
from .schemas import Invalid, Problem

log = logging.getLogger("footnote")

MEDIA_TYPE = "application/problem+json"
_NAME = re.compile(r"[\w-]+")
_OPENAI = ("/v1/chat", "/v1/models")
"""Where errors have OpenAI's shape."""


def request_id(scope: Scope) -> str:
    """Returns the id of this request, as in its log line and its `X-Request-Id` header."""
    return str(scope.get("state", {}).get("request_id", "none"))


def problem(error: Exception, scope: Scope) -> tuple[Problem, Verdict]:
    """Returns `error` as clients see it; logs its own words where they are not for clients."""
    known = verdict(error)
    if known.detail != str(error):
        ours = isinstance(error, ApiError | AnswerError | IndexingError)
        log.error("%s: %s", type(error).__name__, error if ours else "its words are left out")
    body = _problem(known, scope)
    if isinstance(error, RequestInvalid):
        body.errors = [Invalid(field=error.field, message=error.cause)]
    return body, known


def _problem(known: Verdict, scope: Scope) -> Problem:
    return Problem(
        title=http.HTTPStatus(known.status).phrase,
        status=known.status,
        detail=known.detail,
        code=known.code,
        request_id=request_id(scope),
    )


def respond(error: Exception, scope: Scope) -> Response:
    """Returns the response for any error, with `Retry-After` and other headers it knows."""
    body, _ = problem(error, scope)
    headers = dict(getattr(error, "headers", {}))
    wait_s = getattr(error, "retry_after_s", None)
    if wait_s is not None:
        headers["retry-after"] = f"{max(1, round(wait_s))}"
    return _response(body, scope, headers)


def _response(body: Problem, scope: Scope, headers: dict[str, str] | None = None) -> Response:
    if get_route_path(scope).startswith(_OPENAI):
        content = chat_error(body).model_dump_json()
        return Response(content, body.status, headers, media_type="application/json")
    content = body.model_dump_json(exclude_none=True)
    return Response(content, body.status, headers, media_type=MEDIA_TYPE)


def chat_error(body: Problem) -> ChatErrorBody:
    """Returns a problem in OpenAI's words."""
    kind: Literal["invalid_request_error", "server_error"] = "server_error"
    if body.status < 500:
        kind = "invalid_request_error"
    param = body.errors[0].field.removeprefix("body.") if body.errors else None
    error = ChatError(message=body.detail, type=kind, param=param, code=body.code)
    return ChatErrorBody(error=error)


def handle_errors(app: FastAPI) -> None:
    """Gives `app` one shape for whatever goes wrong in it."""

    async def ours(request: Request, error: Exception) -> Response:
        return respond(error, request.scope)

    for cls in (ApiError, AnswerError, IndexingError):
        app.add_exception_handler(cls, ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _plain)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    body = _problem(INVALID, request.scope)
    body.errors = [_found(found) for found in error.errors()[:20]]
    body.detail = f"{body.errors[0].field}: {body.errors[0].message}"
    return _response(body, request.scope)


def _found(found: Mapping[str, Any]) -> Invalid:  # Any: pydantic's own type for it
    if found["type"] == "json_invalid":
        return Invalid(field="body", message=f"is not JSON: {found['ctx']['error']}")
    # beside names and places it holds pydantic's own words for the branches of a union
    field = ".".join(part for part in map(str, found["loc"]) if _NAME.fullmatch(part))
    return Invalid(field=field, message=found["msg"].removeprefix("Value error, "))


async def _plain(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = error.status_code
    code = PLAIN_CODES.get(status, UNFORESEEN.code)
    known = Verdict(status, code, False, str(error.detail))
    return _response(_problem(known, request.scope), request.scope, dict(error.headers or {}))


def documented(*statuses: int) -> dict[int | str, dict[str, object]]:
    """Returns `responses` for a route: the problems it answers with."""
    return _documented(statuses, MEDIA_TYPE, "Problem")


def documented_chat(*statuses: int) -> dict[int | str, dict[str, object]]:
    """Returns `responses` for a route whose errors have OpenAI's shape."""
    return _documented(statuses, "application/json", "ChatErrorBody")


def _documented(
    statuses: Sequence[int], kind: str, shape: str
) -> dict[int | str, dict[str, object]]:
    content = {kind: {"schema": {"$ref": f"#/components/schemas/{shape}"}}}
    return {
        status: {"description": http.HTTPStatus(status).phrase, "content": content}
        for status in statuses
    }
