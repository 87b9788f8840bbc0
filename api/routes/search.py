"""`POST /v1/search`: words in, the nearest passages out."""

from fastapi import APIRouter

from ..wire import serializers
from ..wire.problem_details import problem_responses
from ..wire.schemas import HitsBody, SearchBody
from .deps import Asking, Given, validate_question

router = APIRouter(tags=["search"])


@router.post("/v1/search", responses=problem_responses(400, 404, 408, 413, 415, 422, 500, 503))
def search(
    body: SearchBody, service: Given, caller: Asking
) -> HitsBody:  # blocks: FastAPI gives it a thread
    """Find the nearest passages, best first."""
    query = validate_question("body.query", body.query, service)
    with service.lease(body.collection, seen=caller.collections) as (parts, generation):
        hits = parts.pipeline.search(
            generation, query, top_k=body.top_k, filters=body.filters.inside()
        )
        return HitsBody(
            hits=[serializers.passage(hit, service.links) for hit in hits],
            index=serializers.index(generation.info),
        )
