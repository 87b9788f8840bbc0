"""The answer log: what each answer was made from, so that it can be replayed.

Off unless `keep_answers` or `keep_questions_days` is set: a record holds the question, the
conversation and the passages' offsets. Feedback takes the words of question and answer from it
where it has them. Beside each record is a row of a few words, from which questions are listed.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from datetime import date
from importlib.metadata import version

from index.types import Filters
from rag.model.prompt import PROMPT_SHA256, PROMPT_VERSION
from rag.retrieval.weights import fitted_weights
from rag.types import Answer, Ask, Hit, Turn

from .bounded_table import BoundedTable, Json, Limits, Row
from .db import Database

LIBRARIES = ("footnote", "chromadb", "tantivy", "onnxruntime", "openai", "llama-index-core")
"""Libraries that can change an answer; a record holds their versions."""

LIMITS = Limits(max_rows=50_000, max_bytes=200_000_000)
"""At 200 MB or 50,000 answers, the oldest of the sender with the most are deleted."""

_OLD_COLUMNS = ("id", "CAST(strftime('%s', kept_at) AS REAL)", "record")
_OWN = {"id", "timings_ms", "prompt_messages"}
_DATE_FILTERS = ("since", "until")

Record = Json


class AnswerLog:
    """The logged answers of one service; methods block and raise StateUnreadable."""

    def __init__(
        self, database: Database, *, limits: Limits = LIMITS, max_age_s: float | None = None
    ) -> None:
        """Opens nothing yet."""
        limits = replace(limits, max_age_s=max_age_s)
        self._table = BoundedTable(database, "answers", limits, old_columns=_OLD_COLUMNS)
        self._questions = BoundedTable(database, "questions", limits, old_columns=_OLD_COLUMNS)

    def add(self, ask: Ask, answer: Answer, *, sender: str) -> None:
        """Adds the record of an answer, which counts towards the sender's share of the log."""
        record = record_of(ask, answer) | {"prompt_messages": answer.prompt}
        record |= {"timings_ms": {name: round(ms, 1) for name, ms in answer.timings_ms.items()}}
        self._table.put(answer.id, record, sender=sender)
        self._questions.put(answer.id, _question_row(ask, answer), sender=sender)

    def copy_to(self, target: Database) -> int:
        """Returns how many records were copied to another database."""
        self._questions.copy_to(target)
        return self._table.copy_to(target)

    def get(self, answer_id: str) -> Record | None:
        """Returns the record of an answer; None where it was not logged."""
        return self._table.get(answer_id)

    def questions(self, *, after: tuple[float, str] | None = None) -> Iterator[Row]:
        """Yields what is listed of each question, newest first."""
        return self._questions.newest(after=after)

    def question(self, answer_id: str) -> Row | None:
        """Returns what is listed of one question; None where it was not logged."""
        return self._questions.row(answer_id)

    def rate(self, answer_id: str, rating: str | None) -> None:
        """Sets the rating of a logged question; None where it has none any more."""
        self._questions.change(answer_id, {"rating": rating})

    def delete_expired(self) -> None:
        """Deletes what is older than the log keeps."""
        for table in (self._table, self._questions):
            table.delete_expired()


def _question_row(ask: Ask, answer: Answer) -> Record:
    """Returns what is listed of a question."""
    state = "tentative" if answer.tentative else "answered"
    return {
        "question": ask.question,
        "kind": answer.kind,
        "state": state if answer.answered else "refused",
        "reason": answer.reason,
        "confidence": round(answer.confidence, 4),
        "rating": None,
        "latency_ms": round(answer.timings_ms.get("total", 0.0), 1),
        "collection": answer.index.collection,
        "language": answer.language,
    }


def record_of(ask: Ask, answer: Answer) -> Record:
    """Returns what the answer was made from, as JSON."""
    return {
        "id": answer.id,
        "ask": _ask_record(ask),
        "standalone_question": answer.standalone_question,
        "passages": [_passage_record(hit) for hit in answer.passages],
        "answerer": answer.answerer,
        "model": answer.model,
        "degraded": answer.degraded,
        "prompt": {"version": PROMPT_VERSION, "sha256": PROMPT_SHA256},
        "raw": answer.raw,
        "dropped_markers": answer.dropped_markers,
        "answer": answer.answer,
        "reason": answer.reason,
        "confidence": round(answer.confidence, 4),
        "citations": [[cited.source, cited.start, cited.end] for cited in answer.citations],
        "quotes": [cited.quote for cited in answer.citations],
        "generation": f"{answer.index.collection}/{answer.index.generation}",
        "versions": {name: version(name) for name in LIBRARIES},
        "weights": fitted_weights().fit_date,
    }


def _ask_record(ask: Ask) -> Record:
    """Returns the question as it reads back from JSON: tuples are lists, dates ISO strings."""
    fields = asdict(ask)
    for name in _DATE_FILTERS:
        day = fields["filters"][name]
        fields["filters"][name] = day and day.isoformat()
    record: Record = json.loads(json.dumps(fields))
    return record


def _passage_record(hit: Hit) -> Record:
    return {
        "rank": hit.rank,
        "source": hit.source.path,
        "sha256": hit.source.sha256,
        "start": hit.chunk.start,
        "end": hit.chunk.end,
        "score": round(hit.score, 4),
        "scores": {name: round(score, 4) for name, score in asdict(hit.scores).items()},
    }


def ask_from_record(record: Record) -> Ask:
    """Returns the question of a record, to ask it again."""
    ask, filters = record["ask"], record["ask"]["filters"]
    history = tuple(Turn(turn["role"], turn["content"]) for turn in ask["history"])
    days = [filters[name] and date.fromisoformat(filters[name]) for name in _DATE_FILTERS]
    chosen = Filters(tuple(filters["sources"]), tuple(filters["tags"]), *days)
    return Ask(ask["question"], history, ask["top_k"], chosen)


def differences(before: Record, after: Record) -> list[str]:
    """Returns the names of the fields that differ, in the record's order.

    What is of one answer only is ignored: its id, its times, and the prompt with its random fence.
    """
    compared = [name for name in before if name not in _OWN]
    changed = [name for name in compared if before[name] != after.get(name)]
    return [field for name in changed for field in _paths(name, before[name], after.get(name))]


def _paths(name: str, before: object, after: object) -> list[str]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return [f"{name}.{key}" for key in before if before[key] != after.get(key)]
    return [name]
