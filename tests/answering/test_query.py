"""Query analysis: spelling correction, and pairs of neighbouring words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.embed.protocol import Embedder
from index.store.generation import Generation
from rag.retrieval.fusion import retrieve
from rag.retrieval.query import analyze_query, single_edits
from rag.retrieval.weights import fitted_weights


def distance(one: str, other: str) -> int:
    """Optimal string alignment, by the book: the oracle of a single edit."""
    table = np.zeros((len(one) + 1, len(other) + 1), int)
    table[:, 0], table[0, :] = range(len(one) + 1), range(len(other) + 1)
    for i in range(1, len(one) + 1):
        for j in range(1, len(other) + 1):
            table[i, j] = min(
                table[i - 1, j] + 1,
                table[i, j - 1] + 1,
                table[i - 1, j - 1] + (one[i - 1] != other[j - 1]),
            )
            if i > 1 and j > 1 and one[i - 1] == other[j - 2] and one[i - 2] == other[j - 1]:
                table[i, j] = min(table[i, j], table[i - 2, j - 2] + 1)
    return int(table[-1, -1])


@given(st.text("abz", min_size=1, max_size=6), st.text("abz", min_size=1, max_size=7))
def test_single_edits_are_the_words_at_distance_one_with_the_same_first_letter(
    one: str, other: str
) -> None:
    assert (other in single_edits(one)) == (one[0] == other[0] and distance(one, other) == 1)


@pytest.mark.parametrize("typed", ["lighthuose", "lighthose", "lighthousse", "lightgouse"])
def test_a_misspelt_word_is_corrected_to_one_in_the_corpus(
    generation: Generation, minilm: Embedder, typed: str
) -> None:
    query = analyze_query(generation, minilm, f"Who kept the {typed}?")
    assert "lighthous" in query.terms
    assert len(query.term_ids) == len(query.terms)
    best = retrieve(generation, query, weights=fitted_weights(), top_k=1).hits[0]
    assert best.source.path == "lighthouse.txt"


@pytest.mark.parametrize("word", ["lamo", "rrench", "kubernetes", "café-owners", "トワー", "x1849"])
def test_short_and_distant_words_stay_unknown(
    generation: Generation, minilm: Embedder, word: str
) -> None:
    query = analyze_query(generation, minilm, word)
    assert not len(query.term_ids)


def test_a_word_in_the_corpus_is_never_corrected(generation: Generation, minilm: Embedder) -> None:
    assert analyze_query(generation, minilm, "bridge ridge").terms[0] == "bridg"


def test_pairs_are_neighbours_weighted_by_their_idf(
    generation: Generation, minilm: Embedder
) -> None:
    query = analyze_query(generation, minilm, "the chain bridge crosses the chain bridge quickly")
    names = generation.all_terms()
    pairs = [(names[left], names[right]) for left, right in query.pairs]
    assert pairs == [("the", "chain"), ("chain", "bridg"), ("bridg", "cross"), ("cross", "the")]
    assert 0 < query.pair_weights.sum() < 1  # the pair of the unknown word has the rest
    assert query.pair_weights[1] > query.pair_weights[0]


@pytest.mark.parametrize("question", ["", "?", "tower", "a" * 4_000, "qqqqqq " * 500])
def test_a_question_without_pairs_or_known_words_can_be_analyzed(
    generation: Generation, minilm: Embedder, question: str
) -> None:
    query = analyze_query(generation, minilm, question)
    assert query.pairs.shape == (0, 2)
    retrieve(generation, query, weights=fitted_weights(), top_k=3)
