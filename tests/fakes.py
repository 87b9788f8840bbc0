"""A model server that isn't one: OpenAI's wire format over real HTTP on loopback, faults by name.

    with FakeModel("Paris [1.1].") as server:
        OpenAIChat(settings with base_url=server.base_url)

A script is the text to answer with, a `Reply`, or a function of the `Request` giving either. The
embeddings endpoint hashes words into 64 dimensions, so texts that share words are near, unless it
is told how else to make a vector of a text.
"""

import base64
import json
import math
import re
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import blake2b
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

DIMENSIONS = 64
HUGE_BYTES = 68_000_000

STATUS_FAULTS = {
    "http_400": 400,
    "http_401": 401,
    "http_403": 403,
    "http_404": 404,
    "http_429": 429,
    "http_500": 500,
    "http_503": 503,
    "redirect": 307,
}
STREAM_FAULTS = frozenset(
    {
        "no_answer",  # the request is read, then nothing comes
        "slow_tokens",  # a token every `pause_s`, for ever
        "stall",  # two tokens, then nothing more
        "endless",  # tokens as fast as they go, for ever
        "huge",  # 68 MB of tokens, then a good end
        "long_line",  # 68 MB without a newline
        "cut",  # the connection breaks in mid-answer, in mid-chunk
        "ended",  # half the answer, then a clean end of the response
        "no_finish",  # the whole text and [DONE], no finish_reason
        "no_done",  # a good answer, then an open connection without [DONE]
        "bad_json",
        "bad_utf8",
        "deep_json",
        "odd_shapes",  # valid JSON of every wrong shape, and no text
        "empty_choices",
        "null_content",
        "html_200",
        "gzip",
        "error_event",
        "hang_up",  # the connection closes before any answer
    }
)


@dataclass(frozen=True)
class Request:
    """One request as it came."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def prompt(self) -> str:
        """All messages' contents, a blank line between them."""
        return "\n\n".join(message["content"] for message in self.body.get("messages", []))

    @property
    def last(self) -> str:
        """The last message's content."""
        content: str = self.body["messages"][-1]["content"]
        return content


@dataclass(frozen=True)
class Reply:
    """What to answer: the text in pieces of so many characters, or a fault."""

    text: str = ""
    fault: str | None = None
    finish_reason: str = "stop"
    piece: int = 4
    pause_s: float = 0.2
    retry_after: str | None = None
    error: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.fault and self.fault not in STREAM_FAULTS | STATUS_FAULTS.keys():
            raise ValueError(f"no fault is called {self.fault!r}")


Script = str | Reply | Callable[[Request], str | Reply]


def quoting(request: Request) -> str:
    """A script: the numbered sentences that share most words with the question, quoted and cited.

    Reads the prompt as a model would: lines `[1.3] text`, the question in the last lines.
    """
    numbered = re.findall(r"^\[(\d+\.\d+)\] (.+)$", request.last, re.MULTILINE)
    wanted = set(re.findall(r"\w{3,}", request.last.rsplit("\n\n", 1)[-1].lower()))

    def shared(sentence: tuple[str, str]) -> int:
        return len(wanted & set(re.findall(r"\w{3,}", sentence[1].lower())))

    if not numbered:
        return "NO_ANSWER"
    number, text = max(numbered, key=shared)
    return f"{text.strip()} [{number}]"


def replies(*script: str | Reply) -> Callable[[Request], str | Reply]:
    """A script: one reply after the other; the last one stays."""
    left = list(script)
    return lambda _request: left.pop(0) if len(left) > 1 else left[0]


class FakeModel:
    """A model server on a free loopback port; use as a context manager."""

    def __init__(
        self,
        script: Script = "",
        *,
        fault: str | None = None,
        vector_of: Callable[[str], Sequence[float]] | None = None,
    ) -> None:
        self.script = script if fault is None else Reply(text=str(script), fault=fault)
        self.vector_of = vector_of or embed
        self.requests: list[Request] = []
        self.disconnects = 0
        self.disconnected = threading.Event()
        self.closing = threading.Event()
        self._server = _Server(self)

    @property
    def host(self) -> str:
        """`127.0.0.1:port`."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def base_url(self) -> str:
        """What an OpenAI client wants as its base URL."""
        return f"http://{self.host}/v1"

    @property
    def connections(self) -> int:
        """How many are open."""
        return self._server.connections

    def reply(self, request: Request) -> Reply:
        """Records the request and returns what the script says to it."""
        self.requests.append(request)
        says = self.script(request) if callable(self.script) else self.script
        return says if isinstance(says, Reply) else Reply(says)

    def client_left(self) -> None:
        """Records that a client closed its connection in mid-answer."""
        self.disconnects += 1
        self.disconnected.set()

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.hang_up()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True

    def __init__(self, model: FakeModel) -> None:
        self.model = model
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def connections(self) -> int:
        with self._lock:
            return len(self._open)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that left is not worth a traceback."""

    def hang_up(self) -> None:
        with self._lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.path, headers, body)
        reply = self.server.model.reply(request)
        if reply.fault in STATUS_FAULTS:
            self._status(reply)
        elif self.path.split("?")[0].endswith("/embeddings"):
            self._plain(embeddings(body, self.server.model.vector_of), reply)
        elif self.path.endswith("/rerank"):
            self._plain(reranking(body), reply)
        elif body.get("stream"):
            self._stream(reply, body)
        else:
            self._plain(completion(reply, body), reply)

    def _status(self, reply: Reply) -> None:
        error = {"message": "no", "type": "error", "param": None, "code": None, **reply.error}
        headers = {"Content-Type": "application/json"}
        if reply.retry_after is not None:
            headers["Retry-After"] = reply.retry_after
        if reply.fault == "redirect":
            headers["Location"] = f"http://{self.server.model.host}/elsewhere"
        assert reply.fault
        self._answer(STATUS_FAULTS[reply.fault], headers, json.dumps({"error": error}).encode())

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _plain(self, answer: Mapping[str, Any], reply: Reply) -> None:
        data = json.dumps(answer).encode()
        kind = "application/json"
        if reply.fault == "no_answer":
            return self._wait_for_the_client_to_leave()
        if reply.fault == "html_200":
            data, kind = b"<html><body>Please sign in</body></html>", "text/html"
        elif reply.fault == "bad_json":
            data = data[:-9]
        elif reply.fault == "empty_choices":
            data = json.dumps({**answer, "choices": [], "data": [], "results": []}).encode()
        elif reply.fault == "odd_shapes":
            data = json.dumps({"results": _odd_results(len(answer.get("results", ())))}).encode()
        elif reply.fault == "huge":
            data = b" " * HUGE_BYTES
        return self._answer(200, {"Content-Type": kind}, data)

    def _stream(self, reply: Reply, body: Mapping[str, Any]) -> None:
        if reply.fault == "hang_up":
            self.close_connection = True
            return
        if reply.fault == "no_answer":
            return self._wait_for_the_client_to_leave()
        if reply.fault == "html_200":
            page = b"<html><body>Please sign in</body></html>"
            return self._answer(200, {"Content-Type": "text/html; charset=utf-8"}, page)
        try:
            self._events(reply, body)
        except OSError:
            self.close_connection = True
            if not self.server.model.closing.is_set():
                self.server.model.client_left()

    def _events(self, reply: Reply, body: Mapping[str, Any]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        if reply.fault == "gzip":
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        for event in events(reply, body):
            if self.server.model.closing.is_set():
                self.close_connection = True
                return
            self._chunk(event)
            if reply.fault == "slow_tokens":
                self.server.model.closing.wait(reply.pause_s)
        if reply.fault in ("stall", "no_done"):
            return self._wait_for_the_client_to_leave()
        if reply.fault == "cut":
            self.wfile.write(b"40\r\ndata: {")
            self._reset()
            return
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def _reset(self) -> None:
        """Closes without a goodbye: the client sees a reset."""
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def _wait_for_the_client_to_leave(self) -> None:
        self.close_connection = True
        while not self.server.model.closing.is_set():
            readable, _, _ = select.select([self.connection], [], [], 0.02)
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                return self.server.model.client_left()


def events(reply: Reply, body: Mapping[str, Any]) -> Iterator[bytes]:
    """The server-sent events of a reply, with its fault."""
    fault = reply.fault
    if fault in _BROKEN_EVENTS:
        yield chunk({"role": "assistant", "content": ""})
        yield from _BROKEN_EVENTS[fault]()
        return
    yield chunk({"role": "assistant", "content": ""})
    pieces = [reply.text[at : at + reply.piece] for at in range(0, len(reply.text), reply.piece)]
    if fault in ("stall", "cut", "ended"):
        pieces = pieces[: max(2, len(pieces) // 2)] or ["Half ", "an "]
    yield from (chunk({"content": piece}) for piece in pieces)
    if fault in ("stall", "cut", "ended"):
        return
    if fault != "no_finish":
        yield chunk({}, finish_reason=reply.finish_reason)
    if body.get("stream_options", {}).get("include_usage") and fault != "no_done":
        yield _data({**_envelope(), "choices": [], "usage": usage(reply, body)})
    if fault != "no_done":
        yield b"data: [DONE]\n\n"


def _for_ever() -> Iterator[bytes]:
    while True:
        yield chunk({"content": "word "})


def _huge() -> Iterator[bytes]:
    yield from (chunk({"content": "x" * 100_000}) for _ in range(HUGE_BYTES // 100_000))
    yield chunk({}, finish_reason="stop") + b"data: [DONE]\n\n"


def _long_line() -> Iterator[bytes]:
    yield b"data: "
    yield from (b"x" * 100_000 for _ in range(HUGE_BYTES // 100_000))


def _odd_shapes() -> Iterator[bytes]:
    for shape in (
        *(None, 5, "text", [], {}, {"choices": None}, {"choices": 5}, {"choices": [None]}),
        *({"choices": [{}]}, {"choices": [{"delta": None}]}, {"choices": [{"delta": 5}]}),
        *({"choices": [{"delta": {"content": 5}}]}, {"choices": {}, "usage": 5}),
        {"choices": [{"delta": {"content": ["a"]}, "finish_reason": 5}], "usage": {}},
    ):
        yield _data(shape)
    yield b"data: [DONE]\n\n"


_BROKEN_EVENTS: Mapping[str, Callable[[], Iterator[bytes]]] = {
    "slow_tokens": _for_ever,
    "endless": _for_ever,
    "huge": _huge,
    "long_line": _long_line,
    "odd_shapes": _odd_shapes,
    "bad_json": lambda: iter([chunk({"content": "Some "}), b'data: {"choices": [\n\n']),
    "bad_utf8": lambda: iter([chunk({"content": "Some "}), b"data: \xff\xfe\n\n"]),
    "deep_json": lambda: iter([b"data: " + b"[" * 200_000 + b"\n\n"]),
    "empty_choices": lambda: iter([_data({**_envelope(), "choices": []}), b"data: [DONE]\n\n"]),
    "null_content": lambda: iter(
        [
            chunk({"content": None}),
            chunk({"content": None}, finish_reason="stop"),
            b"data: [DONE]\n\n",
        ]
    ),
    "gzip": lambda: iter([b"not gzip at all"]),
    "error_event": lambda: iter(
        [_data({"error": {"message": "the engine died", "code": "engine_dead"}})]
    ),
}


def _envelope() -> dict[str, Any]:
    return {"id": "fake-1", "object": "chat.completion.chunk", "created": 0, "model": "fake"}


def _data(value: object) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def chunk(delta: Mapping[str, Any], *, finish_reason: str | None = None) -> bytes:
    """One event of a streamed answer."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return _data({**_envelope(), "choices": [choice]})


def usage(reply: Reply, body: Mapping[str, Any]) -> dict[str, int]:
    """Words counted as tokens."""
    asked = sum(len(message["content"].split()) for message in body.get("messages", []))
    said = len(reply.text.split())
    return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}


def completion(reply: Reply, body: Mapping[str, Any]) -> dict[str, Any]:
    """The answer in one piece."""
    content = None if reply.fault == "null_content" else reply.text
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": content},
        "finish_reason": reply.finish_reason,
    }
    envelope = {**_envelope(), "object": "chat.completion"}
    return {**envelope, "choices": [choice], "usage": usage(reply, body)}


def embed(text: str) -> list[float]:
    """A unit vector of the text's words; the zero text points along the first axis."""
    vector = [0.0] * DIMENSIONS
    for word in re.findall(r"\w+", text.lower()):
        vector[blake2b(word.encode(), digest_size=2).digest()[0] % DIMENSIONS] += 1.0
    length = math.sqrt(sum(value * value for value in vector))
    return [value / length for value in vector] if length else [1.0] + [0.0] * (DIMENSIONS - 1)


def embeddings(
    body: Mapping[str, Any], vector_of: Callable[[str], Sequence[float]] = embed
) -> dict[str, Any]:
    """The embeddings endpoint's answer, floats or base64 as asked."""
    texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
    rows = [
        {"object": "embedding", "index": index, "embedding": _encoded(vector_of(text), body)}
        for index, text in enumerate(texts)
    ]
    words = sum(len(text.split()) for text in texts)
    return {
        "object": "list",
        "model": body.get("model", "fake"),
        "data": rows,
        "usage": {"prompt_tokens": words, "total_tokens": words},
    }


def _odd_results(count: int) -> list[dict[str, Any]]:
    """As many as are wanted, and no two places of one kind."""
    kinds = (None, "0", 10**400, 1)
    return [{"index": kinds[n % 4], "relevance_score": n} for n in range(count)]


def reranking(body: Mapping[str, Any]) -> dict[str, Any]:
    """Scores, not of 0 to 1: the shorter a document, the better."""
    scored = [(-float(len(text)), place) for place, text in enumerate(body["documents"])]
    best = sorted(scored, reverse=True)[: body["top_n"]]
    return {"results": [{"index": place, "relevance_score": score} for score, place in best]}


def _encoded(vector: Sequence[float], body: Mapping[str, Any]) -> list[float] | str:
    if body.get("encoding_format") != "base64":
        return list(vector)
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


class FakeCollector:
    """An OTLP collector on a free loopback port, by gRPC: keeps every span that it is sent."""

    def __init__(self) -> None:
        import grpc
        from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as service

        self.spans: list[Any] = []
        """As they came, in the wire's own messages."""
        self.resources: list[dict[str, Any]] = []
        self._server = grpc.server(ThreadPoolExecutor(1))
        service.add_TraceServiceServicer_to_server(self, self._server)
        self.endpoint = f"http://127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"

    def Export(self, request: Any, context: Any) -> Any:
        """Takes a batch; the name is the protocol's."""
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
            ExportTraceServiceResponse,
        )

        for batch in request.resource_spans:
            self.resources.append(attributes(batch.resource))
            for scope in batch.scope_spans:
                self.spans.extend(scope.spans)
        return ExportTraceServiceResponse()

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.stop(None).wait()


def attributes(holder: Any) -> dict[str, Any]:
    """The attributes of a span or resource as it came over the wire."""
    return {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in holder.attributes}
