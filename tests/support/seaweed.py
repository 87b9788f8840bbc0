"""A real S3 server for tests: SeaweedFS (`weed server`) on free loopback ports.

with Seaweed(folder) as server:
    ObjectStore(server.new_prefix())   # with the variables in server.env

It honours If-Match and If-None-Match, and denies every credential but its own.
"""

import itertools
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from obstore.store import S3Store

WEED = Path(sys.executable).parent / "weed"
ACCESS_KEY, SECRET_KEY = "AKIAFOOTNOTETESTS", "a-secret-key-of-the-tests"
START_TIMEOUT_S, ATTEMPTS = 40, 3
PARTS = ("master", "volume", "filer", "s3")
BUCKET = "tests"
_numbers = itertools.count(1)


Put = Callable[[], object]


def succeeds(put: Put) -> bool:
    """Returns whether the store takes an object."""
    from obstore.exceptions import BaseError

    try:
        put()
    except BaseError:
        return False
    return True


class Seaweed:
    """An S3 server in a child process, reachable once entered; `url` is its endpoint."""

    def __init__(self, folder: Path, *, probe: Callable[[Put], bool] = succeeds) -> None:
        """`probe` tries to write an object; a process that forks does not do so itself."""
        self._folder, self._probe = folder, probe

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        identity = {
            "name": "tests",
            "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
        config = self._folder / "s3.json"
        config.write_text(json.dumps({"identities": [identity]}))
        self._log = (self._folder / "log").open("w")
        self.start()
        return self

    def start(self) -> None:
        """Starts the server and waits until it stores an object.

        Between choosing a port and binding it another process may take it: then others are tried.
        """
        for attempt in range(ATTEMPTS):
            self.process = self._launch(self._folder / f"data-{attempt}")
            if self._wait():
                return
            self.kill()
        log = (self._folder / "log").read_text()[-2000:]
        raise AssertionError(f"weed did not start, {ATTEMPTS} times:\n{log}")

    def _launch(self, data: Path) -> "subprocess.Popen[bytes]":
        data.mkdir()
        names = [f"{part}.port{grpc}" for part in PARTS for grpc in ("", ".grpc")]
        ports = dict(zip(names, free_ports(len(names)), strict=True))
        self.url = f"http://127.0.0.1:{ports['s3.port']}"
        self.env = aws_environment(self.url)
        return subprocess.Popen(
            [
                *(WEED, "server", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
                *(f"-{name}={port}" for name, port in ports.items()),
                *("-s3", f"-s3.config={self._folder / 's3.json'}", "-s3.port.iceberg=0"),
                *("-s3.port.lance=0", "-s3.autoCreateBucket=true", "-master.telemetry=false"),
                *("-volume.max=50", "-master.volumeSizeLimitMB=64", "-volume.preStopSeconds=0"),
                "-volume.minFreeSpace=0",
            ],
            stdout=self._log,
            stderr=self._log,
            cwd=self._folder,
        )

    def _wait(self) -> bool:
        """Waits until an object can be written: S3 answers before there is a volume."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while self.process.poll() is None and time.monotonic() < deadline:
            if self._probe(lambda: self._bucket().put("ready", b"ready")["e_tag"]):
                return True  # and the bucket exists
            time.sleep(0.05)
        return False

    def new_prefix(self) -> str:
        """Returns the URL of an unused prefix; each bucket would take volumes of its own."""
        return f"s3://{BUCKET}/{os.getpid()}-{next(_numbers)}"

    def _bucket(self) -> "S3Store":
        from obstore.store import S3Store

        return S3Store(
            BUCKET,
            endpoint=self.url,
            access_key_id=ACCESS_KEY,
            secret_access_key=SECRET_KEY,
            region="us-east-1",
            client_options={"allow_http": True},
            retry_config={"max_retries": 0},
        )

    def kill(self) -> None:
        """Kills the server as a power cut does."""
        self.process.kill()
        self.process.wait()

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._log.close()


def aws_environment(endpoint: str) -> dict[str, str]:
    """Returns the variables with which a client reaches the server, directly or by a proxy."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_REGION": "us-east-1",
        "NO_PROXY": "127.0.0.1",
    }


def free_ports(count: int) -> list[int]:
    """Returns different free ports."""
    with ExitStack() as stack:
        servers = [
            stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)
        ]
        return [server.getsockname()[1] for server in servers]
