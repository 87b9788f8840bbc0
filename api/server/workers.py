"""`serve --workers N`: a supervisor that starts, restarts and stops N processes on one port.

Each worker runs this same command line with the inherited listener; the first one syncs. Every
worker has its own session, so that a terminal's Ctrl-C does not reach it twice.
`uvicorn.supervisors.Multiprocess` is not used: its workers are all alike, plain `uvicorn.Server`s
that do not drain; a second signal does not reach them, and their exit codes are lost.
"""

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from types import FrameType

from ..exit_codes import CONFIGURATION, INTERRUPTED, OK, UNAVAILABLE, USAGE

log = logging.getLogger("footnote")

POLL_S = 0.1
RESTART_DELAY_S = 1.0
"""So that a worker that cannot start is not restarted in a busy loop."""
_PERMANENT = {USAGE, CONFIGURATION, UNAVAILABLE}
"""Exit codes of a worker that a restart would not change."""


class WorkerSupervisor:
    """The processes behind one listener."""

    def __init__(self, count: int, listener: socket.socket) -> None:
        """Starts no process yet."""
        self._listener = listener
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self._due_at: dict[int, float] = dict.fromkeys(range(count), 0.0)
        """When to start which worker."""
        self._restarted: set[int] = set()
        self._exit_code: int | None = None
        """None while serving."""
        self._signals: list[int] = []
        """Received, but not handled yet."""

    def run(self) -> int:
        """Keeps the workers running until a signal; returns the exit code."""
        handlers = {s: signal.signal(s, self._on_signal) for s in (signal.SIGTERM, signal.SIGINT)}
        try:
            while self._exit_code is None or self._running:
                self._start_due()
                self._reap()
                while self._signals:
                    self._handle(self._signals.pop(0))
                time.sleep(POLL_S)
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        return self._exit_code

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signals.append(number)

    def _handle(self, number: int) -> None:
        if self._exit_code is None:
            self._stop(INTERRUPTED if number == signal.SIGINT else OK, number)
        else:
            self._send(number)

    def _stop(self, exit_code: int, number: int) -> None:
        """Stops every worker with a signal; connections are accepted until the last one ends."""
        self._exit_code = exit_code
        self._due_at.clear()
        self._listener.close()
        self._send(number)

    def _send(self, number: int) -> None:
        for process in self._running.values():
            process.send_signal(number)

    def _start_due(self) -> None:
        now = time.monotonic()
        for worker in [worker for worker, due_at in self._due_at.items() if due_at <= now]:
            del self._due_at[worker]
            self._running[worker] = self._start(worker)

    def _start(self, worker: int) -> "subprocess.Popen[bytes]":
        fd = self._listener.fileno()
        # at first worker 0 serves /readyz during the first sync; later the others serve meanwhile
        waits = worker > 0 or worker in self._restarted
        command = [sys.executable, "-P", "-c", "from api.cli import main; main()", *sys.argv[1:]]
        role = ["--as-worker", str(worker), str(fd), str(os.getpid()), str(waits)]
        return subprocess.Popen([*command, *role], pass_fds=[fd], start_new_session=True)

    def _reap(self) -> None:
        for worker, process in list(self._running.items()):
            exit_code = process.poll()
            if exit_code is None:
                continue
            del self._running[worker]
            if self._exit_code is not None:
                continue
            if exit_code in _PERMANENT:
                self._stop(exit_code, signal.SIGTERM)
                continue
            log.error("worker %d ended (exit code %d): starting another", worker, exit_code)
            self._restarted.add(worker)
            self._due_at[worker] = time.monotonic() + RESTART_DELAY_S
