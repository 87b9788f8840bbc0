"""Cosines of a question with chunks, and late interaction with the words of their sentences.

The vectors of a generation are arrays on disk, mapped into memory: a vector a chunk (chunks.npy),
one of its title and headings (headings.npy), and the word vectors of each sentence (parts.npy,
MaxSim after Khattab and Zaharia 2020).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..embed.protocol import Vectors, WordVectors
from ..embed.quantize import dequantize
from .bm25 import TermIndex, ranges
from .files.growing import GrowingArray

CHUNK_VECTORS, HEADING_VECTORS = "chunks.npy", "headings.npy"
WORD_VECTORS, WORD_OFFSETS = "parts.npy", "parts_first.npy"

Half = npt.NDArray[np.float16]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


_NONE: Half = np.empty((0, 0), np.float16)


class Stored(NamedTuple):
    """The vectors of successive chunks (n, d), of their headings (n, d), and of their words."""

    chunks: Half
    headings: Half
    words: WordVectors


def save_vectors(folder: Path, chunks: Half, headings: Half, words: Sequence[WordVectors]) -> None:
    """Writes the vectors of all chunks by row; `StoredVectors` opens them."""
    np.save(folder / CHUNK_VECTORS, chunks)
    np.save(folder / HEADING_VECTORS, headings)
    if words:
        _save_stacked(folder / WORD_VECTORS, [chunk.rows for chunk in words])
        counts = np.concatenate([chunk.counts for chunk in words])
        np.save(folder / WORD_OFFSETS, np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]))


def _save_stacked(path: Path, parts: Sequence[npt.NDArray[Any]]) -> None:
    """Writes arrays (n, w) one after the other as one, without having them all in memory."""
    first = parts[0]
    header = {
        "descr": np.lib.format.dtype_to_descr(first.dtype),
        "fortran_order": False,
        "shape": (sum(len(part) for part in parts), *first.shape[1:]),
    }
    with path.open("wb") as file:
        np.lib.format.write_array_header_2_0(file, header)
        for part in parts:
            file.write(np.ascontiguousarray(part, first.dtype).data)


class StoredVectors:
    """The opened vectors of a generation; none where the candidate index came first."""

    def __init__(self, folder: Path, terms: TermIndex, *, source_starts: Sequence[int]) -> None:
        """`source_starts` are the rows where sources begin."""
        self._keys, self._first_segments = terms.keys, terms.first_segments
        self._is_source_start = np.zeros(len(terms) + 1, bool)
        self._is_source_start[[*source_starts, -1]] = True
        self.chunks = _open(folder, CHUNK_VECTORS)
        self.headings = _open(folder, HEADING_VECTORS)  # older generations have none
        self.words = _open(folder, WORD_VECTORS)
        self.word_offsets = _open(folder, WORD_OFFSETS)

    def _first_sentences(self, keys: Ints) -> Ints:
        """Returns the first sentence of chunks; a chunk's first segment, its context, is none."""
        return np.asarray(self._first_segments.take(keys) - keys)

    def vector(self, row: int) -> Vectors:
        """Returns a chunk's vector (d,); raises IndexError without vectors."""
        if self.chunks is None:
            raise IndexError(row)
        return np.asarray(self._rows(self.chunks, np.array([row]))[0], np.float32)

    def read(self, row: int, count: int) -> Stored:
        """Returns the stored vectors of chunks from a row on."""
        keys = self._keys.of(np.arange(row, row + count))
        if not (np.diff(keys) == 1).all() or self.words is None or self.word_offsets is None:
            chunks, headings, words = self._gather(np.arange(row, row + count))
            assert words is not None  # callers check that the generation is complete
            return Stored(chunks, headings, words)
        # of one source: views of the files, no copies
        first, last = self._first_sentences(np.array([keys[0], keys[-1] + 1])).tolist()
        offsets = self.word_offsets.span(first, last + 1)
        words = WordVectors(
            self.words.span(offsets[0], offsets[-1]), np.diff(offsets).astype(np.int32)
        )
        chunks, headings = (
            array.span(keys[0], keys[-1] + 1) if array is not None and len(array) else _NONE
            for array in (self.chunks, self.headings)
        )
        return Stored(chunks, headings, words)

    def chunk_vectors(self, rows: Ints) -> Half:
        """Returns the vectors (n, d) of chunks as they are stored; (n, 0) without vectors."""
        return self._rows(self.chunks, rows)

    @property
    def are_complete(self) -> bool:
        """Are there all arrays? Older generations have no headings, lexical ones no vectors."""
        arrays = (self.chunks, self.headings, self.words, self.word_offsets)
        return all(array is not None for array in arrays)

    def lengths(self) -> list[tuple[int, int]]:
        """Returns pairs of lengths that are equal in a whole generation."""
        keys, arrays = self._keys.count, (self.chunks, self.headings, self.words, self.word_offsets)
        chunks, headings, words, offsets = arrays
        assert chunks is not None  # callers check that the generation is complete
        assert words is not None
        assert offsets is not None
        sentences = int(self._first_sentences(np.array([keys]))[0])
        pairs = [
            (len(chunks), keys),
            (len(offsets), sentences + 1),
            (int(offsets.last()), len(words)),
        ]
        return pairs if headings is None else [*pairs, (len(headings), keys)]

    def by_key(self, keys: Ints) -> Half:
        """Returns the vectors (n, d) of keys, also of chunks that are no more."""
        assert self.chunks is not None  # callers check that the generation is complete
        return self.chunks.take(keys)

    def similarities(self, rows: Sequence[int] | Ints, vector: Vectors) -> Floats:
        """Returns the cosine of each chunk with the vector (n,); zeros without vectors."""
        return _cosines(self._rows(self.chunks, np.asarray(rows, np.int64)), vector)

    def heading_similarities(self, rows: Ints, vector: Vectors) -> Floats:
        """Returns the cosine (n,) of each chunk's title and headings; zeros without vectors."""
        return _cosines(self._rows(self.headings, rows), vector)

    def context_similarities(self, rows: Ints, vector: Vectors) -> Floats:
        """Returns the cosine (n,) of the mean of each chunk and its neighbours in its source.

        Zeros without vectors.
        """
        return _context_cosines(self._contexts(rows), vector)

    def max_similarities(self, rows: Ints, query_words: Vectors) -> Floats | None:
        """Returns CandidateVectors.max_similarities of the chunks."""
        return self.gather(rows).max_similarities(query_words)

    def gather(self, rows: Ints) -> "CandidateVectors":
        """Returns all vectors of the chunks."""
        chunks, headings, words = self._gather(rows)
        return CandidateVectors(chunks, headings, self._contexts(rows), words)

    def _gather(self, rows: Ints) -> tuple[Half, Half, WordVectors | None]:
        """Returns the vectors of the chunks, of their headings, and of their words."""
        words = None
        if self.words is not None and self.word_offsets is not None:
            keys, offsets = self._keys.of(rows), self.word_offsets
            first, last = self._first_sentences(keys), self._first_sentences(keys + 1)
            sentences = ranges(first, last - first)
            counts = offsets.take(sentences + 1) - offsets.take(sentences)
            starts = offsets.take(first)
            places = ranges(starts, offsets.take(last) - starts)
            words = WordVectors(self.words.take(places), counts.astype(np.int32))
        return self._rows(self.chunks, rows), self._rows(self.headings, rows), words

    def _rows(self, vectors: GrowingArray | None, rows: Ints) -> Half:
        """Returns the vectors of the rows (n, d); without vectors (n, 0)."""
        if vectors is None or not len(vectors):
            return np.zeros((len(rows), 0), np.float16)
        return vectors.take(self._keys.of(rows))

    def _contexts(self, rows: Ints) -> Vectors:
        """Returns the sum (n, d) of each chunk and its neighbours; without vectors (n, 0)."""
        if self.chunks is None or not len(self.chunks) or not len(rows):
            return np.zeros((len(rows), 0), np.float32)
        joined = self._rows(self.chunks, rows).astype(np.float32)
        is_first, is_last = self._is_source_start[rows], self._is_source_start[rows + 1]
        for step, is_edge in ((-1, is_first), (1, is_last)):
            inner = np.flatnonzero(~is_edge)
            joined[inner] += self._rows(self.chunks, rows[inner] + step)
        return joined


def _open(folder: Path, name: str) -> GrowingArray | None:
    return GrowingArray(folder, name) if (folder / name).exists() else None


@dataclass(frozen=True, slots=True)
class CandidateVectors:
    """The vectors of some chunks; those that a generation lacks have no columns.

    `chunks`, `headings` (n, d); `contexts` (n, d) are sums with the neighbours, of any length;
    `words` are those of their sentences, chunk by chunk.
    """

    chunks: Half
    headings: Half
    contexts: Vectors
    words: WordVectors | None

    def similarities(self, vector: Vectors) -> Floats:
        """Returns the cosine of each chunk with the vector (n,); zeros without vectors."""
        return _cosines(self.chunks, vector)

    def heading_similarities(self, vector: Vectors) -> Floats:
        """Returns the cosine (n,) of each chunk's title and headings; zeros without vectors."""
        return _cosines(self.headings, vector)

    def context_similarities(self, vector: Vectors) -> Floats:
        """Returns the cosine (n,) of each chunk with its neighbours; zeros without vectors."""
        return _context_cosines(self.contexts, vector)

    def max_similarities(self, query_words: Vectors) -> Floats | None:
        """Returns (S, t): each sentence's highest cosine with each word of the question (MaxSim).

        Sentences come chunk by chunk; one without words has 0. None without word vectors.
        """
        if self.words is None:
            return None
        counts = self.words.counts.astype(np.int64)
        cosines = dequantize(self.words.rows) @ query_words.T
        result = np.zeros((len(counts), len(query_words)), np.float32)
        with_words = np.flatnonzero(counts)
        if len(with_words):
            starts = (np.cumsum(counts) - counts)[with_words]
            result[with_words] = np.maximum.reduceat(cosines, starts, axis=0)
        return result


def _cosines(vectors: Half, vector: Vectors) -> Floats:
    """Returns the product of unit vectors (n, d) with one (n,); zeros if they have no columns."""
    if not vectors.size:
        return np.zeros(len(vectors), np.float32)
    return np.asarray(vectors.astype(np.float32) @ vector)


def _context_cosines(contexts: Vectors, vector: Vectors) -> Floats:
    """Returns the cosines (n,) of vectors of any length; zeros if they have no columns."""
    if not contexts.size:
        return np.zeros(len(contexts), np.float32)
    lengths = np.linalg.norm(contexts, axis=1)
    return np.asarray(contexts @ vector / np.maximum(lengths, 1e-6), np.float32)
