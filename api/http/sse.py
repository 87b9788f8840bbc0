"""The events of an answer → server-sent events, with keep-alive comments and one final `error`.

A task of its own reads the events and holds them, encoded, until the client takes them: so an
answer is made, and its slot and its generation are free, at the same time whether its client reads
or not. Closing the response, also by a client that disconnects, ends that task and with it the
model's stream. Ids count from 1; a stream ends with `done` or `error`, else it was cut off.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing

from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from rag import types as rag
from rag.errors import AnswerError, Stopping

from ..errors import StreamUnread
from ..service.service import UnreadBytes
from ..wire import serializers, stream_schemas
from ..wire.problem_details import build_problem
from ..wire.signed_links import LinkSigner

log = logging.getLogger("footnote")

PING_S = 15.0
"""An idle stream sends a comment this often, so that no proxy closes it."""
MAX_UNREAD_BYTES = 4_000_000
"""How far the client of a stream may be behind; the answer of one that is further behind ends."""
MAX_UNREAD_TOTAL_BYTES = 64_000_000
"""Of all streams of a process; beyond it each has `MIN_UNREAD_BYTES`."""
MIN_UNREAD_BYTES = 256_000
SEND_BYTES = 65_536
"""How much is sent at once, at most, or one event."""

_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}

EncodeEvent = Callable[[rag.Event], bytes]
"""Returns the bytes of an event on the wire; empty for an event that the protocol lacks."""


class EventBuffer:
    """The events of one answer between the pipeline and the client, encoded."""

    def __init__(
        self,
        events: AsyncGenerator[rag.Event, None],
        *,
        encode: EncodeEvent,
        unread: UnreadBytes,
        shutdown: asyncio.Future[None],
    ) -> None:
        """Starts to read `events`, which end with an error when `shutdown` is done."""
        self._events, self._encode, self._shutdown = events, encode, shutdown
        self._unread, self._bytes = unread, 0
        self._pending: deque[bytes] = deque()
        self._news = asyncio.Event()
        self._has_events = self._is_complete = False
        self._error: Exception | None = None
        self._task = asyncio.create_task(self._run())

    async def wait_first(self) -> None:
        """Returns once there is an event; raises the error of a stream that ended without one."""
        await self._news.wait()
        if self._error:
            raise self._error

    async def read(self, timeout_s: float) -> bytes | None:
        """Returns the next bytes, none at the end of the stream; None on a timeout."""
        if not self._pending and not self._is_complete:
            self._news.clear()
            try:
                async with asyncio.timeout(timeout_s):
                    await self._news.wait()
            except TimeoutError:
                return None
        parts: list[bytes] = []
        size = 0
        while self._pending and (not parts or size + len(self._pending[0]) <= SEND_BYTES):
            parts.append(self._pending.popleft())
            size += len(parts[-1])
        self._count(-size)
        return b"".join(parts)

    async def close(self) -> None:
        """Ends the answer if it is still being made, and forgets what nobody has read."""
        self._task.cancel()
        await asyncio.wait({self._task})
        self._pending.clear()
        self._count(-self._bytes)

    async def _run(self) -> None:
        self._shutdown.add_done_callback(self._cancel)
        try:
            async with aclosing(self._events) as events:
                async for event in events:
                    self._add(event)
                    if isinstance(event, rag.Done | rag.Failed):
                        return
            self._fail(AnswerError("the answer stream ended without `done`"))
        except asyncio.CancelledError:
            if not self._shutdown.done():
                raise
            self._fail(Stopping())
        except Exception as error:  # the stream's edge: the client must learn of any failure
            self._fail(error)
        finally:
            self._shutdown.remove_done_callback(self._cancel)
            self._is_complete = True
            self._news.set()

    def _cancel(self, _: asyncio.Future[None]) -> None:
        self._task.cancel()

    def _add(self, event: rag.Event) -> None:
        encoded = self._encode(event)
        is_full = self._unread.total > MAX_UNREAD_TOTAL_BYTES
        limit = MIN_UNREAD_BYTES if is_full else MAX_UNREAD_BYTES
        if self._pending and self._bytes + len(encoded) > limit:
            raise StreamUnread
        self._push(encoded)

    def _push(self, encoded: bytes) -> None:
        self._has_events = True
        if encoded:
            self._pending.append(encoded)
            self._count(len(encoded))
        self._news.set()

    def _fail(self, error: Exception) -> None:
        if not self._has_events:
            self._error = error
            return
        if not isinstance(error, AnswerError):
            log.error("an answer stream failed", exc_info=error)
            error = AnswerError(type(error).__name__)
        self._push(self._encode(rag.Failed(error)))

    def _count(self, size: int) -> None:
        self._bytes += size
        self._unread.total += size


class EventStreamResponse(StreamingResponse):
    """Streams the events of an answer; ends the answer when the client leaves."""

    media_type = "text/event-stream"

    def __init__(self, buffer: EventBuffer) -> None:
        """Takes over the buffer, whose first event is there, so that early errors have a status."""
        self._buffer = buffer
        super().__init__(self._body(), headers=_HEADERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the stream."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._buffer.close()

    async def _body(self) -> AsyncIterator[bytes]:
        while data := await self._next():
            yield data

    async def _next(self) -> bytes:
        data = await self._buffer.read(PING_S)
        return KEEPALIVE_COMMENT if data is None else data


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
        """Returns the event's name and data; `stream_schemas.STREAM_EVENTS` documents each."""
        links, include_passages = self._links, self._include_passages
        match event:
            case rag.PassagesFound():
                hits = event.hits if include_passages else ()
                passages = serializers.passages(hits, links)
                return "passages", stream_schemas.PassagesEvent(id=event.id, passages=passages)
            case rag.SearchMade():
                return "search", stream_schemas.SearchEvent(query=event.query)
            case rag.Delta():
                return "delta", stream_schemas.DeltaEvent(text=event.text, format=event.format)
            case rag.SentenceClosed():
                fields = serializers.sentence(event.sentence).model_dump()
                return "sentence", stream_schemas.SentenceEvent(index=event.index, **fields)
            case rag.CitationMade():
                citation = serializers.citation(event.citation, links)
                return "citation", stream_schemas.CitationEvent(citation=citation)
            case rag.Done():
                answer = serializers.answer(event.answer, links, include_passages=include_passages)
                return "done", answer
            case rag.Failed():
                problem, info = build_problem(event.error, self._scope)
                return "error", stream_schemas.ErrorEvent(problem=problem, retryable=info.retryable)
