"""A file's bytes → its document, by one child process that is used for many files.

A file that kills the child, or keeps it too long, is a cause like any other: the next file gets a
new child (`formats/child.py` has the limits).
"""

import json
import signal
import subprocess
import sys
import threading
from typing import IO, Any

from ..errors import SyncFailed
from ..types import Document, Heading
from .sandbox_child import MEMORY, READY, SECONDS

_COMMAND = (sys.executable, "-P", "-m", "index.formats.sandbox_child")


_TOO_MUCH = f"needs more than {MEMORY >> 20} MB of memory to read"


class Extraction:
    """A child process that reads files; begun when there is one to read, ended by `close`."""

    def __init__(self, *, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._child: subprocess.Popen[bytes] | None = None

    def document(self, name: str, data: bytes) -> Document:
        """Returns what the format called `name` makes of the bytes; a ValueError says why not."""
        used = self._child is not None
        try:
            return self._ask(name, data)
        except MemoryError:
            if not used:
                raise ValueError(_TOO_MUCH) from None
        return self._again(name, data)  # the files before it may have left less room

    def close(self) -> None:
        """Ends the child."""
        if self._child is None:
            return
        child, self._child = self._child, None
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                _shut(pipe)

    def _again(self, name: str, data: bytes) -> Document:
        try:
            return self._ask(name, data)
        except MemoryError as error:
            raise ValueError(_TOO_MUCH) from error

    def _ask(self, name: str, data: bytes) -> Document:
        child = self._child = self._child or self._started()
        late, clock = _clock(child, self._seconds)
        try:
            header, text = _exchange(child, name, data)
        except (OSError, EOFError):
            child.wait()
            self.close()
            if late.is_set():
                raise ValueError(f"took more than {self._seconds:g} s to read") from None
            raise ValueError(_end(child.returncode)) from None
        finally:
            clock.cancel()
        if late.is_set() or "memory" in header:
            self.close()
        if "memory" in header:
            raise MemoryError
        if "cause" in header:
            raise ValueError(header["cause"])
        return _document(header, text)

    def _started(self) -> "subprocess.Popen[bytes]":
        """Returns a new child that can read; raises SyncFailed, for no file is to blame."""
        child = subprocess.Popen(
            _COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert child.stdout is not None  # a pipe
        _, clock = _clock(child, SECONDS)
        said = child.stdout.readline()
        clock.cancel()
        if said != READY:
            self._child = child
            self.close()
            ended = f"exit code {child.returncode}"
            raise SyncFailed(f"no file can be read: the process for it did not begin ({ended})")
        return child


def _clock(
    child: "subprocess.Popen[bytes]", seconds: float
) -> tuple[threading.Event, threading.Timer]:
    """Starts the time after which the child is killed, and the event is set."""
    late = threading.Event()

    def stop() -> None:
        late.set()
        child.kill()

    clock = threading.Timer(seconds, stop)
    clock.start()
    return late, clock


def _exchange(
    child: "subprocess.Popen[bytes]", name: str, data: bytes
) -> tuple[dict[str, Any], bytes]:
    """Sends a file and returns the answer's header and text; raises OSError or EOFError."""
    assert child.stdin is not None  # both are pipes
    assert child.stdout is not None
    child.stdin.write(json.dumps({"format": name, "length": len(data)}).encode() + b"\n")
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


def _document(header: dict[str, Any], text: bytes) -> Document:
    return Document(
        text=text.decode(),
        blocks=tuple((start, end) for start, end in header["blocks"]),
        title=header["title"],
        headings=tuple(Heading(**heading) for heading in header["headings"]),
        pages=tuple(header["pages"]),
        metadata=header["metadata"],
    )


def _end(code: int) -> str:
    """Returns in words how the child ended."""
    if code >= 0:
        return f"ended the process that read it (exit code {code})"
    if -code == getattr(signal, "SIGXCPU", 0):
        return f"took more than {SECONDS} s of processor time to read"
    return f"killed the process that read it ({signal.Signals(-code).name})"


def _shut(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except OSError:  # what was not sent any more
        return
