"""The reranker: an endpoint's order, and the original one if it fails."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

import pytest

from index.embed.protocol import Embedder
from index.store.generation import Generation
from index.types import Chunk, Source
from rag.answer import Limits, Pipeline
from rag.retrieval.rerank import EndpointReranker, RerankSettings
from rag.types import Hit, Scores
from tests.support.fakes import FakeModel, Reply

TEXTS = ("A long passage on bridges.", "Bridges.", "A passage on toll.")


def hits(texts: Sequence[str] = TEXTS) -> list[Hit]:
    source = Source("s", "s.txt", "Title", "0" * 64, 10, 0, 10)
    return [
        Hit(
            rank,
            Chunk(rank, f"c{rank}", "s", 0, len(text), ()),
            source,
            text,
            1 / rank,
            Scores(0.5, 0.5, 0.5),
            (),
        )
        for rank, text in enumerate(texts, start=1)
    ]


@contextmanager
def reranker(server: FakeModel, *, timeout_s: float = 10.0) -> Iterator[EndpointReranker]:
    settings = RerankSettings(server.base_url, "cross", "k-secret", 20, timeout_s)
    with closing(EndpointReranker(settings)) as made:
        yield made


def test_hits_come_in_the_endpoints_order_with_new_ranks_and_scores() -> None:
    with FakeModel("") as server, reranker(server) as rerank:
        reranked = rerank("Which bridge?", hits())
        request = server.requests[0]
    assert [hit.text for hit in reranked] == ["Bridges.", "A passage on toll.", TEXTS[0]]
    assert [hit.rank for hit in reranked] == [1, 2, 3]
    assert [hit.score for hit in reranked] == [1, 1 / 2, 1 / 3]
    assert request.body["query"] == "Which bridge?"
    assert request.body["model"] == "cross"
    assert request.headers["authorization"] == "Bearer k-secret"


@pytest.mark.parametrize(
    "fault",
    [
        *("http_401", "http_429", "http_500", "redirect", "html_200", "bad_json"),
        *("empty_choices", "odd_shapes", "huge", "no_answer"),
    ],
)
def test_a_failing_endpoint_leaves_the_order(fault: str, caplog: pytest.LogCaptureFixture) -> None:
    timeout_s = 0.3 if fault == "no_answer" else 10.0
    with (
        FakeModel(Reply("", fault=fault)) as server,
        reranker(server, timeout_s=timeout_s) as rerank,
    ):
        assert rerank("Which bridge?", hits()) == tuple(hits())
        assert len(server.requests) == 1
    assert "the order stays" in caplog.text
    assert "bridge" not in caplog.text
    assert "k-secret" not in caplog.text


def test_an_unreachable_endpoint_leaves_the_order() -> None:
    with FakeModel("") as server:
        pass
    with reranker(server) as rerank:
        assert rerank("Which bridge?", hits()) == tuple(hits())


def test_a_single_hit_is_not_sent() -> None:
    with FakeModel("") as server, reranker(server) as rerank:
        assert rerank("Which bridge?", hits()[:1]) == tuple(hits()[:1])
        assert server.requests == []


def test_a_search_reranks_more_hits_than_it_returns(
    generation: Generation, minilm: Embedder
) -> None:
    def shortest(rerank: EndpointReranker | None) -> list[str]:
        pipeline = Pipeline(
            embedder=minilm,
            chat=None,
            support_mode="flag",
            limits=Limits(history_chars=0, passage_chars=1_000),
            reranker=rerank,
        )
        return [hit.text for hit in pipeline.search(generation, "the harbour museum", top_k=2)]

    with FakeModel("") as server, reranker(server) as rerank:
        results = shortest(rerank)
        sent = server.requests[0].body["documents"]
    assert len(sent) > 2
    assert len(results) == 2
    best = sorted(sent, key=len)[:2]
    assert [text.partition("\n")[2] for text in best] == results
    assert shortest(None) != results
