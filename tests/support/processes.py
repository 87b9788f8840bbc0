"""Runs `footnote` in child processes as a user does: commands, and the service on loopback.

with Running(corpus, "--data-dir", folder) as service:
    httpx.get(service.url + "/readyz")
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from fastapi import FastAPI
from starlette.testclient import TestClient

ROOT = Path(__file__).parents[2]
SEEDS = ROOT / "seeds"
COMMAND = [sys.executable, "-c", "from api.cli import main; main()"]


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Returns the environment without Footnote's and its libraries' variables, plus `extra`."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("FOOTNOTE_", "OPENAI_"))
    }
    return inherited | {"PYTHONPATH": str(ROOT)} | dict(extra or {})


def run_footnote(
    *arguments: object, cwd: Path, env: Mapping[str, str] | None = None, timeout_s: float = 120
) -> subprocess.CompletedProcess[str]:
    """Runs a `footnote` command until it exits."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=clean_environment(env),
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def write_lake_articles(folder: Path) -> None:
    """Writes a corpus of two articles, one with terminal control characters, and a picture."""
    folder.mkdir()
    (folder / ".footnote-corpus").touch()  # HTTP clients may change it
    (folder / "lake.txt").write_text("The lake froze for 142 days in 1998. The ice was thick.\n")
    unsafe = "The capital of Examplia is \u202eExample\u202c City \x1b[31m.\n"
    (folder / "nasty.txt").write_text(unsafe)
    (folder / "picture.txt").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00")


def link_model(home: Path, data: Path) -> None:
    """Links the model graph of another data folder into `home/.data`: building it takes seconds."""
    (home / ".data").mkdir(0o700)
    (home / ".data" / "models").symlink_to(data / "models")


def link_index(data: Path, folder: Path) -> Path:
    """Creates and returns a data folder that links to the index and the model of another."""
    folder.mkdir(0o700)
    for name in ("collections", "models"):
        (folder / name).symlink_to((data / name).resolve())
    return folder


def free_port() -> int:
    """Returns a free port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def wait_until(condition: Callable[[], bool], *, timeout_s: float = 60) -> None:
    """Polls the condition until it is true; fails after the timeout."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def avoid_minute_end(*, spare_s: float) -> None:
    """Sleeps into the next minute if less is left of this one; rate limits count by the minute."""
    left = 60 - time.time() % 60
    if left < spare_s:
        time.sleep(left)


def descendant_pids(parent: int) -> set[int]:
    """Returns the child processes of a process, and theirs."""
    pids = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(after_name[1]) == parent and after_name[0] != "Z":
            child = int(path.parent.name)
            pids |= {child} | descendant_pids(child)
    return pids


class LocalClient(TestClient):
    """A client of the app in this process, under a host name that it allows."""

    def __init__(self, app: FastAPI, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(app, base_url="http://127.0.0.1", headers=dict(headers or {}))


class RunningService:
    """A service in a child process, ready once entered; `log` is set once it has exited."""

    def __init__(
        self,
        *arguments: object,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        port: int = 0,
    ) -> None:
        options = ["--port", str(port), "--json"]
        self._arguments = [*COMMAND, "serve", *map(str, arguments), *options]
        self._cwd, self._env = cwd, clean_environment(env)
        self.log = ""

    def __enter__(self) -> Self:
        # a file: a pipe that nobody reads fills up and blocks the service
        self._stderr = tempfile.TemporaryFile("w+", encoding="utf-8")
        self.process = subprocess.Popen(
            self._arguments,
            cwd=self._cwd,
            env=self._env,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"the service did not start:\n{self.stop()}")
        self.ready: dict[str, Any] = json.loads(line)
        self.url: str = self.ready["url"]
        return self

    def stop(self, signal_number: int = signal.SIGTERM) -> str:
        """Stops the service and returns its log."""
        if self.process.poll() is None:
            self.process.send_signal(signal_number)
        self.process.communicate(timeout=30)
        if not self._stderr.closed:
            self._stderr.seek(0)
            self.log = self._stderr.read()
            self._stderr.close()
        return self.log

    def __exit__(self, *_: object) -> None:
        if self.process.stdout and not self.process.stdout.closed:
            self.stop()


def worker_pids(service: RunningService) -> set[int]:
    """Returns the worker processes of `serve --workers`."""
    return {
        pid for pid in descendant_pids(service.process.pid) if "--as-worker" in command_line(pid)
    }


def command_line(pid: int) -> str:
    """Returns the command line of a process; empty once it has exited."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""
