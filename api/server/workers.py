"""`serve --workers N`: N processes answer on one port; this one starts, replaces and ends them.

Each worker is this same command line, told which listener to use. The first one syncs. A session
of their own keeps a terminal's Ctrl-C from reaching them twice.
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

LOOK_S = 0.1
AGAIN_S = 1.0
"""A worker that fell is replaced after this, so that one that cannot start does not spin."""
_MEANT = {USAGE, CONFIGURATION, UNAVAILABLE}
"""What a worker ends with when another would do no better."""


class Workers:
    """The processes behind one listener."""

    def __init__(self, count: int, listener: socket.socket) -> None:
        """Starts none yet."""
        self._count, self._listener = count, listener
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self._due: dict[int, float] = dict.fromkeys(range(count), 0.0)
        """Which are to be started, and when."""
        self._fell: set[int] = set()
        self._code: int | None = None
        """What to exit with; None while it serves."""
        self._asked: list[int] = []
        """Signals that came and are not passed on yet."""

    def run(self) -> int:
        """Keeps them running until a signal; returns the exit code."""
        before = {s: signal.signal(s, self._ask) for s in (signal.SIGTERM, signal.SIGINT)}
        try:
            while self._code is None or self._running:
                self._start_due()
                self._notice_ends()
                while self._asked:
                    self._pass_on(self._asked.pop(0))
                time.sleep(LOOK_S)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        return self._code

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked.append(number)

    def _pass_on(self, number: int) -> None:
        if self._code is None:
            self._end(INTERRUPTED if number == signal.SIGINT else OK, number)
        else:
            self._send(number)

    def _end(self, code: int, number: int) -> None:
        """Ends every worker by a signal; while one holds the listener, it accepts."""
        self._code = code
        self._due.clear()
        self._listener.close()
        self._send(number)

    def _send(self, number: int) -> None:
        for worker in self._running.values():
            worker.send_signal(number)

    def _start_due(self) -> None:
        now = time.monotonic()
        for number in [n for n, at in self._due.items() if at <= now]:
            del self._due[number]
            self._running[number] = self._started(number)

    def _started(self, number: int) -> "subprocess.Popen[bytes]":
        fd = self._listener.fileno()
        # the first one tells how far the first sync is; later, others answer while it gets ready
        waits = number > 0 or number in self._fell
        place = ["--as-worker", str(number), str(fd), str(os.getpid()), str(waits)]
        command = [sys.executable, "-P", "-c", "from api.cli import main; main()"]
        return subprocess.Popen(
            [*command, *sys.argv[1:], *place], pass_fds=[fd], start_new_session=True
        )

    def _notice_ends(self) -> None:
        for number, worker in list(self._running.items()):
            code = worker.poll()
            if code is None:
                continue
            del self._running[number]
            if self._code is not None:
                continue
            if code in _MEANT:
                self._end(code, signal.SIGTERM)
                continue
            log.error("worker %d ended (exit code %d): starting another", number, code)
            self._fell.add(number)
            self._due[number] = time.monotonic() + AGAIN_S
