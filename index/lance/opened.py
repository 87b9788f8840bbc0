"""An open Lance generation, as retrieval sees it (`store/opened.py`): two reads a question.

`candidates` asks the full-text and the vector index, `evidence` takes the packed columns of the
rows found. The tables may stay in a bucket: then a source's text is hashed when it is first read,
and one that differs is an error, never a quote.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ..embed.protocol import Vectors
from ..errors import GenerationDamaged
from ..store.bm25 import Floats, Ints, inverse_frequencies
from ..store.catalog import MAX_OFFSET
from ..store.manifest import GenerationRef, Manifest, check_files, generation_folder, read_manifest
from ..store.opened import CandidateQuery, Rows
from ..store.private_copy import PrivateCopy
from ..store.text_cache import TextCache
from ..types import NO_FILTERS, Chunk, Filters, GenerationInfo, Source
from .checked import forget_checked
from .passages import PassageTable, is_panic, read_checked
from .schema import DATASET, PASSAGES, TEXTS, read_state
from .sources import SourceTable, text_sha256
from .tables import OpenFiles, new_session, open_table
from .vocabulary import Vocabulary

MAX_EXACT_ROWS = 2000
"""Filtered chunks are all scored up to this number."""
OVERSAMPLING = 2.0
"""So many times as many candidates as the share of allowed chunks asks for are searched for."""
FILTER_CACHE_SIZE = 16


def is_in_dataset(name: str) -> bool:
    """Does a file of the manifest stay in the bucket where a generation is read in place?"""
    return name.startswith(f"{DATASET}/")


class LanceGeneration:
    """An open generation; safe to use from several threads; `close` it when no thread reads it."""

    def __init__(
        self,
        collection_folder: Path,
        ref: GenerationRef,
        *,
        is_hashed: bool = False,
        bucket: str | None = None,
    ) -> None:
        """Checks every hash, unless this process has just computed them, and opens it.

        `bucket`: the URL under which the tables lie, unless they are on this machine.
        Raises GenerationDamaged, SettingInvalid without the extra.
        """
        self.folder = generation_folder(collection_folder, ref.generation)
        self.manifest: Manifest = read_manifest(self.folder, ref.manifest_sha256)
        bucket = None if (self.folder / DATASET).is_dir() else bucket
        if not is_hashed:
            try:
                check_files(self.folder, self.manifest, is_absent=is_in_dataset if bucket else None)
            except GenerationDamaged:
                forget_checked(collection_folder)
                raise
        self.info: GenerationInfo = self.manifest.info()
        session = new_session()
        self._private = PrivateCopy()
        self._files: OpenFiles | None = None
        try:
            self._open(session, bucket)
        except BaseException as error:
            self.close()
            if isinstance(error, Exception) or is_panic(error):
                raise self._damaged(error) from error
            raise

    def _open(self, session: Any, bucket: str | None) -> None:
        self.state = read_state(self.folder)
        if bucket is None:
            self._files = OpenFiles(self.folder / DATASET, self._private.folder / DATASET)
            bucket = str(self._private.folder / DATASET)
        self.source_table = SourceTable(self.folder)
        self.texts = open_table(f"{bucket}/{TEXTS}", self.state.texts, session)
        self.passages = passages = PassageTable(
            self.folder,
            open_table(f"{bucket}/{PASSAGES}", self.state.passages, session),
            self.source_table,
            self.state,
            dimensions=self.manifest.dimensions if self.info.complete else 0,
        )
        self.terms = Vocabulary(self.folder)
        self.text: Callable[[str], str] = TextCache(self._text)
        self.rows_matching = lru_cache(FILTER_CACHE_SIZE)(self.source_table.rows_matching)
        self.find_lexical, self.find_dense = passages.find_lexical, passages.find_dense
        self.evidence, self.chunk_terms = passages.evidence, passages.chunk_terms
        self.similarities, self.chunk_vectors = passages.similarities, passages.chunk_vectors
        self.vector_batches = passages.vector_batches
        self.count_documents, self.term_counts = passages.count_documents, passages.term_counts

    def _damaged(self, error: BaseException) -> GenerationDamaged:
        if isinstance(error, GenerationDamaged):
            return error
        return GenerationDamaged(self.folder, f"{type(error).__name__}: {error}")

    def close(self) -> None:
        """Closes all files and removes the private copy."""
        if self._files is not None:
            self._files.close()
        self._private.close()

    def warm(self) -> None:
        """Opens what is otherwise opened by the first question; raises GenerationDamaged."""
        rows = self.source_table.rows[:1]
        if not len(rows):
            return
        try:
            ((chunk, _),) = self.chunks(rows.tolist())
            self.find_lexical([chunk.id], limit=1)  # opens the index
            self.evidence(rows)
            if self.info.complete and not self.find_dense(self.vector(chunk.row), limit=1):
                raise LookupError("no vector is found")
        except GenerationDamaged:
            raise
        except Exception as error:  # Lance raises many kinds on files that it cannot open
            raise self._damaged(error) from error

    # --- tables

    def _text(self, source_id: str) -> str:
        stored = self.source_table.get(source_id)
        if stored is None:
            raise KeyError(source_id)
        table = read_checked(
            self.folder, lambda: self.texts._take_rows([stored.text_row], columns=["text"])
        )
        texts = table["text"].to_pylist()
        if not texts or text_sha256(texts[0]) != stored.text_sha256:
            raise GenerationDamaged(self.folder, f"the text of {stored.source.path} was altered")
        return str(texts[0])

    # --- sources

    def source(self, source_id: str) -> Source | None:
        """Returns the source with this id, or None."""
        stored = self.source_table.get(source_id)
        return stored.source if stored else None

    def sources(self, *, after: str | None = None, limit: int = -1) -> list[Source]:
        """Returns the sources by path, those after a path if given; all if `limit` is −1."""
        return self.source_table.after(after, limit)

    def all_sources(self) -> Mapping[str, tuple[Source, str]]:
        """Returns every source with its file's stat signature, by path."""
        return {entry.source.path: (entry.source, entry.stamp) for entry in self.source_table.all}

    @cached_property
    def source_rows(self) -> Mapping[str, range]:
        """The rows of each source's chunks, which are consecutive, by source id."""
        return {entry.source.id: entry.rows for entry in self.source_table.all if entry.rows}

    # --- chunks

    def chunks(self, rows: Sequence[int]) -> list[tuple[Chunk, str]]:
        """Returns the chunks of these rows with their text, in this order."""
        chunks = self.passages.chunks(np.array(rows, np.int64))
        texts = [(chunk, self.text(chunk.source_id)) for chunk in chunks]
        for chunk, text in texts:
            if not 0 <= chunk.start <= chunk.end <= len(text):
                raise GenerationDamaged(self.folder, f"passage {chunk.row} is not in its source")
        return [(chunk, text[chunk.start : chunk.end]) for chunk, text in texts]

    def neighbours(self, chunk: Chunk, before: int, after: int) -> list[Chunk]:
        """Returns the chunk with up to so many before and after it in its source, in order."""
        own = self._rows_of(chunk.source_id)
        first, last = max(own.start, chunk.row - before), min(own.stop, chunk.row + after + 1)
        return self.passages.chunks(np.arange(first, last))

    def sample(self, count: int) -> list[tuple[Chunk, str]]:
        """Returns up to `count` chunks with their text, evenly spread; the first for 1."""
        return self.chunks(self.sample_rows(count).tolist())

    def sample_rows(self, count: int) -> Ints:
        """Returns up to `count` rows, evenly spread."""
        rows = self.source_table.rows
        places = np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(np.int64)
        return rows[np.unique(places)]

    def _rows_of(self, source_id: str) -> range:
        stored = self.source_table.get(source_id)
        return stored.rows if stored else range(0)

    def passage_count(self, source_id: str) -> int:
        """Returns the number of a source's chunks; 0 for an unknown one."""
        return len(self._rows_of(source_id))

    def source_chunks(
        self, source_id: str, *, start: int = 0, end: int = MAX_OFFSET
    ) -> list[Chunk]:
        """Returns a source's chunks in reading order, those between two offsets only."""
        own = self._rows_of(source_id)
        chunks = self.passages.chunks(np.arange(own.start, own.stop))
        return [chunk for chunk in chunks if chunk.start < end and chunk.end > start]

    def chunk_at(self, source_id: str, offset: int) -> Chunk | None:
        """Returns the chunk of a source that contains a character offset, or None."""
        chunks = [chunk for chunk in self.source_chunks(source_id) if chunk.start <= offset]
        return chunks[-1] if chunks and offset < chunks[-1].end else None

    # --- candidates

    @property
    def embedder(self) -> str:
        """The fingerprint of the model of its vectors; empty without vectors."""
        return self.manifest.embedder

    def vocabulary(self, terms: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Returns (id, document frequency) of each of the terms that the corpus contains."""
        entries = ((term, self.terms.get(term)) for term in terms)
        return {term: entry for term, entry in entries if entry and entry[1]}

    def idf(self, document_frequencies: Sequence[int]) -> Floats:
        """Returns BM25's idf of terms."""
        return inverse_frequencies(document_frequencies, self.info.chunks)

    def document_frequencies(self) -> Sequence[int]:
        """Returns the number of chunks that contain each term, by the term's id."""
        counts: list[int] = self.terms.counts(self.state.next_term).tolist()
        return counts

    def find_dense_many(self, vectors: Vectors, *, limit: int) -> list[list[int]]:
        """Returns rows of the chunks nearest to each of several vectors (n, d), nearest first."""
        return [self.find_dense(vector, limit=limit) for vector in vectors]

    def candidates(
        self, query: CandidateQuery, *, limit: int, filters: Filters, within: Rows | None = None
    ) -> Ints:
        """Returns rows of filtered sources, ascending: the best `limit` by words and by vector.

        All of them where the filters leave no more than twice as many. `within` (rows,) says of
        each row whether it may be among them.
        """
        if filters == NO_FILTERS and within is None:
            return self._search(query, limit=limit)
        rows = self.all_rows() if filters == NO_FILTERS else self.rows_matching(filters)
        if within is not None:
            rows = rows[within[rows]]
        if len(rows) > MAX_EXACT_ROWS:
            share = len(rows) / self.info.chunks
            many = min(MAX_EXACT_ROWS, int(OVERSAMPLING * limit / share))
            rows = np.intersect1d(rows, self._search(query, limit=many))
        if len(rows) <= 2 * limit:
            return rows
        terms = self.chunk_terms(rows)
        bm25 = terms.bm25(terms.positions(query.term_ids).frequencies(), query.idf)
        dense = self.similarities(rows, query.vector)
        best = [np.argsort(-score, kind="stable")[:limit] for score in (bm25, dense)]
        return rows[np.union1d(*best)]

    def _search(self, query: CandidateQuery, *, limit: int) -> Ints:
        lexical = self.find_lexical(query.terms, limit=limit)
        dense = self.find_dense(query.vector, limit=limit)
        return np.unique(np.array(lexical + dense, np.int64))

    # --- what verification compares

    def vector(self, row: int) -> Vectors:
        """Returns a chunk's vector (d,)."""
        return np.asarray(self.chunk_vectors(np.array([row]))[0], np.float32)

    def all_rows(self) -> Ints:
        """Returns every row, ascending."""
        return self.source_table.rows
