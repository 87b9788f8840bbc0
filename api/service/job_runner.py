"""Runs the jobs of file uploads, deletions and syncs that were requested over HTTP.

A background thread for each collection waits for jobs and runs one sync, in a child process, for
all its unfinished jobs together.
"""

import asyncio
import hashlib
import logging
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING

from index.errors import IndexingError, SyncBusy

from ..errors import FileUnwritable, RequestError, StateUnreadable, error_info
from ..state.jobs import Job, JobStore, Kind
from .corpus_files import Corpus, Upload, delete_file, delete_stale_uploads, write_sidecar
from .heartbeat import Heartbeat

if TYPE_CHECKING:
    from index.sync.process import SyncRequest

log = logging.getLogger("footnote.jobs")

RETRY_S = 1.0
"""Retry delay while another process syncs the collection, or the jobs cannot be read."""
PROGRESS_INTERVAL_S = 0.5
"""Minimum time between two updates of a job's progress."""
POLL_INTERVAL_S = 5.0
"""How often jobs are looked for that another machine created or left, where the state is shared."""
STOP_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class JobRequest:
    """A request that creates a job; `idempotency` is the caller's key for repeating it safely."""

    kind: Kind
    collection: str
    path: str | None = None
    idempotency: str | None = None

    def fingerprint(self, content: str) -> str:
        """Returns a hash that differs for any other request; `content` is a hash of its body."""
        text = "\n".join((self.kind, self.collection, self.path or "", content))
        return hashlib.sha256(text.encode()).hexdigest()


class JobRunner:
    """The corpora that may be changed, their jobs, and the threads that run them."""

    def __init__(
        self,
        corpora: Mapping[str, Corpus],
        jobs: JobStore,
        sync_request: Callable[[str], "SyncRequest"],
        sync_slots: threading.Semaphore,
    ) -> None:
        """`sync_request` returns a collection's request; `sync_slots` bounds the parallel ones."""
        self.jobs = jobs
        self.corpora, self._sync_request, self._sync_slots = corpora, sync_request, sync_slots
        self._wake = {collection: threading.Event() for collection in corpora}
        self._stopping = threading.Event()
        self._create_lock = threading.Lock()
        """Lets this process's threads wait here; other processes wait for the database."""
        self._children: dict[str, subprocess.Popen[str]] = {}

    @asynccontextmanager
    async def run(self, *, warns: bool = True) -> AsyncIterator[None]:
        """Runs jobs while the block runs, starting with those of processes that were killed.

        Their unfinished uploads are deleted, too. `warns` of corpora that cannot be changed.
        """
        for corpus in self.corpora.values() if warns else ():
            try:
                corpus.check_writable()
            except RequestError as error:
                log.warning("%s; until then uploads are refused", error)
        threads = [
            threading.Thread(target=self._recover_and_run, args=[name], name="jobs", daemon=True)
            for name in self.corpora
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            for wake in self._wake.values():
                wake.set()
            for child in list(self._children.values()):
                child.terminate()
            await asyncio.gather(*(asyncio.to_thread(t.join, STOP_TIMEOUT_S) for t in threads))

    async def put(
        self,
        request: JobRequest,
        names: tuple[str, ...],
        body: AsyncIterator[bytes],
        limit: int,
        *,
        declared_bytes: int = 0,
        sidecar: bytes | None = None,
    ) -> Job:
        """Writes a file of at most `limit` bytes, returns the job that indexes it.

        `declared_bytes` is the size that the client announced, `sidecar` what is known of the page
        that the file is. Raises RequestError, also where the file cannot be written; nothing is
        left behind then but a sidecar, which counts for these bytes alone.
        """
        corpus = self.corpora[request.collection]
        open_upload = partial(Upload, corpus, names, limit, declared_bytes=declared_bytes)
        try:
            upload = await asyncio.to_thread(open_upload)
            try:
                async for data in body:
                    await asyncio.to_thread(upload.write, data)
                if sidecar is not None:
                    await asyncio.to_thread(write_sidecar, corpus, names, sidecar)
                return await asyncio.to_thread(
                    self._create_job, request, upload.commit, content=upload.sha256
                )
            finally:
                await asyncio.shield(asyncio.to_thread(upload.close))
        except OSError as error:
            raise FileUnwritable(error) from error

    async def delete(self, request: JobRequest, names: tuple[str, ...]) -> Job:
        """Deletes a file, returns the job that removes it from the index; raises RequestError."""
        corpus = self.corpora[request.collection]
        return await asyncio.to_thread(
            self._create_job, request, lambda: delete_file(corpus, names)
        )

    async def sync(self, request: JobRequest) -> Job:
        """Returns a job that syncs a collection."""
        return await asyncio.to_thread(self._create_job, request, lambda: None)

    def _create_job(
        self, request: JobRequest, change: Callable[[], None], *, content: str = ""
    ) -> Job:
        """Applies a change and returns its job; a repeated request changes nothing."""

        def apply() -> None:
            try:
                change()
            except OSError as error:
                raise FileUnwritable(error) from error

        with self._create_lock:
            job = self.jobs.create(
                request.kind,
                request.collection,
                request.path,
                idempotency=request.idempotency,
                request=request.fingerprint(content),
                apply=apply,
            )
        if request.collection in self._wake:
            self._wake[request.collection].set()
        return job

    def _recover_and_run(self, collection: str) -> None:
        wake = self._wake[collection]
        wake.set()
        try:
            delete_stale_uploads(self.corpora[collection].root)
            self.corpora[collection].usage.forget_count()
        except (OSError, StateUnreadable) as error:  # an upload fails so too, and reports it
            log.warning("unfinished uploads cannot be deleted: %s", error)
        while True:
            wake.wait(POLL_INTERVAL_S if self.jobs.needs_heartbeat else None)
            if self._stopping.is_set():
                return
            wake.clear()
            try:
                if collection in self.jobs.pending_collections():
                    with self._sync_slots:
                        self._sync(collection)
            except StateUnreadable as error:
                log.error("jobs: %s", error)
                self._retry_later(collection)

    def _sync(self, collection: str) -> None:
        """Runs one sync for all unfinished jobs of a collection."""
        if self._stopping.is_set():
            return
        from index.sync.process import run_sync

        ids = self.jobs.start(collection)
        if not ids:  # another process was faster
            return
        on_event = self._progress_saver(ids)

        def on_start(child: "subprocess.Popen[str]") -> None:
            self._children[collection] = child
            if self._stopping.is_set() or heartbeat.is_lost:
                child.terminate()

        heartbeat = Heartbeat(self.jobs, ids, lambda: self._terminate(collection))
        try:
            with heartbeat:
                report = run_sync(self._sync_request(collection), on_event, on_start)
        except SyncBusy:
            self.jobs.requeue(ids)
            self._retry_later(collection)
        except IndexingError as error:
            if self._stopping.is_set() or heartbeat.is_lost:
                self.jobs.requeue(ids)
                return
            log.error("jobs %s failed: %s", " ".join(ids), error)
            info = error_info(error)
            self.jobs.finish(ids, error={"code": info.code, "detail": info.detail})
        else:
            self.jobs.finish(ids, report=asdict(report))
            log.info("jobs %s: generation %s", " ".join(ids), report.generation)

    def _progress_saver(self, ids: list[str]) -> Callable[[dict[str, object]], None]:
        saved_at_s = 0.0

        def save(event: dict[str, object]) -> None:
            nonlocal saved_at_s
            if time.monotonic() - saved_at_s > PROGRESS_INTERVAL_S:
                saved_at_s = time.monotonic()
                with suppress(StateUnreadable):  # the sync does not depend on it
                    self.jobs.set_progress(ids, event)

        return save

    def _terminate(self, collection: str) -> None:
        """Ends a sync whose jobs another machine may take."""
        log.error("a sync of %s ends: its jobs may run elsewhere", collection)
        if child := self._children.get(collection):
            child.terminate()

    def _retry_later(self, collection: str) -> None:
        self._stopping.wait(RETRY_S)
        self._wake[collection].set()
