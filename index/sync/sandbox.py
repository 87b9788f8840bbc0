"""Reads files in a sandboxed child process, within limits of memory and time: the parent's side.

A request is a line of JSON (`format`, `source_id`, `limit_s`, `length`) and that many bytes; an
answer is a line of JSON (`title`, `metadata`, `notes`, `text`, `chunks`) and that many bytes of
text and of chunks. One child reads many files. A hostile file that kills or blocks the child is
skipped with its cause, and the next file gets a new child (`sandbox_child.py`). A request with a
`page` and a `quote` is answered by the picture of that page of a PDF instead of a text.
"""

import contextlib
import json
import math
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import SyncFailed
from ..types import Chunk, Unit

MAX_MEMORY_BYTES = 768 << 20
"""Limit of the child's address space, and so of its resident memory; its libraries map a third."""
LIMIT_S = 10
LIMIT_S_PER_MB = 5
"""Limit of processor time per file, and what each megabyte of it adds.

Reading and chunking take 0.5 s for a megabyte of short paragraphs, 1.5 s of long ones, and the
first of those 2 s more, to load the splitter (two cores, 2026-11-28).
"""
WALL_CLOCK_FACTOR = 6
"""Wall-clock time over processor time: a busy machine must not lose a file."""
START_TIMEOUT_S = 30
READY = b"ready\n"
"""The child's first line: a failure before it is not caused by a file."""
MAX_HEADER_BYTES = 1 << 20
"""Of an answer's first line."""
MAX_CHUNK_BYTES = 128 << 20
"""Of a file's chunks as JSON."""

Answer = tuple[dict[str, Any], bytes, bytes]
"""The header, the text (or picture) and the chunks."""


@dataclass(frozen=True, slots=True)
class ChunkedDocument:
    """A file's text and chunks; `title` is None where the file has none."""

    text: str
    title: str | None
    metadata: Mapping[str, str]
    chunks: tuple[Chunk, ...]
    notes: tuple[str, ...] = ()


def time_limit_s(size: int) -> int:
    """Returns the seconds of processor time that a file of `size` bytes may take."""
    return LIMIT_S + math.ceil(size / 1e6 * LIMIT_S_PER_MB)


class Sandbox:
    """A child process that reads and chunks files; started at the first, ended by `close`."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None

    def read(self, format_name: str, data: bytes, source_id: str) -> ChunkedDocument:
        """Returns the text and chunks of a file's bytes; raises ValueError with the cause."""
        return parse_answer(self.read_raw(format_name, data, source_id), source_id)

    def read_raw(self, format_name: str, data: bytes, source_id: str) -> Answer:
        """Returns the same as the child has sent it."""
        request = {"format": format_name, "source_id": source_id}
        return self._request(request, data, time_limit_s(len(data)))

    def draw_page(self, data: bytes, number: int, quote: str) -> bytes:
        """Returns a page of a PDF as PNG, with a quote marked; raises ValueError with the cause."""
        request = {"format": "pdf", "page": number, "quote": quote}
        return self._request(request, data, LIMIT_S)[1]

    def _request(self, request: Mapping[str, object], data: bytes, limit_s: int) -> Answer:
        if self._child is not None:
            with contextlib.suppress(MemoryError):  # files before this one may have used it up
                return self._request_once(request, data, limit_s)
        try:
            return self._request_once(request, data, limit_s)
        except MemoryError as error:
            limit = f"{MAX_MEMORY_BYTES >> 20} MB"
            raise ValueError(f"needs more than {limit} of memory to read") from error

    def close(self) -> None:
        """Ends the child."""
        if self._child is None:
            return
        child, self._child = self._child, None
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # unsent input of a dead child
                    pipe.close()

    def _request_once(self, request: Mapping[str, object], data: bytes, limit_s: int) -> Answer:
        child = self._child = self._child or _start()
        wall_s = WALL_CLOCK_FACTOR * limit_s
        with _deadline(child, wall_s) as timed_out:
            try:
                header, text, chunks = _exchange(child, {**request, "limit_s": limit_s}, data)
            except (OSError, EOFError):
                child.wait()
                self.close()
                if timed_out.is_set():
                    raise ValueError(f"took more than {wall_s:g} s to read") from None
                raise ValueError(_describe_exit(child.returncode, limit_s)) from None
        if timed_out.is_set() or "memory" in header:
            self.close()
        if "memory" in header:
            raise MemoryError
        if "cause" in header:
            raise ValueError(header["cause"])
        return header, text, chunks


def _start() -> "subprocess.Popen[bytes]":
    """Returns a new child that is ready; raises SyncFailed, since no file is the cause."""
    child = subprocess.Popen(
        (sys.executable, "-P", "-m", "index.sync.sandbox_child"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert child.stdout is not None  # a pipe
    with _deadline(child, START_TIMEOUT_S):
        first_line = child.stdout.readline(MAX_HEADER_BYTES)
    if first_line != READY:
        child.kill()
        child.communicate()
        code = child.returncode
        raise SyncFailed(f"no file can be read: the child process exited with code {code}")
    return child


@contextlib.contextmanager
def _deadline(child: "subprocess.Popen[bytes]", timeout_s: float) -> Iterator[threading.Event]:
    """Kills the child and sets the event when the time is over."""
    timed_out = threading.Event()

    def kill() -> None:
        timed_out.set()
        child.kill()

    timer = threading.Timer(timeout_s, kill)
    timer.start()
    try:
        yield timed_out
    finally:
        timer.cancel()


def _exchange(
    child: "subprocess.Popen[bytes]", request: Mapping[str, object], data: bytes
) -> Answer:
    """Sends a file and returns the answer's header, text and chunks; raises OSError or EOFError."""
    assert child.stdin is not None  # both are pipes
    assert child.stdout is not None
    child.stdin.write(json.dumps({**request, "length": len(data)}).encode() + b"\n")
    child.stdin.write(data)
    child.stdin.flush()
    line = child.stdout.readline(MAX_HEADER_BYTES)
    if not line.endswith(b"\n"):
        child.kill()  # it is dead, or has sent a line without an end
        raise EOFError
    header: dict[str, Any] = json.loads(line)
    text, chunks = header.get("text", 0), header.get("chunks", 0)
    answer = child.stdout.read(text + chunks)
    if len(answer) < text + chunks:
        raise EOFError
    return header, answer[:text], answer[text:]


def parse_answer(answer: Answer, source_id: str) -> ChunkedDocument:
    """Returns the document of an answer."""
    header, text, chunks = answer
    return ChunkedDocument(
        text.decode(),
        header["title"],
        header["metadata"],
        parse_chunks(chunks, source_id),
        tuple(header["notes"]),
    )


def chunks_to_json(chunks: tuple[Chunk, ...]) -> bytes:
    """Returns the chunks as the child sends them: a list each, in the order of rows."""
    rows = [
        (c.id, c.start, c.end, [_unit_to_json(unit) for unit in c.units], c.heading, c.page)
        for c in chunks
    ]
    return json.dumps(rows, separators=(",", ":")).encode()


def parse_chunks(data: bytes, source_id: str) -> tuple[Chunk, ...]:
    """Returns the chunks that the child has sent."""
    return tuple(
        Chunk(row, chunk_id, source_id, start, end, tuple(map(_parse_unit, units)), heading, page)
        for row, (chunk_id, start, end, units, heading, page) in enumerate(json.loads(data))
    )


def _unit_to_json(unit: Unit) -> tuple[object, ...]:
    whole = (unit.start, unit.end, unit.kind, unit.under)
    return whole if unit.under or unit.kind != "sentence" else whole[:2]


def _parse_unit(values: Sequence[Any]) -> Unit:
    start, end, kind, under = (*values, "sentence", ())[:4]
    return Unit(start, end, kind, tuple((a, b) for a, b in under))


def _describe_exit(code: int, limit_s: int) -> str:
    if code == -getattr(signal, "SIGXCPU", 0):
        return f"took more than {limit_s} s of processor time to read"
    if code >= 0:
        return f"ended the process that read it (exit code {code})"
    return f"killed the process that read it ({signal.Signals(-code).name})"
