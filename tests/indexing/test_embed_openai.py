"""The hosted embedder, by the real client against a server on loopback."""

import asyncio
import gc
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest

from api.bootstrap import open_components
from api.cli.client import open_index
from api.settings import Settings
from api.settings_types import EmbedGroup
from index.embed.factory import EmbedSpec, open_embedder
from index.embed.protocol import ChunkText, ChunkVectors
from index.errors import EmbedderUnavailable
from tests.support.corpus_builder import ARTICLES, sync_in_process, sync_request, write_files
from tests.support.fake_wire import embed
from tests.support.fakes import FakeModel
from tests.support.processes import wait_until

TEXT = "The lamp was lit. The tower stands."
CHUNK = ChunkText(TEXT, (((0, 17),), ((18, 35),)))


def spec(model: FakeModel, *, name: str | None = "fake") -> EmbedSpec:
    return EmbedSpec("openai", name, model.base_url, "key-1", Path("unused"))


def embedded(spec: EmbedSpec, *chunks: ChunkText) -> list[ChunkVectors]:
    with closing(open_embedder(spec)) as embedder:
        return embedder.embed_chunks(chunks)


def test_its_vectors_are_the_endpoints_of_chunk_and_sentences() -> None:
    with FakeModel() as model:
        made = embedded(spec(model), CHUNK)[0]
    np.testing.assert_allclose(made.vector, embed(TEXT), atol=1e-6)
    np.testing.assert_allclose(made.words.rows[1], embed("The tower stands."), atol=1e-3)


def test_sentence_vectors_are_grouped_by_chunk() -> None:
    other = ChunkText("One. Two. Three.", (((0, 4),), ((5, 9),), ((10, 16),)))
    bare = ChunkText("None at all", ())
    with FakeModel() as model:
        made = embedded(spec(model), CHUNK, bare, other)
    words = [entry.words for entry in made]
    assert [sentences.rows.shape for sentences in words] == [(2, 64), (0, 64), (3, 64)]
    assert [sentences.counts.tolist() for sentences in words] == [[1, 1], [], [1, 1, 1]]
    np.testing.assert_allclose(words[2].rows[2], embed("Three."), atol=1e-3)


def test_many_texts_go_in_several_requests_and_come_back_in_order() -> None:
    chunks = [ChunkText(f"number {n}", ()) for n in range(200)]
    with FakeModel() as model:
        made = embedded(spec(model), *chunks)
        assert max(len(request.body["input"]) for request in model.requests) <= 96
    for number in (0, 95, 96, 199):
        np.testing.assert_allclose(made[number].vector, embed(f"number {number}"), atol=1e-6)


def test_the_dimensions_are_the_endpoints_own() -> None:
    with FakeModel() as model, closing(open_embedder(spec(model))) as embedder:
        assert embedder.dimensions == 64


def test_the_fingerprint_tells_models_apart() -> None:
    made = set()
    with FakeModel() as model:
        for each in (spec(model), spec(model, name="other")):
            with closing(open_embedder(each)) as embedder:
                made.add(embedder.fingerprint)
    assert len(made) == 2
    assert "key-1" not in "".join(made)


@pytest.mark.parametrize("fault", ["http_401", "http_400", "html_200", "bad_json", "empty_choices"])
def test_a_faulty_endpoint_is_an_error_that_names_the_model(fault: str) -> None:
    with FakeModel(fault=fault) as model, pytest.raises(EmbedderUnavailable, match="fake"):
        open_embedder(spec(model))


def test_without_a_models_name_it_does_not_ask() -> None:
    with FakeModel() as model:
        with pytest.raises(EmbedderUnavailable, match=r"embed\.model is not set"):
            open_embedder(spec(model, name=None))
        assert not model.requests


def test_no_connection_goes_anywhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "OPENAI_BASE_URL", "http://127.0.0.1:9")
    with FakeModel() as model:
        embedded(spec(model), CHUNK)
        assert model.requests


# --- connections


@contextmanager
def every_connection_ended(model: FakeModel) -> Iterator[None]:
    """Fails where a connection was left to the garbage collector."""
    gc.disable()
    try:
        yield
        wait_until(lambda: not model.connections)
    finally:
        gc.enable()


@pytest.mark.parametrize("fault", [None, "http_401", "bad_json"])
def test_it_leaves_no_connection_open(fault: str | None) -> None:
    with FakeModel(fault=fault) as model, every_connection_ended(model):
        try:
            embedded(spec(model), CHUNK)
        except EmbedderUnavailable:
            assert fault


def test_a_sync_and_what_asks_its_index_leave_no_connection_open(
    bare_environment: Path, hosted: EmbedSpec, embeddings: FakeModel
) -> None:
    request = sync_request(write_files(bare_environment / "corpus", ARTICLES), Path("data"), hosted)
    embed = EmbedGroup(model="fake", base_url=hosted.base_url)
    settings = Settings(corpus=request.corpus, data_dir=Path("data"), embed=embed)
    with every_connection_ended(embeddings):
        sync_in_process(request)
    with every_connection_ended(embeddings):
        asyncio.run(open_components(settings).close())
    with every_connection_ended(embeddings), open_index(settings) as (parts, _):
        parts.embedder.embed_question("How high is the lighthouse?")
