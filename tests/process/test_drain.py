"""Graceful shutdown: SIGTERM under load, a drain that probes see, and no orphaned process."""

import json
import os
import random
import signal
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.support.fakes import FakeModel, Reply, Request
from tests.support.processes import RunningService, descendant_pids, wait_until

ASK = {"question": "How long did the lake freeze in 1998?"}
TEXT = "The lake froze for 142 days in 1998 [1.1]. The ice was thick [1.2]."
ENDLESS = "Answer without end."
RESTARTS = 100 if os.environ.get("SOAK") else 5
CLIENTS = 4
ENDS = ("done", "error")


def with_model(model: FakeModel, **more: str) -> dict[str, str]:
    return {
        "FOOTNOTE_LLM__MODEL": "a-model",
        "FOOTNOTE_LLM__BASE_URL": model.base_url,
        **{f"FOOTNOTE_{name.upper()}": value for name, value in more.items()},
    }


def is_listening(url: str) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=5):
            return True
    except OSError:
        return False


def terminate(service: RunningService) -> None:
    """Sends SIGTERM and waits until the port is closed."""
    service.process.send_signal(signal.SIGTERM)
    wait_until(lambda: not is_listening(service.url))


@dataclass
class Load:
    """Clients that request one stream after the other until the service is gone."""

    url: str
    body: dict[str, object]
    ended: list[list[str]] = field(default_factory=list)
    """The terminal events of each stream that started."""
    refused: list[int] = field(default_factory=list)
    started: int = 0

    def run(self) -> None:
        """One client."""
        while True:
            try:
                self._ask()
            except httpx.TransportError:
                return

    def _ask(self) -> None:
        url = f"{self.url}/v1/answers"
        with httpx.stream("POST", url, json=self.body, timeout=60) as response:
            if response.status_code != 200:
                self.refused.append(response.status_code)
                return
            self.started += 1
            lines = []
            try:
                lines = list(response.iter_lines())
            finally:
                names = [line[7:] for line in lines if line.startswith("event: ")]
                self.ended.append([name for name in names if name in ENDS])


@pytest.fixture(scope="module")
def slow_model() -> Iterator[FakeModel]:
    """A model that takes up to half a second, or never finishes if the question says so."""

    def script(request: Request) -> Reply:
        if ENDLESS in request.last:
            return Reply(fault="slow_tokens")
        model.closing.wait(random.random() / 2)
        return Reply(TEXT)

    with FakeModel(script) as model:
        yield model


@pytest.mark.parametrize("_", range(RESTARTS))
def test_every_stream_gets_a_terminal_event_when_the_service_restarts_under_load(
    _: int, lakes: Path, slow_model: FakeModel
) -> None:
    env = with_model(slow_model, rate_limit_per_minute="0")
    with RunningService("--no-sync", cwd=lakes, env=env) as service:
        brief = Load(service.url, ASK | {"stream": True})
        endless = Load(service.url, {"question": f"{ASK['question']} {ENDLESS}", "stream": True})
        clients = [threading.Thread(target=brief.run) for _ in range(CLIENTS)]
        clients.append(threading.Thread(target=endless.run))
        for client in clients:
            client.start()
        wait_until(lambda: brief.started > 2 * CLIENTS and endless.started == 1)
        terminate(service)
        service.process.send_signal(signal.SIGTERM)  # the endless stream would take its 18 s
        for client in clients:
            client.join(30)
        service.process.wait(30)
        log = service.stop()
    assert service.process.returncode == 0
    assert len(brief.ended) == brief.started
    assert all(len(ends) == 1 for ends in brief.ended), brief.ended
    assert endless.ended == [["error"]]
    assert set(brief.refused) <= {503}
    assert "Traceback" not in log


def test_while_it_drains_it_is_not_ready_and_answers_new_requests(lakes: Path) -> None:
    with RunningService("--no-sync", cwd=lakes, env={"FOOTNOTE_DRAIN_S": "15"}) as service:
        service.process.send_signal(signal.SIGTERM)
        wait_until(lambda: httpx.get(service.url + "/readyz").json()["status"] == "draining")
        ready = httpx.get(service.url + "/readyz")
        answer = httpx.post(service.url + "/v1/answers", json=ASK, timeout=30)
        alive = httpx.get(service.url + "/livez")
        terminate(service)  # the second signal ends the drain
        service.process.wait(30)
    assert ready.status_code == 503
    assert answer.json()["answered"] is True
    assert alive.status_code == 200
    assert service.process.returncode == 0


def test_an_answer_that_outlasts_the_drain_ends_with_a_retryable_error(
    lakes: Path,
) -> None:
    streamed: list[str] = []
    plain: list[httpx.Response] = []
    with (
        FakeModel(Reply(fault="slow_tokens")) as model,
        RunningService("--no-sync", cwd=lakes, env=with_model(model)) as service,
    ):
        url = f"{service.url}/v1/answers"

        def stream() -> None:
            with httpx.stream("POST", url, json=ASK | {"stream": True}, timeout=60) as reply:
                streamed.extend(reply.iter_lines())

        def ask() -> None:
            plain.append(httpx.post(url, json=ASK, timeout=60))

        clients = [threading.Thread(target=stream), threading.Thread(target=ask)]
        for client in clients:
            client.start()
        wait_until(lambda: len(model.requests) == 2)
        service.process.send_signal(signal.SIGINT)  # as SIGTERM does after its 18 s
        for client in clients:
            client.join(30)
        service.process.wait(30)
    events = [line for line in streamed if line.startswith("event: ")]
    assert events[-1] == "event: error"
    assert sum(event[7:] in ENDS for event in events) == 1
    error = json.loads(streamed[streamed.index("event: error") + 1].removeprefix("data: "))
    assert error["retryable"] is True
    assert error["problem"]["code"] == plain[0].json()["code"] == "stopping"
    assert (plain[0].status_code, plain[0].headers["retry-after"]) == (503, "2")
    assert service.process.returncode == 130


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGKILL])
def test_a_sync_exits_with_the_service_that_started_it(
    signal_number: signal.Signals, home: Path, lakes: Path
) -> None:
    articles = home / "articles"
    articles.mkdir()
    for number in range(600):
        words = " ".join(random.Random(number).choices(TEXT.split(), k=60))
        (articles / f"{number}.txt").write_text(f"Article {number}. {words}\n")
    service = RunningService(articles, cwd=home)
    with service:  # a large first sync serves keyword search while it embeds
        children = descendant_pids(service.process.pid)
        assert children
        service.stop(signal_number)
        wait_until(lambda: not any(Path(f"/proc/{child}").exists() for child in children))
