"""`GET /metrics`: figures for Prometheus, for holders of a key with `admin`."""

from fastapi import APIRouter, Request, Response

from ..telemetry.metrics import MEDIA_TYPE, Metrics
from .deps import Given

router = APIRouter(include_in_schema=False)


@router.get("/metrics")
def metrics(request: Request, service: Given) -> Response:
    """Give the figures of all workers; FastAPI runs this in a thread."""
    kept = request.app.state.metrics
    assert isinstance(kept, Metrics)
    kept.look(service)
    return Response(kept.page(), media_type=MEDIA_TYPE)
