"""The syncs beside a running service: one, or one after each change; their events as plain lines.

The work happens in child processes (`index.sync.process`); here a thread waits for them, so that the
event loop never does.
"""

import logging
import subprocess
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from index.errors import IndexingError, SyncBusy, SyncFailed

from ..wire.amount import amount
from ..wire.escape import screen

if TYPE_CHECKING:
    from index.sync.process import SyncReport, SyncRequest

log = logging.getLogger("footnote.sync")

LINE_EVERY_S = 5.0
"""Progress lines come no more often than this."""
STOP_S = 5.0
"""A child that was told to end is gone in milliseconds; nothing waits longer than this for it."""
RESTART_S = 5.0
"""After this a watch that ended by itself is started again."""


class Syncing:
    """The syncs of the served collection; all attributes may be read from any thread."""

    def __init__(self, turn: threading.Lock) -> None:
        """Whoever holds `turn` syncs; the others wait for it."""
        self.running = False
        self._turn = turn
        self.elsewhere = False
        self.unseen = False
        """Has it ended without the service having looked for its generation since?"""
        self.progress: dict[str, object] | None = None
        self.error: IndexingError | None = None
        self.succeeded = False
        """Has any sync of this service ended well?"""
        self._lines = Lines()
        self._stopping = threading.Event()
        self._work_ended = threading.Event()
        self._work_ended.set()
        self._child: subprocess.Popen[str] | None = None
        self._request: SyncRequest | None = None

    @property
    def under_way(self) -> bool:
        """Whether some process, this one or another, is building the collection."""
        return self.running or self.unseen or self.elsewhere

    @property
    def trouble(self) -> str | None:
        """Why the last sync did not publish, for people."""
        return str(self.error) if self.error else None

    def start(self, request: "SyncRequest", *, watch: bool) -> None:
        """Starts the sync, and with `watch` one after each change; returns at once."""
        self._request, self.running = request, True
        self._work_ended.clear()
        work = self._watch if watch else self._work
        threading.Thread(target=work, args=(request,), name="sync", daemon=True).start()

    def stop(self) -> None:
        """Ends the sync, wherever it is, and waits until it has ended."""
        self._stopping.set()
        if self._child is not None:
            self._child.terminate()
        self._work_ended.wait(STOP_S)

    def _work(self, request: "SyncRequest") -> None:
        from index.sync.process import run_sync

        try:
            with self._turn:
                self._ended(run_sync(request, self._on_event, self._on_start))
        except IndexingError as error:
            self._ended(error)
        finally:
            self._work_ended.set()

    def _watch(self, request: "SyncRequest") -> None:
        """Keeps a process that watches; one that ends by itself is followed by another."""
        from index.sync.process import run_watch

        try:
            while not self._stopping.is_set():
                code = run_watch(request, self._on_watched, self._on_start)
                self._ended(SyncFailed(f"the watch ended early (exit code {code})"))
                self._stopping.wait(RESTART_S)
        finally:
            self._work_ended.set()

    def _on_start(self, child: "subprocess.Popen[str]") -> None:
        self._child = child
        if self._stopping.is_set():
            child.terminate()

    def _on_watched(self, event: dict[str, object]) -> None:
        from index.sync.process import rebuilt, report_from

        if event["event"] == "done":
            self._ended(report_from(event))
        elif event["event"] == "failed":
            self._ended(rebuilt(event))
        elif event["event"] in ("watch", "blind"):
            log.info("%s", self._lines.of(event))
        else:
            self.running = True
            self._on_event(event)

    def _ended(self, outcome: "SyncReport | IndexingError") -> None:
        self.elsewhere = isinstance(outcome, SyncBusy)
        self.error = None
        if isinstance(outcome, SyncBusy):
            log.warning("%s; serving without syncing", outcome)
        elif not isinstance(outcome, IndexingError):
            self.succeeded = True
            log.info("%s", summary(outcome))
            if self._request and (said := emptiness(outcome, self._request)):
                log.warning("%s", said)
        elif self._stopping.is_set():
            log.info("sync stopped")
        else:
            self.error = outcome
            log.error("sync failed: %s", outcome)
        self.progress = None
        self.unseen = True  # before `running` ends, so that it is under way without a gap
        self.running = False

    def _on_event(self, event: dict[str, object]) -> None:
        self.progress = dict(event)
        if line := self._lines.of(event):
            log.info("%s", line)


class Lines:
    """Sync events → lines for people; the steps within a phase only every few seconds."""

    def __init__(self) -> None:
        self._next = 0.0

    def of(self, event: Mapping[str, object]) -> str | None:
        """Returns the line for `event`, or None where it says too little to print now."""
        kind, done, total = event.get("event"), event.get("done"), event.get("total")
        if kind == "skip":
            return screen(f"skipped {event.get('source')}: {event.get('cause')}")
        if kind == "rebuild":
            return screen(f"building anew: {event.get('cause')}")
        if kind == "failed":
            return screen(f"sync failed: {event.get('message')}")
        if kind == "watch":
            return screen(f"watching {event.get('folder')} for changes")
        if kind == "blind":
            every = f"looking every {event.get('every_s'):.0f} s instead"
            return screen(f"changes cannot be noticed, {every}: {event.get('cause')}")
        if kind == "publish":
            part = "" if event.get("complete", True) else ", by words alone so far"
            return f"published generation {event.get('generation')}{part}"
        if done is None or (done != total and time.monotonic() < self._next):
            return None
        self._next = time.monotonic() + LINE_EVERY_S
        left = event.get("left_s")
        rest = (
            f", {event.get('rate')}/s, {left:.0f} s left"
            if isinstance(left, float) and left
            else ""
        )
        return f"{kind} {done}/{total}{rest}"


def summary(report: "SyncReport") -> str:
    """Returns what a sync did, in one line."""
    if not report.published:
        articles = amount(report.unchanged, "article")
        return f"nothing has changed: generation {report.generation}, {articles}"
    return (
        f"generation {report.generation}: {amount(report.chunks, 'passage')}; "
        f"{report.added} added, {report.changed} changed, {report.removed} removed, "
        f"{report.unchanged} unchanged, {len(report.skipped)} skipped, in {report.seconds:.1f} s"
    )


def emptiness(report: "SyncReport", request: "SyncRequest") -> str | None:
    """Returns why there is nothing to ask about after a sync, in one line; None where there is."""
    if report.chunks:
        return None
    from index.formats.table import by_suffix, find_formats

    read = " ".join(by_suffix(find_formats(request.formats)))
    skipped = amount(len(report.skipped), "file")
    return screen(
        f"nothing to answer from in {request.corpus.absolute()}: {skipped} skipped; "
        f"what is read: {read} (FOOTNOTE_FORMATS)"
    )
