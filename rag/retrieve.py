"""A question → ranked hits with sentence scores.

Candidates come from BM25 and from the vectors; their scores, not their ranks, are fused (convex
combination after Bruch et al. 2022), and the best sentence of each candidate has most of the say:
by the cosine of its late-chunked vector, by how much of the question's idf its words and its
title's cover, and by the pairs of neighbouring words that it has of the question (the ordered
window of Metzler and Croft 2005). The vectors speak for a passage with its neighbours, since one
paragraph often needs the one before to say what it is about. On the SQuAD articles RRF loses to
plain BM25 at rank 1; this does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from index.embed import Embedder
from index.errors import GenerationDamaged, IndexingError
from index.generation import Generation
from index.terms import Counts
from index.types import NO_FILTERS, Filters

from .query import Query, understand
from .selection import alike, words_of
from .types import Hit, ScoredSentence, Scores
from .weights import Weights

CANDIDATES = 100
"""From each of BM25 and the vectors."""
EXACT_ROWS = 2000
"""A filter that leaves no more chunks than this has all of them scored."""

COMPARED = 5
"""Passages that the best one's lead is looked for among, however few are asked for."""
PROOF_CHARS = 200
"""Of a passage, to ask a generation for it."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The hits, best first, and the query they were found by."""

    query: Query
    hits: tuple[Hit, ...]
    lead: float
    """By how much the best passage is ahead of the next one that says something else."""


def retrieve(
    generation: Generation,
    query: Query,
    *,
    weights: Weights,
    top_k: int,
    filters: Filters = NO_FILTERS,
) -> Retrieved:
    """Returns the best `top_k` hits of the query, best first, from the sources that may be asked.

    There may be none.
    """
    rows = _candidates(generation, query, filters)
    if not len(rows):
        return Retrieved(query, (), 0.0)
    signals = _signals(generation, query, rows)
    best = signals.best_sentence(weights)
    total = (
        weights.lexical * signals.lexical
        + weights.context * signals.context
        + weights.cover * signals.chunk_cover
        + weights.sentence * best
    )
    order = np.argsort(-total, kind="stable")[: max(top_k, COMPARED)]
    hits = _hits(generation, rows, signals, best=best, total=total, order=order)
    return Retrieved(query, hits[:top_k], lead(hits))


def lead(hits: Sequence[Hit]) -> float:
    """Returns the best hit's lead over the next that does not say the same; 0 without one."""
    first = words_of(hits[0].text)
    others = (hit.score for hit in hits[1:] if not alike(first, words_of(hit.text)))
    return hits[0].score - next(others, hits[0].score)


def _candidates(generation: Generation, query: Query, filters: Filters) -> npt.NDArray[np.int64]:
    known = query.terms[: len(query.numbers)]
    if filters == NO_FILTERS:
        lexical = generation.find_lexical(known, limit=CANDIDATES)
        dense = generation.find_dense(query.vector, limit=CANDIDATES)
        return np.array(sorted({*lexical, *dense}), np.int64)
    allowed = generation.rows_of(filters)
    if len(allowed) > EXACT_ROWS:
        lexical = generation.find_lexical(known, limit=EXACT_ROWS)
        dense = generation.find_dense(query.vector, limit=EXACT_ROWS)
        allowed &= {*lexical, *dense}
    return np.array(sorted(allowed), np.int64)


@dataclass(frozen=True, slots=True)
class _Signals:
    """Per candidate: BM25 and its share of the best, cosines, cover; per sentence: the last three.

    `offsets` (n + 1,) says which entries of `similarity`, `cover` and `pairs` are a candidate's.
    """

    bm25: Floats
    lexical: Floats
    dense: Floats
    context: Floats
    chunk_cover: Floats
    similarity: Floats
    cover: Floats
    pairs: Floats
    offsets: npt.NDArray[np.int64]

    def best_sentence(self, weights: Weights) -> Floats:
        """Returns each candidate's highest weighted mean of the three among its sentences."""
        worth = (
            weights.similarity * self.similarity
            + weights.words * self.cover
            + weights.pairs * self.pairs
        ) / weights.sentence
        return np.asarray(np.maximum.reduceat(worth, self.offsets[:-1]), np.float32)


def _signals(generation: Generation, query: Query, rows: npt.NDArray[np.int64]) -> _Signals:
    known = query.idf[: len(query.numbers)]
    counts, pairs = _read(generation, query, rows)
    bm25 = generation.terms.bm25(rows, counts, known)
    # a chunk's first segment is its title and headings, which count for each of its sentences
    contexts, held = counts.offsets[:-1], counts.segments > 0
    with_context = held | np.repeat(held[contexts], np.diff(counts.offsets), axis=0)
    covered = (with_context @ known) / (float(query.idf.sum()) or 1.0)
    chunk_covered = np.logical_or.reduceat(held, contexts, axis=0) @ known
    offsets = counts.offsets - np.arange(len(rows) + 1)
    similar = generation.sentence_similarities(rows, query.vector)
    dense = np.clip(generation.similarities(rows, query.vector), 0, 1)
    if similar is None:  # no sentence vectors: the chunk speaks for its sentences
        similar = np.repeat(dense, np.diff(offsets))
    top = float(bm25.max())
    return _Signals(
        bm25=bm25,
        lexical=bm25 / top if top > 0 else bm25,
        dense=dense,
        context=np.clip(generation.context_similarities(rows, query.vector), 0, 1),
        chunk_cover=np.asarray(chunk_covered / (float(query.idf.sum()) or 1.0), np.float32),
        similarity=np.clip(similar, 0, 1).astype(np.float32),
        cover=np.delete(covered, contexts).astype(np.float32),
        pairs=np.delete(pairs, contexts),
        offsets=offsets,
    )


def _read(
    generation: Generation, query: Query, rows: npt.NDArray[np.int64]
) -> tuple[Counts, Floats]:
    """Returns the counts of the query's terms, and each segment's share of its pairs."""
    numbers, content = query.all_numbers, len(query.numbers)
    reading = generation.terms.read(rows, numbers)
    counts = reading.counts()
    columns = {number: column for column, number in enumerate(numbers.tolist())}
    pairs = np.array([[columns[n] for n in pair] for pair in query.pairs.tolist()], np.int64)
    held = reading.neighbours(pairs.reshape(-1, 2))
    return Counts(counts.segments[:, :content], counts.offsets), held @ query.shares


def _hits(
    generation: Generation,
    rows: npt.NDArray[np.int64],
    signals: _Signals,
    *,
    best: Floats,
    total: Floats,
    order: npt.NDArray[np.int64],
) -> tuple[Hit, ...]:
    chunks = generation.chunks([int(rows[place]) for place in order])
    hits = []
    for rank, (place, (chunk, text)) in enumerate(zip(order, chunks, strict=True), start=1):
        source = generation.source(chunk.source_id)
        assert source is not None  # the catalog holds every chunk's source
        first = int(signals.offsets[place])
        sentences = tuple(
            ScoredSentence(
                start=start,
                end=end,
                text=text[start - chunk.start : end - chunk.start],
                similarity=float(signals.similarity[first + number]),
                cover=float(signals.cover[first + number]),
                pairs=float(signals.pairs[first + number]),
            )
            for number, (start, end) in enumerate(chunk.sentences)
        )
        scores = Scores(
            dense=float(signals.dense[place]),
            lexical=float(signals.lexical[place]),
            sentence=float(best[place]),
            context=float(signals.context[place]),
        )
        cover = float(signals.chunk_cover[place])
        hits.append(Hit(rank, chunk, source, text, float(total[place]), scores, sentences, cover))
    return tuple(hits)


def prove(generation: Generation, embedder: Embedder, *, weights: Weights) -> None:
    """Asks a generation for its own first passage; raises IndexingError where it cannot answer.

    EmbedderMismatch for another model's, EmbedderUnavailable, else GenerationDamaged. Blocks.
    """
    if not generation.info.chunks:
        return
    try:
        ((_, text),) = generation.chunks([0])
        hits = retrieve(
            generation,
            understand(generation, embedder, text[:PROOF_CHARS]),
            weights=weights,
            top_k=1,
        ).hits
    except IndexingError:
        raise
    except Exception as error:  # whatever a library raises here would be every question's end, too
        raise GenerationDamaged(generation.folder, type(error).__name__) from error
    if generation.info.complete and not hits:  # by words alone, stop words find nothing
        raise GenerationDamaged(generation.folder, "it does not find its own text")
