"""The events of an answer → server-sent events, with keep-alive comments and one final `error`.

Ids count from 1. A stream ends with `done` or `error`; one without either was cut off. Closing the
response, also by a client that disconnects, closes the pipeline's stream and with it the model's.
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

from rag import types as rag
from rag.errors import AnswerError, Stopping

from ..wire import schemas, serializers
from ..wire.problem_details import build_problem
from ..wire.signed_links import LinkSigner

log = logging.getLogger("footnote")

PING_S = 15.0
"""An idle stream sends a comment this often, so that no proxy closes it."""

_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}
_INCOMPLETE = rag.Failed(AnswerError("the answer stream ended without `done`"))

SaveAnswer = Callable[[rag.Answer], Awaitable[None]]
EncodeEvent = Callable[[rag.Event], bytes]
"""Returns the bytes of an event on the wire; empty for an event that the protocol lacks."""


class EventReader:
    """Reads the events of a stream one at a time; a timeout does not lose an event."""

    def __init__(
        self, events: AsyncIterator[rag.Event], save: SaveAnswer, shutdown: asyncio.Future[None]
    ) -> None:
        """`save` receives the answer before Done is returned; `shutdown` interrupts waiting."""
        self._events, self._save, self._shutdown = events, save, shutdown
        self._pending: asyncio.Task[rag.Event] | None = None

    async def next(self, timeout_s: float | None = None) -> rag.Event | None:
        """Returns the next event, or None on a timeout; raises the stream's error.

        Raises Stopping if the service shuts down before the event arrives.
        """
        task = self._pending = self._pending or asyncio.ensure_future(self._read())
        futures: set[asyncio.Future[Any]] = {task, self._shutdown}  # Any: results are not used
        await asyncio.wait(futures, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            self._pending = None
            return task.result()
        if self._shutdown.done():
            raise Stopping
        return None

    async def _read(self) -> rag.Event:
        event = await anext(self._events, _INCOMPLETE)
        if isinstance(event, rag.Done):
            await self._save(event.answer)
        return event

    async def close(self) -> None:
        """Closes the stream and cancels a pending read."""
        if self._pending:
            self._pending.cancel()
            with suppress(asyncio.CancelledError, AnswerError):
                await self._pending
        if isinstance(self._events, AsyncGenerator):
            await self._events.aclose()


class EventStreamResponse(StreamingResponse):
    """Streams the events of an answer, then releases its resources, however the stream ended."""

    media_type = "text/event-stream"

    def __init__(
        self,
        first: rag.Event,
        reader: EventReader,
        *,
        resources: AsyncExitStack,
        encode: EncodeEvent,
    ) -> None:
        """Takes over `resources`; `first` is read before, so that early errors have a status."""
        self._first, self._reader, self._resources = first, reader, resources
        self._encode = encode
        super().__init__(self._body(), headers=_HEADERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the stream."""
        async with self._resources:
            await super().__call__(scope, receive, send)

    async def _body(self) -> AsyncIterator[bytes]:
        event: rag.Event | None = self._first
        while True:
            encoded = KEEPALIVE_COMMENT if event is None else self._encode(event)
            if encoded:
                yield encoded
            if isinstance(event, rag.Done | rag.Failed):
                return
            event = await self._next()

    async def _next(self) -> rag.Event | None:
        try:
            return await self._reader.next(PING_S)
        except AnswerError as error:
            return rag.Failed(error)
        except Exception as error:  # the stream's edge: the client must learn of any failure
            log.exception("an answer stream failed")
            return rag.Failed(AnswerError(type(error).__name__))


class AnswerEventEncoder:
    """Encodes events as `POST /v1/answers` documents them."""

    def __init__(self, scope: Scope, links: LinkSigner, *, include_passages: bool) -> None:
        self._scope, self._links, self._include_passages = scope, links, include_passages
        self._event_id = 0

    def __call__(self, event: rag.Event) -> bytes:
        """Returns the event as bytes of `text/event-stream`."""
        self._event_id += 1
        name, body = self._serialize(event)
        return format_sse_event(event=name, data_str=body.model_dump_json(), id=str(self._event_id))

    def _serialize(self, event: rag.Event) -> tuple[str, BaseModel]:
        """Returns the event's name and data; `schemas.STREAM_EVENTS` documents each."""
        links, include_passages = self._links, self._include_passages
        match event:
            case rag.PassagesFound():
                hits = event.hits if include_passages else ()
                passages = [serializers.passage(hit, links) for hit in hits]
                return "passages", schemas.PassagesEvent(id=event.id, passages=passages)
            case rag.Delta():
                return "delta", schemas.DeltaEvent(text=event.text, format=event.format)
            case rag.SentenceClosed():
                fields = serializers.sentence(event.sentence).model_dump()
                return "sentence", schemas.SentenceEvent(index=event.index, **fields)
            case rag.CitationMade():
                citation = serializers.citation(event.citation, links)
                return "citation", schemas.CitationEvent(citation=citation)
            case rag.Done():
                answer = serializers.answer(event.answer, links, include_passages=include_passages)
                return "done", answer
            case rag.Failed():
                problem, info = build_problem(event.error, self._scope)
                return "error", schemas.ErrorEvent(problem=problem, retryable=info.retryable)
