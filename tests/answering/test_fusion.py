"""Fusion: the ranking of hits by their signals."""

from dataclasses import asdict

import pytest

from index.embed.protocol import Embedder
from index.store.generation import Generation
from index.types import Filters
from rag.retrieval.fusion import retrieve, smoke_test
from rag.retrieval.query import analyze_query
from rag.retrieval.weights import fitted_weights


def test_the_sentence_with_the_questions_word_pairs_scores_highest(
    generation: Generation, minilm: Embedder
) -> None:
    query = analyze_query(generation, minilm, "the museum of the harbour town")
    hits = retrieve(generation, query, weights=fitted_weights(), top_k=3).hits
    pairs = {s.text: s.pairs for hit in hits for s in hit.units}
    best = max(pairs, key=lambda text: pairs[text])
    assert "museum of the harbour town" in best
    assert pairs[best] == pytest.approx(1, abs=1e-6)


def test_a_statement_is_ranked_by_weights_of_its_own(
    generation: Generation, minilm: Embedder
) -> None:
    weights = fitted_weights()
    for text, signal_weights in (
        ("When was the chain bridge opened?", weights.question),
        ("The chain bridge was opened in 1849.", weights.statement),
    ):
        query = analyze_query(generation, minilm, text)
        for hit in retrieve(generation, query, weights=weights, top_k=5).hits:
            scores = hit.scores
            signals = ("lexical", "dense", "heading", "context", "late", "sentence")
            total = sum(getattr(signal_weights, one) * getattr(scores, one) for one in signals)
            assert hit.score == pytest.approx(total, abs=1e-5)


def test_a_filter_limits_the_sources_of_the_hits(generation: Generation, minilm: Embedder) -> None:
    query = analyze_query(generation, minilm, "the museum of the harbour town")
    only = Filters(sources=("lighthouse.txt",))
    hits = retrieve(generation, query, weights=fitted_weights(), top_k=5, filters=only).hits
    assert {hit.source.path for hit in hits} == {"lighthouse.txt"}


def test_a_filter_that_no_source_matches_has_no_hits(
    generation: Generation, minilm: Embedder
) -> None:
    query = analyze_query(generation, minilm, "the museum of the harbour town")
    none = Filters(sources=("no-such-file.txt",))
    assert not retrieve(generation, query, weights=fitted_weights(), top_k=5, filters=none).hits


def test_the_signal_weights_of_a_hit_sum_to_one() -> None:
    fitted = fitted_weights()
    for weights in (fitted.question, fitted.other_language, fitted.statement):
        assert sum(asdict(weights).values()) == pytest.approx(1)


def test_a_sound_generation_passes_the_smoke_test(generation: Generation, minilm: Embedder) -> None:
    smoke_test(generation, minilm, weights=fitted_weights())
