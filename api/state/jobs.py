"""Jobs: what was asked to be synced over HTTP, and how far it is; in `state.sqlite3`.

Whatever process serves the data folder may end a job: a sync that began after a job was made has
seen what the job is about.
"""

import json
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..errors import JobUnknown, KeyReused, StateUnreadable
from .db import opened

Kind = Literal["put", "delete", "sync"]
Status = Literal["queued", "running", "done", "failed"]

KEPT_S = 7 * 86_400.0
"""How long an ended job, and the idempotency key it came with, is remembered."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, collection TEXT NOT NULL, path TEXT,
    status TEXT NOT NULL, created_s REAL NOT NULL, ended_s REAL,
    progress TEXT, report TEXT, error TEXT, idempotency TEXT UNIQUE, request TEXT
);
"""
_COLUMNS = "id, kind, collection, path, status, created_s, ended_s, progress, report, error"
_OPEN = "status IN ('queued', 'running')"

Json = dict[str, Any]  # JSON


@dataclass(frozen=True, slots=True)
class Job:
    """One request to sync; `error` is a problem's code and detail."""

    id: str
    kind: Kind
    collection: str
    path: str | None
    status: Status
    created_s: float
    ended_s: float | None
    progress: Json | None
    report: Json | None
    error: Json | None


class Jobs:
    """The jobs of one data folder; every method blocks, and raises StateUnreadable."""

    def __init__(self, path: Path) -> None:
        """Reads nothing yet."""
        self._path = path

    @contextmanager
    def _base(self) -> Iterator[sqlite3.Connection]:
        try:
            with opened(self._path, _SCHEMA) as base:
                yield base
        except (sqlite3.Error, OSError) as error:
            raise StateUnreadable(str(error)) from error

    def once(
        self,
        kind: Kind,
        collection: str,
        path: str | None = None,
        *,
        idempotency: str | None = None,
        request: str = "",
        change: Callable[[], None] = lambda: None,
    ) -> Job:
        """Returns the job that this request already made, else a new one, queued, after `change`.

        Of two that are the same, in whatever processes, the second waits for the first. Forgets
        jobs that ended long ago. Raises KeyReused, and what `change` does but for OSError.
        """
        now = time.time()
        job = Job(f"job_{secrets.token_hex(8)}", kind, collection, path, "queued", now, *[None] * 4)
        with self._base() as base:
            base.execute("BEGIN IMMEDIATE")
            if known := _repeated(base, idempotency, request):
                return known
            change()
            base.execute("DELETE FROM jobs WHERE ended_s < ?", (now - KEPT_S,))
            base.execute(
                "INSERT INTO jobs (id, kind, collection, path, status, created_s, idempotency, "
                "request) VALUES (?, ?, ?, ?, 'queued', ?, ?, ?)",
                (job.id, kind, collection, path, now, idempotency, request),
            )
        return job

    def find(self, job_id: str) -> Job:
        """Returns a job; raises JobUnknown."""
        with self._base() as base:
            row = base.execute(f"SELECT {_COLUMNS} FROM jobs WHERE id = ?", (job_id,)).fetchone()
        if row is None:
            raise JobUnknown(job_id)
        return _job(row)

    def waiting(self) -> list[str]:
        """Returns the collections that have open jobs, by name."""
        with self._base() as base:
            rows = base.execute(f"SELECT DISTINCT collection FROM jobs WHERE {_OPEN} ORDER BY 1")
            return [row[0] for row in rows]

    def begin(self, collection: str) -> list[str]:
        """Returns the ids of a collection's open jobs, running from now on."""
        with self._base() as base:
            rows = base.execute(
                f"UPDATE jobs SET status = 'running' WHERE collection = ? AND {_OPEN} RETURNING id",
                (collection,),
            )
            return [row[0] for row in rows]

    def put_back(self, ids: Iterable[str]) -> None:
        """Lets jobs wait again."""
        change = f"UPDATE jobs SET status = 'queued', progress = NULL WHERE id = ? AND {_OPEN}"
        self._each(change, [(one,) for one in ids])

    def note(self, ids: Iterable[str], progress: Json) -> None:
        """Keeps how far jobs are."""
        said = json.dumps(progress)
        self._each(
            f"UPDATE jobs SET progress = ? WHERE id = ? AND {_OPEN}", [(said, i) for i in ids]
        )

    def end(
        self, ids: Iterable[str], *, report: Json | None = None, error: Json | None = None
    ) -> None:
        """Ends jobs, well with a report, else with an error."""
        status: Status = "failed" if error else "done"
        told = [json.dumps(said) if said else None for said in (report, error)]
        self._each(
            "UPDATE jobs SET status = ?, ended_s = ?, progress = NULL, report = ?, error = ? "
            f"WHERE id = ? AND {_OPEN}",
            [(status, time.time(), *told, one) for one in ids],
        )

    def _each(self, change: str, rows: list[tuple[object, ...]]) -> None:
        with self._base() as base:
            base.executemany(change, rows)


def _repeated(base: sqlite3.Connection, idempotency: str | None, request: str) -> Job | None:
    wanted = f"SELECT request, {_COLUMNS} FROM jobs WHERE idempotency = ?"
    row = base.execute(wanted, (idempotency,)).fetchone()
    if row is None:  # as it is without a key: NULL equals nothing
        return None
    if row[0] != request:
        raise KeyReused
    return _job(row[1:])


def _job(row: tuple[Any, ...]) -> Job:  # Any: what the columns hold
    *plain, progress, report, error = row
    return Job(*plain, *(json.loads(said) if said else None for said in (progress, report, error)))
