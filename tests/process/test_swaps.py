"""Generation swaps under load: no request fails, no answer mixes two, no resource leaks.

Every sentence of a generation names its edition. SOAK=1 swaps a hundred times.
"""

import os
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from index.embed.factory import EmbedSpec
from index.sync.process import SyncRequest
from tests.support.corpus_builder import sync_in_process, sync_request, write_files
from tests.support.processes import RunningService, wait_until

SWAPS = 100 if os.environ.get("SOAK") else 5
RATE = 20
"""Requests per second."""
WARM_UP_SWAPS = 2
"""Swaps before memory and descriptors are measured for the first time."""
MAX_GROWTH_MB = 80
"""Far below 100 leaked generations of 1.5 MB each; allocators retain some memory."""
EXTRA_DESCRIPTORS = 10
"""Chroma opens a varying number of connections to its database."""
TOWERS = 8
EDITION = re.compile(r"edition (\d+)")


def edition(number: int) -> dict[str, str]:
    """Returns articles that name the edition in every sentence."""
    return {
        f"tower-{tower}.txt": (
            f"The lamp of tower {tower} was lit on {100 + tower} nights, says edition {number}.\n\n"
            f"The keeper of tower {tower} wrote edition {number} of its log, page after page.\n"
        )
        for tower in range(TOWERS)
    }


class Load:
    """Sends every kind of request at a steady rate and stores the responses."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=60)
        self._requests: list[Future[httpx.Response]] = []
        self._stop = threading.Event()

    def _ask(self, number: int) -> httpx.Response:
        body = {"question": f"On how many nights was the lamp of tower {number % TOWERS} lit?"}
        if number % 4 == 3:
            return self._client.post("/v1/search", json={"query": body["question"]})
        return self._client.post("/v1/answers", json=body | {"stream": number % 4 == 2})

    def _run(self) -> None:
        with ThreadPoolExecutor(16) as pool:
            started = time.monotonic()
            while not self._stop.wait(
                max(0, started + len(self._requests) / RATE - time.monotonic())
            ):
                self._requests.append(pool.submit(self._ask, len(self._requests)))

    @contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()
            self._client.close()

    @property
    def responses(self) -> list[httpx.Response]:
        return [request.result() for request in self._requests]


class Process:
    """The resources of a process, from /proc."""

    def __init__(self, pid: int) -> None:
        self._folder = Path(f"/proc/{pid}")

    def descriptors(self) -> int:
        """Returns the number of open files; sockets belong to the load."""
        count = 0
        for path in (self._folder / "fd").iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                count += not os.readlink(path).startswith("socket:")
        return count

    def threads(self) -> int:
        return len(list((self._folder / "task").iterdir()))

    def megabytes(self) -> float:
        lines = (self._folder / "status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


@pytest.fixture
def request_(tmp_path: Path, seeds_data: Path) -> SyncRequest:
    """The first edition, published."""
    spec = EmbedSpec("minilm", None, None, None, seeds_data / "models")
    request = sync_request(write_files(tmp_path / "articles", edition(1)), tmp_path / ".data", spec)
    sync_in_process(request)
    return request


def swap(request: SyncRequest, service: RunningService, number: int) -> str:
    """Publishes an edition, waits until it serves, and returns its generation."""
    write_files(request.corpus, edition(number))
    name = sync_in_process(request)[0].generation

    def is_serving() -> bool:
        ready = httpx.get(service.url + "/readyz", timeout=60)
        return ready.status_code == 200 and ready.json()["generation"] == name

    wait_until(is_serving)
    return name


def test_swaps_under_load_fail_no_request_mix_no_answer_and_leave_nothing_open(
    request_: SyncRequest, tmp_path: Path, seeds_data: Path
) -> None:
    (tmp_path / ".data" / "models").symlink_to(seeds_data / "models")
    editions = {"000001": 1}
    with RunningService("articles", "--no-sync", cwd=tmp_path) as service:
        process, load = Process(service.process.pid), Load(service.url)
        started = time.monotonic()
        with load.running():
            for number in range(2, SWAPS + 2):
                editions[swap(request_, service, number)] = number
                if number == WARM_UP_SWAPS + 1:
                    before = process.descriptors(), process.threads(), process.megabytes()
        seconds, responses = time.monotonic() - started, load.responses
        wait_until(lambda: process.descriptors() <= before[0] + EXTRA_DESCRIPTORS)
        after = process.descriptors(), process.threads(), process.megabytes()
    rate = len(responses) / seconds
    print(f"{SWAPS} swaps, {len(responses)} requests, {rate:.1f} a second")  # noqa: T201
    print(f"descriptors, threads, MB: {before} → {after}")  # noqa: T201  # the measured figures
    assert [r.status_code for r in responses if r.status_code != 200] == []
    streams = [r.text for r in responses if "event-stream" in r.headers["content-type"]]
    assert all("event: done" in text for text in streams)
    for response in responses:
        generations = set(re.findall(r'"generation": ?"(\d+)"', response.text))
        editions_named = {int(number) for number in EDITION.findall(response.text)}
        assert editions_named == {editions[name] for name in generations}
        assert len(editions_named) == 1
    assert after[2] <= before[2] + MAX_GROWTH_MB
