"""Vectors that were made once: (embedder fingerprint, passage) → its vectors, in SQLite.

Survives every generation, so that a changed file embeds only its changed chunks and an
interrupted sync goes on where it stopped. Each row carries a digest of its vectors: one altered
on disk counts as missing, and a file that is no database any more is begun anew. What no build has
had among its passages for `KEPT_DAYS` is forgotten: vectors still say what a deleted article said.
"""

import hashlib
import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from .protocol import Embedded, Embedder, Parts, Passage

BATCH = 32
KEPT_DAYS = 30
_READ = 500
_SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA secure_delete = ON;
CREATE TABLE IF NOT EXISTS embeddings
  (key BLOB PRIMARY KEY, vector BLOB NOT NULL, sentences BLOB, digest BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS used (key BLOB PRIMARY KEY, day INTEGER NOT NULL) WITHOUT ROWID;
"""
_Row = tuple[bytes, bytes, bytes | None]


class EmbeddingCache:
    """An embedder with a memory."""

    def __init__(self, path: Path, embedder: Embedder) -> None:
        """Opens or creates the cache file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._embedder = path, embedder
        self.fingerprint, self.dimensions = embedder.fingerprint, embedder.dimensions
        self.kept = embedder.kept
        try:
            self._connection = _connected(path)
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                raise
            self._begin_anew()

    def _begin_anew(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        self._connection = _connected(self._path)

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()

    def missing(self, passages: Sequence[Passage]) -> list[int]:
        """Returns the indices of the passages that have no vectors yet, equal ones once.

        The vectors of the others stay, whatever another sync forgets.
        """
        keys = [self._key(passage) for passage in passages]
        try:
            with self._connection:
                self._note(keys)
                known = {key for key, _, _ in self._read(keys)}
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                raise
            self.close()
            self._begin_anew()
            known = set()
        first = {key: index for index, key in reversed(list(enumerate(keys))) if key not in known}
        return sorted(first.values())

    def embed(self, passages: Sequence[Passage]) -> Iterator[int]:
        """Makes and keeps the passages' vectors; yields how many it did each time.

        Passages of like length should stand together: a batch is padded to its longest.
        """
        for start in range(0, len(passages), BATCH):
            batch = passages[start : start + BATCH]
            made = self._embedder.embed_passages(batch)
            records = [
                (self._key(passage), *_packed(embedded))
                for passage, embedded in zip(batch, made, strict=True)
            ]
            with self._connection:
                query = "INSERT OR REPLACE INTO embeddings VALUES (?, ?, ?, ?)"
                self._connection.executemany(query, records)
            yield len(batch)

    def vectors(self, passages: Sequence[Passage]) -> Iterator[Embedded]:
        """Yields the kept vectors of the passages, in order; KeyError for one that has none."""
        for start in range(0, len(passages), _READ):
            part = passages[start : start + _READ]
            keys = [self._key(passage) for passage in part]
            found = {key: (vector, sentences) for key, vector, sentences in self._read(keys)}
            for key, passage in zip(keys, part, strict=True):
                yield self._unpacked(*found[key], len(passage.sentences))

    def keep(self, passages: Iterable[Passage]) -> int:
        """Notes that a build has these passages; returns how many vectors it forgot.

        Those are what no build has had for KEPT_DAYS; one that was never noted has been had today.
        """
        with self._connection:
            self._note(self._key(passage) for passage in passages)
            new = "INSERT OR IGNORE INTO used SELECT key, ? FROM embeddings"
            self._connection.execute(new, (_today(),))
            old = (_today() - KEPT_DAYS,)
            query = "DELETE FROM embeddings WHERE key IN (SELECT key FROM used WHERE day < ?)"
            forgotten = self._connection.execute(query, old).rowcount
            self._connection.execute("DELETE FROM used WHERE day < ?", old)
        return forgotten

    def _note(self, keys: Iterable[bytes]) -> None:
        query = (
            "INSERT INTO used VALUES (?, ?) "
            "ON CONFLICT (key) DO UPDATE SET day = excluded.day WHERE day < excluded.day"
        )
        today = _today()
        self._connection.executemany(query, ((key, today) for key in keys))

    def _read(self, keys: Sequence[bytes]) -> Iterator[_Row]:
        """Yields the rows of these keys whose vectors are what was written."""
        for start in range(0, len(keys), _READ):
            part = keys[start : start + _READ]
            marks = ",".join("?" * len(part))
            query = f"SELECT * FROM embeddings WHERE key IN ({marks})"
            for key, vector, sentences, digest in self._connection.execute(query, part):
                if digest == _digest(vector, sentences):
                    yield key, vector, sentences

    def _key(self, passage: Passage) -> bytes:
        place = json.dumps([self._embedder.fingerprint, passage.sentences])
        text = passage.text.encode("utf-8", "surrogatepass")
        return hashlib.sha256(place.encode() + b"\0" + text).digest()

    def _unpacked(self, vector: bytes, sentences: bytes | None, count: int) -> Embedded:
        whole = np.frombuffer(vector, "<f4").astype(np.float32)
        if sentences is None:
            return Embedded(whole, None)
        kind, width = self.kept
        counts = np.frombuffer(sentences, "<i4", count).astype(np.int32)
        rows = np.frombuffer(sentences, kind.newbyteorder("<"), offset=4 * count)
        return Embedded(whole, Parts(rows.reshape(-1, width), counts))


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=60)
    try:
        connection.executescript(_SCHEMA)
        columns = [column for _, column, *_ in connection.execute("PRAGMA table_info(embeddings)")]
        if "digest" not in columns:  # written before 2026-11-22
            connection.create_function("digest_of", 2, _digest)
            connection.execute("ALTER TABLE embeddings ADD COLUMN digest BLOB")
            connection.execute("UPDATE embeddings SET digest = digest_of(vector, sentences)")
            connection.commit()
    except BaseException:
        connection.close()
        raise
    return connection


def _today() -> int:
    """Returns the day, counted from 1970."""
    return int(time.time() // 86_400)


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    """Is it the file that is at fault, rather than a lock, a full or failing disk?"""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the primary code of an extended one
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)


def _packed(embedded: Embedded) -> tuple[bytes, bytes | None, bytes]:
    vector = embedded.vector.astype("<f4").tobytes()
    parts, sentences = embedded.parts, None
    if parts is not None:
        rows = parts.rows.astype(parts.rows.dtype.newbyteorder("<"))
        sentences = parts.counts.astype("<i4").tobytes() + rows.tobytes()
    return vector, sentences, _digest(vector, sentences)


def _digest(vector: bytes, sentences: bytes | None) -> bytes:
    return hashlib.sha256(vector + (sentences or b"")).digest()[:8]
