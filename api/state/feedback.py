"""What readers thought of answers, in `state.sqlite3`, until its days are over.

A row holds what the reader sent, question and answer too: answers are not kept by default.
"""

import json
import time
from pathlib import Path
from typing import Any

from .db import opened

_SCHEMA = """
CREATE TABLE IF NOT EXISTS feedback (
    id INTEGER PRIMARY KEY, answer_id TEXT NOT NULL, given_s REAL NOT NULL, body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS feedback_given ON feedback (given_s);
"""
DAY_S = 86_400

Json = dict[str, Any]  # Any: what the reader sent, checked at the wire


class Feedback:
    """The feedback of one data folder; none of it older than `days`."""

    def __init__(self, path: Path, *, days: int) -> None:
        self._path, self._days = path, days

    def keep(self, answer_id: str, body: Json) -> None:
        """Adds what a reader sent, and forgets what is too old; blocks. Raises sqlite3.Error."""
        now = time.time()
        with opened(self._path, _SCHEMA) as base:
            base.execute("DELETE FROM feedback WHERE given_s < ?", (self._oldest(now),))
            row = (answer_id, now, json.dumps(body))
            base.execute("INSERT INTO feedback (answer_id, given_s, body) VALUES (?, ?, ?)", row)

    def all(self) -> list[Json]:
        """Returns all of it with `answer_id`, the newest first; blocks."""
        if not self._path.exists():
            return []
        query = "SELECT answer_id, body FROM feedback WHERE given_s >= ? ORDER BY id DESC"
        with opened(self._path, _SCHEMA) as base:
            rows = base.execute(query, (self._oldest(time.time()),)).fetchall()
        return [{**json.loads(body), "answer_id": answer_id} for answer_id, body in rows]

    def _oldest(self, now_s: float) -> float:
        return now_s - self._days * DAY_S
