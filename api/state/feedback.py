"""Readers' feedback on answers, in `state.sqlite3`, deleted after a retention period.

A row holds what the reader sent, question and answer included: answers are not logged by default.
"""

import json
import time
from pathlib import Path
from typing import Any

from .db import connect

RETENTION_DAYS = 180
DAY_S = 86_400

_SCHEMA = """
CREATE TABLE IF NOT EXISTS feedback (
    id INTEGER PRIMARY KEY, answer_id TEXT NOT NULL, given_s REAL NOT NULL, body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS feedback_given ON feedback (given_s);
"""

Json = dict[str, Any]  # Any: the reader's JSON, validated by the route


class FeedbackStore:
    """The feedback of one data folder; methods block and raise sqlite3.Error or OSError."""

    def __init__(self, path: Path, *, retention_days: int = RETENTION_DAYS) -> None:
        self._path, self._retention_s = path, retention_days * DAY_S

    def add(self, answer_id: str, body: Json) -> None:
        """Adds a row and deletes those past the retention period."""
        now = time.time()
        with connect(self._path, _SCHEMA) as db:
            db.execute("DELETE FROM feedback WHERE given_s < ?", (now - self._retention_s,))
            row = (answer_id, now, json.dumps(body))
            db.execute("INSERT INTO feedback (answer_id, given_s, body) VALUES (?, ?, ?)", row)

    def all(self) -> list[Json]:
        """Returns each body with its `answer_id`, newest first."""
        if not self._path.exists():
            return []
        query = "SELECT answer_id, body FROM feedback WHERE given_s >= ? ORDER BY id DESC"
        with connect(self._path, _SCHEMA) as db:
            rows = db.execute(query, (time.time() - self._retention_s,)).fetchall()
        return [{**json.loads(body), "answer_id": answer_id} for answer_id, body in rows]
