"""Changing the articles over HTTP: files put and deleted, and the syncs that these ask for.

A thread waits for jobs and runs one sync, in a process of its own, for all open jobs of a
collection, however many there are.
"""

import asyncio
import hashlib
import logging
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from index.errors import IndexingError, SyncBusy

from ..errors import FileUnwritable, StateUnreadable, verdict
from ..state.jobs import Job, Jobs, Kind
from . import corpus_files as files

if TYPE_CHECKING:
    from index.sync.process import SyncRequest

log = logging.getLogger("footnote.jobs")

AGAIN_S = 1.0
"""While another process syncs the collection, it is tried again this often."""
NOTE_S = 0.5
"""How often progress is written down, at most."""
STOP_S = 5.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that makes a job: what it wants, and the caller's key to recognise it by."""

    kind: Kind
    collection: str
    path: str | None = None
    idempotency: str | None = None

    def fingerprint(self, content: str) -> str:
        """Returns what tells it from another request."""
        said = "\n".join((self.kind, self.collection, self.path or "", content))
        return hashlib.sha256(said.encode()).hexdigest()


class Writes:
    """The corpora that may be written, their jobs, and the thread that works them off."""

    def __init__(
        self,
        corpora: Mapping[str, Path],
        jobs: Jobs,
        request_for: Callable[[str], "SyncRequest"],
        turn: threading.Lock,
    ) -> None:
        """`request_for` gives a collection's sync; `turn` is whose sync it is in this process."""
        self.jobs = jobs
        self._corpora, self._request_for, self._turn = corpora, request_for, turn
        self._wake, self._stopping = threading.Event(), threading.Event()
        self._placing = threading.Lock()
        """So that threads take turns; other processes wait for the database."""
        self._child: subprocess.Popen[str] | None = None
        self._noted = 0.0

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Works jobs off while the block runs, first those that killed processes left.

        Their half-made uploads are removed, too.
        """
        thread = threading.Thread(target=self._resume, name="jobs", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            self._wake.set()
            if self._child is not None:
                self._child.terminate()
            await asyncio.to_thread(thread.join, STOP_S)

    def _resume(self) -> None:
        self._wake.set()
        for corpus in self._corpora.values():
            try:
                files.forget_dead(corpus)
            except OSError as error:  # then an upload fails, too, and says it to whom it concerns
                log.warning("left-over uploads stay: %s", error)
        self._work()

    async def put(
        self, asked: Asked, names: tuple[str, ...], body: AsyncIterator[bytes], max_bytes: int
    ) -> Job:
        """Puts a file in its place and returns the job that indexes it; raises an ApiError."""
        corpus = self._corpora[asked.collection]
        try:
            with files.receiving(corpus, names, max_bytes) as upload:
                async for data in body:
                    await asyncio.to_thread(upload.write, data)
                return await asyncio.to_thread(self._job, asked, upload.keep, upload.sha256)
        except OSError as error:
            raise FileUnwritable(error) from error

    async def delete(self, asked: Asked, names: tuple[str, ...]) -> Job:
        """Removes a file and returns the job that forgets it; raises FileMissing, an ApiError."""
        corpus = self._corpora[asked.collection]
        return await asyncio.to_thread(self._job, asked, lambda: files.remove(corpus, names))

    async def sync(self, asked: Asked) -> Job:
        """Returns a job that syncs a collection."""
        return await asyncio.to_thread(self._job, asked, lambda: None)

    def _job(self, asked: Asked, change: Callable[[], None], content: str = "") -> Job:
        """Changes a file and returns the job for it; a repeated one changes nothing."""

        def changed() -> None:
            try:
                change()
            except OSError as error:
                raise FileUnwritable(error) from error

        with self._placing:
            job = self.jobs.once(
                asked.kind,
                asked.collection,
                asked.path,
                idempotency=asked.idempotency,
                request=asked.fingerprint(content),
                change=changed,
            )
        self._wake.set()
        return job

    def _work(self) -> None:
        while self._wake.wait() and not self._stopping.is_set():
            self._wake.clear()
            try:
                for collection in self.jobs.waiting():
                    with self._turn:
                        self._sync(collection)
            except StateUnreadable as error:
                log.error("jobs: %s", error)
                self._later()

    def _sync(self, collection: str) -> None:
        """Runs one sync for all open jobs of a collection."""
        if self._stopping.is_set() or collection not in self._corpora:
            return
        from index.sync.process import run_sync

        ids = self.jobs.begin(collection)

        def on_event(event: dict[str, object]) -> None:
            if time.monotonic() - self._noted > NOTE_S:
                self._noted = time.monotonic()
                self.jobs.note(ids, event)

        try:
            report = run_sync(self._request_for(collection), on_event, self._on_start)
        except SyncBusy:
            self.jobs.put_back(ids)
            self._later()
        except IndexingError as error:
            self._failed(ids, error)
        else:
            self.jobs.end(ids, report=asdict(report))
            log.info("jobs %s: generation %s", " ".join(ids), report.generation)

    def _failed(self, ids: list[str], error: IndexingError) -> None:
        if self._stopping.is_set():
            self.jobs.put_back(ids)
            return
        log.error("jobs %s failed: %s", " ".join(ids), error)
        known = verdict(error)
        self.jobs.end(ids, error={"code": known.code, "detail": known.detail})

    def _later(self) -> None:
        self._stopping.wait(AGAIN_S)
        self._wake.set()

    def _on_start(self, child: "subprocess.Popen[str]") -> None:
        self._child = child
        if self._stopping.is_set():
            child.terminate()
