"""What several machines cost: swap, push, pull and follow of one changed file, questions a second.

    python -m tests.benchmarks.measure.scale [CORPUS] [--seconds 10] [--store file]

One machine syncs, three replicas are real `footnote serve --role replica` processes, the store is a
real SeaweedFS on loopback, or a folder. All of it shares this machine's cores, so the ratio of
questions a second says something only where there are more cores than processes. Prints a table;
ratios are of one run.
"""

import argparse
import os
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import httpx

from index.embed.factory import EmbedSpec
from index.object_store import ObjectStore
from index.shared.collection import SharedCollection
from index.shared.pull import pull_current
from index.sync.process import Event, SyncRequest
from index.sync.run import sync
from tests.support.corpus_builder import sync_request
from tests.support.processes import SEEDS, RunningService
from tests.support.seaweed import Seaweed

POLL_S = 0.5
SWAPS = 200
QUESTIONS = ("When does Xiaomi want to sell cars abroad?", "What was planned?", "Who said so?")
CLIENTS = 6


def publish(request: SyncRequest) -> tuple[float, float]:
    """Syncs; returns the seconds and megabytes of the push."""
    moved, times = 0.0, list[float]()

    def on_event(event: Event) -> None:
        nonlocal moved
        if event["event"] == "verify":
            times[:] = [time.monotonic()]  # the push begins after the last of them
        elif event["event"] == "push":
            moved = float(str(event["total"])) / 1e6
            times[1:] = [time.monotonic()]

    sync(request, on_event)
    return (times[1] - times[0] if len(times) > 1 else 0.0), moved


def swap_ms(url: str) -> Iterator[float]:
    """Yields the milliseconds of conditional writes of a small object, one after the other."""
    store = ObjectStore(url)
    tag = store.swap("benchmark", b"0", None)
    for number in range(SWAPS):
        started_s = time.perf_counter()
        tag = store.swap("benchmark", f"{number + 1}".encode(), tag)
        yield 1000 * (time.perf_counter() - started_s)
    store.delete("benchmark")


def pull(url: str, folder: Path) -> tuple[float, float]:
    """Pulls what is published; returns the seconds and megabytes."""
    moved, started_s = 0, time.monotonic()

    def on_bytes(done: int, total: int) -> None:
        nonlocal moved
        moved = total

    folder.mkdir(parents=True, exist_ok=True)
    pull_current(SharedCollection(ObjectStore(url), "default"), folder, on_bytes)
    return time.monotonic() - started_s, moved / 1e6


def generation_of(service: RunningService) -> str:
    """Returns which generation a replica serves."""
    return str(httpx.get(f"{service.url}/readyz").json()["generation"])


def questions_a_second(replicas: Sequence[RunningService], seconds: float) -> float:
    """Asks the replicas in turn from several clients."""
    counts, end_s = [0] * CLIENTS, time.monotonic() + seconds

    def ask(client: int) -> None:
        with httpx.Client(timeout=60) as http:
            while time.monotonic() < end_s:
                url = replicas[(client + counts[client]) % len(replicas)].url
                body = {"query": QUESTIONS[counts[client] % len(QUESTIONS)]}
                http.post(f"{url}/v1/search", json=body).raise_for_status()
                counts[client] += 1

    threads = [threading.Thread(target=ask, args=[client]) for client in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", nargs="?", type=Path, default=SEEDS)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--store", choices=("s3", "file"), default="s3")
    options = parser.parse_args()
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (home / "store").mkdir()
        url, env = (home / "store").as_uri(), dict[str, str]()
        if options.store == "s3":
            server = stack.enter_context(Seaweed(home / "seaweed"))
            url, env = server.new_prefix(), server.env
            os.environ.update(env)
        measure(home, options.corpus, url, env, options.seconds, stack)


def measure(
    home: Path, corpus: Path, url: str, env: dict[str, str], seconds: float, stack: ExitStack
) -> None:
    """Prints what publishing, following and answering took."""
    shutil.copytree(corpus, home / "corpus")
    spec = EmbedSpec("minilm", None, None, None, home / "models")
    request = replace(
        sync_request(home / "corpus", home / "data", spec, formats=("txt", "md")), shared=url
    )
    swaps = sorted(swap_ms(url))
    print(f"swap by condition   {statistics.median(swaps):8.1f} ms p50, {swaps[-1]:.1f} at most")
    push_s, whole_mb = publish(request)
    pull_s, pulled_mb = pull(url, home / "mirror")
    print(f"first generation    {whole_mb:8.2f} MB pushed in {push_s:.2f} s, ", end="")
    print(f"{pulled_mb:.2f} MB pulled in {pull_s:.2f} s")
    replicas = [stack.enter_context(replica(home, number, url, env)) for number in range(3)]
    article = home / "corpus" / "changed.txt"
    article.write_text("One file was changed, and that is all that happened on this day.\n")
    push_s, changed_mb = publish(request)
    published_s = time.monotonic()
    name = SharedCollection(ObjectStore(url), "default").published()[0][0].generation
    lags = []
    for service in replicas:
        while generation_of(service) != name:
            time.sleep(0.02)
        lags.append(time.monotonic() - published_s)
    pull_s, pulled_mb = pull(url, home / "mirror")
    print(f"one changed file    {changed_mb:8.2f} MB pushed in {push_s:.2f} s, ", end="")
    print(f"{pulled_mb:.2f} MB pulled in {pull_s:.2f} s: {changed_mb / whole_mb:.2f} of the whole")
    print(f"3 replicas follow   {max(lags):8.2f} s after it, with a poll of {POLL_S} s")
    one, three = (questions_a_second(replicas[:count], seconds) for count in (1, 3))
    print(f"searches a second   {one:8.1f} with 1 replica, {three:.1f} with 3: ", end="")
    print(f"{three / one:.2f} times, on {os.cpu_count()} cores shared with the clients")


def replica(home: Path, number: int, url: str, env: dict[str, str]) -> RunningService:
    """Returns a replica with a data folder of its own, to be started."""
    folder = home / f"replica-{number}"
    (folder / ".data").mkdir(mode=0o700, parents=True)
    (folder / ".data" / "models").symlink_to(home / "models")
    variables = {"FOOTNOTE_RATE_LIMIT_PER_MINUTE": "0", "FOOTNOTE_SHARED_POLL_S": str(POLL_S)}
    return RunningService("--role", "replica", "--shared", url, cwd=folder, env=env | variables)


if __name__ == "__main__":
    main()
