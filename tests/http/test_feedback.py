"""What readers think of answers: kept, forgotten in time, and cases for the evaluation."""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.settings import load_settings
from api.state.feedback import DAY_S, FeedbackStore
from rag.evaluation.importing import import_feedback
from tests.support.processes import LocalClient, RunningService, run_footnote

CITED = [{"source": "lake.txt", "quote": "The lake froze for 142 days in 1998."}]
PRAISE = {
    "rating": "up",
    "comment": "Exactly.",
    "question": "How long did the lake freeze in 1998?",
    "answer": "The lake froze for 142 days in 1998. [1]",
    "citations": CITED,
}


@pytest.fixture(scope="module")
def running(lakes: Path) -> Iterator[RunningService]:
    with RunningService("--no-sync", cwd=lakes) as service:
        yield service


def give(service: RunningService, answer_id: str, body: dict[str, Any]) -> httpx.Response:
    return httpx.post(f"{service.url}/v1/answers/{answer_id}/feedback", json=body)


def test_feedback_is_kept_and_becomes_cases_that_the_evaluation_runs(
    running: RunningService, lakes: Path, tmp_path: Path
) -> None:
    assert give(running, "ans_a", {"rating": "down", "question": "Old?"}).status_code == 204
    assert give(running, "ans_a", PRAISE).status_code == 204
    correction = {"rating": "down", "question": "When?", "correct_answer": "In 1998."}
    assert give(running, "ans_b", correction).status_code == 204
    refusal = {
        "rating": "up",
        "question": "Who?",
        "answer": "The articles do not seem to answer this.",
    }
    assert give(running, "ans_c", refusal).status_code == 204

    cases = tmp_path / "cases.jsonl"
    exported = run_footnote("feedback", "export", "--out", cases, cwd=lakes)
    assert exported.returncode == 0, exported.stderr
    assert "3 cases, 1 skipped" in exported.stderr
    refused, corrected, praised = map(json.loads, cases.read_text().splitlines())
    assert (praised["id"], praised["answers"]) == (
        "ans_a",
        ["The lake froze for 142 days in 1998."],
    )
    assert praised["evidence"] == CITED
    assert (corrected["answers"], corrected["tags"]) == (["In 1998."], ["corrected"])
    assert (refused["answerable"], refused["answers"]) == (False, [])

    run = run_footnote(
        "eval", "run", cases, "--url", running.url, "--out", tmp_path / "run", cwd=lakes
    )
    assert run.returncode == 0, run.stderr
    samples = (tmp_path / "run" / "samples.jsonl").read_text().splitlines()
    assert len(samples) == 3


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"rating": "sideways"},
        {"rating": "up", "comment": "x" * 4_001},
        {"rating": "up", "citations": [{"source": "a"}]},
        {"rating": "up", "comment": "\ud800"},
    ],
    ids=["empty", "no_such_rating", "too_long", "half_a_citation", "half_a_character"],
)
def test_what_is_no_feedback_is_refused(running: RunningService, body: dict[str, Any]) -> None:
    reply = httpx.post(
        f"{running.url}/v1/answers/ans_a/feedback",
        content=json.dumps(body).encode(),
        headers={"content-type": "application/json"},
    )
    assert (reply.status_code, reply.json()["code"]) == (422, "invalid_request")


def test_an_odd_answer_id_is_refused(running: RunningService) -> None:
    assert give(running, "a%20b", PRAISE).status_code == 422


def test_where_feedback_cannot_be_kept_it_is_503_and_says_what(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "state.sqlite3")) as base:
        base.execute("CREATE VIEW feedback AS SELECT 1 AS answer_id")
    client = LocalClient(create_app(load_settings({"data_dir": tmp_path})))
    reply = client.post("/v1/answers/ans_a/feedback", json=PRAISE)
    assert (reply.status_code, reply.json()["code"]) == (503, "state_unreadable")
    assert "feedback" in reply.json()["detail"]


def test_feedback_is_forgotten_once_its_days_are_over(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite3"
    store = FeedbackStore(path, retention_days=30)
    store.add("old", {"rating": "up"})
    store.add("young", {"rating": "down"})
    with closing(sqlite3.connect(path)) as base, base:
        long_ago = time.time() - 31 * DAY_S
        base.execute("UPDATE feedback SET given_s = ? WHERE answer_id = 'old'", (long_ago,))
    assert [row["answer_id"] for row in store.all()] == ["young"]
    store.add("new", {"rating": "up"})
    with closing(sqlite3.connect(path)) as base:
        rows = base.execute("SELECT answer_id FROM feedback ORDER BY id").fetchall()
    assert rows == [("young",), ("new",)]


def test_without_feedback_there_are_no_cases(home: Path) -> None:
    done = run_footnote("feedback", "export", cwd=home)
    assert (done.returncode, done.stdout) == (0, "")
    assert import_feedback([]).cases == []


def test_feedback_leaves_no_trace_in_the_log(lakes: Path) -> None:
    with RunningService("--no-sync", cwd=lakes) as service:
        give(service, "ans_quiet", PRAISE)
        log = service.stop()
    assert "/v1/answers/{answer_id}/feedback" in log
    assert "142 days" not in log
    assert "Exactly" not in log
