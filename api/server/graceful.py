"""uvicorn's server, which says that it ends before it does, and lets every stream end properly.

uvicorn closes its listener at once on SIGTERM and cuts streams when its patience ends. A balancer
goes on sending requests for some seconds after it was told, and a cut stream looks like a failure.
"""

import asyncio
import math
import signal
import time
from socket import socket
from types import FrameType

import uvicorn

from ..service.service import Service

STREAMS_S = 18.0
"""So long after SIGTERM a running answer may go on; then it ends with an error."""
LAST_S = 2.0
"""What then may still be on its way to slow clients is cut after this, 20 s after SIGTERM."""
TICK_S = 0.1


class Server(uvicorn.Server):
    """Serves until a signal: SIGTERM drains, an interrupt or a second signal ends at once."""

    def __init__(self, config: uvicorn.Config, service: Service, *, drain_s: float) -> None:
        """`drain_s`: how long /readyz says 503 before the listener closes."""
        super().__init__(config)
        self.service, self._drain_s = service, drain_s
        self._asked: list[int] = []
        self._began = 0.0

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Takes a signal, between any two instructions of the main thread."""
        self._asked.append(sig)
        if not self.started or (self._began and len(self._asked) > 1):
            self.service.end()
        super().handle_exit(sig, frame)

    @property
    def _in_time(self) -> bool:
        """Was this asked for politely, and once?"""
        return self._asked == [signal.SIGTERM]

    async def main_loop(self) -> None:
        """Serves; after SIGTERM it goes on accepting for `drain_s`, not ready any more."""
        await super().main_loop()
        self._began = time.monotonic()
        self.service.draining = True
        while self._in_time and time.monotonic() < self._began + self._drain_s:
            await asyncio.sleep(TICK_S)

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Closes the listener, waits for the answers under way, and ends those that take long."""
        left = self._began + STREAMS_S - time.monotonic() if self._in_time else 0.0
        asyncio.get_running_loop().call_later(max(left, 0.0), self.service.end)
        self.config.timeout_graceful_shutdown = math.ceil(max(left, 0.0) + LAST_S)
        await super().shutdown(sockets)
