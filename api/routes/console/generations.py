"""`GET /v1/generations` lists what is published; `POST …/rollback` goes back to the older."""

from dataclasses import asdict

from fastapi import APIRouter

from ...errors import RequestError
from ...operations.console import Console
from ...operations.generation_list import go_back, list_generations
from ...service.service import Service
from ...wire.console.generations import GenerationBody, GenerationsBody, RolledBack
from ...wire.problem_details import problem_responses
from ..deps import CallerDep, ConsoleDep, ServiceDep, collection_settings
from ..files import CollectionName

router = APIRouter(tags=["operation"])


@router.get("/v1/generations", responses=problem_responses(404, 422, 500, 503))
def list_index_generations(
    service: ServiceDep,
    caller: CallerDep,
    console: ConsoleDep,
    collection: CollectionName = None,
) -> GenerationsBody:
    """List the generations of a collection that can serve, the serving one first."""
    name = service.resolve_collection(collection, access=caller.access)
    generations = list_generations(collection_settings(service, name).collection_folder)
    return GenerationsBody(
        generations=[GenerationBody(**asdict(one)) for one in generations],
        building=_progress(service, console, name),
    )


def _progress(service: Service, console: Console, name: str) -> dict[str, object] | None:
    sync = service.collections[name].sync
    if sync.is_running:
        return sync.progress or {"event": "starting"}
    jobs = console.jobs.newest([name], limit=50)
    running = (job.progress or {"event": "starting"} for job in jobs if job.status == "running")
    return next(running, None)


@router.post("/v1/generations/rollback", responses=problem_responses(403, 404, 409, 422, 500, 503))
def roll_back_generation(
    service: ServiceDep, caller: CallerDep, collection: CollectionName = None
) -> RolledBack:
    """Serve the older generation again, within a second; a second rollback undoes the first.

    The next sync updates it from its folder.
    """
    name = service.resolve_collection(collection, access=caller.access)
    settings = collection_settings(service, name)
    if settings.role == "replica":
        raise RequestError("forbidden", "a replica serves what is shared; roll back where it syncs")
    folder = settings.collection_folder
    return RolledBack(generation=go_back(folder, name, shared=settings.shared))
