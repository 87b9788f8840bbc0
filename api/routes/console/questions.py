"""`GET /v1/questions…`: the questions that are kept, by time and by meaning, and their replay."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from index.corpus import source_id
from index.errors import IndexingError
from index.store.opened import OpenGeneration

from ...errors import IndexBuilding, NotFound, RequestInvalid
from ...operations.console import Console
from ...operations.questions.groups import MAX_IDS, QuestionGroup, group_questions
from ...operations.questions.listing import (
    HOW_TO,
    Chosen,
    chosen_questions,
    count_states,
    question_line,
    to_cases,
    to_csv,
)
from ...security.keys import format_utc
from ...service.access import Access
from ...service.service import Service
from ...state.answer_log import Record, ask_from_record, differences, record_of
from ...state.bounded_table import Row
from ...wire import serializers
from ...wire.console.questions import (
    AskedBody,
    GroupBody,
    GroupsBody,
    QuestionBody,
    QuestionCounts,
    QuestionRecord,
    QuestionsBody,
    RecordedCitation,
    RecordedPassage,
    ReplayBody,
    SentMessage,
    State,
)
from ...wire.problem_details import problem_responses
from ..answers import AnswerId, get_answer
from ..deps import CallerDep, ConsoleDep, ServiceDep
from ..files import CollectionName
from .paging import After, Limit
from .stored import decode_position, download, page, reading_state

router = APIRouter(tags=["questions"])

MAX_GROUPS = 200
Since = Annotated[datetime | None, Query(description="Only those asked since then")]
Rating = Literal["up", "down"]
Text = Annotated[str, Query(max_length=200, description="Only those with this in them")]
_PROBLEMS = problem_responses(404, 422, 500, 503)
_FILE: dict[int | str, dict[str, object]] = {
    200: {
        "description": "A table, or draft cases, a JSON object a line",
        "content": {
            kind: {"schema": {"type": "string"}} for kind in ("text/csv", "application/jsonl")
        },
    },
    **_PROBLEMS,
}


@router.get("/v1/questions", responses=_PROBLEMS)
def list_questions(
    service: ServiceDep,
    caller: CallerDep,
    console: ConsoleDep,
    state: State | None = None,
    rating: Rating | None = None,
    since: Since = None,
    q: Text = "",
    limit: Limit = 50,
    after: After = None,
    collection: CollectionName = None,
) -> QuestionsBody:
    """List the questions that are kept, newest first; without them, only count them."""
    name = service.resolve_collection(collection, access=caller.access)
    position, since_s = decode_position(after), _seconds(since)
    if not service.settings.keeps_questions:
        counts = QuestionCounts(**console.counts.of(name), since=format_utc(console.counts.since_s))
        return QuestionsBody(questions=[], next=None, counts=counts, kept_days=0, how_to=HOW_TO)
    chosen = Chosen(name, state, rating, since_s, q)
    with reading_state():
        rows, following = page(chosen_questions(console.answers, chosen, after=position), limit)
        counted = count_states(chosen_questions(console.answers, Chosen(name, since_s=since_s)))
    return QuestionsBody(
        questions=[QuestionBody.model_validate(question_line(row)) for row in rows],
        next=following,
        counts=QuestionCounts(**counted, since=format_utc(since_s) if since_s else None),
        kept_days=_kept_days(service),
        how_to=None,
    )


def _kept_days(service: Service) -> float | None:
    if not service.settings.keeps_questions:
        return 0
    return service.settings.keep_questions_days or None


def _seconds(since: datetime | None) -> float:
    if since is None:
        return 0.0
    try:
        return max(0.0, (since if since.tzinfo else since.replace(tzinfo=UTC)).timestamp())
    except (OverflowError, ValueError):
        raise RequestInvalid("query.since", "is out of range") from None


@router.get("/v1/questions/groups", responses=_PROBLEMS)
def group_questions_by_meaning(
    service: ServiceDep,
    caller: CallerDep,
    console: ConsoleDep,
    since: Since = None,
    collection: CollectionName = None,
) -> GroupsBody:
    """Group the newest questions by meaning, those that were refused most often first."""
    name = service.resolve_collection(collection, access=caller.access)
    chosen = Chosen(name, since_s=_seconds(since))
    if not service.settings.keeps_questions:
        return GroupsBody(groups=[], kept_days=0)
    with reading_state():
        rows = list(chosen_questions(console.answers, chosen))
    if not rows:
        return GroupsBody(groups=[], kept_days=_kept_days(service))
    with service.lease(name, access=caller.access) as (components, _):
        embedder = components.embedder
        groups = group_questions(
            rows,
            lambda text: embedder.embed_question(text).vector,
            fingerprint=embedder.fingerprint,
            cache=console.vectors,
        )
    return GroupsBody(
        groups=[_group(one) for one in groups[:MAX_GROUPS]], kept_days=_kept_days(service)
    )


def _group(group: QuestionGroup) -> GroupBody:
    return GroupBody(
        question=group.question,
        count=len(group.rows),
        refused=group.count("refused"),
        tentative=group.count("tentative"),
        answered=group.count("answered"),
        rated_down=group.rated_down,
        ids=[row.id for row in islice(group.rows, MAX_IDS)],
        last=format_utc(group.rows[0].stored_s) or "",
    )


@router.get("/v1/questions/export", response_class=Response, responses=_FILE)
def export_questions(
    service: ServiceDep,
    caller: CallerDep,
    console: ConsoleDep,
    format: Literal["csv", "jsonl"] = "csv",
    state: State | None = None,
    rating: Rating | None = None,
    since: Since = None,
    q: Text = "",
    collection: CollectionName = None,
) -> Response:
    """Export the questions as a table, or as draft cases for people to check."""
    name = service.resolve_collection(collection, access=caller.access)
    chosen = Chosen(name, state, rating, _seconds(since), q)
    with reading_state():
        rows = list(chosen_questions(console.answers, chosen))
    if format == "csv":
        return download(to_csv(rows), name="questions.csv", media_type="text/csv")
    lines = to_cases(rows, console.answers)
    return download(lines, name="questions.jsonl", media_type="application/jsonl")


@router.get("/v1/questions/{question_id}", responses=_PROBLEMS)
def get_question(
    question_id: AnswerId, service: ServiceDep, caller: CallerDep, console: ConsoleDep
) -> QuestionRecord:
    """Return all that is kept of a question: its passages with their scores, prompt and answer."""
    row, record = _find(question_id, service, caller.access, console)
    name = row.body["collection"]
    try:
        with service.lease(name, access=caller.access) as (_, generation):
            passages = [_passage(one, name, generation) for one in record["passages"]]
    except (IndexBuilding, IndexingError):  # the record is worth reading without the texts
        passages = [_passage(one, name, None) for one in record["passages"]]
    quotes = record.get("quotes") or [None] * len(record["citations"])
    return QuestionRecord(
        **question_line(row),
        ask=AskedBody.model_validate(record["ask"]),
        standalone_question=record["standalone_question"],
        passages=passages,
        messages=[SentMessage(role=r, content=c) for r, c in record.get("prompt_messages", ())],
        raw=record["raw"],
        answer=record["answer"],
        answerer=record["answerer"],
        model=record["model"],
        degraded=record["degraded"],
        citations=[
            RecordedCitation(source=source, start=start, end=end, quote=quote)
            for (source, start, end), quote in zip(record["citations"], quotes, strict=True)
        ],
        timings_ms=record.get("timings_ms", {}),
        generation=record["generation"],
        versions=record["versions"],
    )


def _find(
    question_id: str, service: Service, access: Access, console: Console
) -> tuple[Row, Record]:
    with reading_state():
        row = console.answers.question(question_id)
        record = console.answers.get(question_id)
    visible = service.visible_collections(access) if service.settings.keeps_questions else ()
    if row is None or record is None or row.body["collection"] not in visible:
        raise NotFound("question", question_id)
    return row, record


def _passage(
    kept: Mapping[str, Any], collection: str, generation: OpenGeneration | None
) -> RecordedPassage:
    """Returns a passage with its text, if its source is still the one that was searched."""
    own_id = source_id(collection, kept["source"])
    source = generation.source(own_id) if generation else None
    is_same = generation and source is not None and source.sha256 == kept["sha256"]
    text = generation.text(own_id)[kept["start"] : kept["end"]] if generation and is_same else None
    fields = {name: kept[name] for name in ("rank", "source", "start", "end", "score", "scores")}
    return RecordedPassage(**fields, source_id=own_id, text=text)


@router.post("/v1/questions/{question_id}/replay", responses=_PROBLEMS)
async def replay_question(
    question_id: AnswerId,
    request: Request,
    service: ServiceDep,
    caller: CallerDep,
    console: ConsoleDep,
) -> ReplayBody:
    """Ask a kept question again, and name what differs; the new answer is not kept."""
    row, record = await asyncio.to_thread(_find, question_id, service, caller.access, console)
    ask = ask_from_record(record)
    lease = service.lease(row.body["collection"], access=caller.access)
    answer = await get_answer(ask, lease, request, service, caller, is_logged=False)
    return ReplayBody(
        answer=serializers.answer(answer, service.links, include_passages=True),
        differences=differences(record, record_of(ask, answer)),
    )
