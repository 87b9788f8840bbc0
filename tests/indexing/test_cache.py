"""The embedding cache: what was made once is not made again, and never taken when damaged."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest

from index.embed.cache import BATCH_SIZE, RETENTION_DAYS, EmbeddingCache
from index.embed.factory import EmbedSpec, open_embedder
from index.embed.protocol import ChunkText
from tests.support.fakes import FakeModel

PASSAGES = [ChunkText(f"ChunkText {n}. It has two sentences.", ((0, 10), (11, 33))) for n in range(5)]


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
    """A cache file that holds the passages."""
    with cache(tmp_path / "cache.sqlite3", embeddings) as opened:
        assert sum(opened.embed(PASSAGES)) == len(PASSAGES)
    return tmp_path / "cache.sqlite3"


def test_nothing_kept_is_missing_after_reopening(filled: Path, embeddings: FakeModel) -> None:
    with cache(filled, embeddings) as opened:
        assert opened.missing(PASSAGES) == []


def test_what_comes_back_is_what_was_made(filled: Path, embeddings: FakeModel) -> None:
    spec = EmbedSpec("openai", "fake", embeddings.base_url, None, filled.parent)
    with closing(open_embedder(spec)) as embedder:
        made = embedder.embed_passages(PASSAGES)
    with cache(filled, embeddings) as opened:
        for kept, fresh in zip(opened.vectors(PASSAGES), made, strict=True):
            np.testing.assert_array_equal(kept.vector, fresh.vector)
            assert kept.parts is not None
            assert fresh.parts is not None
            np.testing.assert_array_equal(kept.parts.rows, fresh.parts.rows)
            np.testing.assert_array_equal(kept.parts.counts, fresh.parts.counts)


def test_equal_passages_are_missing_once(tmp_path: Path, embeddings: FakeModel) -> None:
    with cache(tmp_path / "cache.sqlite3", embeddings) as opened:
        assert opened.missing([PASSAGES[0], PASSAGES[1], PASSAGES[0]]) == [0, 1]


def test_other_sentence_spans_or_another_model_do_not_count(
    filled: Path, embeddings: FakeModel
) -> None:
    with cache(filled, embeddings) as opened:
        assert opened.missing([ChunkText(PASSAGES[0].text, ((0, 33),))]) == [0]
    with cache(filled, embeddings, name="other") as opened:
        assert opened.missing(PASSAGES) == [0, 1, 2, 3, 4]


def test_an_interruption_loses_at_most_the_batch_in_hand(
    tmp_path: Path, embeddings: FakeModel
) -> None:
    many = [ChunkText(f"number {n}", ()) for n in range(3 * BATCH_SIZE)]
    with cache(tmp_path / "cache.sqlite3", embeddings) as opened:
        next(opened.embed(many))
    with cache(tmp_path / "cache.sqlite3", embeddings) as opened:
        assert len(opened.missing(many)) == 2 * BATCH_SIZE


def test_vectors_that_were_altered_on_disk_are_made_anew(
    filled: Path, embeddings: FakeModel
) -> None:
    with sqlite3.connect(filled) as connection:
        (blob,) = connection.execute("SELECT vector FROM embeddings LIMIT 1").fetchone()
        altered = bytes([blob[0] ^ 1]) + blob[1:]
        connection.execute("UPDATE embeddings SET vector = ? WHERE vector = ?", (altered, blob))
    connection.close()
    with cache(filled, embeddings) as opened:
        assert len(opened.missing(PASSAGES)) == 1


@pytest.mark.parametrize("place", [0, 30, 5000])
def test_a_cache_that_is_no_database_any_more_is_begun_anew(
    filled: Path, embeddings: FakeModel, place: int
) -> None:
    data = bytearray(filled.read_bytes())
    data[place : place + 3000] = b"\x5a" * 3000
    filled.write_bytes(data)
    with cache(filled, embeddings) as opened:
        for _ in opened.embed([PASSAGES[n] for n in opened.missing(PASSAGES)]):
            pass
        assert len(list(opened.vectors(PASSAGES))) == len(PASSAGES)


def test_what_no_build_has_had_for_a_month_is_forgotten(
    filled: Path, embeddings: FakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = int(time.time() // 86_400)
    with cache(filled, embeddings) as opened:
        assert opened.keep(PASSAGES) == 0
        monkeypatch.setattr("index.embed.cache._today", lambda: day + RETENTION_DAYS)
        assert opened.keep(PASSAGES[:2]) == 0
        monkeypatch.setattr("index.embed.cache._today", lambda: day + RETENTION_DAYS + 1)
        assert opened.keep([PASSAGES[2]]) == 2
        assert opened.missing(PASSAGES) == [3, 4]
        assert opened.keep([]) == 0
    with cache(filled, embeddings) as opened:
        assert opened.missing(PASSAGES) == [3, 4]


def test_a_clock_that_went_back_forgets_nothing(
    filled: Path, embeddings: FakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    with cache(filled, embeddings) as opened:
        monkeypatch.setattr("index.embed.cache._today", lambda: 0)
        assert opened.keep(PASSAGES) == 0
        assert opened.missing(PASSAGES) == []


def test_the_vectors_of_an_older_version_count_as_needed_today(
    filled: Path, embeddings: FakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(filled)) as connection:
        connection.execute("DROP TABLE used")
        connection.commit()
    with cache(filled, embeddings) as opened:
        assert opened.keep([]) == 0
        assert opened.missing(PASSAGES) == []
        day = int(time.time() // 86_400) + RETENTION_DAYS + 1
        monkeypatch.setattr("index.embed.cache._today", lambda: day)
        assert opened.keep([]) == len(PASSAGES)
