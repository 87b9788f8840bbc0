"""A real web server on loopback, whose pages a test sets while it runs.

with WebServer() as web:
    web.pages["/a"] = Canned(b"<p>Hello</p>")
"""

import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from typing import Self

LOOPBACK = ip_network("127.0.0.1/32")
"""What tests allow besides public addresses: not 127.0.0.2, which is loopback, too."""


@dataclass(frozen=True)
class Canned:
    """A response; an `ETag` among its headers is honoured."""

    body: bytes = b""
    kind: str = "text/html; charset=utf-8"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    is_endless: bool = False
    """Whether the body is repeated until the client leaves."""
    is_silent: bool = False
    """Whether nothing comes after the headers."""


def redirect(location: str, status: int = 302) -> Canned:
    return Canned(status=status, headers={"Location": location})


class WebServer:
    """Serves `pages` by path with query; keeps what was requested."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.pages: dict[str, Canned] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self._stopping = threading.Event()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        kind = type("Server", (ThreadingHTTPServer,), {"address_family": family})
        self._server = kind((host, 0), self._handler())
        self.port: int = self._server.server_address[1]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def paths(self) -> list[str]:
        """The requested paths without robots.txt."""
        return [path for path, _ in self.requests if path != "/robots.txt"]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                web.requests.append((self.path, dict(self.headers)))
                page = web.pages.get(self.path, Canned(b"no such page", status=404))
                web.answer(self, page)

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        return Handler

    def answer(self, handler: BaseHTTPRequestHandler, page: Canned) -> None:
        etag = page.headers.get("ETag")
        status = page.status
        if etag and handler.headers.get("If-None-Match") == etag:
            status = 304
        handler.send_response(status)
        if page.kind:
            handler.send_header("Content-Type", page.kind)
        for name, value in page.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        try:
            if page.is_silent:
                self._stopping.wait(10)
            elif status != 304:
                handler.wfile.write(page.body)
            while page.is_endless and not self._stopping.is_set():
                handler.wfile.write(page.body)
        except OSError:  # the client had enough
            pass
