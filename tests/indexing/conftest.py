"""Collections that tests of the store may damage or change."""

import shutil
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
