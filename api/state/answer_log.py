"""What an answer was made of, kept in `state.sqlite3` when `keep_answers` is on, to replay it.

Off by default: a record holds the question, the conversation and the passages' places.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from index.types import Filters
from rag.model.prompt import PROMPT_SHA256, PROMPT_VERSION
from rag.retrieval.weights import fitted_on
from rag.types import Answer, Ask, Hit, Turn

from .db import opened

LIBRARIES = ("footnote", "chromadb", "tantivy", "onnxruntime", "openai", "llama-index-core")

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS answers "
    "(id TEXT PRIMARY KEY, kept_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP, record TEXT NOT NULL);"
)

DAYS = ("since", "until")

Record = dict[str, Any]  # JSON


class Records:
    """The kept answers of one data folder."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self, ask: Ask, answer: Answer) -> None:
        """Adds a record; blocks for a write. Raises sqlite3.Error."""
        row = (answer.id, json.dumps(record(ask, answer)))
        with opened(self._path, _SCHEMA) as base:
            base.execute("INSERT OR REPLACE INTO answers (id, record) VALUES (?, ?)", row)

    def find(self, answer_id: str) -> Record | None:
        """Returns the record of an answer; None where it was not kept."""
        if not self._path.exists():
            return None
        with opened(self._path, _SCHEMA) as base:
            rows = base.execute("SELECT record FROM answers WHERE id = ?", (answer_id,))
            found = rows.fetchone()
        kept: Record | None = json.loads(found[0]) if found else None
        return kept


def record(ask: Ask, answer: Answer) -> Record:
    """Returns what the answer was made of."""
    return {
        "id": answer.id,
        "ask": _ask(ask),
        "standalone_question": answer.standalone_question,
        "passages": [_passage(hit) for hit in answer.passages],
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
        "generation": f"{answer.index.collection}/{answer.index.generation}",
        "versions": {name: version(name) for name in LIBRARIES},
        "weights": fitted_on(),
    }


def _ask(ask: Ask) -> Record:
    """The question as JSON gives it back: lists, and days in ISO's form."""
    kept = asdict(ask)
    days = {name: kept["filters"][name] for name in DAYS}
    kept["filters"] |= {name: day and day.isoformat() for name, day in days.items()}
    read: Record = json.loads(json.dumps(kept))
    return read


def _passage(hit: Hit) -> Record:
    scores = {name: round(score, 4) for name, score in asdict(hit.scores).items()}
    return {
        "rank": hit.rank,
        "source": hit.source.path,
        "sha256": hit.source.sha256,
        "start": hit.chunk.start,
        "end": hit.chunk.end,
        "score": round(hit.score, 4),
        "scores": scores,
    }


def asked(kept: Record) -> Ask:
    """Returns the question of a record, to ask it again."""
    ask = kept["ask"]
    history = tuple(Turn(turn["role"], turn["content"]) for turn in ask["history"])
    return Ask(ask["question"], history, ask["top_k"], _filters(ask["filters"]))


def _filters(kept: Mapping[str, Any]) -> Filters:
    days = [None if kept[name] is None else date.fromisoformat(kept[name]) for name in DAYS]
    return Filters(tuple(kept["sources"]), tuple(kept["tags"]), *days)


def differences(then: Record, now: Record) -> list[str]:
    """Returns the names of what is not as it was, in the record's order; `id` never is."""
    names = [name for name in then if name != "id" and then[name] != now.get(name)]
    return [detail for name in names for detail in _details(name, then[name], now.get(name))]


def _details(name: str, then: object, now: object) -> list[str]:
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        return [f"{name}.{key}" for key in then if then[key] != now.get(key)]
    return [name]
