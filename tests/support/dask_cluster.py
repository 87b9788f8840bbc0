"""A Dask scheduler and workers as processes on loopback, as their users start them.

with Scheduler(folder) as scheduler, Worker(scheduler.url, folder / "a", env) as worker:
    worker.kill()  # its `footnote worker` starts another
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from index.embed.factory import EmbedSpec
from tests.support.processes import (
    COMMAND,
    clean_environment,
    descendant_pids,
    free_port,
    wait_until,
)


class _Process:
    """A process with a log, a folder of its own for HOME, and an end."""

    def __init__(self, command: list[str], folder: Path, env: Mapping[str, str]) -> None:
        self.folder, self._command = folder, command
        self.home = folder / "home"
        self.home.mkdir(parents=True, exist_ok=True)
        self._env = clean_environment({"HOME": str(self.home), **env})

    def start(self) -> None:
        """Starts it; its log is appended."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self._command, cwd=self.folder, env=self._env, stdout=log, stderr=log
            )

    @property
    def log(self) -> str:
        """What it has printed."""
        return (self.folder / "log").read_text()

    def end(self, number: int = signal.SIGTERM) -> None:
        """Ends it and its children."""
        pids = descendant_pids(self.process.pid)
        self.process.send_signal(number)
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.end()


class Scheduler(_Process):
    """`dask scheduler`, on the same port whenever it is started; `url` is its address."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"tcp://127.0.0.1:{self.port}"
        options = ["--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard"]
        options += ["--dashboard-address", "127.0.0.1:0"]
        super().__init__([sys.executable, "-m", "dask", "scheduler", *options], folder, {})

    def start(self) -> None:
        """Starts it and waits until it listens."""
        super().start()
        wait_until(self._listens)

    def _listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            return True
        return False


class Worker(_Process):
    """`footnote worker` with settings of its own."""

    def __init__(self, url: str, folder: Path, env: Mapping[str, str]) -> None:
        options = ["--pool", url, "--data-dir", str(folder / "data")]
        super().__init__([*COMMAND, "worker", *options], folder, env)

    def __enter__(self) -> Self:
        self.start()
        self.wait_for_connection(1)
        return self

    @classmethod
    def with_models(cls, url: str, folder: Path, spec: EmbedSpec) -> Self:
        """Returns a worker that has the built graph of the embedded model."""
        (folder / "data").mkdir(parents=True)
        (folder / "data" / "models").symlink_to(spec.models_dir)
        return cls(url, folder, {})

    def wait_for_connection(self, number: int) -> None:
        """Waits until it has connected for the n-th time."""
        wait_until(lambda: self.log.count("working for ") >= number)

    def kill(self) -> bool:
        """Kills the process that does the work; returns False where there is none."""
        children = descendant_pids(self.process.pid)
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return bool(children)


class PoisonedWorker(Worker):
    """A worker whose results are wrong in the way that `poison` names."""

    def __init__(self, url: str, folder: Path, env: Mapping[str, str], poison: str) -> None:
        super().__init__(url, folder, env)
        self._command = [sys.executable, "-m", "tests.support.poisoned_worker", url, poison]


class CuttableProxy:
    """A TCP proxy to a port; `cut` ends its connections and refuses new ones until `mend`.

    `sent` counts the bytes of both directions.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._sockets: set[socket.socket] = set()
        self._is_cut = False
        self.sent = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self.url = f"tcp://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def cut(self) -> None:
        """Ends all connections, and from now on each new one at once."""
        self._is_cut = True
        for one in list(self._sockets):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Lets connections through again."""
        self._is_cut = False

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            if self._is_cut:
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self._target))
            self._sockets |= {near, far}
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._copy, args=(one, other), daemon=True).start()

    def _copy(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(1 << 16):
                self.sent += len(data)
                other.sendall(data)
        with contextlib.suppress(OSError):
            other.shutdown(socket.SHUT_RDWR)
        one.close()
        self._sockets.discard(one)
