"""Whatever the index or the request holds, a reply stays small and a request costs little."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from api.app import create_app
from api.http.middleware import MAX_JSON_CONTAINERS, MAX_PARAMETERS
from api.mcp import MAX_REQUEST_BYTES
from api.settings import load_settings
from api.state.sqlite import SqliteFile
from api.wire import serializers
from api.wire.escape import escape
from api.wire.openai import MAX_ANNOTATIONS, build_completion
from api.wire.problem_details import MAX_MESSAGE_CHARS, build_problem
from api.wire.serializers import MAX_LIST_BYTES
from api.wire.signed_links import LinkSigner, find_quote
from api.wire.source_page import CONTEXT_CHARS, MAX_MARKED_CHARS, render_source_page
from index.embed.factory import EmbedSpec
from index.errors import IndexingError
from index.text.limits import MAX_HEADING_PATH_CHARS, MAX_TITLE_CHARS
from index.types import Chunk, GenerationInfo, Source
from rag import types as rag
from tests.support.corpus_builder import sync_in_process, sync_request, write_files
from tests.support.fakes import FakeModel
from tests.support.processes import LocalClient, wait_until

LAKE = "The lake froze for 142 days in 1998. The ice was thick.\n\n"
JSON = {"Content-Type": "application/json"}
HUGE = "x" * 300_000
NUMBER = "9" * 4_000
CPU_LIMIT_S = 1.0
"""Generous: what is refused takes milliseconds."""


@pytest.fixture(scope="module")
def client(
    tmp_path_factory: pytest.TempPathFactory, fake_embeddings: FakeModel
) -> Iterator[LocalClient]:
    folder = tmp_path_factory.mktemp("limits")
    embed = EmbedSpec("openai", "fake", fake_embeddings.base_url, None, folder / "models")
    corpus = write_files(folder / "corpus", {"lake.txt": LAKE * 3_000, "b.txt": LAKE})
    sync_in_process(sync_request(corpus, folder / "data", embed))
    flags = {
        "data_dir": folder / "data",
        "embed.model": "fake",
        "embed.base_url": fake_embeddings.base_url,
    }
    with LocalClient(create_app(load_settings(flags))) as client:
        wait_until(lambda: client.get("/readyz").json()["status"] == "ready")
        yield client


@pytest.fixture
def links(tmp_path_factory: pytest.TempPathFactory) -> LinkSigner:
    return LinkSigner(
        SqliteFile(tmp_path_factory.mktemp("links") / "state.sqlite3"), base="https://a.example"
    )


def hit(rank: int, text: str) -> rag.Hit:
    """A hit of an index that was built before titles and headings had limits."""
    source = Source(
        "s", "a.txt", HUGE, "ab" * 32, 1, 0, len(text), {f"k{n}": HUGE for n in range(99)}
    )
    chunk = Chunk(rank, "c", "s", 0, len(text), (), heading=HUGE, page=None)
    return rag.Hit(rank, chunk, source, text, 0.5, rag.Scores(0.5, 0.5, 0.5), ())


def size(items: list[serializers.schemas.Passage] | list[serializers.schemas.SourceBody]) -> int:
    return sum(len(item.model_dump_json()) for item in items)


@pytest.mark.parametrize("letter", ["x", "é", "\x01", "\U0001f600"])
def test_the_passages_of_a_reply_are_bounded_and_none_is_cut(
    letter: str, links: LinkSigner
) -> None:
    hits = [hit(rank, letter * 4_800) for rank in range(1, 51)]
    passages = serializers.passages(hits, links)
    assert size(passages) <= MAX_LIST_BYTES
    assert len(passages) == 50 or size(passages) > MAX_LIST_BYTES * 0.9
    assert all(passage.text == letter * 4_800 for passage in passages)
    assert len(passages[0].title) <= MAX_TITLE_CHARS
    assert len(passages[0].heading or "") <= MAX_HEADING_PATH_CHARS


def test_one_passage_is_in_the_reply_however_long(links: LinkSigner) -> None:
    hits = [hit(1, "x" * 2 * MAX_LIST_BYTES), hit(2, "x")]
    assert [passage.rank for passage in serializers.passages(hits, links)] == [1]


def test_a_page_of_sources_is_bounded(links: LinkSigner) -> None:
    sources = [hit(rank, "x").source for rank in range(500)]
    assert size(serializers.sources(sources, links)) <= MAX_LIST_BYTES
    assert len(serializers.sources(sources, links)) > 1


def test_every_source_is_on_some_page_where_pages_are_bounded(
    client: LocalClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serializers, "MAX_LIST_BYTES", 1)
    first = client.get("/v1/sources").json()
    second = client.get("/v1/sources", params={"cursor": first["next_cursor"]}).json()
    assert [one["source"] for one in first["sources"] + second["sources"]] == ["b.txt", "lake.txt"]
    assert second["next_cursor"] is None


def answer(sentences: int, links: LinkSigner) -> rag.Answer:
    quote = "The ice was thick."
    citation = rag.Citation(
        1, "s", "a.txt", HUGE, HUGE, None, 1, "ab" * 32, 0, len(quote), quote, "", ""
    )
    text = f"{quote} [1]"
    return rag.Answer(
        id="ans_1",
        question="q",
        standalone_question="q",
        answer=text * sentences,
        format="markdown",
        answered=True,
        reason=None,
        confidence=0.5,
        answerer="model",
        model="m",
        degraded=False,
        sentences=tuple(
            rag.AnswerSentence(text, n * len(text), (n + 1) * len(text), "supported", None, (1,))
            for n in range(sentences)
        ),
        citations=(citation,),
        passages=(),
        index=GenerationInfo(
            collection="default",
            generation="000001",
            complete=True,
            built_at="2026-11-28T00:00:00Z",
            sources=1,
            chunks=1,
        ),
    )


def test_a_citation_is_cut_everywhere_but_in_its_quote(links: LinkSigner) -> None:
    (citation,) = serializers.answer(answer(1, links), links, include_passages=True).citations
    assert citation.quote == "The ice was thick."
    assert len(citation.title) <= MAX_TITLE_CHARS
    assert len(citation.heading or "") <= MAX_HEADING_PATH_CHARS


def test_the_annotations_of_a_completion_are_bounded(links: LinkSigner) -> None:
    completion = build_completion(answer(2 * MAX_ANNOTATIONS, links), model="footnote", links=links)
    assert len(completion.choices[0].message.annotations) == MAX_ANNOTATIONS


def test_the_page_of_a_source_is_bounded() -> None:
    text = "é" * 1_000_000
    source = replace(hit(1, text).source, path="p" * 4_096)
    page = render_source_page(source, text, start=10_000, end=900_000, version=None)
    assert text[:MAX_MARKED_CHARS] in bytes(page.body).decode()
    assert len(bytes(page.body).decode()) < 2 * CONTEXT_CHARS + MAX_MARKED_CHARS + 20_000
    assert "only its beginning is shown" in bytes(page.body).decode()


def test_a_long_text_is_whole_and_declares_its_size(client: LocalClient) -> None:
    listed = client.get("/v1/sources").json()["sources"][1]
    for span, text in ({}, LAKE * 3_000), ({"start": 7, "end": 70_000}, (LAKE * 3_000)[7:70_000]):
        response = client.get(f"/v1/sources/{listed['id']}/text", params=span)
        assert response.text == text
        assert int(response.headers["content-length"]) == len(text)


@pytest.mark.parametrize("error", [IndexingError(HUGE), ValueError(HUGE)])
def test_a_problem_repeats_little(error: Exception) -> None:
    problem, _ = build_problem(error, {})
    assert len(problem.model_dump_json()) < 2 * MAX_MESSAGE_CHARS + 1_000


def body(**more: object) -> str:
    return json.dumps({"question": "ice"} | more)


def rpc(method: str, **params: object) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})


DEEP = "[" * 900 + "]" * 900
MESSAGE = '{"role":"user","content":"a"},'
POSTED = [
    ("/v1/chat/completions", '{"model":"footnote","messages":[' + "{}," * 250_000 + "{}]}"),
    (
        "/v1/chat/completions",
        '{"model":"footnote","messages":[' + MESSAGE * 9_000 + MESSAGE[:-1] + "]}",
    ),
    (
        "/v1/chat/completions",
        '{"model":"footnote","messages":[{"role":"user","content":[' + "{}," * 9_000 + "{}]}]}",
    ),
    ("/v1/answers", '{"question":"x","history":[' + "{}," * 250_000 + "{}]}"),
    ("/v1/answers", "[" + "[]," * 330_000 + "[]]"),
    ("/v1/answers", "[" * 400_000),
    ("/v1/answers", '{"a":' * 100_000),
    ("/v1/answers", '"[\\"' * 250_000),
    ("/v1/answers", f'{{"question":{DEEP}}}'),
    ("/v1/answers", f'{{"question":"x","top_k":{NUMBER}}}'),
    ("/v1/answers", f'{{"question":"x","top_k":{NUMBER * 2}}}'),
    ("/v1/answers", f'{{"question":"x","top_k":-{NUMBER}.5}}'),
    ("/v1/answers", '{"question":"x","top_k":NaN}'),
    ("/v1/answers", '{"question":"x","top_k":-Infinity}'),
    ("/v1/answers", '{"question":"a","question":"ice"}'),
    ("/v1/answers", '{"question":"\\u0000' + "\\u0001" * 3_999 + '"}'),
    ("/v1/answers", body(collection="x" * 900_000)),
    ("/v1/answers", body(filters={"since": "2" * 900_000})),
    ("/v1/search", json.dumps({"query": "lake ice", "top_k": 50})),
    (
        "/v1/search",
        json.dumps(
            {"query": "ice", "filters": {"source": ["*/" * 400] * 100, "tags": ["?" * 900] * 100}}
        ),
    ),
    ("/v1/widget/token", json.dumps({"collections": ["c" * 9_000] * 100})),
    ("/v1/sync", json.dumps({"collection": "c" * 900_000})),
    ("/mcp", rpc("tools/call", name="x" * 900_000, arguments={})),
    ("/mcp", rpc("tools/call", name="search", arguments={"query": ["x"] * 9_000})),
    ("/mcp", rpc("tools/call", name="search", arguments={"query": "lake ice", "top_k": 50})),
    ("/mcp", rpc("resources/read", uri="source://" + "x" * (MAX_REQUEST_BYTES // 2))),
    ("/mcp", '{"jsonrpc":"2.0","id":%s,"method":"ping"}' % (NUMBER * 2)),
    ("/mcp", "[" * 300_000),
]


@pytest.mark.parametrize(("path", "sent"), POSTED, ids=[f"{p} {s[:60]}" for p, s in POSTED])
def test_no_body_costs_much_or_is_answered_at_length(
    path: str, sent: str, client: LocalClient
) -> None:
    headers = JSON | {"Accept": "application/json, text/event-stream"}
    if path != "/mcp":
        headers = JSON
    began = time.process_time()
    response = client.post(path, content=sent, headers=headers)
    assert time.process_time() - began < CPU_LIMIT_S or path == "/mcp"  # it imports the SDK first
    assert response.status_code < 500
    assert len(response.content) < 400_000


LONG = "a" * 15_000
GOT = [
    f"/v1/sources?limit={NUMBER}",
    "/v1/sources?cursor=" + "A" * 6_000,
    "/v1/sources?cursor=AAAA",
    "/v1/sources?collection=" + "x" * 7_000,
    "/v1/sources?" + "a=%20&" * MAX_PARAMETERS,
    f"/v1/sources/{LONG}",
    "/v1/sources/" + "%F0%9F%98%80" * 1_000 + "/text",
    f"/v1/sources/ID/text?start={NUMBER}",
    "/v1/sources/ID/text?end=9223372036854775808",
    "/v1/sources/ID/text?start=-0&end=1e3",
    f"/v1/sources/ID/view?start={NUMBER}",
    "/v1/sources/ID/view?start=9223372036854775808",
    "/v1/sources/ID/view?v=zz&q=0061&start=999999998&end=999999999",
    "/v1/sources/ID/view?v=zz&q=00650000000000000000&start=0&end=1",
    "/v1/sources/ID/view?v=zz&q=-001&start=0&end=100",
    "/v1/sources/ID/view?start=0&end=171000",
    f"/v1/sources/ID/view?exp={NUMBER}&sig=x",
    "/v1/sources/ID/view?sig=%C3%A9&exp=1&q=%00&v=%ff",
    f"/v1/models/{LONG}",
    "/v1/models/" + "/a" * 7_000,
    f"/v1/jobs/{LONG}",
    "/pages/" + "a/" * 7_000,
    "/pages/%00",
    f"/pages/{LONG}",
]


@pytest.mark.parametrize("path", GOT, ids=[path[:60] for path in GOT])
def test_no_address_costs_much_or_is_answered_at_length(path: str, client: LocalClient) -> None:
    source = client.get("/v1/sources").json()["sources"][1]["id"]
    began = time.process_time()
    response = client.get(path.replace("ID", source))
    assert time.process_time() - began < CPU_LIMIT_S
    assert response.status_code < 500
    assert len(response.content) < 400_000


HEADERS = [
    ("Authorization", "Bearer " + LONG),
    ("Authorization", "Bearer fw_" + "a" * 3_900 + ".b"),
    ("Origin", "https://" + LONG),
    ("Host", LONG),
    ("Host", "a" + ":9" * 7_000),
    ("traceparent", "00-" + LONG),
    ("X-Forwarded-For", "10.0.0.1," * 1_600),
    ("Forwarded", "for=1," * 2_500),
    ("If-None-Match", '"a",' * 3_700),
    ("Accept", "text/html;q=," * 1_100),
    ("X-Request-Id", LONG),
]


@pytest.mark.parametrize(("name", "value"), HEADERS, ids=[name for name, _ in HEADERS])
def test_no_header_costs_much_or_is_repeated_at_length(
    name: str, value: str, client: LocalClient
) -> None:
    began = time.process_time()
    response = client.get("/v1/sources", headers={name: value})
    assert time.process_time() - began < CPU_LIMIT_S
    assert response.status_code < 500
    assert len(response.content) + len(str(response.headers)) < 3_000


def test_any_text_may_be_in_a_string_of_a_body(client: LocalClient) -> None:
    code = '[{"a": [1, 2]}, "\\\\"],' * MAX_JSON_CONTAINERS
    history = [
        {"role": "user", "content": code[at : at + 19_000]} for at in range(0, 200_000, 19_000)
    ]
    response = client.post(
        "/v1/answers", json={"question": "How thick was the ice?", "history": history}
    )
    assert response.status_code == 200


def test_a_long_conversation_is_read_from_its_end(client: LocalClient) -> None:
    turn = {"role": "user", "content": "Hello."}
    messages = [turn] * 2_000 + [{"role": "user", "content": "How thick was the ice?"}]
    body = {"model": "footnote", "messages": messages}
    completion = client.post("/v1/chat/completions", json=body)
    assert completion.status_code == 200
    assert "thick" in completion.json()["choices"][0]["message"]["content"]


@pytest.mark.parametrize("length", [1, 20, 5_000])
def test_the_search_for_a_quote_in_a_text_of_candidates_is_bounded(length: int) -> None:
    text = "a" * 8_000_000
    crafted = f"{97 * length % 65_536:04x}" + "0" * 16
    began = time.process_time()
    assert find_quote(crafted, text, length=length, near=4_000_000) is None
    assert find_quote(crafted, text, length=length, near=10**30) is None
    assert time.process_time() - began < CPU_LIMIT_S


def test_escaping_changes_nothing_but_what_it_must() -> None:
    assert escape("é\x01\u202e\u200d\r\n\U000e0041\ud800") == (
        "é\\x01\\u202e\u200d\n\\U000e0041\\ud800"
    )
