"""A question → ranked hits with sentence scores.

Candidates come from BM25 and from the vectors; their scores, not their ranks, are fused (convex
combination after Bruch et al. 2022), and words have most of the say: how near the vector of each of
the question's comes to one in the passage, and in its best sentence (MaxSim, Khattab and Zaharia
2020), how much of the question's idf the sentence's and the title's words cover, and the pairs of
neighbouring words that it has of the question (the ordered window of Metzler and Croft 2005). The
passages' vectors speak for a passage with its neighbours, since one paragraph often needs the one
before to say what it is about. On the SQuAD articles RRF loses to plain BM25 at rank 1; this does
not.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from index.embed.protocol import Embedder
from index.errors import GenerationDamaged, IndexingError
from index.store.bm25 import TermFrequencies
from index.store.generation import Generation
from index.types import NO_FILTERS, Filters

from ..types import Hit, ScoredSentence, Scores
from .diversify import is_near_duplicate, word_set
from .query import Query, analyze_query
from .weights import SignalWeights, Weights

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
class RetrievalResult:
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
) -> RetrievalResult:
    """Returns the best `top_k` hits of the query, best first, from the sources that may be asked.

    There may be none.
    """
    rows = _candidates(generation, query, filters)
    if not len(rows):
        return RetrievalResult(query, (), 0.0)
    signals = _signals(generation, query, rows)
    shares = weights.statement if query.is_statement else weights.question
    best = signals.best_sentence(shares)
    total = (
        shares.lexical * signals.lexical
        + shares.context * signals.context
        + shares.late * signals.late
        + shares.sentence * best
    )
    order = np.argsort(-total, kind="stable")[: max(top_k, COMPARED)]
    hits = _hits(generation, rows, signals, best=best, total=total, order=order)
    return RetrievalResult(query, hits[:top_k], lead(hits))


def lead(hits: Sequence[Hit]) -> float:
    """Returns the best hit's lead over the next that does not say the same; 0 without one."""
    first = word_set(hits[0].text)
    others = (hit.score for hit in hits[1:] if not is_near_duplicate(first, word_set(hit.text)))
    return hits[0].score - next(others, hits[0].score)


def _candidates(generation: Generation, query: Query, filters: Filters) -> npt.NDArray[np.int64]:
    known = query.terms[: len(query.numbers)]
    if filters == NO_FILTERS:
        lexical = generation.find_lexical(known, limit=CANDIDATES)
        dense = generation.find_dense(query.vector, limit=CANDIDATES)
        return np.array(sorted({*lexical, *dense}), np.int64)
    allowed = generation.rows_matching(filters)
    if len(allowed) > EXACT_ROWS:
        lexical = generation.find_lexical(known, limit=EXACT_ROWS)
        dense = generation.find_dense(query.vector, limit=EXACT_ROWS)
        allowed &= {*lexical, *dense}
    rows = np.array(sorted(allowed), np.int64)
    return _best(generation, query, rows) if len(rows) > 2 * CANDIDATES else rows


def _best(
    generation: Generation, query: Query, rows: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Returns as many of the rows as there are candidates without a filter, by the same two."""
    counts = generation.term_index.positions(rows, query.numbers).frequencies()
    bm25 = generation.term_index.bm25(rows, counts, query.idf[: len(query.numbers)])
    dense = generation.similarities(rows, query.vector)
    best = [np.argsort(-score, kind="stable")[:CANDIDATES] for score in (bm25, dense)]
    return rows[np.union1d(*best)]


@dataclass(frozen=True, slots=True)
class _Signals:
    """Per candidate: BM25's share of the best, cosines, cover; per sentence: its three.

    `offsets` (n + 1,) says which entries of `similarity`, `cover` and `pairs` are a candidate's.
    """

    lexical: Floats
    dense: Floats
    context: Floats
    late: Floats
    similarity: Floats
    cover: Floats
    pairs: Floats
    offsets: npt.NDArray[np.int64]

    def best_sentence(self, shares: SignalWeights) -> Floats:
        """Returns each candidate's highest weighted mean of the three among its sentences."""
        worth = (
            shares.similarity * self.similarity
            + shares.words * self.cover
            + shares.pairs * self.pairs
        ) / shares.sentence
        return np.asarray(np.maximum.reduceat(worth, self.offsets[:-1]), np.float32)


def _signals(generation: Generation, query: Query, rows: npt.NDArray[np.int64]) -> _Signals:
    known = query.idf[: len(query.numbers)]
    counts, pairs = _read(generation, query, rows)
    bm25 = generation.term_index.bm25(rows, counts, known)
    # a chunk's first segment is its title and headings, which count for each of its sentences
    contexts, held = counts.offsets[:-1], counts.segments > 0
    with_context = held | np.repeat(held[contexts], np.diff(counts.offsets), axis=0)
    covered = (with_context @ known) / (float(query.idf.sum()) or 1.0)
    offsets = counts.offsets - np.arange(len(rows) + 1)
    dense = np.clip(generation.similarities(rows, query.vector), 0, 1)
    matches = generation.max_similarities(rows, query.parts)
    top = float(bm25.max())
    lexical = bm25 / top if top > 0 else bm25
    if matches is None:  # the chunk speaks for its sentences, and BM25 with it for the words
        late = (lexical + dense) / 2
        similar = np.repeat(dense, np.diff(offsets))
    else:
        late = np.maximum.reduceat(matches, offsets[:-1], axis=0) @ query.weights
        similar = matches @ query.weights
    return _Signals(
        lexical=lexical,
        dense=dense,
        context=np.clip(generation.context_similarities(rows, query.vector), 0, 1),
        late=np.clip(late, 0, 1).astype(np.float32),
        similarity=np.clip(similar, 0, 1).astype(np.float32),
        cover=np.delete(covered, contexts).astype(np.float32),
        pairs=np.delete(pairs, contexts),
        offsets=offsets,
    )


def _read(
    generation: Generation, query: Query, rows: npt.NDArray[np.int64]
) -> tuple[TermFrequencies, Floats]:
    """Returns the counts of the query's terms, and each segment's share of its pairs."""
    numbers, content = query.all_numbers, len(query.numbers)
    reading = generation.term_index.positions(rows, numbers)
    counts = reading.frequencies()
    columns = {number: column for column, number in enumerate(numbers.tolist())}
    pairs = np.array([[columns[n] for n in pair] for pair in query.pairs.tolist()], np.int64)
    held = reading.adjacent_pairs(pairs.reshape(-1, 2))
    return TermFrequencies(counts.segments[:, :content], counts.offsets), held @ query.shares


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
            late=float(signals.late[place]),
        )
        hits.append(Hit(rank, chunk, source, text, float(total[place]), scores, sentences))
    return tuple(hits)


def smoke_test(generation: Generation, embedder: Embedder, *, weights: Weights) -> None:
    """Asks a generation for its own first passage; raises IndexingError where it cannot answer.

    EmbedderMismatch for another model's, EmbedderUnavailable, else GenerationDamaged. Blocks.
    """
    if not generation.info.chunks:
        return
    try:
        ((_, text),) = generation.chunks([0])
        hits = retrieve(
            generation,
            analyze_query(generation, embedder, text[:PROOF_CHARS]),
            weights=weights,
            top_k=1,
        ).hits
    except IndexingError:
        raise
    except Exception as error:  # whatever a library raises here would be every question's end, too
        raise GenerationDamaged(generation.folder, type(error).__name__) from error
    if generation.info.complete and not hits:  # by words alone, stop words find nothing
        raise GenerationDamaged(generation.folder, "it does not find its own text")
