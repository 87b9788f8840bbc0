"""A worker: reads files and embeds texts for syncs, until it is told to end.

`run_worker` keeps a child alive, `python -m index.sync.pool.worker PARENT`, which reads one request
from standard input and writes one event per line: `waiting` for its scheduler, or `serving` it. The
child opens the model once, and outlives its scheduler.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

from pydantic import TypeAdapter

from ...embed.factory import EmbedSpec, open_embedder
from ...embed.pool import serve
from ...errors import IndexingError, PoolUnavailable
from ...object_store import ObjectStore
from ...redact import guard_stderr
from ..process import (
    Event,
    OnEvent,
    call_when_orphaned,
    error_from_event,
    error_to_event,
)
from .tasks import IngestTasks

RETRY_S = 1.0
"""Between two attempts to reach the scheduler, and before a child that has died is replaced."""


@dataclass(frozen=True, slots=True)
class WorkerRequest:
    """The scheduler's address, the worker's own model, a folder for its files, and the bucket."""

    pool: str
    embed: EmbedSpec
    folder: Path
    shared: str | None


def run_worker(request: WorkerRequest, on_event: OnEvent) -> NoReturn:
    """Keeps a worker running; raises the IndexingError that ends it, such as a missing library."""
    while True:
        command = [sys.executable, "-P", "-m", "index.sync.pool.worker", str(os.getpid())]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8", umask=0o077
        ) as child:
            try:
                assert child.stdin is not None  # both are pipes
                assert child.stdout is not None
                child.stdin.write(json.dumps(asdict(request), default=str) + "\n")
                child.stdin.close()
                for line in child.stdout:
                    event = json.loads(line)
                    if event["event"] == "failed":
                        raise error_from_event(event)
                    on_event(event)
            except BaseException:
                child.terminate()
                raise
        on_event({"event": "restart", "code": child.returncode})
        time.sleep(RETRY_S)


def main() -> int:
    """Works for the parent; returns the exit code."""
    for parent_pid in sys.argv[1:]:
        call_when_orphaned(int(parent_pid), lambda: os._exit(1))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides, and sends SIGTERM
    guard_stderr()
    events = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def emit(event: Event) -> None:
        events.write(json.dumps(event) + "\n")
        events.flush()

    request = TypeAdapter(WorkerRequest).validate_json(sys.stdin.read())
    try:
        _work(request, emit)
    except IndexingError as error:
        emit(error_to_event(error))
    return 1


def _work(request: WorkerRequest, emit: OnEvent) -> NoReturn:
    """Works until this process is ended; raises SettingInvalid for a missing library."""
    store = ObjectStore(request.shared) if request.shared else None
    tasks = IngestTasks(lambda: open_embedder(request.embed), store)
    functions: dict[str, Callable[[Any], object]] = {"embed": tasks.embed, "read": tasks.read}
    request.folder.mkdir(parents=True, exist_ok=True)

    def on_start(address: str) -> None:
        emit({"event": "serving", "address": address})

    is_waiting = False
    while True:
        try:
            serve(request.pool, functions, request.folder, on_start)
            is_waiting = False
        except PoolUnavailable:
            pass
        if not is_waiting:
            emit({"event": "waiting", "scheduler": request.pool})
            is_waiting = True
        time.sleep(RETRY_S)


if __name__ == "__main__":
    sys.exit(main())
