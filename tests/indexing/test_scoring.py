"""Cosines of chunks, of their neighbours, and of the words of their sentences (MaxSim)."""

import numpy as np

from index.embed.protocol import Embedder
from index.embed.quantize import dequantize
from index.store.generation import Generation
from index.store.opened import OpenGeneration
from index.sync.build import embedding_inputs
from index.sync.changes import ParsedSource


def test_similarities_are_cosines_of_chunks_and_of_their_sentences_words(
    generation: Generation, minilm: Embedder
) -> None:
    question = minilm.embed_question("How high is the lighthouse?")
    vector = question.vector
    entries = [
        ParsedSource(s, "", generation.text(s.id), tuple(generation.source_chunks(s.id)))
        for s in generation.sources(after=None, limit=-1)
    ]
    made = minilm.embed_chunks(embedding_inputs(entries))
    rows = np.array([4, 0, 2])
    expected = []
    for words in [made[row].words for row in rows]:
        for sentence in np.split(words.rows, np.cumsum(words.counts)[:-1]):
            expected.append((dequantize(sentence) @ question.words.T).max(axis=0))
    np.testing.assert_allclose(
        generation.similarities(rows, vector), [made[r].vector @ vector for r in rows], atol=2e-3
    )
    np.testing.assert_allclose(
        generation.max_similarities(rows, question.words), expected, atol=0.05
    )


def test_context_is_the_cosine_of_a_chunk_with_its_neighbours_in_the_source(
    generation: Generation, minilm: Embedder
) -> None:
    vector = minilm.embed_question("Who paid the toll?").vector
    expected = {}
    for source in generation.sources(after=None, limit=-1):
        rows = [chunk.row for chunk in generation.source_chunks(source.id)]
        own = [generation.vector(row) for row in rows]
        for place, row in enumerate(rows):
            joined = np.sum(own[max(place - 1, 0) : place + 2], axis=0)
            expected[row] = float(joined @ vector / np.linalg.norm(joined))
    rows = np.array(sorted(expected, reverse=True))
    similarities = generation.context_similarities(rows, vector)
    np.testing.assert_allclose(similarities, [expected[row] for row in rows], atol=2e-3)
    assert len(generation.context_similarities(np.array([], np.int64), vector)) == 0


def test_evidence_scores_as_the_arrays_by_row_do(generation: Generation, minilm: Embedder) -> None:
    question = minilm.embed_question("How high is the lighthouse?")
    rows, vector = np.array([4, 0, 2]), question.vector
    opened: OpenGeneration = generation
    evidence = opened.evidence(rows)
    ids = np.array([number for number, _ in generation.vocabulary(["lighthous", "tower"]).values()])
    frequencies = evidence.terms.positions(ids).frequencies()
    by_row = generation.term_index.positions(rows, ids).frequencies()
    assert frequencies.segments.tolist() == by_row.segments.tolist()
    idf = np.ones(len(ids), np.float32)
    bm25 = generation.term_index.bm25(rows, by_row, idf)
    assert evidence.terms.bm25(frequencies, idf).tolist() == bm25.tolist()
    vectors = evidence.vectors
    for one, other in (
        (vectors.similarities(vector), generation.similarities(rows, vector)),
        (vectors.heading_similarities(vector), generation.heading_similarities(rows, vector)),
        (vectors.context_similarities(vector), generation.context_similarities(rows, vector)),
        (
            vectors.max_similarities(question.words),
            generation.max_similarities(rows, question.words),
        ),
    ):
        assert np.array_equal(one, other)
