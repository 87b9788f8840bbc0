"""`POST /v1/chat/completions` and `GET /v1/models…`: for programs that speak OpenAI's protocol."""

from contextlib import suppress

from fastapi import APIRouter, Request, Response
from fastapi.sse import format_sse_event
from starlette.types import Scope

from rag import types as inside
from rag.types import Ask

from ..errors import CollectionUnknown, ModelUnknown, RequestInvalid
from ..http.openapi import CHUNKS
from ..wire.openai import MODEL, ChatStream, collection_of, completion, question_of
from ..wire.openai_schemas import ChatBody, ChatCompletion, ModelCard, ModelList
from ..wire.problem_details import chat_error, documented_chat, problem
from .answers import streamed, whole
from .deps import Asking, Given, Linking, bearable

router = APIRouter(tags=["openai"])


@router.post(
    "/v1/chat/completions",
    response_model=ChatCompletion,
    responses={200: CHUNKS, **documented_chat(400, 404, 408, 413, 415, 422, 500, 503)},
)
async def create_chat_completion(
    body: ChatBody, request: Request, service: Given, caller: Asking, links: Linking
) -> ChatCompletion | Response:
    """Answer the last user message, as OpenAI would; annotations link its `[n]` markers."""
    text, history = question_of(body.messages)
    question = Ask(bearable("body.messages", text, service), history)
    lease = service.lease(collection_of(body.model), seen=caller.collections)
    try:
        if body.stream:
            options = body.stream_options
            usage = bool(options and options.include_usage)
            told = ChatStream(model=body.model, links=links, include_usage=usage)
            frame = _Frames(request.scope, told)
            return await streamed(question, lease, request, service, frame=frame)
        made = await whole(question, lease, request, service)
    except CollectionUnknown:
        raise ModelUnknown(body.model) from None
    return completion(made, model=body.model, links=links)


class _Frames:
    """Frames events as OpenAI does: chunks, then `[DONE]`, or an error and no end."""

    def __init__(self, scope: Scope, told: ChatStream) -> None:
        self._scope, self._told = scope, told

    def __call__(self, event: inside.Event) -> bytes:
        """Returns the event's chunks."""
        if isinstance(event, inside.Failed):
            body, _ = problem(event.error, self._scope)
            return format_sse_event(data_str=chat_error(body).model_dump_json())
        said = [chunk.model_dump_json() for chunk in self._told.chunks(event)]
        if isinstance(event, inside.Done):
            said.append("[DONE]")
        return b"".join(format_sse_event(data_str=text) for text in said)


@router.get("/v1/models", responses=documented_chat(500, 503))
async def list_models(service: Given, caller: Asking) -> ModelList:
    """List the names to ask by: the default collection's, then one for each collection."""
    names = [f"{MODEL}/{name}" for name in service.visible(caller.collections)]
    with suppress(CollectionUnknown, RequestInvalid):  # where no collection is the default one
        service.chosen(None, seen=caller.collections)
        names.insert(0, MODEL)
    return ModelList(data=[ModelCard(id=name) for name in names])


@router.get("/v1/models/{model:path}", responses=documented_chat(404, 422, 500, 503))
async def get_model(model: str, service: Given, caller: Asking) -> ModelCard:
    """Tell whether one can ask by a name."""
    try:
        service.chosen(collection_of(model), seen=caller.collections)
    except CollectionUnknown:
        raise ModelUnknown(model) from None
    return ModelCard(id=model)
