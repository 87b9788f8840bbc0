"""Timeouts and size limits of model calls, and which headers are sent.

An HTTP client's timeout is per read, so one byte a second keeps it waiting forever; its responses
have no maximum size; and the openai package adds headers that it finds in the environment.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from email.utils import parsedate_to_datetime
from time import time
from typing import Any, TypeVar

from ..errors import ModelMisbehaved, ModelUnavailable

T = TypeVar("T")
EventHook = Callable[..., Any]  # httpx2's own type for its hooks

MAX_RETRY_AFTER_S = 86_400.0
"""A longer Retry-After counts as a day."""

_STANDARD_HEADERS = frozenset(
    "host accept accept-encoding connection transfer-encoding content-length content-type "
    "user-agent authorization".split()
)


class Deadline:
    """The total timeout of one model call, from now on."""

    def __init__(self, total_s: float, host: str) -> None:
        self._clock = asyncio.get_running_loop().time
        self._ends_at = self._clock() + total_s
        self._total_s, self._host = total_s, host

    def remaining_s(self) -> float:
        """Returns the seconds until the deadline; negative after it."""
        return self._ends_at - self._clock()

    async def wait_for(self, timeout_s: float, work: Callable[[], Awaitable[T]]) -> T:
        """Returns the work's result; raises ModelUnavailable after either timeout.

        The consumer's own time between two calls is never interrupted.
        """
        remaining_s = self.remaining_s()
        overdue = f"did not finish within {self._total_s:g} s"
        if remaining_s <= 0:  # a stream that always has data never lets a timer run
            raise ModelUnavailable(f"the model's endpoint {self._host} {overdue}")
        try:
            async with asyncio.timeout(min(timeout_s, remaining_s)):
                return await work()
        except TimeoutError as error:
            cause = f"sent nothing for {timeout_s:g} s" if timeout_s < remaining_s else overdue
            raise ModelUnavailable(f"the model's endpoint {self._host} {cause}") from error


def parse_retry_after(header: str) -> float:
    """Returns a Retry-After header's seconds, or those until its date; 0 if it is neither."""
    if header.strip().isdecimal():
        return min(float(header), MAX_RETRY_AFTER_S)
    try:
        wait_s = parsedate_to_datetime(header).timestamp() - time()
    except (ValueError, OverflowError):
        return 0.0
    return min(max(0.0, wait_s), MAX_RETRY_AFTER_S)


def allow_headers(own: frozenset[str]) -> EventHook:
    """Returns a request hook that removes all but the standard headers and `own` ones."""

    async def remove_others(request: Any) -> None:  # httpx2 is imported with the client, not here
        for name in list(request.headers):
            if name.lower() not in _STANDARD_HEADERS | own:
                del request.headers[name]

    return remove_others


def limit_body(max_bytes: int) -> EventHook:
    """Returns a response hook: reading more bytes raises ModelMisbehaved, of error pages too."""
    import httpx2

    class LimitedStream(httpx2.AsyncByteStream):
        def __init__(self, stream: httpx2.AsyncByteStream) -> None:
            self._stream = stream

        async def __aiter__(self) -> AsyncIterator[bytes]:
            remaining = max_bytes
            async for data in self._stream:
                remaining -= len(data)
                if remaining < 0:
                    raise ModelMisbehaved(f"the model's endpoint sent over {max_bytes} bytes")
                yield data

        async def aclose(self) -> None:
            await self._stream.aclose()

    async def limit(response: httpx2.Response) -> None:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise ModelMisbehaved("the model's endpoint compresses although it was asked not to")
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = LimitedStream(response.stream)

    return limit
