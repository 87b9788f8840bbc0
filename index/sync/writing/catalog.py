"""Writes the catalog of a generation: a new one, or the last one with what has changed."""

import json
import shutil
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from ...store.catalog import CHUNK, KINDS, REMOVED, SCHEMA, SOURCE
from ...types import Chunk, Source, Unit


def create_catalog(path: Path) -> sqlite3.Connection:
    """Returns a connection to a new, empty catalog; the caller commits and closes it."""
    connection = _connect(path)
    connection.executescript(SCHEMA)
    return connection


def copy_catalog(previous: Path, path: Path) -> sqlite3.Connection:
    """Returns a connection to a new copy of a catalog; the caller commits and closes it."""
    shutil.copyfile(previous, path)
    connection = _connect(path)
    connection.execute("PRAGMA secure_delete = ON")  # of a removed article no text is left
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'removed'").fetchone():
        connection.execute(REMOVED)  # it was built before there was this table
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path.absolute().as_uri(), uri=True)
    connection.execute("PRAGMA journal_mode = OFF")
    connection.execute("PRAGMA synchronous = OFF")  # fsynced as a file before it is published
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
        f"INSERT INTO chunks ({CHUNK}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
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
    fields = SOURCE.replace("metadata, notes", "?, metadata, notes")
    copy = f"INSERT INTO sources SELECT {fields}, text FROM previous.sources WHERE id = ?"
    connection.executemany(copy, ((stamp, source_id) for source_id, stamp in stamps))
    columns = CHUNK.removeprefix("row, ")
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


def remove_other_sources(connection: sqlite3.Connection, kept: Mapping[str, str]) -> None:
    """Removes all sources and their chunks but the kept: source ids with stat signatures now.

    What the vector store has of removed chunks stays in the table `removed`: ids and keys.
    """
    stamps = dict(connection.execute("SELECT id, stamp FROM sources"))
    removed = [(source_id,) for source_id in stamps if source_id not in kept]
    copy = "INSERT OR IGNORE INTO removed SELECT id, row FROM chunks WHERE source_id = ?"
    connection.executemany(copy, removed)
    connection.executemany("DELETE FROM chunks WHERE source_id = ?", removed)
    connection.executemany("DELETE FROM sources WHERE id = ?", removed)
    changed = ((now, source) for source, now in kept.items() if stamps.get(source) != now)
    connection.executemany("UPDATE sources SET stamp = ? WHERE id = ?", changed)


def change_documents(connection: sqlite3.Connection, changes: Mapping[int, int]) -> None:
    """Adds to the document frequencies of terms, by their numbers; removes those of none."""
    connection.execute("CREATE TEMP TABLE changes (id INTEGER PRIMARY KEY, documents INTEGER)")
    connection.executemany("INSERT INTO changes VALUES (?, ?)", changes.items())
    connection.execute(
        "UPDATE terms SET documents = terms.documents + changes.documents FROM changes "
        "WHERE changes.id = terms.id"
    )
    connection.execute("DELETE FROM terms WHERE documents <= 0")


def _pack(units: Sequence[Unit]) -> bytes:
    """Packs the units as numbers: start, end, kind, count of `under`, and its spans."""
    flat: list[int] = []
    for unit in units:
        flat += (unit.start, unit.end, KINDS.index(unit.kind), len(unit.under))
        for span in unit.under:
            flat += span
    return np.array(flat, "<i4").tobytes()
