"""The reader: it tells a passage that answers from one that does not, and where the answer is."""

import hashlib
import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from index.embed.factory import EmbedSpec, open_embedder
from index.embed.graph import model_folder, read_safetensors
from index.embed.reader_graph import merge, reader_file
from index.errors import EmbedderUnavailable
from rag.answering.confidence import assess
from rag.retrieval.fusion import RetrievalResult, retrieve
from rag.retrieval.query import analyze_query
from rag.retrieval.reader import ADAPTER, LEAST, LEAST_LOG, Reader, passage_head
from rag.retrieval.weights import fitted_weights
from tests.support.corpus_builder import open_generation, sync_in_process, sync_request, write_files

SHA256 = (
    "5e3686c63e319a94820eaef4ae905bef491cead06961411cbd057419b9bb1f6d",
    "4337ca9b977e9c03b1fd41aeb58fece2679ae77de9c13b5e8942d7fb1a6d6f7c",
)
FILES = {
    "mill.md": "# The mill\n\nThe mill stands by the river Orre. It was built in 1871 by the "
    "baker Anna Holm. Today it grinds oats for the whole valley.\n",
    "canteen.md": "# Canteen\n\nThe canteen opens at noon. Soup costs three crowns. On Fridays "
    "there is fish.\n",
}
Search = Callable[[str], RetrievalResult]


@pytest.fixture(scope="module")
def reader(minilm_spec: EmbedSpec) -> Reader:
    return Reader(minilm_spec.models_dir)


@pytest.fixture(scope="module")
def search(minilm_spec: EmbedSpec, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Search]:
    folder: Path = tmp_path_factory.mktemp("reader")
    request = sync_request(write_files(folder / "corpus", FILES), folder / "data", minilm_spec)
    sync_in_process(request)
    embedder = open_embedder(minilm_spec)
    with open_generation(request) as generation:

        def found(question: str) -> RetrievalResult:
            query = analyze_query(generation, embedder, question)
            return retrieve(generation, query, weights=fitted_weights(), top_k=5)

        yield found


def read(reader: Reader, search: Search, question: str) -> dict[str, float]:
    hits = reader(question, search(question).hits)
    return {hit.source.path: hit.reading.answers for hit in hits if hit.reading}


def test_the_adapter_is_the_one_that_was_measured() -> None:
    data = [files("rag.retrieval").joinpath(name).read_bytes() for name in ADAPTER]
    assert tuple(hashlib.sha256(one).hexdigest() for one in data) == SHA256
    assert all(len(one) < 1_000_000 for one in data)


@pytest.mark.parametrize(
    ("question", "path"),
    [("who built the mill?", "mill.md"), ("how much is the soup", "canteen.md")],
)
def test_the_passage_that_answers_has_the_highest_logit(
    reader: Reader, search: Search, question: str, path: str
) -> None:
    logits = read(reader, search, question)
    assert logits[path] > 0
    assert logits[path] == max(logits.values())


def test_what_no_passage_says_has_a_lower_logit(reader: Reader, search: Search) -> None:
    said = max(read(reader, search, "When was the mill built?").values())
    unsaid = max(read(reader, search, "What does the mill pay its workers?").values())
    assert unsaid < 0 < said


def test_the_unit_with_the_answer_is_the_likeliest(reader: Reader, search: Search) -> None:
    hits = reader("When was the mill built?", search("When was the mill built?").hits)
    hit = next(hit for hit in hits if hit.source.path == "mill.md")
    assert hit.reading
    assert len(hit.reading.units) == len(hit.units)
    assert "1871" in hit.units[int(np.argmax(hit.reading.units))].text
    assert all(LEAST_LOG <= value <= 0 for value in hit.reading.units)


def test_a_reading_does_not_depend_on_the_other_hits(reader: Reader, search: Search) -> None:
    question = "who built the mill?"
    hits = search(question).hits
    together = {hit.chunk.id: hit.reading for hit in reader(question, hits)}
    assert {hit.chunk.id: reader(question, [hit])[0].reading for hit in hits} == together


def test_hits_are_ranked_with_their_readings(reader: Reader, search: Search) -> None:
    question = "who built the mill?"
    hits = reader(question, [replace(hit, score=0.5) for hit in reversed(search(question).hits)])
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    assert hits[0].source.path == "mill.md"
    assert all(0 <= hit.score <= 1 for hit in hits)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


@pytest.mark.parametrize(
    "question", ["", "?" * 5000, "who " * 5000, "\x00\u202e漢字 🛶", "[SEP] [CLS]"]
)
def test_every_question_can_be_read(reader: Reader, search: Search, question: str) -> None:
    for hit in reader(question, search("mill").hits):
        assert hit.reading
        assert np.isfinite([hit.reading.answers, *hit.reading.units]).all()
        assert hit.reading.answers >= LEAST


def test_a_passage_over_the_limit_is_truncated(reader: Reader, search: Search) -> None:
    hit = search("mill").hits[0]
    text = "The mill is old. " * 200
    unit = replace(hit.units[-1], start=hit.chunk.start + 3000, end=hit.chunk.start + 3015)
    (long,) = reader("mill", [replace(hit, text=text, units=(unit,))])
    assert long.reading
    assert long.reading.units == (LEAST_LOG,)


def test_several_threads_read_alike(reader: Reader, search: Search) -> None:
    hits = search("who built the mill?").hits
    alone = reader("who built the mill?", hits)
    found: list[tuple[object, ...]] = []
    threads = [
        threading.Thread(target=lambda: found.append(reader("who built the mill?", hits)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [alone] * 4


def test_only_english_questions_are_read(reader: Reader, search: Search) -> None:
    weights = fitted_weights()
    for question, is_read in (
        ("Who built the mill?", True),
        ("Wer hat die Mühle am Fluss gebaut, und wann war das?", False),
    ):
        result = search(question)
        evidence = assess(question, question, result, weights=weights, top_k=5, reader=reader)
        assert all(bool(hit.reading) == is_read for hit in evidence.hits)


def logit(p: float) -> float:
    return math.log(p / (1 - p))


def test_the_reading_moves_the_confidence(reader: Reader, search: Search) -> None:
    def certainty(question: str) -> tuple[float, float]:
        result, weights = search(question), fitted_weights()
        with_reader, without = (
            assess(question, question, result, weights=weights, top_k=5, reader=one).confidence
            for one in (reader, None)
        )
        return logit(with_reader), logit(without)

    told, untold = certainty("When was the mill built?"), certainty("When was the mill sold?")
    assert told[0] - untold[0] > told[1] - untold[1]


def test_a_head_names_title_and_headings_once() -> None:
    assert passage_head("Leave", "Leave › Sick leave") == "Leave: Sick leave. "
    assert passage_head("", "") == ""


def test_the_adapter_is_merged_into_the_weights() -> None:
    weights = read_safetensors(model_folder() / "model.safetensors")
    adapter = {
        name: value
        for part in ADAPTER
        for name, value in read_safetensors(
            Path(str(files("rag.retrieval").joinpath(part)))
        ).items()
    }
    merged = merge(weights, adapter)
    name = "encoder.layer.2.attention.self.query"
    change = 2 * adapter[f"bert.{name}.b"] @ adapter[f"bert.{name}.a"]
    np.testing.assert_allclose(merged[f"{name}.weight"], weights[f"{name}.weight"] + change)
    assert set(merged) - set(weights) == {
        f"{head}.{part}" for head in ("pool", "ans", "span") for part in ("weight", "bias")
    }


def test_a_missing_adapter_is_named(tmp_path: Path) -> None:
    with pytest.raises(EmbedderUnavailable, match=r"nothing\.safetensors"):
        reader_file(tmp_path, [tmp_path / "nothing.safetensors"])
