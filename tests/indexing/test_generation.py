"""An open generation: what it finds, that it never changes, and that damage is noticed."""

import contextlib
import gc
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from index.embed.factory import EmbedSpec
from index.embed.protocol import Embedder
from index.embed.quantize import dequantize
from index.errors import GenerationDamaged, GenerationMissing
from index.store.generation import Generation
from index.store.integrity import verify
from index.store.manifest import Current, read_current, read_published
from index.store.serving import Serving
from index.sync.process import SyncRequest
from index.sync.publish import roll_back
from index.types import Filters
from tests.support.corpus_builder import (
    ARTICLES,
    BuiltIndex,
    delete_vector_graph,
    open_generation,
    source_paths,
    sync_in_process,
    sync_request,
    write_files,
)


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def current(request: SyncRequest) -> Current:
    found = read_current(request.folder)
    assert found is not None
    return found


def folder_of(request: SyncRequest) -> Path:
    return request.folder / "generations" / current(request).generation


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(data)


@pytest.fixture
def copied(built: BuiltIndex, tmp_path: Path) -> SyncRequest:
    """A copy of the built collection, to be spoilt."""
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


# --- reading


def test_sources_come_by_path_and_page_by_page(generation: Generation) -> None:
    first = generation.sources(after=None, limit=2)
    rest = generation.sources(after=first[-1].path, limit=2)
    assert [source.path for source in [*first, *rest]] == sorted(ARTICLES)


def test_a_source_and_its_text_are_found_by_id(generation: Generation) -> None:
    for source in generation.sources(after=None, limit=-1):
        assert generation.source(source.id) == source
        assert len(generation.text(source.id)) == source.length
    assert generation.source("nothing") is None
    with pytest.raises(KeyError):
        generation.text("nothing")


def test_the_text_of_a_plain_file_is_the_files_own(
    generation: Generation, built: BuiltIndex
) -> None:
    source = next(s for s in generation.sources(after=None, limit=-1) if "light" in s.path)
    own = (built.request.corpus / source.path).read_text("utf-8-sig")
    assert generation.text(source.id) == own


def test_chunks_come_in_the_order_asked_with_their_text(generation: Generation) -> None:
    rows = list(range(generation.info.chunks))[::-1]
    for row, (chunk, text) in zip(rows, generation.chunks(rows), strict=True):
        assert chunk.row == row
        assert text == generation.text(chunk.source_id)[chunk.start : chunk.end]


def test_titles_are_headings_title_elements_or_names(generation: Generation) -> None:
    titles = [source.title for source in generation.sources(after=None, limit=-1)]
    assert titles == ["The chain bridge", "lighthouse", "The harbour museum"]


def test_words_and_meaning_find_the_chunk(generation: Generation, minilm: Embedder) -> None:
    vector = minilm.embed_question("When can one not visit the museum?").vector
    dense = generation.find_dense(vector, limit=3)
    assert "closed on Mondays" in generation.chunks(dense[:1])[0][1]
    lexical = generation.find_lexical(["toll"], limit=3)
    assert "penny" in generation.chunks(lexical[:1])[0][1]


def test_similarities_are_cosines_of_chunks_and_of_their_sentences_words(
    generation: Generation, minilm: Embedder
) -> None:
    from index.sync.build import embedding_inputs
    from index.sync.changes import ParsedSource

    question = minilm.embed_question("How high is the lighthouse?")
    vector = question.vector
    entries = [
        ParsedSource(s, "", generation.text(s.id), tuple(generation.source_chunks(s.id)))
        for s in generation.sources(after=None, limit=-1)
    ]
    made = minilm.embed_chunks(embedding_inputs(entries))
    rows = np.array([4, 0, 2])
    expected = []
    for words in [made[row].words for row in rows]:
        for sentence in np.split(words.rows, np.cumsum(words.counts)[:-1]):
            expected.append((dequantize(sentence) @ question.words.T).max(axis=0))
    np.testing.assert_allclose(
        generation.similarities(rows, vector), [made[r].vector @ vector for r in rows], atol=2e-3
    )
    np.testing.assert_allclose(
        generation.max_similarities(rows, question.words), expected, atol=0.05
    )


def test_context_is_the_cosine_of_a_chunk_with_its_neighbours_in_the_source(
    generation: Generation, minilm: Embedder
) -> None:
    vector = minilm.embed_question("Who paid the toll?").vector
    expected = {}
    for source in generation.sources(after=None, limit=-1):
        rows = [chunk.row for chunk in generation.source_chunks(source.id)]
        own = [generation.vector(row) for row in rows]
        for place, row in enumerate(rows):
            joined = np.sum(own[max(place - 1, 0) : place + 2], axis=0)
            expected[row] = float(joined @ vector / np.linalg.norm(joined))
    asked = np.array(sorted(expected, reverse=True))
    found = generation.context_similarities(asked, vector)
    np.testing.assert_allclose(found, [expected[row] for row in asked], atol=2e-3)
    assert len(generation.context_similarities(np.array([], np.int64), vector)) == 0


def test_rows_can_be_limited_to_a_source_or_a_folder(generation: Generation) -> None:
    def rows(*sources: str) -> frozenset[int]:
        return generation.rows_matching(Filters(sources))

    assert rows(*ARTICLES) == set(range(generation.info.chunks))
    assert rows("harbour/") == rows("harbour/bridge.md") != set()
    assert rows("harbour") == rows("%/") == set()


def test_chunks_with_equal_vectors_are_all_found(tmp_path: Path, hosted: EmbedSpec) -> None:
    """More of them than neighbours in Chroma's graph, where they would cut each other off."""
    line = "All rights in this page are reserved by its owner, who may be reached by letter. " * 2
    files = {f"{n:02}.txt": f"{line}\n\nArticle {n} is on subject {n * n}." for n in range(80)}
    request = sync_request(write_files(tmp_path / "c", files), tmp_path / "d", hosted)
    sync_in_process(request)
    with open_generation(request) as generation:
        row = generation.find_lexical(["right"], limit=1)[0]
        found = generation.find_dense(generation.vector(row), limit=40)
        assert len(set(found)) == 40
        assert row in generation.find_dense(generation.vector(row), limit=200)


# --- never changed


def test_opening_and_asking_leaves_every_byte_as_it_was(
    copied: SyncRequest, minilm: Embedder
) -> None:
    folder = folder_of(copied)
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = digests(folder)
    for _ in range(2):
        with open_generation(copied) as generation:
            verify(generation)
            generation.find_dense(minilm.embed_question("lamp").vector, limit=3)
            generation.find_lexical(["lamp"], limit=3)
    assert digests(folder) == before


def test_a_closed_generation_leaves_no_private_copy(copied: SyncRequest) -> None:
    with open_generation(copied) as generation:
        verify(generation)
        private = generation.private_folder
        assert private.exists()
    assert not private.exists()


# --- damage


def test_a_flipped_byte_in_any_file_is_noticed_before_it_serves(copied: SyncRequest) -> None:
    folder = folder_of(copied)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    assert len(files) >= 10
    for path in files:
        whole = path.read_bytes()
        if whole:
            flip(path)
        else:
            path.write_bytes(b"x")
        with pytest.raises(GenerationDamaged, match=path.name):
            Generation(copied.folder, current(copied))
        path.write_bytes(whole)
    Generation(copied.folder, current(copied)).close()


def test_a_missing_or_added_file_is_noticed(copied: SyncRequest) -> None:
    folder = folder_of(copied)
    (folder / "lexical" / "stray").write_text("x")
    with pytest.raises(GenerationDamaged, match="stray"):
        Generation(copied.folder, current(copied))
    (folder / "lexical" / "stray").unlink()
    (folder / "parts.npy").unlink()
    with pytest.raises(GenerationDamaged, match=r"parts\.npy"):
        Generation(copied.folder, current(copied))


def test_files_that_are_no_longer_a_generation_are_damage_not_a_crash(copied: SyncRequest) -> None:
    shutil.rmtree(folder_of(copied))
    with pytest.raises(GenerationDamaged):
        Generation(copied.folder, current(copied))


# --- serving


@pytest.fixture
def serving(twice: SyncRequest) -> Iterator[Serving]:
    """Serves that collection; not refreshed yet."""
    made = Serving(twice.folder, "default")
    yield made
    made.close()


def served(serving: Serving) -> str:
    with serving.lease() as generation:
        return generation.info.generation


def test_nothing_serves_before_the_first_generation(tmp_path: Path) -> None:
    serving = Serving(tmp_path / "default", "default")
    assert not serving.refresh()
    with pytest.raises(GenerationMissing, match="footnote sync"), serving.lease():
        pass


def test_a_new_generation_is_switched_to_once(twice: SyncRequest, serving: Serving) -> None:
    assert serving.refresh()
    assert not serving.refresh()
    write_files(twice.corpus, {"newer.txt": "A second whale was seen in July."})
    sync_in_process(twice)
    assert serving.refresh()
    assert served(serving) == "000003"


def test_a_lease_keeps_the_old_generation_open(twice: SyncRequest, serving: Serving) -> None:
    serving.refresh()
    with serving.lease() as old:
        for number in range(3):
            write_files(twice.corpus, {"newer.txt": f"Whale number {number} was seen."})
            sync_in_process(twice)
            serving.refresh()
        assert not (twice.folder / "generations" / old.info.generation).exists()
        assert old.info.generation == "000002"
        rows = old.find_lexical(["whale"], limit=5)
        assert old.find_dense(old.vector(rows[0]), limit=1) == rows[:1]
        assert len(old.chunks(rows)) == len(rows)
        private = old.private_folder
    assert not private.exists()
    assert served(serving) == "000005"


def test_the_generation_before_serves_when_the_newest_is_damaged(
    twice: SyncRequest, serving: Serving
) -> None:
    flip(folder_of(twice) / "catalog.sqlite3")
    assert serving.refresh()
    assert served(serving) == "000001"
    assert serving.error_message is not None
    assert "000002 is damaged (catalog.sqlite3 was altered)" in serving.error_message
    assert not serving.refresh()
    assert serving.error_message


def test_a_sync_clears_the_error(twice: SyncRequest, serving: Serving) -> None:
    flip(folder_of(twice) / "catalog.sqlite3")
    serving.refresh()
    sync_in_process(twice)
    assert serving.refresh()
    assert serving.error_message is None
    assert served(serving) == "000003"


def test_what_serves_goes_on_when_a_newer_one_is_damaged(
    twice: SyncRequest, serving: Serving
) -> None:
    serving.refresh()
    write_files(twice.corpus, {"newer.txt": "A second whale was seen in July."})
    sync_in_process(twice)
    flip(folder_of(twice) / "chunks.npy")
    assert not serving.refresh()
    assert served(serving) == "000002"
    assert "chunks.npy" in str(serving.error_message)


def test_an_unreadable_current_is_an_error_and_what_serves_goes_on(
    twice: SyncRequest, serving: Serving
) -> None:
    serving.refresh()
    (twice.folder / "CURRENT").write_bytes(b"\xff\xfe")
    assert not serving.refresh()
    assert served(serving) == "000002"
    assert "CURRENT" in str(serving.error_message)


def test_vectors_that_no_query_finds_are_noticed(copied: SyncRequest) -> None:
    delete_vector_graph(copied)
    with open_generation(copied) as generation:
        assert generation.vector_ids() == generation.distinct_ids()
        assert generation.find_dense(generation.vector(0), limit=10) == []
        with pytest.raises(GenerationDamaged):
            verify(generation)
        with pytest.raises(GenerationDamaged):
            generation.warm()


def descriptors(folder: Path) -> tuple[int, set[str]]:
    """How many files this process has open, and of which generations below a folder."""
    links = []
    for path in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # that of the listing itself
            links.append(os.readlink(path).removesuffix(" (deleted)"))
    below = [Path(link).relative_to(folder) for link in links if link.startswith(f"{folder}/")]
    return len(links), {path.parts[1] for path in below}


def test_opening_one_generation_after_another_leaves_no_file_of_the_old_ones_open(
    twice: SyncRequest, serving: Serving
) -> None:
    serving.refresh()
    before, _ = descriptors(twice.folder)
    gc.disable()  # what is closed is closed at once
    try:
        for _ in range(100 if os.environ.get("SOAK") else 10):
            name = roll_back(twice.folder, "default")
            assert serving.refresh()
            with serving.lease() as generation:
                assert generation.find_lexical(["museum"], limit=1)
        after, open_ones = descriptors(twice.folder)
    finally:
        gc.enable()
    assert open_ones == {name}
    assert after <= before + 10  # Chroma opens its database a few times, as it needs to


# --- going back


def test_rolling_back_serves_the_generation_before(twice: SyncRequest, serving: Serving) -> None:
    serving.refresh()
    assert roll_back(twice.folder, "default") == "000001"
    assert serving.refresh()
    assert served(serving) == "000001"
    assert "new.txt" not in source_paths(twice)


def test_rolling_back_twice_is_where_one_was(twice: SyncRequest) -> None:
    before = read_published(twice.folder)
    roll_back(twice.folder, "default")
    assert roll_back(twice.folder, "default") == "000002"
    assert read_published(twice.folder) == before


def test_a_sync_after_rolling_back_is_up_to_date_again(twice: SyncRequest) -> None:
    roll_back(twice.folder, "default")
    report, _ = sync_in_process(twice)
    assert (report.generation, report.added) == ("000003", 1)
    assert [entry.generation for entry in read_published(twice.folder)] == ["000003", "000001"]


def test_there_is_no_going_back_to_nothing(copied: SyncRequest) -> None:
    with pytest.raises(GenerationMissing, match="no older generation"):
        roll_back(copied.folder, "default")


def test_there_is_no_going_back_to_damage(twice: SyncRequest) -> None:
    flip(twice.folder / "generations" / "000001" / "catalog.sqlite3")
    with pytest.raises(GenerationDamaged):
        roll_back(twice.folder, "default")
    assert current(twice).generation == "000002"
