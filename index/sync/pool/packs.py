"""Vectors in the bucket, so that no machine embeds what another one has.

A pack, `collections/NAME/embeddings/MODEL/TASK`, holds the rows of one task's texts and is written
once (If-None-Match). Before a sync embeds anything it reads the packs that hold what it lacks;
which keys a pack holds is remembered in the embedding cache. A damaged pack is removed, and counts
as missing. Packs lose the rows that no build has used for as long as the cache keeps them.
"""

import hashlib
import logging
import struct
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from ...embed.cache import RETENTION_DAYS, EmbeddingCache
from ...embed.packed import PackedVectors
from ...embed.protocol import ChunkText
from ...object_store import ObjectStore

log = logging.getLogger("footnote.sync")

PARALLEL_READS = 8
_MAGIC = b"footnote vectors 1\n"
_ROW = struct.Struct("<32s8sII")
"""A row's key, its digest, and the sizes in bytes of its vector and words, which follow."""


class EmbeddingPacks:
    """The packs of one collection."""

    def __init__(self, store: ObjectStore, collection: str) -> None:
        self._store, self._prefix = store, f"collections/{collection}/embeddings"

    def folder(self, fingerprint: str) -> str:
        """Returns where the packs of a model are."""
        return f"{self._prefix}/{hashlib.sha256(fingerprint.encode()).hexdigest()[:32]}"

    def name(self, key: str, fingerprint: str) -> str:
        """Returns the key of a task's pack in the bucket."""
        return f"{self.folder(fingerprint)}/{key}"

    def load(self, name: str) -> list[PackedVectors] | None:
        """Returns a pack's rows, unchecked but for its form; None where there is none.

        Raises SharedUnavailable.
        """
        try:
            data, _ = self._store.get(name)
        except KeyError:
            return None
        try:
            return list(_decode(data))
        except (ValueError, struct.error):
            self._remove(name)
            return None

    def _remove(self, name: str) -> None:
        log.warning("removed a damaged pack of vectors, %s", name)
        self._store.delete(name)

    def save(self, name: str, rows: Sequence[PackedVectors]) -> None:
        """Writes a pack unless it is there; raises SharedUnavailable."""
        self._store.put_new(name, _encode(rows))

    def restore(self, cache: EmbeddingCache, chunks: Sequence[ChunkText]) -> int:
        """Stores the vectors of these texts that the bucket has, and returns their number."""
        wanted = {cache.format.key(chunk): chunk for chunk in chunks}
        known = cache.known_packs()
        listed = [found.key for found in self._store.list(self.folder(cache.fingerprint))]
        names = [name for name in listed if name not in known]
        names += sorted(cache.packs_of(wanted) & set(listed))
        restored = 0
        for name, rows in zip(names, self._load_all(names), strict=True):
            if rows is None:
                continue
            of_wanted = [(row, wanted[row.key]) for row in rows if row.key in wanted]
            if any(cache.format.fault(row, chunk) for row, chunk in of_wanted):
                self._remove(name)
                continue
            cache.store(row for row, _ in of_wanted)
            cache.remember_pack(name, [row.key for row in rows])
            restored += len(of_wanted)
        return restored

    def _load_all(self, names: Sequence[str]) -> Iterator[list[PackedVectors] | None]:
        with ThreadPoolExecutor(PARALLEL_READS) as threads:
            yield from threads.map(self.load, names)

    def evict_unused(self, cache: EmbeddingCache) -> int:
        """Removes from old packs the rows that the cache has evicted; returns how many packs."""
        limit, changed = datetime.now(UTC) - timedelta(days=RETENTION_DAYS), 0
        for found in list(self._store.list(self.folder(cache.fingerprint))):
            if found.modified > limit or (rows := self.load(found.key)) is None:
                continue
            cached = cache.cached_keys(row.key for row in rows)
            kept = [row for row in rows if row.key in cached]
            if len(kept) == len(rows):
                continue
            if kept:
                name = self.name(task_key(row.key for row in kept), cache.fingerprint)
                self.save(name, kept)
                cache.remember_pack(name, [row.key for row in kept])
            self._store.delete(found.key)
            cache.forget_pack(found.key)
            changed += 1
        return changed


def task_key(keys: Iterable[bytes]) -> str:
    """Returns the key of the task whose texts have these keys."""
    return hashlib.sha256(b"".join(keys)).hexdigest()


def _encode(rows: Sequence[PackedVectors]) -> bytes:
    parts = [_MAGIC]
    for row in rows:
        parts.append(_ROW.pack(row.key, row.digest, len(row.vector), len(row.words)))
        parts += (row.vector, row.words)
    content = b"".join(parts)
    return content + hashlib.sha256(content).digest()


def _decode(data: bytes) -> Iterator[PackedVectors]:
    """Yields the rows of a pack; raises ValueError or struct.error where it is damaged."""
    content, checksum = data[:-32], data[-32:]
    if not content.startswith(_MAGIC) or hashlib.sha256(content).digest() != checksum:
        raise ValueError("not a pack of vectors")
    place = len(_MAGIC)
    while place < len(content):
        key, digest, vector_size, words_size = _ROW.unpack_from(content, place)
        middle = place + _ROW.size + vector_size
        place, start = middle + words_size, place + _ROW.size
        if place > len(content):
            raise ValueError("a row is cut off")
        yield PackedVectors(key, content[start:middle], content[middle:place], digest)
