"""`POST /v1/answers/{answer_id}/feedback`: what a reader thought of an answer."""

import sqlite3
from typing import Annotated

from fastapi import APIRouter, Path, Response

from .. import bootstrap as wiring
from ..errors import StateUnreadable
from ..wire.problem_details import problem_responses
from ..wire.schemas import FeedbackBody
from .deps import Given

router = APIRouter(tags=["answers"])

AnswerId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="As in the answer")]


@router.post(
    "/v1/answers/{answer_id}/feedback",
    status_code=204,
    response_class=Response,
    responses=problem_responses(408, 413, 415, 422, 500, 503),
)
def feedback(answer_id: AnswerId, body: FeedbackBody, service: Given) -> None:
    """Keep what a reader thought of an answer, with the question and answer if they are sent."""
    try:
        wiring.feedback(service.settings).keep(answer_id, body.model_dump(exclude_none=True))
    except (sqlite3.Error, OSError) as error:
        raise StateUnreadable(str(error)) from error
