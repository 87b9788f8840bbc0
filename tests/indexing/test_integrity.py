"""`verify`, `status` and `rollback`: what the index is, against the files as they are."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from index.embed.factory import EmbedSpec
from index.errors import GenerationDamaged, GenerationMissing
from index.recall import MIN_RECALL, measure_recall
from index.store.integrity import verify
from index.store.vectors import build_vectors
from index.sync.compare import CorpusComparison, compare_with_corpus
from index.sync.process import SyncRequest
from index.sync.publish import read_status
from tests.support.corpus_builder import (
    ARTICLES,
    open_generation,
    rewrite_manifest,
    serving_folder,
    sync_in_process,
    sync_request,
    write_files,
)


@pytest.fixture
def request_(tmp_path: Path, hosted: EmbedSpec) -> SyncRequest:
    """Three articles and a bad one, synced."""
    corpus = write_files(tmp_path / "corpus", {**ARTICLES, "b.txt": b"\0"})
    request = sync_request(corpus, tmp_path / "data", hosted)
    sync_in_process(request)
    return request


def comparison(request: SyncRequest) -> CorpusComparison:
    return compare_with_corpus(
        request.folder,
        request.collection,
        formats=request.formats,
        max_file_bytes=request.max_file_bytes,
        on_batch=lambda done, total: None,
    )


def footnote(*arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "api", *map(str, arguments)]
    command[1:3] = ["-c", "from api.cli import main; main()"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_an_index_just_built_equals_its_folder(request_: SyncRequest) -> None:
    result = comparison(request_)
    assert result.is_up_to_date
    assert [entry.path for entry in result.skipped] == ["b.txt"]


def test_every_difference_is_named(request_: SyncRequest) -> None:
    (request_.corpus / "museum.html").unlink()
    write_files(request_.corpus, {"new.txt": "New.", "lighthouse.txt": "Changed."})
    result = comparison(request_)
    assert not result.is_up_to_date
    assert (result.added, result.changed, result.removed) == (
        ("new.txt",),
        ("lighthouse.txt",),
        ("museum.html",),
    )


def test_damage_is_an_error_and_so_is_nothing(request_: SyncRequest, tmp_path: Path) -> None:
    (request_.folder / "generations" / "000001" / "terms.npy").write_bytes(b"x")
    with pytest.raises(GenerationDamaged, match=r"terms\.npy"):
        comparison(request_)
    with pytest.raises(GenerationMissing):
        read_status(tmp_path / "none", "none")


def test_the_terminal_verifies_says_the_status_and_rolls_back(
    request_: SyncRequest, tmp_path: Path
) -> None:
    data = ("--data-dir", tmp_path / "data")
    done = footnote("verify", *data)
    assert (done.returncode, done.stderr) == (0, "")
    assert "matches" in done.stdout
    write_files(request_.corpus, {"new.txt": "A whale was seen off the cape."})
    assert footnote("verify", *data).returncode == 4
    sync_in_process(request_)
    status = json.loads(footnote("status", "--json", *data).stdout)
    assert status["info"]["sources"] == 4
    assert status["before"] == "000001"
    assert "b.txt: is a binary file" in footnote("status", *data).stdout
    assert footnote("rollback", *data).returncode == 0
    assert json.loads(footnote("status", "--json", *data).stdout)["info"]["sources"] == 3


def test_a_graph_that_finds_too_few_of_the_nearest_is_damaged(
    tmp_path: Path, hosted: EmbedSpec
) -> None:
    lines = "\n".join(
        f"On day {day} the keeper of tower {day % 7} counted {day * day} gulls at the {place}, and "
        f"wrote in his log that the wind came from the {place} for {day + 3} hours without a rest."
        for day in range(50)
        for place in ("reef", "harbour", "mole", "cape")
    )
    corpus = write_files(tmp_path / "corpus", {"log.txt": lines})
    request = sync_request(corpus, tmp_path / "data", hosted)
    sync_in_process(request)
    with open_generation(request) as generation:
        assert measure_recall(generation) > 0.99
        rows = generation.first_equals(np.arange(generation.info.chunks))
        chunks = [chunk for chunk, _ in generation.chunks(rows.tolist())]
        vectors = np.stack([generation.vector(row) for row in rows.tolist()])
    vectors[::8] = -vectors[::8]
    folder = serving_folder(request) / "vectors"
    shutil.rmtree(folder)
    build_vectors(folder, [chunk.id for chunk in chunks], vectors)
    rewrite_manifest(request)
    with open_generation(request) as generation:
        assert measure_recall(generation) < MIN_RECALL
        with pytest.raises(GenerationDamaged):
            verify(generation)
