"""Feedback on answers: stored within limits, forgotten in time, and cases for the evaluation."""

import base64
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
from api.security.answer_ids import TTL_S, answered_collection, issue_answer_id
from api.security.keys import KeyStore
from api.settings import load_settings
from api.state.answer_log import AnswerLog
from api.state.bounded_table import Limits
from api.state.feedback import DAY_S, MAX_BODY_BYTES, FeedbackStore
from api.state.sqlite import SqliteFile
from api.wire.signed_links import LinkSigner
from rag.evaluation.importing import import_feedback
from tests.support.processes import (
    LocalClient,
    RunningService,
    link_index,
    run_footnote,
    wait_until,
)

ASK = {"question": "How long did the lake freeze in 1998?"}
SITE, OTHER = "https://docs.example.org", "https://other.example.org"
CITED = [{"source": "lake.txt", "quote": "The lake froze for 142 days in 1998."}]
PRAISE = {
    "rating": "up",
    "comment": "Exactly.",
    "question": "How long did the lake freeze in 1998?",
    "answer": "The lake froze for 142 days in 1998. [1]",
    "citations": CITED,
}


@pytest.fixture(scope="module")
def home(lakes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with a data folder over the lakes' index."""
    home = tmp_path_factory.mktemp("feedback")
    (home / "articles").symlink_to(lakes / "articles")
    link_index(lakes / ".data", home / ".data")
    return home


@pytest.fixture(scope="module")
def running(home: Path) -> Iterator[RunningService]:
    with RunningService("--no-sync", cwd=home) as service:
        yield service


def give(service: RunningService, answer_id: str, body: dict[str, Any]) -> httpx.Response:
    return httpx.post(f"{service.url}/v1/answers/{answer_id}/feedback", json=body)


def answered(service: RunningService) -> str:
    """The id of a new answer."""
    answer_id: str = httpx.post(f"{service.url}/v1/answers", json=ASK).json()["id"]
    return answer_id


def open_store(folder: Path, **limits: Any) -> FeedbackStore:
    state = folder / "state.sqlite3"
    most = Limits(**{"max_rows": 100, "max_bytes": 10_000_000, "max_age_s": 30 * DAY_S} | limits)
    answers = AnswerLog(SqliteFile(folder / "answers.sqlite3", old_file=state))
    feedback = SqliteFile(folder / "feedback.sqlite3", old_file=state)
    return FeedbackStore(feedback, answers, limits=most)


def add(store: FeedbackStore, answer_id: str, sender: str = "a", **body: Any) -> None:
    store.add(answer_id, {"rating": "up"} | body, by="anyone", collection="default", sender=sender)


def stored_ids(store: FeedbackStore) -> list[str]:
    return [row["answer_id"] for row in store.all()]


def test_feedback_is_kept_and_becomes_cases_that_the_evaluation_runs(
    running: RunningService, home: Path, tmp_path: Path
) -> None:
    first, second, third = (answered(running) for _ in range(3))
    assert give(running, first, {"rating": "down", "question": "Old?"}).status_code == 204
    assert give(running, first, PRAISE).status_code == 204
    correction = {"rating": "down", "question": "When?", "correct_answer": "In 1998."}
    assert give(running, second, correction).status_code == 204
    refusal = {
        "rating": "up",
        "question": "Who?",
        "answer": "The articles do not seem to answer this.",
    }
    assert give(running, third, refusal).status_code == 204

    cases = tmp_path / "cases.jsonl"
    exported = run_footnote("feedback", "export", "--out", cases, cwd=home)
    assert exported.returncode == 0, exported.stderr
    assert "3 cases, 0 skipped" in exported.stderr, "a later rating replaces an earlier one"
    refused, corrected, praised = map(json.loads, cases.read_text().splitlines())
    assert (praised["id"], praised["answers"]) == (first, ["The lake froze for 142 days in 1998."])
    assert praised["evidence"] == CITED
    assert praised["trust"] == {"question": "client", "gold": "client", "by": "anyone"}
    assert (corrected["answers"], corrected["tags"]) == (["In 1998."], ["corrected", "unverified"])
    assert (refused["answerable"], refused["answers"]) == (False, [])

    run = run_footnote(
        "eval", "run", cases, "--url", running.url, "--out", tmp_path / "run", cwd=home
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
        f"{running.url}/v1/answers/{answered(running)}/feedback",
        content=json.dumps(body).encode(),
        headers={"content-type": "application/json"},
    )
    assert (reply.status_code, reply.json()["code"]) == (422, "invalid_request")


def test_only_ids_that_this_service_answered_are_stored(
    running: RunningService, home: Path
) -> None:
    before = len(open_store(home / ".data").all())
    real = answered(running)
    altered = real[:10] + ("A" if real[10] != "A" else "B") + real[11:]
    for answer_id in ("ans_a", "ans_zpEndGSoXbpsLIbV", altered, real + "A", real[:-1], real[4:]):
        reply = give(running, answer_id, PRAISE)
        assert (reply.status_code, reply.json()["code"]) == (404, "answer_not_found"), answer_id
    assert give(running, "a%20b", PRAISE).status_code == 422
    assert len(open_store(home / ".data").all()) == before


def test_a_rating_has_a_limit_and_an_attackers_eight_leave_the_keys_file_alone(
    running: RunningService, home: Path
) -> None:
    state = home / ".data" / "state.sqlite3"
    before = state.stat().st_size
    large = {"rating": "up", "citations": [{"source": "a", "quote": "x" * 19_000}] * 50}
    for _ in range(8):
        reply = give(running, answered(running), large)
        assert (reply.status_code, reply.json()["code"]) == (413, "body_too_large")
    assert state.stat().st_size == before
    assert (home / ".data" / "feedback.sqlite3").stat().st_size < 200_000


def test_who_asked_is_who_may_rate_in_whatever_protocol(lakes: Path, tmp_path: Path) -> None:
    """A page's visitor cannot rate the answers of a key, of another key or of another page."""
    data = link_index(lakes / ".data", tmp_path / "data")
    keys = KeyStore(SqliteFile(data / "state.sqlite3"))
    readers = {f"{n}": {"Authorization": f"Bearer {keys.create(scopes=['read'])}"} for n in "ab"}
    flags = {"data_dir": data, "widget_origins": (SITE, OTHER), "rate_limit_per_minute": 0}
    with LocalClient(create_app(load_settings(flags))) as client:
        wait_until(lambda: client.get("/readyz").json()["status"] == "ready")
        for origin in (SITE, OTHER):
            token = client.post("/v1/widget/token", json={}, headers={"Origin": origin}).json()
            readers[origin] = {"Authorization": f"Bearer {token['token']}", "Origin": origin}
        ids = {
            name: client.post("/v1/answers", json=ASK, headers=headers).json()["id"]
            for name, headers in readers.items()
        }
        chat = {"model": "footnote", "messages": [{"role": "user", "content": ASK["question"]}]}
        ids["a, chat"] = client.post(
            "/v1/chat/completions", json=chat, headers=readers["a"]
        ).json()["id"]
        stream = client.post("/v1/answers", json=ASK | {"stream": True}, headers=readers["a"]).text
        data_lines = [line[6:] for line in stream.split("\n") if line.startswith("data: ")]
        ids["a, stream"] = json.loads(data_lines[0])["id"]
        assert json.loads(data_lines[-1])["id"] == ids["a, stream"]
        for asker, answer_id in ids.items():
            for rater, headers in readers.items():
                url = f"/v1/answers/{answer_id}/feedback"
                reply = client.post(url, json={"rating": "up"}, headers=headers)
                is_own = rater == asker.partition(",")[0]
                assert reply.status_code == (204 if is_own else 404), (asker, rater)
    by = {row["answer_id"]: row["by"] for row in open_store(data).all()}
    assert by[ids[SITE]] == "widget"
    assert by[ids["a"]].startswith("key:")


def test_an_id_holds_for_its_collection_and_for_thirty_days(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    links = LinkSigner(SqliteFile(tmp_path / "state.sqlite3"), base="")
    answer_id = issue_answer_id(links, "lakes", "anyone")
    worker = LinkSigner(SqliteFile(tmp_path / "state.sqlite3"), base="")
    assert answered_collection(worker, answer_id, ["hills", "lakes"], "anyone") == "lakes"
    assert answered_collection(links, answer_id, ["hills"], "anyone") is None
    assert answered_collection(links, answer_id, ["lakes"], "key:1") is None
    later_s = (int(time.time()) - TTL_S).to_bytes(4) + b"x" * 11
    payload = base64.urlsafe_b64encode(later_s).decode()
    expired = f"ans_{payload}{links.sign('answer', payload, 'lakes', 'anyone')[:22]}"
    assert answered_collection(links, expired, ["lakes"], "anyone") is None
    odd = f"ans_{'!' * 20}{links.sign('answer', '!' * 20, 'lakes', 'anyone')[:21]}"
    assert answered_collection(links, odd, ["lakes"], "anyone") is None


def test_a_flood_by_one_caller_pushes_out_its_own_ratings_only(tmp_path: Path) -> None:
    store = open_store(tmp_path, max_rows=20)
    for n in range(5):
        add(store, f"quiet-{n}", "quiet")
    for n in range(60):
        add(store, f"loud-{n}", "loud")
    stored = stored_ids(store)
    assert len(stored) == 20
    assert [i for i in stored if i.startswith("quiet")] == [f"quiet-{n}" for n in (4, 3, 2, 1, 0)]
    assert stored[0] == "loud-59"

    few_bytes = open_store(tmp_path, max_bytes=20_000)
    for n in range(30):
        add(few_bytes, f"large-{n}", "large", comment="x" * 4_000)
    with closing(sqlite3.connect(tmp_path / "feedback.sqlite3")) as base:
        assert base.execute("SELECT sum(bytes) FROM feedback").fetchone()[0] <= 20_000
    assert len([i for i in stored_ids(few_bytes) if i.startswith("quiet")]) == 5


def test_a_rating_over_the_limit_is_not_stored(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    with pytest.raises(Exception, match="64,000 bytes"):
        add(store, "a", comment="é" * (MAX_BODY_BYTES // 2))
    assert store.all() == []


def test_rows_of_the_keys_file_move_over_once(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "state.sqlite3")) as base, base:
        base.execute("CREATE TABLE feedback (id INTEGER PRIMARY KEY, answer_id, given_s, body)")
        base.execute("CREATE TABLE answers (id TEXT PRIMARY KEY, kept_at TEXT, record TEXT)")
        now = time.time()
        rows = [("x", now - 9, '{"rating": "down"}'), ("x", now, '{"rating": "up"}')]
        rows += [("old", now - 31 * DAY_S, '{"rating": "up"}')]
        insert = "INSERT INTO feedback (answer_id, given_s, body) VALUES (?, ?, ?)"
        base.executemany(insert, rows)
        base.execute("INSERT INTO answers VALUES ('x', '2026-11-01 10:00:00', '{\"id\": \"x\"}')")
    store = open_store(tmp_path)
    assert store.all() == [{"answer_id": "x", "rating": "up"}]
    add(store, "new")
    assert stored_ids(open_store(tmp_path)) == ["new", "x"]
    old = tmp_path / "state.sqlite3"
    log = AnswerLog(SqliteFile(tmp_path / "answers.sqlite3", old_file=old))
    assert log.get("x") == {"id": "x"}
    with closing(sqlite3.connect(tmp_path / "state.sqlite3")) as base:
        assert base.execute("SELECT name FROM sqlite_master").fetchall() == []


def test_where_answers_are_logged_the_services_own_words_are_stored(
    lakes: Path, tmp_path: Path
) -> None:
    data = link_index(lakes / ".data", tmp_path / "data")
    flags = {"data_dir": data, "keep_answers": True}
    with LocalClient(create_app(load_settings(flags))) as client:
        wait_until(lambda: client.get("/readyz").json()["status"] == "ready")
        answer = client.post("/v1/answers", json=ASK).json()
        forged = {"rating": "up", "question": "Who pays?", "answer": "You do.", "citations": []}
        client.post(f"/v1/answers/{answer['id']}/feedback", json=forged)
    (case,) = import_feedback(open_store(data).all()).cases
    assert case.question == ASK["question"]
    assert case.answers == ("The lake froze for 142 days in 1998.",)
    assert [(e.source, e.quote) for e in case.evidence] == [
        (cited["source"], cited["quote"]) for cited in answer["citations"]
    ]
    assert case.raw["trust"] == {"question": "service", "gold": "service", "by": "anyone"}
    assert case.tags == ("praised",)


def test_where_feedback_cannot_be_kept_it_is_503_and_says_what(lakes: Path, tmp_path: Path) -> None:
    data = link_index(lakes / ".data", tmp_path / "data")
    with closing(sqlite3.connect(data / "feedback.sqlite3")) as base:
        base.execute("CREATE VIEW feedback AS SELECT 1 AS answer_id")
    client = LocalClient(create_app(load_settings({"data_dir": data})))
    links = LinkSigner(SqliteFile(data / "state.sqlite3"), base="")
    answer_id = issue_answer_id(links, "default", "anyone")
    reply = client.post(f"/v1/answers/{answer_id}/feedback", json=PRAISE)
    assert (reply.status_code, reply.json()["code"]) == (503, "state_unreadable")
    assert "feedback" in reply.json()["detail"]


def test_feedback_is_forgotten_once_its_days_are_over(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    add(store, "old")
    add(store, "young")
    with closing(sqlite3.connect(tmp_path / "feedback.sqlite3")) as base, base:
        long_ago = time.time() - 31 * DAY_S
        base.execute("UPDATE feedback SET stored_s = ? WHERE id = 'old'", (long_ago,))
    assert stored_ids(store) == ["young"]
    add(store, "new")
    with closing(sqlite3.connect(tmp_path / "feedback.sqlite3")) as base:
        rows = base.execute("SELECT id FROM feedback ORDER BY rowid").fetchall()
    assert rows == [("young",), ("new",)]


def test_without_feedback_there_are_no_cases(tmp_path: Path) -> None:
    done = run_footnote("feedback", "export", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert import_feedback([]).cases == []


def test_feedback_leaves_no_trace_in_the_log(home: Path) -> None:
    with RunningService("--no-sync", cwd=home) as service:
        assert give(service, answered(service), PRAISE).status_code == 204
        log = service.stop()
    assert "/v1/answers/{answer_id}/feedback" in log
    assert "142 days" not in log
    assert "Exactly" not in log
