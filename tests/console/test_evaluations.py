"""Evaluations over HTTP: started, followed, read, compared; one at a time, and ended with it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.operations.quality import runner
from api.operations.quality.store import INTERRUPTED, EvaluationStore
from tests.console.conftest import open_client, wait_ready
from tests.support.processes import SEEDS, LocalClient, link_index, run_footnote, wait_until

HOSTILE = "Who is <script>alert(1)</script><img src=x onerror=alert(2)>?"
QUOTE = {"source": "lake.txt", "quote": "The lake froze for 142 days in 1998."}
CASES = [
    {
        "id": "froze",
        "question": "How long did the lake freeze in 1998?",
        "answers": ["142 days"],
        "evidence": [QUOTE],
    },
    {"id": "hostile", "question": HOSTILE, "answerable": False},
    {
        "id": "wrong",
        "question": "How long did the lake freeze in the year 1998?",
        "answers": ["20 years"],
        "evidence": [QUOTE],
    },
]


@pytest.fixture(scope="module")
def data(lakes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with three cases over the lakes' index."""
    data = link_index(lakes / ".data", tmp_path_factory.mktemp("evaluations") / "data")
    (data / "cases").mkdir()
    lines = "\n".join(map(json.dumps, CASES))
    (data / "cases" / "default.jsonl").write_text(f"{lines}\nno case\n")
    return data


@pytest.fixture(scope="module")
def client(lakes: Path, data: Path) -> Iterator[LocalClient]:
    with open_client(lakes, data_dir=data) as client:
        wait_ready(client)
        yield client


def started(client: LocalClient, **body: object) -> str:
    reply = client.post("/v1/evaluations", json=body)
    assert reply.status_code == 202, reply.text
    own: str = reply.json()["id"]
    return own


def finished(client: LocalClient, own: str) -> dict[str, Any]:
    latest: dict[str, Any] = {}

    def has_ended() -> bool:
        latest.update(client.get(f"/v1/evaluations/{own}").json())
        return latest["status"] != "running"

    wait_until(has_ended, timeout_s=240)
    return latest


@pytest.fixture(scope="module")
def done(client: LocalClient) -> dict[str, Any]:
    """A finished evaluation of the three cases."""
    return finished(client, started(client, label="first"))


def test_an_evaluation_says_how_right_the_answers_are(
    done: dict[str, Any], client: LocalClient
) -> None:
    assert (done["status"], done["label"], done["cases"]) == ("done", "first", 3)
    metric = done["metrics"]["answer_cited"]
    assert metric["low"] < metric["value"] < metric["high"]
    assert round(metric["value"], 3) == 0.667
    assert (metric["n"], metric["unit"]) == (3, "rate")
    failures = {one["id"]: one["failure"] for one in done["results"]}
    assert failures["froze"] is None
    assert failures["wrong"] == "wrong"
    assert done["results"][0]["failure"] is not None, "failures come first"
    froze = next(one for one in done["results"] if one["id"] == "froze")
    assert froze["citations"] == [QUOTE]
    (listed,) = client.get("/v1/evaluations").json()["evaluations"]
    assert listed == {key: value for key, value in done.items() if key != "results"}


def test_two_evaluations_are_compared_case_by_case(
    done: dict[str, Any], client: LocalClient, data: Path
) -> None:
    file = data / "cases" / "default.jsonl"
    before = file.read_text()
    file.write_text(before.replace('"20 years"', '"142 days"'))
    second = finished(client, started(client))
    file.write_text(before)
    ids = {"before": done["id"], "after": second["id"]}
    compared = client.get("/v1/evaluations/compare", params=ids).json()
    assert compared["left_out"] == 2, "the changed case is another one"
    assert (compared["fixed"], compared["broken"]) == ([], [])
    same = client.get("/v1/evaluations/compare", params={**ids, "after": done["id"]}).json()
    assert [one["id"] for one in same["still_broken"]] == [
        one["id"] for one in done["results"] if one["failure"]
    ]
    change = next(one for one in same["metrics"] if one["metric"] == "answer_cited")
    assert (change["difference"], change["is_significant"]) == (0, False)
    missing = {**ids, "after": "20261128-000000-000000"}
    assert client.get("/v1/evaluations/compare", params=missing).status_code == 404


def test_the_report_is_a_page_without_scripts(done: dict[str, Any], client: LocalClient) -> None:
    reply = client.get(f"/v1/evaluations/{done['id']}/report")
    policy = reply.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "sandbox" in policy
    assert "script" not in policy
    assert "<script" not in reply.text
    assert "<img" not in reply.text
    assert "&lt;script&gt;alert(1)" in reply.text


def test_questions_are_made_of_the_articles_where_no_case_is_kept(
    seeds_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "DRAFTED", 6)
    data = link_index(seeds_data, tmp_path / "data")
    with open_client(tmp_path, data_dir=data, corpus=SEEDS) as client:
        wait_ready(client)
        result = finished(client, started(client, cases="drafted"))
    assert (result["status"], result["case_set"]) == ("done", "drafted")
    assert result["cases"] == 6
    assert result["results"][0]["question"].startswith("What is missing here?")
    listed = run_footnote("eval", "list", data / "evaluations" / "default" / result["id"], cwd=data)
    assert result["id"] in listed.stdout


def test_one_runs_at_a_time_and_one_that_is_cut_off_says_so(
    client: LocalClient, data: Path
) -> None:
    store = EvaluationStore(data, "default")
    with store.running():
        busy = client.post("/v1/evaluations", json={})
        assert (busy.status_code, busy.json()["code"]) == (409, "evaluation_running")
        left = store.create(label=None, cases=3, case_set="kept")
        assert store.get(left.id).status == "running"
    cut_off = client.get(f"/v1/evaluations/{left.id}").json()
    assert (cut_off["status"], cut_off["error"]) == ("failed", INTERRUPTED)
    assert cut_off["results"] == []
    assert client.get(f"/v1/evaluations/{left.id}/report").status_code == 404
    assert started(client) != left.id
    wait_until(lambda: not store.is_running())


def test_a_service_that_stops_ends_its_evaluation(lakes: Path, data: Path) -> None:
    many = [{**CASES[0], "id": f"case-{n}"} for n in range(400)]
    file = data / "cases" / "default.jsonl"
    before = file.read_text()
    file.write_text("\n".join(map(json.dumps, many)))
    with open_client(lakes, data_dir=data) as client:
        wait_ready(client)
        own = started(client)
        wait_until(lambda: bool(client.get(f"/v1/evaluations/{own}").json()["progress"]))
    file.write_text(before)
    ended = EvaluationStore(data, "default").get(own)
    assert (ended.status, ended.error) == ("failed", INTERRUPTED)


def test_without_cases_it_says_where_they_come_from(lakes: Path, tmp_path: Path) -> None:
    data = link_index(lakes / ".data", tmp_path / "data")
    with open_client(lakes, data_dir=data) as client:
        wait_ready(client)
        assert client.get("/v1/evaluations").json() == {"evaluations": []}
        empty = client.post("/v1/evaluations", json={})
        assert empty.status_code == 422
        assert "drafted" in empty.json()["detail"]
        again = client.post("/v1/evaluations", json={})
        assert again.status_code == 422, "its place was given back"
