"""Clients that read nothing, or next to nothing: they hold no place, no index and no connection."""

import logging
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from api.http import sse
from api.server.protocol import MAX_HEADER_BYTES, MAX_HEADERS, MAX_PIPELINED, LimitedProtocol
from api.settings import load_settings
from index.embed.factory import EmbedSpec
from tests.support.corpus_builder import sync_in_process, sync_request, write_files
from tests.support.fakes import FakeModel, Reply
from tests.support.processes import wait_until
from tests.support.serving import Serving

PLACES = 2
CLIENTS = 2 * PLACES + 1
QUESTION = {"question": "How long did the lake freeze in 1998?"}
CHAT = {"model": "footnote", "messages": [{"role": "user", "content": QUESTION["question"]}]}
LONG = Reply("word " * 40_000, piece=1_000)
SHORT = Reply("The lake froze for 142 days in 1998 [1.1].")
TEXT = "The lake froze for 142 days in 1998. The ice was thick.\n\n" * 100_000
RECEIVE_BUFFER = 2_048


class Hasty(LimitedProtocol):
    """As ours, with less patience."""

    headers_timeout_s = 0.5
    write_timeout_s = 1.0
    max_connections = 20


@pytest.fixture(scope="module")
def model() -> Iterator[FakeModel]:
    with FakeModel(SHORT) as model:
        yield model


@pytest.fixture(scope="module")
def serving(
    tmp_path_factory: pytest.TempPathFactory, fake_embeddings: FakeModel, model: FakeModel
) -> Iterator[Serving]:
    folder = tmp_path_factory.mktemp("slow")
    embed = EmbedSpec("openai", "fake", fake_embeddings.base_url, None, folder / "models")
    corpus = write_files(folder / "corpus", {"lake.txt": TEXT[:57]})
    sync_in_process(sync_request(corpus, folder / "data", embed))
    settings = load_settings(
        {
            "data_dir": folder / "data",
            "max_concurrent_answers": PLACES,
            "max_wait_s": 60.0,
            "embed.model": "fake",
            "embed.base_url": fake_embeddings.base_url,
            "llm.model": "fake",
            "llm.base_url": model.base_url,
        }
    )
    with Serving(settings, protocol=Hasty) as serving:
        yield serving


@pytest.fixture(autouse=True)
def nothing_is_left(serving: Serving, model: FakeModel) -> Iterator[None]:
    tasks = serving.tasks()
    yield
    wait_until(lambda: serving.connections() == 0, timeout_s=30)
    wait_until(lambda: serving.tasks() <= tasks, timeout_s=30)
    assert serving.app.state.service.active_answers == 0
    assert serving.app.state.service.unread_bytes.total == 0


def is_answered(serving: Serving, model: FakeModel) -> bool:
    model.script = SHORT
    with httpx.Client(timeout=30) as client:
        answer = client.post(f"{serving.url}/v1/answers", json=QUESTION)
    return answer.status_code == 200 and answer.json()["answered"] is True


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/answers", QUESTION | {"stream": True}),
        ("/v1/answers", QUESTION),
        ("/v1/chat/completions", CHAT | {"stream": True}),
        ("/v1/chat/completions", CHAT),
    ],
)
def test_clients_that_never_read_hold_neither_a_place_nor_a_connection(
    path: str, body: dict[str, object], serving: Serving, model: FakeModel
) -> None:
    model.script = LONG
    service = serving.app.state.service
    request_count = len(model.requests)
    with ExitStack() as clients:
        for _ in range(CLIENTS):
            clients.enter_context(serving.post(path, body, receive_buffer=RECEIVE_BUFFER))
        wait_until(lambda: len(model.requests) == request_count + CLIENTS)
        wait_until(lambda: service.active_answers == 0)
        assert is_answered(serving, model)
        wait_until(lambda: serving.connections() == 0, timeout_s=30)


def test_a_client_that_stopped_reading_is_counted_as_one_that_left(
    serving: Serving, model: FakeModel, caplog: pytest.LogCaptureFixture
) -> None:
    model.script = LONG
    with caplog.at_level(logging.INFO):
        body = QUESTION | {"stream": True}
        with serving.post("/v1/answers", body, receive_buffer=RECEIVE_BUFFER):
            wait_until(lambda: serving.connections() == 0, timeout_s=30)
            wait_until(lambda: any(r.name == "footnote.access" for r in caplog.records))
    (record,) = [vars(record) for record in caplog.records if record.name == "footnote.access"]
    assert (record["route"], record["status"]) == ("/v1/answers", 408)
    assert "client_disconnected: a client stopped reading" in caplog.text


def test_a_client_that_reads_slowly_gets_the_whole_answer(
    serving: Serving, model: FakeModel
) -> None:
    model.script = LONG
    read = b""
    body = QUESTION | {"stream": True}
    with serving.post("/v1/answers", body, receive_buffer=RECEIVE_BUFFER) as client:
        while not read.endswith(b"0\r\n\r\n"):
            read += client.recv(5_000)
            time.sleep(0.001)
    assert read.count(b"event: delta") > 1
    assert read.count(b"event: done") == 1


def test_an_answer_that_nobody_reads_ends_at_its_limit(
    serving: Serving, model: FakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "MAX_UNREAD_BYTES", 50_000)
    model.script = Reply("word " * 40_000, piece=500, pause_s=0.001, is_slow=True)
    model.disconnected.clear()
    body = QUESTION | {"stream": True}
    with serving.post("/v1/answers", body, receive_buffer=RECEIVE_BUFFER):
        assert model.disconnected.wait(30), "the model was not stopped"
        wait_until(lambda: serving.connections() == 0, timeout_s=30)


def test_a_client_that_leaves_ends_the_model_call(serving: Serving, model: FakeModel) -> None:
    model.script = Reply("word " * 10_000, fault="stall", piece=1_000)
    model.disconnected.clear()
    request_count = len(model.requests)
    client = serving.post("/v1/answers", QUESTION | {"stream": True})
    wait_until(lambda: len(model.requests) > request_count)
    client.close()
    assert model.disconnected.wait(10), "the model was not stopped"


SILENT = [
    pytest.param(b"", id="nothing"),
    pytest.param(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: ", id="half a header"),
    pytest.param(
        b"GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nx",
        id="a body that nobody needs",
    ),
    pytest.param(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n\r\n", id="a blank line after"),
    pytest.param(b"\r\n\r\n", id="blank lines"),
    pytest.param(
        b"POST /v1/answers HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nx",
        id="a body after its refusal",
    ),
]


@pytest.mark.parametrize("sent", SILENT)
def test_a_connection_that_says_no_more_is_closed(sent: bytes, serving: Serving) -> None:
    with socket.create_connection(("127.0.0.1", serving.port), timeout=10) as client:
        client.sendall(sent)
        while client.recv(65_536):
            pass


GET = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = b"POST /livez HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
REFUSED = [
    pytest.param(GET + b"a: b\r\n" * MAX_HEADERS + b"\r\n", 431, id="headers"),
    pytest.param(GET + b"a: " + b"b" * 4 * MAX_HEADER_BYTES, 431, id="a header"),
    pytest.param(b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n", 400, id="a URL"),
    pytest.param(b"\r\n" * 2 * MAX_HEADER_BYTES, 431, id="blank lines"),
]


@pytest.mark.parametrize(("sent", "status"), REFUSED)
def test_what_is_too_much_is_refused(sent: bytes, status: int, serving: Serving) -> None:
    with socket.create_connection(("127.0.0.1", serving.port), timeout=10) as client:
        client.sendall(sent)
        assert client.recv(65_536).startswith(b"HTTP/1.1 %d " % status)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param((GET + b"\r\n") * 2 * MAX_PIPELINED, id="pipelined requests"),
        pytest.param(CHUNKED + b"0\r\n" + b"a: b\r\n" * 9, id="trailers"),
        pytest.param(CHUNKED + b"0\r\na: " + b"b" * 4 * MAX_HEADER_BYTES, id="a long trailer"),
        pytest.param(CHUNKED + b"1;" + b"b" * 4 * MAX_HEADER_BYTES, id="a chunk extension"),
    ],
)
def test_what_never_ends_ends_the_connection(sent: bytes, serving: Serving) -> None:
    with socket.create_connection(("127.0.0.1", serving.port), timeout=10) as client:
        try:
            client.sendall(sent)
            while client.recv(65_536):
                pass
        except ConnectionResetError:
            pass


def test_a_few_pipelined_requests_are_answered_in_order(serving: Serving) -> None:
    with socket.create_connection(("127.0.0.1", serving.port), timeout=10) as client:
        client.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n" * 3)
        read = b""
        while read.count(b"HTTP/1.1 200 OK") < 3:
            read += client.recv(65_536)


def test_with_too_many_connections_the_idle_ones_are_closed(
    serving: Serving, model: FakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Hasty, "headers_timeout_s", 30.0)
    model.script = Reply("The lake froze [1.1].", fault="no_answer")
    request_count = len(model.requests)
    with serving.post("/v1/answers", QUESTION) as asking:
        wait_until(lambda: len(model.requests) > request_count)
        idle = [
            socket.create_connection(("127.0.0.1", serving.port))
            for _ in range(3 * Hasty.max_connections)
        ]
        wait_until(lambda: serving.connections() <= Hasty.max_connections)
        assert httpx.get(f"{serving.url}/livez").status_code == 200
        asking.settimeout(0.2)
        with pytest.raises(TimeoutError):  # it is still being answered
            asking.recv(1)
    for client in idle:
        client.close()
