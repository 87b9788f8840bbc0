"""Jobs: syncs that were requested over HTTP, and their progress.

Any process that shares the state may finish a job: a sync that starts after the job was created
covers its change. `job_claims` says which one does.
"""

import json
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal

from index.filters import normalize_path

from ..errors import NotFound, RequestError
from .db import Connection, Database
from .job_claims import ORPHAN_S, UNFINISHED, Claims

Kind = Literal["put", "delete", "sync"]
Status = Literal["queued", "running", "done", "failed"]

RETENTION_S = 7 * 86_400.0
"""A finished job, and the idempotency key it came with, is deleted after this."""
MAX_FINISHED = 10_000
"""Finished jobs of a collection; older ones are deleted before their time."""
MAX_UNFINISHED = 2_000
"""Unfinished jobs of a collection; further requests are refused."""
MAX_SKIPPED = 100
"""Skipped files that a job's report names."""
RETRY_AFTER_S = 10.0
"""A sync ends all the jobs that wait for it."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, collection TEXT NOT NULL, path TEXT,
    status TEXT NOT NULL, created_s REAL NOT NULL, ended_s REAL,
    progress TEXT, report TEXT, error TEXT, idempotency TEXT UNIQUE, request TEXT
);
CREATE INDEX IF NOT EXISTS jobs_ended ON jobs (collection, ended_s);
"""
_COLUMNS = "id, kind, collection, path, status, created_s, ended_s, progress, report, error"
_DELETE_OLDEST = """
DELETE FROM jobs WHERE id IN (
    SELECT id FROM jobs WHERE collection = ? AND ended_s IS NOT NULL
    ORDER BY ended_s DESC LIMIT 1000000 OFFSET ?
)
"""

Json = dict[str, Any]  # JSON


@dataclass(frozen=True, slots=True)
class Job:
    """One requested sync; `error` is a problem's code and detail."""

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


class JobStore:
    """The jobs of one service; methods block and raise StateUnreadable."""

    def __init__(self, database: Database, *, orphan_s: float = ORPHAN_S) -> None:
        """Opens nothing yet; in a shared database claims are this object's."""
        self._database = database
        self.needs_heartbeat = database.is_shared
        """Whether `beat` must be called while jobs run, and other machines may create jobs."""
        self._claims = (
            Claims.of_this_process(orphan_s=orphan_s)
            if database.is_shared
            else Claims.of_one_machine()
        )

    def _connect(self) -> AbstractContextManager[Connection]:
        return self._database.connect(_SCHEMA + self._claims.schema)

    def create(
        self,
        kind: Kind,
        collection: str,
        path: str | None = None,
        *,
        idempotency: str | None = None,
        request: str = "",
        apply: Callable[[], None] = lambda: None,
    ) -> Job:
        """Runs `apply` and returns a new queued job, or the one this request created before.

        The transaction covers `apply`: of two equal requests, in whatever processes, the second
        waits for the first. Deletes jobs past the retention period. Raises RequestError where the
        idempotency key came with another request or too many jobs are unfinished, and what `apply`
        raises.
        """
        now = time.time()
        job = Job(f"job_{secrets.token_hex(8)}", kind, collection, path, "queued", now, *[None] * 4)
        with self._connect() as db:
            db.lock("jobs")
            if existing := _find_repeated(db, idempotency, request):
                return existing
            _check_queue(db, collection)
            apply()
            db.execute("DELETE FROM jobs WHERE ended_s < ?", (now - RETENTION_S,))
            db.execute(_DELETE_OLDEST, (collection, MAX_FINISHED))
            db.execute(
                "INSERT INTO jobs (id, kind, collection, path, status, created_s, idempotency, "
                "request) VALUES (?, ?, ?, ?, 'queued', ?, ?, ?)",
                (job.id, kind, collection, path, now, idempotency, request),
            )
        return job

    def get(self, job_id: str) -> Job:
        """Returns a job; raises NotFound."""
        with self._connect() as db:
            row = db.execute(f"SELECT {_COLUMNS} FROM jobs WHERE id = ?", (job_id,)).fetchone()
        if row is None:
            raise NotFound("job", job_id)
        return _job(row)

    def newest(self, collections: Sequence[str], *, limit: int) -> list[Job]:
        """Returns the jobs of some collections, the newest first."""
        marks = ", ".join("?" * len(collections))
        query = (
            f"SELECT {_COLUMNS} FROM jobs WHERE collection IN ({marks}) "
            "ORDER BY created_s DESC, id LIMIT ?"
        )
        if not collections:
            return []
        with self._connect() as db:
            return [_job(row) for row in db.execute(query, (*collections, limit))]

    def pending_collections(self) -> list[str]:
        """Returns the collections that have jobs which `start` would claim, by name."""
        query = f"SELECT DISTINCT collection FROM jobs WHERE {self._claims.claimable} ORDER BY 1"
        with self._connect() as db:
            return [row[0] for row in db.execute(query)]

    def start(self, collection: str) -> list[str]:
        """Claims the collection's unfinished jobs, marks them as running and returns their ids."""
        claims = self._claims
        chosen = f"SELECT id FROM jobs WHERE collection = ? AND {claims.claimable} {claims.lock}"
        change = f"UPDATE jobs SET status = 'running'{claims.claim} WHERE id IN ({chosen})"
        with self._connect() as db:
            return [row[0] for row in db.execute(f"{change} RETURNING id", (collection,))]

    def beat(self, ids: Sequence[str]) -> bool:
        """Keeps the claims on running jobs; returns whether all of them are still ours."""
        change = f"UPDATE jobs SET status = status{self._claims.claim}"
        with self._connect() as db:
            where = f"id = ? AND {self._claims.is_ours}"
            kept = sum(db.execute(f"{change} WHERE {where}", (i,)).rowcount for i in ids)
        return kept == len(ids)

    def requeue(self, ids: Iterable[str]) -> None:
        """Marks running jobs as queued again, for any process."""
        release = self._claims.release
        self._update(f"status = 'queued', progress = NULL{release}", [(i,) for i in ids])

    def set_progress(self, ids: Iterable[str], progress: Json) -> None:
        """Stores the progress of running jobs."""
        text = json.dumps(progress)
        self._update("progress = ?", [(text, i) for i in ids])

    def finish(
        self, ids: Iterable[str], *, report: Json | None = None, error: Json | None = None
    ) -> None:
        """Marks jobs as done with a report, or as failed with an error.

        Those that another process has claimed since are its own to finish.
        """
        status: Status = "failed" if error else "done"
        ended_s, failure = time.time(), json.dumps(error) if error else None
        with self._connect() as db:
            select = "SELECT path FROM jobs WHERE id = ?"
            paths = {i: path for i in ids for (path,) in db.execute(select, (i,))}
        self._update(
            "status = ?, ended_s = ?, progress = NULL, report = ?, error = ?",
            [(status, ended_s, _report_of(path, report), failure, i) for i, path in paths.items()],
        )

    def _update(self, assignments: str, rows: list[tuple[object, ...]]) -> None:
        with self._connect() as db:
            where = f"id = ? AND {self._claims.is_ours}"
            db.executemany(f"UPDATE jobs SET {assignments} WHERE {where}", rows)


def _report_of(path: str | None, report: Json | None) -> str | None:
    """Returns the report as JSON; of many skipped files it names the job's own and the first."""
    if not report:
        return None
    own = normalize_path(path or "")
    lists = {
        name: sorted(report.get(name, ()), key=lambda one: normalize_path(one["path"]) != own)
        for name in ("skipped", "notes")
    }
    return json.dumps({**report, **{name: some[:MAX_SKIPPED] for name, some in lists.items()}})


def _check_queue(db: Connection, collection: str) -> None:
    query = f"SELECT count(*) FROM jobs WHERE collection = ? AND {UNFINISHED}"
    (count,) = db.execute(query, (collection,)).fetchone()
    if count >= MAX_UNFINISHED:
        message = f"{count:,} jobs of collection {collection!r} are unfinished; retry later"
        raise RequestError("job_queue_full", message, retry_after_s=RETRY_AFTER_S)


def _find_repeated(db: Connection, idempotency: str | None, request: str) -> Job | None:
    query = f"SELECT request, {_COLUMNS} FROM jobs WHERE idempotency = ?"
    row = db.execute(query, (idempotency,)).fetchone()
    if row is None:  # also without a key: NULL equals nothing
        return None
    if row[0] != request:
        raise RequestError(
            "idempotency_key_reused",
            "this Idempotency-Key was sent with another request; use a new one",
        )
    return _job(row[1:])


def _job(row: tuple[Any, ...]) -> Job:  # Any: the columns' types
    *plain, progress, report, error = row
    return Job(*plain, *(json.loads(text) if text else None for text in (progress, report, error)))
