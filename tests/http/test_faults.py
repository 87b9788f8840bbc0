"""The service on loopback, a faulty model behind it: one outcome each, in time, nothing left over.

The real app in a real server, the real openai client against a fake model; clients stay or leave.
"""

import json
import os
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.settings import load_settings
from tests.support.fake_wire import STREAM_FAULTS
from tests.support.fakes import FakeModel, Reply
from tests.support.processes import wait_until
from tests.support.serving import Serving

QUESTION = "How long did the lake freeze in 1998?"
TEXT = "The lake froze for 142 days in 1998 [1.1]. The ice was thick, and nobody swam in it at all."
GOOD = Reply(TEXT, piece=40)
DEADLINE_S = 1.5
SLACK_S = 10.0
"""For a machine that does other things too; a request that hangs takes far longer."""
PLACES = 2
FAULTS = sorted(STREAM_FAULTS | {"http_400", "http_401", "http_429", "http_500", "http_503"})
WAITING = ("no_answer", "slow_tokens", "stall")
"""Faults in which the upstream is talking still when the client leaves."""
ROUNDS = 10 if os.environ.get("SOAK") else 1


def sockets() -> int:
    """How many sockets this process has open."""
    count = 0
    for name in os.listdir("/proc/self/fd"):
        try:
            count += os.readlink(f"/proc/self/fd/{name}").startswith("socket:")
        except FileNotFoundError:
            continue
    return count


@pytest.fixture(scope="module")
def model() -> Iterator[FakeModel]:
    with FakeModel(GOOD) as model:
        yield model


@pytest.fixture(scope="module")
def serving(lakes: Path, model: FakeModel) -> Iterator[Serving]:
    settings = load_settings(
        {
            "data_dir": lakes / ".data",
            "max_concurrent_answers": PLACES,
            "max_wait_s": 0.3,
            "llm.model": "fake",
            "llm.base_url": model.base_url,
            "llm.deadline_s": DEADLINE_S,
        }
    )
    with Serving(settings) as serving:
        outcomes(serving, stream=False)
    before = sockets()  # the libraries have opened what they keep for good
    with Serving(settings) as serving:
        outcomes(serving, stream=False)
        yield serving
    wait_until(lambda: sockets() <= before, timeout_s=10)


def outcomes(serving: Serving, *, stream: bool) -> list[str]:
    """Asks, and returns how the answer ended: `done`, `error` or a problem, each once."""
    body = {"question": QUESTION, "stream": stream}
    response = httpx.post(f"{serving.url}/v1/answers", json=body, timeout=30)
    kind = response.headers["content-type"]
    if kind == "application/problem+json":
        problem = response.json()
        assert problem["status"] == response.status_code
        return [str(problem["code"])]
    assert response.status_code == 200
    if not stream:
        assert response.json()["answered"] is True
        return ["done"]
    names = [line[7:] for line in response.text.splitlines() if line.startswith("event: ")]
    assert names[0] == "passages"
    assert names[-1] in ("done", "error")
    return [name for name in names if name in ("done", "error")]


def leave(serving: Serving, model: FakeModel, *, stream: bool) -> None:
    """Asks and hangs up once the model has been asked."""
    body = json.dumps({"question": QUESTION, "stream": stream}).encode()
    request_count = len(model.requests)
    with socket.create_connection(("127.0.0.1", serving.port)) as client:
        client.sendall(
            b"POST /v1/answers HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        wait_until(lambda: len(model.requests) > request_count)


def check_nothing_is_left(serving: Serving, model: FakeModel, *, tasks: int) -> None:
    """No task more than before, and every place is free: so many questions are answered at once."""
    wait_until(lambda: serving.tasks() <= tasks, timeout_s=DEADLINE_S + SLACK_S)
    model.script = GOOD
    with ThreadPoolExecutor(PLACES) as pool:
        futures = [pool.submit(outcomes, serving, stream=bool(n % 2)) for n in range(PLACES)]
    assert [one.result() for one in futures] == [["done"]] * PLACES


@pytest.mark.parametrize("fault", FAULTS * ROUNDS)
def test_a_fault_ends_in_one_outcome_in_time_and_leaves_nothing_behind(
    fault: str, serving: Serving, model: FakeModel
) -> None:
    tasks = serving.tasks()
    model.script = Reply(TEXT, fault=fault, pause_s=0.05)

    def timed(stream: bool) -> tuple[list[str], float]:
        began = time.monotonic()
        return outcomes(serving, stream=stream), time.monotonic() - began

    with ThreadPoolExecutor(2) as pool:
        timed_outcomes = list(pool.map(timed, (False, True)))
    for outcome, took_s in timed_outcomes:
        assert len(outcome) == 1
        assert took_s < DEADLINE_S + SLACK_S
    check_nothing_is_left(serving, model, tasks=tasks)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("fault", FAULTS * ROUNDS)
def test_a_client_that_leaves_stops_the_model_and_frees_its_place(
    fault: str, stream: bool, serving: Serving, model: FakeModel
) -> None:
    tasks = serving.tasks()
    model.script = Reply(TEXT, fault=fault, pause_s=0.05)
    model.disconnected.clear()
    leave(serving, model, stream=stream)
    if fault in WAITING:
        assert model.disconnected.wait(1.0), "the model was not stopped within a second"
    check_nothing_is_left(serving, model, tasks=tasks)


def busy(serving: Serving, model: FakeModel) -> list[socket.socket]:
    """Takes every place with questions that the model leaves waiting."""
    model.script = Reply(TEXT, fault="no_answer")
    request_count = len(model.requests)
    body = json.dumps({"question": QUESTION}).encode()
    clients = []
    for _ in range(PLACES):
        client = socket.create_connection(("127.0.0.1", serving.port))
        client.sendall(
            b"POST /v1/answers HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        clients.append(client)
    wait_until(lambda: len(model.requests) == request_count + PLACES)
    return clients


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_beyond_its_places_the_service_says_when_to_come_back(
    stream: bool, serving: Serving, model: FakeModel
) -> None:
    tasks = serving.tasks()
    clients = busy(serving, model)
    body: dict[str, Any] = {"question": QUESTION, "stream": stream}
    refused = httpx.post(f"{serving.url}/v1/answers", json=body, timeout=30)
    for client in clients:
        client.close()
    assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
    assert int(refused.headers["retry-after"]) >= 1
    check_nothing_is_left(serving, model, tasks=tasks)


def test_a_client_that_leaves_while_waiting_asks_the_model_nothing(
    serving: Serving, model: FakeModel
) -> None:
    tasks = serving.tasks()
    clients = busy(serving, model)
    request_count = len(model.requests)
    waiting = socket.create_connection(("127.0.0.1", serving.port))
    body = json.dumps({"question": QUESTION}).encode()
    waiting.sendall(
        b"POST /v1/answers HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    )
    wait_until(lambda: serving.tasks() > tasks + PLACES)
    waiting.close()
    for client in clients:
        client.close()
    wait_until(lambda: serving.tasks() <= tasks, timeout_s=DEADLINE_S + SLACK_S)
    assert len(model.requests) == request_count
    check_nothing_is_left(serving, model, tasks=tasks)


def test_a_model_that_searches_without_end_is_stopped_and_its_searches_are_events(
    serving: Serving, model: FakeModel
) -> None:
    model.script = Reply("SEARCH: how long the lake froze\n" * 50, piece=40)
    request_count = len(model.requests)
    body = {"question": QUESTION, "stream": True}
    response = httpx.post(f"{serving.url}/v1/answers", json=body, timeout=30)
    lines = response.text.splitlines()
    names = [line[7:] for line in lines if line.startswith("event: ")]
    assert names == ["passages", "search", "search", "delta", "done"]
    data = [json.loads(line[6:]) for line in lines if line.startswith("data: ")]
    assert data[1] == data[2] == {"query": "how long the lake froze"}
    assert data[-1]["reason"] == "model_declined"
    assert len(model.requests) == request_count + 3
