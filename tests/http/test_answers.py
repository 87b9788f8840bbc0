"""`POST /v1/answers` and `/v1/search` of the real service over the seeds, as the contract says."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from api.wire.schemas import AnswerBody, HitsBody, Passage
from tests.support.processes import ROOT, RunningService

CASES: list[dict[str, Any]] = [
    json.loads(line) for line in (ROOT / "tests/data/seeds.jsonl").read_text().splitlines()
]
KNOWN = next(case for case in CASES if case["id"] == "seed-35")
QUESTION = KNOWN["question"]


@pytest.fixture(scope="module")
def client(service: RunningService) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url, timeout=60) as made:
        yield made


def body(case: dict[str, Any], **more: object) -> dict[str, Any]:
    return {"question": case["question"], "history": case.get("history", []), **more}


def streamed(client: httpx.Client, request: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The events of a stream, in order; checks that ids increase from 1."""
    events, ids = [], []
    with client.stream("POST", "/v1/answers", json=request | {"stream": True}) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        for block in response.read().decode().split("\n\n"):
            fields = dict(line.split(": ", 1) for line in block.splitlines())
            if "event" in fields:
                events.append((fields["event"], json.loads(fields["data"])))
                ids.append(int(fields["id"]))
    assert ids == list(range(1, len(ids) + 1))
    return events


def test_an_answer_has_the_fields_of_the_contract(client: httpx.Client) -> None:
    answer = client.post("/v1/answers", json={"question": QUESTION}).json()
    assert set(answer) == set(AnswerBody.model_fields)
    assert answer["answered"] is True
    assert answer["answerer"] == "extractive"
    assert answer["format"] == "text"
    assert answer["id"].startswith("ans_")
    assert set(answer["timings_ms"]) >= {"retrieve", "answer", "total"}
    assert answer["index"] == {"collection": "default", "generation": "000001", "complete": True}
    assert answer["citations"][0]["source"] == KNOWN["evidence"][0]["source"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["id"]))
def test_streamed_and_plain_answers_are_the_same(
    case: dict[str, Any], client: httpx.Client
) -> None:
    plain = client.post("/v1/answers", json=body(case)).json()
    events = streamed(client, body(case))
    names = [name for name, _ in events]
    done = events[-1][1]
    sentences = [data for name, data in events if name == "sentence"]

    assert names[0] == "passages"
    assert names[-1] == "done"
    assert "".join(data["text"] for name, data in events if name == "delta") == done["answer"]
    assert [data.pop("index") for data in sentences] == list(range(len(sentences)))
    for answer in (plain, done):
        assert answer["sentences"] == sentences
        assert answer["citations"] == [d["citation"] for name, d in events if name == "citation"]
        assert answer["passages"] == events[0][1]["passages"]
    changing = {"id", "timings_ms"}
    assert {k: v for k, v in plain.items() if k not in changing} == {
        k: v for k, v in done.items() if k not in changing
    }


def test_the_accept_header_asks_for_a_stream_too(client: httpx.Client) -> None:
    response = client.post(
        "/v1/answers", json={"question": QUESTION}, headers={"Accept": "text/event-stream"}
    )
    assert response.headers["content-type"].startswith("text/event-stream")
    assert "event: done" in response.text


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["id"]))
def test_every_quote_slices_back_from_its_source(
    case: dict[str, Any], client: httpx.Client
) -> None:
    answer = client.post("/v1/answers", json=body(case)).json()
    assert bool(answer["citations"]) == answer["answered"]
    for cited in answer["citations"]:
        text = client.get(f"/v1/sources/{cited['source_id']}/text").text
        start, end = cited["start"], cited["end"]
        assert text[start:end] == cited["quote"]
        span = client.get(
            f"/v1/sources/{cited['source_id']}/text", params={"start": start, "end": end}
        )
        assert span.text == cited["quote"]
        assert text[:start].endswith(cited["before"])
        assert text[end:].startswith(cited["after"])
        assert text.count("\n", 0, start) + 1 == cited["line"]
        assert (ROOT / "seeds" / cited["source"]).read_text(encoding="utf-8-sig") == text
    for sentence in answer["sentences"]:
        assert answer["answer"][sentence["start"] : sentence["end"]] == sentence["text"]
        assert all(f"[{n}]" in sentence["text"] for n in sentence["citations"])


def test_a_refusal_says_why_and_shows_the_nearest_passages(client: httpx.Client) -> None:
    answer = client.post(
        "/v1/answers", json={"question": "Which river flows through Vienna?"}
    ).json()
    assert answer["answered"] is False
    assert answer["reason"] in {"low_confidence", "nothing_retrieved"}
    assert answer["sentences"] == answer["citations"] == []
    assert answer["answer"].endswith(".")


def test_passages_can_be_left_out_of_both_shapes(client: httpx.Client) -> None:
    request = {"question": QUESTION, "include_passages": False}
    assert client.post("/v1/answers", json=request).json()["passages"] == []
    events = streamed(client, request)
    assert events[0][1]["passages"] == events[-1][1]["passages"] == []


@pytest.mark.parametrize("top_k", [1, 3.0])
def test_top_k_says_how_many_passages_are_used(top_k: float, client: httpx.Client) -> None:
    answer = client.post("/v1/answers", json={"question": QUESTION, "top_k": top_k}).json()
    assert [passage["rank"] for passage in answer["passages"]] == list(range(1, int(top_k) + 1))


def test_a_filter_restricts_the_sources(client: httpx.Client) -> None:
    request = {"query": "Xiaomi", "filters": {"source": ["waiting-for-a-xiaomi-car.txt"]}}
    hits = client.post("/v1/search", json=request).json()["hits"]
    assert {hit["source"] for hit in hits} == {"waiting-for-a-xiaomi-car.txt"}


@pytest.mark.parametrize("filters", [{"since": "2020-01-01"}, {"tags": ["cars"]}])
def test_a_filter_that_leaves_nothing_is_a_refusal(
    filters: dict[str, object], client: httpx.Client
) -> None:
    answer = client.post("/v1/answers", json={"question": QUESTION, "filters": filters}).json()
    assert (answer["answered"], answer["reason"]) == (False, "nothing_retrieved")


@pytest.mark.parametrize("day", [0, "1700000000", "2026-02-30", "2026-2-3", True, {}])
def test_a_day_that_is_none_is_422(day: object, client: httpx.Client) -> None:
    response = client.post("/v1/search", json={"query": QUESTION, "filters": {"until": day}})
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "body.filters.until"


def test_search_gives_passages_of_the_same_shape(client: httpx.Client) -> None:
    result = client.post("/v1/search", json={"query": QUESTION, "top_k": 4}).json()
    assert set(result) == set(HitsBody.model_fields)
    assert [set(hit) for hit in result["hits"]] == [set(Passage.model_fields)] * 4
    assert [hit["rank"] for hit in result["hits"]] == [1, 2, 3, 4]
    scores = [hit["score"] for hit in result["hits"]]
    assert scores == sorted(scores, reverse=True)
    for hit in result["hits"]:
        text = client.get(f"/v1/sources/{hit['source_id']}/text").text
        assert text[hit["start"] : hit["end"]] == hit["text"]


@pytest.mark.parametrize("question", ["", " \n", "why " * 5_000])
def test_an_empty_or_endless_question_is_422(question: str, client: httpx.Client) -> None:
    response = client.post("/v1/answers", json={"question": question})
    assert response.status_code == 422
    assert response.json()["code"] == "invalid_request"
    assert response.json()["errors"][0]["field"] == "body.question"


def test_unknown_fields_of_a_request_are_ignored(client: httpx.Client) -> None:
    response = client.post("/v1/answers", json={"question": QUESTION, "colour": "blue"})
    assert response.status_code == 200


def test_the_served_collection_may_be_named(client: httpx.Client) -> None:
    request = {"question": QUESTION, "collection": "default"}
    assert client.post("/v1/answers", json=request).json()["answered"] is True
