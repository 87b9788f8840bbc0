"""Does an opened generation hold together? Run in the sync's process, before it is published."""

import numpy as np

from .errors import GenerationDamaged
from .generation import Generation

SAMPLE = 200
_EQUAL = 1e-3


def verify(generation: Generation) -> None:
    """Raises GenerationDamaged unless catalog, lexical index and vectors agree.

    Counts and ids must be the same everywhere, and a sample of chunks must be found by query:
    Chroma can hold an id that no query returns.
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
    _check_found(generation, chunks)


def _check_found(generation: Generation, chunks: int) -> None:
    rows = np.unique(np.linspace(0, chunks - 1, min(SAMPLE, chunks)).astype(int))
    for row in rows:
        vector = generation.vector(int(row))
        found = generation.find_dense(vector, limit=10)
        # equal texts hide each other: the row itself, or only vectors equal to its own before it
        nearest = generation.similarities(found, vector)
        if int(row) not in found and (nearest < 1 - _EQUAL).any():
            raise GenerationDamaged(generation.folder, f"chunk {row} is not found by its vector")
