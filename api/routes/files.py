"""`PUT`/`DELETE /v1/files/{path}`, `POST /v1/sync`, `GET /v1/jobs/{id}`: changing the corpus.

Each change returns the job that updates the index; no request waits for it.
"""

from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from starlette.requests import ClientDisconnect

from index.formats import formats_by_suffix, load_formats

from ..errors import BodyTooLarge, ClientDisconnected, NotFound, RequestInvalid
from ..security.auth import Caller
from ..security.keys import format_utc
from ..service.job_runner import JobRequest
from ..service.service import Service
from ..service.upload_paths import parse_path
from ..state.jobs import Job
from ..wire.job_schemas import JobBody, SyncBody
from ..wire.problem_details import problem_responses
from .deps import CallerDep, JobRunnerDep, ServiceDep, check_may_change

router = APIRouter(tags=["files"])

_FILE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The bytes of the file",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
_CONDITIONAL_HEADERS = ("If-Match", "If-None-Match", "If-Unmodified-Since", "Content-Range")


async def _refuse_conditional(request: Request) -> None:
    """Refuses conditional and partial requests: files have neither versions nor parts here."""
    for name in _CONDITIONAL_HEADERS:
        if name in request.headers:
            cause = "is not supported: a file is always written or deleted as a whole"
            raise RequestInvalid(f"header.{name}", cause)


FilePath = Annotated[
    str,
    Path(
        description="Path below the corpus: plain names separated by `/`, none of them hidden",
        examples=["cars/yu7.md"],
    ),
]
CollectionName = Annotated[str | None, Query(alias="collection", description="As for a question")]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        max_length=200,
        pattern=r"^[!-~]+$",
        description="Repeating a request with the same key within a week changes nothing",
    ),
]


@router.put(
    "/v1/files/{path:path}",
    status_code=202,
    dependencies=[Depends(_refuse_conditional)],
    openapi_extra=_FILE_BODY,
    responses=problem_responses(403, 404, 408, 409, 413, 415, 422, 500, 503, 507),
)
async def put_file(
    path: FilePath,
    request: Request,
    service: ServiceDep,
    caller: CallerDep,
    runner: JobRunnerDep,
    collection: CollectionName = None,
    key: IdempotencyKey = None,
) -> JobBody:
    """Write a file to the corpus, replacing an existing one, and index it.

    Files of no article format, or of a name that tools read such as `requirements.txt`, are
    refused, and every file unless the corpus is marked by a file `.footnote-corpus` in its root.
    """
    resolved = service.resolve_collection(collection, access=caller.access)
    names = _parse_path(path, service)
    await check_may_change(service, caller, resolved, "/".join(names))
    limit = service.settings.max_file_bytes
    content_length = request.headers.get("content-length", "0")
    is_number = content_length.isdecimal() and len(content_length) < 20
    declared_bytes = int(content_length) if is_number else 0
    if declared_bytes > limit:
        raise BodyTooLarge(limit)
    job_request = JobRequest("put", resolved, path, _scoped_key(caller, key))
    body = _body(request)
    return job_body(
        await runner.put(job_request, names, body, limit, declared_bytes=declared_bytes)
    )


@router.delete(
    "/v1/files/{path:path}",
    status_code=202,
    dependencies=[Depends(_refuse_conditional)],
    responses=problem_responses(403, 404, 409, 422, 500, 503),
)
async def delete_file(
    path: FilePath,
    service: ServiceDep,
    caller: CallerDep,
    runner: JobRunnerDep,
    collection: CollectionName = None,
    key: IdempotencyKey = None,
) -> JobBody:
    """Delete a file from the corpus and from the index."""
    resolved = service.resolve_collection(collection, access=caller.access)
    names = _parse_path(path, service)
    await check_may_change(service, caller, resolved, "/".join(names))
    job_request = JobRequest("delete", resolved, path, _scoped_key(caller, key))
    return job_body(await runner.delete(job_request, names))


@router.post(
    "/v1/sync",
    status_code=202,
    responses=problem_responses(400, 403, 404, 408, 409, 413, 415, 422, 500, 503),
)
async def start_sync(
    body: SyncBody,
    service: ServiceDep,
    caller: CallerDep,
    runner: JobRunnerDep,
    key: IdempotencyKey = None,
) -> JobBody:
    """Update the index to the current corpus."""
    resolved = service.resolve_collection(body.collection, access=caller.access)
    job_request = JobRequest("sync", resolved, None, _scoped_key(caller, key))
    return job_body(await runner.sync(job_request))


@router.get("/v1/jobs/{job_id}", responses=problem_responses(403, 404, 422, 500, 503))
def get_job(job_id: str, service: ServiceDep, caller: CallerDep, runner: JobRunnerDep) -> JobBody:
    """Return the status and progress of a job."""
    job = runner.jobs.get(job_id)
    if job.collection not in service.visible_collections(caller.access):
        raise NotFound("job", job_id)
    return job_body(job, is_restricted=service.is_restricted(caller.access))


def _parse_path(path: str, service: Service) -> tuple[str, ...]:
    suffixes = set(formats_by_suffix(load_formats(service.settings.formats)))
    return parse_path(path, suffixes, allowed_names=service.settings.writable_names)


def _scoped_key(caller: Caller, key: str | None) -> str | None:
    """Returns an idempotency key that cannot equal another caller's."""
    return None if key is None else f"{caller.subject or caller.key_id or ''} {key}"


async def _body(request: Request) -> AsyncIterator[bytes]:
    try:
        async for data in request.stream():
            yield data
    except ClientDisconnect:
        raise ClientDisconnected from None


def job_body(job: Job, *, is_restricted: bool = False) -> JobBody:
    """Returns a job as it is sent; `is_restricted`: to a caller who may not read every article."""
    fields = asdict(job)
    if is_restricted:
        fields["progress"] = None
        fields["report"] = fields["report"] and _own_report(fields["report"], job.path)
    created_at, ended_at = format_utc(fields.pop("created_s")), format_utc(fields.pop("ended_s"))
    return JobBody.model_validate(fields | {"created_at": created_at, "ended_at": ended_at})


def _own_report(report: dict[str, Any], path: str | None) -> dict[str, Any]:
    """Returns a report without counts and other files."""
    own = {
        name: [one for one in report.get(name, ()) if one["path"] == path]
        for name in ("skipped", "notes")
    }
    counts = dict.fromkeys(("added", "changed", "removed", "unchanged", "chunks"))
    return report | own | counts
