"""What bounds a talk with an upstream: a deadline, a pause, a number of bytes, the headers sent.

An HTTP client's timeout is per read, so one byte each second keeps it waiting for ever; its
responses have no cap; and the openai package adds headers that it finds in the environment.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from email.utils import parsedate_to_datetime
from time import time
from typing import Any, TypeVar

from ..errors import ModelMisbehaved, ModelUnavailable

T = TypeVar("T")
EventHook = Callable[..., Any]  # httpx2's own type for its hooks

MAX_WAIT_S = 86_400.0
"""No endpoint's word is taken for more than a day."""

_SENT = frozenset(
    (
        *("host", "accept", "accept-encoding", "connection", "transfer-encoding"),
        *("content-length", "content-type", "user-agent", "authorization"),
    )
)


class Limit:
    """One total deadline from the start, and one for the pause between two tokens."""

    def __init__(self, total_s: float, host: str) -> None:
        self._clock = asyncio.get_running_loop().time
        self._ends_at = self._clock() + total_s
        self._total_s = total_s
        self._host = host

    def left_s(self) -> float:
        """Seconds until the total deadline; negative after it."""
        return self._ends_at - self._clock()

    async def within(self, pause_s: float, work: Callable[[], Awaitable[T]]) -> T:
        """The work's result; the consumer's own time between two calls is never interrupted."""
        left_s = self.left_s()
        late = f"did not finish within {self._total_s:g} s"
        if left_s <= 0:  # a stream with data always at hand never lets a timer run
            raise ModelUnavailable(f"the model's endpoint {self._host} {late}")
        try:
            async with asyncio.timeout(min(pause_s, left_s)):
                return await work()
        except TimeoutError as error:
            what = f"paused for more than {pause_s:g} s" if pause_s < left_s else late
            raise ModelUnavailable(f"the model's endpoint {self._host} {what}") from error


def retry_after_s(header: str) -> float:
    """A Retry-After header's seconds, or those until its date, MAX_WAIT_S at most; 0: neither."""
    if header.strip().isdecimal():
        return min(float(header), MAX_WAIT_S)
    try:
        return min(max(0.0, parsedate_to_datetime(header).timestamp() - time()), MAX_WAIT_S)
    except (ValueError, OverflowError):
        return 0.0


def only_headers(own: frozenset[str]) -> EventHook:
    """A request hook: what the client found in the environment stays here, `own` goes along."""

    async def keep(request: Any) -> None:  # httpx2 is imported with the client, not here
        for name in list(request.headers):
            if name.lower() not in _SENT | own:
                del request.headers[name]

    return keep


def at_most(max_bytes: int) -> EventHook:
    """A response hook: reading beyond so many bytes, error pages too, raises ModelMisbehaved."""
    import httpx2

    class Capped(httpx2.AsyncByteStream):
        def __init__(self, stream: httpx2.AsyncByteStream) -> None:
            self._stream = stream

        async def __aiter__(self) -> AsyncIterator[bytes]:
            left = max_bytes
            async for data in self._stream:
                left -= len(data)
                if left < 0:
                    raise ModelMisbehaved(f"the model's endpoint sent over {max_bytes} bytes")
                yield data

        async def aclose(self) -> None:
            await self._stream.aclose()

    async def cap(response: httpx2.Response) -> None:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise ModelMisbehaved("the model's endpoint compresses although it was asked not to")
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = Capped(response.stream)

    return cap
