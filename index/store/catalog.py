"""The SQLite catalog of a generation: sources with their text, chunks, units, vocabulary.

Everything else can be rebuilt from it. Written once by the sync, then opened read-only and
immutable.
"""

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..filters import matches
from ..types import Chunk, Filters, Source, Unit, UnitKind

_SCHEMA = """
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
_SOURCE = "id, path, title, sha256, size, mtime_ns, length, metadata, notes"
_CHUNK = "row, id, source_id, start, end, units, heading, page"
_KINDS: tuple[UnitKind, ...] = ("sentence", "heading", "row", "item", "code", "field")
"""A kind is stored as its index."""
MAX_OFFSET = 2**31
"""No text is as long."""


def create_catalog(path: Path) -> sqlite3.Connection:
    """Returns a connection to a new, empty catalog; the caller commits and closes it."""
    connection = sqlite3.connect(path.absolute().as_uri(), uri=True)
    connection.execute("PRAGMA journal_mode = OFF")
    connection.execute("PRAGMA synchronous = OFF")  # fsynced as a file before it is published
    connection.executescript(_SCHEMA)
    return connection


def add_source(connection: sqlite3.Connection, source: Source, *, stamp: str, text: str) -> None:
    """Adds a source; `stamp` is the file's stat signature."""
    connection.execute(
        "INSERT INTO sources VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(source.id, source.path, source.title, source.sha256, source.size),
            *(source.mtime_ns, source.length, stamp),
            json.dumps(dict(source.metadata), ensure_ascii=False),
            json.dumps(source.notes, ensure_ascii=False),
            text,
        ),
    )


def add_chunks(connection: sqlite3.Connection, chunks: Iterable[Chunk]) -> None:
    """Adds chunks with their units."""
    connection.executemany(
        f"INSERT INTO chunks ({_CHUNK}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (c.row, c.id, c.source_id, c.start, c.end, _pack(c.units), c.heading, c.page)
            for c in chunks
        ),
    )


def copy_sources(
    connection: sqlite3.Connection,
    previous: Path,
    *,
    stamps: Iterable[tuple[str, str]],
    shifts: Iterable[tuple[range, int]],
) -> None:
    """Copies sources and chunks from the catalog `previous`.

    `stamps` are (source id, its file's stat signature now), `shifts` are runs of rows there and
    what is added to each.
    """
    older = f"{previous.absolute().as_uri()}?mode=ro&immutable=1"
    connection.execute("ATTACH ? AS previous", (older,))
    fields = _SOURCE.replace("metadata, notes", "?, metadata, notes")
    copy = f"INSERT INTO sources SELECT {fields}, text FROM previous.sources WHERE id = ?"
    connection.executemany(copy, ((stamp, source_id) for source_id, stamp in stamps))
    columns = _CHUNK.removeprefix("row, ")
    copy = (
        f"INSERT INTO chunks (row, {columns}) SELECT row + ?, {columns} FROM previous.chunks "
        "WHERE row BETWEEN ? AND ?"
    )
    runs = ((shift, rows.start, rows.stop - 1) for rows, shift in shifts)
    connection.executemany(copy, runs)
    connection.commit()
    connection.execute("DETACH previous")


def add_terms(connection: sqlite3.Connection, terms: Iterable[tuple[str, int, int]]) -> None:
    """Adds the vocabulary: term, number, document frequency (in chunks)."""
    connection.executemany("INSERT INTO terms VALUES (?, ?, ?)", terms)


def _pack(units: Sequence[Unit]) -> bytes:
    """Packs the units as numbers: start, end, kind, count of `under`, and its spans."""
    flat: list[int] = []
    for unit in units:
        flat += (unit.start, unit.end, _KINDS.index(unit.kind), len(unit.under))
        for span in unit.under:
            flat += span
    return np.array(flat, "<i4").tobytes()


def _unpack(packed: bytes) -> tuple[Unit, ...]:
    numbers = iter(np.frombuffer(packed, "<i4").tolist())
    return tuple(
        Unit(start, end, _KINDS[kind], tuple((next(numbers), next(numbers)) for _ in range(count)))
        for start, end, kind, count in zip(numbers, numbers, numbers, numbers, strict=False)
    )


def _chunk(record: Sequence[object]) -> Chunk:
    values: list[Any] = list(record)  # the columns' types are the schema's
    row, chunk_id, source_id, start, end, packed, heading, page = values
    return Chunk(row, chunk_id, source_id, start, end, _unpack(packed), heading, page)


def _source(record: Sequence[object]) -> Source:
    values: list[Any] = list(record)  # the columns' types are the schema's
    source_id, path, title, sha256, size, mtime_ns, length, metadata, notes = values
    stored = json.loads(metadata), tuple(json.loads(notes))
    return Source(source_id, path, title, sha256, size, mtime_ns, length, *stored)


class Catalog:
    """An open catalog, read-only; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        """Opens the catalog without file locks: its file never changes."""
        self._connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
        )
        self._lock = threading.Lock()

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
        query = f"SELECT {_SOURCE} FROM sources WHERE path > ? ORDER BY path LIMIT ?"
        return [_source(record) for record in self._select(query, (after or "", limit))]

    def all_sources(self) -> dict[str, tuple[Source, str]]:
        """Returns every source with its file's stat signature, by path."""
        stamps = dict(self._select("SELECT path, stamp FROM sources"))
        return {source.path: (source, stamps[source.path]) for source in self.sources()}

    def source(self, source_id: str) -> Source | None:
        """Returns the source with this id, or None."""
        records = self._select(f"SELECT {_SOURCE} FROM sources WHERE id = ?", (source_id,))
        return _source(records[0]) if records else None

    def text(self, source_id: str) -> str:
        """Returns a source's text; raises KeyError."""
        for (text,) in self._select("SELECT text FROM sources WHERE id = ?", (source_id,)):
            return str(text)
        raise KeyError(source_id)

    # --- chunks, by row

    def chunks(self, rows: Sequence[int]) -> list[Chunk]:
        """Returns the chunks of these rows, in this order."""
        query = f"SELECT {_CHUNK} FROM chunks WHERE row IN"
        chunks = {record[0]: _chunk(record) for record in self._select_in(query, rows)}
        return [chunks[row] for row in rows]

    def source_chunks(
        self, source_id: str, *, start: int = 0, end: int = MAX_OFFSET
    ) -> list[Chunk]:
        """Returns a source's chunks in reading order, those between two offsets only."""
        query = (
            f"SELECT {_CHUNK} FROM chunks WHERE source_id = ? AND start < ? AND end > ? "
            "ORDER BY start"
        )
        return [_chunk(record) for record in self._select(query, (source_id, end, start))]

    def chunk_at(self, source_id: str, offset: int) -> Chunk | None:
        """Returns the chunk of a source that contains a character offset, or None."""
        query = (
            f"SELECT {_CHUNK} FROM chunks WHERE source_id = ? AND start <= ? "
            "ORDER BY start DESC LIMIT 1"
        )
        chunks = map(_chunk, self._select(query, (source_id, offset)))
        return next((chunk for chunk in chunks if offset < chunk.end), None)

    def rows(self, ids: Sequence[str]) -> list[int]:
        """Returns the rows of these chunk ids, in this order; unknown ids are left out."""
        rows = dict(self._select_in("SELECT id, row FROM chunks WHERE id IN", ids))
        return [rows[chunk_id] for chunk_id in ids if chunk_id in rows]

    def ids(self) -> list[str]:
        """Returns every chunk's id, by row."""
        return [chunk_id for (chunk_id,) in self._select("SELECT id FROM chunks ORDER BY row")]

    @cached_property
    def source_rows(self) -> dict[str, range]:
        """The rows of each source's chunks, which are consecutive, by source id."""
        query = "SELECT source_id, min(row), max(row) FROM chunks GROUP BY source_id"
        return {source_id: range(a, b + 1) for source_id, a, b in self._select(query)}

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
        """Returns every term, by its number."""
        return [term for (term,) in self._select("SELECT term FROM terms ORDER BY id")]

    def document_frequencies(self) -> list[int]:
        """Returns the number of chunks that contain each term, by the term's number."""
        return [count for (count,) in self._select("SELECT documents FROM terms ORDER BY id")]

    def vocabulary_size(self) -> int:
        """Returns the number of distinct terms in the corpus."""
        ((size,),) = self._select("SELECT count(*) FROM terms")
        return int(size)
