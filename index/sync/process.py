"""Runs a sync in a child process and passes on what it says.

Parsing, embedding and building take memory and can crash; the caller, a server or a terminal,
stays small and alive. Request and events are JSON: one line in, a line an event out.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .. import errors
from ..embed.protocol import EmbedSpec
from ..types import Skipped

Event = dict[str, object]


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """What to sync: the corpus, the collection's folder and name, and how."""

    corpus: Path
    folder: Path
    collection: str
    formats: tuple[str, ...]
    embed: EmbedSpec
    cache: Path
    replace: bool
    max_file_bytes: int


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a sync did; `generation` is the one that serves now."""

    generation: str
    published: bool
    added: int
    changed: int
    removed: int
    unchanged: int
    chunks: int
    skipped: tuple[Skipped, ...]
    seconds: float


def run_sync(
    request: SyncRequest,
    on_event: Callable[[Event], None],
    on_start: Callable[["subprocess.Popen[str]"], None] = lambda child: None,
) -> SyncReport:
    """Syncs in a child and returns its report; raises the IndexingError that it met.

    `on_start` is given the child, to end it early; it ends with this process, too.
    """
    command = [sys.executable, "-P", "-m", "index.sync.run", str(os.getpid())]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as child:
        assert child.stdin is not None  # both are pipes
        assert child.stdout is not None
        try:
            on_start(child)
            with suppress(BrokenPipeError):  # it was ended before it had read its request
                child.stdin.write(json.dumps(asdict(request), default=str))
                child.stdin.close()
            report = _listen(child.stdout, on_event)
        except BaseException:
            child.terminate()
            raise
    if report is None:
        raise errors.SyncFailed(f"the sync ended early (exit code {child.returncode})")
    return report


def run_watch(
    request: SyncRequest,
    on_event: Callable[[Event], None],
    on_start: Callable[["subprocess.Popen[str]"], None],
) -> int:
    """Syncs in a child after each change, until that ends; returns its exit code.

    `on_start` is given the child, to end it; it ends with this process, too.
    """
    command = [sys.executable, "-P", "-m", "index.sync.watch"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as child:
        assert child.stdin is not None  # both are pipes
        assert child.stdout is not None
        on_start(child)
        with suppress(BrokenPipeError):
            child.stdin.write(json.dumps(asdict(request), default=str) + "\n")
            child.stdin.flush()  # left open: its end is what tells the child that we are gone
        for line in child.stdout:
            on_event(json.loads(line))
    return child.returncode


def _listen(lines: Any, on_event: Callable[[Event], None]) -> SyncReport | None:
    """Passes events on until the report or an error comes; None where neither does."""
    for line in lines:
        event = json.loads(line)
        if event["event"] == "done":
            return report_from(event)
        if event["event"] == "failed":
            raise rebuilt(event)
        on_event(event)
    return None


def report_from(event: Event) -> SyncReport:
    """Returns the report that a `done` event carries."""
    fields: Any = event["report"]
    skipped = tuple(Skipped(**entry) for entry in fields["skipped"])
    return SyncReport(**(fields | {"skipped": skipped}))


def described(error: errors.IndexingError) -> Event:
    """Returns an error as an event."""
    fields = {
        name: str(value) if isinstance(value, Path) else value
        for name, value in vars(error).items()
        if not name.startswith("_")
    }
    return {"event": "failed", "error": type(error).__name__, "message": str(error), **fields}


def rebuilt(event: Event) -> errors.IndexingError:
    """Returns the error that an event describes."""
    kind = getattr(errors, str(event["error"]), errors.SyncFailed)
    error = kind.__new__(kind)
    Exception.__init__(error, str(event["message"]))
    fields = {k: v for k, v in event.items() if k not in ("event", "error", "message")}
    error.__dict__.update(fields)
    assert isinstance(error, errors.IndexingError)
    return error


def request_from(text: str) -> SyncRequest:
    """Returns the request that a parent wrote."""
    fields = json.loads(text)
    embed = fields.pop("embed")
    embed["models_dir"] = Path(embed["models_dir"])
    for name in ("corpus", "folder", "cache"):
        fields[name] = Path(fields[name])
    fields["formats"] = tuple(fields["formats"])
    return SyncRequest(**fields, embed=EmbedSpec(**embed))
