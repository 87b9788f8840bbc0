"""Follows a collection of a store: a thread looks for a new generation and pulls it.

The service notices the new local CURRENT, opens it and drains the old one, as after a sync. Of
several processes of a machine one pulls, under the collection's lock.
"""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from ..errors import GenerationDamaged, IndexingError, SyncBusy
from ..store.manifest import GenerationRef, read_current
from .collection import SharedCollection
from .pull import Leave, leave_nothing, pull_current

log = logging.getLogger("footnote.shared")

STOP_TIMEOUT_S = 5.0
"""An interrupted pull leaves nothing behind that serves, so nobody waits for it longer."""


class Follower:
    """Keeps a local collection at the store's generation; attributes may be read by any thread."""

    def __init__(
        self,
        shared: SharedCollection,
        folder: Path,
        lock: Callable[[], AbstractContextManager[None]],
        *,
        poll_s: float,
        leave: Leave = leave_nothing,
    ) -> None:
        """`lock` returns the collection's lock, which raises SyncBusy; `leave` as for a pull."""
        self._shared, self._folder, self._lock = shared, folder, lock
        self._poll_s, self._leave = poll_s, leave
        self.pulls = self.failures = 0
        self.pull_s = 0.0
        """How long the pulls took together."""
        self.error: str | None = None
        """Why the last attempt failed."""
        self.served: GenerationRef | None = None
        """What the service answers from; the service sets it, and `is_refused`."""
        self.is_refused = False
        """Whether the newest local generation cannot be opened."""
        self._newest: GenerationRef | None = None
        self._answered_s = self._newest_since_s = time.monotonic()
        self._repaired: GenerationRef | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)

    @property
    def behind_s(self) -> float:
        """Seconds since the store last answered, or since it has a generation not served here.

        The longer of the two: between two polls it is up to their interval.
        """
        now = time.monotonic()
        unserved_s = now - self._newest_since_s if self._newest != self.served else 0.0
        return max(now - self._answered_s, unserved_s)

    def start(self) -> None:
        """Begins to follow, with a first look at once; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread, or leaves it behind in a pull; blocks for a moment."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(STOP_TIMEOUT_S)

    def _run(self) -> None:
        while True:
            self.poll()
            if self._stopping.wait(self._poll_s):
                return

    def poll(self) -> None:
        """Looks for a new generation once, and pulls it; an error is logged once and counted."""
        try:
            published, _ = self._shared.published()
            self._answered_s = time.monotonic()
            if published and published[0] != self._newest:
                self._newest, self._newest_since_s = published[0], self._answered_s
            if self._newest is not None and not self._has(self._newest):
                self._pull(self._newest)
        except SyncBusy:  # another process of this machine pulls, or syncs
            pass
        except (IndexingError, OSError) as error:  # a full disk may be temporary
            self.failures += 1
            if str(error) != self.error:
                log.warning("collection %s: %s", self._shared.collection, error)
            self.error = str(error)
        else:
            if self.error:
                log.info("collection %s: the shared store is back", self._shared.collection)
            self.error = None

    def _has(self, ref: GenerationRef) -> bool:
        needs_repair = self.is_refused and self._repaired != ref
        return self._local() == ref and not needs_repair

    def _local(self) -> GenerationRef | None:
        with suppress(GenerationDamaged):
            return read_current(self._folder)
        return None

    def _pull(self, ref: GenerationRef) -> None:
        started_s, size = time.monotonic(), 0

        def on_bytes(done: int, total: int) -> None:
            nonlocal size
            size = total

        repair = self._local() == ref
        for path in (self._folder.parent, self._folder):  # their files are the articles' texts
            path.mkdir(mode=0o700, exist_ok=True)
        with self._lock():
            if self._has(ref):
                return  # another process of this machine has just pulled it
            pulled = pull_current(
                self._shared, self._folder, on_bytes, leave=self._leave, repair=repair
            )
        if repair:
            self._repaired = ref
        seconds = time.monotonic() - started_s
        self.pulls, self.pull_s = self.pulls + 1, self.pull_s + seconds
        name = pulled.generation if pulled else "none"
        log.info(
            "collection %s: pulled generation %s, %.1f MB in %.1f s",
            *(self._shared.collection, name, size / 1e6, seconds),
        )
