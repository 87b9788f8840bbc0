"""`POST /v1/chat/completions` and `GET /v1/models…`: for clients of OpenAI's protocol."""

from contextlib import suppress

from fastapi import APIRouter, Request, Response
from fastapi.sse import format_sse_event
from starlette.types import Scope

from rag.types import Ask, Done, Event, Failed

from ..errors import NotFound, RequestInvalid
from ..http.openapi import CHUNK_STREAM_RESPONSE
from ..wire.openai import MODEL, ChunkBuilder, build_completion, parse_model_name, split_messages
from ..wire.openai_options import check_options
from ..wire.openai_schemas import ChatBody, ChatCompletion, ModelCard, ModelList
from ..wire.problem_details import build_problem, chat_problem_responses, to_openai_error
from .answers import get_answer, stream_answer
from .deps import CallerDep, LinksDep, ServiceDep, validate_question

router = APIRouter(tags=["openai"])


@router.post(
    "/v1/chat/completions",
    response_model=ChatCompletion,
    responses={
        200: CHUNK_STREAM_RESPONSE,
        **chat_problem_responses(400, 404, 408, 413, 415, 422, 500, 503),
    },
)
async def create_chat_completion(
    body: ChatBody, request: Request, service: ServiceDep, caller: CallerDep, links: LinksDep
) -> ChatCompletion | Response:
    """Answer the last user message; annotations link the `[n]` markers, as in OpenAI's API."""
    check_options(body.model_extra or {})
    text, history = split_messages(body.messages)
    question = Ask(validate_question("body.messages", text), history)
    lease = service.lease(parse_model_name(body.model), access=caller.access)
    try:
        if body.stream:
            options = body.stream_options
            include_usage = bool(options and options.include_usage)
            chunks = ChunkBuilder(model=body.model, links=links, include_usage=include_usage)
            encode = _ChunkEncoder(request.scope, chunks)
            return await stream_answer(question, lease, request, service, caller, encode=encode)
        answer = await get_answer(question, lease, request, service, caller)
    except NotFound:
        raise NotFound("model", body.model) from None
    return build_completion(answer, model=body.model, links=links)


class _ChunkEncoder:
    """Encodes events as OpenAI does: chunks, then `[DONE]`, or an error without it."""

    def __init__(self, scope: Scope, chunks: ChunkBuilder) -> None:
        self._scope, self._chunks = scope, chunks

    def __call__(self, event: Event) -> bytes:
        """Returns the event's chunks."""
        if isinstance(event, Failed):
            problem, _ = build_problem(event.error, self._scope)
            return format_sse_event(data_str=to_openai_error(problem).model_dump_json())
        data = [chunk.model_dump_json() for chunk in self._chunks.build(event)]
        if isinstance(event, Done):
            data.append("[DONE]")
        return b"".join(format_sse_event(data_str=text) for text in data)


@router.get("/v1/models", responses=chat_problem_responses(500, 503))
async def list_models(service: ServiceDep, caller: CallerDep) -> ModelList:
    """List the model names: one for the default collection, then one for each collection."""
    names = [f"{MODEL}/{name}" for name in service.visible_collections(caller.access)]
    with suppress(NotFound, RequestInvalid):  # there may be no default collection
        service.resolve_collection(None, access=caller.access)
        names.insert(0, MODEL)
    return ModelList(data=[ModelCard(id=name) for name in names])


@router.get("/v1/models/{model:path}", responses=chat_problem_responses(404, 422, 500, 503))
async def get_model(model: str, service: ServiceDep, caller: CallerDep) -> ModelCard:
    """Return a model name, if it exists."""
    try:
        service.resolve_collection(parse_model_name(model), access=caller.access)
    except NotFound:
        raise NotFound("model", model) from None
    return ModelCard(id=model)
