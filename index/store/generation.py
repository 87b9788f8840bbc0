"""One generation, open for reading: candidates, the material of scores, sources and their text.

Every hash of the manifest is checked first. Chroma and tantivy write even when they only read, so
they get a private copy; the generation itself stays byte-identical and may be read-only.
"""

import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..embed.protocol import Vectors, WordVectors
from ..errors import GenerationDamaged
from ..types import Chunk, Filters, GenerationInfo, Source
from .bm25 import TermIndex
from .candidates import CandidateIndex
from .catalog import Catalog
from .manifest import Current, check_files, generation_folder, read_manifest
from .private_copy import PrivateCopy
from .scoring import Floats, Half, Ints, StoredVectors
from .vectors import ExactVectors, VectorStore, open_vectors

CATALOG, CANDIDATE_INDEX, VECTORS = "catalog.sqlite3", "lexical", "vectors"
DUPLICATES = "equal.npy"
"""For each row the first one with an equal vector; the vector store has only that one."""
TEXT_CACHE_SIZE = 64
SOURCE_CACHE_SIZE = 1024
FILTER_CACHE_SIZE = 16


class Generation:
    """An open generation; safe to use from several threads; `close` it when no thread reads it."""

    def __init__(self, collection_folder: Path, current: Current) -> None:
        """Checks every hash and opens it; raises GenerationDamaged.

        `private_folder` is its private copy, removed when it is closed.
        """
        self.folder = generation_folder(collection_folder, current.generation)
        self.manifest = read_manifest(self.folder, current.manifest_sha256)
        check_files(self.folder, self.manifest)
        self.info: GenerationInfo = self.manifest.info()
        self._lock = threading.Lock()
        self._private = PrivateCopy()
        self.private_folder = self._private.folder
        try:
            self._open()
        except Exception as error:
            self._private.close()
            raise GenerationDamaged(self.folder, f"{type(error).__name__}: {error}") from error
        self.text = lru_cache(TEXT_CACHE_SIZE)(self._text)
        self.source = lru_cache(SOURCE_CACHE_SIZE)(self._source)
        self.rows_matching = lru_cache(FILTER_CACHE_SIZE)(self._rows_matching)

    def _open(self) -> None:
        self._catalog = Catalog(self.folder / CATALOG)
        candidates = self._private.link_tree(self.folder / CANDIDATE_INDEX, CANDIDATE_INDEX)
        self._candidates = CandidateIndex(candidates)
        vocabulary_size = self._catalog.vocabulary_size()
        self.term_index = TermIndex(self.folder, vocabulary_size=vocabulary_size)
        self._stored: StoredVectors | None = None
        self._vector_store: VectorStore | None = None
        if self.info.complete:
            self._stored = StoredVectors(
                self.folder,
                first_segments=self.term_index.first_segments,
                source_starts=[rows.start for rows in self._catalog.source_rows.values()],
            )
            self._first_equal: Ints = np.load(self.folder / DUPLICATES)
            duplicates = np.flatnonzero(self._first_equal != np.arange(self.info.chunks))
            order = np.argsort(self._first_equal[duplicates], kind="stable")
            self._duplicates = duplicates[order]
            self._duplicate_of = self._first_equal[self._duplicates]

    def close(self) -> None:
        """Closes all files and removes the private copy."""
        if self._vector_store is not None:
            self._vector_store.close()
        with self._lock:  # closing SQLite under a reader crashes the process
            self._catalog.close()
        self._private.close()
        # these caches refer to this object, and it to its mapped files: without this the files
        # would stay open, and use disk space, until the next full garbage collection
        del self.text, self.source, self.rows_matching

    def warm(self) -> None:
        """Opens what is otherwise opened by the first question; raises GenerationDamaged.

        Afterwards the generation can be read even if its files are removed: Chroma loads its HNSW
        graph at the first query.
        """
        try:
            has_vectors = self._stored is not None and self.info.chunks > 0
            if has_vectors and not self.find_dense(self.vector(0), limit=1):
                raise LookupError("no vector is found")
        except Exception as error:  # Chroma raises many kinds on a directory it cannot open
            raise GenerationDamaged(self.folder, f"{type(error).__name__}: {error}") from error

    def _open_vector_store(self) -> VectorStore | None:
        """Returns the vector store, opened on first use; None without vectors."""
        with self._lock:
            if self._vector_store is None and self._stored is not None and self.info.chunks:
                if self.info.exact:
                    rows = self._distinct_rows()
                    vectors = self._stored.chunks[list(rows.values())]
                    self._vector_store = ExactVectors(list(rows), vectors)
                else:
                    self._vector_store = open_vectors(self.folder / VECTORS, self._private)
            return self._vector_store

    # --- sources and chunks

    def sources(self, *, after: str | None, limit: int) -> list[Source]:
        """Returns up to `limit` sources by path, starting after the path `after`."""
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

    def chunks(self, rows: Sequence[int]) -> list[tuple[Chunk, str]]:
        """Returns the chunks of these rows with their text, in this order."""
        with self._lock:
            chunks = self._catalog.chunks(rows)
        return [(c, self.text(c.source_id)[c.start : c.end]) for c in chunks]

    def _rows_matching(self, filters: Filters) -> frozenset[int]:
        with self._lock:
            return self._catalog.rows_matching(filters)

    def vocabulary(self, terms: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Returns (number, document frequency) of each of the terms that the corpus contains."""
        with self._lock:
            return self._catalog.terms(terms)

    def all_terms(self) -> list[str]:
        """Returns the vocabulary, by number."""
        with self._lock:
            return self._catalog.vocabulary()

    # --- candidates

    def find_lexical(self, terms: Sequence[str], *, limit: int) -> list[int]:
        """Returns rows of the chunks that contain any of the terms, best BM25 first."""
        return [int(row) for row in self._candidates.search(terms, limit=limit)]

    def find_dense(self, vector: Vectors, *, limit: int) -> list[int]:
        """Returns rows of the nearest chunks, nearest first; none while there are no vectors."""
        return self.find_dense_many(vector.reshape(1, -1), limit=limit)[0]

    def find_dense_many(self, vectors: Vectors, *, limit: int) -> list[list[int]]:
        """Returns the same for each of several vectors (n, d)."""
        store = self._open_vector_store()
        if store is None:
            return [[] for _ in vectors]
        hits = store.find_many(vectors, limit=min(limit, self.info.chunks))
        with self._lock:
            rows = [self._catalog.rows(ids) for ids in hits]
        return [self._with_duplicates(nearest)[:limit] for nearest in rows]

    def _with_duplicates(self, distinct: Sequence[int]) -> list[int]:
        """Returns the rows, each followed by those with an equal vector."""
        starts = np.searchsorted(self._duplicate_of, distinct, "left").tolist()
        ends = np.searchsorted(self._duplicate_of, distinct, "right").tolist()
        rows: list[int] = []
        for row, start, end in zip(distinct, starts, ends, strict=True):
            rows += (row, *self._duplicates[start:end].tolist())
        return rows

    # --- vectors and scores

    def vector(self, row: int) -> Vectors:
        """Returns a chunk's vector (d,); raises LookupError without vectors."""
        if self._stored is None:
            raise LookupError(row)
        return np.asarray(self._stored.chunks[row], np.float32)

    def stored_vectors(self, row: int, count: int) -> tuple[Half, WordVectors]:
        """Returns the vectors (count, d) of chunks from a row on, and their word vectors."""
        assert self._stored is not None  # callers check that the generation is complete
        return self._stored.read(row, count)

    def similarities(self, rows: Sequence[int] | Ints, vector: Vectors) -> Floats:
        """Returns the cosine of each chunk with the vector (n,); zeros without vectors."""
        if self._stored is None or not len(rows):
            return np.zeros(len(rows), np.float32)
        return self._stored.similarities(np.asarray(rows), vector)

    def context_similarities(self, rows: Ints, vector: Vectors) -> Floats:
        """Returns the cosine (n,) of the mean of each chunk and its neighbours in its source.

        Zeros without vectors.
        """
        if self._stored is None or not len(rows):
            return np.zeros(len(rows), np.float32)
        return self._stored.context_similarities(rows, vector)

    def max_similarities(self, rows: Ints, query_words: Vectors) -> Floats | None:
        """Returns (S, t): each sentence's highest cosine with each word of the question (MaxSim).

        Sentences come chunk by chunk; one without words has 0. None without word vectors.
        """
        if self._stored is None:
            return None
        return self._stored.max_similarities(rows, query_words)

    # --- what verification compares

    def counts(self) -> tuple[int, int]:
        """Returns the catalog's numbers of sources and chunks."""
        with self._lock:
            return self._catalog.counts()

    def lexical_count(self) -> int:
        """Returns the number of chunks in the candidate index."""
        return len(self._candidates)

    def vector_ids(self) -> set[str]:
        """Returns the chunk ids in the vector store."""
        store = self._open_vector_store()
        return store.ids() if store is not None else set()

    def distinct_ids(self) -> set[str]:
        """Returns the ids of the catalog's chunks; of chunks with equal vectors the first's."""
        with self._lock:
            return set(self._distinct_rows())

    def _distinct_rows(self) -> dict[str, int]:
        ids = self._catalog.ids()
        return {ids[row]: row for row in np.unique(self._first_equal).tolist()}

    def first_equals(self, rows: Ints) -> Ints:
        """Returns the first row with each of the rows' vectors, without repetition."""
        return np.unique(self._first_equal[rows])
