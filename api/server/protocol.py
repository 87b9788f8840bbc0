"""uvicorn's HTTP protocol with limits on request headers and problem responses to parser errors.

The app never sees what the parser refuses, and httptools accepts headers of any size and for any
time: clients that connect and send nothing could occupy every connection of a process. Neither of
uvicorn's options helps: `h11_max_incomplete_event_size` is h11's alone, and there is no timeout for
headers.
"""

import asyncio
import logging

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from ..errors import RequestError
from ..http.middleware import SECURITY_HEADERS, new_request_id
from ..wire.problem_details import error_response

log = logging.getLogger("footnote")

MAX_HEADER_BYTES = 65_536
"""As many as h11 accepts, plus the rest of the chunk in which the limit is reached."""


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
