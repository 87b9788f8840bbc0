"""`POST /v1/chat/completions` and `GET /v1/models…`: for programs that speak OpenAI's protocol."""

from contextlib import suppress

from fastapi import APIRouter, Request, Response
from fastapi.sse import format_sse_event
from starlette.types import Scope

from rag import types as inside
from rag.types import Ask

from ..errors import NotFound, RequestInvalid
from ..http.openapi import CHUNK_STREAM_RESPONSE
from ..wire.openai import MODEL, ChunkBuilder, parse_model_name, build_completion, split_messages
from ..wire.openai_schemas import ChatBody, ChatCompletion, ModelCard, ModelList
from ..wire.problem_details import build_problem, chat_problem_responses, to_openai_error
from .answers import streamed, whole
from .deps import Asking, Given, Linking, validate_question

router = APIRouter(tags=["openai"])


@router.post(
    "/v1/chat/completions",
    response_model=ChatCompletion,
    responses={200: CHUNK_STREAM_RESPONSE, **chat_problem_responses(400, 404, 408, 413, 415, 422, 500, 503)},
)
async def create_chat_completion(
    body: ChatBody, request: Request, service: Given, caller: Asking, links: Linking
) -> ChatCompletion | Response:
    """Answer the last user message, as OpenAI would; annotations link its `[n]` markers."""
    text, history = split_messages(body.messages)
    question = Ask(validate_question("body.messages", text, service), history)
    lease = service.lease(parse_model_name(body.model), seen=caller.collections)
    try:
        if body.stream:
            options = body.stream_options
            usage = bool(options and options.include_usage)
            told = ChunkBuilder(model=body.model, links=links, include_usage=usage)
            frame = _Frames(request.scope, told)
            return await streamed(question, lease, request, service, frame=frame)
        made = await whole(question, lease, request, service)
    except NotFound:
        raise NotFound("model", body.model) from None
    return build_completion(made, model=body.model, links=links)


class _Frames:
    """Frames events as OpenAI does: chunks, then `[DONE]`, or an error and no end."""

    def __init__(self, scope: Scope, told: ChunkBuilder) -> None:
        self._scope, self._told = scope, told

    def __call__(self, event: inside.Event) -> bytes:
        """Returns the event's chunks."""
        if isinstance(event, inside.Failed):
            body, _ = build_problem(event.error, self._scope)
            return format_sse_event(data_str=to_openai_error(body).model_dump_json())
        said = [chunk.model_dump_json() for chunk in self._told.build(event)]
        if isinstance(event, inside.Done):
            said.append("[DONE]")
        return b"".join(format_sse_event(data_str=text) for text in said)


@router.get("/v1/models", responses=chat_problem_responses(500, 503))
async def list_models(service: Given, caller: Asking) -> ModelList:
    """List the names to ask by: the default collection's, then one for each collection."""
    names = [f"{MODEL}/{name}" for name in service.visible(caller.collections)]
    with suppress(NotFound, RequestInvalid):  # where no collection is the default one
        service.chosen(None, seen=caller.collections)
        names.insert(0, MODEL)
    return ModelList(data=[ModelCard(id=name) for name in names])


@router.get("/v1/models/{model:path}", responses=chat_problem_responses(404, 422, 500, 503))
async def get_model(model: str, service: Given, caller: Asking) -> ModelCard:
    """Tell whether one can ask by a name."""
    try:
        service.chosen(parse_model_name(model), seen=caller.collections)
    except NotFound:
        raise NotFound("model", model) from None
    return ModelCard(id=model)
