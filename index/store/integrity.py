"""Is a generation consistent, and does it find what it holds? Nothing is changed.

It runs in the sync's process before a generation is published.
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from ..embed.protocol import Vectors
from ..errors import GenerationDamaged
from .generation import Generation

SAMPLE_SIZE, REOPENED_SAMPLE_SIZE = 200, 20
BATCH_SIZE = 200
MAX_MISSED = 0.01
"""The share of chunks that a query for their own vector may miss: Chroma's graph is approximate
(recall .989), while one damaged by a kill misses most."""
_TOLERANCE = 1e-3
MAX_HITS = 10
RECALL_SAMPLE, RECALL_HITS, MIN_RECALL = 32, 100, 0.95
"""Queries that are compared with exact search, their hits, and the share that must be found."""
_QUESTION_LIKENESS = 0.7
"""Questions lie between passages and their mean, where the graph is searched the longest. Of
124,535 passages this finds .953 with `ef_search` 256, 100 questions .988; with 571 .9998, .996."""
_MEAN_SAMPLE = 2_000
_SAME_COSINE = 1e-5
_EXACT_ROWS = 20_000
"""Rows of the exact search that are in memory at a time."""


def verify(
    generation: Generation,
    new: Sequence[int] = (),
    on_batch: Callable[[int, int], None] = lambda done, total: None,
    *,
    has_new_index: bool = True,
) -> None:
    """Raises GenerationDamaged unless catalog, candidate index and vectors agree.

    Counts and ids must be the same everywhere, and the chunks of the `new` rows and a sample of
    the others must be found by query: Chroma can hold an id that no query returns. Exact search
    finds what is there, so a sample is enough. MIN_RECALL of what exact search finds for queries
    like questions must be found, too. `on_batch` receives (done, total).

    A vector index that is not new was verified when it was, and its files still have their hashes:
    then a few of its chunks are enough. What came later is compared one by one.
    """
    _check_consistency(generation)
    chunks = generation.info.chunks
    if not generation.info.complete or not chunks:
        return
    if has_new_index and generation.vector_ids() != generation.distinct_ids():
        raise GenerationDamaged(generation.folder, "the vectors are not those of the catalog")
    size = min(SAMPLE_SIZE if has_new_index else REOPENED_SAMPLE_SIZE, chunks)
    checked = np.linspace(0, chunks - 1, size).astype(np.int64)
    if has_new_index and not generation.info.exact:
        checked = np.union1d(np.array(new, np.int64), checked)
    rows = generation.first_equals(checked)
    missed = 0
    for start in range(0, len(rows), BATCH_SIZE):
        batch = rows[start : start + BATCH_SIZE]
        missed += _count_missed(generation, batch)
        on_batch(start + len(batch), len(rows))
    if missed > MAX_MISSED * len(rows):
        cause = f"{missed} of {len(rows)} chunks are not found by their vectors"
        raise GenerationDamaged(generation.folder, cause)
    is_approximate = has_new_index and not generation.info.exact
    if is_approximate and (recall := measure_recall(generation)) < MIN_RECALL:
        cause = (
            f"the vector index finds {recall:.0%} of the nearest chunks, {MIN_RECALL:.0%} are "
            "needed: sync to rebuild it"
        )
        raise GenerationDamaged(generation.folder, cause)


def _check_consistency(generation: Generation) -> None:
    """Raises GenerationDamaged unless counts, ids, keys and lengths agree in all but Chroma."""
    sources, chunks = generation.counts()
    if (sources, chunks) != (generation.info.sources, generation.info.chunks):
        raise GenerationDamaged(generation.folder, "the catalog's counts differ from the manifest")
    if generation.lexical_count() != chunks or len(generation.term_index) != chunks:
        raise GenerationDamaged(generation.folder, "the lexical index lacks chunks")
    keys, terms, vectors = generation.keys, generation.term_index, generation.arrays
    if not np.array_equal(np.sort(keys.keys), generation.catalog_keys()):
        raise GenerationDamaged(generation.folder, "the keys are not those of the catalog")
    rows = sorted(generation.source_rows.values(), key=lambda rows: rows.start)
    if [row for source in rows for row in source] != list(range(chunks)):
        raise GenerationDamaged(generation.folder, "the rows of the sources are not in order")
    lengths = [
        (int(terms.first_segments.last()) + 1, len(terms.segment_starts)),
        (int(terms.segment_starts.last()), len(terms.numbers)),
    ]
    if generation.info.complete and chunks:
        lengths += vectors.lengths()
    if any(one != other for one, other in lengths):
        raise GenerationDamaged(generation.folder, "its arrays do not have the same entries")


def measure_recall(generation: Generation) -> float:
    """Returns the share of exact search's hits that the vector store finds, 0–1.

    The queries are like questions: between a chunk of a sample and the mean of all.
    """
    chunks = generation.info.chunks
    own, many = (_sample(generation, size) for size in (RECALL_SAMPLE, _MEAN_SAMPLE))
    queries = _unit(own + _QUESTION_LIKENESS * _unit(many.mean(axis=0, keepdims=True)))
    cosines = _exact_cosines(generation, queries)
    limit = min(RECALL_HITS, chunks)
    least = np.partition(cosines, -limit, axis=1)[:, -limit] - _SAME_COSINE
    hits = generation.find_dense_many(queries, limit=limit)
    right = [(cosines[n, rows] >= least[n]).sum() for n, rows in enumerate(hits)]
    return float(np.sum(right)) / (limit * len(queries))


def _sample(generation: Generation, size: int) -> Vectors:
    """Returns the vectors (m, d) of up to `size` chunks, evenly spread."""
    chunks = generation.info.chunks
    rows = np.linspace(0, chunks - 1, min(size, chunks)).astype(np.int64)
    return np.stack([generation.vector(row) for row in rows.tolist()])


def _exact_cosines(generation: Generation, queries: Vectors) -> Vectors:
    """Returns the cosine of each query (q, d) with each chunk (q, n)."""
    chunks = generation.info.chunks
    cosines = np.empty((len(queries), chunks), np.float32)
    for start in range(0, chunks, _EXACT_ROWS):
        rows = np.arange(start, min(start + _EXACT_ROWS, chunks))
        vectors = generation.chunk_vectors(rows).astype(np.float32)
        lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors))
        cosines[:, rows] = queries @ vectors.T / np.maximum(lengths, 1e-6)
    return cosines


def _unit(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-6), np.float32)


def _count_missed(generation: Generation, rows: npt.NDArray[np.int64]) -> int:
    vectors = np.stack([generation.vector(int(row)) for row in rows])
    missed = 0
    hits_of = generation.find_dense_many(vectors, limit=MAX_HITS)
    for row, vector, hits in zip(rows, vectors, hits_of, strict=True):
        # nearly equal vectors crowd each other out: the row itself counts, or as many equally near
        own, *nearest = generation.similarities([row, *hits], vector)
        is_crowded_out = len(hits) >= MAX_HITS and min(nearest) >= own - _TOLERANCE
        missed += row not in hits and not is_crowded_out
    return missed
