"""The evaluation cases that people accepted from feedback: one file of JSON lines a collection."""

import json
from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import Any

from rag.evaluation.cases import Case, parse_cases
from rag.evaluation.importing import Imported, import_feedback
from rag.evaluation.run import write_atomic

from ...errors import RequestInvalid
from ...security.keys import format_utc
from ...state.bounded_table import Json, Row
from ...state.feedback import FeedbackStore

MAX_CASES = 5_000
LOCK_TIMEOUT_S = 10.0
ACCEPTED = "accepted"
"""Tag of a case whose right answer somebody typed in, or confirmed."""


class CaseFile:
    """The cases of one collection; methods block and raise OSError."""

    def __init__(self, data_dir: Path, collection: str) -> None:
        """Opens nothing yet."""
        self.name = f"cases/{collection}.jsonl"
        """The path within the data folder."""
        self.path = data_dir.absolute() / self.name

    def all(self) -> list[Case]:
        """Returns the cases in order; malformed lines are left out."""
        try:
            return parse_cases(self.path.read_text("utf-8-sig"))[0]
        except FileNotFoundError:
            return []
        except UnicodeDecodeError as error:
            raise OSError(f"{self.name} is not UTF-8") from error

    def put(self, line: Json) -> Case:
        """Adds a case, in place of one with the same id; raises RequestInvalid if it is none."""
        from filelock import FileLock

        try:
            case = Case.from_json(line)
        except ValueError as error:
            raise RequestInvalid("body", str(error)) from error
        self.path.parent.mkdir(0o700, parents=True, exist_ok=True)
        with FileLock(f"{self.path}.lock", timeout=LOCK_TIMEOUT_S):
            cases = [one for one in self.all() if one.id != case.id]
            if len(cases) >= MAX_CASES:
                cause = f"{self.name} has {len(cases):,} cases, as many as it may"
                raise RequestInvalid("body", cause)
            lines = [json.dumps(one.to_json(), ensure_ascii=False) for one in (*cases, case)]
            write_atomic(self.path, "\n".join(lines) + "\n")
        return case


def case_line(
    row: Row, *, answer: str, evidence: list[Json], answerable: bool, question: str
) -> Json:
    """Returns the case of a rating, with the right answer that somebody gave."""
    words = "service" if row.body.get("words") == "service" else "client"
    return {
        "id": row.id,
        "question": question,
        "answers": [answer] if answerable and answer.strip() else [],
        "evidence": evidence if answerable else [],
        "answerable": answerable,
        "tags": [ACCEPTED],
        "trust": {"question": words, "gold": "operator", "by": row.body.get("by") or "unknown"},
    }


def ratings_of(store: FeedbackStore, collection: str, **position: Any) -> Iterator[Row]:
    """Yields the ratings of answers from a collection, newest first; `position`: `after`."""
    rows = store.newest(**position)
    return (row for row in rows if row.body.get("collection", "default") == collection)


def feedback_entry(row: Row, accepted: Container[str]) -> Json:
    """Returns a rating as it is listed; `accepted` are the ids of cases."""
    body = row.body
    optional = ("comment", "correct_answer", "question", "answer")
    return {
        "answer_id": row.id,
        "time": format_utc(row.stored_s),
        "rating": "up" if body.get("rating") == "up" else "down",
        **{name: body.get(name) for name in optional},
        "citations": body.get("citations") or [],
        "words": "service" if body.get("words") == "service" else "client",
        "by": body.get("by") or "unknown",
        "collection": body.get("collection", "default"),
        "accepted_as": row.id if row.id in accepted else None,
    }


def feedback_cases(ratings: Iterable[Row], accepted: Iterable[Case]) -> Imported:
    """Returns the accepted cases, then those of ratings that say what is right by themselves."""
    accepted = list(accepted)
    ids = {case.id for case in accepted}
    entries: list[dict[str, Any]] = []
    skipped: list[str] = []
    for row in ratings:
        if row.id in ids:
            continue
        if row.body.get("rating") == "down" and not row.body.get("correct_answer"):
            skipped.append(f"{row.id}: has no right answer yet; accept it as a case with one")
        else:
            entries.append({**row.body, "answer_id": row.id})
    imported = import_feedback(entries)
    imported.cases, imported.skipped = [*accepted, *imported.cases], [*skipped, *imported.skipped]
    return imported
