"""The vectors of chunks, of their headings and words → arrays and Chroma's directory."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...embed.protocol import ChunkVectors, WordVectors
from ...store.files.growing import grow_array
from ...store.generation import DUPLICATES, VECTORS, Generation
from ...store.private_copy import link_file, link_folder
from ...store.scoring import (
    CHUNK_VECTORS,
    HEADING_VECTORS,
    WORD_OFFSETS,
    WORD_VECTORS,
    Half,
    save_vectors,
)
from ...store.vectors import build_vectors
from ..changes import BuildSource, CarriedSource, ParsedSource

_HASH_ROWS = 10_000
"""Rows that are hashed at a time."""

Ints = npt.NDArray[np.int64]
Embeddings = Iterator[tuple[ChunkVectors, ChunkVectors]]


def write_vectors(
    folder: Path,
    sources: Sequence[BuildSource],
    embeddings: Embeddings,
    previous: Generation | None,
    *,
    dimensions: int,
) -> None:
    """Writes the vectors of all chunks, of their headings and their words.

    Those of carried sources come from `previous`, the others from `embeddings`, in order.
    """
    chunks = np.zeros((sum(len(entry.rows) for entry in sources), dimensions), np.float16)
    headings, words = np.zeros_like(chunks), list[WordVectors]()
    for entry in sources:
        if isinstance(entry, CarriedSource):
            assert previous is not None  # it is carried from there
            if older := entry.previous_rows:
                stored = previous.stored_vectors(older.start, len(older))
                rows = slice(entry.rows.start, entry.rows.stop)
                chunks[rows], headings[rows] = stored.chunks, stored.headings
                words.append(stored.words)
            continue
        for chunk in entry.chunks:
            vectors, heading = next(embeddings)
            chunks[chunk.row], headings[chunk.row] = vectors.vector, heading.vector
            words.append(vectors.words)
    save_vectors(folder, chunks, headings, words)


def grow_vectors(folder: Path, embeddings: Embeddings, previous: Generation) -> None:
    """Links the vectors of `previous` and its vector index, and writes what was added to them.

    What the index lacks or has too much is seen from the keys.
    """
    made = list(embeddings)
    older, words = previous.arrays, [vectors.words for vectors, _ in made]
    assert older.words is not None  # it is complete
    assert older.word_offsets is not None
    counts = np.concatenate([np.empty(0, np.int64), *(chunk.counts for chunk in words)])
    ends = older.word_offsets.last() + np.cumsum(counts, dtype=np.int64)
    for name, array, parts in (
        (CHUNK_VECTORS, older.chunks, [vectors.vector[None] for vectors, _ in made]),
        (HEADING_VECTORS, older.headings, [heading.vector[None] for _, heading in made]),
        (WORD_VECTORS, older.words, [chunk.rows for chunk in words]),
        (WORD_OFFSETS, older.word_offsets, [ends]),
    ):
        assert array is not None
        grow_array(folder, previous.folder, name, array, parts)
    link_file(previous.folder / DUPLICATES, folder / DUPLICATES)
    if not previous.info.exact:
        link_folder(previous.folder / VECTORS, folder / VECTORS)


def build_vector_index(
    folder: Path, sources: Sequence[BuildSource], previous: Generation | None, *, exact: bool
) -> None:
    """Writes Chroma's directory of all chunks; none with `exact`.

    Vectors are deduplicated: Chroma gets each once, under the smallest id of its chunks, since
    dozens of equal ones cut each other off in its graph, and then none is found. `equal.npy` holds
    the row with that id for each row.
    """
    ids, previous_ids = list[str](), previous.chunk_ids() if previous else []
    for entry in sources:
        if isinstance(entry, ParsedSource):
            ids += [chunk.id for chunk in entry.chunks]
        else:
            ids += previous_ids[entry.previous_rows.start : entry.previous_rows.stop]
    vectors = np.load(folder / CHUNK_VECTORS, mmap_mode="r")
    first = first_equals(ids, vectors)
    np.save(folder / DUPLICATES, first)
    if ids and not exact:
        rows = np.unique(first).tolist()
        build_vectors(folder / VECTORS, [ids[row] for row in rows], vectors[rows])


def first_equals(ids: Sequence[str], vectors: Half) -> Ints:
    """Returns for each row the one with the smallest id among those with an equal vector.

    Only rows whose hash another one has are compared.
    """
    first = np.arange(len(ids))
    _, group, sizes = np.unique(_hashes(vectors), return_inverse=True, return_counts=True)
    rows_by_vector: dict[bytes, int] = {}
    for row in sorted(np.flatnonzero(sizes[group] > 1).tolist(), key=ids.__getitem__):
        first[row] = rows_by_vector.setdefault(vectors[row].tobytes(), row)
    return first


def _hashes(vectors: Half) -> npt.NDArray[np.uint64]:
    """Returns a hash (n,) of each vector (n, d): equal vectors have equal ones."""
    width = vectors.shape[1] * vectors.itemsize
    kind = np.uint64 if width % 8 == 0 else np.uint16
    factors = np.random.default_rng(0).integers(2**63, size=width // np.dtype(kind).itemsize)
    odd = factors.astype(np.uint64) * np.uint64(2) + np.uint64(1)
    hashes = np.empty(len(vectors), np.uint64)
    for start in range(0, len(vectors), _HASH_ROWS):
        part = np.ascontiguousarray(vectors[start : start + _HASH_ROWS]).view(kind)
        hashes[start : start + _HASH_ROWS] = (part * odd).sum(axis=1, dtype=np.uint64)
    return hashes
