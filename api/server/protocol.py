"""uvicorn's HTTP protocol with bounds on headers, and with problems for what it cannot read.

What its parser refuses never reaches the app, and httptools takes headers without end, in size
and in time: who opens connections and says nothing would take every place that a process has.
"""

import asyncio
import logging
import secrets

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from ..errors import ApiError, HeadersTooLarge, RequestMalformed
from ..http.middleware import SAFE
from ..wire.problem_details import respond

log = logging.getLogger("footnote")

MAX_HEAD_BYTES = 65_536
"""As much as uvicorn's other parser, h11, takes, and a little more: the piece it came with."""


class Protocol(HttpToolsProtocol):
    """Reads the requests of one connection."""

    head_s = 30.0
    """So long a request's headers may take, the first one's from the connection on."""

    _head_bytes: int | None = None
    """How much of a request's head has come so far; None: none is on its way."""
    _end: asyncio.TimerHandle | None = None
    """What closes the connection where a head is late."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Begins to wait; names an IPv4 client as `trusted_proxies` does, on a socket for both."""
        super().connection_made(transport)
        if self.client and "." in self.client[0]:
            self.client = (self.client[0].removeprefix("::ffff:"), self.client[1])
        self._end = self.loop.call_later(self.head_s, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the waiting."""
        self._in_time()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Begins to count, and to wait."""
        super().on_message_begin()
        self._head_bytes = 0
        self._end = self._end or self.loop.call_later(self.head_s, self.transport.close)

    def on_headers_complete(self) -> None:
        """Ends both."""
        self._head_bytes = None
        self._in_time()
        super().on_headers_complete()

    def _in_time(self) -> None:
        if self._end:
            self._end.cancel()
            self._end = None

    def data_received(self, data: bytes) -> None:
        """Reads what came; refuses a head that goes on and on."""
        known = self._head_bytes
        super().data_received(data)
        if known is None or self._head_bytes is None or self.transport.is_closing():
            return
        self._head_bytes = known + len(data)
        if self._head_bytes > MAX_HEAD_BYTES:
            log.warning("a request's headers were too large")
            self._refuse(HeadersTooLarge(MAX_HEAD_BYTES))

    def send_400_response(self, msg: str) -> None:
        """Refuses what the parser cannot read; uvicorn has logged it."""
        self._refuse(RequestMalformed())

    def _unsupported_upgrade_warning(self) -> None:
        """Says nothing, where uvicorn would advise to install what nothing here needs."""

    def _refuse(self, error: ApiError) -> None:
        request_id = f"req_{secrets.token_hex(8)}"
        response = respond(error, {"path": "/", "state": {"request_id": request_id}})
        response.headers.update({**SAFE, "x-request-id": request_id, "connection": "close"})
        lines = [b"%s: %s\r\n" % header for header in response.raw_headers]
        head = b"".join([STATUS_LINE[response.status_code], *lines, b"\r\n"])
        self.transport.write(head + bytes(response.body))
        self.transport.close()
