"""Collections that tests of the store may damage or change."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from index.embed.factory import EmbedSpec
from index.sync.process import SyncRequest
from tests.support.corpus_builder import (
    ARTICLES,
    BuiltIndex,
    sync_in_process,
    sync_request,
    write_files,
)
from tests.support.dask_cluster import Scheduler
from tests.support.pooled_corpus import PASSAGES, CountingModel, many_passages


@pytest.fixture
def copied(built: BuiltIndex, tmp_path: Path) -> SyncRequest:
    """A copy of the built collection, to be damaged."""
    data = shutil.copytree(built.request.folder.parent.parent, tmp_path / "data")
    return sync_request(built.request.corpus, data, built.request.embed)


@pytest.fixture
def twice(tmp_path: Path, hosted: EmbedSpec) -> SyncRequest:
    """A collection with two generations."""
    request = sync_request(write_files(tmp_path / "corpus", ARTICLES), tmp_path / "data", hosted)
    sync_in_process(request)
    write_files(request.corpus, {"new.txt": "A whale was seen off the cape in June."})
    sync_in_process(request)
    return request


@pytest.fixture
def model() -> Iterator[CountingModel]:
    """An embeddings endpoint that counts each text."""
    counting = CountingModel()
    with counting.endpoint:
        yield counting


@pytest.fixture
def counted(model: CountingModel, tmp_path: Path) -> EmbedSpec:
    """The embedder of that endpoint."""
    return EmbedSpec("openai", "fake", model.endpoint.base_url, None, tmp_path / "models")


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[Scheduler]:
    """A Dask scheduler."""
    with Scheduler(tmp_path / "scheduler") as scheduler:
        yield scheduler


@pytest.fixture
def pooled(tmp_path: Path, counted: EmbedSpec, scheduler: Scheduler) -> SyncRequest:
    """The request to sync PASSAGES passages on the scheduler's workers."""
    corpus = write_files(tmp_path / "corpus", many_passages(PASSAGES))
    return sync_request(corpus, tmp_path / "data", counted, pool=scheduler.url)
