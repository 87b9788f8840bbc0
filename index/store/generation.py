"""One generation, open for reading: candidates, the material of scores, sources and their text.

Every hash of the manifest is checked first. Chroma and tantivy write even when they only read, so
they get a private copy; the generation itself stays byte-identical and may be read-only.
"""

import threading
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..embed.protocol import Vectors
from ..errors import GenerationDamaged
from ..types import NO_FILTERS, Chunk, Filters, GenerationInfo
from .bm25 import ChunkTerms, TermIndex, read_keys
from .candidates import CandidateIndex
from .catalog import Catalog
from .manifest import GenerationRef, check_files, generation_folder, read_manifest
from .opened import CandidateQuery, Evidence, Rows
from .private_copy import PrivateCopy
from .scoring import Half, Ints, StoredVectors
from .text_cache import TextCache
from .vectors import ExactVectors, VectorStore, open_vectors

CATALOG, CANDIDATE_INDEX, VECTORS = "catalog.sqlite3", "lexical", "vectors"
DUPLICATES = "equal.npy"
"""For each row the first with an equal vector: the vector store is deduplicated to these."""
MAX_EXACT_ROWS = 2000
"""Filtered chunks are all scored up to this number."""
OVERSAMPLING = 1.2
"""So many times as many candidates as the share of allowed chunks asks for are searched for."""
BATCH_ROWS = 20_000
"""Chunks whose vectors are in memory at a time in an exact search of all."""
SOURCE_CACHE_SIZE = 1024
FILTER_CACHE_SIZE = 16


class Generation:
    """An open generation; safe to use from several threads; `close` it when no thread reads it."""

    def __init__(
        self, collection_folder: Path, ref: GenerationRef, *, is_hashed: bool = False
    ) -> None:
        """Checks every hash, unless this process has just computed them, and opens it.

        Raises GenerationDamaged. `private_folder` is its private copy, removed when it is closed.
        """
        self.folder = generation_folder(collection_folder, ref.generation)
        self.manifest = read_manifest(self.folder, ref.manifest_sha256)
        if not is_hashed:
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

    def _open(self) -> None:
        self.keys = read_keys(self.folder)
        self._catalog = catalog = Catalog(self.folder / CATALOG, self.keys)
        candidates = self._private.link_tree(self.folder / CANDIDATE_INDEX, CANDIDATE_INDEX)
        self._candidates = CandidateIndex(candidates)
        self.vocabulary_size = catalog.vocabulary_size()
        self.term_index = TermIndex(self.folder, self.keys, vocabulary_size=self.vocabulary_size)
        starts = [rows.start for rows in catalog.source_rows.values()]
        self._vectors = vectors = StoredVectors(self.folder, self.term_index, source_starts=starts)
        self._vector_store: VectorStore | None = None
        self._added_vectors: ExactVectors | None = None
        self.added_rows: Ints = np.flatnonzero(self.keys.keys >= self.first_keys)
        """The rows that the vector store lacks: their vectors are compared one by one."""
        if self.info.complete:
            self._first_equal: Ints = np.load(self.folder / DUPLICATES, mmap_mode="r")
            duplicates = np.flatnonzero(self._first_equal != np.arange(len(self._first_equal)))
            order = np.argsort(self._first_equal[duplicates], kind="stable")
            self._duplicates = duplicates[order]
            self._duplicate_of = self._first_equal[self._duplicates]
        # what is read through a generation; none of it refers back to the generation, so its files
        # are closed as soon as it is
        self.sources, self.all_sources = catalog.sources, catalog.all_sources
        self.source = lru_cache(SOURCE_CACHE_SIZE)(catalog.source)
        self.text = TextCache(catalog.text)
        self.source_chunks, self.chunk_at = catalog.source_chunks, catalog.chunk_at
        self.rows_matching = lru_cache(FILTER_CACHE_SIZE)(catalog.rows_matching)
        self.vocabulary, self.all_terms = catalog.terms, catalog.vocabulary
        self.numbered_terms = catalog.numbered_terms
        self.document_frequencies = catalog.document_frequencies
        self.source_rows, self.chunk_ids = catalog.source_rows, catalog.ids
        self.catalog_keys = catalog.keys
        self.vector, self.stored_vectors = vectors.vector, vectors.read
        self.count_documents, self.term_counts = (
            self.term_index.count_documents,
            self.term_index.lengths,
        )
        self.chunk_vectors, self.arrays = vectors.chunk_vectors, vectors
        self.idf, self.similarities = self.term_index.idf, vectors.similarities
        self.context_similarities = vectors.context_similarities
        self.heading_similarities = vectors.heading_similarities
        self.max_similarities = vectors.max_similarities

    def close(self) -> None:
        """Closes all files and removes the private copy."""
        if self._vector_store is not None:
            self._vector_store.close()
        self._catalog.close()
        self._private.close()

    def warm(self) -> None:
        """Opens what is otherwise opened by the first question; raises GenerationDamaged.

        Afterwards the generation can be read even if its files are removed: Chroma loads its HNSW
        graph at the first query.
        """
        try:
            has_vectors = self.info.complete and self.info.chunks > 0
            if has_vectors and not self.find_dense(self.vector(0), limit=1):
                raise LookupError("no vector is found")
        except Exception as error:  # Chroma raises many kinds on a directory it cannot open
            raise GenerationDamaged(self.folder, f"{type(error).__name__}: {error}") from error

    def _open_vector_store(self) -> VectorStore | None:
        """Returns the vector store, opened on first use; None without vectors."""
        with self._lock:
            if self._vector_store is None and self.info.complete and self.info.chunks:
                if len(rows := self.added_rows):
                    vectors = self.chunk_vectors(rows)
                    self._added_vectors = ExactVectors([str(row) for row in rows], vectors)
                if self.info.exact:
                    ids = self._distinct_ids()
                    vectors = self.arrays.by_key(np.array(list(ids), np.int64))
                    self._vector_store = ExactVectors(list(ids.values()), vectors)
                else:
                    self._vector_store = open_vectors(self.folder / VECTORS, self._private)
            return self._vector_store

    def chunks(self, rows: Sequence[int]) -> list[tuple[Chunk, str]]:
        """Returns the chunks of these rows with their text, in this order."""
        chunks = self._catalog.chunks(rows)
        return [(c, self.text(c.source_id)[c.start : c.end]) for c in chunks]

    def passage_count(self, source_id: str) -> int:
        """Returns the number of a source's chunks; 0 for an unknown one."""
        return len(self.source_rows.get(source_id, ()))

    def neighbours(self, chunk: Chunk, before: int, after: int) -> list[Chunk]:
        """Returns the chunk with up to so many before and after it in its source, in order."""
        own = self.source_rows[chunk.source_id]
        first, last = max(own.start, chunk.row - before), min(own.stop, chunk.row + after + 1)
        return self._catalog.chunks(range(first, last))

    def sample(self, count: int) -> list[tuple[Chunk, str]]:
        """Returns up to `count` chunks with their text, evenly spread; the first for 1."""
        chunks = self.info.chunks
        rows = np.linspace(0, chunks - 1, min(count, chunks)).astype(np.int64)
        return self.chunks(np.unique(rows).tolist())

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
        removed = self.first_keys - (self.info.chunks - len(self.added_rows))
        fetched = min(limit + min(limit, removed), self.first_keys)
        hits = [
            self._with_duplicates(self._catalog.first_keys(ids))[:limit]
            for ids in store.find_many(vectors, limit=fetched)
        ]
        if self._added_vectors is None:
            return hits
        added = self._added_vectors.find_many(vectors, limit=limit)
        return [
            self._nearest(vector, [*first, *map(int, later)], limit)
            for vector, first, later in zip(vectors, hits, added, strict=True)
        ]

    def _nearest(self, vector: Vectors, rows: list[int], limit: int) -> list[int]:
        """Returns the nearest of the rows, nearest first."""
        order = np.argsort(-self.similarities(rows, vector), kind="stable")[:limit]
        return [rows[place] for place in order.tolist()]

    def _with_duplicates(self, distinct: Ints) -> list[int]:
        """Returns the rows of the keys, each followed by those with an equal vector."""
        starts = np.searchsorted(self._duplicate_of, distinct, "left").tolist()
        ends = np.searchsorted(self._duplicate_of, distinct, "right").tolist()
        keys: list[int] = []
        for key, start, end in zip(distinct.tolist(), starts, ends, strict=True):
            keys += (key, *self._duplicates[start:end].tolist())
        return [row for row in self.keys.rows(keys).tolist() if row >= 0]

    # --- what retrieval reads (`opened.OpenGeneration`)

    @property
    def embedder(self) -> str:
        """The fingerprint of the model of its vectors; empty without vectors."""
        return self.manifest.embedder

    def candidates(
        self, query: CandidateQuery, *, limit: int, filters: Filters, within: Rows | None = None
    ) -> Ints:
        """Returns rows of filtered sources, ascending: the best `limit` by words and by vector.

        All of them where the filters leave no more than twice as many. `within` (rows,) says of
        each row whether it may be among them.
        """
        if filters == NO_FILTERS and within is None:
            return np.array(sorted(self._search(query, limit=limit)), np.int64)
        allowed = self._matching(filters, within)
        rows = np.flatnonzero(allowed)
        if len(rows) > MAX_EXACT_ROWS:
            share = len(rows) / max(len(allowed), 1)
            found = self._search(
                query, limit=min(MAX_EXACT_ROWS, int(OVERSAMPLING * limit / share))
            )
            rows = np.array(sorted(found), np.int64)
            rows = rows[allowed[rows]]
        if len(rows) <= 2 * limit:
            return rows
        terms = self.term_index.read(rows)
        bm25 = terms.bm25(terms.positions(query.term_ids).frequencies(), query.idf)
        dense = self.similarities(rows, query.vector)
        best = [np.argsort(-score, kind="stable")[:limit] for score in (bm25, dense)]
        return rows[np.union1d(*best)]

    def _matching(self, filters: Filters, within: Rows | None) -> Rows:
        """Returns of each row whether the filters and `within` leave it."""
        if filters == NO_FILTERS and within is not None:
            return within
        allowed = np.zeros(self.info.chunks, bool)
        allowed[list(self.rows_matching(filters))] = True
        return allowed if within is None else allowed & within

    def _search(self, query: CandidateQuery, *, limit: int) -> set[int]:
        lexical = self.find_lexical(query.terms, limit=limit)
        return {*lexical, *self.find_dense(query.vector, limit=limit)}

    def chunk_terms(self, rows: Ints) -> ChunkTerms:
        """Returns the terms of the chunks, in one batch."""
        return self.term_index.read(rows)

    def evidence(self, rows: Ints) -> Evidence:
        """Returns what the scores of the chunks are made of, in one batch."""
        return Evidence(rows, self.term_index.read(rows), self._vectors.gather(rows))

    # --- what verification compares

    def all_rows(self) -> Ints:
        """Returns every row, ascending."""
        return np.arange(self.info.chunks)

    def vector_batches(self) -> Iterator[Half]:
        """Yields the vectors (n, d) of all chunks."""
        for start in range(0, self.info.chunks, BATCH_ROWS):
            yield self.chunk_vectors(np.arange(start, min(start + BATCH_ROWS, self.info.chunks)))

    def counts(self) -> tuple[int, int]:
        """Returns the catalog's numbers of sources and chunks."""
        return self._catalog.counts()

    def lexical_count(self) -> int:
        """Returns the number of chunks in the candidate index."""
        return len(self._candidates)

    @property
    def first_keys(self) -> int:
        """The number of chunks in the first file of each array, those since removed included."""
        return len(self.term_index.first_segments.first) - 1

    @property
    def candidate_keys(self) -> int:
        """The number of keys in the candidate index, those of removed chunks included."""
        return self._candidates.keys

    def vector_ids(self) -> set[str]:
        """Returns the chunk ids in the vector store."""
        store = self._open_vector_store()
        return store.ids() if store is not None else set()

    def distinct_ids(self) -> set[str]:
        """Returns the ids that the vector store should have: of equal vectors the first's."""
        return set(self._distinct_ids().values())

    def _distinct_ids(self) -> dict[int, str]:
        """Returns these by their keys; chunks that were removed since it was built included."""
        ids = self._catalog.first_ids()
        return {int(key): ids[int(key)] for key in np.unique(self._first_equal)}

    def first_equals(self, rows: Ints) -> Ints:
        """Returns a row with each of the rows' vectors, without repetition."""
        keys = self.keys.of(rows)
        first, is_first = rows.copy(), keys < self.first_keys
        first[is_first] = self.keys.rows(self._first_equal[keys[is_first]])
        return np.unique(np.where(first < 0, rows, first))
