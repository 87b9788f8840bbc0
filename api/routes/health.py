"""`/livez` (the process responds), `/readyz` (it can answer questions), `/metrics` (Prometheus)."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from ..errors import IndexBuilding, error_info
from ..telemetry.metrics import MEDIA_TYPE
from ..wire.schemas import Alive, Ready
from .deps import CallerDep, MetricsDep, ServiceDep

router = APIRouter(tags=["health"])


@router.get("/livez")
async def livez() -> Alive:
    """Respond while the process runs."""
    return Alive()


@router.get(
    "/readyz", response_model=Ready, responses={503: {"model": Ready, "description": "Not ready"}}
)
async def readyz(
    service: ServiceDep, caller: CallerDep, request: Request, response: Response
) -> Ready | Response:
    """Return the readiness; 503 until a generation serves. Details need a key and an allowed Host.

    Under another Host only the status is returned: a foreign page whose name resolves to this
    address could read the rest.
    """
    ready = service.readiness(caller.access)
    status_code = 200 if ready.status == "ready" else error_info(IndexBuilding()).status
    if not request.state.is_known_host:
        return JSONResponse({"status": ready.status}, status_code)
    if "read" not in caller.scopes:
        ready = Ready(
            status=ready.status,
            generation=ready.generation,
            complete=ready.complete,
            behind_s=ready.behind_s,
        )
    ready.version = request.app.version
    ready.state = "readable" if request.app.state.security.keys.is_readable else "unreadable"
    sign_in = request.app.state.sign_in
    ready.sign_in = "sign-in" if sign_in is not None and sign_in.has_provider else None
    response.status_code = status_code
    return ready


@router.get("/metrics", include_in_schema=False)
def metrics(recorded: MetricsDep, service: ServiceDep) -> Response:
    """Return the metrics of all workers, for keys with the scope `admin`; runs in a thread."""
    recorded.sample(service)
    return Response(recorded.render(), media_type=MEDIA_TYPE)
