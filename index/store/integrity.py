"""Does an opened generation hold together? Run in the sync's process, before it is published."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from ..errors import GenerationDamaged
from .generation import Generation

SAMPLE = 200
BATCH = 200
MISSED = 0.01
"""The share of chunks that a query for their own vector may miss: Chroma's graph is approximate
(recall .989), while one that a kill has spoilt misses most."""
_EQUAL = 1e-3
LIMIT = 10


def verify(
    generation: Generation,
    new: Sequence[int] = (),
    on_batch: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Raises GenerationDamaged unless catalog, lexical index and vectors agree.

    Counts and ids must be the same everywhere, and the chunks of the `new` rows and a sample of
    the others must be found by query: Chroma can hold an id that no query returns. Exact search
    finds what is there, so a sample is enough. `on_batch` hears (done, total).
    """
    sources, chunks = generation.counts()
    if (sources, chunks) != (generation.info.sources, generation.info.chunks):
        raise GenerationDamaged(generation.folder, "the catalog's counts are not the manifest's")
    if generation.lexical_count() != chunks or len(generation.terms) != chunks:
        raise GenerationDamaged(generation.folder, "the lexical index misses chunks")
    if not generation.info.complete or not chunks:
        return
    if generation.vector_ids() != generation.distinct_ids():
        raise GenerationDamaged(generation.folder, "the vectors are not those of the catalog")
    sample = np.linspace(0, chunks - 1, min(SAMPLE, chunks)).astype(np.int64)
    wanted = sample if generation.info.exact else np.union1d(np.array(new, np.int64), sample)
    rows = generation.first_equals(wanted)
    missed: list[int] = []
    for start in range(0, len(rows), BATCH):
        part = rows[start : start + BATCH]
        missed += _missed(generation, part)
        on_batch(start + len(part), len(rows))
    if len(missed) > MISSED * len(rows):
        cause = f"{len(missed)} of {len(rows)} chunks are not found by their vectors"
        raise GenerationDamaged(generation.folder, cause)


def _missed(generation: Generation, rows: npt.NDArray[np.int64]) -> list[int]:
    vectors = np.stack([generation.vector(int(row)) for row in rows])
    missed = []
    for row, found in zip(rows, generation.find_dense_many(vectors, limit=LIMIT), strict=True):
        # equal texts hide each other: the row itself, or as many vectors as near as its own
        own, *nearest = generation.similarities([row, *found], generation.vector(int(row)))
        hidden = len(found) >= LIMIT and min(nearest) >= own - _EQUAL
        if row not in found and not hidden:
            missed.append(int(row))
    return missed
