"""`POST /v1/answers`: a question in, a cited answer out, whole or as a stream; and its feedback.

Every protocol gets its answers from `get_answer` or `stream_answer`.
"""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Path, Request, Response

from rag.errors import Stopping
from rag.types import Answer, Ask, Done, Event, Turn

from ..errors import ClientDisconnected, NotFound
from ..http.openapi import EVENT_STREAM_RESPONSE
from ..http.sse import AnswerEventEncoder, EncodeEvent, EventBuffer, EventStreamResponse
from ..security.answer_ids import answered_collection, issue_answer_id
from ..security.auth import Caller
from ..security.rate_limit import caller_name
from ..service.service import Lease, Service
from ..wire import serializers
from ..wire.problem_details import problem_responses
from ..wire.schemas import AnswerBody, AskBody, FeedbackBody
from .deps import CallerDep, FeedbackDep, ServiceDep, validate_question

T = TypeVar("T")

router = APIRouter(tags=["answers"])

AnswerId = Annotated[
    str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="The `id` of the answer")
]


@router.post(
    "/v1/answers",
    response_model=AnswerBody,
    responses={
        200: EVENT_STREAM_RESPONSE,
        **problem_responses(400, 404, 408, 413, 415, 422, 500, 503),
    },
)
async def ask(
    body: AskBody, request: Request, service: ServiceDep, caller: CallerDep
) -> AnswerBody | Response:
    """Answer a question from the articles; every citation is an exact quote.

    With `"stream": true` or `Accept: text/event-stream` the answer is a stream of server-sent
    events.
    """
    question = Ask(
        question=validate_question("body.question", body.question),
        history=tuple(Turn(turn.role, turn.content) for turn in body.history),
        top_k=body.top_k,
        filters=body.filters.to_index(),
    )
    lease = service.lease(body.collection, access=caller.access)
    if body.stream or "text/event-stream" in request.headers.get("accept", ""):
        encode = AnswerEventEncoder(
            request.scope, service.links_for(caller.access), include_passages=body.include_passages
        )
        return await stream_answer(question, lease, request, service, caller, encode=encode)
    answer = await get_answer(question, lease, request, service, caller)
    return serializers.answer(
        answer, service.links_for(caller.access), include_passages=body.include_passages
    )


@router.post(
    "/v1/answers/{answer_id}/feedback",
    status_code=204,
    response_class=Response,
    responses=problem_responses(404, 408, 413, 415, 422, 500, 503),
)
def feedback(
    answer_id: AnswerId,
    body: FeedbackBody,
    request: Request,
    service: ServiceDep,
    caller: CallerDep,
    store: FeedbackDep,
) -> None:
    """Store a reader's feedback on an answer, in place of earlier feedback on it.

    Only who asked may rate an answer, within 30 days. The question and answer that are sent count
    as unverified unless this service logs its answers.
    """
    visible = service.visible_collections(caller.access)
    collection = answered_collection(service.links, answer_id, visible, caller.identity)
    if collection is None:
        raise NotFound("answer", answer_id)
    by = "widget" if caller.is_widget else caller.identity
    sender = service.links.sign("sender", caller_name(request.scope))  # no address is stored
    fields = body.model_dump(exclude_none=True)
    store.add(answer_id, fields, by=by, collection=collection, sender=sender)


async def get_answer(
    question: Ask,
    lease: Lease,
    request: Request | None,
    service: Service,
    caller: Caller,
    *,
    is_logged: bool = True,
) -> Answer:
    """Returns the whole answer; raises ClientDisconnected if the client of `request` leaves.

    It is added to the answer log, if there is one, unless `is_logged` is false.
    """
    work = _get_answer(question, lease, service, caller, is_logged=is_logged)
    return await _until_disconnect(request, service, work)


async def stream_answer(
    question: Ask,
    lease: Lease,
    request: Request,
    service: Service,
    caller: Caller,
    *,
    encode: EncodeEvent,
) -> EventStreamResponse:
    """Returns the response once its first event has arrived; raises what fails before that."""
    stream = _stream_answer(question, lease, service, caller, encode)
    return await _until_disconnect(request, service, stream)


async def _get_answer(
    question: Ask, lease: Lease, service: Service, caller: Caller, *, is_logged: bool
) -> Answer:
    with lease as (components, generation):
        async with service.answer_slot():
            answer_id = issue_answer_id(service.links, generation.info.collection, caller.identity)
            answer = await components.pipeline.answer(generation, question, answer_id=answer_id)
            if is_logged:
                await service.log_answer(question, answer, asker=caller.identity)
            return answer


async def _stream_answer(
    question: Ask, lease: Lease, service: Service, caller: Caller, encode: EncodeEvent
) -> EventStreamResponse:
    buffer = EventBuffer(
        _events(question, lease, service, caller),
        encode=encode,
        unread=service.unread_bytes,
        shutdown=service.stopping,
    )
    try:
        await buffer.wait_first()
    except BaseException:
        await buffer.close()
        raise
    return EventStreamResponse(buffer)


async def _events(
    question: Ask, lease: Lease, service: Service, caller: Caller
) -> AsyncGenerator[Event, None]:
    """Yields the events of an answer; holds its slot and its generation only until it is made."""
    with lease as (components, generation):
        async with service.answer_slot():
            answer_id = issue_answer_id(service.links, generation.info.collection, caller.identity)
            stream = components.pipeline.stream(generation, question, answer_id=answer_id)
            async with aclosing(stream) as events:
                async for event in events:
                    if isinstance(event, Done):
                        await service.log_answer(question, event.answer, asker=caller.identity)
                    yield event


async def _until_disconnect(
    request: Request | None, service: Service, work: Coroutine[None, None, T]
) -> T:
    """Returns the result of `work`, or cancels it when the client leaves or the service stops.

    Raises ClientDisconnected or Stopping then.
    """
    working = asyncio.ensure_future(work)
    disconnecting = asyncio.ensure_future(_disconnect(request))
    try:
        # Any: their results do not matter here
        futures: set[asyncio.Future[Any]] = {working, disconnecting, service.stopping}
        await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientDisconnected if disconnecting.done() else Stopping
    finally:
        working.cancel()
        disconnecting.cancel()
        await asyncio.gather(working, disconnecting, return_exceptions=True)


async def _disconnect(request: Request | None) -> None:
    """Returns when the client disconnects; without a request, never: its caller cancels."""
    if request is None:
        await asyncio.Event().wait()
        return
    while (await request.receive())["type"] != "http.disconnect":
        pass
