"""`GET /v1/feedback…`: what readers said of answers, and the evaluation cases made of it."""

from typing import Literal

from fastapi import APIRouter, Response

from ...errors import NotFound, RequestInvalid
from ...operations.console import Console
from ...operations.quality.cases import (
    CaseFile,
    case_line,
    feedback_cases,
    feedback_entry,
    ratings_of,
)
from ...service.access import ALL, Access
from ...service.service import Service
from ...state.bounded_table import Json, Row
from ...wire.console.feedback import (
    CaseAsked,
    CaseBody,
    CaseMade,
    CasesBody,
    FeedbackEntry,
    FeedbackListBody,
)
from ...wire.problem_details import problem_responses
from ..answers import AnswerId
from ..deps import CallerDep, ConsoleDep, ServiceDep
from ..files import CollectionName
from .paging import After, Limit
from .stored import decode_position, download, page, reading_state

router = APIRouter(tags=["feedback"])

_PROBLEMS = problem_responses(404, 422, 500, 503)
_CASE_LINES: dict[int | str, dict[str, object]] = {
    200: {
        "description": "Evaluation cases, a JSON object a line",
        "content": {"application/jsonl": {"schema": {"type": "string"}}},
    },
    **_PROBLEMS,
}


@router.get("/v1/feedback", responses=_PROBLEMS)
def list_feedback(
    service: ServiceDep,
    caller: CallerDep,
    console: ConsoleDep,
    rating: Literal["up", "down"] | None = None,
    limit: Limit = 50,
    after: After = None,
    collection: CollectionName = None,
) -> FeedbackListBody:
    """List the readers' feedback, newest first, each beside the question and its answer."""
    name = service.resolve_collection(collection, access=caller.access)
    position = decode_position(after)
    with reading_state():
        ratings = ratings_of(console.feedback, name, after=position)
        rows, following = page((r for r in ratings if rating in (None, r.body["rating"])), limit)
        accepted = {case.id for case in case_file(service, name).all()}
    return FeedbackListBody(
        feedback=[FeedbackEntry.model_validate(feedback_entry(row, accepted)) for row in rows],
        next=following,
    )


def case_file(service: Service, name: str) -> CaseFile:
    """Returns the file of a collection's accepted cases."""
    return CaseFile(service.settings.data_dir, name)


@router.get("/v1/feedback/export", response_class=Response, responses=_CASE_LINES)
def export_feedback(
    service: ServiceDep, caller: CallerDep, console: ConsoleDep, collection: CollectionName = None
) -> Response:
    """Export the accepted cases, and those of feedback that says what is right."""
    name = service.resolve_collection(collection, access=caller.access)
    with reading_state():
        imported = feedback_cases(
            ratings_of(console.feedback, name), case_file(service, name).all()
        )
    lines = (f"{case.to_line()}\n" for case in imported.cases)
    return download(lines, name="feedback.jsonl", media_type="application/jsonl")


@router.post(
    "/v1/feedback/{answer_id}/case",
    responses=problem_responses(400, 404, 408, 413, 415, 422, 500, 503),
)
def accept_feedback(
    answer_id: AnswerId,
    body: CaseAsked,
    service: ServiceDep,
    caller: CallerDep,
    console: ConsoleDep,
) -> CaseMade:
    """Make an evaluation case of feedback, with the right answer; a second one replaces it.

    Quotes must stand verbatim in their sources.
    """
    with reading_state():
        row = _find(answer_id, service, caller.access, console)
        name = row.body.get("collection", "default")
        question = body.question or row.body.get("question")
        if not question:
            cause = "is needed, as neither the reader's program sent it nor this service kept it"
            raise RequestInvalid("body.question", cause)
        evidence = [quoted.model_dump() for quoted in body.evidence]
        _check_quotes(evidence, service, name)
        case = case_file(service, name).put(
            case_line(
                row,
                question=question,
                answer=body.answer,
                evidence=evidence,
                answerable=body.answerable,
            )
        )
    return CaseMade(case=CaseBody.model_validate(case, from_attributes=True))


def _check_quotes(evidence: list[Json], service: Service, name: str) -> None:
    """Raises RequestInvalid for a quote that does not stand in the source it names."""
    if not evidence:
        return
    from index.corpus import source_id

    with service.lease(name, access=ALL) as (_, generation):
        for number, quoted in enumerate(evidence):
            source = generation.source(source_id(name, quoted["source"]))
            if source is None:
                raise RequestInvalid(f"body.evidence.{number}.source", "is not in the index")
            if quoted["quote"] not in generation.text(source.id) or not quoted["quote"].strip():
                raise RequestInvalid(f"body.evidence.{number}.quote", "is not in that source")


@router.delete(
    "/v1/feedback/{answer_id}", status_code=204, response_class=Response, responses=_PROBLEMS
)
def delete_feedback(
    answer_id: AnswerId, service: ServiceDep, caller: CallerDep, console: ConsoleDep
) -> None:
    """Delete feedback for good; a case that was made of it stays."""
    with reading_state():
        row = _find(answer_id, service, caller.access, console)
        console.feedback.delete(row.id)


def _find(answer_id: str, service: Service, access: Access, console: Console) -> Row:
    row = console.feedback.get(answer_id)
    visible = service.visible_collections(access)
    if row is None or row.body.get("collection", "default") not in visible:
        raise NotFound("feedback", answer_id)
    return row


@router.get("/v1/cases", responses=_PROBLEMS)
def count_cases(
    service: ServiceDep, caller: CallerDep, collection: CollectionName = None
) -> CasesBody:
    """Say how many evaluation cases are kept for a collection, and in which file."""
    name = service.resolve_collection(collection, access=caller.access)
    file = case_file(service, name)
    with reading_state():
        return CasesBody(cases=len(file.all()), file=file.name)
