"""Watches a folder and syncs after each change, debounced until the folder is at rest.

watchfiles' notifications only trigger a scan; the scan decides whether there is something to sync,
so temporary and ignored files cost a scan and no more. A periodic scan finds changes that were not
notified. `python -m index.sync.watch` reads one request, a line, from standard input, writes one
event per line, and ends when standard input closes (`process.py` is the parent's side).
"""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field

from .. import corpus
from ..errors import IndexingError
from ..redact import guard_stderr
from ..types import Skipped
from .process import (
    Event,
    OnEvent,
    SyncReport,
    SyncRequest,
    error_to_event,
    request_from_json,
    run_sync,
)

DEBOUNCE_S = 1.0
"""A folder is at rest when two scans this far apart are equal and no file is younger than 2 s."""
MAX_DEBOUNCE_S = 30.0
"""A folder that is never at rest, such as one with a log in it, is synced this often."""
RESCAN_S = 30.0
"""Time between scans without a notification, and before a failed sync is retried."""
POLL_S = 5.0
"""Time between scans where notifications are impossible: no folder, or too many."""


@dataclass(frozen=True, slots=True)
class CorpusSnapshot:
    """The result of a scan; two are equal when a sync would read the same."""

    files: tuple[corpus.CorpusFile, ...]
    skipped: tuple[Skipped, ...]
    error_message: str = ""
    error: IndexingError | None = field(default=None, compare=False)


class CorpusWatcher:
    """Keeps one corpus synced; `emit` receives the events of every sync.

    Each sync ends with `done` and its report, or `failed` with its error; then comes `watch`.
    """

    def __init__(
        self,
        request: SyncRequest,
        emit: OnEvent,
        *,
        sync: Callable[[SyncRequest, OnEvent], SyncReport] = run_sync,
        rescan_s: float = RESCAN_S,
    ) -> None:
        self._request, self._emit, self._run_sync = request, emit, sync
        self._rescan_s = rescan_s
        self._notify_error = ""

    def run(self) -> None:
        """Syncs at once and then after each change, until an exception ends it."""
        snapshot = self._scan()
        synced: CorpusSnapshot | None = None
        while True:
            if snapshot != synced:
                synced = snapshot if self._sync(snapshot) else None
                self._emit({"event": "watch", "folder": str(self._request.corpus)})
            self._wait_for_change(snapshot)
            snapshot = self._debounced_scan(synced)

    def _sync(self, snapshot: CorpusSnapshot) -> bool:
        """Syncs a snapshot; returns False where that is to be retried."""
        if snapshot.error is not None:
            self._emit(error_to_event(snapshot.error))
            return True  # nothing to retry until the folder changes
        try:
            report = self._run_sync(self._request, self._emit)
        except IndexingError as error:
            self._emit(error_to_event(error))
            return False
        self._emit({"event": "done", "report": asdict(report)})
        return True

    def _scan(self) -> CorpusSnapshot:
        request = self._request
        try:
            files, skipped = corpus.scan(
                request.corpus, formats=request.formats, max_file_bytes=request.max_file_bytes
            )
        except IndexingError as error:
            return CorpusSnapshot((), (), str(error), error)
        return CorpusSnapshot(tuple(files), tuple(skipped))

    def _debounced_scan(self, synced: CorpusSnapshot | None) -> CorpusSnapshot:
        """Returns a snapshot that is already synced, at rest, or has changed for too long."""
        snapshot = self._scan()
        deadline = time.monotonic() + MAX_DEBOUNCE_S
        while snapshot != synced and time.monotonic() < deadline:
            time.sleep(DEBOUNCE_S)
            before, snapshot = snapshot, self._scan()
            if snapshot == before and all(file.stamp for file in snapshot.files):
                break
        return snapshot

    def _wait_for_change(self, snapshot: CorpusSnapshot) -> None:
        """Returns when something may have changed, or the last scan was `rescan_s` ago.

        Scans once after notifications have begun, for changes before that.
        """
        deadline = time.monotonic() + self._rescan_s
        for number, is_changed in enumerate(self._notifications()):
            if is_changed or time.monotonic() >= deadline:
                return
            if number == 0 and self._scan() != snapshot:
                return

    def _notifications(self) -> Iterator[bool]:
        """Yields True when something happened in the folders, False after each quiet second."""
        from watchfiles import watch

        try:
            folders = corpus.list_folders(self._request.corpus)
            for changes in watch(
                *folders,  # one by one: a recursive watch would follow links out of the corpus
                recursive=False,
                watch_filter=None,
                rust_timeout=int(DEBOUNCE_S * 1000),
                yield_on_timeout=True,
                force_polling=False,
                ignore_permission_denied=True,
                debug=False,
            ):
                self._notify_error = ""
                yield bool(changes) or not folders[0].is_dir()  # a move of it is not notified
        except IndexingError:  # the next scan reports it
            time.sleep(POLL_S)
            yield True
        except OSError as error:
            if str(error) != self._notify_error:
                self._notify_error = str(error)
                self._emit({"event": "blind", "cause": str(error), "every_s": POLL_S})
            time.sleep(POLL_S)
            yield True


def _exit_with_stdin() -> None:
    """Ends this process when its standard input closes: the parent has ended."""
    while sys.stdin.read(4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> int:
    """Watches for the parent; returns the exit code."""
    guard_stderr()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides

    def end(*_: object) -> None:
        raise SystemExit(0)  # ends a running sync, too

    signal.signal(signal.SIGTERM, end)
    request = request_from_json(sys.stdin.readline())
    threading.Thread(target=_exit_with_stdin, daemon=True).start()

    def emit(event: Event) -> None:
        sys.stdout.write(json.dumps(event) + "\n")
        sys.stdout.flush()

    with suppress(KeyboardInterrupt, SystemExit, BrokenPipeError):  # watchfiles raises the first
        CorpusWatcher(request, emit).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
