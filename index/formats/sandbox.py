"""Extraction in a sandboxed child process, within limits of memory and time.

A request is a line of JSON (`format`, `length`) and that many bytes; an answer is a line of JSON
and that many bytes of text. One child reads many files. A hostile file that kills or blocks the
child is skipped with its cause, and the next file gets a new child. `Sandbox` is the parent's
side; `python -m index.formats.sandbox` is the child's.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any, BinaryIO

from ..errors import SyncFailed
from ..types import Document, Heading
from . import Extractor, load_formats

MAX_MEMORY_BYTES = 512 << 20
"""Limit of the child's address space, and so of its resident memory."""
TIMEOUT_S = 30
"""Limit of processor time, and of wall-clock time, per file."""
MAX_TEXT_BYTES = 64 << 20
MAX_PARAGRAPHS = 1_000_000

_READY = b"ready\n"
"""The child's first line: a failure before it is not caused by a file."""
_REPLACEMENTS = {0: "\ufffd", **dict.fromkeys(range(0xD800, 0xE000), "\ufffd")}


class Sandbox:
    """A child process that extracts files; started at the first file, ended by `close`."""

    def __init__(self, *, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._child: subprocess.Popen[bytes] | None = None

    def extract(self, format_name: str, data: bytes) -> Document:
        """Returns the document of a file's bytes; raises ValueError with the cause."""
        if self._child is not None:
            with contextlib.suppress(MemoryError):  # files before this one may have used it up
                return self._request(format_name, data)
        try:
            return self._request(format_name, data)
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

    def _request(self, format_name: str, data: bytes) -> Document:
        child = self._child = self._child or self._start()
        with _deadline(child, self._timeout_s) as timed_out:
            try:
                header, text = _exchange(child, format_name, data)
            except (OSError, EOFError):
                child.wait()
                self.close()
                if timed_out.is_set():
                    raise ValueError(f"took more than {self._timeout_s:g} s to read") from None
                raise ValueError(_describe_exit(child.returncode)) from None
        if timed_out.is_set() or "memory" in header:
            self.close()
        if "memory" in header:
            raise MemoryError
        if "cause" in header:
            raise ValueError(header["cause"])
        return Document(
            text=text.decode(),
            blocks=tuple((start, end) for start, end in header["blocks"]),
            title=header["title"],
            headings=tuple(Heading(**heading) for heading in header["headings"]),
            pages=tuple(header["pages"]),
            metadata=header["metadata"],
        )

    def _start(self) -> "subprocess.Popen[bytes]":
        """Returns a new child that is ready; raises SyncFailed, since no file is the cause."""
        child = subprocess.Popen(
            (sys.executable, "-P", "-m", "index.formats.sandbox"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert child.stdout is not None  # a pipe
        with _deadline(child, TIMEOUT_S):
            first_line = child.stdout.readline()
        if first_line != _READY:
            self._child = child
            self.close()
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
    child: "subprocess.Popen[bytes]", format_name: str, data: bytes
) -> tuple[dict[str, Any], bytes]:
    """Sends a file and returns the answer's header and text; raises OSError or EOFError."""
    assert child.stdin is not None  # both are pipes
    assert child.stdout is not None
    request = {"format": format_name, "length": len(data)}
    child.stdin.write(json.dumps(request).encode() + b"\n")
    child.stdin.write(data)
    child.stdin.flush()
    line = child.stdout.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    header: dict[str, Any] = json.loads(line)
    length = header.get("text", 0)
    text = child.stdout.read(length)
    if len(text) < length:
        raise EOFError
    return header, text


def _describe_exit(code: int) -> str:
    if code >= 0:
        return f"ended the process that read it (exit code {code})"
    if -code == getattr(signal, "SIGXCPU", 0):
        return f"took more than {TIMEOUT_S} s of processor time to read"
    return f"killed the process that read it ({signal.Signals(-code).name})"


def main() -> None:
    """Answers requests on standard input until it closes or memory has run out."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print must not mix in
    _limit_memory()
    answers.write(_READY)
    answers.flush()
    requests = sys.stdin.buffer
    while line := requests.readline():
        request = json.loads(line)
        if not _answer(request["format"], requests.read(request["length"]), answers):
            return


def _answer(format_name: str, data: bytes, answers: BinaryIO) -> bool:
    """Writes the document or the cause; returns whether this process may continue."""
    _limit_time()
    text, may_continue = b"", True
    answer: dict[str, object]
    try:
        document = _extract_within_limits(load_formats([format_name])[format_name].extract, data)
        text = document.text.encode()
        answer = {**asdict(document), "metadata": dict(document.metadata), "text": len(text)}
    except MemoryError:
        answer, may_continue = {"memory": MAX_MEMORY_BYTES}, False
    except RecursionError:
        answer = {"cause": "nests too deeply"}
    except ValueError as error:
        answer = {"cause": str(error)}
    except Exception as error:  # each library has its own errors for a file it cannot read
        description = f"{type(error).__name__}: {error}"
        answer = {"cause": f"cannot be read as {format_name}: {description}"[:300]}
    with contextlib.suppress(BrokenPipeError):
        answers.write(json.dumps(answer).encode() + b"\n" + text)
        answers.flush()
    return may_continue


def _extract_within_limits(extract: Extractor, data: bytes) -> Document:
    document = extract(data)
    if len(document.blocks) > MAX_PARAGRAPHS:
        raise ValueError(f"has more than {MAX_PARAGRAPHS:,} paragraphs")
    text = document.text
    if len(text) > MAX_TEXT_BYTES or len(text.encode(errors="replace")) > MAX_TEXT_BYTES:
        raise ValueError(f"contains more than {MAX_TEXT_BYTES >> 20} MB of text")
    return replace_nul_and_surrogates(document)


def replace_nul_and_surrogates(document: Document) -> Document:
    """Returns the document with U+FFFD for each NUL and lone surrogate; offsets stay valid."""

    def replaced(text: str) -> str:
        return text if text.isascii() and "\0" not in text else text.translate(_REPLACEMENTS)

    return replace(
        document,
        text=replaced(document.text),
        title=document.title and replaced(document.title),
        headings=tuple(replace(h, text=replaced(h.text)) for h in document.headings),
        metadata={key: replaced(value) for key, value in document.metadata.items()},
    )


def _limit_memory() -> None:
    """Limits the whole process; on systems without resource limits only the clock does."""
    with contextlib.suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _limit_time() -> None:
    with contextlib.suppress(ImportError):
        import resource

        usage = resource.getrusage(resource.RUSAGE_SELF)
        used_s = int(usage.ru_utime + usage.ru_stime) + 1
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (used_s + TIMEOUT_S, hard))


if __name__ == "__main__":
    main()
