"""The passages of a Lance generation: found by words or vector, and read in batches by row.

What is read may come from a bucket and was then never hashed: lengths, numbers and vectors are
checked, and GenerationDamaged names what does not fit.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ..embed.protocol import Vectors
from ..errors import GenerationDamaged
from ..store.bm25 import ChunkTerms, Floats, Ints
from ..store.opened import Evidence
from ..store.scoring import CandidateVectors, Half
from ..types import Chunk
from .schema import (
    DETAIL,
    RECORD,
    TERM_NUMBERS,
    VECTOR,
    State,
    unpack_detail,
    unpack_record,
    unpack_terms,
    vectors_of,
)
from .sources import SourceTable
from .tables import indexed_rows, partitions_of, search_vectors, search_words

BATCH_ROWS = 8_192

T = TypeVar("T")


def read_checked(folder: Path, read: Callable[[], T]) -> T:
    """Returns what is read; raises GenerationDamaged for what cannot be, or does not fit."""
    try:
        return read()
    except (OSError, ValueError, RuntimeError) as error:
        raise GenerationDamaged(folder, f"{type(error).__name__}: {error}") from error
    except BaseException as error:
        if not is_panic(error):
            raise
        raise GenerationDamaged(folder, f"Lance cannot decode it: {error}") from error


def is_panic(error: BaseException) -> bool:
    """Did Lance panic? It does on some bytes that it cannot decode, and that is no Exception."""
    return type(error).__name__ == "PanicException"


class PassageTable:
    """The open table; safe to use from several threads."""

    def __init__(
        self, folder: Path, table: Any, sources: SourceTable, state: State, *, dimensions: int
    ) -> None:
        """`folder` is the generation's, for errors; 0 `dimensions`: there are no vectors."""
        self._folder, self.table, self._sources, self._state = folder, table, sources, state
        self._dimensions, self._count = dimensions, len(sources.rows)

    def _read(self, read: Callable[[], T]) -> T:
        return read_checked(self._folder, read)

    def take(self, rows: Ints, columns: Sequence[str]) -> Any:
        """Returns columns of passages, in the order of the rows; raises GenerationDamaged."""

        def read() -> Any:
            table = self.table._take_rows(rows.tolist(), columns=list(columns))
            if table.num_rows != len(rows):
                raise ValueError("the table lacks passages")
            return table

        return self._read(read)

    def chunks(self, rows: Ints) -> list[Chunk]:
        """Returns the chunks of these rows, in this order."""
        packed = self.take(rows, [RECORD])[RECORD].to_pylist()

        def read() -> list[Chunk]:
            ids = self._sources.ids_of(rows)
            return [unpack_record(*one) for one in zip(packed, rows.tolist(), ids, strict=True)]

        return self._read(read)

    def find_lexical(self, terms: Sequence[str], *, limit: int) -> list[int]:
        """Returns rows of the chunks that contain any of the terms, best BM25 first."""
        if not terms or not limit or not self._count:
            return []
        return self._read(lambda: search_words(self.table, terms, limit=limit))

    def find_dense(self, vector: Vectors, *, limit: int) -> list[int]:
        """Returns rows of the nearest chunks, nearest first; none while there are no vectors."""
        count = min(limit, self._count)
        if not self._dimensions or not count:
            return []
        partitions = partitions_of(self._state.trained)
        return self._read(
            lambda: search_vectors(self.table, vector, limit=count, partitions=partitions)
        )

    def chunk_terms(self, rows: Ints) -> ChunkTerms:
        """Returns the terms of the chunks, in one batch."""
        packed = self.take(rows, [TERM_NUMBERS])[TERM_NUMBERS].to_pylist()
        return self._read(lambda: self._chunk_terms(packed))

    def _chunk_terms(self, packed: Sequence[bytes]) -> ChunkTerms:
        lengths, numbers = unpack_terms(packed)
        empty = np.empty(0, np.int64)
        flat = np.concatenate([empty, *numbers]).astype(np.int32)
        if flat.max(initial=-1) >= self._state.next_term:
            raise ValueError("a passage has terms that the vocabulary lacks")
        chunks = np.float32(max(self._count, 1))
        return ChunkTerms(
            numbers=flat,
            segment_starts=_offsets(np.concatenate([empty, *lengths])),
            first_segments=_offsets(np.array([len(one) for one in lengths], np.int64)),
            vocabulary_size=self._state.next_term,
            mean_length=float(np.float32(self._state.terms) / chunks) if self._count else 1.0,
        )

    def term_counts(self, rows: Ints) -> Ints:
        """Returns the number of terms (n,) of each of the chunks."""
        parts = [np.empty(0, np.int64)]
        for start in range(0, len(rows), BATCH_ROWS):
            terms = self.chunk_terms(rows[start : start + BATCH_ROWS])
            parts.append(np.diff(terms.segment_starts[terms.first_segments]))
        return np.concatenate(parts)

    def count_documents(self, rows: Ints) -> Ints:
        """Returns how many of the chunks contain each term, by the term's id."""
        size = self._state.next_term
        counts = np.zeros(size, np.int64)
        for start in range(0, len(rows), BATCH_ROWS):
            terms = self.chunk_terms(rows[start : start + BATCH_ROWS])
            lengths = np.diff(terms.segment_starts[terms.first_segments])
            pairs = np.unique(np.repeat(np.arange(len(lengths)), lengths) * size + terms.numbers)
            counts += np.bincount(pairs % max(size, 1), minlength=size)
        return counts

    def evidence(self, rows: Ints) -> Evidence:
        """Returns what the scores of the chunks are made of, in one batch."""
        return self._read(lambda: self._evidence(np.asarray(rows, np.int64)))

    def _evidence(self, rows: Ints) -> Evidence:
        if not self._dimensions:
            empty = np.zeros((len(rows), 0), np.float16)
            vectors = CandidateVectors(empty, empty, empty.astype(np.float32), None)
            return Evidence(rows, self.chunk_terms(rows), vectors)
        table = self.take(rows, [TERM_NUMBERS, DETAIL])
        terms = self._chunk_terms(table[TERM_NUMBERS].to_pylist())
        headings, words = unpack_detail(
            table[DETAIL].to_pylist(),
            dimensions=self._dimensions,
            dtype=np.dtype(self._state.word_dtype or "u1"),
            width=self._state.word_width,
        )
        if len(words.counts) != int(terms.first_segments[-1]) - len(rows):
            raise ValueError("passages have more word vectors than sentences, or fewer")
        chunks, contexts = self._with_neighbours(rows)
        return Evidence(rows, terms, CandidateVectors(chunks, headings, contexts, words))

    def _with_neighbours(self, rows: Ints) -> tuple[Half, Vectors]:
        """Returns the vectors (n, d) of the rows, and their sums with the neighbours'."""
        places = self._sources.places_of(rows)
        has_before = rows > self._sources.starts[places]
        has_after = rows + 1 < self._sources.ends[places]
        every = np.unique(np.concatenate([rows, rows[has_before] - 1, rows[has_after] + 1]))
        vectors = self.chunk_vectors(every)
        chunks = vectors[np.searchsorted(every, rows)]
        contexts = chunks.astype(np.float32)
        for step, inner in ((-1, has_before), (1, has_after)):
            contexts[inner] += vectors[np.searchsorted(every, rows[inner] + step)]
        return chunks, contexts

    def chunk_vectors(self, rows: Ints) -> Half:
        """Returns the stored vectors (n, d) of the chunks."""
        vectors = vectors_of(self.take(rows, [VECTOR])[VECTOR], self._dimensions)
        if not np.isfinite(vectors).all():
            raise GenerationDamaged(self._folder, "a vector is no number")
        return vectors

    def similarities(self, rows: Sequence[int] | Ints, vector: Vectors) -> Floats:
        """Returns the cosine of each chunk with the vector (n,); zeros without vectors."""
        rows = np.asarray(rows, np.int64)
        if not self._dimensions:
            return np.zeros(len(rows), np.float32)
        return np.asarray(self.chunk_vectors(rows).astype(np.float32) @ vector)

    def vector_batches(self) -> Iterator[Half]:
        """Yields the vectors of all chunks (n, d), some thousand at a time."""
        batches = self.table.to_batches(columns=[VECTOR], batch_size=BATCH_ROWS)
        for batch in batches:
            yield batch.column(0).flatten().to_numpy().reshape(-1, self._dimensions)

    def indexed_rows(self) -> dict[str, tuple[int, int]]:
        """Returns rows and segments of each index, by column."""
        return indexed_rows(self.table)


def _offsets(lengths: Ints) -> Ints:
    return np.concatenate([[0], np.cumsum(lengths)])
