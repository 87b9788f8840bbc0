"""What a person opens of an article in a browser: its view, its original file, the list of all.

All of these read files or databases, so FastAPI runs them in threads.
"""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi import Path as PathParameter
from fastapi.responses import HTMLResponse

from index.corpus import is_unchanged, read_unchanged
from index.errors import SourceUnreadable

from ..errors import NotFound, SourceNotFound, error_info
from ..security.auth import UNRESTRICTED, Caller
from ..service.page_pictures import MAX_QUOTE_CHARS
from ..service.service import Service
from ..wire.article_list import Listed, render_article_list
from ..wire.problem_details import problem_responses
from ..wire.source_page import (
    PageLink,
    PagePicture,
    describe_location,
    render_not_found,
    render_source_page,
)
from .deps import CallerDep, ServiceDep
from .sources import Cursor, End, Start, check_span, decode_cursor, encode_cursor

if TYPE_CHECKING:
    from index.store.opened import OpenGeneration
    from index.types import Chunk, Source

router = APIRouter()

LIST_SIZE = 100
"""Articles on a page of the list."""
BATCH = 500
"""Sources that are read at a time where a filter leaves most of them out."""
MAX_FILTER_CHARS = 200

_INLINE = {
    ".pdf": "application/pdf",
    **dict.fromkeys((".txt", ".log", ".md", ".markdown", ".mdx", ".rst", ".org"), "text/plain"),
}
"""What a browser shows without running anything of it; all else is downloaded."""
_FILE_TYPES = ("application/octet-stream", *dict.fromkeys(_INLINE.values()))
_SANDBOX = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
)

Version = Annotated[
    str | None, Query(max_length=64, description="Prefix of the file's SHA-256 when it was cited")
]
Fingerprint = Annotated[str | None, Query(max_length=64, description="Fingerprint of the quote")]
Form = Annotated[
    Literal["article", "text"],
    Query(alias="as", description="`text`: as plain text, not as the article looks"),
]
Page = Annotated[int, PathParameter(ge=1, le=10_000, description="Number of the page, from 1")]
Words = Annotated[
    str, Query(max_length=MAX_FILTER_CHARS, description="Words of titles or paths; all must occur")
]
_NOT_FOUND_PAGE: dict[str, object] = {
    "description": "A page that says so",
    "content": {"text/html": {"schema": {"type": "string"}}},
}
_PROBLEMS = problem_responses(422, 500, 503)


@router.get(
    "/v1/sources/{source_id}/view",
    tags=["sources"],
    response_class=HTMLResponse,
    responses={404: _NOT_FOUND_PAGE, **_PROBLEMS},
)
def view_source(
    request: Request,
    source_id: str,
    service: ServiceDep,
    caller: CallerDep,
    start: Start = None,
    end: End = None,
    v: Version = None,
    q: Fingerprint = None,
    form: Form = "article",
) -> Response:
    """Show an article with the characters from `start` to before `end` highlighted.

    If the file has changed since it was cited, the page says so, and highlights the quote only if
    it is still there. `exp` and `sig` of a signed link open this one view without a key.
    """
    try:
        with service.lease_source(source_id, access=caller.access) as (source, generation):
            text = generation.text(source_id)
            chunk = generation.chunk_at(source_id, start or 0)
            chunks = partial(generation.source_chunks, source_id)
            has_original = is_unchanged(Path(generation.manifest.corpus), source)
            if v is None or source.sha256.startswith(v):
                check_span(start, end, len(text))
            return render_source_page(
                source,
                text,
                start=start,
                end=end,
                version=v,
                fingerprint=q or "",
                location=describe_location(chunk),
                read_chunks=None if form == "text" else chunks,
                picture=_picture(request, source, chunk, has_original=has_original),
                links=[
                    *_form_links(request, form, has_original=has_original),
                    *_list_links(service, caller, generation),
                ],
            )
    except SourceNotFound as error:
        return render_not_found(error_info(error).status)


@router.get(
    "/v1/sources/{source_id}/original",
    tags=["sources"],
    response_class=Response,
    responses={
        200: {"description": "The file", "content": {kind: {} for kind in _FILE_TYPES}},
        404: _NOT_FOUND_PAGE,
        **_PROBLEMS,
    },
)
def get_original(source_id: str, service: ServiceDep, caller: CallerDep) -> Response:
    """Return the file of an article, if it is the one that was indexed.

    A browser shows PDF and plain text, and downloads all else. The signed link of a view opens it,
    too, with the same parameters.
    """
    try:
        with service.lease_source(source_id, access=caller.access) as (source, generation):
            data = read_unchanged(Path(generation.manifest.corpus), source)
    except SourceNotFound as error:
        return render_not_found(error_info(error).status)
    except SourceUnreadable:
        return render_not_found(404, is_file=True)
    path = Path(source.path)
    media_type = _INLINE.get(path.suffix.lower(), "application/octet-stream")
    encoding = source.metadata.get("encoding", "utf-8")
    if media_type == "text/plain" and encoding.replace("-", "").replace("_", "").isalnum():
        media_type = f"text/plain; charset={encoding}"
    disposition = "inline" if path.suffix.lower() in _INLINE else "attachment"
    headers = {
        "content-disposition": f"{disposition}; filename*=UTF-8''{quote(path.name, safe='')}",
        "content-security-policy": _SANDBOX,
        "cache-control": "private, no-cache",
    }
    return Response(data, media_type=media_type, headers=headers)


@router.get(
    "/v1/sources/{source_id}/pages/{page}.png",
    tags=["sources"],
    response_class=Response,
    responses={
        200: {"description": "The picture", "content": {"image/png": {}}},
        **problem_responses(404, 422, 500, 503),
    },
)
def get_page_picture(
    source_id: str,
    page: Page,
    service: ServiceDep,
    caller: CallerDep,
    start: Start = None,
    end: End = None,
) -> Response:
    """Return a page of a PDF as a picture, with the characters from `start` to before `end` marked.

    There is none of a file that is not the one that was indexed. The signed link of a view opens
    it, too, with the same parameters.
    """
    with service.lease_source(source_id, access=caller.access) as (source, generation):
        text, root = generation.text(source_id), Path(generation.manifest.corpus)
    check_span(start, end, len(text))
    if not _is_pdf(source):
        raise NotFound("file", source.path)
    quote = "" if start is None or end is None else text[start : min(end, start + MAX_QUOTE_CHARS)]
    try:
        picture = service.pictures.draw(root, source, page=page, quote=quote)
    except (SourceUnreadable, ValueError) as error:
        raise NotFound("file", source.path) from error
    headers = {"cache-control": "private, max-age=3600"}
    return Response(picture, media_type="image/png", headers=headers)


@router.get(
    "/articles",
    tags=["sources"],
    response_class=HTMLResponse,
    responses=problem_responses(404, 422, 500, 503),
)
def view_articles(
    service: ServiceDep,
    caller: CallerDep,
    words: Words = "",
    cursor: Cursor = None,
    collection: str | None = None,
) -> Response:
    """Show a page of all articles by path, those with some words in title or path only."""
    wanted = words.casefold().split()
    with service.lease(collection, access=caller.access) as (_, generation):
        sources = _find_sources(generation, wanted, after=decode_cursor(cursor))
        total = generation.info.sources
    page = sources[:LIST_SIZE]
    following = encode_cursor(page[-1].path) if len(sources) > LIST_SIZE else None
    listed = [Listed(one.title, one.path, one.date, f"v1/sources/{one.id}/view") for one in page]
    values = {"collection": collection, "words": words or None, "cursor": following}
    query = urlencode({name: value for name, value in values.items() if value})
    return render_article_list(
        listed,
        words=words,
        collection=collection,
        total=total,
        following=f"?{query}" if following else None,
        is_first=cursor is None,
    )


def _find_sources(
    generation: "OpenGeneration", words: list[str], *, after: str | None
) -> "list[Source]":
    """Returns the first sources after a path that have all words, one more than a page has."""
    found: list[Source] = []
    while len(found) <= LIST_SIZE:
        batch = generation.sources(after=after, limit=BATCH)
        found += [
            source
            for source in batch
            if all(word in f"{source.title}\n{source.path}".casefold() for word in words)
        ]
        if len(batch) < BATCH:
            break
        after = batch[-1].path
    return found[: LIST_SIZE + 1]


def _is_pdf(source: "Source") -> bool:
    return source.path.lower().endswith(".pdf")


def _picture(
    request: Request, source: "Source", chunk: "Chunk | None", *, has_original: bool
) -> PagePicture | None:
    """Returns the picture of the page that a passage of a PDF is on; None where there is none."""
    if not _is_pdf(source):
        return None
    page = chunk.page if chunk is not None else None
    if not has_original or page is None:
        return PagePicture(page or 1, None)
    values = request.query_params.multi_items()
    query = f"?{urlencode([item for item in values if item[0] != 'as'])}" if values else ""
    return PagePicture(page, f"pages/{page}.png{query}")


def _form_links(request: Request, form: str, *, has_original: bool) -> list[PageLink]:
    """Returns the links to other forms of an article; each carries a link's signature on."""
    values = [(name, value) for name, value in request.query_params.multi_items() if name != "as"]
    other, words = ("text", "As text") if form == "article" else ("article", "As it looks")
    links = [PageLink(f"?{urlencode([*values, ('as', other)])}#cite", words)]
    if has_original:
        query = f"?{urlencode(values)}" if values else ""
        links.append(PageLink(f"original{query}", "Open original"))
    return links


def _list_links(service: Service, caller: Caller, generation: "OpenGeneration") -> list[PageLink]:
    """Returns the link to the list of articles where it works: a browser sends no key."""
    if caller is not UNRESTRICTED:
        return []
    query = f"?{urlencode({'collection': generation.info.collection})}"
    return [
        PageLink(
            f"../../../articles{query if len(service.collections) > 1 else ''}", "All articles"
        )
    ]
