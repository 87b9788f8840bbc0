"""A fake of the Footnote service for widget tests: scripted answers in its wire format, and pages.

The widget must withstand a service that sends wrong data, disconnects or stalls, which the real one
does not do on demand. A script maps the body of a question to steps: server-sent events,
threading.Events to wait for, a DISCONNECT in the middle of an answer, or a ProblemReply instead of
a stream.
"""

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.support.processes import ROOT

BUNDLE = ROOT / "api" / "widget" / "dist" / "widget.js"
DISCONNECT = "disconnect"

Json = dict[str, Any]
Event = tuple[str, Json]


@dataclass(frozen=True)
class ProblemReply:
    """A problem (RFC 9457) instead of an answer."""

    status: int
    code: str = "internal"
    detail: str = "something went wrong"


Step = Event | threading.Event | str
Script = Callable[[Json], Iterable[Step] | ProblemReply]


def page_with_widget(
    service: "FakeService", attributes: str = 'mode="inline"', *, inside: str = "", head: str = ""
) -> str:
    """Returns the HTML of a third-party page that embeds the widget of a service."""
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


def answer_events(whole: Json, *, piece: int = 5) -> Iterator[Event]:
    """Yields the events of an answer, its text in deltas of `piece` characters."""
    yield "passages", {"id": whole["id"], "passages": whole["passages"]}
    for cited in whole["citations"]:
        yield "citation", {"citation": cited}
    text = whole["answer"]
    for start in range(0, len(text), piece):
        yield "delta", {"text": text[start : start + piece], "format": whole["format"]}
    for index, one in enumerate(whole["sentences"]):
        yield "sentence", {"index": index, **one}
    yield "done", whole


class FakeService:
    """The server, on a free loopback port; a context manager."""

    def __init__(self, script: Script = lambda body: answer_events(answer("Yes. [1]"))) -> None:
        self.script = script
        self.pages: dict[str, Page] = {}
        self.ready: Json = {"status": "ready", "generation": "000001", "complete": True}
        self.requests: list[tuple[str, str, Mapping[str, str], Json | None]] = []
        self.closing = threading.Event()
        self._server = _Server(self)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def posted_bodies(self, path: str) -> Sequence[Json]:
        """Returns the bodies posted to a path, in order."""
        return [body for _, at, _, body in self.requests if at == path and body is not None]

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

    def __init__(self, service: FakeService) -> None:
        self.service = service
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that disconnects is not worth a traceback."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_OPTIONS(self) -> None:
        self._send(204, b"", {})

    def do_GET(self) -> None:
        self.server.service.requests.append(("GET", self.path, dict(self.headers), None))
        path = self.path.partition("?")[0]
        if path == "/widget/v1.js":
            kind = {
                "Content-Type": "text/javascript; charset=utf-8",
                "Cross-Origin-Resource-Policy": "cross-origin",
            }
            self._send(200, BUNDLE.read_bytes(), kind)
        elif path == "/readyz":
            self._json(200, self.server.service.ready)
        elif path.startswith("/v1/sources/"):
            html = b"<!doctype html><title>The source</title>"
            self._send(200, html, {"Content-Type": "text/html"})
        elif path in self.server.service.pages:
            page = self.server.service.pages[path]
            self._send(200, page.html.encode(), {"Content-Type": "text/html", **page.headers})
        else:
            self._send(204 if path == "/favicon.ico" else 404, b"", {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        self.server.service.requests.append(("POST", self.path, dict(self.headers), body))
        if self.path != "/v1/answers":
            self._send(204 if self.path.endswith("/feedback") else 404, b"", {})
            return
        script_result = self.server.service.script(body)
        if isinstance(script_result, ProblemReply):
            self._json(
                script_result.status, {"title": "no", "request_id": "r", **vars(script_result)}
            )
            return
        self.close_connection = True
        self._send(200, None, {"Content-Type": "text/event-stream", "Connection": "close"})
        try:
            self._stream(script_result)
        except OSError:
            return  # the client disconnected

    def _stream(self, steps: Iterable[Step]) -> None:
        for step in steps:
            if isinstance(step, threading.Event):
                while not step.wait(0.02) and not self.server.service.closing.is_set():
                    pass
            elif step == DISCONNECT:
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
