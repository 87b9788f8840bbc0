"""The Chroma adapter against exact search, without a trace left behind."""

import hashlib
import socket
from pathlib import Path

import numpy as np
import pytest

from index.store.vectors import (
    DATABASE,
    ChromaVectors,
    ExactVectors,
    build_vectors,
    ef_search,
)
from index.sync.writing.vector_index import first_equals

VECTORS = np.random.default_rng(7).normal(size=(600, 32)).astype(np.float32)
VECTORS /= np.linalg.norm(VECTORS, axis=1, keepdims=True)
IDS = [f"chunk-{row}" for row in range(len(VECTORS))]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built directory; Chroma writes to it when it is opened."""
    made = tmp_path_factory.mktemp("chroma") / "vectors"
    build_vectors(made, IDS, VECTORS)
    return made


def test_the_nearest_are_those_of_exact_search(folder: Path) -> None:
    store = ChromaVectors(folder)
    shares = []
    for row in range(0, 600, 30):
        exact = {IDS[place] for place in np.argsort(-(VECTORS @ VECTORS[row]))[:20]}
        (nearest,) = store.find_many(VECTORS[row : row + 1], limit=20)
        assert nearest[0] == IDS[row]
        shares.append(len(exact & set(nearest)) / 20)
    store.close()
    assert np.mean(shares) >= 0.98


def test_it_holds_each_id_once(folder: Path) -> None:
    store = ChromaVectors(folder)
    assert store.ids() == set(IDS)
    store.close()


def test_a_single_chunk_can_be_stored_and_found(tmp_path: Path) -> None:
    build_vectors(tmp_path / "vectors", ["only"], VECTORS[:1])
    store = ChromaVectors(tmp_path / "vectors")
    assert store.find_many(VECTORS[:1], limit=1) == [["only"]]
    assert store.find_many(VECTORS[:1], limit=0) == [[]]
    store.close()


def test_vectors_that_come_in_clusters_are_found(tmp_path: Path) -> None:
    """In the order they come, 3 in 100 of these were lost: a cluster was linked to itself alone."""
    random = np.random.default_rng(1)
    clusters = np.repeat(random.normal(size=(100, 64)), 60, axis=0)
    vectors = (clusters + 0.035 * random.normal(size=clusters.shape)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = [hashlib.sha256(b"%d" % row).hexdigest() for row in range(len(vectors))]
    build_vectors(tmp_path / "vectors", ids, vectors)
    store = ChromaVectors(tmp_path / "vectors")
    nearest = store.find_many(vectors, limit=1)
    store.close()
    assert sum([own] != hits for own, hits in zip(ids, nearest, strict=True)) <= 6


def test_exact_search_is_what_sorting_by_the_cosine_gives() -> None:
    store = ExactVectors(IDS, VECTORS)
    for limit in (0, 1, 20, 600, 700):
        for row, nearest in enumerate(store.find_many(VECTORS[:5], limit=limit)):
            order = np.argsort(-(VECTORS @ VECTORS[row]))[:limit]
            assert nearest == [IDS[place] for place in order]
    assert store.ids() == set(IDS)
    store.close()


def test_it_reads_no_env_file_and_no_foreign_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("MIGRATIONS=none\nCHROMA_SERVER_HOST=example.org\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIGRATIONS", "none")
    build_vectors(tmp_path / "vectors", IDS[:3], VECTORS[:3])
    store = ChromaVectors(tmp_path / "vectors")
    assert len(store.ids()) == 3
    store.close()


def test_it_opens_no_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a socket was connected")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    build_vectors(tmp_path / "vectors", IDS[:3], VECTORS[:3])
    store = ChromaVectors(tmp_path / "vectors")
    store.find_many(VECTORS[:1], limit=2)
    store.close()


def test_the_log_of_vectors_takes_no_space_after_a_build(tmp_path: Path) -> None:
    build_vectors(tmp_path / "vectors", IDS, VECTORS)
    size = (tmp_path / "vectors" / DATABASE).stat().st_size
    assert size < 400_000 + len(IDS) * 300  # with its log 2 KB a vector of 384 dimensions


def test_more_rows_are_searched_with_more_candidates() -> None:
    efforts = [ef_search(rows) for rows in (1, 25_000, 100_000, 300_000)]
    assert efforts == [256, 256, 512, 887]


def test_of_equal_vectors_the_one_with_the_smallest_id_stands_for_all() -> None:
    vectors = np.random.default_rng(3).normal(size=(30, 6)).astype(np.float16)
    vectors[20:] = vectors[[3, 3, 3, 7, 19, 3, 7, 0, 1, 2]]
    ids = [f"{(7 * row) % 30:02}" for row in range(30)]
    by_hand = [
        min((r for r in range(30) if np.array_equal(vectors[r], vector)), key=ids.__getitem__)
        for vector in vectors
    ]
    assert first_equals(ids, vectors).tolist() == by_hand
    assert first_equals([], vectors[:0]).tolist() == []
