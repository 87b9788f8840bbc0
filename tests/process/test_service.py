"""The service in this process over a small index: its model, its sync, its errors.

The Starlette test client runs the real app with its lifespan; none of our code is replaced.
"""

import asyncio
import fcntl
import json
import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from api.app import create_app
from api.service.service import Hooks
from api.settings import load_settings
from index.errors import CorpusMismatch
from rag.errors import Overloaded
from tests.support.fakes import FakeModel, Reply, Request, quote_best_sentence
from tests.support.processes import LocalClient, run_footnote, wait_until

ASK = {"question": "How long did the lake freeze in 1998?"}
COLLECTION = Path(".data", "collections", "default")
KEY = "sk-never-to-be-seen"

Serve = Callable[..., AbstractContextManager[LocalClient]]


@pytest.fixture
def serve(bare_environment: Path) -> Serve:
    @contextmanager
    def run_app(*, sync: bool = False, hooks: Hooks | None = None, **flags: Any) -> Iterator[Any]:
        app = create_app(
            load_settings({name.replace("__", "."): value for name, value in flags.items()}),
            sync=sync,
            hooks=hooks,
        )
        with LocalClient(app) as client:
            wait_until(
                lambda: client.get("/readyz").json()["status"] not in ("starting", "building")
            )
            yield client

    return run_app


def test_a_model_writes_the_answer_if_one_is_set(
    lakes: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeModel(quote_best_sentence) as model:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("OPENAI_BASE_URL", model.base_url)
        with serve(data_dir=lakes / ".data", llm__model="a-model") as client:
            answer = client.post("/v1/answers", json=ASK).json()
    assert (answer["answerer"], answer["model"]) == ("model", "a-model")
    assert answer["citations"]
    assert model.requests[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("stream", [False, True])
def test_a_model_judges_support_if_configured(stream: bool, lakes: Path, serve: Serve) -> None:
    def script(request: Request) -> str:
        return "1: yes" if "<statements-" in request.last else "Skaters had months of joy [1.1]."

    with FakeModel(script) as model:
        llm = {"llm__model": "a-model", "llm__base_url": model.base_url}
        flags = {**llm, "support_judge": "model", "data_dir": lakes / ".data"}
        with serve(**flags) as client:
            reply = client.post("/v1/answers", json={**ASK, "stream": stream})
    body = reply.text.rpartition("data: ")[2].partition("\n")[0] if stream else reply.text
    (sentence,) = json.loads(body)["sentences"]
    assert (sentence["status"], sentence["why"]) == ("supported", None)
    assert len(model.requests) == 2


def test_an_api_key_alone_sends_nothing_to_a_model(
    lakes: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeModel(quote_best_sentence) as model:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("OPENAI_BASE_URL", model.base_url)
        with serve(data_dir=lakes / ".data") as client:
            assert client.post("/v1/answers", json=ASK).json()["answerer"] == "extractive"
    assert model.requests == []


@pytest.mark.parametrize("fault", ["http_401", None])
def test_a_wrong_key_or_a_dead_endpoint_degrades_and_the_log_says_why(
    fault: str | None, lakes: Path, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    with FakeModel(Reply(fault=fault)) as model:
        llm = {
            "llm__model": "a-model",
            "llm__api_key": KEY,
            "llm__base_url": model.base_url if fault else "http://127.0.0.1:9/v1",
            "llm__deadline_s": 3,
        }
        with serve(data_dir=lakes / ".data", **llm) as client, caplog.at_level(logging.INFO):
            answer = client.post("/v1/answers", json=ASK).json()
    assert (answer["answerer"], answer["degraded"]) == ("extractive", True)
    assert "142 days" in answer["answer"]
    assert "127.0.0.1" in caplog.text
    assert KEY not in caplog.text


def test_a_stream_that_breaks_ends_with_an_error(lakes: Path, serve: Serve) -> None:
    text = "The lake froze for 142 days in 1998 [1.1]. And then it goes on and on and on."
    with (
        FakeModel(Reply(text, fault="cut")) as model,
        serve(
            data_dir=lakes / ".data", llm__model="a-model", llm__base_url=model.base_url
        ) as client,
    ):
        stream = client.post("/v1/answers", json=ASK | {"stream": True}).text
        plain = client.post("/v1/answers", json=ASK)
    names = [line.removeprefix("event: ") for line in stream.splitlines() if "event: " in line]
    assert names[-1] == "error"
    error = json.loads(stream.split("event: error\ndata: ")[1].splitlines()[0])
    assert error["retryable"] is True
    assert error["problem"]["code"] in {"model_misbehaved", "model_unavailable"}
    assert plain.status_code == error["problem"]["status"] == 503


def test_without_an_index_and_without_a_sync_it_says_what_is_missing(
    home: Path, serve: Serve
) -> None:
    with serve() as client:
        assert client.get("/readyz").status_code == 503
        answer = client.post("/v1/answers", json=ASK)
        streamed = client.post("/v1/answers", json=ASK | {"stream": True})
    assert (answer.status_code, answer.json()["code"]) == (503, "index_missing")
    assert streamed.json()["code"] == "index_missing", "what fails early is no stream"


def test_an_empty_corpus_is_answered_with_its_reason(home: Path, serve: Serve) -> None:
    (home / "nothing").mkdir()
    with serve(sync=True, corpus=home / "nothing") as client:
        answer = client.post("/v1/answers", json=ASK).json()
        page = client.get("/v1/sources").json()
        hits = client.post("/v1/search", json={"query": "lake"}).json()["hits"]
    assert (answer["answered"], answer["reason"]) == (False, "index_empty")
    assert page["sources"] == hits == []


def test_during_another_sync_it_serves_without_syncing(
    lakes: Path, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    data = lakes / ".data"
    with (data / "collections" / "default" / "lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with serve(sync=True, corpus=lakes / "articles", data_dir=data) as client:
            assert client.post("/v1/answers", json=ASK).json()["answered"] is True
            wait_until(lambda: "serving without syncing" in caplog.text)


def test_another_corpus_than_the_collections_is_fatal(
    lakes: Path, serve: Serve, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    fatal: list[Exception] = []
    hooks = Hooks(lambda ready, example: None, fatal.append)
    with serve(sync=True, corpus=tmp_path / "other", data_dir=lakes / ".data", hooks=hooks):
        wait_until(lambda: bool(fatal))
    assert isinstance(fatal[0], CorpusMismatch)


def test_a_new_generation_serves_without_a_restart(lakes: Path, home: Path, serve: Serve) -> None:
    shutil.copytree(lakes / COLLECTION, home / COLLECTION)
    shutil.copytree(lakes / "articles", home / "articles")
    with serve() as client:
        before = client.post("/v1/answers", json=ASK).json()
        link = before["citations"][0]["url"]
        text = "The lake froze for 99 days in 1998. The ice was thin.\n"
        (home / "articles" / "lake.txt").write_text(text)
        assert run_footnote("sync", "articles", "--replace", cwd=home).returncode == 0
        wait_until(lambda: client.get("/readyz").json()["generation"] == "000002")
        after = client.post("/v1/answers", json=ASK).json()
        page = client.get(link).text
    assert "142 days" in before["answer"]
    assert "99 days" in after["answer"]
    assert "has changed since it was cited" in page


def test_a_question_beyond_the_queue_is_refused_at_once(home: Path) -> None:
    settings = load_settings({"max_concurrent_answers": 1, "max_wait_s": 600})
    service = create_app(settings).state.service

    async def ask() -> None:
        async with service.answer_slot():
            await asyncio.Event().wait()

    async def crowd() -> None:
        tasks = [asyncio.create_task(ask()) for _ in range(5)]
        while service.queued_answers < 4:
            await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            async with service.answer_slot():
                pytest.fail("no slot is free")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        async with asyncio.timeout(5), service.answer_slot():
            assert service.queued_answers == 0

    asyncio.run(crowd())


def test_a_damaged_index_does_not_serve_and_says_why(lakes: Path, home: Path, serve: Serve) -> None:
    shutil.copytree(lakes / COLLECTION, home / COLLECTION)
    catalog = home / COLLECTION / "generations" / "000001" / "catalog.sqlite3"
    catalog.chmod(0o644)
    with catalog.open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\xff")
    with serve() as client:
        ready = client.get("/readyz").json()
    assert ready["status"] == "unavailable"
    assert "damaged" in ready["trouble"]


@pytest.fixture
def hashed(lakes: Path, tmp_path: Path, embeddings: FakeModel) -> dict[str, object]:
    """The flags of a service whose index was built with an embeddings endpoint."""
    data = tmp_path / "hashed"
    variables = {"FOOTNOTE_EMBED__MODEL": "hash", "FOOTNOTE_EMBED__BASE_URL": embeddings.base_url}
    done = run_footnote("sync", lakes / "articles", "--data-dir", data, cwd=lakes, env=variables)
    assert done.returncode == 0, done.stderr
    return {"data_dir": data, "embed__model": "hash", "embed__base_url": embeddings.base_url}


def test_with_the_index_of_another_model_it_is_not_ready_and_says_why(
    serve: Serve, hashed: dict[str, object]
) -> None:
    with serve(data_dir=hashed["data_dir"]) as client:  # the built-in model
        ready = client.get("/readyz")
        answer = client.post("/v1/answers", json=ASK)
        sources = client.get("/v1/sources").json()["sources"]
    assert (ready.status_code, ready.json()["status"]) == (503, "unavailable")
    assert "hash" in ready.json()["trouble"]
    assert (answer.status_code, answer.json()["code"]) == (503, "embedder_mismatch")
    assert len(sources) == 2


def test_it_is_ready_once_its_embedder_answers(
    serve: Serve, hashed: dict[str, object], embeddings: FakeModel
) -> None:
    embeddings.script = Reply(fault="http_401")
    with serve(**hashed) as client:
        before = client.get("/readyz")
        alive = client.get("/livez")
        embeddings.script = ""
        wait_until(lambda: client.get("/readyz").status_code == 200)
        answer = client.post("/v1/answers", json=ASK).json()
    assert (before.status_code, before.json()["status"]) == (503, "unavailable")
    assert alive.status_code == 200
    assert answer["passages"]
