"""The logged questions: listed, counted, and exported as a table or as drafts of cases."""

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import takewhile

from ...errors import StateUnreadable
from ...security.keys import format_utc
from ...state.answer_log import AnswerLog
from ...state.bounded_table import Json, Row

CLEAN_INTERVAL_S = 3_600.0
"""How often what has expired is deleted, also while nobody asks anything."""
COLUMNS = (
    *("time", "id", "question", "kind", "state", "reason", "confidence", "rating", "latency_ms"),
    *("collection", "language"),
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
HOW_TO = (
    "Questions are not kept. Set FOOTNOTE_KEEP_QUESTIONS_DAYS=30 (or keep_questions_days = 30 in "
    "footnote.toml) and restart the service to see them here for 30 days."
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which questions are wanted; None and empty restrict nothing."""

    collection: str
    state: str | None = None
    rating: str | None = None
    since_s: float = 0.0
    text: str = ""

    def matches(self, row: Row) -> bool:
        """Returns whether a question is wanted, its time aside."""
        body = row.body
        return (
            body["collection"] == self.collection
            and self.state in (None, body["state"])
            and self.rating in (None, body["rating"])
            and self.text.casefold() in body["question"].casefold()
        )


def chosen_questions(
    log: AnswerLog, chosen: Chosen, *, after: tuple[float, str] | None = None
) -> Iterator[Row]:
    """Yields the chosen questions, newest first."""
    recent = takewhile(lambda row: row.stored_s >= chosen.since_s, log.questions(after=after))
    return filter(chosen.matches, recent)


def count_states(rows: Iterable[Row]) -> dict[str, int]:
    """Returns how many questions were answered, refused and answered tentatively, and all."""
    counts = {"answered": 0, "refused": 0, "tentative": 0, "total": 0}
    for row in rows:
        counts[row.body["state"]] += 1
        counts["total"] += 1
    return counts


def question_line(row: Row) -> Json:
    """Returns a question as it is listed."""
    return {"id": row.id, "time": format_utc(row.stored_s), **row.body}


def to_csv(rows: Iterable[Row]) -> Iterator[str]:
    """Yields the lines of a table; no cell is taken for a formula."""
    yield _csv_line(COLUMNS)
    for row in rows:
        line = question_line(row)
        yield _csv_line([_cell(line[name]) for name in COLUMNS])


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def _csv_line(cells: Iterable[str]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()


def to_cases(rows: Iterable[Row], log: AnswerLog) -> Iterator[str]:
    """Yields JSON lines of draft cases, with what was answered as their gold, for people to check.

    A question that was not answered becomes one that has no answer.
    """
    for row in rows:
        record = log.get(row.id)
        if record is not None and (case := _draft(row, record)):
            yield json.dumps(case, ensure_ascii=False) + "\n"


def _draft(row: Row, record: Json) -> Json | None:
    is_answered = row.body["state"] != "refused"
    quotes = record.get("quotes") or []
    cited = zip((source for source, _, _ in record["citations"]), quotes, strict=False)
    evidence = (
        [{"source": source, "quote": quote} for source, quote in cited] if is_answered else []
    )
    if is_answered and not evidence:  # a greeting, the catalogue
        return None
    return {
        "id": row.id,
        "question": row.body["question"],
        "answers": [],
        "evidence": evidence,
        "answerable": is_answered,
        "tags": [
            "draft",
            row.body["state"],
            *([f"rated {r}"] if (r := row.body["rating"]) else []),
        ],
        "draft": True,
        **({"history": record["ask"]["history"]} if record["ask"]["history"] else {}),
    }


@asynccontextmanager
async def cleaning(log: AnswerLog) -> AsyncIterator[None]:
    """Deletes what has expired, at once and every hour, while the block runs."""

    async def clean_forever() -> None:
        while True:
            with suppress(StateUnreadable):  # the next answer reports what is wrong
                await asyncio.to_thread(log.delete_expired)
            await asyncio.sleep(CLEAN_INTERVAL_S)

    task = asyncio.create_task(clean_forever())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
