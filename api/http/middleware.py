"""Around every request: its id, a log line without what it says, safe headers, a bounded body.

Plain ASGI, so that streams pass through untouched and nothing is read twice.
"""

import asyncio
import logging
import re
import secrets
import time
from collections.abc import Callable, Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from ..errors import ApiError, BodyTooLarge, BodyTooSlow, CodingUnsupported, MediaTypeUnsupported
from ..wire.problem_details import respond

log = logging.getLogger("footnote.access")

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
Over = Callable[[str, str | None, int, float], None]
"""(method, the route's template, status, seconds)"""

_METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"}
SLOWEST = 1_000
"""Bytes a second: a body may come no slower."""
SAFE = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}


class Envelope:
    """Gives each request an id and safe headers, and writes its log line when it is over."""

    def __init__(self, app: ASGIApp, *, over: Over, root_path: str, frames: Sequence[str]) -> None:
        """`over` is told when a request is; `frames` are the origins whose pages may frame ours.

        `root_path` is where a proxy publishes the service, whether it takes that away or not.
        """
        self.app, self._over, self._root_path = app, over, root_path
        self._framed = f"frame-ancestors {' '.join(frames)}" if frames else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, marked; an error that nothing else knew becomes a bare 500.

        What asks by HEAD is asked as GET; the server itself leaves the body out.
        """
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _ID.fullmatch(given) else f"req_{secrets.token_hex(8)}"
        scope.setdefault("state", {})["request_id"] = request_id
        scope["root_path"] = self._root_path
        inner = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
        with bound_contextvars(request_id=request_id):
            await self._pass_on(inner, receive, send, request_id, method=scope["method"])

    async def _pass_on(
        self, scope: Scope, receive: Receive, send: Send, request_id: str, *, method: str
    ) -> None:
        began, status, started = time.perf_counter(), 500, False

        async def marked(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                status, started = message["status"], True
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = request_id
                for name, value in SAFE.items():
                    headers.setdefault(name, value)
                if self._framed and headers.get("content-type", "").startswith("text/html"):
                    policy = headers["content-security-policy"]
                    policy = policy.replace("frame-ancestors 'none'", self._framed)
                    headers["content-security-policy"] = policy
                if scope["path"].removeprefix(self._root_path).startswith("/v1/"):
                    headers.setdefault("cache-control", "no-store")
            await send(message)

        try:
            await self.app(scope, receive, marked)
        except Exception as error:  # the request's edge: whatever no handler knows ends here
            log.exception("the request failed")
            if not started:
                await respond(error, scope)(scope, receive, marked)
        finally:
            named = method if method in _METHODS else "other"
            self._over(named, _route(scope, self._root_path), status, time.perf_counter() - began)


def _route(scope: Scope, root_path: str) -> str | None:
    """Returns the template of the route that took the request, never what a client put into it.

    None where no route did; a mount's is its own path.
    """
    taken = scope.get("route")
    if taken is not None:
        return str(taken.path)
    mounted = str(scope["root_path"]).removeprefix(root_path)
    return f"{mounted}/{{path}}" if mounted else None


class Bodies:
    """Refuses bodies that are compressed or slow, and JSON that is too large or unnamed.

    Slow is what is not there after `patience_s` and a second for each `SLOWEST` bytes of it: who
    sends a byte now and then would keep a connection, and a place in a limit, for ever.
    """

    patience_s = 30.0

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, JSON with its whole body at hand, or answers 408, 413 or 415."""
        if scope["type"] != "http" or scope["method"] not in ("POST", "PUT"):
            await self.app(scope, receive, send)
            return
        headers, is_json = Headers(scope=scope), scope["method"] == "POST"
        if refusal := _unreadable(headers, is_json=is_json):
            await respond(refusal, scope)(scope, receive, send)
            return
        in_time = _in_time(receive, self.patience_s)
        if not is_json:  # a file, which its route takes piece by piece
            await self.app(scope, in_time, send)
            return
        try:
            body = await self._read(in_time, headers.get("content-length", "0"))
        except (BodyTooLarge, BodyTooSlow) as refusal:
            await respond(refusal, scope)(scope, receive, send)
            return
        await self.app(scope, _replay(body, receive), send)

    async def _read(self, receive: Receive, declared: str) -> bytes:
        """Returns the whole body; raises BodyTooLarge, and stops reading there, BodyTooSlow."""
        if declared.isdecimal() and int(declared) > self.max_bytes:
            raise BodyTooLarge(self.max_bytes)
        parts, size = [], 0
        while True:
            message = await receive()
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > self.max_bytes:
                raise BodyTooLarge(self.max_bytes)
            if not message.get("more_body", False):
                return b"".join(parts)


def _in_time(receive: Receive, patience_s: float) -> Receive:
    """Returns what receives a body while it is in time, else raises BodyTooSlow; then all else."""
    clock = asyncio.get_running_loop().time
    end, whole = 0.0, False

    async def received() -> Message:
        nonlocal end, whole
        if whole:
            return await receive()
        end = end or clock() + patience_s  # from when it is read: a file may wait for its turn
        try:
            async with asyncio.timeout_at(end):
                message = await receive()
        except TimeoutError:
            raise BodyTooSlow from None
        end += len(message.get("body", b"")) / SLOWEST
        whole = not message.get("more_body", False)
        return message

    return received


def _unreadable(headers: Headers, *, is_json: bool) -> ApiError | None:
    """Returns why a body cannot be read, by what its headers say of it."""
    coding = headers.get("content-encoding", "").strip()
    if coding and coding.lower() != "identity":
        return CodingUnsupported(coding)
    kind = headers.get("content-type", "")
    if is_json and kind.partition(";")[0].strip().lower() != "application/json":
        return MediaTypeUnsupported(kind)
    return None


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed
