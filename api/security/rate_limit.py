"""How often one caller may ask: counted by `limits`, in memory or in Redis, and told in headers.

Key holders are counted by key, others by address. Headers after the IETF draft
`RateLimit header fields for HTTP` (draft-ietf-httpapi-ratelimit-headers).
"""

import ipaddress
import logging
import math
import time
from dataclasses import dataclass

from limits import RateLimitItemPerMinute
from limits.aio.storage import Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import ConfigurationError, StorageError
from limits.storage import storage_from_string
from starlette.types import Scope

from ..errors import RateExceeded, SettingRefused

log = logging.getLogger("footnote")

WINDOW_S = 60
ANSWERS_WITHIN_S = 1.0
"""Redis does so within a millisecond; one that hangs must not hold a request."""
AGAIN_S = 1.0
"""For so long after a failure nothing is asked, so that an outage does not slow each request."""
TOKENS = 30
"""Widget tokens for one address in a minute."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How many requests a caller has left, and when there are all again."""

    limit: int
    left: int
    reset_s: int

    def headers(self) -> dict[str, str]:
        """Returns what tells a client so."""
        return {
            "ratelimit-policy": f'"default";q={self.limit};w={WINDOW_S}',
            "ratelimit": f'"default";r={self.left};t={self.reset_s}',
        }


class Rates:
    """The counters of one service; all its workers share them in Redis, each has its own else."""

    def __init__(self, storage: str, *, per_minute: int) -> None:
        """`storage` is `memory://` or the URL of a Redis; `per_minute` 0: no limit.

        Connects to nothing yet; raises SettingRefused where the Redis client is not installed.
        """
        options: dict[str, str | float] = {}
        if storage.startswith("redis"):
            limits_s = dict.fromkeys(("socket_timeout", "socket_connect_timeout"), ANSWERS_WITHIN_S)
            options = {"implementation": "redispy", **limits_s}
        try:
            made = storage_from_string(f"async+{storage}", wrap_exceptions=True, **options)
        except ConfigurationError as error:
            raise SettingRefused("rate_limit_storage", "Redis needs the extra redis") from error
        assert isinstance(made, Storage)
        self._limiter = SlidingWindowCounterRateLimiter(made)
        self._per_minute = per_minute
        self._silent_until: float | None = None
        """When to ask again; None while the counters can be reached."""

    async def take(self, caller: str) -> Standing | None:
        """Counts a request; returns how the caller stands, None where nothing is limited.

        Raises RateExceeded. Where the counters cannot be reached the request passes: the places
        for answers still bound what happens at once.
        """
        if not self._per_minute:
            return None
        return await self._take("ask", caller, self._per_minute)

    async def take_token(self, scope: Scope) -> None:
        """Counts a widget token for an address; raises RateExceeded."""
        await self._take("token", address(scope), TOKENS)

    async def _take(self, kind: str, caller: str, amount: int) -> Standing | None:
        if self._silent_until is not None and time.monotonic() < self._silent_until:
            return None
        item = RateLimitItemPerMinute(amount)
        try:
            passes = await self._limiter.hit(item, kind, caller)
            reset_at, left = await self._limiter.get_window_stats(item, kind, caller)
        except StorageError as error:
            self._note_outage(error)
            return None
        self._note_answer()
        wait_s = max(1, math.ceil(reset_at - time.time()))
        standing = Standing(amount, max(0, left), wait_s)
        if not passes:
            raise RateExceeded(wait_s, standing.headers())
        return standing

    def _note_outage(self, error: StorageError) -> None:
        if self._silent_until is None:
            cause = type(error.storage_error).__name__
            log.error(
                "the rate limit's counters cannot be reached (%s): requests pass uncounted", cause
            )
        self._silent_until = time.monotonic() + AGAIN_S

    def _note_answer(self) -> None:
        if self._silent_until is not None:
            log.warning("the rate limit's counters can be reached again")
        self._silent_until = None


def address(scope: Scope) -> str:
    """Returns the client's address, of IPv6 its network: whoever has one has 2**64 addresses.

    Behind a proxy it is right only with `trusted_proxies`.
    """
    client = scope.get("client")
    said = str(client[0]) if client else "unknown"
    try:
        found = ipaddress.ip_address(said)
    except ValueError:
        return said
    if found.version == 4:
        return said
    return str(found.ipv4_mapped or ipaddress.ip_network((int(found) >> 64 << 64, 64)))
