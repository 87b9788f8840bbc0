"""Stored answers: only if enabled, complete, and compared with a new answer by `replay`."""

import json
from pathlib import Path

import pytest

from api.app import create_app
from api.settings import load_settings
from api.state.answer_log import AnswerLog, differences
from api.state.sqlite import SqliteFile
from tests.support.fakes import FakeModel, quote_best_sentence
from tests.support.processes import LocalClient, run_footnote, wait_until

ASK = {"question": "How long did the lake freeze in 1998?"}


@pytest.fixture
def data(lakes: Path, bare_environment: Path) -> Path:
    """A data folder of its own over the articles' index."""
    folder = bare_environment / ".data"
    folder.mkdir()
    for name in ("collections", "models"):
        (folder / name).symlink_to(lakes / ".data" / name)
    return folder


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_a_stored_answer_is_replayed(data: Path, stream: bool) -> None:
    with FakeModel(quote_best_sentence) as model:
        flags = {"llm.model": "fake", "llm.base_url": model.base_url, "keep_answers": True}
        with LocalClient(create_app(load_settings({"data_dir": data, **flags}))) as client:
            wait_until(lambda: client.get("/readyz").json()["status"] == "ready")
            body = client.post("/v1/answers", json=ASK | {"stream": stream}).text
        answer = json.loads(body.split("event: done\ndata: ")[1].split("\n")[0] if stream else body)
    record = AnswerLog(SqliteFile(data / "answers.sqlite3")).get(answer["id"])
    assert record is not None
    assert record["raw"].endswith("]")
    assert record["answer"] == answer["answer"]
    assert [p["start"] for p in record["passages"]] == [p["start"] for p in answer["passages"]]
    assert record["prompt"]["version"]

    done = run_footnote("replay", answer["id"], "--data-dir", data, "--json", cwd=data)
    assert done.returncode == 0, done.stderr
    replay = json.loads(done.stdout)
    assert {"answerer", "model", "raw"} <= set(replay["differs"]), "no model is set now"
    assert not {"passages", "weights", "generation"} & set(replay["differs"])
    assert not [name for name in replay["differs"] if name.startswith("ask")], (
        "the question is the same"
    )
    assert replay["then"] == record


def test_answers_are_not_stored_by_default(data: Path) -> None:
    with LocalClient(create_app(load_settings({"data_dir": data}))) as client:
        wait_until(lambda: client.get("/readyz").json()["status"] == "ready")
        answer = client.post("/v1/answers", json=ASK).json()
    missing = run_footnote("replay", answer["id"], "--data-dir", data, cwd=data)
    assert missing.returncode == 2
    assert "FOOTNOTE_KEEP_ANSWERS" in missing.stderr


def test_what_differs_is_named_down_to_the_version() -> None:
    then = {"id": "a", "answer": "x", "versions": {"openai": "3", "tantivy": "1"}}
    now = {"id": "b", "answer": "x", "versions": {"openai": "4", "tantivy": "1"}}
    assert differences(then, now) == ["versions.openai"]
