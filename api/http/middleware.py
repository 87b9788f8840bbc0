"""Middleware around every request: request id, access log, security headers, body limits.

Plain ASGI, so that streams pass through unbuffered and no body is read twice.
"""

import asyncio
import logging
import re
import secrets
import time
from collections.abc import Callable, Sequence

from starlette._utils import get_route_path
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from ..errors import STATUS_BY_CODE, BodyTooLarge, RequestError
from ..wire.problem_details import error_response

log = logging.getLogger("footnote.access")

OnRequestEnd = Callable[[str, str | None, int, float], None]
"""Receives the method, the route's template, the status and the seconds of a request."""

MAX_BODY_BYTES = 1_000_000
"""Maximum size of a JSON body."""
MAX_JSON_CONTAINERS = 10_000
MAX_JSON_COMMAS = 50_000
"""A body of a million brackets takes the parser a second."""
MAX_QUERY_BYTES = 8_192
"""Maximum length of a query string; a cursor has up to 6,000 characters."""
MAX_PARAMETERS = 100
MAX_PATH_SEGMENTS = 100
"""A folder of static files is searched for each segment of a path."""
MIN_BYTES_PER_S = 1_000
"""A request body must not arrive, and a response not be read, more slowly."""
SECURITY_HEADERS = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_CLIENT_LEFT = STATUS_BY_CODE["client_left"]
"""Recorded instead of the status of a response that its client stopped reading."""
_METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"}


def new_request_id() -> str:
    """Returns a random request id."""
    return f"req_{secrets.token_hex(8)}"


class RequestContextMiddleware:
    """Adds a request id and security headers, and turns unhandled errors into a bare 500.

    asgi-correlation-id is not used: it only sets the id, and a request id that is part of the
    problem responses, the log and the CORS headers is one line here.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        on_request_end: OnRequestEnd,
        root_path: str,
        frame_ancestors: Sequence[str],
    ) -> None:
        """`frame_ancestors` are the origins whose pages may embed our HTML pages in a frame.

        `root_path` is the path prefix of a proxy, whether the proxy strips it or not.
        """
        self.app, self._on_request_end, self._root_path = app, on_request_end, root_path
        self._frame_policy = (
            f"frame-ancestors {' '.join(frame_ancestors)}" if frame_ancestors else None
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on; HEAD becomes GET, since uvicorn itself omits the body."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        client_id = Headers(scope=scope).get("x-request-id", "")
        request_id = client_id if _REQUEST_ID.fullmatch(client_id) else new_request_id()
        scope.setdefault("state", {})["request_id"] = request_id
        scope["root_path"] = self._root_path
        inner = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
        with bound_contextvars(request_id=request_id):
            await self._handle(inner, receive, send, method=scope["method"])

    async def _handle(self, scope: Scope, receive: Receive, send: Send, *, method: str) -> None:
        started_at, status, has_started = time.perf_counter(), 500, False

        async def send_with_headers(message: Message) -> None:
            nonlocal status, has_started
            if message["type"] == "http.response.start":
                status, has_started = message["status"], True
                self._add_headers(scope, MutableHeaders(scope=message))
            await send(message)

        try:
            app = _refuse_long_url(scope) or self.app
            await app(scope, receive, send_with_headers)
        except Exception as error:  # the outermost handler: no other one knows this error
            log.exception("the request failed")
            if not has_started:
                await error_response(error, scope)(scope, receive, send_with_headers)
        finally:
            method = method if method in _METHODS else "other"
            if "client_left" in scope["state"]:
                status = _CLIENT_LEFT
            duration_s = time.perf_counter() - started_at
            self._on_request_end(method, _route(scope, self._root_path), status, duration_s)

    def _add_headers(self, scope: Scope, headers: MutableHeaders) -> None:
        headers["x-request-id"] = scope["state"]["request_id"]
        for name, value in SECURITY_HEADERS.items():
            headers.setdefault(name, value)
        if self._frame_policy and headers.get("content-type", "").startswith("text/html"):
            policy = headers["content-security-policy"]
            policy = policy.replace("frame-ancestors 'none'", self._frame_policy)
            headers["content-security-policy"] = policy
        if scope["path"].removeprefix(self._root_path).startswith("/v1/"):
            headers.setdefault("cache-control", "no-store")


def _refuse_long_url(scope: Scope) -> ASGIApp | None:
    """Returns the response to a URL that would take milliseconds to parse, else None."""
    query: bytes = scope["query_string"]
    if scope["path"].count("/") > MAX_PATH_SEGMENTS:
        message = f"the path has more than {MAX_PATH_SEGMENTS} segments"
    elif len(query) > MAX_QUERY_BYTES or query.count(b"&") >= MAX_PARAMETERS:
        message = f"the query string exceeds {MAX_QUERY_BYTES:,} bytes, {MAX_PARAMETERS} parameters"
    else:
        return None
    return error_response(RequestError("bad_request", message), scope)


def _route(scope: Scope, root_path: str) -> str | None:
    """Returns the template of the matched route (of a mount: its path), or None.

    It never contains anything that the client sent.
    """
    route = scope.get("route")
    if route is not None:
        return str(route.path)
    mount = str(scope["root_path"]).removeprefix(root_path)
    return f"{mount}/{{path}}" if mount else None


class BodyLimitMiddleware:
    """Refuses compressed and slow bodies, and JSON that is too large or has no JSON media type.

    A body must arrive within `body_timeout_s` plus a second for every `MIN_BYTES_PER_S` bytes of
    it: a client that sends a byte now and then would occupy a connection forever.
    """

    body_timeout_s = 30.0

    def __init__(self, app: ASGIApp, max_bytes: int = MAX_BODY_BYTES) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, JSON with its whole body read, or answers 408, 413 or 415."""
        if scope["type"] != "http" or scope["method"] not in ("POST", "PUT"):
            await self.app(scope, receive, send)
            return
        receive_in_time = _with_deadline(receive, self.body_timeout_s)
        headers = Headers(scope=scope)
        is_json = scope["method"] == "POST" and not _is_form(scope, headers)
        try:
            _check_media_type(headers, is_json=is_json and not _is_empty(headers))
            if is_json:
                body = await self._read(receive_in_time, headers)
                _check_json_size(body)
        except RequestError as error:
            await error_response(error, scope)(scope, receive, send)
            return
        # files, which their route reads in parts
        await self.app(scope, _replay(body, receive) if is_json else receive_in_time, send)

    async def _read(self, receive: Receive, headers: Headers) -> bytes:
        """Returns the whole body; raises BodyTooLarge as soon as it exceeds the limit."""
        declared = headers.get("content-length", "0")
        if declared.isdecimal() and int(declared) > self.max_bytes:
            raise BodyTooLarge(self.max_bytes)
        body = bytearray()
        while True:
            message = await receive()
            body += message.get("body", b"")
            if len(body) > self.max_bytes:
                raise BodyTooLarge(self.max_bytes)
            if not message.get("more_body", False):
                return bytes(body)


_FORMS = {
    "/v1/files": "multipart/form-data",
    "/sign-out/back-channel": "application/x-www-form-urlencoded",
}
"""The routes that take a form, and its media type; they bound what they read of it."""


def _is_form(scope: Scope, headers: Headers) -> bool:
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    return _FORMS.get(get_route_path(scope)) == media_type


def _is_empty(headers: Headers) -> bool:
    """Whether a request announces no body, so that it needs no media type either."""
    has_length = headers.get("content-length", "0").strip() not in ("", "0")
    return not (has_length or "transfer-encoding" in headers or headers.get("content-type"))


def _check_json_size(body: bytes) -> None:
    """Raises RequestError for a JSON body with too many values; strings may hold any text."""
    if _has_few_values(body):
        return
    unescaped = body.replace(rb"\\", b"").replace(rb"\"", b"")
    quotes = unescaped.count(b'"')
    if quotes > 4 * MAX_JSON_COMMAS or not _has_few_values(b"".join(unescaped.split(b'"')[::2])):
        limits = f"{MAX_JSON_CONTAINERS:,} arrays and objects or {MAX_JSON_COMMAS:,} values"
        raise RequestError("bad_request", f"the JSON body has more than {limits}")


def _has_few_values(body: bytes) -> bool:
    containers = body.count(b"[") + body.count(b"{")
    return containers <= MAX_JSON_CONTAINERS and body.count(b",") <= MAX_JSON_COMMAS


def _with_deadline(receive: Receive, timeout_s: float) -> Receive:
    """Returns a `receive` that raises RequestError when the body is late."""
    clock = asyncio.get_running_loop().time
    deadline, is_complete = 0.0, False

    async def receive_in_time() -> Message:
        nonlocal deadline, is_complete
        if is_complete:
            return await receive()
        # starts with the first read: an upload may have to wait for its turn
        deadline = deadline or clock() + timeout_s
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            raise RequestError(
                "body_too_slow",
                "the request body arrives too slowly",
                headers={"connection": "close"},
            ) from None
        deadline += len(message.get("body", b"")) / MIN_BYTES_PER_S
        is_complete = not message.get("more_body", False)
        return message

    return receive_in_time


def _check_media_type(headers: Headers, *, is_json: bool) -> None:
    """Raises RequestError for a compressed body, and for JSON without its media type."""
    coding = headers.get("content-encoding", "").strip()
    if coding and coding.lower() != "identity":
        raise RequestError(
            "unsupported_media_type",
            f"send the body uncompressed, without Content-Encoding (not {coding[:80]!r})",
            headers={"accept-encoding": "identity"},  # required with this 415 by RFC 9110
        )
    media_type = headers.get("content-type", "")
    if is_json and media_type.partition(";")[0].strip().lower() != "application/json":
        actual = f"not {media_type[:80]!r}" if media_type else "there is none"
        message = f"Content-Type must be application/json ({actual})"
        raise RequestError("unsupported_media_type", message)


def _replay(body: bytes, receive: Receive) -> Receive:
    is_sent = False

    async def replay() -> Message:
        nonlocal is_sent
        if is_sent:
            return await receive()
        is_sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
