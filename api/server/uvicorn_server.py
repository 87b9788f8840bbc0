"""uvicorn with a graceful shutdown.

On SIGTERM uvicorn closes its listener at once and, after its timeout, cuts streams. But a load
balancer sends requests for some seconds after it was told to stop, and a cut stream looks like a
failure: this server drains first and ends every stream.
"""

import asyncio
import math
import signal
import time
from socket import socket
from types import FrameType

import uvicorn

from ..service.service import Service

STREAMS_TIMEOUT_S = 18.0
"""After SIGTERM, how long answers may continue; then each ends with an error."""
FLUSH_TIMEOUT_S = 2.0
"""After that, how long slow clients may take to receive the rest; 20 s after SIGTERM in all."""
POLL_S = 0.1


class GracefulServer(uvicorn.Server):
    """Serves until a signal: SIGTERM drains, an interrupt or a second signal ends at once."""

    def __init__(self, config: uvicorn.Config, service: Service, *, drain_s: float) -> None:
        """`drain_s`: how long /readyz answers 503 before the listener closes."""
        super().__init__(config)
        self.service, self._drain_s = service, drain_s
        self._signals: list[int] = []
        self._shutdown_began = 0.0

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Handles a signal, between any two instructions of the main thread."""
        self._signals.append(sig)
        if not self.started or (self._shutdown_began and len(self._signals) > 1):
            self.service.stop_answers()
        super().handle_exit(sig, frame)

    @property
    def _is_graceful(self) -> bool:
        """Whether the only signal so far is one SIGTERM."""
        return self._signals == [signal.SIGTERM]

    async def main_loop(self) -> None:
        """Serves; after SIGTERM accepts connections for another `drain_s`, while not ready."""
        await super().main_loop()
        self._shutdown_began = time.monotonic()
        self.service.is_draining = True
        while self._is_graceful and time.monotonic() < self._shutdown_began + self._drain_s:
            await asyncio.sleep(POLL_S)

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Closes the listener and waits for running answers, until they time out."""
        timeout_s = 0.0
        if self._is_graceful:
            timeout_s = max(0.0, self._shutdown_began + STREAMS_TIMEOUT_S - time.monotonic())
        asyncio.get_running_loop().call_later(timeout_s, self.service.stop_answers)
        self.config.timeout_graceful_shutdown = math.ceil(timeout_s + FLUSH_TIMEOUT_S)
        await super().shutdown(sockets)
