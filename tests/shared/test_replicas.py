"""Real replicas answer from whole generations while others are published, also when cut off."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import pytest

from index.embed.factory import EmbedSpec
from tests.support.corpus_builder import sync_in_process, sync_request
from tests.support.cutting_proxy import CuttingProxy, is_http
from tests.support.extras import needs
from tests.support.processes import RunningService, free_port, wait_until
from tests.support.seaweed import Seaweed, aws_environment

pytestmark = needs("obstore")

SWAPS = 100 if os.environ.get("SOAK") else 8
POLL_S, SERVICE_S = 0.5, 2.0
"""The poll, and what a service may take besides to open what it sees."""
QUESTION = "On which day number was the lake measured?"


def write_article(home: Path, number: int) -> None:
    """An article whose sentences name the generation that they belong to."""
    (home / "articles").mkdir(exist_ok=True)
    text = f"The lake was measured on day number {number:03}. Its ice was {number + 100} mm.\n"
    (home / "articles" / "lake.txt").write_text(text)


@dataclass
class Site:
    """One machine that syncs, replicas of it, and a proxy between each replica and the store."""

    home: Path
    embed: EmbedSpec
    server: Seaweed
    url: str
    stack: ExitStack
    proxies: list[CuttingProxy] = field(default_factory=list)

    def sync(self, number: int) -> str:
        """Publishes a generation about a number and returns its name."""
        write_article(self.home, number)
        request = sync_request(self.home / "articles", self.home / ".data", self.embed)
        report, _ = sync_in_process(replace(request, shared=self.url))
        assert report.generation == f"{number:06}"
        return report.generation

    def replica(self, name: str, *arguments: object, port: int = 0) -> RunningService:
        """Starts a replica with an empty data folder, and no corpus."""
        home = self.home / name
        home.mkdir()
        (home / ".data").mkdir(mode=0o700)
        (home / ".data" / "models").symlink_to(self.embed.models_dir)
        address = self.server.url.removeprefix("http://").partition(":")
        target = address[0], int(address[2])
        proxy = self.stack.enter_context(CuttingProxy(target, is_request=is_http))
        self.proxies.append(proxy)
        options = ("--role", "replica", "--shared", self.url, *arguments)
        variables = {"FOOTNOTE_READER": "false", "FOOTNOTE_SHARED_POLL_S": str(POLL_S)}
        env = aws_environment(proxy.url) | variables
        service = RunningService(*options, cwd=home, env=env, port=port)
        return self.stack.enter_context(service)


@pytest.fixture
def site(seaweed: Seaweed, tmp_path: Path, minilm_spec: EmbedSpec) -> Iterator[Site]:
    """A machine that has published nothing yet."""
    with ExitStack() as stack:
        yield Site(tmp_path, minilm_spec, seaweed, seaweed.new_prefix(), stack)


@dataclass
class Asker:
    """Asks one replica without a pause; each answer is checked against its generation."""

    url: str
    generations: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        with httpx.Client(base_url=self.url, timeout=30) as client:
            while not self.stopping.is_set():
                reply = client.post("/v1/answers", json={"question": QUESTION})
                self.check(reply)
                self.stopping.wait(0.05)

    def check(self, reply: httpx.Response) -> None:
        if reply.status_code != 200:
            self.faults.append(f"{reply.status_code} {reply.text[:200]}")
            return
        body = reply.json()
        generation = body["index"]["generation"]
        quotes = [c["quote"] for c in body["citations"]] + [p["text"] for p in body["passages"]]
        expected = f"day number {int(generation):03}."
        if not any(expected in quote for quote in quotes):
            self.faults.append(f"generation {generation} quotes {quotes}")
        if any("day number" in quote and expected not in quote for quote in quotes):
            self.faults.append(f"generation {generation} is mixed: {quotes}")
        self.generations.append(generation)


def generation_of(service: RunningService) -> str:
    return str(httpx.get(f"{service.url}/readyz").json()["generation"])


def behind_s(service: RunningService) -> float:
    return float(httpx.get(f"{service.url}/readyz").json()["behind_s"])


def test_replicas_answer_from_whole_generations_while_others_are_published(site: Site) -> None:
    site.sync(1)
    replicas = [site.replica(f"replica-{number}") for number in range(3)]
    askers = [Asker(replica.url) for replica in replicas]
    threads = [threading.Thread(target=asker.run) for asker in askers]
    for thread in threads:
        thread.start()
    lags: list[float] = []
    try:
        for number in range(2, 2 + SWAPS):
            name, swapped_s = site.sync(number), time.monotonic()
            for replica in replicas:
                wait_until(lambda r=replica, n=name: generation_of(r) == n)  # type: ignore[misc]  # bound
                lags.append(time.monotonic() - swapped_s)
    finally:
        for asker, thread in zip(askers, threads, strict=True):
            asker.stopping.set()
            thread.join()
    assert [asker.faults for asker in askers] == [[], [], []]
    last = f"{1 + SWAPS:06}"
    for asker in askers:
        assert asker.generations == sorted(asker.generations)
        assert {asker.generations[0], asker.generations[-1]} == {"000001", last}
    lags.sort()
    print(  # noqa: T201  # the figures that the test is for
        f"{sum(len(asker.generations) for asker in askers)} answers, {SWAPS} swaps; seen after "
        f"{lags[len(lags) // 2]:.1f} s (median), {lags[-1]:.1f} s at most"
    )


def test_a_replica_that_is_cut_off_serves_on_says_so_and_catches_up(site: Site) -> None:
    site.sync(1)
    replica = site.replica("replica")
    (proxy,) = site.proxies
    client = site.stack.enter_context(httpx.Client(base_url=replica.url))
    assert behind_s(replica) < POLL_S + SERVICE_S + 5
    for fail in (proxy.cut, proxy.hold):
        before = generation_of(replica)
        fail()
        name = site.sync(int(before) + 1)
        at_cut = behind_s(replica)
        wait_until(lambda b=at_cut: behind_s(replica) > b + 2 * POLL_S)  # type: ignore[misc]  # bound
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["status"]) == (200, "ready")
        assert ready.json()["generation"] == before
        asker = Asker(replica.url)
        asker.check(client.post("/v1/answers", json={"question": QUESTION}))
        assert (asker.generations, asker.faults) == ([before], [])
        proxy.restore()
        wait_until(lambda n=name: generation_of(replica) == n, timeout_s=90)  # type: ignore[misc]  # bound
    wait_until(lambda: behind_s(replica) < 2 * POLL_S)
    metrics = client.get("/metrics").text
    assert 'footnote_pulls_total{collection="default"} 3.0' in metrics
    assert 'footnote_pull_seconds_total{collection="default"}' in metrics
    failures = [line for line in metrics.splitlines() if "footnote_pull_failures_total{" in line]
    assert float(failures[0].split()[-1]) > 0
    log = replica.stop()
    assert "pulled generation 000002" in log
    assert "the shared store is back" in log


def test_a_replica_with_workers_pulls_once_and_needs_no_corpus(site: Site) -> None:
    site.sync(1)
    replica = site.replica("replica", "--workers", 2)
    assert not (site.home / "replica" / "seeds").exists()
    name = site.sync(2)
    wait_until(lambda: generation_of(replica) == name)
    pulls = 'footnote_pulls_total{collection="default"} 2.0'
    wait_until(lambda: pulls in httpx.get(f"{replica.url}/metrics").text)  # of both workers
    writes = httpx.put(f"{replica.url}/v1/files/x.txt", content=b"x")
    assert writes.status_code in (403, 404)


def test_a_replica_waits_for_the_first_generation(site: Site) -> None:
    port, started = free_port(), list[RunningService]()
    thread = threading.Thread(target=lambda: started.append(site.replica("replica", port=port)))
    thread.start()
    url = f"http://127.0.0.1:{port}/readyz"
    wait_until(lambda: _status(url) == "building")
    name = site.sync(1)
    thread.join(60)
    assert generation_of(started[0]) == name


def _status(url: str) -> str | None:
    try:
        return str(httpx.get(url).json()["status"])
    except httpx.HTTPError:
        return None
