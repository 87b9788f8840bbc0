"""Background syncs of a running service, once or after each change, and their events as log lines.

The work is done in child processes (`index.sync.process`); a thread waits for them, so that the
event loop never blocks.
"""

import logging
import subprocess
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from index.errors import IndexingError, SyncBusy, SyncFailed

from ..wire.escape import escape, pluralize

if TYPE_CHECKING:
    from index.sync.process import SyncReport, SyncRequest

log = logging.getLogger("footnote.sync")

MAX_PARALLEL_SYNCS = 4
"""Syncs of a process at the same time, each of another collection. A collection holds one slot at
most, so its slow files hold up no other; the number bounds the memory (DECISIONS.md)."""
PROGRESS_INTERVAL_S = 5.0
"""Minimum time between two progress lines."""
STOP_TIMEOUT_S = 5.0
"""A terminated child exits within milliseconds; the shutdown never waits longer than this."""
WATCH_RESTART_S = 5.0
"""Delay before a watch process that ended by itself is restarted."""


class BackgroundSync:
    """The syncs of one served collection; all attributes may be read from any thread."""

    def __init__(self, sync_slots: threading.Semaphore) -> None:
        """`sync_slots` bounds the syncs of all collections that run at the same time."""
        self.is_running = False
        self.is_elsewhere = False
        """Whether another process builds the collection."""
        self.has_unseen_result = False
        """Whether a sync ended and the service has not refreshed the collection since."""
        self.has_succeeded = False
        """Whether any sync of this service has succeeded."""
        self.progress: dict[str, object] | None = None
        self.error: IndexingError | None = None
        """Why the last sync did not publish."""
        self._sync_slots = sync_slots
        self._formatter = SyncEventFormatter()
        self._stopping, self._stopped = threading.Event(), threading.Event()
        self._stopped.set()
        self._child: subprocess.Popen[str] | None = None
        self._request: SyncRequest | None = None

    @property
    def is_building(self) -> bool:
        """Whether this or another process is building the collection."""
        return self.is_running or self.has_unseen_result or self.is_elsewhere

    def start(self, request: "SyncRequest", *, watch: bool) -> None:
        """Starts the sync, with `watch` one after each change; returns at once."""
        self._request, self.is_running = request, True
        self._stopped.clear()
        target = self._watch if watch else self._run
        threading.Thread(target=target, args=(request,), name="sync", daemon=True).start()

    def stop(self) -> None:
        """Terminates the sync and waits until it has ended; blocks."""
        self._stopping.set()
        if self._child is not None:
            self._child.terminate()
        self._stopped.wait(STOP_TIMEOUT_S)

    def _run(self, request: "SyncRequest") -> None:
        from index.sync.process import run_sync

        try:
            with self._sync_slots:
                self._on_end(run_sync(request, self._on_event, self._on_start))
        except IndexingError as error:
            self._on_end(error)
        finally:
            self._stopped.set()

    def _watch(self, request: "SyncRequest") -> None:
        """Runs a watch process, and restarts it if it ends by itself."""
        from index.sync.process import run_watch

        try:
            while not self._stopping.is_set():
                code = run_watch(request, self._on_watch_event, self._on_start)
                self._on_end(SyncFailed(f"the watch process ended early (exit code {code})"))
                self._stopping.wait(WATCH_RESTART_S)
        finally:
            self._stopped.set()

    def _on_start(self, child: "subprocess.Popen[str]") -> None:
        self._child = child
        if self._stopping.is_set():
            child.terminate()

    def _on_watch_event(self, event: dict[str, object]) -> None:
        from index.sync.process import error_from_event, report_from_event

        if event["event"] == "done":
            self._on_end(report_from_event(event))
        elif event["event"] == "failed":
            self._on_end(error_from_event(event))
        elif event["event"] in ("watch", "blind"):
            log.info("%s", self._formatter.format(event))
        else:
            self.is_running = True
            self._on_event(event)

    def _on_event(self, event: dict[str, object]) -> None:
        self.progress = dict(event)
        if line := self._formatter.format(event):
            log.info("%s", line)

    def _on_end(self, outcome: "SyncReport | IndexingError") -> None:
        self.is_elsewhere = isinstance(outcome, SyncBusy)
        self.error = None
        if isinstance(outcome, SyncBusy):
            log.warning("%s; serving without syncing", outcome)
        elif not isinstance(outcome, IndexingError):
            self.has_succeeded = True
            log.info("%s", summarize_report(outcome))
            if self._request and (warning := empty_index_warning(outcome, self._request)):
                log.warning("%s", warning)
        elif self._stopping.is_set():
            log.info("sync stopped")
        else:
            self.error = outcome
            log.error("sync failed: %s", outcome)
        self.progress = None
        self.has_unseen_result = True  # set first, so that `is_building` has no gap
        self.is_running = False


class SyncEventFormatter:
    """Formats sync events as log lines; progress within a phase only every few seconds."""

    def __init__(self) -> None:
        self._next_progress_s = 0.0

    def format(self, event: Mapping[str, object]) -> str | None:
        """Returns the line for an event; None for one that is not printed."""
        match event.get("event"):
            case "skip":
                line = f"skipped {event.get('source')}: {event.get('cause')}"
            case "note":
                line = f"{event.get('source')}: {event.get('note')}"
            case "rebuild":
                line = f"rebuilding the index: {event.get('cause')}"
            case "failed":
                line = f"sync failed: {event.get('message')}"
            case "watch":
                line = f"watching {event.get('folder')} for changes"
            case "blind":
                interval = f"polling every {event.get('every_s'):.0f} s instead"
                line = f"file change events are not available, {interval}: {event.get('cause')}"
            case "pool":
                count = pluralize(int(str(event.get("workers"))), "worker")
                line = f"Dask scheduler {event.get('scheduler')}: {event.get('cause') or count}"
            case "publish":
                is_complete = event.get("complete", True)
                rest = "" if is_complete else " (keyword search only, embedding continues)"
                line = f"published generation {event.get('generation')}{rest}"
            case kind:
                return self._progress(str(kind), event)
        return escape(line)

    def _progress(self, kind: str, event: Mapping[str, object]) -> str | None:
        done, total, left_s = event.get("done"), event.get("total"), event.get("left_s")
        if done is None or (done != total and time.monotonic() < self._next_progress_s):
            return None
        self._next_progress_s = time.monotonic() + PROGRESS_INTERVAL_S
        has_estimate = isinstance(left_s, float) and left_s
        if kind in ("push", "pull") and isinstance(done, int) and isinstance(total, int):
            return f"{kind} {done / 1e6:.1f}/{total / 1e6:.1f} MB"
        estimate = f", {event.get('rate')}/s, {left_s:.0f} s left" if has_estimate else ""
        workers = event.get("workers")
        by = f", {pluralize(workers, 'worker')}" if isinstance(workers, int) else ""
        return f"{kind} {done}/{total}{estimate}{by}"


def summarize_report(report: "SyncReport") -> str:
    """Returns what a sync did, in one line."""
    if not report.published:
        articles = pluralize(report.unchanged, "article")
        return f"nothing has changed: generation {report.generation}, {articles}"
    return (
        f"generation {report.generation}: {pluralize(report.chunks, 'passage')}; "
        f"{report.added} added, {report.changed} changed, {report.removed} removed, "
        f"{report.unchanged} unchanged, {len(report.skipped)} skipped, in {report.seconds:.1f} s"
    )


def empty_index_warning(report: "SyncReport", request: "SyncRequest") -> str | None:
    """Returns why the index is empty after a sync, in one line; None where it is not."""
    if report.chunks:
        return None
    from index.formats import formats_by_suffix, load_formats

    suffixes = " ".join(formats_by_suffix(load_formats(request.formats)))
    skipped = pluralize(len(report.skipped), "file")
    return escape(
        f"no articles in {request.corpus.absolute()}: {skipped} skipped; "
        f"indexed file types: {suffixes} (FOOTNOTE_FORMATS)"
    )
