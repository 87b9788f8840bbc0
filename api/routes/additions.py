"""`POST /v1/files`: adds a web page, or the files of a form, to the corpus.

A page is fetched while the client waits; its file is then indexed by a job, as an upload is.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from index.formats import formats_by_suffix, load_formats

from ..errors import (
    BodyTooLarge,
    ClientDisconnected,
    FetchFailed,
    FileUnwritable,
    RequestError,
    RequestInvalid,
    UrlRefused,
)
from ..service.corpus_files import Corpus
from ..service.job_runner import JobRequest, JobRunner
from ..service.upload_paths import parse_path
from ..settings import Settings
from ..state.jobs import Job
from ..web.fetch import Fetcher, Page
from ..web.listing import decompress, listing_kind
from ..web.page_files import build_sidecar, choose_path, find_page, page_bytes
from ..wire.job_schemas import AddBody, AddedBody
from ..wire.problem_details import problem_responses
from .deps import CallerDep, JobRunnerDep, ServiceDep, check_may_change
from .files import CollectionName, job_body

router = APIRouter(tags=["files"])

MAX_FORM_FILES = 20
MAX_FORM_SIZE = 5
"""A form has at most this many times `max_file_bytes`."""
MAX_FETCHES = 4
"""Pages that a process fetches at the same time; more wait."""
TIMEOUT_S = 60.0
"""For a page, with the time that it waits for its turn."""
CHUNK_BYTES = 65_536

PathCheck = Callable[[str], Awaitable[None]]
"""Raises RequestError where a caller may not change a path."""

_fetches = asyncio.Semaphore(MAX_FETCHES)
_FORM_SCHEMA = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {
            "type": "array",
            "items": {"type": "string", "format": "binary"},
            "description": "Files, each with its path below the corpus as its file name",
        }
    },
}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/AddBody"}},
            "multipart/form-data": {"schema": _FORM_SCHEMA},
        },
    }
}


@router.post(
    "/v1/files",
    status_code=202,
    openapi_extra=_BODY,
    responses=problem_responses(400, 403, 404, 408, 409, 413, 415, 422, 500, 502, 503, 507),
)
async def add_files(
    request: Request,
    service: ServiceDep,
    caller: CallerDep,
    runner: JobRunnerDep,
    collection: CollectionName = None,
) -> AddedBody:
    """Add a web page by its URL, or the files of a form, and index them.

    A page is stored under its host and path, such as `example.org/docs/page.html`, and its source
    has the `url`. For sitemaps and feeds use `footnote add`. Files of a form are written one after
    the other: what comes before one that fails stays.
    """
    settings = service.settings
    suffixes = set(formats_by_suffix(load_formats(settings.formats)))
    limit = settings.max_file_bytes
    if request.headers.get("content-type", "").lower().startswith("multipart/"):
        resolved = service.resolve_collection(collection, access=caller.access)
        async with _closing(await _read_form(request, MAX_FORM_SIZE * limit)) as form:
            may_change = partial(check_may_change, service, caller, resolved)
            jobs = await _add_form(form, resolved, runner, suffixes, settings, may_change)
    else:
        body = _parse_json(await request.body())
        resolved = service.resolve_collection(body.collection or collection, access=caller.access)
        jobs = [
            await _add_page(
                body.url,
                resolved,
                runner,
                request.app.state.fetcher,
                suffixes,
                limit,
                partial(check_may_change, service, caller, resolved),
            )
        ]
    is_restricted = service.is_restricted(caller.access)
    return AddedBody(jobs=[job_body(job, is_restricted=is_restricted) for job in jobs])


def _parse_json(body: bytes) -> AddBody:
    try:
        return AddBody.model_validate_json(body)
    except ValidationError as error:
        errors = [{**one, "loc": ("body", *one["loc"])} for one in error.errors()]
        raise RequestValidationError(errors) from error


async def _read_form(request: Request, max_bytes: int) -> FormData:
    """Returns a form, its files spooled to temporary files; raises RequestError."""
    refusal: list[RequestError] = []

    async def limited() -> AsyncGenerator[bytes, None]:
        size = 0
        try:
            async for data in request.stream():
                size += len(data)
                if size > max_bytes:
                    raise BodyTooLarge(max_bytes)
                yield data
        except ClientDisconnect:
            refusal.append(ClientDisconnected())
        except RequestError as error:
            refusal.append(error)
        if refusal:
            raise MultiPartException("")  # the only error at which the parser closes its files

    files = {"max_files": MAX_FORM_FILES, "max_fields": MAX_FORM_FILES}
    try:
        return await MultiPartParser(request.headers, limited(), **files).parse()
    except (MultiPartException, KeyError, ValueError) as error:
        if refusal:
            raise refusal[0] from None
        raise RequestError("bad_request", f"malformed form: {str(error)[:200]}") from error


@asynccontextmanager
async def _closing(form: FormData) -> AsyncIterator[FormData]:
    try:
        yield form
    finally:
        await form.close()


async def _add_form(
    form: FormData,
    collection: str,
    runner: JobRunner,
    suffixes: set[str],
    settings: Settings,
    check_path: PathCheck,
) -> list[Job]:
    """Writes the files of a form, all of whose names are checked before; raises RequestError."""
    files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
    if not files:
        raise RequestInvalid("body.file", "has no file with a file name")
    limit = settings.max_file_bytes
    paths = [
        parse_path(file.filename or "", suffixes, allowed_names=settings.writable_names)
        for file in files
    ]
    if len(set(paths)) < len(paths):
        raise RequestInvalid("body.file", "names a file twice")
    for names in paths:
        await check_path("/".join(names))
    return [
        await runner.put(
            JobRequest("put", collection, "/".join(names)), names, _chunks(file), limit
        )
        for names, file in zip(paths, files, strict=True)
    ]


async def _chunks(file: UploadFile) -> AsyncIterator[bytes]:
    while data := await file.read(CHUNK_BYTES):
        yield data


async def _add_page(
    url: str,
    collection: str,
    runner: JobRunner,
    fetcher: Fetcher,
    suffixes: set[str],
    limit: int,
    check_path: PathCheck,
) -> Job:
    """Fetches and stores a page, returns the job that indexes it; raises RequestError."""
    corpus = runner.corpora[collection]
    await asyncio.to_thread(corpus.check_writable)
    try:
        async with asyncio.timeout(TIMEOUT_S), _fetches:
            page = await fetcher.fetch(url, max_bytes=limit)
    except TimeoutError:
        raise FetchFailed(url, f"was not fetched within {TIMEOUT_S:.0f} s") from None
    try:
        names, data = await asyncio.to_thread(_prepare, corpus, page, suffixes)
    except OSError as error:
        raise FileUnwritable(error) from error
    await check_path("/".join(names))

    async def body() -> AsyncIterator[bytes]:
        yield data

    request = JobRequest("put", collection, "/".join(names))
    sidecar = build_sidecar(page, data)
    return await runner.put(
        request, names, body(), limit, declared_bytes=len(data), sidecar=sidecar
    )


def _prepare(corpus: Corpus, page: Page, suffixes: set[str]) -> tuple[tuple[str, ...], bytes]:
    """Returns the path and the bytes of a page; raises UrlRefused for a listing of pages."""
    try:
        kind = listing_kind(decompress(page.body))
    except ValueError as error:
        raise FetchFailed(page.url, str(error)) from error
    if kind is not None:
        raise UrlRefused(page.url, f"is a {kind}: add its pages, or use `footnote add`")
    data = page_bytes(page)
    names = find_page(corpus.root, page.url, suffixes) or choose_path(corpus.root, page, suffixes)
    return names, data
