"""Questions over HTTP: kept for some days or not at all, listed, grouped, exported, replayed."""

import csv
import io
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from api.operations.questions.groups import VectorCache, group_questions
from api.operations.questions.listing import to_csv
from api.security.keys import KeyStore
from api.state.answer_log import AnswerLog
from api.state.bounded_table import BoundedTable, Limits, Row
from api.state.sqlite import SqliteFile
from rag.evaluation.cases import parse_cases
from tests.console.conftest import open_client, wait_ready
from tests.support.fakes import FakeModel, quote_best_sentence
from tests.support.processes import LocalClient, run_footnote, wait_until

FROZEN = "How long did the lake freeze in 1998?"
AGAIN = "For how long did the lake freeze in 1998?"
UNKNOWN = "Who invented the telephone in Boston?"
HOSTILE = '=HYPERLINK("http://evil","<script>alert(1)</script>") lake?'


@pytest.fixture(scope="module")
def client(home: Path) -> Iterator[LocalClient]:
    with open_client(home, keep_questions_days=30) as client:
        wait_ready(client)
        for question in (FROZEN, AGAIN, UNKNOWN, UNKNOWN, HOSTILE, "Hello!"):
            assert client.post("/v1/answers", json={"question": question}).status_code == 200
        yield client


def listed(client: LocalClient, **params: str) -> list[dict[str, Any]]:
    reply = client.get("/v1/questions", params=params)
    assert reply.status_code == 200, reply.text
    questions: list[dict[str, Any]] = reply.json()["questions"]
    return questions


def test_questions_are_listed_newest_first_with_what_became_of_them(client: LocalClient) -> None:
    body = client.get("/v1/questions").json()
    assert [one["question"] for one in body["questions"]] == [
        *("Hello!", HOSTILE, UNKNOWN, UNKNOWN, AGAIN, FROZEN)
    ]
    first, unknown = body["questions"][-1], body["questions"][2]
    assert (first["state"], first["reason"], first["kind"]) == ("answered", None, "question")
    assert (unknown["state"], unknown["reason"]) == ("refused", "low_confidence")
    assert first["confidence"] > unknown["confidence"]
    assert first["latency_ms"] > 0
    assert (first["language"], first["collection"], first["rating"]) == ("en", "default", None)
    assert (body["kept_days"], body["how_to"], body["next"]) == (30, None, None)
    assert body["counts"]["total"] == 6
    assert body["counts"]["refused"] >= 2


def test_a_search_a_state_a_time_and_a_rating_choose(client: LocalClient) -> None:
    assert {one["question"] for one in listed(client, q="BOSTON")} == {UNKNOWN}
    assert UNKNOWN in {one["question"] for one in listed(client, state="refused")}
    assert listed(client, since="2100-01-01T00:00:00Z") == []
    assert len(listed(client, since="2026-01-01T00:00:00")) == 6
    rated = listed(client)[-1]
    given = client.post(f"/v1/answers/{rated['id']}/feedback", json={"rating": "down"})
    assert given.status_code == 204
    assert [one["id"] for one in listed(client, rating="down")] == [rated["id"]]
    odd = client.get("/v1/questions", params={"since": "0001-01-01T00:00:00+23:59"})
    assert odd.status_code in (200, 422)
    assert client.get("/v1/questions", params={"after": "bGFrZQ"}).status_code == 422


def test_pages_of_questions_follow_each_other(client: LocalClient) -> None:
    ids, after = [], None
    while True:
        params = {"limit": "2", **({"after": after} if after else {})}
        body = client.get("/v1/questions", params=params).json()
        ids += [one["id"] for one in body["questions"]]
        after = body["next"]
        if after is None:
            break
    assert ids == [one["id"] for one in listed(client)]


def test_questions_of_one_meaning_are_a_group_and_the_unanswered_come_first(
    client: LocalClient,
) -> None:
    groups = client.get("/v1/questions/groups").json()["groups"]
    assert (groups[0]["question"], groups[0]["count"], groups[0]["refused"]) == (UNKNOWN, 2, 2)
    frozen = next(one for one in groups if one["question"] in (FROZEN, AGAIN))
    assert (frozen["count"], frozen["answered"]) == (2, 2)
    assert len(frozen["ids"]) == 2
    assert sum(one["count"] for one in groups) == 6


def test_a_question_shows_what_its_answer_was_made_from(client: LocalClient) -> None:
    own = listed(client)[-1]["id"]
    record = client.get(f"/v1/questions/{own}").json()
    assert record["ask"] == {"question": FROZEN, "history": [], "top_k": 5}
    assert record["passages"][0]["text"].startswith("The lake froze for 142 days")
    assert {"dense", "lexical", "sentence", "context", "late"} <= record["passages"][0][
        "scores"
    ].keys()
    assert record["citations"][0]["quote"] == "The lake froze for 142 days in 1998."
    assert record["timings_ms"]["total"] > 0
    assert (record["messages"], record["model"]) == ([], None)
    missing = client.get("/v1/questions/ans_0")
    assert (missing.status_code, missing.json()["code"]) == (404, "question_not_found")


def test_a_question_is_asked_again_and_the_new_answer_is_not_kept(client: LocalClient) -> None:
    own, before = listed(client)[-1]["id"], len(listed(client))
    replayed = client.post(f"/v1/questions/{own}/replay").json()
    assert "142 days" in replayed["answer"]["answer"]
    assert replayed["differences"] == []
    assert len(listed(client)) == before


def test_no_cell_of_the_table_is_a_formula(client: LocalClient, home: Path) -> None:
    reply = client.get("/v1/questions/export")
    assert reply.headers["content-type"].startswith("text/csv")
    assert reply.headers["content-disposition"] == 'attachment; filename="questions.csv"'
    rows = list(csv.DictReader(io.StringIO(reply.text)))
    assert f"'{HOSTILE}" in [row["question"] for row in rows]
    assert not [c for row in rows for c in row.values() if c[:1] in ("=", "+", "-", "@")]
    body = dict.fromkeys(("kind", "state", "reason", "confidence", "rating", "latency_ms"))
    body |= {"collection": "c", "language": "en"}
    lines = "".join(
        to_csv([Row("a", 0.0, {**body, "question": q}) for q in (" @x", "\t=1", "a-b")])
    )
    assert [row["question"] for row in csv.DictReader(io.StringIO(lines))] == [
        *("' @x", "'\t=1", "a-b")
    ]
    done = run_footnote("questions", "export", cwd=home)
    assert done.stdout == reply.text.replace("\r\n", "\n")


def test_the_export_of_cases_is_drafts_that_the_evaluation_reads(
    client: LocalClient, home: Path
) -> None:
    reply = client.get("/v1/questions/export", params={"format": "jsonl"})
    cases, problems = parse_cases(reply.text)
    assert problems == []
    by_question = {case.question: case for case in cases}
    assert by_question[FROZEN].evidence[0].source == "lake.txt"
    assert (by_question[UNKNOWN].answerable, by_question[UNKNOWN].tags[0]) == (False, "draft")
    assert "Hello!" not in by_question
    listed_there = json.loads(run_footnote("questions", "list", "--json", cwd=home).stdout)
    assert listed_there["questions"] == listed(client)


def test_what_a_model_was_sent_is_kept(home: Path, tmp_path: Path) -> None:
    with FakeModel(quote_best_sentence) as model:
        flags = {"llm.model": "fake", "llm.base_url": model.base_url, "keep_answers": True}
        with open_client(home, **flags) as client:
            wait_ready(client)
            own = client.post("/v1/answers", json={"question": FROZEN}).json()["id"]
            record = client.get(f"/v1/questions/{own}").json()
            assert client.get("/v1/questions").json()["kept_days"] is None
    assert [one["role"] for one in record["messages"]] == ["system", "user"]
    assert "[1.1] The lake froze for 142 days" in record["messages"][1]["content"]
    assert record["model"] == "fake"
    assert record["raw"]


def test_without_the_setting_questions_are_only_counted(home: Path) -> None:
    with open_client(home) as client:
        wait_ready(client)
        own = client.post("/v1/answers", json={"question": FROZEN}).json()["id"]
        client.post("/v1/answers", json={"question": UNKNOWN})
        body = client.get("/v1/questions").json()
        assert (body["questions"], body["kept_days"]) == ([], 0)
        counts = {key: body["counts"][key] for key in ("answered", "refused", "total")}
        assert counts == {"answered": 1, "refused": 1, "total": 2}
        assert "FOOTNOTE_KEEP_QUESTIONS_DAYS" in body["how_to"]
        assert client.get("/v1/questions/groups").json() == {"groups": [], "kept_days": 0}
        assert client.get(f"/v1/questions/{own}").status_code == 404


def test_questions_of_another_collection_do_not_exist(client: LocalClient, home: Path) -> None:
    own = listed(client)[-1]["id"]
    keys = KeyStore(SqliteFile(home / ".data" / "state.sqlite3"))
    key = keys.create(scopes=["admin"], collections=["x"])
    headers = {"Authorization": f"Bearer {key}"}
    wait_until(lambda: client.get("/v1/keys").status_code == 401)
    wait_until(lambda: client.get("/v1/keys", headers=headers).status_code == 200)
    assert client.get("/v1/questions", headers=headers).status_code == 404
    assert client.get(f"/v1/questions/{own}", headers=headers).status_code == 404
    assert client.post(f"/v1/questions/{own}/replay", headers=headers).status_code == 404


def test_what_is_older_than_its_days_is_deleted(tmp_path: Path) -> None:
    limits = Limits(max_rows=10, max_bytes=10_000, max_age_s=100)
    database = SqliteFile(tmp_path / "a.sqlite3")
    table = BoundedTable(database, "t", limits, old_columns=("id", "s", "b"))
    table.put("one", {"question": "a secret"}, sender="x")
    assert [row.id for row in table.newest()] == ["one"]
    soon = Limits(10, 10_000, max_age_s=1e-9)
    late = BoundedTable(database, "t", soon, old_columns=("id", "s", "b"))
    time.sleep(0.01)
    assert list(late.newest()) == []
    assert late.row("one") is None
    late.delete_expired()
    assert list(table.newest()) == []


def test_a_log_that_was_never_written_is_empty(tmp_path: Path) -> None:
    log = AnswerLog(SqliteFile(tmp_path / "answers.sqlite3"))
    assert list(log.questions()) == []
    log.rate("ans_0", "up")
    log.delete_expired()
    assert not (tmp_path / "answers.sqlite3").exists()


def test_groups_of_close_vectors_need_more(tmp_path: Path) -> None:
    body = {"state": "answered", "rating": None}
    rows = [
        Row(str(n), float(n), {**body, "question": f"question {chr(97 + n)}"}) for n in range(8)
    ]
    base = np.ones(16, np.float32) * 2

    def embed(text: str) -> Any:
        vector = base.copy()
        vector[ord(text[-1]) - 97] += 3
        return vector / np.linalg.norm(vector)

    groups = group_questions(rows, embed, fingerprint="near", cache=VectorCache())
    assert [len(one.rows) for one in groups] == [1] * 8


def test_questions_of_other_numbers_are_never_one() -> None:
    body = {"state": "answered", "rating": None}
    texts = ["How long was it frozen in 1998?", "How long was it frozen in 2003?"]
    rows = [Row(text, 0.0, {**body, "question": text}) for text in texts]
    same = np.ones(4, np.float32) / 2
    groups = group_questions(rows, lambda text: same, fingerprint="one", cache=VectorCache())
    assert [len(one.rows) for one in groups] == [1, 1]
