"""Fusion: the ranking of hits by their signals, and the lead of the best one."""

from dataclasses import asdict

import pytest

from index.embed.protocol import Embedder
from index.store.generation import Generation
from index.types import Chunk, Filters, Source
from rag.retrieval.fusion import lead, retrieve, smoke_test
from rag.retrieval.query import analyze_query
from rag.retrieval.weights import fitted_weights
from rag.types import Hit, Scores


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


def test_the_lead_does_not_depend_on_top_k(generation: Generation, minilm: Embedder) -> None:
    query = analyze_query(generation, minilm, "When was the chain bridge opened?")
    leads = {retrieve(generation, query, weights=fitted_weights(), top_k=k).lead for k in (1, 2, 5)}
    assert len(leads) == 1
    assert leads.pop() > 0


def make_hit(rank: int, text: str, score: float) -> Hit:
    source = Source("s", "s.txt", "Title", "0" * 64, 10, 0, 10)
    chunk = Chunk(rank, f"c{rank}", "s", 0, len(text), ())
    return Hit(rank, chunk, source, text, score, Scores(0.5, 0.5, 0.5), ())


def test_the_lead_is_over_the_next_hit_that_is_no_near_duplicate() -> None:
    first = make_hit(1, "Some 312 birds nest on the island each spring.", 0.9)
    again = make_hit(2, "Some 312 birds nest on the island each spring.", 0.85)
    other = make_hit(3, "Ferries leave the harbour twice a day.", 0.5)
    assert lead([first, again, other]) == pytest.approx(0.4)
    assert lead([first, other]) == pytest.approx(0.4)
    assert lead([first, again]) == lead([first]) == 0


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
    result = retrieve(generation, query, weights=fitted_weights(), top_k=5, filters=none)
    assert (result.hits, result.lead) == ((), 0.0)


def test_the_signal_weights_of_a_hit_sum_to_one() -> None:
    fitted = fitted_weights()
    for weights in (fitted.question, fitted.other_language, fitted.statement):
        assert sum(asdict(weights).values()) == pytest.approx(1)


def test_a_sound_generation_passes_the_smoke_test(generation: Generation, minilm: Embedder) -> None:
    smoke_test(generation, minilm, weights=fitted_weights())
