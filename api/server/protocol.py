"""One HTTP connection: limits on what a client sends, and on how slowly it sends and reads.

httptools accepts headers of any size, number and duration, and uvicorn waits for ever for a client
that stops reading, or that stops sending after its response. Each state of a connection has a
time limit here: headers, what is left of a body after the response, unread bytes of a response
(`BodyLimitMiddleware` has that of a body, uvicorn's keep-alive that of an idle connection).
"""

import asyncio
import logging
import re
import resource
import socket
from contextlib import suppress

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from ..errors import RequestError
from ..http.middleware import MIN_BYTES_PER_S, SECURITY_HEADERS, new_request_id
from ..wire.problem_details import error_response

log = logging.getLogger("footnote")

MAX_HEADER_BYTES = 65_536
"""As many as h11 accepts, plus the rest of the chunk in which the limit is reached."""
MAX_HEADERS = 100
"""Each look at a header reads all of them."""
MAX_URL_BYTES = 16_384
"""A cursor has up to 6,000 characters."""
MAX_PIPELINED = 16
"""Requests that wait for the response to an earlier one on the same connection."""
MAX_CONNECTIONS = 2_000
"""Open connections of a process, or half of what the system allows it to have open."""
UNSENT_BYTES = 65_536
"""What the kernel holds of a response besides what is on its way: the rest waits here, counted."""

_ABSOLUTE_TARGET = re.compile(rb"https?://([^/?#]*)", re.IGNORECASE)


def _max_connections() -> int:
    soft_limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MAX_CONNECTIONS if soft_limit < 0 else min(MAX_CONNECTIONS, soft_limit // 2)


class LimitedProtocol(HttpToolsProtocol):
    """Reads the requests of one connection and writes their responses."""

    headers_timeout_s = 30.0
    """For the headers of a request; the first one's time starts with the connection."""
    write_timeout_s = 30.0
    """How long a client may take no byte, or in all be behind `MIN_BYTES_PER_S`, of a response."""
    max_connections = _max_connections()

    _is_in_headers = False
    _progress = 0
    """Counts the parts of requests that were read: headers, pieces of bodies, ends."""
    _bytes_without_progress = 0
    _refusal: RequestError | None = None
    """What the parser was stopped for."""
    _timeout: asyncio.TimerHandle | None = None
    """Closes the connection when what the client has to send is late."""
    _write_timeout: asyncio.TimerHandle | None = None
    """Runs while a response has bytes that the client does not take."""
    _write_credit_s = 0.0
    """How long the client may still take no byte."""
    _unsent: tuple[float, int] = 0.0, 0
    """When the bytes of a response were counted last, and how many waited."""
    _waiting_since = 0.0
    """When this connection last began to wait for its client."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Starts the timeout; on a dual-stack socket names IPv4 clients as `trusted_proxies` do."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=0)  # so that writing is paused while bytes wait
        _limit_unsent(transport.get_extra_info("socket"))
        if self.client and "." in self.client[0]:
            self.client = (self.client[0].removeprefix("::ffff:"), self.client[1])
        self._waiting_since, self._write_credit_s = self.loop.time(), self.write_timeout_s
        self._start_timeout()
        self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops the timeouts."""
        self._stop_timeout()
        self._stop_write_timeout()
        super().connection_lost(exc)

    # --- what the client sends

    def on_message_begin(self) -> None:
        """Starts the headers' timeout; refuses a queue of requests."""
        if len(self.pipeline) >= MAX_PIPELINED:
            self._stop_parser("bad_request", "too many requests at once on one connection")
        super().on_message_begin()
        self._unset_keepalive_if_required()
        self._is_in_headers = True
        self._start_timeout()

    def on_url(self, url: bytes) -> None:
        """Refuses a long URL."""
        super().on_url(url)
        if len(self.url) > MAX_URL_BYTES:
            self._stop_parser("bad_request", f"the URL exceeds {MAX_URL_BYTES:,} bytes")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Refuses too many headers, and those that follow a body (trailers)."""
        if not self._is_in_headers:
            self._stop_parser("bad_request", "headers after a body are not supported")
        if len(self.headers) >= MAX_HEADERS:
            self._stop_parser("headers_too_large", f"there are more than {MAX_HEADERS} headers")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Stops the headers' timeout."""
        self._is_in_headers = False
        self._progress += 1
        self._stop_timeout()
        self._write_credit_s = self.write_timeout_s
        self._use_target_host()
        super().on_headers_complete()

    def _use_target_host(self) -> None:
        """Replaces the Host header by the host of an absolute target, which counts (RFC 9112)."""
        if match := _ABSOLUTE_TARGET.match(self.url):
            others = [header for header in self.headers if header[0] != b"host"]
            self.headers[:] = [*others, (b"host", match[1])]
            path = self.url[match.end() :]
            self.url = path if path.startswith(b"/") else b"/" + path

    def on_body(self, body: bytes) -> None:
        """Counts a piece of a body."""
        self._progress += 1
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Counts the end of a request; after its response the connection is idle from here on."""
        self._progress += 1
        super().on_message_complete()
        if self.cycle.response_complete:
            self._stop_timeout()
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def on_response_complete(self) -> None:
        """Starts the timeout of what is left of a body that no route needed."""
        super().on_response_complete()
        self._waiting_since = self.loop.time()
        is_last = self.cycle.response_complete  # else a pipelined request follows
        if is_last and self.cycle.more_body and not self.transport.is_closing():
            self._start_timeout()

    def data_received(self, data: bytes) -> None:
        """Parses data; refuses what exceeds the limit without being a part of a body."""
        progress = self._progress
        super().data_received(data)
        if self.transport.is_closing():
            return
        has_progress = self._progress != progress
        self._bytes_without_progress = (
            0 if has_progress else self._bytes_without_progress + len(data)
        )
        if self._bytes_without_progress > MAX_HEADER_BYTES:
            message = f"the request headers exceed {MAX_HEADER_BYTES:,} bytes"
            self._refuse(RequestError("headers_too_large", message))
        elif self._is_idle and not (self.timeout_keep_alive_task or self._timeout):
            self._start_timeout()  # blank lines between requests end uvicorn's keep-alive timeout

    def _start_timeout(self) -> None:
        if self._timeout is None:
            self._timeout = self.loop.call_later(self.headers_timeout_s, self.transport.close)

    def _stop_timeout(self) -> None:
        if self._timeout:
            self._timeout.cancel()
            self._timeout = None

    # --- what the client reads

    def pause_writing(self) -> None:
        """Starts the write timeout: the client does not take what was written."""
        super().pause_writing()
        self._unsent = self.loop.time(), self.transport.get_write_buffer_size()
        self._stop_write_timeout()
        self._write_timeout = self.loop.call_later(self._write_credit_s, self._check_reader)

    def resume_writing(self) -> None:
        """Stops the write timeout."""
        if self._write_timeout:
            self._count_taken_bytes()
            self._stop_write_timeout()
        super().resume_writing()

    def _count_taken_bytes(self) -> None:
        """Updates the credit: time passes, and each `MIN_BYTES_PER_S` taken give a second."""
        counted_at, unsent_before = self._unsent
        self._unsent = now, unsent = self.loop.time(), self.transport.get_write_buffer_size()
        gained_s = max(0, unsent_before - unsent) / MIN_BYTES_PER_S
        credit_s = self._write_credit_s - (now - counted_at) + gained_s
        self._write_credit_s = min(self.write_timeout_s, max(0.0, credit_s))

    def _check_reader(self) -> None:
        self._count_taken_bytes()
        if self._write_credit_s > 0.01:
            self._write_timeout = self.loop.call_later(self._write_credit_s, self._check_reader)
            return
        log.warning("client_disconnected: a client stopped reading; its connection was closed")
        self._abort()

    def _stop_write_timeout(self) -> None:
        if self._write_timeout:
            self._write_timeout.cancel()
            self._write_timeout = None

    # --- how many there are

    @property
    def _is_idle(self) -> bool:
        """Whether no request is being handled."""
        return self.cycle is None or self.cycle.response_complete

    @property
    def _is_waiting(self) -> bool:
        """Whether it depends on the client alone how it goes on."""
        return self._is_idle or self.flow.write_paused or self.cycle.more_body

    def _make_room(self) -> None:
        """Closes the connections that wait longest for their clients, if there are too many."""
        if len(self.connections) <= self.max_connections:
            return
        waiting = [
            one
            for one in self.connections
            if isinstance(one, LimitedProtocol) and one is not self and one._is_waiting
        ]
        waiting.sort(key=lambda one: (not one._is_idle, one._waiting_since))
        log.warning("too many connections: closing those that wait for their clients")
        for one in waiting[: self.max_connections // 10 + 1] or [self]:
            one._abort()

    def _abort(self) -> None:
        """Ends the connection with its unsent bytes; the request in progress is told."""
        self._stop_write_timeout()
        if not self._is_idle:
            self.cycle.scope["state"]["client_left"] = True
        self.transport.abort()

    # --- what is refused

    def _stop_parser(self, code: str, message: str) -> None:
        self._refusal = RequestError(code, message)
        raise self._refusal  # httptools makes it an HttpParserError, and uvicorn that the next call

    def send_400_response(self, msg: str) -> None:
        """Answers what the parser cannot read; uvicorn has logged it."""
        message = "not a valid HTTP/1.1 request, or its URL is too long"
        self._refuse(self._refusal or RequestError("bad_request", message))

    def _unsupported_upgrade_warning(self) -> None:
        """Suppresses uvicorn's advice to install a WebSocket library."""

    def _refuse(self, error: RequestError) -> None:
        log.warning("refused a request: %s", error)
        if self.pipeline or (not self._is_idle and self.cycle.response_started):
            self._abort()  # it would be read as a part of the response to another request
            return
        request_id = new_request_id()
        response = error_response(error, {"path": "/", "state": {"request_id": request_id}})
        response.headers.update(
            {**SECURITY_HEADERS, "x-request-id": request_id, "connection": "close"}
        )
        lines = [b"%s: %s\r\n" % header for header in response.raw_headers]
        head = b"".join([STATUS_LINE[response.status_code], *lines, b"\r\n"])
        self.transport.write(head + bytes(response.body))
        self.transport.close()


def _limit_unsent(connection: socket.socket | None) -> None:
    """Keeps the kernel from buffering megabytes for a client that does not read."""
    option = getattr(socket, "TCP_NOTSENT_LOWAT", None)
    if connection is not None and option is not None:
        with suppress(OSError):  # not every system and kind of socket has it
            connection.setsockopt(socket.IPPROTO_TCP, option, UNSENT_BYTES)
