"""`POST /v1/search` finds passages; `GET /v1/sources…` lists articles and serves their text.

All of these read files or databases, so FastAPI runs them in threads.
"""

import base64
import binascii
from collections.abc import AsyncIterator, Iterable
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import PlainTextResponse, StreamingResponse

from ..errors import RequestInvalid
from ..wire import serializers
from ..wire.problem_details import problem_responses
from ..wire.schemas import HitsBody, SearchBody, SourceBody, SourcesBody, SuggestionsBody
from .deps import CallerDep, ServiceDep, validate_question

router = APIRouter()

MAX_OFFSET = 1_000_000_000
"""No text is as long."""
PIECE_CHARS = 65_536
"""How much of a text is encoded and sent at once; a whole one has up to 64 MB."""
Limit = Annotated[int, Query(ge=1, le=500, description="Sources per page")]
Cursor = Annotated[
    str | None,
    Query(
        max_length=6_000,
        pattern=r"^[A-Za-z0-9_-]*$",
        description="`next_cursor` of the previous page",
    ),
]
Start = Annotated[int | None, Query(ge=0, le=MAX_OFFSET, description="First character")]
End = Annotated[int | None, Query(ge=0, le=MAX_OFFSET, description="Character after the last")]

_PROBLEMS = problem_responses(404, 422, 500, 503)


@router.post(
    "/v1/search",
    tags=["search"],
    responses=problem_responses(400, 404, 408, 413, 415, 422, 500, 503),
)
def search(body: SearchBody, service: ServiceDep, caller: CallerDep) -> HitsBody:
    """Find the nearest passages, best first."""
    query = validate_question("body.query", body.query)
    with service.lease(body.collection, access=caller.access) as (components, generation):
        hits = components.pipeline.search(
            generation, query, top_k=body.top_k, filters=body.filters.to_index()
        )
        return HitsBody(
            hits=serializers.passages(hits, service.links_for(caller.access)),
            index=serializers.index(generation.info),
        )


@router.get("/v1/suggestions", tags=["answers"], responses=_PROBLEMS)
def list_suggestions(
    service: ServiceDep, caller: CallerDep, collection: str | None = None
) -> SuggestionsBody:
    """Suggest questions to begin with; each was tried, and is answered."""
    with service.lease(collection, access=caller.access) as (components, generation):
        return SuggestionsBody(
            suggestions=list(components.pipeline.suggestions(generation)),
            index=serializers.index(generation.info),
        )


@router.get("/v1/sources", tags=["sources"], responses=_PROBLEMS)
def list_sources(
    service: ServiceDep,
    caller: CallerDep,
    limit: Limit = 100,
    cursor: Cursor = None,
    collection: str | None = None,
) -> SourcesBody:
    """List the articles by path."""
    with service.lease(collection, access=caller.access) as (_, generation):
        sources = generation.sources(after=decode_cursor(cursor), limit=limit + 1)
        page = serializers.sources(sources[:limit], service.links_for(caller.access))
        has_more = len(sources) > len(page)
        return SourcesBody(
            sources=page,
            next_cursor=encode_cursor(page[-1].source) if has_more else None,
            index=serializers.index(generation.info),
        )


@router.get("/v1/sources/{source_id}", tags=["sources"], responses=_PROBLEMS)
def get_source(source_id: str, service: ServiceDep, caller: CallerDep) -> SourceBody:
    """Return the metadata of an article."""
    with service.lease_source(source_id, access=caller.access) as (source, _):
        return serializers.source(source, service.links_for(caller.access))


@router.get(
    "/v1/sources/{source_id}/text",
    tags=["sources"],
    response_class=PlainTextResponse,
    responses=_PROBLEMS,
)
def get_source_text(
    source_id: str, service: ServiceDep, caller: CallerDep, start: Start = None, end: End = None
) -> Response:
    """Return an article's text, or the characters from `start` to before `end`."""
    with service.lease_source(source_id, access=caller.access) as (_, generation):
        text = generation.text(source_id)
    check_span(start, end, len(text))
    return _TextResponse(text[start:end])


class _TextResponse(StreamingResponse):
    """A text in pieces, so that the text is all that a long one takes of memory."""

    def __init__(self, text: str) -> None:
        """Takes the time to count the bytes, so create it in a thread."""
        pieces = range(0, len(text), PIECE_CHARS)
        size = sum(len(text[at : at + PIECE_CHARS].encode()) for at in pieces)
        encoded = (text[at : at + PIECE_CHARS].encode() for at in pieces)
        headers = {"content-length": str(size)}
        super().__init__(_as_async(encoded), headers=headers, media_type="text/plain")


async def _as_async(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def check_span(start: int | None, end: int | None, length: int) -> None:
    """Raises RequestInvalid where a text of this length has no such span."""
    first, last = start or 0, length if end is None else end
    if last > length:
        raise RequestInvalid("query.end", f"is after the end of the text, {length}")
    if first > last:
        raise RequestInvalid("query.start", f"is after the end of the span, {last}")


def encode_cursor(path: str) -> str:
    """Returns the cursor of what comes after a path."""
    return base64.urlsafe_b64encode(path.encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None, *, field: str = "query.cursor") -> str | None:
    """Returns the path of a cursor; raises RequestInvalid, which names the `field`."""
    if cursor is None:
        return None
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise RequestInvalid(field, "is not a cursor of this service") from None
