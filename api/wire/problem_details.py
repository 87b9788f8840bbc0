"""Errors → `application/problem+json` (RFC 9457) with `code` and `request_id`, and the log.

`api/errors.py` decides status, code and message; this module makes the response. Under OpenAI's
routes errors have OpenAI's shape.
"""

import http
import logging
import re
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette._utils import get_route_path
from starlette.exceptions import HTTPException
from starlette.types import Scope

from index.errors import IndexingError
from index.text.limits import shorten
from rag.errors import AnswerError

from ..errors import CODE_BY_STATUS, ApiError, ErrorInfo, RequestInvalid, error_info
from .openai_schemas import ChatError, ChatErrorBody
from .schemas import Invalid, Problem

log = logging.getLogger("footnote")

MEDIA_TYPE = "application/problem+json"
_NAME = re.compile(r"[\w-]+")
_OPENAI_ROUTES = ("/v1/chat", "/v1/models")
_MAX_FIELDS = 20
MAX_MESSAGE_CHARS = 1_000
"""Of an error; what it repeats of the request has been cut before, and this holds for any."""


def build_problem(error: Exception, scope: Scope) -> tuple[Problem, ErrorInfo]:
    """Returns `error` as clients see it; logs its message if that is not for clients."""
    info = error_info(error)
    problem = _problem(info, scope)
    if info.detail != str(error):
        is_ours = isinstance(error, ApiError | AnswerError | IndexingError)
        log.error("%s: %s", type(error).__name__, error if is_ours else "message omitted")
        if "request_id" in scope.get("state", {}):
            problem.detail += f" (request id {problem.request_id})"
    if isinstance(error, RequestInvalid):
        cause = shorten(error.cause, MAX_MESSAGE_CHARS)
        problem.errors = [Invalid(field=error.field, message=cause)]
    return problem, info


def _problem(info: ErrorInfo, scope: Scope) -> Problem:
    return Problem(
        title=http.HTTPStatus(info.status).phrase,
        status=info.status,
        detail=shorten(info.detail, MAX_MESSAGE_CHARS),
        code=info.code,
        request_id=str(scope.get("state", {}).get("request_id", "none")),
    )


def error_response(error: Exception, scope: Scope) -> Response:
    """Returns the response for any error, with its own headers and `Retry-After`."""
    headers = dict(getattr(error, "headers", {}))
    wait_s = getattr(error, "retry_after_s", None)
    if wait_s is not None:
        headers["retry-after"] = f"{max(1, round(wait_s))}"
    return _response(build_problem(error, scope)[0], scope, headers)


def _response(problem: Problem, scope: Scope, headers: Mapping[str, str] | None = None) -> Response:
    if get_route_path(scope).startswith(_OPENAI_ROUTES):
        content = to_openai_error(problem).model_dump_json()
        return Response(content, problem.status, headers, media_type="application/json")
    content = problem.model_dump_json(exclude_none=True)
    return Response(content, problem.status, headers, media_type=MEDIA_TYPE)


def to_openai_error(problem: Problem) -> ChatErrorBody:
    """Returns a problem in the shape of OpenAI's errors."""
    param = problem.errors[0].field.removeprefix("body.") if problem.errors else None
    return ChatErrorBody(
        error=ChatError(
            message=problem.detail,
            type="invalid_request_error" if problem.status < 500 else "server_error",
            param=param,
            code=problem.code,
        )
    )


def add_exception_handlers(app: FastAPI) -> None:
    """Makes `app` answer every error as a problem."""

    async def handle(request: Request, error: Exception) -> Response:
        return error_response(error, request.scope)

    for cls in (ApiError, AnswerError, IndexingError):
        app.add_exception_handler(cls, handle)
    app.add_exception_handler(RequestValidationError, _handle_validation_error)
    app.add_exception_handler(HTTPException, _handle_http_exception)


async def _handle_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [_invalid_field(one) for one in error.errors()[:_MAX_FIELDS]]
    problem = _problem(
        error_info(RequestInvalid(errors[0].field, errors[0].message)), request.scope
    )
    problem.errors = errors
    return _response(problem, request.scope)


def _invalid_field(error: Mapping[str, Any]) -> Invalid:  # Any: pydantic's own type for it
    if error["type"] == "json_invalid":
        return Invalid(field="body", message=f"is not JSON: {error['ctx']['error']}")
    # `loc` also has pydantic's descriptions of union branches, which are not names
    field = ".".join(part for part in map(str, error["loc"]) if _NAME.fullmatch(part))
    message = shorten(error["msg"].removeprefix("Value error, "), MAX_MESSAGE_CHARS)
    return Invalid(field=shorten(field, MAX_MESSAGE_CHARS), message=message)


async def _handle_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = CODE_BY_STATUS.get(error.status_code, "internal")
    info = ErrorInfo(error.status_code, code, False, str(error.detail))
    return _response(_problem(info, request.scope), request.scope, error.headers)


def problem_responses(*statuses: int) -> dict[int | str, dict[str, object]]:
    """Returns `responses` for a route: the problems that it answers with."""
    return {status: _documented(status, MEDIA_TYPE, "Problem") for status in statuses}


def chat_problem_responses(*statuses: int) -> dict[int | str, dict[str, object]]:
    """Returns `responses` for a route whose errors have OpenAI's shape."""
    return {status: _documented(status, "application/json", "ChatErrorBody") for status in statuses}


def _documented(status: int, media_type: str, schema: str) -> dict[str, object]:
    content = {media_type: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": http.HTTPStatus(status).phrase, "content": content}
