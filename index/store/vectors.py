"""The vector store of a generation: Chroma's HNSW graph (ids and vectors alone), or exact search.

Chroma writes to a directory it only opens, and a kill while it persists corrupts it silently, so a
directory is built once, closed, hashed, and afterwards opened as a private copy only. Its telemetry
is off and its settings explicit: it reads `.env` by itself. Vectors that its graph loses
(DECISIONS.md) are searched exactly, and so are those that came after it was built. Another store
needs another `VectorStore`, and its branch in `build_vectors` and `open_vectors`.
"""

import math
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from ..embed.protocol import Vectors
from .private_copy import PrivateCopy

if TYPE_CHECKING:
    from chromadb import Collection
    from chromadb.api.client import Client

COLLECTION, DATABASE = "chunks", "chroma.sqlite3"
BATCH_SIZE = 1000
MAX_NEIGHBORS, EF_CONSTRUCTION, EF_SEARCH = 24, 128, 256
"""HNSW: recall@50 of .989 on 5,000 random vectors, at 3.8 ms a query (2026-11-22)."""
EF_SEARCH_ROWS = 25_000
"""From this number of rows on, `ef_search` grows with its square root."""


def ef_search(rows: int) -> int:
    """Returns how many candidates HNSW keeps during a query among so many rows.

    Of 124,535 passages 256 find .981 of the 100 nearest to questions, 512 .993, 1,024 .998, for 2
    and 6 ms more (2026-11-28).
    """
    return round(EF_SEARCH * math.sqrt(max(1.0, rows / EF_SEARCH_ROWS)))


class VectorStore(Protocol):
    """Nearest-neighbour search over the chunks' vectors."""

    def find_many(self, vectors: Vectors, *, limit: int) -> list[list[str]]:
        """Returns the ids nearest by cosine to each of the vectors (n, d), nearest first."""

    def ids(self) -> set[str]:
        """Returns all ids."""

    def close(self) -> None:
        """Releases files, threads and memory."""


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
    """Writes a Chroma directory with these vectors (n, d) into a new folder.

    They are inserted in the order of their ids, which is as good as random: when similar vectors
    are inserted together, the graph loses up to 3 % of 12,000, and none by id (2026-11-25).
    """
    folder.mkdir(parents=True)
    client = _client(folder)
    try:
        hnsw: Any = {
            "space": "cosine",
            "max_neighbors": MAX_NEIGHBORS,
            "ef_construction": EF_CONSTRUCTION,
            "ef_search": ef_search(len(ids)),
            "sync_threshold": max(len(ids), 2),
        }
        collection = client.create_collection(
            COLLECTION, embedding_function=None, configuration={"hnsw": hnsw}
        )
        order = sorted(range(len(ids)), key=ids.__getitem__)
        _add(collection, [ids[place] for place in order], vectors[order])
    finally:
        client.close()
    _reclaim_space(folder)


def _reclaim_space(folder: Path) -> None:
    """Gives back what Chroma's log of vectors took in its SQLite file: 92 % after a build."""
    with closing(sqlite3.connect(folder / DATABASE)) as database:
        ((free,),) = database.execute("PRAGMA freelist_count")
        ((pages,),) = database.execute("PRAGMA page_count")
        if 2 * free > pages:
            database.execute("VACUUM")


def _add(
    collection: "Collection", ids: Sequence[str], vectors: npt.NDArray[np.floating[Any]]
) -> None:
    for start in range(0, len(ids), BATCH_SIZE):
        batch = slice(start, start + BATCH_SIZE)
        collection.add(ids=list(ids[batch]), embeddings=np.asarray(vectors[batch], np.float32))


def open_vectors(folder: Path, private: PrivateCopy) -> VectorStore:
    """Opens the store that was built in a generation's folder, without writing into that folder."""
    return ChromaVectors(private.copy_chroma(folder, folder.name))


class ChromaVectors:
    """An open Chroma directory."""

    def __init__(self, folder: Path) -> None:
        """Opens a private, writable copy."""
        self._client = _client(folder)
        self._collection = self._client.get_collection(COLLECTION, embedding_function=None)

    def find_many(self, vectors: Vectors, *, limit: int) -> list[list[str]]:
        """Returns the approximate nearest neighbours, by HNSW."""
        if not limit:
            return [[] for _ in vectors]
        hits = self._collection.query(query_embeddings=vectors, n_results=limit, include=[])
        return list(hits["ids"])

    def ids(self) -> set[str]:
        """Returns all ids."""
        return set(self._collection.get(include=[])["ids"])

    def close(self) -> None:
        """Releases files, threads and memory (45 MB a directory otherwise)."""
        self._client.close()


class ExactVectors:
    """Exact search: all vectors in memory, each compared with the query.

    110,000 of 384 dimensions: 169 MB and 16 ms a query; as float16 on disk 73 ms (2026-11-25).
    """

    def __init__(self, ids: Sequence[str], vectors: npt.NDArray[np.floating[Any]]) -> None:
        """`vectors` (n, d) belong to the ids and have unit length."""
        self._ids = list(ids)
        self._vectors = vectors.astype(np.float32)

    def find_many(self, vectors: Vectors, *, limit: int) -> list[list[str]]:
        """Returns the exact nearest neighbours."""
        count = min(limit, len(self._ids))
        hits = []
        for distances in -(vectors @ self._vectors.T):
            nearest = np.argpartition(distances, count - 1)[:count]
            nearest = nearest[np.argsort(distances[nearest])]
            hits.append([self._ids[place] for place in nearest])
        return hits

    def ids(self) -> set[str]:
        """Returns all ids."""
        return set(self._ids)

    def close(self) -> None:
        """Releases the memory."""
        del self._vectors
