"""The embedding cache: nothing is embedded twice, and damaged rows are never used."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest

from index.embed.cache import RETENTION_DAYS, EmbeddingCache
from index.embed.factory import EmbedSpec, open_embedder
from index.embed.packed import BATCH_SIZE
from index.embed.protocol import ChunkText
from tests.support.fakes import FakeModel

CHUNKS = [
    ChunkText(f"Passage {n}. It has two sentences.", (((0, 10),), ((11, 33),))) for n in range(5)
]


@contextmanager
def cache(path: Path, model: FakeModel, *, name: str = "fake") -> Iterator[EmbeddingCache]:
    spec = EmbedSpec("openai", name, model.base_url, None, path.parent)
    with (
        closing(open_embedder(spec)) as embedder,
        closing(EmbeddingCache(path, embedder)) as opened,
    ):
        yield opened


@pytest.fixture
def filled(tmp_path: Path, embeddings: FakeModel) -> Path:
    """A cache file with the chunks."""
    with cache(tmp_path / "cache.sqlite3", embeddings) as opened:
        assert sum(map(len, opened.embed(CHUNKS))) == len(CHUNKS)
    return tmp_path / "cache.sqlite3"


def test_nothing_cached_is_missing_after_reopening(filled: Path, embeddings: FakeModel) -> None:
    with cache(filled, embeddings) as opened:
        assert opened.missing(CHUNKS) == []


def test_cached_vectors_are_those_that_were_embedded(filled: Path, embeddings: FakeModel) -> None:
    spec = EmbedSpec("openai", "fake", embeddings.base_url, None, filled.parent)
    with closing(open_embedder(spec)) as embedder:
        made = embedder.embed_chunks(CHUNKS)
    with cache(filled, embeddings) as opened:
        for cached, fresh in zip(opened.vectors(CHUNKS), made, strict=True):
            np.testing.assert_array_equal(cached.vector, fresh.vector)
            np.testing.assert_array_equal(cached.words.rows, fresh.words.rows)
            np.testing.assert_array_equal(cached.words.counts, fresh.words.counts)


def test_equal_chunks_are_missing_once(tmp_path: Path, embeddings: FakeModel) -> None:
    with cache(tmp_path / "cache.sqlite3", embeddings) as opened:
        assert opened.missing([CHUNKS[0], CHUNKS[1], CHUNKS[0]]) == [0, 1]


def test_other_sentence_spans_or_another_model_do_not_count(
    filled: Path, embeddings: FakeModel
) -> None:
    with cache(filled, embeddings) as opened:
        assert opened.missing([ChunkText(CHUNKS[0].text, (((0, 33),),))]) == [0]
    with cache(filled, embeddings, name="other") as opened:
        assert opened.missing(CHUNKS) == [0, 1, 2, 3, 4]


def test_an_interruption_loses_at_most_the_batch_in_hand(
    tmp_path: Path, embeddings: FakeModel
) -> None:
    many = [ChunkText(f"number {n}", ()) for n in range(3 * BATCH_SIZE)]
    with cache(tmp_path / "cache.sqlite3", embeddings) as opened:
        next(opened.embed(many))
    with cache(tmp_path / "cache.sqlite3", embeddings) as opened:
        assert len(opened.missing(many)) == 2 * BATCH_SIZE


def test_vectors_altered_on_disk_count_as_missing(filled: Path, embeddings: FakeModel) -> None:
    with sqlite3.connect(filled) as connection:
        (blob,) = connection.execute("SELECT vector FROM embeddings LIMIT 1").fetchone()
        altered = bytes([blob[0] ^ 1]) + blob[1:]
        connection.execute("UPDATE embeddings SET vector = ? WHERE vector = ?", (altered, blob))
    connection.close()
    with cache(filled, embeddings) as opened:
        assert len(opened.missing(CHUNKS)) == 1


@pytest.mark.parametrize("place", [0, 30, 5000])
def test_a_cache_that_is_no_longer_a_database_is_recreated(
    filled: Path, embeddings: FakeModel, place: int
) -> None:
    data = bytearray(filled.read_bytes())
    data[place : place + 3000] = b"\x5a" * 3000
    filled.write_bytes(data)
    with cache(filled, embeddings) as opened:
        for _ in opened.embed([CHUNKS[n] for n in opened.missing(CHUNKS)]):
            pass
        assert len(list(opened.vectors(CHUNKS))) == len(CHUNKS)


def test_what_no_build_has_used_for_a_month_is_evicted(
    filled: Path, embeddings: FakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = int(time.time() // 86_400)
    with cache(filled, embeddings) as opened:
        assert opened.evict_unused(CHUNKS) == 0
        monkeypatch.setattr("index.embed.cache._today", lambda: day + RETENTION_DAYS)
        assert opened.evict_unused(CHUNKS[:2]) == 0
        monkeypatch.setattr("index.embed.cache._today", lambda: day + RETENTION_DAYS + 1)
        assert opened.evict_unused([CHUNKS[2]]) == 2
        assert opened.missing(CHUNKS) == [3, 4]
        assert opened.evict_unused([]) == 0
    with cache(filled, embeddings) as opened:
        assert opened.missing(CHUNKS) == [3, 4]


def test_the_texts_of_a_collection_are_marked_once_a_day(
    filled: Path, embeddings: FakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = int(time.time() // 86_400)
    with cache(filled, embeddings) as opened:
        assert opened.is_eviction_due("default")
        opened.mark_evicted("default")
        assert not opened.is_eviction_due("default")
        assert opened.is_eviction_due("other")
        monkeypatch.setattr("index.embed.cache._today", lambda: day + 1)
        assert opened.is_eviction_due("default")


def test_a_clock_set_back_evicts_nothing(
    filled: Path, embeddings: FakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    with cache(filled, embeddings) as opened:
        monkeypatch.setattr("index.embed.cache._today", lambda: 0)
        assert opened.evict_unused(CHUNKS) == 0
        assert opened.missing(CHUNKS) == []


def test_vectors_of_an_older_version_count_as_used_today(
    filled: Path, embeddings: FakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(filled)) as connection:
        connection.execute("DROP TABLE used")
        connection.commit()
    with cache(filled, embeddings) as opened:
        assert opened.evict_unused([]) == 0
        assert opened.missing(CHUNKS) == []
        day = int(time.time() // 86_400) + RETENTION_DAYS + 1
        monkeypatch.setattr("index.embed.cache._today", lambda: day)
        assert opened.evict_unused([]) == len(CHUNKS)
