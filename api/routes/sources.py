"""`GET /v1/sources…`: the articles, their text, and a page that shows a passage in its place.

All of these read a file or a database, so FastAPI runs them in threads.
"""

import base64
import binascii
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse, PlainTextResponse

from ..errors import RequestInvalid, SourceNotFound, error_info
from ..wire import serializers
from ..wire.problem_details import problem_responses
from ..wire.schemas import SourceBody, SourcesBody
from ..wire.source_page import render_not_found, render_source_page, describe_location
from .deps import Asking, Given

router = APIRouter(prefix="/v1/sources", tags=["sources"])

Limit = Annotated[int, Query(ge=1, le=500, description="How many on a page")]
Cursor = Annotated[
    str | None,
    Query(max_length=6_000, pattern=r"^[A-Za-z0-9_-]*$", description="`next_cursor` of a page"),
]
Start = Annotated[int | None, Query(ge=0, description="First character")]
End = Annotated[int | None, Query(ge=0, description="Character after the last")]
Version = Annotated[
    str | None, Query(max_length=64, description="How the file's sha256 begins, as cited")
]

Mark = Annotated[str | None, Query(max_length=64, description="The mark of the quoted words")]

_GONE: dict[str, object] = {
    "description": "A page that says so",
    "content": {"text/html": {"schema": {"type": "string"}}},
}


@router.get("", responses=problem_responses(404, 422, 500, 503))
def list_sources(
    service: Given,
    caller: Asking,
    limit: Limit = 100,
    cursor: Cursor = None,
    collection: str | None = None,
) -> SourcesBody:
    """List the articles by path."""
    with service.lease(collection, seen=caller.collections) as (_, generation):
        found = generation.sources(after=_path(cursor), limit=limit + 1)
        more = len(found) > limit
        return SourcesBody(
            sources=[serializers.source(source, service.links) for source in found[:limit]],
            next_cursor=_cursor(found[limit - 1].path) if more else None,
            index=serializers.index(generation.info),
        )


@router.get("/{source_id}", responses=problem_responses(404, 422, 500, 503))
def get_source(source_id: str, service: Given, caller: Asking) -> SourceBody:
    """Tell what is known of one article."""
    with service.holding(source_id, seen=caller.collections) as (known, _):
        return serializers.source(known, service.links)


@router.get(
    "/{source_id}/text",
    response_class=PlainTextResponse,
    responses=problem_responses(404, 422, 500, 503),
)
def get_source_text(
    source_id: str, service: Given, caller: Asking, start: Start = None, end: End = None
) -> Response:
    """Give an article's text, or the characters from `start` to before `end`."""
    with service.holding(source_id, seen=caller.collections) as (_, generation):
        whole = generation.text(source_id)
    _check_span(start, end, len(whole))
    return PlainTextResponse(whole[start:end])


@router.get(
    "/{source_id}/view",
    response_class=HTMLResponse,
    responses={404: _GONE, **problem_responses(422, 500, 503)},
)
def view_source(
    source_id: str,
    service: Given,
    caller: Asking,
    start: Start = None,
    end: End = None,
    v: Version = None,
    q: Mark = None,
) -> Response:
    """Show an article with the characters from `start` to before `end` marked.

    Where the file changed since it was cited, the page says so, and marks the quoted words only
    where they still stand. `exp` and `sig` of a signed link open this one view without a key.
    """
    try:
        with service.holding(source_id, seen=caller.collections) as (known, generation):
            whole = generation.text(source_id)
            location = describe_location(generation.source_chunks(source_id), start)
    except SourceNotFound as error:
        return render_not_found(error_info(error).status)
    if v is None or known.sha256.startswith(v):
        _check_span(start, end, len(whole))
    return render_source_page(known, whole, start=start, end=end, version=v, fingerprint=q or "", location=location)


def _check_span(start: int | None, end: int | None, length: int) -> None:
    first, last = start or 0, length if end is None else end
    if last > length:
        raise RequestInvalid("query.end", f"the text ends at {length}")
    if first > last:
        raise RequestInvalid("query.start", f"lies after the end, {last}")


def _cursor(path: str) -> str:
    return base64.urlsafe_b64encode(path.encode()).decode().rstrip("=")


def _path(cursor: str | None) -> str | None:
    if cursor is None:
        return None
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise RequestInvalid("query.cursor", "is not one that this service gave") from None
