"""The embedding cache: (embedder fingerprint, chunk text, spans of units) → vectors, in SQLite.

It outlives every generation, so a changed file embeds only its changed chunks and an interrupted
sync resumes where it stopped. Each row has a digest of its vectors: a row altered on disk counts as
missing, and a file that is no longer a database is recreated. Vectors that no build has used for
`RETENTION_DAYS` are evicted, since they still reveal what a deleted article said.
"""

import hashlib
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from .packed import EmbedBatches, PackedVectors, VectorFormat, digest_of, embed_here
from .protocol import ChunkText, ChunkVectors, Embedder

RETENTION_DAYS = 30
_READ_SIZE = 500
_SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA secure_delete = ON;
CREATE TABLE IF NOT EXISTS embeddings
  (key BLOB PRIMARY KEY, vector BLOB NOT NULL, sentences BLOB, digest BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS used (key BLOB PRIMARY KEY, day INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS packs (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS packed (key BLOB PRIMARY KEY, pack INTEGER NOT NULL) WITHOUT ROWID;
"""
_Row = tuple[bytes, bytes, bytes]


class EmbeddingCache:
    """An embedder with a persistent cache."""

    def __init__(self, path: Path, embedder: Embedder) -> None:
        """Opens or creates the cache file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self.embedder = path, embedder
        self.format = VectorFormat(embedder)
        self.fingerprint, self.dimensions = embedder.fingerprint, embedder.dimensions
        try:
            self._connection = _connect(path)
        except sqlite3.DatabaseError as error:
            if not _is_corruption(error):
                raise
            self._recreate()

    def _recreate(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        self._connection = _connect(self._path)

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()

    def missing(self, chunks: Sequence[ChunkText]) -> list[int]:
        """Returns the indices of the chunks that are not cached; of equal chunks the first.

        Marks all of them as used, so a concurrent sync does not evict them.
        """
        keys = [self.format.key(chunk) for chunk in chunks]
        try:
            with self._connection:
                self._mark_used(keys)
                cached = {key for key, _, _ in self._read(keys)}
        except sqlite3.DatabaseError as error:
            if not _is_corruption(error):
                raise
            self.close()
            self._recreate()
            cached = set()
        first = {key: index for index, key in reversed(list(enumerate(keys))) if key not in cached}
        return sorted(first.values())

    def embed(
        self, chunks: Sequence[ChunkText], embed_batches: EmbedBatches | None = None
    ) -> Iterator[Sequence[ChunkText]]:
        """Embeds the chunks and stores their vectors; yields each batch that is stored.

        Sort the chunks by length: a batch is padded to its longest. `embed_batches` does it
        elsewhere than in this process, and has checked what it yields.
        """
        batches = embed_batches(chunks) if embed_batches else embed_here(self.embedder, chunks)
        for batch in batches:
            self.store(batch.rows)
            yield batch.chunks

    def store(self, rows: Iterable[PackedVectors]) -> None:
        """Stores rows that are checked."""
        with self._connection:
            query = "INSERT OR REPLACE INTO embeddings VALUES (?, ?, ?, ?)"
            self._connection.executemany(query, rows)

    def known_packs(self) -> set[str]:
        """Returns the names of the packs in the bucket whose keys are known."""
        return {name for (name,) in self._connection.execute("SELECT name FROM packs")}

    def packs_of(self, keys: Iterable[bytes]) -> set[str]:
        """Returns the names of the known packs that hold any of these keys."""
        query = "SELECT name FROM packed JOIN packs ON pack = id WHERE key = ?"
        read = self._connection.execute
        return {name for key in keys for (name,) in read(query, (key,))}

    def remember_pack(self, name: str, keys: Iterable[bytes]) -> None:
        """Remembers which keys a pack holds."""
        with self._connection:
            self._connection.execute("INSERT OR IGNORE INTO packs (name) VALUES (?)", (name,))
            query = "INSERT OR REPLACE INTO packed SELECT ?, id FROM packs WHERE name = ?"
            self._connection.executemany(query, ((key, name) for key in keys))

    def forget_pack(self, name: str) -> None:
        """Forgets a pack that is no longer in the bucket."""
        with self._connection:
            where = "(SELECT id FROM packs WHERE name = ?)"
            self._connection.execute(f"DELETE FROM packed WHERE pack = {where}", (name,))
            self._connection.execute("DELETE FROM packs WHERE name = ?", (name,))

    def cached_keys(self, keys: Iterable[bytes]) -> set[bytes]:
        """Returns those of the keys that are cached."""
        query = "SELECT key FROM embeddings WHERE key = ?"
        read = self._connection.execute
        return {found for key in keys for (found,) in read(query, (key,))}

    def vectors(self, chunks: Sequence[ChunkText]) -> Iterator[ChunkVectors]:
        """Yields the cached vectors of the chunks, in order; raises KeyError for a missing one."""
        for start in range(0, len(chunks), _READ_SIZE):
            batch = chunks[start : start + _READ_SIZE]
            keys = [self.format.key(chunk) for chunk in batch]
            rows = {key: (vector, words) for key, vector, words in self._read(keys)}
            for key, chunk in zip(keys, batch, strict=True):
                yield self.format.unpack(*rows[key], len(chunk.units))

    def evict_unused(self, used: Iterable[ChunkText]) -> int:
        """Marks the chunks of a build as used, and returns the number of evicted vectors.

        Evicted is what no build has used for RETENTION_DAYS; what was never marked counts as used
        today.
        """
        with self._connection:
            self._mark_used(self.format.key(chunk) for chunk in used)
            unmarked = "INSERT OR IGNORE INTO used SELECT key, ? FROM embeddings"
            self._connection.execute(unmarked, (_today(),))
            limit = (_today() - RETENTION_DAYS,)
            query = "DELETE FROM embeddings WHERE key IN (SELECT key FROM used WHERE day < ?)"
            evicted = self._connection.execute(query, limit).rowcount
            self._connection.execute("DELETE FROM used WHERE day < ?", limit)
        return evicted

    def is_eviction_due(self, collection: str) -> bool:
        """Returns whether the texts of the collection were not marked as used today.

        What is embedded later the same day is marked by `missing`.
        """
        query = "SELECT day FROM used WHERE key = ?"
        found = self._connection.execute(query, (_collection_key(collection),)).fetchone()
        return found is None or found[0] < _today()

    def mark_evicted(self, collection: str) -> None:
        """Marks that `evict_unused` has had all texts of the collection today."""
        with self._connection:
            self._mark_used([_collection_key(collection)])

    def _mark_used(self, keys: Iterable[bytes]) -> None:
        query = (
            "INSERT INTO used VALUES (?, ?) "
            "ON CONFLICT (key) DO UPDATE SET day = excluded.day WHERE day < excluded.day"
        )
        today = _today()
        self._connection.executemany(query, ((key, today) for key in keys))

    def _read(self, keys: Sequence[bytes]) -> Iterator[_Row]:
        """Yields the rows of these keys whose digest is right."""
        for start in range(0, len(keys), _READ_SIZE):
            batch = keys[start : start + _READ_SIZE]
            query = f"SELECT * FROM embeddings WHERE key IN ({','.join('?' * len(batch))})"
            for key, vector, words, digest in self._connection.execute(query, batch):
                if words is not None and digest == digest_of(vector, words):
                    yield key, vector, words


def _collection_key(collection: str) -> bytes:
    return hashlib.sha256(b"collection\0" + collection.encode()).digest()


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=60)
    try:
        connection.executescript(_SCHEMA)
        columns = [column for _, column, *_ in connection.execute("PRAGMA table_info(embeddings)")]
        if "digest" not in columns:  # written before 2026-11-22
            connection.create_function("digest_of", 2, digest_of)
            connection.execute("ALTER TABLE embeddings ADD COLUMN digest BLOB")
            connection.execute("UPDATE embeddings SET digest = digest_of(vector, sentences)")
            connection.commit()
    except BaseException:
        connection.close()
        raise
    return connection


def _today() -> int:
    """Returns the number of days since 1970."""
    return int(time.time() // 86_400)


def _is_corruption(error: sqlite3.DatabaseError) -> bool:
    """Is the file at fault, rather than a lock, or a full or failing disk?"""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the primary code of an extended one
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)
