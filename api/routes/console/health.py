"""`GET /v1/doctor` checks what answers depend on; `GET /v1/jobs` lists the newest jobs."""

from contextlib import ExitStack, suppress

from fastapi import APIRouter

from index.errors import IndexingError

from ...errors import IndexBuilding
from ...operations.health.doctor import hide_paths, run_checks
from ...wire.console.access import CheckBody, DoctorBody, JobsBody
from ...wire.problem_details import problem_responses
from ..deps import CallerDep, ConsoleDep, ServiceDep, collection_settings
from ..files import CollectionName, job_body

router = APIRouter(tags=["operation"])

MAX_JOBS = 50


@router.get("/v1/doctor", responses=problem_responses(404, 422, 500, 503))
def run_doctor(
    service: ServiceDep, caller: CallerDep, collection: CollectionName = None
) -> DoctorBody:
    """Check the installation, the data folder, the articles, the index and the model's setting.

    Connects to nothing; `footnote doctor --online` also calls the model.
    """
    name = service.resolve_collection(collection, access=caller.access)
    settings = collection_settings(service, name)
    with ExitStack() as stack:
        opened, generation = service.components, None
        with suppress(IndexBuilding, IndexingError):
            generation = stack.enter_context(service.collections[name].lease())
        results = list(run_checks(settings, open_service=(opened, generation) if opened else None))
    checks = [
        CheckBody(check=one.check, ok=one.ok, detail=hide_paths(one.detail, settings))
        for one in results
    ]
    return DoctorBody(ok=all(one.ok is not False for one in checks), checks=checks)


@router.get("/v1/jobs", responses=problem_responses(500, 503))
def list_jobs(service: ServiceDep, caller: CallerDep, console: ConsoleDep) -> JobsBody:
    """List the newest jobs of the collections that the caller may access."""
    visible = service.visible_collections(caller.access)
    jobs = console.jobs.newest(visible, limit=MAX_JOBS)
    return JobsBody(jobs=[job_body(job) for job in jobs])
