"""Rate limit: counts each caller's requests with `limits`, in memory or Redis, and answers 429.

Callers with a key are counted by key, others by address. Response headers after the IETF draft
"RateLimit header fields for HTTP" (draft-ietf-httpapi-ratelimit-headers).
"""

import ipaddress
import logging
import math
import time
import zlib
from dataclasses import dataclass

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import ConfigurationError, StorageError
from limits.storage import storage_from_string
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..errors import RateLimitExceeded, SettingRefused
from ..wire.problem_details import error_response
from .auth import UNRESTRICTED, get_caller
from .permissions import PermissionTable, route_path

log = logging.getLogger("footnote")

WINDOW_S = 60
KEY_PREFIX = "key:"
STORAGE_TIMEOUT_S = 1.0
"""Redis answers within a millisecond; one that hangs must not delay a request."""
STORAGE_BACKOFF_S = 1.0
"""After a failure the storage is not used for this long, so that an outage slows few requests."""
TOKENS_PER_MINUTE = 30
"""Widget tokens for one address."""
SIGN_INS_PER_MINUTE = 60
"""Sign-ins begun or completed by one address, which a whole office may share."""
MAX_COUNTERS = 4_000
"""Counters in memory, of the last two minutes; each request looks at all of them (`limits`)."""
SHARED_COUNTERS = 1_000
"""What further addresses share, so that addresses without end do not take memory without end."""


@dataclass(frozen=True, slots=True)
class RateLimitStatus:
    """How many requests a caller has left in this window, and when it resets."""

    limit: int
    remaining: int
    reset_s: int

    def headers(self) -> dict[str, str]:
        """Returns the response headers."""
        return {
            "RateLimit": f'"default";r={self.remaining};t={self.reset_s}',
            "RateLimit-Policy": f'"default";q={self.limit};w={WINDOW_S}',
        }


RATE_LIMIT_HEADERS = tuple(RateLimitStatus(0, 0, 0).headers())
"""The headers' names, which CORS exposes to pages of allowed origins."""


class RateLimiter:
    """The counters of one service; workers share them in Redis, otherwise each has its own."""

    def __init__(self, storage: str, *, per_minute: int) -> None:
        """`storage` is `memory://` or the URL of a Redis; `per_minute` 0: no limit.

        Does not connect yet; raises SettingRefused if the Redis client is not installed.
        """
        options: dict[str, str | float] = {}
        if storage.startswith("redis"):
            timeouts = ("socket_timeout", "socket_connect_timeout")
            options = {"implementation": "redispy", **dict.fromkeys(timeouts, STORAGE_TIMEOUT_S)}
        try:
            counters = storage_from_string(f"async+{storage}", wrap_exceptions=True, **options)
        except ConfigurationError as error:
            raise SettingRefused("rate_limit_storage", "Redis needs the extra redis") from error
        assert isinstance(counters, Storage)
        self._limiter = SlidingWindowCounterRateLimiter(counters)
        self._per_minute = per_minute
        self._retry_at: float | None = None
        """When to use the storage again; None while it works."""

    async def count_request(self, caller: str) -> RateLimitStatus | None:
        """Counts a request and returns the caller's status, None without a limit.

        Raises RateLimitExceeded. While the storage fails requests pass uncounted:
        `max_concurrent_answers` still bounds the load.
        """
        if not self._per_minute:
            return None
        return await self._count("ask", caller, self._per_minute)

    async def count_token(self, scope: Scope) -> None:
        """Counts a widget token for the client's address; raises RateLimitExceeded."""
        await self._count("token", client_network(scope), TOKENS_PER_MINUTE)

    async def count_sign_in(self, scope: Scope) -> None:
        """Counts a step of signing in for the client's address; raises RateLimitExceeded."""
        await self._count("sign-in", client_network(scope), SIGN_INS_PER_MINUTE)

    async def _count(self, kind: str, caller: str, limit: int) -> RateLimitStatus | None:
        if self._retry_at is not None and time.monotonic() < self._retry_at:
            return None
        item, caller = RateLimitItemPerMinute(limit), self._counter(caller)
        try:
            is_allowed = await self._limiter.hit(item, kind, caller)
            reset_at, remaining = await self._limiter.get_window_stats(item, kind, caller)
        except StorageError as error:
            if self._retry_at is None:
                cause = type(error.storage_error).__name__
                log.error("rate limit storage is unreachable (%s): requests pass uncounted", cause)
            self._retry_at = time.monotonic() + STORAGE_BACKOFF_S
            return None
        if self._retry_at is not None:
            log.warning("rate limit storage is reachable again")
            self._retry_at = None
        wait_s = max(1, math.ceil(reset_at - time.time()))
        status = RateLimitStatus(limit, max(0, remaining), wait_s)
        if not is_allowed:
            raise RateLimitExceeded(wait_s, status.headers())
        return status

    def _counter(self, caller: str) -> str:
        """Returns the name of a caller's counter: its own, or a shared one where there are many."""
        storage = self._limiter.storage
        is_full = isinstance(storage, MemoryStorage) and len(storage.storage) >= MAX_COUNTERS
        if not is_full or caller.startswith(KEY_PREFIX):
            return caller
        return f"shared:{zlib.crc32(caller.encode()) % SHARED_COUNTERS}"


class RateLimitMiddleware:
    """Enforces the rate limit and adds the RateLimit headers."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        permissions: PermissionTable,
        limiter: RateLimiter,
        exempt_unrestricted: bool,
    ) -> None:
        """`exempt_unrestricted`: without keys on loopback a limit would only stop the owner."""
        self.app = app
        self._permissions, self._limiter = permissions, limiter
        self._exempt_unrestricted = exempt_unrestricted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Counts a request to a route that needs a key, adds the headers, or answers 429."""
        if scope["type"] != "http" or self._is_exempt(scope):
            await self.app(scope, receive, send)
            return
        try:
            status = await self._limiter.count_request(caller_name(scope))
        except RateLimitExceeded as error:
            await error_response(error, scope)(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if status and message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(status.headers())
            await send(message)

        await self.app(scope, receive, send_with_headers)

    def _is_exempt(self, scope: Scope) -> bool:
        if self._exempt_unrestricted and get_caller(scope) is UNRESTRICTED:
            return True
        permission = (self._permissions.find(route_path(scope)) or {}).get(scope["method"])
        return permission is None or permission.scope is None


def caller_name(scope: Scope) -> str:
    """Returns who a request counts for: a key or a person, else an address."""
    caller = get_caller(scope)
    if caller.subject is not None:
        return f"{KEY_PREFIX}{caller.subject}"
    has_own_key = caller.key_id is not None and not caller.is_widget
    return f"{KEY_PREFIX}{caller.key_id}" if has_own_key else f"address:{client_network(scope)}"


def client_network(scope: Scope) -> str:
    """Returns the client's address, or its IPv6 /64, all of which is usually one client's.

    Behind a proxy it is right only with `trusted_proxies`.
    """
    client = scope.get("client")
    host = str(client[0]) if client else "unknown"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.version == 4:
        return host
    return str(address.ipv4_mapped or ipaddress.ip_network((int(address) >> 64 << 64, 64)))
