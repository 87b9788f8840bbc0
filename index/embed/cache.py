"""Vectors that were made once: (embedder fingerprint, passage) → its vectors, in SQLite.

Survives every generation, so that a changed file embeds only its changed chunks and an
interrupted sync goes on where it stopped.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from . import Embedded, Embedder, Passage

BATCH = 32
_READ = 500
_SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS embeddings
  (key BLOB PRIMARY KEY, vector BLOB NOT NULL, sentences BLOB) WITHOUT ROWID;
"""


class EmbeddingCache:
    """An embedder with a memory."""

    def __init__(self, path: Path, embedder: Embedder) -> None:
        """Opens or creates the cache file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._embedder = embedder
        self.fingerprint, self.dimensions = embedder.fingerprint, embedder.dimensions
        self._connection = sqlite3.connect(path, timeout=60)
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()

    def missing(self, passages: Sequence[Passage]) -> list[int]:
        """Returns the indices of the passages that have no vectors yet, equal ones once."""
        keys = [self._key(passage) for passage in passages]
        known = {key for key, _, _ in self._read(keys)}
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
                query = "INSERT OR REPLACE INTO embeddings VALUES (?, ?, ?)"
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

    def _read(self, keys: Sequence[bytes]) -> Iterator[tuple[bytes, bytes, bytes | None]]:
        for start in range(0, len(keys), _READ):
            part = keys[start : start + _READ]
            marks = ",".join("?" * len(part))
            yield from self._connection.execute(
                f"SELECT key, vector, sentences FROM embeddings WHERE key IN ({marks})", part
            )

    def _key(self, passage: Passage) -> bytes:
        place = json.dumps([self._embedder.fingerprint, passage.sentences])
        text = passage.text.encode("utf-8", "surrogatepass")
        return hashlib.sha256(place.encode() + b"\0" + text).digest()

    def _unpacked(self, vector: bytes, sentences: bytes | None, count: int) -> Embedded:
        whole = np.frombuffer(vector, "<f4").astype(np.float32)
        if sentences is None:
            return Embedded(whole, None)
        rows = np.frombuffer(sentences, "<f2").astype(np.float32)
        return Embedded(whole, rows.reshape(count, self._embedder.dimensions))


def _packed(embedded: Embedded) -> tuple[bytes, bytes | None]:
    sentences = embedded.sentences
    return (
        embedded.vector.astype("<f4").tobytes(),
        None if sentences is None else sentences.astype("<f2").tobytes(),
    )
