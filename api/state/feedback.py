"""Readers' feedback on answers, deleted after a retention period.

A row says whose words its question and answer are: this service's own where the answer was logged,
else what the reader sent, which may be anything. It also says who gave it.
"""

import json
from collections.abc import Iterator

from ..errors import BodyTooLarge
from .answer_log import AnswerLog
from .bounded_table import BoundedTable, Json, Limits, Row
from .db import Database

DAY_S = 86_400
LIMITS = Limits(max_rows=20_000, max_bytes=50_000_000, max_age_s=180 * DAY_S)
"""At 50 MB or 20,000 ratings, the oldest of the sender with the most are deleted."""
MAX_BODY_BYTES = 64_000
"""Maximum size of one rating; larger ones are refused."""

_OLD_COLUMNS = ("answer_id", "given_s", "body")


class FeedbackStore:
    """The feedback that one service was given; methods block and raise StateUnreadable."""

    def __init__(self, database: Database, answers: AnswerLog, *, limits: Limits = LIMITS) -> None:
        """Opens nothing yet; `answers` has the words of answers that were logged."""
        self._answers = answers
        self._table = BoundedTable(database, "feedback", limits, old_columns=_OLD_COLUMNS)

    def add(self, answer_id: str, body: Json, *, by: str, collection: str, sender: str) -> None:
        """Stores the feedback on an answer, in place of earlier feedback on it.

        `by` says who gave it, `sender` whose share of the table it takes. Raises BodyTooLarge.
        """
        if len(json.dumps(body, ensure_ascii=False).encode()) > MAX_BODY_BYTES:
            raise BodyTooLarge(MAX_BODY_BYTES)
        own = self._own_words(answer_id)
        marks = {"by": by, "collection": collection, "words": "service" if own else "client"}
        self._table.put(answer_id, {**body, **own, **marks}, sender=sender)
        self._answers.rate(answer_id, body.get("rating"))

    def copy_to(self, target: Database) -> int:
        """Returns how many ratings were copied to another database."""
        return self._table.copy_to(target)

    def all(self) -> list[Json]:
        """Returns each body with its `answer_id`, newest first."""
        return [{**body, "answer_id": answer_id} for answer_id, body in self._table.all()]

    def newest(self, *, after: tuple[float, str] | None = None) -> Iterator[Row]:
        """Yields the ratings, newest first, each by the id of its answer."""
        return self._table.newest(after=after)

    def get(self, answer_id: str) -> Row | None:
        """Returns the rating of an answer; None where there is none."""
        return self._table.row(answer_id)

    def delete(self, answer_id: str) -> bool:
        """Deletes the rating of an answer; returns whether there was one."""
        self._answers.rate(answer_id, None)
        return self._table.delete(answer_id)

    def _own_words(self, answer_id: str) -> Json:
        """Returns the question, answer and quotes as they were; empty where they were not kept."""
        record = self._answers.get(answer_id)
        if record is None or "quotes" not in record:
            return {}
        sources = (source for source, _, _ in record["citations"])
        cited = zip(sources, record["quotes"], strict=True)
        return {
            "question": record["ask"]["question"],
            "answer": record["answer"],
            "citations": [{"source": source, "quote": quote} for source, quote in cited],
        }
