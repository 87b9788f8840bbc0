from collections.abc import Iterator
from pathlib import Path

import pytest
from llama_index.core import get_response_synthesizer
from llama_index.core.llms import MockLLM
from llama_index.core.query_engine import RetrieverQueryEngine

from index.embed.minilm import MiniLM
from index.serving import Serving
from rag.retrieval.llama_index import HybridRetriever

QUESTION = "How many showrooms are there, and in how many cities?"


@pytest.fixture(scope="module")
def retriever(seeds_data: Path) -> Iterator[HybridRetriever]:
    serving = Serving(seeds_data / "collections" / "default", "default")
    serving.refresh()
    yield HybridRetriever(serving, MiniLM(seeds_data / "models"), top_k=3)
    serving.close()


def test_nodes_say_where_they_stand(retriever: HybridRetriever) -> None:
    nodes = retriever.retrieve(QUESTION)
    assert len(nodes) == 3
    assert [node.score for node in nodes] == sorted((n.score or 0 for n in nodes), reverse=True)
    best = nodes[0].node
    assert best.metadata["source"] == "xiaomi-cars-in-the-second-quarter-of-2025.md"
    assert "335" in best.get_content()


def test_a_llama_index_query_engine_answers_from_it(retriever: HybridRetriever) -> None:
    synthesizer = get_response_synthesizer(llm=MockLLM(), response_mode="compact")
    engine = RetrieverQueryEngine(retriever=retriever, response_synthesizer=synthesizer)
    response = engine.query(QUESTION)
    assert "335" in str(response)  # the mock model repeats its prompt, passages included
    assert len(response.source_nodes) == 3
