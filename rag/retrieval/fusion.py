"""Retrieval: a query → ranked hits with sentence scores.

Candidates come from BM25 and from the vectors; their scores, not their ranks, are fused (convex
combination after Bruch et al. 2022). Late interaction has most of the weight: how near the best
word vector of the passage, and of its best sentence, comes to that of each of the question's words
(MaxSim, Khattab and Zaharia 2020). Then count the share of the question's idf that the words of
sentence and title cover, and the question's pairs of neighbouring words (the ordered window of
Metzler and Croft 2005). A passage's context vector includes its neighbours, since a paragraph often
needs the one before to say what it is about. On the SQuAD articles reciprocal rank fusion (RRF)
loses to plain BM25 at rank 1; this does not.
"""

from dataclasses import dataclass

import numpy as np

from index.embed.protocol import Embedder
from index.errors import GenerationDamaged, IndexingError
from index.store.bm25 import ChunkTerms, TermFrequencies
from index.store.opened import CandidateQuery, Evidence, OpenGeneration
from index.types import NO_FILTERS, Filters

from ..types import Hit, ScoredUnit, Scores
from .query import Floats, Ints, Query, analyze_query
from .weights import SignalWeights, Weights

CANDIDATES = 100
"""From each of BM25 and the vectors."""
NEAR = 0.5
"""Cosine of two words from which on one matches the other."""
SMOKE_TEST_CHARS = 200


@dataclass(frozen=True, slots=True)
class RetrievalResult:
    """The query and its hits, best first."""

    query: Query
    hits: tuple[Hit, ...]


def retrieve(
    generation: OpenGeneration,
    query: Query,
    *,
    weights: Weights,
    top_k: int,
    filters: Filters = NO_FILTERS,
) -> RetrievalResult:
    """Returns the best `top_k` hits of the filtered sources, best first; may be empty."""
    terms, vector = query.known_terms, query.vector
    found_by = CandidateQuery(terms, query.term_ids, query.known_idf, vector)
    rows = generation.candidates(found_by, limit=CANDIDATES, filters=filters)
    if not len(rows):
        return RetrievalResult(query, ())
    signals = _signals(generation.evidence(rows), query)
    by_signal = _weights_for(query, weights)
    best = signals.best_sentence(by_signal)
    total = (
        by_signal.lexical * signals.lexical
        + by_signal.dense * signals.dense
        + by_signal.heading * signals.heading
        + by_signal.context * signals.context
        + by_signal.late * signals.late
        + by_signal.sentence * best
    )
    order = np.argsort(-total, kind="stable")[:top_k]
    hits = _hits(generation, rows, signals, best=best, total=total, order=order)
    return RetrievalResult(query, hits)


def _weights_for(query: Query, weights: Weights) -> SignalWeights:
    if query.is_translated:
        return weights.question
    if not query.is_english:
        return weights.other_language
    return weights.statement if query.is_statement else weights.question


@dataclass(frozen=True, slots=True)
class _Signals:
    """The signals of each candidate (`lexical` to `late`) and of each of their sentences.

    `offsets` (n + 1,) are the boundaries between candidates in the arrays of the sentences.
    """

    lexical: Floats
    dense: Floats
    heading: Floats
    context: Floats
    late: Floats
    similarity: Floats
    cover: Floats
    own_cover: Floats
    pairs: Floats
    unmatched: Floats
    offsets: Ints

    def best_sentence(self, weights: SignalWeights) -> Floats:
        """Returns the highest weighted mean of the sentence signals of each candidate."""
        means = (
            weights.similarity * self.similarity
            + weights.words * self.cover
            + weights.pairs * self.pairs
        ) / weights.sentence
        return np.asarray(np.maximum.reduceat(means, self.offsets[:-1]), np.float32)


def _signals(evidence: Evidence, query: Query) -> _Signals:
    frequencies, pairs = _term_statistics(evidence.terms, query)
    bm25, vectors = evidence.terms.bm25(frequencies, query.known_idf), evidence.vectors
    # a chunk's first segment is its title and headings, which count for each of its sentences
    contexts, contains = frequencies.offsets[:-1], frequencies.segments > 0
    total_idf = float(query.idf.sum()) or 1.0
    own_cover = (contains @ query.known_idf) / total_idf
    contains |= np.repeat(contains[contexts], np.diff(frequencies.offsets), axis=0)
    cover = (contains @ query.known_idf) / total_idf
    offsets = frequencies.offsets - np.arange(len(evidence.rows) + 1)
    dense = np.clip(vectors.similarities(query.vector), 0, 1)
    matches = vectors.max_similarities(query.word_vectors)
    top = float(bm25.max())
    lexical = bm25 / top if top > 0 else bm25
    if matches is None:  # no word vectors: the chunk's vector stands for its sentences'
        late = (lexical + dense) / 2
        similarity = np.repeat(dense, np.diff(offsets))
        unmatched = np.zeros_like(similarity)
    else:
        late = np.maximum.reduceat(matches, offsets[:-1], axis=0) @ query.word_weights
        similarity = matches @ query.word_weights
        unmatched = (matches < NEAR) @ query.word_weights
    return _Signals(
        lexical=lexical,
        dense=dense,
        heading=np.clip(vectors.heading_similarities(query.vector), 0, 1),
        context=np.clip(vectors.context_similarities(query.vector), 0, 1),
        late=np.clip(late, 0, 1).astype(np.float32),
        similarity=np.clip(similarity, 0, 1).astype(np.float32),
        cover=np.delete(cover, contexts).astype(np.float32),
        own_cover=np.delete(own_cover, contexts).astype(np.float32),
        pairs=np.delete(pairs, contexts),
        unmatched=np.asarray(unmatched, np.float32),
        offsets=offsets,
    )


def _term_statistics(terms: ChunkTerms, query: Query) -> tuple[TermFrequencies, Floats]:
    """The frequencies of the query's terms, and the weight of its pairs in each segment."""
    term_ids = query.all_term_ids
    positions = terms.positions(term_ids)
    frequencies = positions.frequencies()
    columns = {term_id: column for column, term_id in enumerate(term_ids.tolist())}
    pairs = np.array([[columns[t] for t in pair] for pair in query.pairs.tolist()], np.int64)
    contains = positions.adjacent_pairs(pairs.reshape(-1, 2))
    segments = frequencies.segments[:, : len(query.term_ids)]
    return TermFrequencies(segments, frequencies.offsets), contains @ query.pair_weights


def _hits(
    generation: OpenGeneration,
    rows: Ints,
    signals: _Signals,
    *,
    best: Floats,
    total: Floats,
    order: Ints,
) -> tuple[Hit, ...]:
    chunks = generation.chunks([int(rows[place]) for place in order])
    hits = []
    for rank, (place, (chunk, text)) in enumerate(zip(order, chunks, strict=True), start=1):
        source = generation.source(chunk.source_id)
        assert source is not None  # the catalog has every chunk's source
        whole = generation.text(chunk.source_id)
        units = tuple(
            ScoredUnit(
                start=unit.start,
                end=unit.end,
                text=text[unit.start - chunk.start : unit.end - chunk.start],
                similarity=float(signals.similarity[at]),
                cover=float(signals.cover[at]),
                pairs=float(signals.pairs[at]),
                own_cover=float(signals.own_cover[at]),
                unmatched=float(signals.unmatched[at]),
                kind=unit.kind,
                under=unit.under,
                context=tuple(whole[start:end] for start, end in unit.under),
            )
            for at, unit in enumerate(chunk.units, start=int(signals.offsets[place]))
        )
        scores = Scores(
            dense=float(signals.dense[place]),
            heading=float(signals.heading[place]),
            lexical=float(signals.lexical[place]),
            sentence=float(best[place]),
            context=float(signals.context[place]),
            late=float(signals.late[place]),
        )
        hits.append(Hit(rank, chunk, source, text, float(total[place]), scores, units))
    return tuple(hits)


def smoke_test(generation: OpenGeneration, embedder: Embedder, *, weights: Weights) -> None:
    """Searches a generation for its own first passage; raises IndexingError if that fails.

    EmbedderMismatch for another model's, EmbedderUnavailable, else GenerationDamaged. Blocks.
    """
    if not generation.info.chunks:
        return
    try:
        ((_, text),) = generation.sample(1)
        query = analyze_query(generation, embedder, text[:SMOKE_TEST_CHARS])
        hits = retrieve(generation, query, weights=weights, top_k=1).hits
    except IndexingError:
        raise
    except Exception as error:  # any error of a library here would fail every question, too
        raise GenerationDamaged(generation.folder, type(error).__name__) from error
    if generation.info.complete and not hits:  # by words alone, stop words have no hits
        raise GenerationDamaged(generation.folder, "a search for its own text has no hits")
