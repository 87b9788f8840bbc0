"""An answer's events → server-sent events, with pings, and one `error` when something breaks.

Ids increase from 1; a stream ends with `done` or `error`, else it was cut. Closing the response,
by a client that leaves too, closes the pipeline's stream, and with it the model's.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from typing import Any

from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from rag import types as inside
from rag.errors import AnswerError, Stopping

from ..wire import serializers as present
from ..wire.problem_details import problem
from ..wire.schemas import CitationEvent, DeltaEvent, ErrorEvent, PassagesEvent, SentenceEvent
from ..wire.signed_links import Links

log = logging.getLogger("footnote")

PING_S = 15.0
"""A silent stream carries a comment this often, so that no proxy takes it for dead."""

_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}
_END = inside.Failed(AnswerError("the answer ended without an end"))

Keep = Callable[[inside.Answer], Awaitable[None]]
Frame = Callable[[inside.Event], bytes]
"""How an event goes over the wire; nothing for one that is not told there."""


class Pump:
    """Takes events one at a time from a stream; a wait may run out without losing the event."""

    def __init__(
        self, events: AsyncIterator[inside.Event], keep: Keep, ending: asyncio.Future[None]
    ) -> None:
        """`keep` is given the answer before Done is passed on; `ending` stops the waiting."""
        self._events, self._keep, self._ending = events, keep, ending
        self._pending: asyncio.Task[inside.Event] | None = None

    async def next(self, wait_s: float | None = None) -> inside.Event | None:
        """Returns the next event, or None when `wait_s` passed without one; raises its error.

        Raises Stopping where the service ends before the event comes.
        """
        task = self._pending = self._pending or asyncio.ensure_future(self._take())
        ends: set[asyncio.Future[Any]] = {task, self._ending}  # Any: of no matter what
        await asyncio.wait(ends, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            self._pending = None
            return task.result()
        if self._ending.done():
            raise Stopping
        return None

    async def _take(self) -> inside.Event:
        event = await anext(self._events, _END)
        if isinstance(event, inside.Done):
            await self._keep(event.answer)
        return event

    async def close(self) -> None:
        """Stops the stream and whatever it waits for."""
        if self._pending:
            self._pending.cancel()
            with suppress(asyncio.CancelledError, AnswerError):
                await self._pending
        if isinstance(self._events, AsyncGenerator):
            await self._events.aclose()


class EventStream(StreamingResponse):
    """Streams an answer's events, then closes what they hang on, however the stream ended."""

    media_type = "text/event-stream"

    def __init__(
        self,
        first: inside.Event,
        pump: Pump,
        *,
        held: AsyncExitStack,
        scope: Scope,
        frame: Frame,
    ) -> None:
        """Takes over `held`; `first` was awaited before, so that early errors are plain ones."""
        self._first, self._pump, self._held, self._scope = first, pump, held, scope
        self._frame = frame
        super().__init__(self._body(), headers=_HEADERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the stream."""
        async with self._held:
            await super().__call__(scope, receive, send)

    async def _body(self) -> AsyncIterator[bytes]:
        event: inside.Event | None = self._first
        ended = False
        while not ended:
            framed = KEEPALIVE_COMMENT if event is None else self._frame(event)
            if framed:
                yield framed
            ended = isinstance(event, inside.Done | inside.Failed)
            if not ended:
                event = await self._next()

    async def _next(self) -> inside.Event | None:
        try:
            return await self._pump.next(PING_S)
        except AnswerError as error:
            return inside.Failed(error)
        except Exception as error:  # the stream's edge: a client must hear of whatever broke it
            log.exception("an answer broke in its middle")
            return inside.Failed(AnswerError(type(error).__name__))


class AnswerFrames:
    """Frames events as the contract of `POST /v1/answers` says, with ids from 1."""

    def __init__(self, scope: Scope, links: Links, *, include_passages: bool) -> None:
        self._scope, self._links, self._include_passages = scope, links, include_passages
        self._number = 0

    def __call__(self, event: inside.Event) -> bytes:
        """Returns the event as it goes over the wire."""
        self._number += 1
        name, body = self._wire(event)
        return format_sse_event(event=name, data_str=body.model_dump_json(), id=str(self._number))

    def _wire(self, event: inside.Event) -> tuple[str, BaseModel]:
        wanted = self._include_passages
        match event:
            case inside.PassagesFound():
                passages = (
                    [present.passage(hit, self._links) for hit in event.hits] if wanted else []
                )
                return "passages", PassagesEvent(id=event.id, passages=passages)
            case inside.Delta():
                return "delta", DeltaEvent(text=event.text, format=event.format)
            case inside.SentenceClosed():
                said = present.sentence(event.sentence).model_dump()
                return "sentence", SentenceEvent(index=event.index, **said)
            case inside.CitationMade():
                return "citation", CitationEvent(
                    citation=present.citation(event.citation, self._links)
                )
            case inside.Done():
                return "done", present.answer(event.answer, self._links, include_passages=wanted)
            case inside.Failed():
                body, known = problem(event.error, self._scope)
                return "error", ErrorEvent(problem=body, retryable=known.retryable)
