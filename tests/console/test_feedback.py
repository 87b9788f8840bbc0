"""Feedback over HTTP and in the terminal: read, accepted as a case, exported, deleted."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.security.keys import KeyStore
from api.state.sqlite import SqliteFile
from rag.evaluation.cases import read_cases
from tests.console.conftest import open_client, wait_ready
from tests.support.processes import LocalClient, run_footnote, wait_until

ASK = {"question": "How long did the lake freeze in 1998?"}
HOSTILE = '</script><img src=x onerror="alert(1)">=cmd|\u202e'


@pytest.fixture(scope="module")
def client(home: Path) -> Iterator[LocalClient]:
    with open_client(home, keep_questions_days=30) as client:
        wait_ready(client)
        yield client


def rate(client: LocalClient, **body: Any) -> str:
    answer_id: str = client.post("/v1/answers", json=ASK).json()["id"]
    given = client.post(f"/v1/answers/{answer_id}/feedback", json=body)
    assert given.status_code == 204, given.text
    return answer_id


def listed(client: LocalClient, **params: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = client.get("/v1/feedback", params=params).json()["feedback"]
    return entries


def test_a_comment_stands_beside_the_question_and_its_answer(client: LocalClient) -> None:
    answer_id = rate(client, rating="down", comment=HOSTILE)
    (entry,) = listed(client)
    assert (entry["answer_id"], entry["rating"], entry["comment"]) == (answer_id, "down", HOSTILE)
    assert entry["question"] == ASK["question"]
    assert "142 days" in entry["answer"]
    assert entry["citations"][0]["source"] == "lake.txt"
    assert (entry["words"], entry["by"], entry["accepted_as"]) == ("service", "anyone", None)
    assert listed(client, rating="up") == []


def test_accepted_feedback_is_a_case_and_so_it_is_exported(client: LocalClient, home: Path) -> None:
    answer_id = rate(client, rating="down", comment="Wrong year?")
    quoted = {"source": "lake.txt", "quote": "The lake froze for 142 days in 1998."}
    url = f"/v1/feedback/{answer_id}/case"
    wrong = client.post(url, json={"answer": "142", "evidence": [{**quoted, "quote": "14 days"}]})
    assert wrong.status_code == 422
    assert wrong.json()["detail"].startswith("body.evidence.0.quote")
    nothing = client.post(url, json={})
    assert (nothing.status_code, nothing.json()["code"]) == (422, "invalid_request")
    assert client.post(url, json={"answer": "143 days"}).status_code == 200
    case = client.post(url, json={"answer": "142 days", "evidence": [quoted]}).json()["case"]
    assert (case["id"], case["answers"], case["tags"]) == (answer_id, ["142 days"], ["accepted"])
    assert client.get("/v1/cases").json() == {"cases": 1, "file": "cases/default.jsonl"}
    assert listed(client)[0]["accepted_as"] == answer_id
    cases, _ = read_cases(home / ".data" / "cases" / "default.jsonl")
    assert [one.answers for one in cases] == [("142 days",)]

    exported = client.get("/v1/feedback/export")
    assert exported.headers["content-disposition"].startswith("attachment")
    assert [json.loads(line)["id"] for line in exported.text.splitlines()] == [answer_id]
    done = run_footnote("feedback", "export", cwd=home)
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        json.loads(line) for line in exported.text.splitlines()
    ]
    assert "1 case" in done.stderr
    assert "has no right answer yet" in done.stderr


def test_what_the_articles_do_not_answer_is_a_case_too(client: LocalClient) -> None:
    answer_id = rate(client, rating="down")
    asked = {"answerable": False, "question": "Who?"}
    case = client.post(f"/v1/feedback/{answer_id}/case", json=asked).json()["case"]
    assert (case["answers"], case["answerable"], case["question"]) == ([], False, "Who?")


def test_the_terminal_lists_what_the_route_lists(client: LocalClient, home: Path) -> None:
    rate(client, rating="up", comment="Thanks\x1b[31m.")
    done = run_footnote("feedback", "list", "--json", cwd=home)
    assert json.loads(done.stdout)["feedback"] == listed(client)
    text = run_footnote("feedback", "list", "--rating", "up", cwd=home).stdout
    assert ASK["question"] in text
    assert "\x1b" not in text


def test_pages_of_feedback_follow_each_other(client: LocalClient) -> None:
    ids, after = [], None
    while True:
        params = {"limit": "2", **({"after": after} if after else {})}
        body = client.get("/v1/feedback", params=params).json()
        ids += [one["answer_id"] for one in body["feedback"]]
        after = body["next"]
        if after is None:
            break
    assert len(ids) > 2
    assert ids == [one["answer_id"] for one in listed(client)]


def test_deleted_feedback_is_gone(client: LocalClient) -> None:
    answer_id = rate(client, rating="down")
    assert client.delete(f"/v1/feedback/{answer_id}").status_code == 204
    again = client.delete(f"/v1/feedback/{answer_id}")
    assert (again.status_code, again.json()["code"]) == (404, "feedback_not_found")
    assert answer_id not in [one["answer_id"] for one in listed(client)]
    question = client.get(f"/v1/questions/{answer_id}").json()
    assert question["rating"] is None


def test_feedback_of_another_collection_does_not_exist(client: LocalClient, home: Path) -> None:
    answer_id = rate(client, rating="down")
    keys = KeyStore(SqliteFile(home / ".data" / "state.sqlite3"))
    own, other = keys.create(scopes=["admin"]), keys.create(scopes=["admin"], collections=["x"])
    wait_until(lambda: client.get("/v1/feedback").status_code == 401)
    for key, status in ((other, 404), (own, 204)):
        headers = {"Authorization": f"Bearer {key}"}
        wait_until(lambda h=headers: client.get("/v1/keys", headers=h).status_code == 200)  # type: ignore[misc]  # bound
        reply = client.delete(f"/v1/feedback/{answer_id}", headers=headers)
        assert reply.status_code == status
