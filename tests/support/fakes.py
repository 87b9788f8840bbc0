"""A fake model server: OpenAI's wire format over real HTTP on loopback, with faults by name.

    with FakeModel("Paris [1.1].") as server:
        chat = chat_with(server)

A script is the text to answer with, a `Reply`, or a function from `Request` to either. The
embeddings endpoint hashes words into 64 dimensions, so texts that share words are near each other,
unless `vector_of` is set.
"""

import json
import re
import select
import socket
import struct
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from rag.model.openai_chat import OpenAIChat
from rag.model.protocol import ModelSettings
from tests.support.fake_wire import (
    HUGE_BYTES,
    STATUS_FAULTS,
    Reply,
    completion,
    embed,
    embeddings,
    events,
    odd_results,
    reranking,
)


@dataclass(frozen=True)
class Request:
    """One received request."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def prompt(self) -> str:
        """The contents of all messages, joined by blank lines."""
        return "\n\n".join(message["content"] for message in self.body.get("messages", []))

    @property
    def last(self) -> str:
        """The last message's content."""
        content: str = self.body["messages"][-1]["content"]
        return content


Script = str | Reply | Callable[[Request], str | Reply]


def quote_best_sentence(request: Request) -> str:
    """A script: quotes and cites the numbered sentence that shares most words with the question.

    Reads the prompt as a model would: lines `[1.3] text`, the question in the last paragraph.
    """
    numbered = re.findall(r"^\[(\d+\.\d+)\] (.+)$", request.last, re.MULTILINE)
    question_words = set(re.findall(r"\w{3,}", request.last.rsplit("\n\n", 1)[-1].lower()))

    def shared_words(sentence: tuple[str, str]) -> int:
        return len(question_words & set(re.findall(r"\w{3,}", sentence[1].lower())))

    if not numbered:
        return "NO_ANSWER"
    number, text = max(numbered, key=shared_words)
    return f"{text.strip()} [{number}]"


def reply_sequence(*script: str | Reply) -> Callable[[Request], str | Reply]:
    """A script: one reply after the other; the last one repeats."""
    remaining = list(script)
    return lambda _request: remaining.pop(0) if len(remaining) > 1 else remaining[0]


def model_settings(**other: Any) -> ModelSettings:
    """Returns client settings with short timeouts; keyword arguments override them."""
    defaults: dict[str, Any] = {
        "model": "fake",
        "base_url": "",
        "api_key": None,
        "temperature": 0.0,
        "max_tokens": 500,
        "total_s": 20.0,
        "between_tokens_s": 10.0,
        "max_bytes": 1_000_000,
        "headers": {},
        "query": {},
    }
    return ModelSettings(**{**defaults, **other})


def chat_client(server: "FakeModel", **other: Any) -> OpenAIChat:
    """Returns the real client, connected to a fake server."""
    return OpenAIChat(model_settings(base_url=server.base_url, **other))


class FakeModel:
    """The model server, on a free loopback port; a context manager."""

    def __init__(
        self,
        script: Script = "",
        *,
        fault: str | None = None,
        vector_of: Callable[[str], Sequence[float]] = embed,
    ) -> None:
        self.script = script if fault is None else Reply(text=str(script), fault=fault)
        self.vector_of = vector_of
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
        """The base URL for an OpenAI client."""
        return f"http://{self.host}/v1"

    @property
    def connections(self) -> int:
        """The number of open connections."""
        return self._server.connections

    def reply(self, request: Request) -> Reply:
        """Records the request and returns the script's reply."""
        self.requests.append(request)
        reply = self.script(request) if callable(self.script) else self.script
        return reply if isinstance(reply, Reply) else Reply(reply)

    def record_disconnect(self) -> None:
        """Records that a client disconnected during an answer."""
        self.disconnects += 1
        self.disconnected.set()

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.close_connections()
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
        """A client that disconnects is not worth a traceback."""

    def close_connections(self) -> None:
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
        if reply.fault == "echo":
            self._echo(request)
        elif reply.fault in STATUS_FAULTS:
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

    def _echo(self, request: Request) -> None:
        """Sends everything back that was received, as a content type and as a body."""
        received = f"{request.path} {dict(request.headers)} {request.body}"
        kind = f"text/{request.headers.get('authorization', 'html').split()[-1]}"
        self._answer(200, {"Content-Type": kind}, received.encode())

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _plain(self, answer: Mapping[str, Any], reply: Reply) -> None:
        data = json.dumps(answer).encode()
        content_type = "application/json"
        if reply.fault == "no_answer":
            return self._wait_for_disconnect()
        if reply.fault == "html_200":
            data, content_type = b"<html><body>Please sign in</body></html>", "text/html"
        elif reply.fault == "bad_json":
            data = data[:-9]
        elif reply.fault == "empty_choices":
            data = json.dumps({**answer, "choices": [], "data": [], "results": []}).encode()
        elif reply.fault == "odd_shapes":
            data = json.dumps({"results": odd_results(len(answer.get("results", ())))}).encode()
        elif reply.fault == "huge":
            data = b" " * HUGE_BYTES
        return self._answer(200, {"Content-Type": content_type}, data)

    def _stream(self, reply: Reply, body: Mapping[str, Any]) -> None:
        if reply.fault == "hang_up":
            self.close_connection = True
            return
        if reply.fault == "no_answer":
            return self._wait_for_disconnect()
        if reply.fault == "html_200":
            page = b"<html><body>Please sign in</body></html>"
            return self._answer(200, {"Content-Type": "text/html; charset=utf-8"}, page)
        try:
            self._events(reply, body)
        except OSError:
            self.close_connection = True
            if not self.server.model.closing.is_set():
                self.server.model.record_disconnect()

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
            if reply.is_slow or reply.fault == "slow_tokens":
                self.server.model.closing.wait(reply.pause_s)
        if reply.fault in ("stall", "no_done"):
            return self._wait_for_disconnect()
        if reply.fault == "cut":
            self.wfile.write(b"40\r\ndata: {")
            self._reset()
            return
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def _reset(self) -> None:
        """Closes the connection with a TCP reset."""
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def _wait_for_disconnect(self) -> None:
        self.close_connection = True
        while not self.server.model.closing.is_set():
            readable, _, _ = select.select([self.connection], [], [], 0.02)
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                return self.server.model.record_disconnect()
