"""Changing the search engine builds the index again, from the texts and vectors that are there."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

from index.embed.factory import EmbedSpec
from index.engine import open_generation, verify
from index.lance.opened import LanceGeneration
from index.store.generation import Generation
from index.store.manifest import read_current, read_published
from index.sync.process import SyncRequest
from index.sync.publish import roll_back
from tests.support.corpus_builder import ARTICLES, sync_in_process, sync_request, write_files
from tests.support.extras import needs
from tests.support.fakes import FakeModel

pytestmark = needs("lance")


def served_by(request: SyncRequest) -> type:
    ref = read_current(request.folder)
    assert ref is not None
    with closing(open_generation(request.folder, ref)) as generation:
        verify(generation)
        return type(generation)


def texts_embedded(model: FakeModel) -> int:
    texts = [text for request in model.requests for text in request.body["input"]]
    return len(texts) - texts.count("How many dimensions?")


def test_the_engine_is_changed_back_and_forth_without_embedding_again(
    tmp_path: Path, hosted: EmbedSpec, embeddings: FakeModel
) -> None:
    corpus = write_files(tmp_path / "corpus", ARTICLES)
    chroma = sync_request(corpus, tmp_path / "data", hosted)
    lance = replace(chroma, engine="lance")
    sync_in_process(chroma)
    asked = texts_embedded(embeddings)
    for request, name, kind in ((lance, "lance", LanceGeneration), (chroma, "chroma", Generation)):
        report, events = sync_in_process(request)
        assert report.published
        assert report.unchanged == 3
        causes = [str(event["cause"]) for event in events if event["event"] == "rebuild"]
        assert [cause for cause in causes if f"the search engine is {name}, not" in cause]
        assert served_by(request) is kind
        assert not sync_in_process(request)[0].published
    assert texts_embedded(embeddings) == asked
    assert len(read_published(chroma.folder)) == 2
    roll_back(chroma.folder, "default")
    assert served_by(lance) is LanceGeneration
