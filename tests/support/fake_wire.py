"""The wire format of a model server, as OpenAI and Cohere define it, and its faults by name.

Builds the events, completions, embeddings and rerank results that `fakes.FakeModel` sends.
"""

import base64
import json
import math
import re
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

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
        "no_answer",  # the request is read, then nothing is sent
        "slow_tokens",  # a token every `pause_s`, without end
        "stall",  # two tokens, then nothing more
        "endless",  # tokens as fast as possible, without end
        "huge",  # 68 MB of tokens, then a regular end
        "long_line",  # 68 MB without a newline
        "cut",  # the connection is reset in the middle of a chunk
        "ended",  # half the answer, then a regular end of the response
        "no_finish",  # the full text and [DONE], no finish_reason
        "no_done",  # the full answer, then an open connection without [DONE]
        "bad_json",
        "bad_utf8",
        "deep_json",
        "odd_shapes",  # valid JSON of unexpected shapes, and no text
        "empty_choices",
        "null_content",
        "html_200",
        "gzip",
        "error_event",
        "echo",  # the request comes back, in a 200 that is no answer
        "hang_up",  # the connection closes before any response
    }
)


@dataclass(frozen=True)
class Reply:
    """The reply to a request: a text in pieces of `piece` characters, or a fault.

    `before` are deltas that are sent first, unchanged.
    """

    text: str = ""
    fault: str | None = None
    finish_reason: str = "stop"
    piece: int = 4
    pause_s: float = 0.2
    is_slow: bool = False
    """Is there a pause after each piece?"""
    retry_after: str | None = None
    error: Mapping[str, Any] = field(default_factory=dict)
    before: Sequence[Mapping[str, Any]] = ()

    def __post_init__(self) -> None:
        if self.fault and self.fault not in STREAM_FAULTS | STATUS_FAULTS.keys():
            raise ValueError(f"unknown fault {self.fault!r}")


def events(reply: Reply, body: Mapping[str, Any]) -> Iterator[bytes]:
    """Yields the server-sent events of a reply, with its fault."""
    fault = reply.fault
    if fault in _BROKEN_EVENTS:
        yield chunk({"role": "assistant", "content": ""})
        yield from _BROKEN_EVENTS[fault]()
        return
    yield chunk({"role": "assistant", "content": ""})
    yield from (chunk(delta) for delta in reply.before)
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


def _endless() -> Iterator[bytes]:
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
    "slow_tokens": _endless,
    "endless": _endless,
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
    """Returns one event of a streamed completion."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return _data({**_envelope(), "choices": [choice]})


def usage(reply: Reply, body: Mapping[str, Any]) -> dict[str, int]:
    """Returns the token usage, counting words as tokens."""
    prompt_tokens = sum(len(message["content"].split()) for message in body.get("messages", []))
    completion_tokens = len(reply.text.split())
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    }


def completion(reply: Reply, body: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a completion that is not streamed."""
    content = None if reply.fault == "null_content" else reply.text
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": content},
        "finish_reason": reply.finish_reason,
    }
    envelope = {**_envelope(), "object": "chat.completion"}
    return {**envelope, "choices": [choice], "usage": usage(reply, body)}


def embed(text: str) -> list[float]:
    """Returns a unit vector that hashes the words; a text without words gives the first axis."""
    vector = [0.0] * DIMENSIONS
    for word in re.findall(r"\w+", text.lower()):
        vector[blake2b(word.encode(), digest_size=2).digest()[0] % DIMENSIONS] += 1.0
    length = math.sqrt(sum(value * value for value in vector))
    return [value / length for value in vector] if length else [1.0] + [0.0] * (DIMENSIONS - 1)


def embeddings(
    body: Mapping[str, Any], vector_of: Callable[[str], Sequence[float]] = embed
) -> dict[str, Any]:
    """Returns the response of the embeddings endpoint, as floats or base64 as requested."""
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


def odd_results(count: int) -> list[dict[str, Any]]:
    """Returns rerank results whose indexes are malformed, each in another way."""
    indexes = (None, "0", 10**400, 1)
    return [{"index": indexes[n % 4], "relevance_score": n} for n in range(count)]


def reranking(body: Mapping[str, Any]) -> dict[str, Any]:
    """Returns rerank scores outside 0 to 1: the shorter a document, the better."""
    scored = [(-float(len(text)), index) for index, text in enumerate(body["documents"])]
    best = sorted(scored, reverse=True)[: body["top_n"]]
    return {"results": [{"index": index, "relevance_score": score} for score, index in best]}


def _encoded(vector: Sequence[float], body: Mapping[str, Any]) -> list[float] | str:
    if body.get("encoding_format") != "base64":
        return list(vector)
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
