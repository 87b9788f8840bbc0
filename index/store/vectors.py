"""Chunk vectors behind the `VectorStore` seam: in Chroma, ids and vectors alone, or in memory.

Chroma writes to a directory it merely opens, and a kill while it persists corrupts it silently,
so a directory is built once, closed, hashed, and afterwards only opened as a private copy
(`generation.py`). Its telemetry is off and its settings explicit: it reads `.env` by itself.
What its graph loses (DECISIONS.md) is searched exactly.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from ..embed.protocol import Vectors

if TYPE_CHECKING:
    from chromadb import Collection
    from chromadb.api.client import Client

COLLECTION = "chunks"
BATCH = 1000
NEIGHBOURS, EF_CONSTRUCTION, EF_SEARCH = 24, 128, 256
"""HNSW: recall@50 of .989 on 5,000 random vectors, at 3.8 ms a query (2026-11-22)."""


class VectorStore(Protocol):
    """Finds the nearest chunks of vectors."""

    def find_many(self, vectors: Vectors, *, limit: int) -> list[list[str]]:
        """Returns the ids of the chunks nearest to each of the vectors (n, d), nearest first."""
        ...

    def ids(self) -> set[str]:
        """Returns every id it holds."""
        ...

    def close(self) -> None:
        """Lets go of files, threads and memory."""
        ...


def _client(folder: Path) -> "Client":
    import chromadb
    from chromadb.config import Settings

    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]  # pydantic's own argument: no .env is read
        anonymized_telemetry=False,
        is_persistent=True,
        persist_directory=str(folder),
        allow_reset=False,
        migrations="apply",
        chroma_otel_collection_endpoint="",
    )
    client = chromadb.PersistentClient(path=str(folder), settings=settings)
    return cast("Client", client)  # declared as its interface, which lacks close()


def build_vectors(folder: Path, ids: Sequence[str], vectors: npt.NDArray[np.floating[Any]]) -> None:
    """Writes a Chroma directory with these vectors (n, d) into an empty folder.

    They go in by id, which is as good as by chance: where vectors that are near each other go in
    together, the graph lost up to 3 % of 12,000, and none by id (2026-11-25).
    """
    folder.mkdir(parents=True)
    client = _client(folder)
    try:
        hnsw: Any = {
            "space": "cosine",
            "max_neighbors": NEIGHBOURS,
            "ef_construction": EF_CONSTRUCTION,
            "ef_search": EF_SEARCH,
            "sync_threshold": max(len(ids), 2),
        }
        collection = client.create_collection(
            COLLECTION, embedding_function=None, configuration={"hnsw": hnsw}
        )
        order = sorted(range(len(ids)), key=ids.__getitem__)
        _add(collection, [ids[place] for place in order], vectors[order])
    finally:
        client.close()


def change_vectors(
    folder: Path, *, gone: Sequence[str], ids: Sequence[str], vectors: npt.NDArray[np.floating[Any]]
) -> None:
    """Removes and adds ids in a Chroma directory that nobody else opens."""
    client = _client(folder)
    try:
        collection = client.get_collection(COLLECTION, embedding_function=None)
        for start in range(0, len(gone), BATCH):
            collection.delete(ids=list(gone[start : start + BATCH]))
        _add(collection, ids, vectors)
    finally:
        client.close()


def _add(
    collection: "Collection", ids: Sequence[str], vectors: npt.NDArray[np.floating[Any]]
) -> None:
    for start in range(0, len(ids), BATCH):
        part = slice(start, start + BATCH)
        collection.add(ids=list(ids[part]), embeddings=np.asarray(vectors[part], np.float32))


class ChromaVectors:
    """An open Chroma directory."""

    def __init__(self, folder: Path) -> None:
        """Opens a private, writable copy."""
        self._client = _client(folder)
        self._collection = self._client.get_collection(COLLECTION, embedding_function=None)

    def find_many(self, vectors: Vectors, *, limit: int) -> list[list[str]]:
        """Returns the ids of the chunks nearest to each of the vectors (n, d), nearest first."""
        if not limit:
            return [[] for _ in vectors]
        found = self._collection.query(query_embeddings=vectors, n_results=limit, include=[])
        return list(found["ids"])

    def ids(self) -> set[str]:
        """Returns every id it holds."""
        return set(self._collection.get(include=[])["ids"])

    def close(self) -> None:
        """Lets go of files, threads and memory (45 MB a directory otherwise)."""
        self._client.close()


class ExactVectors:
    """All vectors in memory, each compared with what is looked for.

    110,000 of 384 dimensions: 169 MB and 16 ms a query; as float16 on disk 73 ms (2026-11-25).
    """

    def __init__(self, ids: Sequence[str], vectors: npt.NDArray[np.floating[Any]]) -> None:
        """`vectors` (n, d) are those of the ids, of unit length."""
        self._ids = list(ids)
        self._vectors = vectors.astype(np.float32)

    def find_many(self, vectors: Vectors, *, limit: int) -> list[list[str]]:
        """Returns the ids of the chunks nearest to each of the vectors (n, d), nearest first."""
        kept = min(limit, len(self._ids))
        found = []
        for away in -(vectors @ self._vectors.T):
            nearest = np.argpartition(away, kept - 1)[:kept]
            found.append([self._ids[place] for place in nearest[np.argsort(away[nearest])]])
        return found

    def ids(self) -> set[str]:
        """Returns every id it holds."""
        return set(self._ids)

    def close(self) -> None:
        """Lets go of the memory."""
        del self._vectors
