"""The real thing, run as a user runs it: `footnote` in a child process, the service on loopback.

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


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without what Footnote or its libraries read, and `extra`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("FOOTNOTE_", "OPENAI_"))
    }
    return kept | {"PYTHONPATH": str(ROOT)} | dict(extra or {})


def footnote(
    *arguments: object, cwd: Path, env: Mapping[str, str] | None = None, timeout_s: float = 120
) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=environment(env),
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def write_lakes(folder: Path) -> None:
    """Writes a corpus of two articles and a picture; what a terminal must not obey is in one."""
    folder.mkdir()
    (folder / "lake.txt").write_text("The lake froze for 142 days in 1998. The ice was thick.\n")
    nasty = "The capital of Examplia is \u202eExample\u202c City \x1b[31m.\n"
    (folder / "nasty.txt").write_text(nasty)
    (folder / "picture.txt").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00")


def share_model(home: Path, data: Path) -> None:
    """Lets `home/.data` use the model's graph of another data folder: building it takes seconds."""
    (home / ".data").mkdir()
    (home / ".data" / "models").symlink_to(data / "models")


def share_index(data: Path, folder: Path) -> Path:
    """Makes `folder` a data folder over the index and the model of another, and returns it."""
    folder.mkdir()
    for name in ("collections", "models"):
        (folder / name).symlink_to((data / name).resolve())
    return folder


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def until(reached: Callable[[], bool], *, within_s: float = 60) -> None:
    """Waits for what another process does; fails where it does not."""
    deadline = time.monotonic() + within_s
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def processes_below(parent: int) -> set[int]:
    """The children of a process, and theirs."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(after_name[1]) == parent and after_name[0] != "Z":
            child = int(path.parent.name)
            found |= {child} | processes_below(child)
    return found


class LocalClient(TestClient):
    """The app in this process, called by a name that is its own."""

    def __init__(self, app: FastAPI, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(app, base_url="http://127.0.0.1", headers=dict(headers or {}))


class Running:
    """A service in a child process, ready when entered; `log` once it has ended."""

    def __init__(
        self,
        *arguments: object,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        port: int = 0,
    ) -> None:
        given = [*map(str, arguments), "--port", str(port), "--json"]
        self._arguments = [*COMMAND, "serve", *given]
        self._cwd, self._env = cwd, environment(env)
        self.log = ""

    def __enter__(self) -> Self:
        # a file: a pipe that nobody reads fills up, and then the service stops
        self._lines = tempfile.TemporaryFile("w+", encoding="utf-8")
        self.process = subprocess.Popen(
            self._arguments,
            cwd=self._cwd,
            env=self._env,
            stdout=subprocess.PIPE,
            stderr=self._lines,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"the service did not start:\n{self.stop()}")
        self.ready: dict[str, Any] = json.loads(line)
        self.url: str = self.ready["url"]
        return self

    def stop(self, how: int = signal.SIGTERM) -> str:
        """Ends the service and returns what it logged."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.process.communicate(timeout=30)
        if not self._lines.closed:
            self._lines.seek(0)
            self.log = self._lines.read()
            self._lines.close()
        return self.log

    def __exit__(self, *_: object) -> None:
        if self.process.stdout and not self.process.stdout.closed:
            self.stop()


def workers(service: Running) -> set[int]:
    """The processes of `serve --workers` that answer."""
    return {pid for pid in processes_below(service.process.pid) if "--as-worker" in command(pid)}


def command(pid: int) -> str:
    """A process's command line; empty once it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""
