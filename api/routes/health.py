"""`/livez`: the process answers. `/readyz`: questions can be asked, and of which generation."""

from fastapi import APIRouter, Request, Response

from ..errors import IndexBuilding, error_info
from ..wire.schemas import Alive, Ready
from .deps import Asking, Given

router = APIRouter(tags=["health"])


@router.get("/livez")
async def livez() -> Alive:
    """Say that the process answers."""
    return Alive()


@router.get("/readyz", responses={503: {"model": Ready, "description": "Not yet"}})
async def readyz(service: Given, caller: Asking, request: Request, response: Response) -> Ready:
    """Say whether questions can be asked; 503 until a generation serves. A key brings details."""
    ready = service.readiness(caller.collections)
    if "read" not in caller.scopes:
        ready = Ready(status=ready.status, generation=ready.generation, complete=ready.complete)
    ready.version = request.app.version
    if ready.status != "ready":
        response.status_code = error_info(IndexBuilding()).status
    return ready
