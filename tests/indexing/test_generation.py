"""An open generation: what it reads, that it never changes, and that damage is detected."""

import hashlib
import shutil
from pathlib import Path

import pytest

from index.embed.factory import EmbedSpec
from index.embed.protocol import Embedder
from index.errors import GenerationDamaged
from index.store.generation import Generation
from index.store.integrity import verify
from index.store.manifest import GenerationRef, read_current
from index.sync.process import SyncRequest
from index.types import Filters
from tests.support.corpus_builder import (
    ARTICLES,
    BuiltIndex,
    delete_vector_graph,
    flip_bit,
    open_generation,
    serving_folder,
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


def current(request: SyncRequest) -> GenerationRef:
    current = read_current(request.folder)
    assert current is not None
    return current


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
        rows = generation.find_dense(generation.vector(row), limit=40)
        assert len(set(rows)) == 40
        assert row in generation.find_dense(generation.vector(row), limit=200)


# --- never changed


def test_opening_and_asking_leaves_every_byte_as_it_was(
    copied: SyncRequest, minilm: Embedder
) -> None:
    folder = serving_folder(copied)
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


def test_a_flipped_byte_in_any_file_is_detected_before_it_serves(copied: SyncRequest) -> None:
    folder = serving_folder(copied)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    assert len(files) >= 10
    for path in files:
        whole = path.read_bytes()
        if whole:
            flip_bit(path)
        else:
            path.write_bytes(b"x")
        with pytest.raises(GenerationDamaged, match=path.name):
            Generation(copied.folder, current(copied))
        path.write_bytes(whole)
    Generation(copied.folder, current(copied)).close()


def test_a_missing_or_added_file_is_detected(copied: SyncRequest) -> None:
    folder = serving_folder(copied)
    (folder / "lexical" / "stray").write_text("x")
    with pytest.raises(GenerationDamaged, match="stray"):
        Generation(copied.folder, current(copied))
    (folder / "lexical" / "stray").unlink()
    (folder / "parts.npy").unlink()
    with pytest.raises(GenerationDamaged, match=r"parts\.npy"):
        Generation(copied.folder, current(copied))


def test_files_that_are_no_longer_a_generation_are_damage_not_a_crash(copied: SyncRequest) -> None:
    shutil.rmtree(serving_folder(copied))
    with pytest.raises(GenerationDamaged):
        Generation(copied.folder, current(copied))


def test_vectors_that_no_query_finds_are_detected(copied: SyncRequest) -> None:
    delete_vector_graph(copied)
    with open_generation(copied) as generation:
        assert generation.vector_ids() == generation.distinct_ids()
        assert generation.find_dense(generation.vector(0), limit=10) == []
        with pytest.raises(GenerationDamaged):
            verify(generation)
        with pytest.raises(GenerationDamaged):
            generation.warm()
