"""Politeness to a host: its robots.txt (RFC 9309, read by protego) and a pause between requests.

robots.txt is read once an hour for each origin. A missing one (4xx) allows everything, one that
the host cannot send (429, 5xx, no connection) nothing.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx

from ..errors import FetchFailed, UrlRefused

MIN_DELAY_S = 1.0
"""Between two requests to a host."""
MAX_DELAY_S = 10.0
"""A longer `Crawl-delay` is shortened to this."""
MAX_AGE_S = 3_600.0
MAX_ORIGINS = 1_000
MAX_ROBOTS_BYTES = 512_000
"""RFC 9309 asks for 500 KiB at least; a longer file counts as one that cannot be read."""
FAILURE_AGE_S = 60.0
"""A robots.txt that could not be read is asked for again after this."""

Sleep = Callable[[float], Awaitable[None]]


@dataclass(slots=True)
class Origin:
    """What is known of an origin: its rules, and when it may be asked next."""

    text: str | None = None
    """Of its robots.txt; None if that could not be read."""
    read_at_s: float = float("-inf")
    next_at_s: float = 0.0
    delay_s: float = MIN_DELAY_S
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Politeness:
    """The origins of a process, the least recently used are forgotten."""

    def __init__(
        self,
        user_agent: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._user_agent, self._clock, self._sleep = user_agent, clock, sleep
        self._origins: OrderedDict[str, Origin] = OrderedDict()

    async def check(
        self, url: httpx.URL, read: Callable[[httpx.URL], Awaitable[tuple[int, bytes]]]
    ) -> None:
        """Raises UrlRefused where robots.txt, which `read` fetches, does not allow the URL."""
        origin = self._origin(url)
        async with origin.lock:
            max_age_s = FAILURE_AGE_S if origin.text is None else MAX_AGE_S
            if self._clock() - origin.read_at_s > max_age_s:
                origin.text = await _read_rules(url, read)
                origin.read_at_s = self._clock()
        if origin.text is None:
            raise FetchFailed(str(url), f"robots.txt of {url.host} cannot be read, so no page is")
        from protego import Protego

        rules = Protego.parse(origin.text)
        delay_s = rules.crawl_delay(self._user_agent) or 0.0
        origin.delay_s = min(max(delay_s, MIN_DELAY_S), MAX_DELAY_S)
        if not rules.can_fetch(str(url), self._user_agent):
            raise UrlRefused(str(url), f"robots.txt of {url.host} does not allow it")

    async def wait(self, url: httpx.URL) -> float:
        """Waits until the URL's host may be asked again, returns how long; counts this request."""
        origin = self._origin(url)
        now = self._clock()
        wait_s = max(0.0, origin.next_at_s - now)
        origin.next_at_s = now + wait_s + origin.delay_s
        if wait_s:
            await self._sleep(wait_s)
        return wait_s

    def _origin(self, url: httpx.URL) -> Origin:
        name = f"{url.scheme}://{url.netloc.decode('ascii')}"
        origin = self._origins.setdefault(name, Origin())
        self._origins.move_to_end(name)
        if len(self._origins) > MAX_ORIGINS:
            self._origins.popitem(last=False)
        return origin


async def _read_rules(
    url: httpx.URL, read: Callable[[httpx.URL], Awaitable[tuple[int, bytes]]]
) -> str | None:
    try:
        status, body = await read(url.copy_with(raw_path=b"/robots.txt"))
    except FetchFailed:
        return None
    if status == 200:
        return body.decode("utf-8-sig", "replace")
    return "" if 400 <= status < 500 and status != 429 else None
