"""`footnote serve` as a child process: port, sync, shutdown, and clients that disconnect."""

import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.support.fakes import FakeModel, Reply
from tests.support.processes import (
    COMMAND,
    SEEDS,
    RunningService,
    clean_environment,
    free_port,
    run_footnote,
    wait_until,
)

ASK = {"question": "How long did the lake freeze in 1998?"}


def send_raw(service: RunningService, data: bytes, *, times: int = 1) -> httpx.Response:
    """Returns the response to raw bytes that no HTTP client would send."""
    received = b""
    with socket.create_connection(("127.0.0.1", int(service.url.rpartition(":")[2]))) as connection:
        connection.settimeout(30)
        with suppress(ConnectionError):  # the service need not read all of it
            for _ in range(times):
                connection.sendall(data)
        with suppress(ConnectionError):
            while piece := connection.recv(65_536):
                received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = [tuple(line.split(": ", 1)) for line in lines]
    return httpx.Response(int(first.split()[1]), headers=headers, content=body)


@pytest.mark.parametrize(
    ("data", "times", "status", "code"),
    [
        (b"nonsense\r\n\r\n", 1, 400, "bad_request"),
        (b"GET /livez?" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 1, 400, "bad_request"),
        (b"GET /livez HTTP/1.1\r\nX: " + b"a" * 9_000, 2_000, 431, "headers_too_large"),
    ],
    ids=["nonsense", "a long URL", "headers without end"],
)
def test_a_malformed_request_is_refused_with_a_problem(
    data: bytes, times: int, status: int, code: str, service: RunningService
) -> None:
    refused = send_raw(service, data, times=times)
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["request_id"] == refused.headers["x-request-id"]
    assert httpx.get(f"{service.url}/livez").status_code == 200


def test_it_syncs_prints_a_curl_command_and_an_interrupt_is_130(lakes: Path) -> None:
    command = [*COMMAND, "serve", "articles", "--port", "0"]
    with subprocess.Popen(
        command,
        cwd=lakes,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as serve:
        assert serve.stdout is not None
        lines = [serve.stdout.readline() for _ in range(4)]
        curl = lines[3].strip().removeprefix("ask").strip()
        asked = subprocess.run(["sh", "-c", curl], capture_output=True, text=True, check=False)
        serve.send_signal(signal.SIGINT)
        log = serve.communicate()[1]
    answer = json.loads(asked.stdout)
    assert answer["index"]["generation"] == "000001"
    assert serve.returncode == 130
    assert "nothing has changed" in log
    assert answer["question"] not in log
    assert "Traceback" not in log


def test_a_port_in_use_is_3_in_one_line_before_anything_else(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_footnote("serve", SEEDS, "--port", port, cwd=tmp_path)
    assert done.returncode == 3
    assert f"127.0.0.1:{port}" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / ".data").exists()


def test_during_the_first_sync_it_is_live_and_not_ready(home: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [*COMMAND, "serve", str(SEEDS), "--port", str(port)]
    with subprocess.Popen(
        command, cwd=home, env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as serve:
        assert serve.stderr is not None
        serve.stderr.readline()  # "listening"
        alive = httpx.get(url + "/livez", timeout=30)
        ready = httpx.get(url + "/readyz", timeout=30)
        asked = httpx.post(url + "/v1/answers", json=ASK, timeout=30)
        serve.terminate()
        serve.communicate()
    assert alive.status_code == 200
    assert (ready.status_code, ready.json()["status"]) == (503, "building")
    assert (asked.status_code, asked.json()["code"]) == (503, "index_building")
    assert asked.headers["retry-after"] == "2"
    assert serve.returncode == 0


@pytest.fixture(scope="module")
def slow(lakes: Path) -> Iterator[tuple[RunningService, FakeModel]]:
    """A service with one answer slot, and a model that never finishes."""
    with FakeModel(Reply(fault="slow_tokens")) as model:
        env = {
            "FOOTNOTE_LLM__MODEL": "a-model",
            "FOOTNOTE_LLM__BASE_URL": model.base_url,
            "FOOTNOTE_MAX_CONCURRENT_ANSWERS": "1",
            "FOOTNOTE_MAX_WAIT_S": "0.1",
        }
        with RunningService("--no-sync", cwd=lakes, env=env) as service:
            yield service, model


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_disconnects_stops_the_model_and_frees_its_slot(
    stream: bool, slow: tuple[RunningService, FakeModel]
) -> None:
    service, model = slow
    model.disconnected.clear()
    address = service.url.removeprefix("http://").split(":")
    body = json.dumps(ASK | {"stream": stream}).encode()
    head = f"POST /v1/answers HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    requests_before = len(model.requests)
    with socket.create_connection((address[0], int(address[1]))) as client:
        client.sendall(head.encode() + b"Content-Type: application/json\r\n\r\n" + body)
        wait_until(lambda: len(model.requests) > requests_before)  # the answer has started
        full = httpx.post(service.url + "/v1/answers", json=ASK, timeout=30)
    assert (full.status_code, full.json()["code"]) == (503, "overloaded")
    assert full.headers["retry-after"] == "2"
    assert model.disconnected.wait(10)


def test_a_body_over_the_limit_is_413_on_a_real_connection(
    slow: tuple[RunningService, FakeModel],
) -> None:
    url = slow[0].url + "/v1/answers"
    response = httpx.post(url, content=b'{"question": "' + b"x" * 5_000_000, timeout=30)
    assert response.status_code == 415
    headers = {"Content-Type": "application/json"}
    response = httpx.post(url, content=b"x" * 5_000_000, headers=headers, timeout=30)
    assert response.status_code == 413
