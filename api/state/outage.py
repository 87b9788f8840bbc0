"""An outage of the state database: reported once, and not tried by every request that meets it."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import StateUnreadable

log = logging.getLogger("footnote")

NAME = "the state database"
RETRY_S = 1.0
"""After a failure nobody connects for this long."""


class Outage:
    """Whether the server is reachable; reported once when it is lost, and once when it is back."""

    def __init__(self) -> None:
        self._cause: StateUnreadable | None = None
        self._retry_at = 0.0
        self._trying = threading.Lock()

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Runs the block, or raises the last failure where it is recent or another is trying."""
        known, has_lock = self._cause, False
        if known is not None:
            if time.monotonic() < self._retry_at or not self._trying.acquire(blocking=False):
                raise StateUnreadable(NAME, known.cause)
            has_lock = True
        try:
            yield
        except StateUnreadable as error:
            if self._cause is None:
                log.error("%s", error)
            self._cause, self._retry_at = error, time.monotonic() + RETRY_S
            raise
        else:
            if self._cause is not None:
                self._cause = None
                log.info("%s is reachable again", NAME)
        finally:
            if has_lock:
                self._trying.release()
