"""The heartbeat of running jobs: in a shared state it keeps other machines from running them, too.

Where it cannot be sent for so long that another machine may take the jobs, `on_lost` is called:
then this one must stop.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from ..errors import StateUnreadable
from ..state.job_claims import HEARTBEAT_S, ORPHAN_S
from ..state.jobs import JobStore

log = logging.getLogger("footnote.jobs")


class Heartbeat:
    """Beats while its block runs, in a thread; does nothing where no other machine has the jobs."""

    def __init__(
        self,
        jobs: JobStore,
        ids: Sequence[str],
        on_lost: Callable[[], None],
        *,
        interval_s: float = HEARTBEAT_S,
        max_silence_s: float = ORPHAN_S - HEARTBEAT_S,
    ) -> None:
        """`on_lost` is called at most once, in the thread."""
        self.is_lost = False
        """Whether another process may run these jobs, or does."""
        self._jobs, self._ids, self._on_lost = jobs, ids, on_lost
        self._interval_s, self._max_silence_s = interval_s, max_silence_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        """Begins."""
        if self._jobs.needs_heartbeat:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ends."""
        self._ended.set()

    def _beat(self) -> None:
        beaten_at = time.monotonic()
        while not self._ended.wait(self._interval_s):
            started_at, is_ours = time.monotonic(), True
            try:
                is_ours = self._jobs.beat(self._ids)
                beaten_at = started_at
            except StateUnreadable as error:
                log.warning("jobs cannot be kept from other machines: %s", error)
            if not is_ours or time.monotonic() - beaten_at > self._max_silence_s:
                self.is_lost = True
                if not self._ended.is_set():
                    self._on_lost()
                return
