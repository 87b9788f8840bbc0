"""Vectors in the bucket: no machine embeds what another has, and none believes what is damaged."""

import os
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from index.embed.cache import RETENTION_DAYS, EmbeddingCache
from index.embed.factory import EmbedSpec, open_embedder
from index.embed.packed import digest_of
from index.object_store import ObjectStore
from index.sync.pool.packs import EmbeddingPacks
from index.sync.process import SyncRequest
from tests.support.corpus_builder import flip_bit, sync_in_process, sync_request, write_files
from tests.support.pooled_corpus import CountingModel, cosines, many_passages

PASSAGES = 150
Machine = Callable[[str], SyncRequest]


@pytest.fixture
def machine(tmp_path: Path, counted: EmbedSpec) -> Machine:
    """Returns the request of a machine with a data folder of its own; all share one bucket."""
    corpus = write_files(tmp_path / "corpus", many_passages(PASSAGES))
    (tmp_path / "bucket").mkdir()
    url = f"file://{tmp_path}/bucket"
    return lambda name: sync_request(corpus, tmp_path / name, counted, shared=url)


def pack_files(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "bucket" / "collections" / "default" / "embeddings"
    names = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in names if len(path.name) == 64)


def drop_generations(tmp_path: Path) -> None:
    """Leaves the vectors alone in the bucket, so that no machine takes a generation from it."""
    (tmp_path / "bucket" / "collections" / "default" / "CURRENT").unlink()


def test_a_second_machine_embeds_only_what_is_new(
    tmp_path: Path, machine: Machine, model: CountingModel
) -> None:
    one, other = machine("one"), machine("other")
    sync_in_process(one)
    assert model.embedded() == PASSAGES
    drop_generations(tmp_path)
    write_files(one.corpus, {"new.txt": "Passage of a new article. It ends.\n"})
    sync_in_process(other)
    assert model.embedded() == PASSAGES + 1
    sync_in_process(one)
    assert model.embedded() == PASSAGES + 1
    assert min(cosines(other, one)) > 0.9999


def test_damaged_packs_are_embedded_again_and_replaced(
    tmp_path: Path, machine: Machine, model: CountingModel
) -> None:
    sync_in_process(machine("one"))
    first = pack_files(tmp_path)
    for path in first:
        flip_bit(path)
    drop_generations(tmp_path)
    sync_in_process(machine("other"))
    assert model.embedded() == 2 * PASSAGES
    assert pack_files(tmp_path) == first
    drop_generations(tmp_path)
    sync_in_process(machine("third"))
    assert model.embedded() == 2 * PASSAGES


def test_rows_that_cannot_be_right_are_not_taken_from_the_bucket(
    tmp_path: Path, machine: Machine, model: CountingModel
) -> None:
    sync_in_process(machine("one"))
    packs = EmbeddingPacks(ObjectStore(f"file://{tmp_path}/bucket"), "default")
    for path in pack_files(tmp_path):
        name = path.relative_to(tmp_path / "bucket").as_posix()
        rows = packs.load(name) or []
        nan = (np.frombuffer(rows[0].vector, "<f4") * np.float32("nan")).tobytes()
        rows[0] = rows[0]._replace(vector=nan, digest=digest_of(nan, rows[0].words))
        path.unlink()
        packs.save(name, rows)
    drop_generations(tmp_path)
    sync_in_process(machine("other"))
    assert min(cosines(machine("other"), machine("one"))) > 0.9999


def test_packs_lose_what_no_build_has_used_for_a_month(
    tmp_path: Path, machine: Machine, counted: EmbedSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = machine("one")
    sync_in_process(one)
    kept = "Passage 7 tells of 49 ships"
    for path in one.corpus.rglob("*.txt"):
        if not path.read_text().startswith(kept):
            path.unlink()
    later = time.time() + (RETENTION_DAYS + 1) * 86_400
    monkeypatch.setattr("index.embed.cache._today", lambda: int(later // 86_400))
    old = time.time() - (RETENTION_DAYS + 1) * 86_400
    for path in pack_files(tmp_path):
        os.utime(path, (old, old))
    sync_in_process(one)
    packs = EmbeddingPacks(ObjectStore(f"file://{tmp_path}/bucket"), "default")
    names = [path.relative_to(tmp_path / "bucket").as_posix() for path in pack_files(tmp_path)]
    left = {row.key for name in names for row in packs.load(name) or ()}
    with (
        closing(open_embedder(counted)) as embedder,
        closing(EmbeddingCache(one.cache, embedder)) as cache,
    ):
        assert left == cache.cached_keys(left)
    assert len(left) == 2, "the passage and its title"
