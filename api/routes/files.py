"""`PUT`/`DELETE /v1/files/{path}`, `POST /v1/sync`, `GET /v1/jobs/{id}`: changing the articles.

Each change answers with the job that brings the index up to date; nobody waits for that.
"""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from starlette.requests import ClientDisconnect

from index.formats import formats_by_suffix, load_formats

from ..errors import BodyTooLarge, ClientDisconnected, NotFound, RequestError, RequestInvalid
from ..security.auth import Caller
from ..security.keys import format_utc
from ..service.corpus_files import names_of
from ..service.job_runner import Asked, Writes
from ..service.service import Service
from ..state.jobs import Job
from ..wire.problem_details import problem_responses
from ..wire.schemas import JobBody, SyncBody
from .deps import Asking, Given

router = APIRouter(tags=["files"])

_RAW: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The file's bytes, as they are",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


_NOT_KEPT = ("If-Match", "If-None-Match", "If-Unmodified-Since", "Content-Range")


async def _writes(request: Request) -> Writes:
    writes = request.app.state.writes
    if not isinstance(writes, Writes):
        raise RequestError("forbidden", "this service takes no changes; the setting allow_writes lets it")
    return writes


async def _unconditional(request: Request) -> None:
    """Refuses what would not be done as asked: files have neither versions nor parts here."""
    for name in _NOT_KEPT:
        if name in request.headers:
            raise RequestInvalid(
                f"header.{name}", "cannot be heeded: a file is put or deleted whole"
            )


Below = Annotated[
    str,
    Path(
        description="Where it is below the corpus: plain names with `/` between, none hidden",
        examples=["cars/yu7.md"],
    ),
]
Writing = Annotated[Writes, Depends(_writes)]
Name = Annotated[str | None, Query(alias="collection", description="As for a question")]
Once = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        max_length=200,
        pattern=r"^[!-~]+$",
        description="A request repeated with the same key does nothing more, for a week",
    ),
]


@router.put(
    "/v1/files/{path:path}",
    status_code=202,
    dependencies=[Depends(_unconditional)],
    openapi_extra=_RAW,
    responses=problem_responses(403, 404, 408, 409, 413, 415, 422, 500, 503),
)
async def put_file(
    path: Below,
    request: Request,
    service: Given,
    caller: Asking,
    writes: Writing,
    collection: Name = None,
    key: Once = None,
) -> JobBody:
    """Put a file into the corpus, in place of what was there, and index it."""
    wanted = service.chosen(collection, seen=caller.collections)
    names = names_of(path, _suffixes(service))
    limit = service.settings.max_file_bytes
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > limit:
        raise BodyTooLarge(limit)
    asked = Asked("put", wanted, path, _scoped(caller, key))
    return _body(await writes.put(asked, names, _received(request), limit))


@router.delete(
    "/v1/files/{path:path}",
    status_code=202,
    dependencies=[Depends(_unconditional)],
    responses=problem_responses(403, 404, 409, 422, 500, 503),
)
async def delete_file(
    path: Below,
    service: Given,
    caller: Asking,
    writes: Writing,
    collection: Name = None,
    key: Once = None,
) -> JobBody:
    """Remove a file from the corpus and forget it."""
    wanted = service.chosen(collection, seen=caller.collections)
    names = names_of(path, _suffixes(service))
    return _body(await writes.delete(Asked("delete", wanted, path, _scoped(caller, key)), names))


@router.post(
    "/v1/sync",
    status_code=202,
    responses=problem_responses(400, 403, 404, 408, 409, 413, 415, 422, 500, 503),
)
async def start_sync(
    body: SyncBody, service: Given, caller: Asking, writes: Writing, key: Once = None
) -> JobBody:
    """Bring the index up to date with the corpus."""
    wanted = service.chosen(body.collection, seen=caller.collections)
    return _body(await writes.sync(Asked("sync", wanted, None, _scoped(caller, key))))


@router.get("/v1/jobs/{job_id}", responses=problem_responses(403, 404, 422, 500, 503))
def get_job(job_id: str, service: Given, caller: Asking, writes: Writing) -> JobBody:
    """Tell how far a job is."""
    job = writes.jobs.find(job_id)
    if job.collection not in service.visible(caller.collections):
        raise NotFound("job", job_id)
    return _body(job)


def _suffixes(service: Service) -> set[str]:
    return set(formats_by_suffix(load_formats(service.settings.formats)))


def _scoped(caller: Caller, key: str | None) -> str | None:
    """Returns an idempotency key that nobody else's can equal."""
    return None if key is None else f"{caller.key_id or ''} {key}"


async def _received(request: Request) -> AsyncIterator[bytes]:
    try:
        async for data in request.stream():
            yield data
    except ClientDisconnect:
        raise ClientDisconnected from None


def _body(job: Job) -> JobBody:
    created = format_utc(job.created_s)
    assert created is not None
    return JobBody.model_validate(
        {
            "id": job.id,
            "kind": job.kind,
            "collection": job.collection,
            "path": job.path,
            "status": job.status,
            "created_at": created,
            "ended_at": format_utc(job.ended_s),
            "progress": job.progress,
            "report": job.report,
            "error": job.error,
        }
    )
