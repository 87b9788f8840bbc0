"""A server that says whatever a test wants in the service's own wire format, and hosts pages.

The widget must hold out against a service that lies, breaks off or takes its time, which the real
one does not do on demand. A script turns a question's body into steps: events, threading.Events to
wait for, a CUT in mid-answer, or a Refusal instead of a stream.
"""

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.support.running import ROOT

BUNDLE = ROOT / "api" / "widget" / "dist" / "widget.js"
CUT = "cut"

Json = dict[str, Any]
Event = tuple[str, Json]


@dataclass(frozen=True)
class Refusal:
    """A problem instead of an answer."""

    status: int
    code: str = "internal"
    detail: str = "something went wrong"


Step = Event | threading.Event | str
Script = Callable[[Json], Iterable[Step] | Refusal]


def host(
    service: "StandIn", attributes: str = 'mode="inline"', *, inside: str = "", head: str = ""
) -> str:
    """The HTML of a site that has the widget of a service."""
    return (
        f'<!doctype html><html lang="en"><head><title>A site</title>{head}'
        f'<script src="{service.url}/widget/v1.js" defer></script></head>'
        f"<body><main><h1>A site</h1><footnote-chat {attributes}>{inside}</footnote-chat></main>"
        "</body></html>"
    )


@dataclass
class Page:
    """A page that this server hosts."""

    html: str
    headers: Mapping[str, str] = field(default_factory=dict)


def citation(n: int = 1, **changes: Any) -> Json:
    return {
        "n": n,
        "source_id": "s",
        "source": "lake.txt",
        "title": "The lake",
        "heading": None,
        "page": None,
        "line": 4,
        "sha256": "0" * 64,
        "start": 10,
        "end": 30,
        "quote": "The lake froze.",
        "before": "It was cold. ",
        "after": " It thawed.",
        "url": f"/v1/sources/s/view?start=10&end={30 + n}#cite",
    } | changes


def passage(rank: int = 1, **changes: Any) -> Json:
    return {
        "rank": rank,
        "source_id": "s",
        "source": "lake.txt",
        "title": "The lake",
        "heading": None,
        "page": None,
        "start": 0,
        "end": 30,
        "text": "It was cold. The lake froze.",
        "score": 0.9,
        "scores": {"dense": 0.9, "lexical": 0.9, "sentence": 0.9},
        "url": "/v1/sources/s/view?start=0&end=30#cite",
    } | changes


def sentence(text: str, whole: str, status: str = "supported", **changes: Any) -> Json:
    start = whole.index(text)
    return {
        "text": text,
        "start": start,
        "end": start + len(text),
        "status": status,
        "why": None if status == "supported" else "42 is not in its source",
        "citations": [1],
    } | changes


def answer(text: str, question: str = "?", **changes: Any) -> Json:
    return {
        "id": "ans_test",
        "question": question,
        "standalone_question": question,
        "answer": text,
        "format": "markdown",
        "answered": True,
        "reason": None,
        "confidence": 0.9,
        "answerer": "model",
        "model": "a-model",
        "degraded": False,
        "sentences": [],
        "citations": [citation()],
        "passages": [passage(1), passage(2, title="The river")],
        "index": {"collection": "default", "generation": "000001", "complete": True},
        "timings_ms": {"retrieve": 1.0, "answer": 1.0, "total": 2.0},
        "usage": None,
    } | changes


def steps(whole: Json, *, piece: int = 5) -> Iterator[Event]:
    """The events of an answer, its text in pieces of so many characters."""
    yield "passages", {"id": whole["id"], "passages": whole["passages"]}
    for cited in whole["citations"]:
        yield "citation", {"citation": cited}
    text = whole["answer"]
    for at in range(0, len(text), piece):
        yield "delta", {"text": text[at : at + piece], "format": whole["format"]}
    for index, said in enumerate(whole["sentences"]):
        yield "sentence", {"index": index, **said}
    yield "done", whole


class StandIn:
    """The server, on a free loopback port; use as a context manager."""

    def __init__(self, script: Script = lambda body: steps(answer("Yes. [1]"))) -> None:
        self.script = script
        self.pages: dict[str, Page] = {}
        self.ready: Json = {"status": "ready", "generation": "000001", "complete": True}
        self.seen: list[tuple[str, str, Mapping[str, str], Json | None]] = []
        self.closing = threading.Event()
        self._server = _Server(self)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def asked(self, path: str) -> Sequence[Json]:
        """The bodies that were posted to a path, in order."""
        return [body for _, at, _, body in self.seen if at == path and body is not None]

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, standin: StandIn) -> None:
        self.standin = standin
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A reader that left is not worth a traceback."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_OPTIONS(self) -> None:
        self._send(204, b"", {})

    def do_GET(self) -> None:
        self.server.standin.seen.append(("GET", self.path, dict(self.headers), None))
        path = self.path.partition("?")[0]
        if path == "/widget/v1.js":
            kind = {
                "Content-Type": "text/javascript; charset=utf-8",
                "Cross-Origin-Resource-Policy": "cross-origin",
            }
            self._send(200, BUNDLE.read_bytes(), kind)
        elif path == "/readyz":
            self._json(200, self.server.standin.ready)
        elif path.startswith("/v1/sources/"):
            html = b"<!doctype html><title>The source</title>"
            self._send(200, html, {"Content-Type": "text/html"})
        elif path in self.server.standin.pages:
            page = self.server.standin.pages[path]
            self._send(200, page.html.encode(), {"Content-Type": "text/html", **page.headers})
        else:
            self._send(204 if path == "/favicon.ico" else 404, b"", {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        self.server.standin.seen.append(("POST", self.path, dict(self.headers), body))
        if self.path != "/v1/answers":
            self._send(204 if self.path.endswith("/feedback") else 404, b"", {})
            return
        said = self.server.standin.script(body)
        if isinstance(said, Refusal):
            self._json(said.status, {"title": "no", "request_id": "r", **vars(said)})
            return
        self.close_connection = True
        self._send(200, None, {"Content-Type": "text/event-stream", "Connection": "close"})
        try:
            self._stream(said)
        except OSError:
            return  # the reader left

    def _stream(self, said: Iterable[Step]) -> None:
        for step in said:
            if isinstance(step, threading.Event):
                while not step.wait(0.02) and not self.server.standin.closing.is_set():
                    pass
            elif step == CUT:
                return
            else:
                name, data = step
                self.wfile.write(f"event: {name}\ndata: {json.dumps(data)}\n\n".encode())
                self.wfile.flush()

    def _json(self, status: int, body: Json) -> None:
        self._send(status, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes | None, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Access-Control-Allow-Headers", "authorization, content-type")
        if body is not None:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body or b"")
