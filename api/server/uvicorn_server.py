"""uvicorn with a graceful shutdown, header limits, and problem responses to parser errors.

On SIGTERM uvicorn closes its listener at once and, after its timeout, cuts streams. But a load
balancer sends requests for some seconds after it was told to stop, and a cut stream looks like a
failure: this server drains first and ends every stream. Its parser, httptools, accepts headers of
any size and for any time, so idle clients could occupy every connection of a process; uvicorn has
a limit only for h11's headers (`h11_max_incomplete_event_size`), no timeout, and answers in text.
"""

import asyncio
import logging
import math
import signal
import time
from socket import socket
from types import FrameType

import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from ..errors import RequestError
from ..http.middleware import SECURITY_HEADERS, new_request_id
from ..service.service import Service
from ..wire.problem_details import error_response

log = logging.getLogger("footnote")

STREAMS_TIMEOUT_S = 18.0
"""After SIGTERM, how long answers may continue; then each ends with an error."""
FLUSH_TIMEOUT_S = 2.0
"""After that, how long slow clients may take to receive the rest; 20 s after SIGTERM in all."""
POLL_S = 0.1
MAX_HEADER_BYTES = 65_536
"""As many as h11 accepts, plus the rest of the chunk in which the limit is reached."""


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


class LimitedProtocol(HttpToolsProtocol):
    """Reads the requests of one connection."""

    headers_timeout_s = 30.0
    """For the headers of a request; the first one's time starts with the connection."""

    _header_bytes: int | None = None
    """Received bytes of the current request's headers; None between requests."""
    _timeout: asyncio.TimerHandle | None = None
    """Closes the connection when the headers are late."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Starts the timeout; on a dual-stack socket names IPv4 clients as `trusted_proxies` do."""
        super().connection_made(transport)
        if self.client and "." in self.client[0]:
            self.client = (self.client[0].removeprefix("::ffff:"), self.client[1])
        self._start_timeout()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops the timeout."""
        self._stop_timeout()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Starts counting and the timeout."""
        super().on_message_begin()
        self._header_bytes = 0
        self._start_timeout()

    def on_headers_complete(self) -> None:
        """Stops both."""
        self._header_bytes = None
        self._stop_timeout()
        super().on_headers_complete()

    def _start_timeout(self) -> None:
        if self._timeout is None:
            self._timeout = self.loop.call_later(self.headers_timeout_s, self.transport.close)

    def _stop_timeout(self) -> None:
        if self._timeout:
            self._timeout.cancel()
            self._timeout = None

    def data_received(self, data: bytes) -> None:
        """Parses data; refuses headers that exceed the limit."""
        header_bytes = self._header_bytes
        super().data_received(data)
        if header_bytes is None or self._header_bytes is None or self.transport.is_closing():
            return
        self._header_bytes = header_bytes + len(data)
        if self._header_bytes > MAX_HEADER_BYTES:
            log.warning("refused a request: headers too large")
            message = f"the request headers exceed {MAX_HEADER_BYTES:,} bytes"
            self._refuse(RequestError("headers_too_large", message))

    def send_400_response(self, msg: str) -> None:
        """Answers what the parser cannot read; uvicorn has logged it."""
        message = "not a valid HTTP/1.1 request, or its URL is too long"
        self._refuse(RequestError("bad_request", message))

    def _unsupported_upgrade_warning(self) -> None:
        """Suppresses uvicorn's advice to install a WebSocket library."""

    def _refuse(self, error: RequestError) -> None:
        request_id = new_request_id()
        response = error_response(error, {"path": "/", "state": {"request_id": request_id}})
        response.headers.update(
            {**SECURITY_HEADERS, "x-request-id": request_id, "connection": "close"}
        )
        lines = [b"%s: %s\r\n" % header for header in response.raw_headers]
        head = b"".join([STATUS_LINE[response.status_code], *lines, b"\r\n"])
        self.transport.write(head + bytes(response.body))
        self.transport.close()
