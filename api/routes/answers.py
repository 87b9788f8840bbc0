"""`POST /v1/answers`: a question in, a cited answer out, whole or as it comes.

`whole` and `streamed` are the one way to an answer; the other protocols go through them too.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response

from rag.errors import Stopping
from rag.types import Answer, Ask, Turn

from ..errors import ClientDisconnected
from ..http.openapi import EVENT_STREAM_RESPONSE
from ..http.sse import AnswerEventEncoder, EventStreamResponse, EncodeEvent, EventReader
from ..service.service import Lease, Service
from ..wire import serializers
from ..wire.problem_details import problem_responses
from ..wire.schemas import AnswerBody, AskBody
from .deps import Asking, Given, validate_question

T = TypeVar("T")

router = APIRouter(tags=["answers"])


@router.post(
    "/v1/answers",
    response_model=AnswerBody,
    responses={200: EVENT_STREAM_RESPONSE, **problem_responses(400, 404, 408, 413, 415, 422, 500, 503)},
)
async def ask(
    body: AskBody, request: Request, service: Given, caller: Asking
) -> AnswerBody | Response:
    """Answer a question from the articles; every citation is proved.

    With `"stream": true` or `Accept: text/event-stream` the answer comes as server-sent events.
    """
    question = Ask(
        question=validate_question("body.question", body.question, service),
        history=tuple(Turn(turn.role, turn.content) for turn in body.history),
        top_k=body.top_k,
        filters=body.filters.inside(),
    )
    lease = service.lease(body.collection, seen=caller.collections)
    if body.stream or "text/event-stream" in request.headers.get("accept", ""):
        frame = AnswerEventEncoder(request.scope, service.links, include_passages=body.include_passages)
        return await streamed(question, lease, request, service, frame=frame)
    made = await whole(question, lease, request, service)
    return serializers.answer(made, service.links, include_passages=body.include_passages)


async def whole(question: Ask, lease: Lease, request: Request | None, service: Service) -> Answer:
    """Returns the answer; raises ClientDisconnected once nobody waits for `request`, where there is one."""
    return await _unless_gone(request, service, _whole(question, lease, service))


async def streamed(
    question: Ask, lease: Lease, request: Request, service: Service, *, frame: EncodeEvent
) -> EventStreamResponse:
    """Returns the response once its first event is there; raises what goes wrong before that."""
    return await _unless_gone(request, service, _stream(question, lease, request, service, frame))


async def _whole(question: Ask, lease: Lease, service: Service) -> Answer:
    with lease as (parts, generation):
        async with service.place():
            made = await parts.pipeline.answer(generation, question)
            await service.keep(question, made)
            return made


async def _stream(
    question: Ask, lease: Lease, request: Request, service: Service, frame: EncodeEvent
) -> EventStreamResponse:
    async with AsyncExitStack() as stack:
        parts, generation = stack.enter_context(lease)
        await stack.enter_async_context(service.place())
        events = parts.pipeline.stream(generation, question)
        pump = EventReader(events, partial(service.keep, question), service.ending)
        stack.push_async_callback(pump.close)
        first = await pump.next()
        assert first is not None  # it waited without end
        return EventStreamResponse(first, pump, resources=stack.pop_all(), encode=frame)


async def _unless_gone(
    request: Request | None, service: Service, work: Coroutine[None, None, T]
) -> T:
    """Returns what `work` makes; stops it where nobody listens any more, or the service ends.

    Raises ClientDisconnected or Stopping then.
    """
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_gone(request))
    try:
        # Any: what they hold does not matter here
        ends: set[asyncio.Future[Any]] = {working, leaving, service.ending}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientDisconnected if leaving.done() else Stopping
    finally:
        working.cancel()
        leaving.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _gone(request: Request | None) -> None:
    if request is None:  # whoever called cancels
        await asyncio.Event().wait()
        return
    while (await request.receive())["type"] != "http.disconnect":
        pass
