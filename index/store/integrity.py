"""Is a generation consistent, and does it find what it holds? Nothing is changed.

It runs in the sync's process before a generation is published.
"""

from collections.abc import Callable, Sequence

import numpy as np

from ..errors import GenerationDamaged
from ..recall import MIN_RECALL, count_missed, measure_recall
from .generation import Generation

SAMPLE_SIZE, REOPENED_SAMPLE_SIZE = 200, 20
BATCH_SIZE = 200
MAX_MISSED = 0.01
"""The share of chunks that a query for their own vector may miss: Chroma's graph is approximate
(recall .989), while one damaged by a kill misses most."""


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
        missed += count_missed(generation, batch)
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
