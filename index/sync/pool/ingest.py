"""How a sync reads files and embeds passages: in its own process, or on the workers of a pool."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from ...embed.cache import EmbeddingCache
from ...embed.packed import EmbeddedBatch, PackedVectors
from ...embed.pool import DaskPool, LocalPool
from ...embed.protocol import ChunkText
from ...object_store import ObjectStore
from ..changes import NewFile, read_here
from ..process import OnEvent, SyncRequest
from ..sandbox import ChunkedDocument
from .embedding import embed_on_pool
from .packs import EmbeddingPacks
from .reading import read_on_pool
from .tasks import IngestTasks


class Ingest:
    """Reads and embeds for one sync; with a bucket it embeds nothing that is there.

    Raises PoolUnavailable, WorkerFailed and SharedUnavailable; what is embedded by then is kept.
    """

    def __init__(self, request: SyncRequest, emit: OnEvent) -> None:
        self._request, self._emit = request, emit
        self._pool = DaskPool(request.pool, self._on_workers) if request.pool else None
        self._store = ObjectStore(request.shared) if request.shared else None
        self._packs = EmbeddingPacks(self._store, request.collection) if self._store else None

    def close(self) -> None:
        """Ends the connection to the scheduler."""
        if self._pool:
            self._pool.close()

    @property
    def workers(self) -> int | None:
        """The number of workers; None where there is no pool."""
        return max(self._pool.workers, 0) if self._pool else None

    def _on_workers(self, number: int) -> None:
        lost = {"cause": "does not answer; waiting"} if number < 0 else {}
        workers = max(number, 0)
        self._emit({"event": "pool", "scheduler": self._request.pool, "workers": workers, **lost})

    def read_files(
        self, files: Iterator[NewFile]
    ) -> Generator[tuple[NewFile, ChunkedDocument | str], None, None]:
        """Yields each file with its text and chunks, or why it cannot be read, in any order."""
        return read_on_pool(self._pool, files) if self._pool else read_here(files)

    def restore(self, cache: EmbeddingCache, chunks: Sequence[ChunkText]) -> list[ChunkText]:
        """Returns the texts whose vectors are neither cached nor in the bucket, shortest first."""
        missing = [chunks[index] for index in cache.missing(chunks)]
        if missing and self._packs and self._packs.restore(cache, missing):
            missing = [chunks[index] for index in cache.missing(chunks)]
        return sorted(missing, key=lambda chunk: len(chunk.text))

    def embed(
        self, cache: EmbeddingCache, chunks: Sequence[ChunkText]
    ) -> Iterator[Sequence[ChunkText]]:
        """Computes the vectors of texts; yields each batch that is stored."""
        if not self._pool and not self._packs:
            return cache.embed(chunks)
        return cache.embed(chunks, partial(self._embed_tasks, cache))

    def _embed_tasks(
        self, cache: EmbeddingCache, chunks: Sequence[ChunkText]
    ) -> Iterator[EmbeddedBatch]:
        here = IngestTasks(lambda: cache.embedder, self._store)
        pool = self._pool or LocalPool({"embed": here.embed})

        def share(task_key: str, rows: Sequence[PackedVectors], is_shared: bool) -> None:
            if self._packs:
                name = self._packs.name(task_key, cache.fingerprint)
                if not is_shared:
                    self._packs.save(name, rows)
                cache.remember_pack(name, [row.key for row in rows])

        collection = self._request.collection
        return embed_on_pool(pool, cache.format, collection, chunks, share)

    def evict_unused(self, cache: EmbeddingCache) -> None:
        """Removes from the bucket what the cache has evicted."""
        if self._packs:
            self._packs.evict_unused(cache)


@contextmanager
def open_ingest(request: SyncRequest, emit: OnEvent) -> Iterator[Ingest]:
    """Yields what reads and embeds for the sync; raises SettingInvalid for a missing library."""
    ingest = Ingest(request, emit)
    try:
        yield ingest
    finally:
        ingest.close()
