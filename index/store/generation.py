"""One generation, open for reading: candidates, scores' raw material, sources and their text.

Every hash of the manifest is checked first. Chroma and tantivy write where they merely read, so
they get a private run copy: Chroma's SQLite copied, everything else linked; the generation itself
stays byte-identical and may be read-only.
"""

import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..embed.protocol import Parts, Vectors
from ..embed.quantize import floats
from ..errors import GenerationDamaged
from ..types import Chunk, Filters, GenerationInfo, Source
from .bm25 import Terms
from .candidates import Lexical
from .catalog import Catalog
from .manifest import Current, check_files, generation_folder, read_manifest
from .private_copy import RunCopy
from .vectors import ChromaVectors, ExactVectors, VectorStore

CATALOG, LEXICAL, VECTORS = "catalog.sqlite3", "lexical", "vectors"
CHUNK_VECTORS, FIRST_EQUAL = "chunks.npy", "equal.npy"
PARTS, PARTS_FIRST = "parts.npy", "parts_first.npy"
TEXTS_KEPT = 64
SOURCES_KEPT = 1024
FILTERS_KEPT = 16

Half = npt.NDArray[np.float16]


class Generation:
    """An open generation; safe to use from several threads; `close` it when nobody reads it."""

    def __init__(self, collection_folder: Path, current: Current) -> None:
        """Checks every hash and opens it; raises GenerationDamaged.

        `run_folder` is its private copy, removed when it is closed.
        """
        self.folder = generation_folder(collection_folder, current.generation)
        self.manifest = read_manifest(self.folder, current.manifest_sha256)
        check_files(self.folder, self.manifest)
        self.info: GenerationInfo = self.manifest.info()
        self._lock = threading.Lock()
        self._run = RunCopy()
        self.run_folder = self._run.folder
        try:
            self._open()
        except Exception as error:
            self._run.close()
            raise GenerationDamaged(self.folder, f"{type(error).__name__}: {error}") from error
        self.text = lru_cache(TEXTS_KEPT)(self._text)
        self.source = lru_cache(SOURCES_KEPT)(self._source)
        self.rows_of = lru_cache(FILTERS_KEPT)(self._rows_of)

    def _open(self) -> None:
        self._catalog = Catalog(self.folder / CATALOG)
        self._lexical = Lexical(self._run.link_tree(self.folder / LEXICAL, LEXICAL))
        self.terms = Terms(self.folder, vocabulary=self._catalog.vocabulary_size())
        self._chunks: Half | None = None
        self._parts: npt.NDArray[Any] | None = None
        self._vectors: VectorStore | None = None
        if self.info.complete:
            self._chunks = np.load(self.folder / CHUNK_VECTORS, mmap_mode="r")
            self._first_equal = np.load(self.folder / FIRST_EQUAL)
            copies = np.flatnonzero(self._first_equal != np.arange(self.info.chunks))
            self._copies = copies[np.argsort(self._first_equal[copies], kind="stable")]
            self._copied = self._first_equal[self._copies]
            self._begins = np.zeros(self.info.chunks + 1, bool)
            begins = [rows.start for rows in self._catalog.source_rows.values()]
            self._begins[[*begins, self.info.chunks]] = True
            if (self.folder / PARTS).exists():
                self._parts = np.load(self.folder / PARTS, mmap_mode="r")
                self._parts_first = np.load(self.folder / PARTS_FIRST)

    def close(self) -> None:
        """Lets go of everything and removes the run copy."""
        if self._vectors is not None:
            self._vectors.close()
        with self._lock:  # to close it under a reader ends the process
            self._catalog.close()
        self._run.close()
        # these refer to this object, and it to its mapped files: they would stay open, and their
        # room on the disk taken, until the next full garbage collection
        del self.text, self.source, self.rows_of

    def warm(self) -> None:
        """Opens what is otherwise opened at the first question; raises GenerationDamaged.

        From then on the generation can be read even when its files are removed: Chroma loads its
        graph at the first query.
        """
        try:
            dense = self._chunks is not None and self.info.chunks > 0
            if dense and not self.find_dense(self.vector(0), limit=1):
                raise LookupError("no vector is found")
        except Exception as error:  # whatever Chroma raises on a directory it cannot open
            raise GenerationDamaged(self.folder, f"{type(error).__name__}: {error}") from error

    def _store(self) -> VectorStore | None:
        """Returns the vector store, opened on first use; None without vectors."""
        with self._lock:
            if self._vectors is None and self._chunks is not None and self.info.chunks:
                if self.info.exact:
                    rows = self._distinct()
                    self._vectors = ExactVectors(list(rows), self._chunks[list(rows.values())])
                    return self._vectors
                copy = self._run.copy_chroma(self.folder / VECTORS, VECTORS)
                self._vectors = ChromaVectors(copy)
            return self._vectors

    # --- sources

    def sources(self, *, after: str | None, limit: int) -> list[Source]:
        """Returns up to `limit` sources by path, those after a path where one is given."""
        with self._lock:
            return self._catalog.sources(after=after or "", limit=limit)

    def _source(self, source_id: str) -> Source | None:
        with self._lock:
            return self._catalog.source(source_id)

    def _text(self, source_id: str) -> str:
        with self._lock:
            text = self._catalog.text(source_id)
        if text is None:
            raise KeyError(source_id)
        return text

    def all_sources(self) -> dict[str, tuple[Source, str]]:
        """Returns every source with its file's stat signature, by path."""
        with self._lock:
            stamps = self._catalog.stamps()
            return {
                source.path: (source, stamps[source.path]) for source in self._catalog.sources()
            }

    def source_chunks(self, source_id: str) -> list[Chunk]:
        """Returns a source's chunks in reading order."""
        with self._lock:
            return self._catalog.source_chunks(source_id)

    # --- what verification compares

    def counts(self) -> tuple[int, int]:
        """Returns the catalog's numbers of sources and chunks."""
        with self._lock:
            return self._catalog.counts()

    def lexical_count(self) -> int:
        """Returns how many chunks the lexical index holds."""
        return len(self._lexical)

    def vector_ids(self) -> set[str]:
        """Returns the chunk ids that the vector store holds."""
        store = self._store()
        return store.ids() if store is not None else set()

    def distinct_ids(self) -> set[str]:
        """Returns the ids of the catalog's chunks, of those with equal vectors the first's."""
        with self._lock:
            return set(self._distinct())

    def _distinct(self) -> dict[str, int]:
        """Returns those ids with their rows, by row."""
        ids = self._catalog.ids()
        return {ids[row]: row for row in np.unique(self._first_equal).tolist()}

    def all_terms(self) -> list[str]:
        """Returns the vocabulary, by number."""
        with self._lock:
            return self._catalog.vocabulary()

    def stored_vectors(self, row: int, count: int) -> tuple[Half, Parts | None]:
        """Returns the vectors (count, d) of chunks from a row on, and their sentences' parts."""
        assert self._chunks is not None  # a generation without vectors is not asked
        first = self.terms.first[row] - row  # a context before each chunk's sentences: no vector
        last = self.terms.first[row + count] - row - count
        if self._parts is None:
            return self._chunks[row : row + count], None
        begins = self._parts_first[first : last + 1]
        parts = Parts(self._parts[begins[0] : begins[-1]], np.diff(begins).astype(np.int32))
        return self._chunks[row : row + count], parts

    def first_equals(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Returns the first row with each of the rows' vectors, each once."""
        return np.unique(self._first_equal[rows])

    def vector(self, row: int) -> Vectors:
        """Returns a chunk's vector (d,); raises LookupError where there are none."""
        if self._chunks is None:
            raise LookupError(row)
        return np.asarray(self._chunks[row], np.float32)

    # --- candidates

    def find_lexical(self, terms: Sequence[str], *, limit: int) -> list[int]:
        """Returns rows of the chunks that hold any of the terms, best BM25 first."""
        return [int(row) for row in self._lexical.find(terms, limit=limit)]

    def find_dense(self, vector: Vectors, *, limit: int) -> list[int]:
        """Returns rows of the nearest chunks, nearest first; none while there are no vectors."""
        return self.find_dense_many(vector.reshape(1, -1), limit=limit)[0]

    def find_dense_many(self, vectors: Vectors, *, limit: int) -> list[list[int]]:
        """Returns the same for each of several vectors (n, d)."""
        store = self._store()
        if store is None:
            return [[] for _ in vectors]
        found = store.find_many(vectors, limit=min(limit, self.info.chunks))
        with self._lock:
            firsts = [self._catalog.rows(ids) for ids in found]
        return [self._with_equals(rows)[:limit] for rows in firsts]

    def _with_equals(self, firsts: Sequence[int]) -> list[int]:
        """Returns the rows, each followed by those whose vectors equal its own."""
        begins = np.searchsorted(self._copied, firsts, "left").tolist()
        ends = np.searchsorted(self._copied, firsts, "right").tolist()
        rows: list[int] = []
        for first, begin, end in zip(firsts, begins, ends, strict=True):
            rows += (first, *self._copies[begin:end].tolist())
        return rows

    # --- what scores are made of

    def chunks(self, rows: Sequence[int]) -> list[tuple[Chunk, str]]:
        """Returns the chunks of these rows with their text, in the order given."""
        with self._lock:
            chunks = self._catalog.chunks(rows)
        return [(c, self.text(c.source_id)[c.start : c.end]) for c in chunks]

    def similarities(
        self, rows: Sequence[int] | npt.NDArray[np.int64], vector: Vectors
    ) -> npt.NDArray[np.float32]:
        """Returns the cosine of each chunk with the vector (n,); zeros without vectors."""
        if self._chunks is None or not len(rows):
            return np.zeros(len(rows), np.float32)
        return np.asarray(self._chunks[np.asarray(rows)].astype(np.float32) @ vector)

    def context_similarities(
        self, rows: npt.NDArray[np.int64], vector: Vectors
    ) -> npt.NDArray[np.float32]:
        """Returns the cosine (n,) of each chunk joined with its neighbours in its source.

        The joined vector is the mean of up to three; zeros without vectors.
        """
        if self._chunks is None or not len(rows):
            return np.zeros(len(rows), np.float32)
        joined = self._chunks[rows].astype(np.float32)
        for step, ends in ((-1, self._begins[rows]), (1, self._begins[rows + 1])):
            inner = np.flatnonzero(~ends)
            joined[inner] += self._chunks[rows[inner] + step]
        lengths = np.linalg.norm(joined, axis=1)
        return np.asarray(joined @ vector / np.maximum(lengths, 1e-6), np.float32)

    def matches(
        self, rows: npt.NDArray[np.int64], parts: Vectors
    ) -> npt.NDArray[np.float32] | None:
        """Returns how well each sentence of the chunks matches each of a question's parts (S, t).

        That is the highest cosine among the sentence's own parts, 0 where it has none; chunk after
        chunk. None without them.
        """
        if self._parts is None:
            return None
        # a chunk's segments are its context and its sentences: row r has r contexts before it
        first, last = self.terms.first[rows] - rows, self.terms.first[rows + 1] - rows - 1
        sentences = _runs(first, last - first)
        counts = self._parts_first[sentences + 1] - self._parts_first[sentences]
        begins = self._parts_first[first]
        places = _runs(begins, self._parts_first[last] - begins)
        cosines = floats(self._parts[places]) @ parts.T
        found = np.zeros((len(counts), len(parts)), np.float32)
        filled = np.flatnonzero(counts)
        if len(filled):
            starts = (np.cumsum(counts) - counts)[filled]
            found[filled] = np.maximum.reduceat(cosines, starts, axis=0)
        return found

    def _rows_of(self, filters: Filters) -> frozenset[int]:
        with self._lock:
            return self._catalog.rows_of(filters)

    def vocabulary(self, words: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Returns (number, count of chunks) of each of the terms that the corpus holds."""
        with self._lock:
            return self._catalog.terms(words)


def _runs(starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Returns the numbers of all runs that begin and are as long as said, one after the other."""
    places = np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)
    return np.asarray(places + np.arange(len(places)))
