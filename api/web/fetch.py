"""A URL → the page at it: redirects, robots.txt, conditional requests, limits of size and time."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.message import Message
from functools import partial
from importlib.metadata import version

import httpx

from ..errors import FetchFailed, UrlRefused
from .addresses import AddressRules, Network, parse_url
from .connection import Connection, Reply
from .robots import MAX_ROBOTS_BYTES, Politeness

MAX_REDIRECTS = 5
TIMEOUT_S = 30.0
"""For a page with its redirects and its host's robots.txt; pauses between requests do not count."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Page:
    """A page; `url` is its address after redirects, `status` 200 or 304 (then without a body)."""

    url: str
    status: int
    body: bytes
    media_type: str
    charset: str | None
    etag: str | None
    last_modified: str | None


class Fetcher:
    """Fetches pages for one process; `close` it in the end."""

    def __init__(
        self,
        networks: Iterable[Network] = (),
        *,
        rules: AddressRules | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """`networks` are allowed besides public addresses; `rules` replace those of them."""
        self.user_agent = f"Footnote/{version('footnote')}"
        self._rules, self._timeout_s = rules or AddressRules(networks), timeout_s
        self._connection = Connection(self.user_agent)
        self._politeness = Politeness(self.user_agent)

    async def close(self) -> None:
        """Closes its connections."""
        await self._connection.close()

    async def fetch(
        self, url: str, *, max_bytes: int, etag: str | None = None, last_modified: str | None = None
    ) -> Page:
        """Returns the page at a URL; raises UrlRefused, FetchFailed.

        With `etag` or `last_modified`, those of the page that is already there, a page that has not
        changed since has status 304.
        """
        conditions = {"If-None-Match": etag, "If-Modified-Since": last_modified}
        headers = {name: value for name, value in conditions.items() if value}
        try:
            async with asyncio.timeout(self._timeout_s) as timer:
                visit = _Visit(timer, max_bytes, headers)
                final, reply = await self._follow(parse_url(url), visit, is_page=True)
        except TimeoutError:
            cause = f"did not arrive within {self._timeout_s:.0f} s"
            raise FetchFailed(url, cause) from None
        if reply.status == 304 and not headers:
            raise FetchFailed(url, "status 304 to a request without conditions")
        if reply.status not in (200, 304):
            raise FetchFailed(url, f"status {reply.status}")
        media_type, charset = _content_type(reply.headers.get("content-type", ""))
        return Page(
            url=str(final),
            status=reply.status,
            body=reply.body,
            media_type=media_type,
            charset=charset,
            etag=reply.headers.get("etag", "")[:500] or None,
            last_modified=reply.headers.get("last-modified", "")[:100] or None,
        )

    async def _follow(
        self, url: httpx.URL, visit: "_Visit", *, is_page: bool
    ) -> tuple[httpx.URL, Reply]:
        """Returns the reply at the end of the redirects and its URL; each one is checked alike."""
        for _ in range(MAX_REDIRECTS + 1):
            if is_page:
                await self._politeness.check(url, partial(self._read_robots, visit))
            reply = await self._get(url, visit)
            location = reply.headers.get("location")
            if reply.status not in _REDIRECTS or not location:
                return url, reply
            try:
                url = parse_url(str(url.join(location)))
            except (httpx.InvalidURL, ValueError):
                raise UrlRefused(str(url), "redirects to a malformed URL") from None
        raise FetchFailed(str(url), f"redirects more than {MAX_REDIRECTS} times")

    async def _get(self, url: httpx.URL, visit: "_Visit") -> Reply:
        addresses = await self._rules.resolve(url)
        if not all(address.is_loopback for address in addresses):
            deadline_s = visit.timer.when() or 0.0
            visit.timer.reschedule(None)
            waited_s = await self._politeness.wait(url)
            visit.timer.reschedule(deadline_s + waited_s)
        return await self._connection.get(
            url, addresses, headers=visit.headers, max_bytes=visit.max_bytes
        )

    async def _read_robots(self, visit: "_Visit", url: httpx.URL) -> tuple[int, bytes]:
        robots = _Visit(visit.timer, MAX_ROBOTS_BYTES, {})
        _, reply = await self._follow(url, robots, is_page=False)
        return reply.status, reply.body


@dataclass(frozen=True, slots=True)
class _Visit:
    """The timer, the limit of the body and the conditional headers of one fetch."""

    timer: asyncio.Timeout
    max_bytes: int
    headers: Mapping[str, str]


def _content_type(header: str) -> tuple[str, str | None]:
    """Returns the media type in lower case, `""` if there is none, and the charset."""
    message = Message()
    message["content-type"] = header or "application/x-unknown"
    charset = message.get_content_charset()
    media_type = header.partition(";")[0].strip().lower()
    return media_type, charset
