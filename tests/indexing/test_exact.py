"""A corpus whose vectors Chroma's graph loses: many around one, each nearer to it than to another.

The graph links each of them to the one in the middle alone, and that one to a few dozen.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pytest

from index.embed.factory import EmbedSpec
from index.store.generation import Generation
from index.store.integrity import verify
from index.sync.process import Event, SyncRequest
from tests.support.corpus_builder import open_generation, sync_in_process, sync_request, write_files
from tests.support.fakes import FakeModel
from tests.support.processes import run_footnote

ENTRIES, FILES = 1_400, 70
LINE = "the keeper of the lamp wrote into his log that the sea was calm and no ship had passed"
MIDDLE = np.random.default_rng(0).normal(size=384)


def around_the_middle(text: str) -> list[float]:
    """The vector of a model to which all entries of a log are nearly the same."""
    seed = int.from_bytes(blake2b(text.encode(), digest_size=8).digest())
    vector = MIDDLE + 0.1 * np.random.default_rng(seed).normal(size=384) * ("On day" in text)
    return list(map(float, vector / np.linalg.norm(vector)))


def log(*, days: range) -> dict[str, str]:
    """A line a day, all but the first with its date."""
    lines = [f"On day {day} {LINE}." if day else f"That day {LINE}." for day in days]
    each = -(-len(lines) // FILES)
    return {f"{n:02}.txt": "\n".join(lines[n * each : (n + 1) * each]) + "\n" for n in range(FILES)}


@contextmanager
def logged(folder: Path) -> Iterator[tuple[SyncRequest, list[Event]]]:
    """Such a log, synced, with the events; what it is embedded by runs meanwhile."""
    with FakeModel(vector_of=around_the_middle) as model:
        spec = EmbedSpec("openai", "fake", model.base_url, None, folder / "models")
        corpus = write_files(folder / "corpus", log(days=range(ENTRIES)))
        request = sync_request(corpus, folder / "data", spec)
        _, events = sync_in_process(request)
        yield request, events


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SyncRequest, list[Event]]]:
    """One to read."""
    with logged(tmp_path_factory.mktemp("log")) as made:
        yield made


@pytest.fixture
def request_(tmp_path: Path) -> Iterator[SyncRequest]:
    """One to change."""
    with logged(tmp_path) as (request, _):
        yield request


def assert_every_chunk_is_found(generation: Generation) -> None:
    rows = np.arange(generation.info.chunks)
    vectors = np.stack([generation.vector(row) for row in rows])
    for row, hits in zip(rows, generation.find_dense_many(vectors, limit=10), strict=True):
        assert hits[0] == row
        cosines = generation.similarities(rows, vectors[row])
        best = np.sort(cosines)[: -len(hits) - 1 : -1]
        np.testing.assert_allclose(cosines[hits], best, atol=1e-6)  # equal ones in any order


def test_it_is_published_complete_and_every_chunk_is_found(
    whole: tuple[SyncRequest, list[Event]],
) -> None:
    request, events = whole
    causes = [str(event["cause"]) for event in events if event["event"] == "rebuild"]
    assert len(causes) == 2
    assert all(f"of {ENTRIES} chunks are not found by their vectors" in cause for cause in causes)
    with open_generation(request) as generation:
        assert (generation.info.chunks, generation.info.complete) == (ENTRIES, True)
        assert generation.info.exact
        assert not (generation.folder / "vectors").exists()
        assert_every_chunk_is_found(generation)
        verify(generation, range(ENTRIES))


def test_a_small_change_needs_no_graph_either(request_: SyncRequest) -> None:
    path = request_.corpus / "07.txt"
    path.write_text(path.read_text().replace("On day 140 ", "On day one "))
    report, events = sync_in_process(request_)
    assert report.changed == 1
    assert not [event for event in events if event["event"] == "rebuild"]
    with open_generation(request_) as generation:
        assert (generation.info.exact, generation.manifest.drift) == (True, 40)
        assert_every_chunk_is_found(generation)


def test_after_large_changes_the_graph_is_tried_again(request_: SyncRequest) -> None:
    few = log(days=range(1, FILES + 1))  # without the one in the middle
    write_files(request_.corpus, few)
    sync_in_process(request_)
    with open_generation(request_) as generation:
        assert (generation.info.chunks, generation.info.exact) == (FILES, False)


def test_status_and_doctor_report_it(whole: tuple[SyncRequest, list[Event]]) -> None:
    request, _ = whole
    home = request.corpus.parent
    base_url = str(request.embed.base_url)
    env = {"FOOTNOTE_EMBED__MODEL": "fake", "FOOTNOTE_EMBED__BASE_URL": base_url}
    at = ("--data-dir", "data")
    status = run_footnote("status", *at, cwd=home)
    assert f"{ENTRIES} passages, exact vector search" in status.stdout
    assert json.loads(run_footnote("status", *at, "--json", cwd=home).stdout)["info"]["exact"]
    doctor = run_footnote("doctor", "corpus", *at, cwd=home, env=env)
    assert "exact vector search; verified" in doctor.stdout
