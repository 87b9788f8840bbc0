"""Load test: ten times as many clients as concurrent answers, for 30 s.

python -m tests.benchmarks.measure.load [SECONDS]

Clients in one process send requests without a pause, half of them for streams; another process
requests /livez twenty times per second. No chat model is used, so all work is done by the service.
"""

import asyncio
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeVar

import httpx

from tests.support.processes import ROOT, RunningService, run_footnote

CONCURRENT_ANSWERS = 8
CLIENTS = 10 * CONCURRENT_ANSWERS
PROBE_S = 0.05
IDLE_S = 5.0

T = TypeVar("T")


def probe(url: str, control: Connection) -> None:
    """Requests /livez until stopped; then sends the latencies in ms."""
    took_ms = []
    with httpx.Client(base_url=url, timeout=60) as client:
        while not control.poll(PROBE_S):
            began = time.perf_counter()
            client.get("/livez").raise_for_status()
            took_ms.append((time.perf_counter() - began) * 1_000)
    control.send(took_ms)


def run_while_probing(url: str, work: Callable[[], T]) -> tuple[T, list[float]]:
    """Returns the result of `work`, and the sorted latencies of /livez meanwhile in ms."""
    ours, theirs = multiprocessing.Pipe()
    prober = multiprocessing.Process(target=probe, args=(url, theirs))
    prober.start()
    made = work()
    ours.send("stop")
    took_ms = sorted(ours.recv())
    prober.join()
    return made, took_ms


async def load(url: str, questions: list[str], seconds: float) -> Counter[str]:
    """Sends requests for `seconds`; returns how many had which result."""
    results: Counter[str] = Counter()
    until = time.monotonic() + seconds
    limits = httpx.Limits(max_connections=CLIENTS)

    async def ask(client: httpx.AsyncClient, number: int) -> None:
        while time.monotonic() < until:
            stream = bool(number % 2)
            body = {"question": questions[sum(results.values()) % len(questions)], "stream": stream}
            try:
                reply = await client.post("/v1/answers", json=body)
            except httpx.TransportError as error:
                results[f"!! {type(error).__name__}"] += 1
                continue
            results[_end(reply, stream=stream)] += 1
            if reply.status_code in (429, 503):
                await asyncio.sleep(float(reply.headers["retry-after"]))

    async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits) as client:
        await asyncio.gather(*(ask(client, number) for number in range(CLIENTS)))
    return results


def _end(reply: httpx.Response, *, stream: bool) -> str:
    if reply.status_code in (429, 503):
        return str(reply.status_code)
    if reply.status_code != 200:
        return f"!! {reply.status_code}"
    if not stream:
        return "answer"
    events = [line[7:] for line in reply.text.splitlines() if line.startswith("event: ")]
    ended = [name for name in events if name in ("done", "error")]
    return "stream, done" if ended == ["done"] else f"!! stream {ended}"


def memory_mb(pid: int) -> tuple[float, float]:
    """Returns the current and the peak resident memory of a process."""
    found = {}
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name in ("VmRSS", "VmHWM"):
            found[name] = int(value.split()[0]) / 1024
    return found["VmRSS"], found["VmHWM"]


def main() -> None:
    """Runs the load test and prints the figures."""
    seconds = float(sys.argv[1]) if sys.argv[1:] else 30.0
    lines = (ROOT / "tests" / "data" / "seeds.jsonl").read_text("utf-8").splitlines()
    questions = [json.loads(line)["question"] for line in lines]
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        run_footnote("sync", ROOT / "seeds", "--data-dir", data, cwd=data)
        env = {
            "FOOTNOTE_MAX_CONCURRENT_ANSWERS": str(CONCURRENT_ANSWERS),
            "FOOTNOTE_RATE_LIMIT_PER_MINUTE": "0",  # all clients have one address
        }
        with RunningService("--no-sync", "--data-dir", data, cwd=data, env=env) as service:
            _, before = run_while_probing(service.url, lambda: time.sleep(IDLE_S))
            began = time.monotonic()
            results, during = run_while_probing(
                service.url, lambda: asyncio.run(load(service.url, questions, seconds))
            )
            lasted = time.monotonic() - began
            now, most = memory_mb(service.process.pid)
    print(f"{CLIENTS} clients, {CONCURRENT_ANSWERS} concurrent answers, {lasted:.0f} s")
    for end, count in sorted(results.items()):
        print(f"{end:<24} {count:8,}")
    answered = results["answer"] + results["stream, done"]
    print(f"{'answers per second':<24} {answered / lasted:8.1f}")
    for when, took_ms in (("idle", before), ("under load", during)):
        middle, p99 = statistics.median(took_ms), took_ms[int(len(took_ms) * 0.99)]
        print(f"/livez {when:<17} {middle:8.1f} p50, {p99:.1f} p99, {took_ms[-1]:.1f} most, ms")
    print(f"{'RSS now, most, MB':<24} {now:8.0f} {most:.0f}")


if __name__ == "__main__":
    main()
