"""`/v1/evaluations`: how right the answers are, by cases with known answers."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import HTMLResponse

from rag.evaluation.errors import EvaluationError
from rag.evaluation.metrics.score import FAILURES, ScoredSample

from ...errors import NotFound, RequestInvalid
from ...operations.quality.runner import require_extra
from ...operations.quality.store import Evaluation, EvaluationStore
from ...service.access import Access
from ...service.service import Service
from ...wire.console.evaluations import (
    CaseResult,
    ChangedMetric,
    ComparisonBody,
    EvaluationAsked,
    EvaluationBody,
    EvaluationDetail,
    EvaluationMade,
    EvaluationsBody,
    FlippedCase,
    MetricValue,
)
from ...wire.problem_details import problem_responses
from ...wire.schemas import Quoted
from ..deps import CallerDep, ConsoleDep, ServiceDep
from ..files import CollectionName
from .stored import reading_state

router = APIRouter(tags=["quality"])

_ID_PATTERN = r"^\d{8}-\d{6}-[0-9a-f]{6}$"
EvaluationId = Annotated[str, Path(pattern=_ID_PATTERN, description="The `id` of the evaluation")]
OtherId = Annotated[str, Query(pattern=_ID_PATTERN, description="The `id` of an evaluation")]
_PROBLEMS = problem_responses(404, 422, 500, 503)
REPORT_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'; sandbox"
    ),
    "cache-control": "no-store",
}


@router.get("/v1/evaluations", responses=_PROBLEMS)
def list_evaluations(
    service: ServiceDep, caller: CallerDep, collection: CollectionName = None
) -> EvaluationsBody:
    """List the evaluations of a collection, the newest first."""
    store = _store(service, caller.access, collection)
    with reading_state():
        return EvaluationsBody(evaluations=[_body(one, store) for one in store.all()])


def _store(service: Service, access: Access, collection: str | None) -> EvaluationStore:
    name = service.resolve_collection(collection, access=access)
    return EvaluationStore(service.settings.data_dir, name)


def _body(evaluation: Evaluation, store: EvaluationStore) -> EvaluationBody:
    summary = store.summary(evaluation.id) if evaluation.status == "done" else None
    metrics = summary["metrics"] if summary else {}
    values = {name: MetricValue.model_validate(metric) for name, metric in metrics.items()}
    return EvaluationBody.model_validate(asdict(evaluation) | {"metrics": values})


@router.post(
    "/v1/evaluations",
    status_code=202,
    responses=problem_responses(400, 404, 408, 409, 413, 415, 422, 500, 501, 503),
)
async def start_evaluation(
    body: EvaluationAsked, service: ServiceDep, caller: CallerDep, console: ConsoleDep
) -> EvaluationMade:
    """Ask every case and score the answers, in the background; one at a time.

    Its questions take their turn among those of readers.
    """
    name = service.resolve_collection(body.collection, access=caller.access)
    store = EvaluationStore(service.settings.data_dir, name)
    with reading_state():
        evaluation = await console.evaluations.start(
            service, store, collection=name, label=body.label, case_set=body.cases
        )
    return EvaluationMade(id=evaluation.id)


@router.get("/v1/evaluations/compare", responses=problem_responses(404, 422, 500, 501, 503))
def compare_evaluations(
    before: OtherId,
    after: OtherId,
    service: ServiceDep,
    caller: CallerDep,
    collection: CollectionName = None,
) -> ComparisonBody:
    """Compare two evaluations case by case: what changed, how surely, what was fixed and broken."""
    from rag.evaluation.compare import compare_runs

    require_extra()
    store = _store(service, caller.access, collection)
    with reading_state():
        scored = [_scored(store, one) for one in (before, after)]
    try:
        comparison = compare_runs(*scored, common=True)
    except EvaluationError as error:
        raise RequestInvalid("query.after", str(error)) from error
    return ComparisonBody(
        metrics=[
            ChangedMetric(
                metric=one.metric,
                before=one.before,
                after=one.after,
                difference=one.delta,
                low=one.interval.low,
                high=one.interval.high,
                p=one.p_holm,
                is_significant=one.is_significant,
                n=one.n,
            )
            for one in comparison.changes
        ],
        **{
            name: [FlippedCase(**asdict(flip)) for flip in getattr(comparison, name)]
            for name in ("fixed", "broken", "still_broken")
        },
        left_out=comparison.left_out,
    )


def _scored(store: EvaluationStore, evaluation_id: str) -> tuple[ScoredSample, ...]:
    """Returns the cases that were asked with their scores; raises NotFound."""
    from rag.evaluation.summary import score_run

    store.get(evaluation_id)
    try:
        return score_run(store.run(evaluation_id))
    except EvaluationError:  # nothing was asked yet, or its files were altered
        return ()


@router.get("/v1/evaluations/{evaluation_id}", responses=_PROBLEMS)
def get_evaluation(
    evaluation_id: EvaluationId,
    service: ServiceDep,
    caller: CallerDep,
    collection: CollectionName = None,
) -> EvaluationDetail:
    """Return an evaluation with its cases, those that failed first."""
    store = _store(service, caller.access, collection)
    order = [*FAILURES, None]
    with reading_state():
        body = _body(store.get(evaluation_id), store)
        scored = sorted(_scored(store, evaluation_id), key=lambda one: order.index(one.failure))
    return EvaluationDetail(**body.model_dump(), results=[_result(one) for one in scored])


def _result(scored: ScoredSample) -> CaseResult:
    sample, response = scored.sample, scored.sample.response
    return CaseResult(
        id=sample.case.id,
        question=sample.case.question,
        expected=list(sample.case.answers),
        answerable=sample.case.answerable,
        answer=response.answer if response else None,
        answered=sample.answered,
        tentative=response.tentative if response else False,
        failure=scored.failure,
        error=sample.error,
        citations=[Quoted(source=one.source, quote=one.quote) for one in sample.citations],
    )


@router.get(
    "/v1/evaluations/{evaluation_id}/report",
    response_class=HTMLResponse,
    responses=_PROBLEMS,
)
def get_evaluation_report(
    evaluation_id: EvaluationId,
    service: ServiceDep,
    caller: CallerDep,
    collection: CollectionName = None,
) -> Response:
    """Return the report of a finished evaluation: one page, without scripts."""
    store = _store(service, caller.access, collection)
    with reading_state():
        store.get(evaluation_id)
        try:
            page = (store.run_folder(evaluation_id) / "report.html").read_text("utf-8")
        except FileNotFoundError:
            raise NotFound("evaluation", evaluation_id) from None
    return HTMLResponse(page, headers=REPORT_HEADERS)
