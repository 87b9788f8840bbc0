"""A folder that changes → a sync after each change, once the folder has come to rest.

What watchfiles notices only wakes this up; whether there is something to do is decided by the
scan that a sync begins with, so temporary and ignored files cost a look and no more. A look every
half minute is the net below that. `python -m index.sync.watch` reads one request, a line, from
standard input, writes one event a line, and ends when standard input closes (`process.py` is the
parent's side).
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
from ..types import Skipped
from .process import Event, SyncReport, SyncRequest, described, request_from, run_sync

QUIET_S = 1.0
"""A folder is at rest when it looks the same after this, and no file changed within 2 s."""
PATIENCE_S = 30.0
"""A folder that never rests, such as one with a log in it, is synced this often."""
RESCAN_S = 30.0
"""How often the folder is looked at when nothing was noticed, and a failed sync tried again."""
POLL_S = 5.0
"""How often it is looked at where nothing can be noticed: no folder, or too many."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a scan saw; equal when a sync would find the same."""

    found: tuple[corpus.Found, ...]
    skipped: tuple[Skipped, ...]
    cause: str
    error: IndexingError | None = field(compare=False)


class Watch:
    """One corpus, kept synced by `sync`; `say` hears the events of every sync.

    Each ends with `done` and its report, or `failed` with its error; then comes `watch`.
    """

    def __init__(
        self,
        request: SyncRequest,
        say: Callable[[Event], None],
        *,
        sync: Callable[[SyncRequest, Callable[[Event], None]], SyncReport] = run_sync,
        rescan_s: float = RESCAN_S,
    ) -> None:
        self._request, self._say, self._run, self._rescan_s = request, say, sync, rescan_s
        self._blind = ""

    def run(self) -> None:
        """Syncs at once and then after each change, until an exception ends it."""
        look = self._look()
        known: Look | None = None
        while True:
            if look != known:
                known = look if self._sync(look) else None
                self._say({"event": "watch", "folder": str(self._request.corpus)})
            self._wait(look)
            look = self._at_rest(known)

    def _sync(self, look: "Look") -> bool:
        """Syncs what was seen; False where that is to be tried again."""
        if look.error is not None:
            self._say(described(look.error))
            return True  # until the folder looks otherwise
        try:
            report = self._run(self._request, self._say)
        except IndexingError as error:
            self._say(described(error))
            return False
        self._say({"event": "done", "report": asdict(report)})
        return True

    def _look(self) -> "Look":
        request = self._request
        try:
            found, skipped = corpus.scan(
                request.corpus, formats=request.formats, max_file_bytes=request.max_file_bytes
            )
        except IndexingError as error:
            return Look((), (), str(error), error)
        return Look(tuple(found), tuple(skipped), "", None)

    def _at_rest(self, known: "Look | None") -> "Look":
        """Returns what is seen when that is `known`, at rest, or restless for long."""
        look = self._look()
        until = time.monotonic() + PATIENCE_S
        while look != known and time.monotonic() < until:
            time.sleep(QUIET_S)
            before, look = look, self._look()
            if look == before and all(file.stamp for file in look.found):
                break
        return look

    def _wait(self, look: "Look") -> None:
        """Returns when another look may see something else, or the last one was long ago.

        One is taken as soon as changes are noticed, for those before that.
        """
        until = time.monotonic() + self._rescan_s
        for number, noticed in enumerate(self._noticed()):
            if noticed or time.monotonic() >= until or (number == 0 and self._look() != look):
                return

    def _noticed(self) -> Iterator[bool]:
        """Yields True when something happened in the folders, False after each quiet second."""
        from watchfiles import watch

        try:
            folders = corpus.folders(self._request.corpus)
            for changes in watch(
                *folders,  # one by one: a recursive watch would follow links out of the corpus
                recursive=False,
                watch_filter=None,
                rust_timeout=int(QUIET_S * 1000),
                yield_on_timeout=True,
                force_polling=False,
                ignore_permission_denied=True,
                debug=False,
            ):
                self._blind = ""
                yield bool(changes) or not folders[0].is_dir()  # a move of it is not reported
        except IndexingError:  # the next look says so
            time.sleep(POLL_S)
            yield True
        except OSError as error:
            if str(error) != self._blind:
                self._blind = str(error)
                self._say({"event": "blind", "cause": str(error), "every_s": POLL_S})
            time.sleep(POLL_S)
            yield True


def _end_with_input() -> None:
    """Ends this process when its standard input does: whoever asked for it is gone."""
    while sys.stdin.read(4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> int:
    """Watches for the parent; returns the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides

    def end(*_: object) -> None:
        raise SystemExit(0)  # ends a sync under way, too

    signal.signal(signal.SIGTERM, end)
    request = request_from(sys.stdin.readline())
    threading.Thread(target=_end_with_input, daemon=True).start()

    def say(event: Event) -> None:
        sys.stdout.write(json.dumps(event) + "\n")
        sys.stdout.flush()

    with suppress(KeyboardInterrupt, SystemExit, BrokenPipeError):  # watchfiles raises the first
        Watch(request, say).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
