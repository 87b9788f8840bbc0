"""/livez while each adversarial text is sent to each public entry; the target is p99 < 250 ms.

python -m tests.benchmarks.measure.hostile [--seconds S] [--model-chars N]

Each of the texts of tests/support/scaling.py fills a question, a conversation, a search, a chat, a
quote to mark, a comment, an uploaded document with its title, and one delta of a chat model, at the
longest that is accepted. Each is sent again and again for some seconds, one request at a time,
while another process requests /livez a hundred times per second.
"""

import argparse
import multiprocessing
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import httpx
from httpx import Response

from api.routes.deps import MAX_QUESTION_CHARS
from tests.support.fake_wire import Reply
from tests.support.fakes import FakeModel
from tests.support.processes import ROOT, RunningService, run_footnote
from tests.support.scaling import TEXTS

PROBE_S = 0.01
TURN_CHARS, TURNS = 20_000, 8
DOCUMENT_CHARS = 200_000
QUESTION = "How many people bought an SU7 in a single year?"

Send = Callable[[httpx.Client, str], Response]


def probe(url: str, control: Connection) -> None:
    """Requests /livez until stopped; then sends when each began, and how many ms it took."""
    samples = []
    with httpx.Client(base_url=url, timeout=120) as client:
        while not control.poll(PROBE_S):
            began = time.monotonic()
            client.get("/livez").raise_for_status()
            samples.append((began, (time.monotonic() - began) * 1_000))
    control.send(samples)


def history(text: str) -> list[dict[str, str]]:
    """Returns the text as the turns of a conversation."""
    parts = [text[n * TURN_CHARS : (n + 1) * TURN_CHARS] for n in range(TURNS)]
    return [{"role": ("user", "assistant")[n % 2], "content": part} for n, part in enumerate(parts)]


def _ask(client: httpx.Client, **fields: object) -> Response:
    return client.post("/v1/answers", json={"question": QUESTION, **fields})


def _view(client: httpx.Client, text: str) -> Response:
    source = client.get("/v1/sources?limit=1").json()["sources"][0]["id"]
    return client.get(f"/v1/sources/{source}/view", params={"start": 0, "end": 99, "q": text})


def _rate(client: httpx.Client, text: str) -> Response:
    fields = {"rating": "up", "question": text, "answer": text, "comment": text}
    return client.post(f"/v1/answers/{_ask(client).json()['id']}/feedback", json=fields)


def _upload(client: httpx.Client, text: str) -> Response:
    title = " ".join(text.split())[:TURN_CHARS]
    content = f"# {title}\n\n{text}\n\n| {title} |\n|---|\n| {title} |\n"
    return client.put("/v1/files/hostile.md", content=content.encode("utf-8", "replace"))


ENTRIES: dict[str, tuple[int, Send]] = {
    "question": (MAX_QUESTION_CHARS, lambda client, text: _ask(client, question=f"{text}?"[1:])),
    "question, streamed": (
        MAX_QUESTION_CHARS,
        lambda client, text: _ask(client, question=text, stream=True),
    ),
    "conversation": (
        TURNS * TURN_CHARS,
        lambda client, text: _ask(client, question="And who is he?", history=history(text)),
    ),
    "search": (
        MAX_QUESTION_CHARS,
        lambda client, text: client.post("/v1/search", json={"query": text, "top_k": 50}),
    ),
    "chat": (
        TURNS * TURN_CHARS,
        lambda client, text: client.post(
            "/v1/chat/completions",
            json={
                "model": "footnote",
                "messages": [*history(text), {"role": "user", "content": "And who is he?"}],
            },
        ),
    ),
    "quote to mark": (4_000, _view),
    "comment": (4_000, _rate),
    "document": (DOCUMENT_CHARS, _upload),
}


class Prober:
    """Another process that requests /livez; `worst` sums up what it measured."""

    def __init__(self, url: str) -> None:
        self._ours, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.Process(target=probe, args=(url, theirs))
        self._process.start()
        self._windows: list[tuple[str, str, float, float]] = []

    def run(self, entry: str, name: str, seconds: float, work: Callable[[], Response]) -> None:
        """Repeats the work for some seconds, at least once; prints what is an error of ours."""
        began = time.monotonic()
        while True:
            reply = work()
            if reply.status_code >= 500:
                print(f"!! {entry}, {name}: {reply.status_code} {reply.text[:200]}")
            if time.monotonic() - began > seconds:
                break
        self._windows.append((entry, name, began, time.monotonic()))

    def report(self) -> None:
        """Prints the percentiles of each entry, and which text was worst."""
        self._ours.send("stop")
        samples = self._ours.recv()
        self._process.join()
        for entry in dict.fromkeys(window[0] for window in self._windows):
            worst: list[tuple[float, str]] = []
            every: list[float] = []
            for _, name, began, ended in (one for one in self._windows if one[0] == entry):
                took = [ms for at, ms in samples if began <= at <= ended]
                every += took
                if len(took) > 1:
                    worst.append((statistics.quantiles(took, n=100, method="inclusive")[98], name))
            p99, name = max(worst)
            total = statistics.quantiles(every, n=100)
            print(
                f"{entry:22} {len(worst):4d} texts {total[49]:8.1f} {total[98]:8.1f} "
                f"{p99:10.1f} ms  {name}",
                flush=True,
            )


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--model-chars", type=int, default=25_000)
    options = parser.parse_args()
    print(f"{'/livez during':22} {'':10} {'median':>8} {'p99':>8} {'worst p99':>13}")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        corpus = home / "corpus"
        shutil.copytree(ROOT / "seeds", corpus)
        (corpus / ".footnote-corpus").touch()
        data = home / "data"
        run_footnote("sync", corpus, "--data-dir", data, cwd=home)
        without_model(corpus, data, options.seconds)
        with_model(corpus, data, options.seconds, options.model_chars)


def without_model(corpus: Path, data: Path, seconds: float) -> None:
    """Measures the entries of a service that quotes."""
    env = {"FOOTNOTE_ALLOW_WRITES": "true", "FOOTNOTE_RATE_LIMIT_PER_MINUTE": "1000000"}
    arguments = (corpus, "--no-sync", "--data-dir", data)
    with RunningService(*arguments, cwd=data, env=env) as service:
        prober = Prober(service.url)
        with httpx.Client(base_url=service.url, timeout=300) as client:
            for entry, (size, send) in ENTRIES.items():
                for name, make in TEXTS.items():
                    text = make(size)
                    prober.run(entry, name, seconds, partial(send, client, text))
        prober.report()


def with_model(corpus: Path, data: Path, seconds: float, size: int) -> None:
    """Measures one delta of a chat model, which cites a passage first."""
    text = ""
    with FakeModel(lambda _: Reply(f"It says so [1.1]. {text}", piece=10**9)) as model:
        env = {"FOOTNOTE_LLM__MODEL": "m", "FOOTNOTE_LLM__BASE_URL": model.base_url}
        arguments = (corpus, "--no-sync", "--data-dir", data)
        with RunningService(*arguments, cwd=data, env=env) as service:
            prober = Prober(service.url)
            with httpx.Client(base_url=service.url, timeout=300) as client:
                for name, make in TEXTS.items():
                    text = make(size)
                    prober.run("delta of a model", name, seconds, lambda: _ask(client))
            prober.report()


if __name__ == "__main__":
    main()
