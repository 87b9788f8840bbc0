"""A TCP proxy on loopback that counts requests, and cuts, holds or calls back at any of them.

with CuttingProxy(("127.0.0.1", port), is_request=is_http) as proxy:
    proxy.on_request = lambda number: os.kill(pid, signal.SIGKILL) if number == 7 else None

Bytes are forwarded as they are, so any protocol works; what counts as a request is a function of
the bytes that arrive at once.
"""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

HTTP_METHODS = (b"GET ", b"PUT ", b"POST ", b"DELETE ", b"HEAD ")


def is_http(data: bytes) -> bool:
    """Do the bytes begin an HTTP request?"""
    return data.startswith(HTTP_METHODS)


def is_any(data: bytes) -> bool:
    """Every arrival of bytes counts."""
    return True


def ignore(number: int) -> None:
    """Does nothing at a request."""


class CuttingProxy:
    """Forwards connections to `target`; `requests` counts, `received` and `sent` are bytes."""

    def __init__(
        self, target: tuple[str, int], *, is_request: Callable[[bytes], bool] = is_any
    ) -> None:
        self._target, self._is_request = target, is_request
        self.on_request: Callable[[int], None] = ignore
        """Called with the number of each request, from 1, before it is forwarded."""
        self.on_reply: Callable[[int], None] = ignore
        """Called with the number of requests so far before any bytes of a reply are forwarded."""
        self.requests = self.sent = self.received = 0
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._flows = threading.Event()
        self._flows.set()
        self._is_cut = False

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._flows.set()
        self.cut()
        self._listener.close()

    def restart_count(self) -> None:
        """Counts from 0 again."""
        with self._lock:
            self.requests = self.sent = self.received = 0

    def cut(self) -> None:
        """Closes all connections, and every new one at once, until `restore`."""
        with self._lock:
            self._is_cut = True
            sockets, self._sockets = self._sockets, set()
        for one in sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def hold(self) -> None:
        """Keeps connections open but forwards nothing, until `restore`."""
        self._flows.clear()

    def restore(self) -> None:
        """Forwards again; what was cut stays closed."""
        self._is_cut = False
        self._flows.set()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError), socket.create_connection(self._target) as server:
            with self._lock:
                if self._is_cut:
                    return
                self._sockets |= {client, server}
            back = threading.Thread(target=self._forward, args=(server, client, False), daemon=True)
            back.start()
            self._forward(client, server, True)
            back.join()
            with self._lock:
                self._sockets -= {client, server}

    def _forward(self, source: socket.socket, target: socket.socket, is_client: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self._flows.wait()
                self._count(data, is_client=is_client)
                target.sendall(data)
        for one in (source, target):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _count(self, data: bytes, *, is_client: bool) -> None:
        with self._lock:
            self.sent += len(data) * is_client
            self.received += len(data) * (not is_client)
            is_request = is_client and self._is_request(data)
            self.requests += is_request
            number = self.requests
        if is_request:
            self.on_request(number)
        elif not is_client:
            self.on_reply(number)
