"""Child processes of a sync: requests, events, the writer's lock, and the end of orphans.

Parsing, embedding and building take memory and can crash; the caller, a server or a terminal,
stays small and alive. Request and events are JSON: one line in, one line per event out.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter

from .. import errors
from ..embed.factory import EmbedSpec
from ..types import Engine, Note, Skipped

Event = dict[str, object]
OnEvent = Callable[[Event], None]
Child = subprocess.Popen[str]

PARENT_POLL_S = 0.2
"""How often a child checks that its parent is alive."""
HOLDER_WAIT_S = 0.5
"""A lock's holder has written its pid long before this."""


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """What to sync: the corpus, the collection's folder and name, and how.

    `pool` is the address of a Dask scheduler; without one this machine does it all.
    """

    corpus: Path
    folder: Path
    collection: str
    formats: tuple[str, ...]
    embed: EmbedSpec
    cache: Path
    replace: bool
    max_file_bytes: int
    pool: str | None
    shared: str | None = None
    """The URL of the store in which the generations of several machines are."""
    engine: Engine = "chroma"


@dataclass(frozen=True, slots=True)
class SyncReport:
    """Counts of sources, and the generation that serves now; `published`: it is a new one."""

    generation: str
    published: bool
    added: int
    changed: int
    removed: int
    unchanged: int
    chunks: int
    skipped: tuple[Skipped, ...]
    seconds: float
    notes: tuple[Note, ...] = ()


def run_sync(
    request: SyncRequest, on_event: OnEvent, on_start: Callable[[Child], None] = lambda child: None
) -> SyncReport:
    """Syncs in a child and returns its report; raises the child's IndexingError.

    `on_start` receives the child, to terminate it early; it ends with this process, too.
    """
    with _start("index.sync.run", str(os.getpid())) as child:
        try:
            on_start(child)
            report = _read_report(_exchange(child, request, keep_open=False), on_event)
        except BaseException:
            child.terminate()
            raise
    if report is None:
        raise errors.SyncFailed(f"the sync ended early (exit code {child.returncode})")
    return report


def run_watch(request: SyncRequest, on_event: OnEvent, on_start: Callable[[Child], None]) -> int:
    """Syncs in a child after each change until the child ends; returns its exit code.

    `on_start` receives the child, to terminate it; it ends with this process, too.
    """
    with _start("index.sync.watch") as child:
        on_start(child)
        # the end of its standard input tells the child that this process is gone
        for event in _exchange(child, request, keep_open=True):
            on_event(event)
    return child.returncode


def _start(module: str, *arguments: str) -> Child:
    command = [sys.executable, "-P", "-m", module, *arguments]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        umask=0o077,  # what it builds holds the articles' texts
    )


def _exchange(child: Child, request: SyncRequest, *, keep_open: bool) -> Iterator[Event]:
    """Sends the request and yields the child's events."""
    assert child.stdin is not None  # both are pipes
    assert child.stdout is not None
    with suppress(BrokenPipeError):  # it was terminated before it had read its request
        child.stdin.write(json.dumps(asdict(request), default=str) + "\n")
        if keep_open:
            child.stdin.flush()
        else:
            child.stdin.close()
    for line in child.stdout:
        yield json.loads(line)


def _read_report(events: Iterator[Event], on_event: OnEvent) -> SyncReport | None:
    """Forwards events until the report or an error comes; None where neither does."""
    for event in events:
        if event["event"] == "done":
            return report_from_event(event)
        if event["event"] == "failed":
            raise error_from_event(event)
        on_event(event)
    return None


def report_from_event(event: Event) -> SyncReport:
    """Returns the report of a `done` event."""
    return TypeAdapter(SyncReport).validate_python(event["report"])


def error_to_event(error: errors.IndexingError) -> Event:
    """Returns a `failed` event with the error's class, message and attributes."""
    fields = {
        name: str(value) if isinstance(value, Path) else value
        for name, value in vars(error).items()
        if not name.startswith("_")
    }
    return {"event": "failed", "error": type(error).__name__, "message": str(error), **fields}


def error_from_event(event: Event) -> errors.IndexingError:
    """Returns the error of a `failed` event."""
    kind = getattr(errors, str(event["error"]), errors.SyncFailed)
    error = kind.__new__(kind)
    Exception.__init__(error, str(event["message"]))
    fields = {k: v for k, v in event.items() if k not in ("event", "error", "message")}
    error.__dict__.update(fields)
    assert isinstance(error, errors.IndexingError)
    return error


def request_from_json(text: str) -> SyncRequest:
    """Returns the request that the parent wrote."""
    return TypeAdapter(SyncRequest).validate_json(text)


def call_when_orphaned(parent_pid: int, callback: Callable[[], None]) -> None:
    """Calls back, in a thread, once this process is no longer a child of its parent."""

    def poll() -> None:
        while os.getppid() == parent_pid:
            time.sleep(PARENT_POLL_S)
        callback()

    threading.Thread(target=poll, name="parent", daemon=True).start()


@contextmanager
def writer_lock(folder: Path, collection: str) -> Iterator[None]:
    """Holds the collection's lock, an OS lock that ends with its process.

    Raises SyncBusy with the holder's pid at once where another process holds it.
    """
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "lock"
    lock = FileLock(path, timeout=0)
    deadline = time.monotonic() + HOLDER_WAIT_S
    while not lock.is_locked:
        try:
            lock.acquire()
        except Timeout as error:
            # the pid may be missing, or that of the holder before: wait until it is written
            text = path.read_text(errors="replace").strip()
            pid = int(text) if text.isdecimal() else None
            if _is_running(pid) or time.monotonic() > deadline:
                raise errors.SyncBusy(collection, pid) from error
            time.sleep(0.01)
    try:
        path.write_text(f"{os.getpid()}\n")
        try:
            yield
        finally:
            path.write_text("")  # the next holder must not be mistaken for this one
    finally:
        lock.release()


def _is_running(pid: int | None) -> bool:
    """Returns whether this is a running process other than this one."""
    if pid is None or pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
