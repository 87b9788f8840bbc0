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
from .bm25 import ranges

CHUNK_VECTORS, HEADING_VECTORS = "chunks.npy", "headings.npy"
WORD_VECTORS, WORD_OFFSETS = "parts.npy", "parts_first.npy"

Half = npt.NDArray[np.float16]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


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

    def __init__(self, folder: Path, *, first_segments: Ints, source_starts: Sequence[int]) -> None:
        """`first_segments` is TermIndex's; `source_starts` are the rows where sources begin."""
        # the first segment of a chunk is its context, which has no word vectors
        self._first_sentences = first_segments - np.arange(len(first_segments))
        self._is_source_start = np.zeros(len(first_segments), bool)
        self._is_source_start[[*source_starts, -1]] = True
        self.chunks: Half = np.empty((0, 0), np.float16)
        self.headings = self.chunks
        self._words: npt.NDArray[Any] | None = None
        if (folder / CHUNK_VECTORS).exists():
            self.chunks = np.load(folder / CHUNK_VECTORS, mmap_mode="r")
        if (folder / HEADING_VECTORS).exists():  # older generations have none
            self.headings = np.load(folder / HEADING_VECTORS, mmap_mode="r")
        if (folder / WORD_VECTORS).exists():
            self._words = np.load(folder / WORD_VECTORS, mmap_mode="r")
            self._word_offsets: Ints = np.load(folder / WORD_OFFSETS)

    def vector(self, row: int) -> Vectors:
        """Returns a chunk's vector (d,); raises IndexError without vectors."""
        return np.asarray(self.chunks[row], np.float32)

    def read(self, row: int, count: int) -> Stored:
        """Returns the stored vectors of chunks from a row on."""
        assert self._words is not None  # callers check that the generation is complete
        first, last = self._first_sentences[row], self._first_sentences[row + count]
        offsets = self._word_offsets[first : last + 1]
        counts = np.diff(offsets).astype(np.int32)
        words = WordVectors(self._words[offsets[0] : offsets[-1]], counts)
        rows = slice(row, row + count)
        return Stored(self.chunks[rows], self.headings[rows], words)

    def similarities(self, rows: Sequence[int] | Ints, vector: Vectors) -> Floats:
        """Returns the cosine of each chunk with the vector (n,); zeros without vectors."""
        return _cosines(_rows(self.chunks, np.asarray(rows, np.int64)), vector)

    def heading_similarities(self, rows: Ints, vector: Vectors) -> Floats:
        """Returns the cosine (n,) of each chunk's title and headings; zeros without vectors."""
        return _cosines(_rows(self.headings, rows), vector)

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
        words = None
        if self._words is not None:
            first, last = self._first_sentences[rows], self._first_sentences[rows + 1]
            sentences = ranges(first, last - first)
            counts = self._word_offsets[sentences + 1] - self._word_offsets[sentences]
            starts = self._word_offsets[first]
            places = ranges(starts, self._word_offsets[last] - starts)
            words = WordVectors(self._words[places], counts.astype(np.int32))
        chunks, headings = _rows(self.chunks, rows), _rows(self.headings, rows)
        return CandidateVectors(chunks, headings, self._contexts(rows), words)

    def _contexts(self, rows: Ints) -> Vectors:
        """Returns the sum (n, d) of each chunk and its neighbours; without vectors (n, 0)."""
        if not len(self.chunks) or not len(rows):
            return np.zeros((len(rows), 0), np.float32)
        joined = self.chunks[rows].astype(np.float32)
        is_first, is_last = self._is_source_start[rows], self._is_source_start[rows + 1]
        for step, is_edge in ((-1, is_first), (1, is_last)):
            inner = np.flatnonzero(~is_edge)
            joined[inner] += self.chunks[rows[inner] + step]
        return joined


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


def _rows(vectors: Half, rows: Ints) -> Half:
    """Returns the vectors of the rows (n, d); without vectors (n, 0)."""
    return vectors[rows] if len(vectors) else np.zeros((len(rows), 0), np.float16)


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
