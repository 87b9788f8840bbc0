"""The rate limit in a real Redis: one count for all workers, and outages that stop nobody."""

import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import httpx
import pytest

from tests.support.processes import (
    RunningService,
    avoid_minute_end,
    free_port,
    link_index,
    run_footnote,
    wait_until,
    worker_pids,
)

PER_MINUTE = 6


class Redis:
    """A Redis server on a free port of loopback, which keeps nothing on disk."""

    def __init__(self, command: str, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        flags = ("--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
        self._command = [command, "--port", str(self.port), "--dir", str(folder), *flags]

    def __enter__(self) -> Self:
        self.start()
        return self

    def start(self) -> None:
        """Starts it, again after it was killed."""
        self.process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        wait_until(self._answers)

    def _answers(self) -> bool:
        assert self.process.poll() is None, "redis-server did not start"
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as client:
                client.sendall(b"PING\r\n")
                return client.recv(7) == b"+PONG\r\n"
        except ConnectionError:
            return False

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    command = shutil.which("redis-server")
    if command is None:
        assert not os.environ.get("CI"), "CI must have redis-server: .ci/run installs it"
        pytest.skip("NO REDIS: redis-server is not installed, so COUNTING IN REDIS WAS NOT TRIED")
    with Redis(command, tmp_path) as redis:
        yield redis


class Caller:
    """Somebody with a key of the service whose counters are in Redis."""

    def __init__(self, lakes: Path, folder: Path, redis: Redis) -> None:
        data = link_index(lakes / ".data", folder / "data")
        made = run_footnote("keys", "create", "--json", "--data-dir", data, cwd=folder)
        self._key = json.loads(made.stdout)["key"]
        self.flags = ("--no-sync", "--data-dir", data)
        self.env = {
            "FOOTNOTE_RATE_LIMIT_STORAGE": redis.url,
            "FOOTNOTE_RATE_LIMIT_PER_MINUTE": str(PER_MINUTE),
        }

    def asks(self, service: RunningService) -> httpx.Response:
        """One request, on a connection of its own."""
        headers = {"Authorization": f"Bearer {self._key}"}
        return httpx.get(f"{service.url}/v1/sources", headers=headers, timeout=30)

    def left(self, service: RunningService) -> int | None:
        """How many requests are left after one more; None where it was not counted."""
        response = self.asks(service)
        assert response.status_code == 200
        told = response.headers.get("ratelimit")
        return int(told.partition("r=")[2].partition(";")[0]) if told else None


@pytest.fixture
def caller(lakes: Path, tmp_path: Path, redis: Redis) -> Caller:
    return Caller(lakes, tmp_path, redis)


def test_two_workers_share_one_count(caller: Caller, redis: Redis, tmp_path: Path) -> None:
    patient = f"{redis.url}?socket_timeout=30&socket_connect_timeout=30"  # on a busy machine, too
    env = caller.env | {"FOOTNOTE_RATE_LIMIT_STORAGE": patient}
    with RunningService(*caller.flags, "--workers", 2, cwd=tmp_path, env=env) as service:
        wait_until(lambda: len(worker_pids(service)) == 2)
        avoid_minute_end(spare_s=20)
        left = []
        for pausing in worker_pids(service):
            os.kill(pausing, signal.SIGSTOP)  # so that the other one answers
            left += [caller.left(service) for _ in range(PER_MINUTE // 2)]
            os.kill(pausing, signal.SIGCONT)
        refused = caller.asks(service)
    assert left == [5, 4, 3, 2, 1, 0]
    assert refused.status_code == 429


@pytest.mark.parametrize("outage", [signal.SIGKILL, signal.SIGSTOP], ids=["gone", "hanging"])
def test_an_outage_lets_requests_pass_is_said_once_and_ends(
    outage: signal.Signals, caller: Caller, redis: Redis, tmp_path: Path
) -> None:
    with RunningService(*caller.flags, cwd=tmp_path, env=caller.env) as service:
        assert caller.left(service) == PER_MINUTE - 1
        redis.process.send_signal(outage)
        assert [caller.left(service) for _ in range(2 * PER_MINUTE)] == [None] * 2 * PER_MINUTE
        if outage == signal.SIGKILL:
            redis.process.wait()
            redis.start()
        redis.process.send_signal(signal.SIGCONT)
        wait_until(lambda: caller.left(service) is not None)
        log = service.stop()
    assert log.count("rate limit storage is unreachable") == 1
    assert log.count("rate limit storage is reachable again") == 1
