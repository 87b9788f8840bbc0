"""`GET /v1/files` lists the files of a collection; `GET /v1/files/{path}/passages` shows one's."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request

from index.corpus import source_id
from index.errors import GenerationMissing
from index.filters import normalize_path
from index.store.opened import OpenGeneration
from index.text.limits import MAX_HEADING_PATH_CHARS, MAX_TITLE_CHARS, shorten
from index.types import Chunk, Source

from ...errors import IndexBuilding, NotFound, RequestError, RequestInvalid
from ...operations.files.listing import FolderState, ListedFile, list_files
from ...operations.files.remedies import remedy
from ...security.auth import Caller
from ...service.service import Service
from ...wire import serializers
from ...wire.console.files import (
    FileBody,
    FileCounts,
    FilePassage,
    FilesBody,
    PassagesBody,
    PassageUnit,
)
from ...wire.problem_details import problem_responses
from ..deps import CallerDep, ConsoleDep, ServiceDep, collection_settings
from ..files import CollectionName, FilePath
from ..sources import decode_cursor, encode_cursor
from .paging import After, Limit

router = APIRouter(tags=["files"])

Text = Annotated[str, Query(max_length=200, description="Only those with this in path or title")]
PassageLimit = Annotated[int, Query(ge=1, le=500, description="Passages per page")]
_PROBLEMS = problem_responses(404, 422, 500, 503)


@router.get("/v1/files", responses=_PROBLEMS)
def list_corpus_files(
    request: Request,
    service: ServiceDep,
    caller: CallerDep,
    console: ConsoleDep,
    q: Text = "",
    state: Literal["indexed", "skipped", "waiting"] | None = None,
    limit: Limit = 50,
    after: After = None,
    collection: CollectionName = None,
) -> FilesBody:
    """List the files by path: indexed, left out with the cause, and waiting for a sync."""
    name = service.resolve_collection(collection, access=caller.access)
    settings = collection_settings(service, name)
    with _generation(service, name) as generation:
        folder = console.folders.get(
            name,
            settings.corpus.absolute(),
            generation,
            formats=settings.formats,
            max_file_bytes=settings.max_file_bytes,
        )
        cursor = decode_cursor(after, field="query.after")
        files, has_more = list_files(
            generation, folder, text=q, state=state, after=cursor, limit=limit
        )
        return FilesBody(
            files=[_file(one, generation) for one in files],
            counts=_counts(generation, folder),
            next=encode_cursor(files[-1].path) if has_more else None,
            writable=_may_write(request, caller, name),
            collection=name,
        )


@contextmanager
def _generation(service: Service, name: str) -> Iterator[OpenGeneration | None]:
    """Yields the serving generation; None while there is none."""
    with ExitStack() as stack:
        generation: OpenGeneration | None = None
        with suppress(IndexBuilding, GenerationMissing):
            generation = stack.enter_context(service.collections[name].lease())
        yield generation


def _file(file: ListedFile, generation: OpenGeneration | None) -> FileBody:
    source = file.source
    return FileBody(
        path=file.path,
        state=file.state,
        cause=file.cause,
        remedy=remedy(file.cause) if file.cause else None,
        title=shorten(source.title, MAX_TITLE_CHARS) if source else None,
        source_id=source.id if source else None,
        passages=generation.passage_count(source.id) if source and generation else None,
        date=source.date if source else None,
        language=_language(source) if source else None,
        bytes=file.size,
        modified=None if file.mtime_ns is None else _format_time(file.mtime_ns / 1e9),
    )


def _language(source: Source) -> str | None:
    value = source.metadata.get("language", "")
    return shorten(value, 35) or None  # the longest tag of BCP 47


def _format_time(seconds: float) -> str | None:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):  # file systems allow years after 9999
        return None


def _counts(generation: OpenGeneration | None, folder: FolderState) -> FileCounts:
    indexed = generation.info.sources - folder.changed if generation else 0
    return FileCounts(indexed=indexed, skipped=len(folder.skipped), waiting=len(folder.waiting))


def _may_write(request: Request, caller: Caller, name: str) -> bool:
    runner = request.app.state.job_runner
    if runner is None or "write" not in caller.scopes:
        return False
    try:
        runner.corpora[name].check_writable()
    except RequestError:
        return False
    return True


@router.get("/v1/files/{path:path}/passages", responses=_PROBLEMS)
def list_file_passages(
    path: FilePath,
    service: ServiceDep,
    caller: CallerDep,
    limit: PassageLimit = 200,
    after: After = None,
    collection: CollectionName = None,
) -> PassagesBody:
    """Show what a file became: its passages in reading order, each with its units."""
    start = _offset(decode_cursor(after, field="query.after"))
    with service.lease(collection, access=caller.access) as (_, generation):
        source = _find_source(generation, path)
        chunks = generation.source_chunks(source.id, start=start)
        text = generation.text(source.id)
        has_more = len(chunks) > limit
        return PassagesBody(
            source=serializers.source(source, service.links),
            text_length=source.length,
            notes=list(source.notes),
            passages=[_passage(one, text) for one in chunks[:limit]],
            next=encode_cursor(str(chunks[limit].start)) if has_more else None,
        )


def _find_source(generation: OpenGeneration, path: str) -> Source:
    for form in (path, normalize_path(path)):
        if source := generation.source(source_id(generation.info.collection, form)):
            return source
    raise NotFound("file", path)


def _offset(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not cursor.isdecimal() or len(cursor) > 10:
        raise RequestInvalid("query.after", "is not a `next` of this service")
    return int(cursor)


def _passage(chunk: Chunk, text: str) -> FilePassage:
    return FilePassage(
        start=chunk.start,
        end=chunk.end,
        heading=chunk.heading and shorten(chunk.heading, MAX_HEADING_PATH_CHARS),
        page=chunk.page,
        text=text[chunk.start : chunk.end],
        units=[
            PassageUnit(
                start=unit.start, end=unit.end, kind=unit.kind, text=text[unit.start : unit.end]
            )
            for unit in chunk.units
        ],
    )
