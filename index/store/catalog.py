"""The SQLite catalog of a generation: sources with their text, chunks, units, vocabulary.

Everything else can be rebuilt from it. Written once by the sync (`sync/writing/catalog.py`), then
opened read-only and immutable. The column `row` of a chunk is its key (`files/growing.py`).
"""

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..filters import matches
from ..types import Chunk, Filters, Source, Unit, UnitKind
from .files.growing import RowKeys

Ints = npt.NDArray[np.int64]

REMOVED = "CREATE TABLE removed (id TEXT PRIMARY KEY, row INTEGER NOT NULL) WITHOUT ROWID"
SCHEMA = f"""
{REMOVED};
CREATE TABLE sources (id TEXT PRIMARY KEY, path TEXT UNIQUE NOT NULL, title TEXT NOT NULL,
  sha256 TEXT NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, length INTEGER NOT NULL,
  stamp TEXT NOT NULL, metadata TEXT NOT NULL, notes TEXT NOT NULL,
  text TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE chunks (row INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, source_id TEXT NOT NULL,
  start INTEGER NOT NULL, end INTEGER NOT NULL, heading TEXT, page INTEGER,
  units BLOB NOT NULL);
CREATE INDEX chunks_by_source ON chunks (source_id, start);
CREATE TABLE terms (term TEXT PRIMARY KEY, id INTEGER NOT NULL, documents INTEGER NOT NULL)
  WITHOUT ROWID;
"""
SOURCE = "id, path, title, sha256, size, mtime_ns, length, metadata, notes"
CHUNK = "row, id, source_id, start, end, units, heading, page"
KINDS: tuple[UnitKind, ...] = ("sentence", "heading", "row", "item", "code", "field")
"""A kind is stored as its index."""
MAX_OFFSET = 2**31
"""No text is as long."""


def _unpack(packed: bytes) -> tuple[Unit, ...]:
    numbers = iter(np.frombuffer(packed, "<i4").tolist())
    return tuple(
        Unit(start, end, KINDS[kind], tuple((next(numbers), next(numbers)) for _ in range(count)))
        for start, end, kind, count in zip(numbers, numbers, numbers, numbers, strict=False)
    )


def _chunk(record: Sequence[object], row: int) -> Chunk:
    values: list[Any] = list(record)  # the columns' types are the schema's
    _, chunk_id, source_id, start, end, packed, heading, page = values
    return Chunk(row, chunk_id, source_id, start, end, _unpack(packed), heading, page)


def _source(record: Sequence[object]) -> Source:
    values: list[Any] = list(record)  # the columns' types are the schema's
    source_id, path, title, sha256, size, mtime_ns, length, metadata, notes = values
    stored = json.loads(metadata), tuple(json.loads(notes))
    return Source(source_id, path, title, sha256, size, mtime_ns, length, *stored)


class Catalog:
    """An open catalog, read-only; safe to use from several threads."""

    def __init__(self, path: Path, keys: RowKeys) -> None:
        """Opens the catalog without file locks: its file never changes."""
        self._keys = keys
        self._connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
        )
        self._lock = threading.Lock()
        self._has_removed = bool(self._select("SELECT 1 FROM sqlite_master WHERE name = 'removed'"))

    def close(self) -> None:
        """Closes the file."""
        with self._lock:  # closing SQLite under a reader crashes the process
            self._connection.close()

    def _select(self, query: str, parameters: Sequence[object] = ()) -> list[Any]:
        with self._lock:
            return self._connection.execute(query, parameters).fetchall()

    def _select_in(self, query: str, values: Sequence[object]) -> Iterator[Any]:
        """Yields the records of a query that ends in IN, within SQLite's limit of parameters."""
        for start in range(0, len(values), 500):
            batch = values[start : start + 500]
            yield from self._select(f"{query} ({','.join('?' * len(batch))})", batch)

    def counts(self) -> tuple[int, int]:
        """Returns the numbers of sources and chunks."""
        query = "SELECT (SELECT count(*) FROM sources), (SELECT count(*) FROM chunks)"
        ((sources, chunks),) = self._select(query)
        return sources, chunks

    # --- sources

    def sources(self, *, after: str | None = None, limit: int = -1) -> list[Source]:
        """Returns the sources by path, those after a path if given; all if `limit` is −1."""
        query = f"SELECT {SOURCE} FROM sources WHERE path > ? ORDER BY path LIMIT ?"
        return [_source(record) for record in self._select(query, (after or "", limit))]

    def all_sources(self) -> dict[str, tuple[Source, str]]:
        """Returns every source with its file's stat signature, by path."""
        stamps = dict(self._select("SELECT path, stamp FROM sources"))
        return {source.path: (source, stamps[source.path]) for source in self.sources()}

    def source(self, source_id: str) -> Source | None:
        """Returns the source with this id, or None."""
        records = self._select(f"SELECT {SOURCE} FROM sources WHERE id = ?", (source_id,))
        return _source(records[0]) if records else None

    def text(self, source_id: str) -> str:
        """Returns a source's text; raises KeyError."""
        for (text,) in self._select("SELECT text FROM sources WHERE id = ?", (source_id,)):
            return str(text)
        raise KeyError(source_id)

    # --- chunks, by row

    def _numbered(self, records: Sequence[Any]) -> list[Chunk]:
        """Returns the chunks of records, each with its row."""
        rows = self._keys.rows([record[0] for record in records]).tolist()
        return [_chunk(record, row) for record, row in zip(records, rows, strict=True)]

    def chunks(self, rows: Sequence[int]) -> list[Chunk]:
        """Returns the chunks of these rows, in this order."""
        query = f"SELECT {CHUNK} FROM chunks WHERE row IN"
        records = list(self._select_in(query, self._keys.of(rows).tolist()))
        chunks = {chunk.row: chunk for chunk in self._numbered(records)}
        return [chunks[row] for row in rows]

    def source_chunks(
        self, source_id: str, *, start: int = 0, end: int = MAX_OFFSET
    ) -> list[Chunk]:
        """Returns a source's chunks in reading order, those between two offsets only."""
        query = (
            f"SELECT {CHUNK} FROM chunks WHERE source_id = ? AND start < ? AND end > ? "
            "ORDER BY start"
        )
        return self._numbered(self._select(query, (source_id, end, start)))

    def chunk_at(self, source_id: str, offset: int) -> Chunk | None:
        """Returns the chunk of a source that contains a character offset, or None."""
        query = (
            f"SELECT {CHUNK} FROM chunks WHERE source_id = ? AND start <= ? "
            "ORDER BY start DESC LIMIT 1"
        )
        chunks = self._numbered(self._select(query, (source_id, offset)))
        return next((chunk for chunk in chunks if offset < chunk.end), None)

    def first_keys(self, ids: Sequence[str]) -> Ints:
        """Returns the keys of these chunk ids, in this order; unknown ids are left out.

        The ids are the vector store's, which has those of chunks that were removed since it was
        built. If such a chunk came back, its first key is meant.
        """
        keys = dict(self._select_in("SELECT id, row FROM chunks WHERE id IN", ids))
        if self._has_removed:
            keys |= self._select_in("SELECT id, row FROM removed WHERE id IN", ids)
        return np.array([keys[chunk_id] for chunk_id in ids if chunk_id in keys], np.int64)

    def first_ids(self) -> dict[int, str]:
        """Returns the id of each key, those of chunks that were removed included."""
        ids = dict(self._select("SELECT row, id FROM chunks"))
        if self._has_removed:
            ids |= self._select("SELECT row, id FROM removed")
        return ids

    def keys(self) -> Ints:
        """Returns every chunk's key, ascending."""
        keys = self._select("SELECT row FROM chunks ORDER BY row")
        return np.array(keys, np.int64).reshape(-1)

    def ids(self) -> list[str]:
        """Returns every chunk's id, by row."""
        ids = [chunk_id for (chunk_id,) in self._select("SELECT id FROM chunks ORDER BY row")]
        if len(ids) != len(self._keys):
            raise ValueError(f"{len(ids)} chunks have {len(self._keys)} keys")
        place_of = np.empty(len(ids), np.int64)  # among the keys in their order
        place_of[np.argsort(self._keys.keys)] = np.arange(len(ids))
        return [ids[place] for place in place_of.tolist()]

    @cached_property
    def source_rows(self) -> dict[str, range]:
        """The rows of each source's chunks, which are consecutive, by source id."""
        records = self._select(
            "SELECT source_id, min(row), count(*) FROM chunks GROUP BY source_id"
        )
        first = self._keys.rows([key for _, key, _ in records]).tolist()
        return {
            source_id: range(row, row + count)
            for (source_id, _, count), row in zip(records, first, strict=True)
        }

    def rows_matching(self, filters: Filters) -> frozenset[int]:
        """Returns the rows of the chunks of sources that match the filters."""
        return frozenset(
            row
            for source_id, path, metadata in self._select("SELECT id, path, metadata FROM sources")
            if matches(filters, path, json.loads(metadata))
            for row in self.source_rows.get(source_id, ())
        )

    # --- terms

    def terms(self, terms: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Returns (number, document frequency) of each of the terms that the corpus contains."""
        records = self._select_in("SELECT * FROM terms WHERE term IN", terms)
        return {term: (number, documents) for term, number, documents in records}

    def vocabulary(self) -> list[str]:
        """Returns every term, in the order of their numbers."""
        return [term for (term,) in self._select("SELECT term FROM terms ORDER BY id")]

    def numbered_terms(self) -> tuple[list[str], list[int]]:
        """Returns each number's term and its document frequency: "" and 0 if it has none now."""
        size = self.vocabulary_size()
        terms, frequencies = [""] * size, [0] * size
        for term, number, documents in self._select("SELECT term, id, documents FROM terms"):
            terms[number], frequencies[number] = term, documents
        return terms, frequencies

    def document_frequencies(self) -> list[int]:
        """Returns the number of chunks that contain each term, by the term's number."""
        return self.numbered_terms()[1]

    def vocabulary_size(self) -> int:
        """Returns the number of terms that have been numbered: each has a number below it."""
        ((size,),) = self._select("SELECT coalesce(max(id) + 1, 0) FROM terms")
        return int(size)
