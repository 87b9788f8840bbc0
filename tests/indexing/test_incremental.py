"""An incremental build has the same content as a full one."""

import os
from collections.abc import Mapping
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.embed.factory import EmbedSpec
from index.embed.minilm import MiniLM
from index.store.generation import Generation
from index.sync.process import SyncRequest
from index.sync.publish import roll_back
from tests.support.corpus_builder import (
    delete_vector_graph,
    open_generation,
    sync_in_process,
    sync_request,
    write_files,
)
from tests.support.fakes import FakeModel

EXAMPLES = 200 if os.environ.get("SOAK") else 8
NAMES = ["a.txt", "b.md", "sub/c.txt", "sub/d.html"]
TEXTS = [
    "The heron stands in the reeds and waits for a fish to come near enough to be taken.\n\n"
    "It builds its nest in March, high in an old tree, and lays up to five pale eggs in it.\n",
    "# The heron\n\nThe heron stands in the reeds and waits for a fish to come near.\n\n"
    "## Nest\n\nIt builds its nest in March, high in an old tree, beside a dozen others.\n",
    "<title>Otters</title><p>The otter hunts at night and sleeps by day under the roots.</p>",
    "One line.\n",
    "",
]
CHANGES = st.lists(
    st.tuples(st.sampled_from(NAMES), st.none() | st.sampled_from(TEXTS) | st.sampled_from(NAMES)),
    min_size=1,
    max_size=6,
)


def content(generation: Generation) -> Mapping[str, object]:
    """All that a generation holds, as plain values."""
    sources = generation.sources(after=None, limit=-1)
    rows = list(range(generation.info.chunks))
    words = generation.stored_vectors(0, len(rows)).words if rows else None
    terms = sorted(set(generation.all_terms()))
    read, (names, _) = generation.term_index.read(np.array(rows, int)), generation.numbered_terms()
    return {
        "sources": [replace(source, mtime_ns=0) for source in sources],
        "texts": [generation.text(source.id) for source in sources],
        "chunks": generation.chunks(rows),
        "terms": {term: n for term, (_, n) in generation.vocabulary(terms).items()},
        "segments": read.segment_starts.tolist(),
        "words of rows": [names[number] for number in read.numbers.tolist()],
        "vectors": [generation.vector(row).tolist() for row in rows],
        "words": [array.tolist() for array in astuple(words)] if words else [],
        "ids": generation.chunk_ids(),
        "lexical": {
            term: sorted(generation.find_lexical([term], limit=len(rows))) for term in terms
        },
        "dense": [nearest(generation, row) for row in rows],
    }


def nearest(generation: Generation, row: int) -> list[float]:
    """The cosines of what is nearest to a chunk: of equally near ones, either may be found."""
    vector = generation.vector(row)
    rows = generation.find_dense(vector, limit=3)
    return sorted(np.round(generation.similarities(rows, vector), 4).tolist())


def contents(request: SyncRequest) -> Mapping[str, object]:
    with open_generation(request) as generation:
        return content(generation)


def change(corpus: Path, name: str, to: str | None) -> None:
    """Writes, removes, or renames a file."""
    path = corpus / name
    if to is None:
        path.unlink(missing_ok=True)
    elif to in NAMES:
        if path.exists():
            (corpus / to).parent.mkdir(exist_ok=True)
            path.replace(corpus / to)
    else:
        write_files(corpus, {name: to})


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(CHANGES, min_size=1, max_size=3))
def test_incremental_syncs_equal_a_full_build_and_no_change_publishes_nothing(
    tmp_path_factory: pytest.TempPathFactory,
    fake_embeddings: FakeModel,
    steps: list[list[tuple[str, str | None]]],
) -> None:
    folder = tmp_path_factory.mktemp("changes")
    spec = EmbedSpec("openai", "fake", fake_embeddings.base_url, None, folder / "models")
    corpus = write_files(folder / "corpus", {"a.txt": TEXTS[0], "b.md": TEXTS[1]})
    request = sync_request(corpus, folder / "data", spec)
    sync_in_process(request)
    for changes in steps:
        for name, to in changes:
            change(corpus, name, to)
        sync_in_process(request)
    before = contents(request)
    assert not sync_in_process(request)[0].published
    fresh = sync_request(corpus, folder / "fresh", spec)
    sync_in_process(fresh)
    assert before == contents(fresh) == contents(request)


def ledger(days: int, *, minutes: int = 50) -> dict[str, str]:
    """Files of different paragraphs, enough for arrays and graph to be shared after a change."""
    words = ["heron", "otter", "reed", "river", "nest", "lamp", "tower", "bridge", "whale", "storm"]
    random = np.random.default_rng(5)
    return {
        f"{day:02}.txt": "\n".join(
            f"On day {day} at {minute} {' '.join(random.choice(words, 6))} was seen by "
            f"{' and '.join(random.choice(words, 9))} for {minute * day} minutes."
            for minute in range(minutes)
        )
        for day in range(days)
    }


def inodes(request: SyncRequest, generation: str, names: str) -> dict[str, int]:
    """The inodes of files of a generation."""
    folder = request.folder / "generations" / generation
    return {path.name: path.stat().st_ino for path in folder.glob(names) if path.is_file()}


def test_small_changes_to_a_large_corpus_share_its_arrays_and_its_graph(
    tmp_path: Path, hosted: EmbedSpec
) -> None:
    corpus = write_files(tmp_path / "corpus", ledger(61, minutes=20))
    request = sync_request(corpus, tmp_path / "data", hosted)
    built = sync_in_process(request)[0].generation
    first, path = contents(request), corpus / "07.txt"
    before = path.read_text()
    path.write_text(before.replace("On day 7 at 13 ", "On the eighth of May "))
    report, _ = sync_in_process(request)
    assert (report.changed, report.chunks) == (1, 61 * 20)
    for names in ("*.npy", "vectors/*", "vectors/*/*"):
        assert inodes(request, built, names) == inodes(request, report.generation, names) != {}
    changed = contents(request)
    assert changed["chunks"] != first["chunks"]
    path.write_text(before)
    sync_in_process(request)
    assert_equal_but_for_the_graph(contents(request), first)
    (corpus / "08.txt").unlink()
    write_files(corpus, {"07b.txt": before.splitlines()[5]})  # equal vectors
    sync_in_process(request)
    with open_generation(request) as generation:
        assert generation.manifest.drift == 41 + 60
        rows = generation.find_dense(generation.vector(160), limit=2)
        assert len(rows) == 2
    fresh = sync_request(corpus, tmp_path / "fresh", hosted)
    sync_in_process(fresh)
    assert_equal_but_for_the_graph(contents(request), contents(fresh))


def assert_equal_but_for_the_graph(one: Mapping[str, object], other: Mapping[str, object]) -> None:
    """Chroma's graph is approximate: it may find others that are nearly as near."""
    assert {key for key in one if one[key] != other[key]} <= {"dense"}


def test_generations_that_share_files_outlive_each_other(tmp_path: Path, hosted: EmbedSpec) -> None:
    corpus = write_files(tmp_path / "corpus", ledger(60, minutes=20))
    request = sync_request(corpus, tmp_path / "data", hosted)
    names = [sync_in_process(request)[0].generation]
    for day in ("07", "08"):
        path = corpus / f"{day}.txt"
        path.write_text(path.read_text().replace(" at 18 ", " in the evening "))
        names.append(sync_in_process(request)[0].generation)
    assert [path.name for path in sorted(request.folder.glob("generations/*"))] == names[1:]
    graph = [inodes(request, name, "vectors/*/*") for name in names[1:]]
    assert graph[0] == graph[1] != {}
    changed = contents(request)
    assert roll_back(request.folder, request.collection) == names[1]
    assert contents(request)["sources"] != changed["sources"]
    assert roll_back(request.folder, request.collection) == names[2]
    assert contents(request) == changed


def test_a_generation_links_the_files_that_did_not_change(
    tmp_path: Path, hosted: EmbedSpec
) -> None:
    corpus = write_files(tmp_path / "corpus", ledger(12))
    request = sync_request(corpus, tmp_path / "data", hosted)
    sync_in_process(request)
    write_files(corpus, {"bad.txt": b"\0"})
    assert sync_in_process(request)[0].published  # with a note on the file that was skipped
    older, newer = sorted(request.folder.glob("generations/*"))
    for name in ("chunks.npy", "parts.npy", "terms.npy"):
        assert (older / name).samefile(newer / name)


def test_a_lost_graph_is_rebuilt_even_without_the_embedding_cache(
    tmp_path: Path, hosted: EmbedSpec
) -> None:
    corpus = write_files(tmp_path / "corpus", ledger(24))
    request = sync_request(corpus, tmp_path / "data", hosted)
    sync_in_process(request)
    delete_vector_graph(request)
    for path in request.cache.parent.glob("embeddings.sqlite3*"):
        path.unlink()
    write_files(corpus, {"new.txt": "A whale was seen off the cape in June."})
    report, events = sync_in_process(request)
    assert "rebuild" in [event["event"] for event in events]
    assert (report.published, report.chunks) == (True, 24 * 50 + 1)


def test_an_index_with_an_older_versions_vectors_is_rebuilt(
    tmp_path: Path, minilm_spec: EmbedSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = sync_request(
        write_files(tmp_path / "corpus", dict(zip(NAMES, TEXTS, strict=False))),
        tmp_path / "data",
        minilm_spec,
    )
    with monkeypatch.context() as older:
        older.setattr(MiniLM, "fingerprint", "all-MiniLM-L6-v2@older")
        sync_in_process(request)
        assert not sync_in_process(request)[0].published
    report, events = sync_in_process(request)
    assert report.published
    assert [e["done"] for e in events if e["event"] == "embed"][-1] == report.chunks
    with open_generation(request) as generation:
        assert generation.manifest.embedder == MiniLM.fingerprint
