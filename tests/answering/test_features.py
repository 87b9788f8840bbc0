"""The features of the confidence, which falls where the quoted unit is about something else."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from index.embed.factory import EmbedSpec, open_embedder
from rag.answering.confidence import assess, confidence
from rag.answering.extractive import pick_sentences, rank_sentences
from rag.answering.features import features
from rag.retrieval.fusion import RetrievalResult, retrieve
from rag.retrieval.query import analyze_query
from rag.retrieval.weights import fitted_weights
from tests.support.corpus_builder import open_generation, sync_in_process, sync_request, write_files

FILES = {
    "sales.md": "# Sales\n\nIn the spring of 2024 the Brell mill sold 4,120 tonnes of oats.\n\n"
    "The mill is heated by district heat and stands by the river.\n",
    "leave.md": "# Leave\n\nHow leave is taken:\n\n- Fill in the form.\n- Ask your manager.\n",
    "other.md": "# Canteen\n\nThe canteen serves soup at noon.\n",
}
Values = dict[str, float]
TERMS = fitted_weights().confidence


@pytest.fixture(scope="module")
def found(
    minilm_spec: EmbedSpec, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], RetrievalResult]]:
    folder: Path = tmp_path_factory.mktemp("features")
    request = sync_request(write_files(folder / "corpus", FILES), folder / "data", minilm_spec)
    sync_in_process(request)
    embedder = open_embedder(minilm_spec)
    with open_generation(request) as generation:

        def search(question: str) -> RetrievalResult:
            query = analyze_query(generation, embedder, question)
            return retrieve(generation, query, weights=fitted_weights(), top_k=5)

        yield search


def values(question: str, result: RetrievalResult) -> Values:
    ranked = rank_sentences(question, result.hits)
    return features(question, result, pick_sentences(ranked, result.hits), ranked)


def test_another_year_than_the_one_asked_for_is_missing(
    found: Callable[[str], RetrievalResult],
) -> None:
    told, untold = (
        values(question, found(question))
        for question in (
            "How many tonnes of oats did the Brell mill sell in 2024?",
            "How many tonnes of oats did the Brell mill sell in 2019?",
        )
    )
    assert (told["figures_missing"], untold["figures_missing"]) == (0, 1)
    assert confidence(told, TERMS) > confidence(untold, TERMS)


def test_a_year_that_the_source_is_of_is_not_missing(
    found: Callable[[str], RetrievalResult],
) -> None:
    question = "How many tonnes of oats did the Brell mill sell in 2019?"
    result = found(question)
    source = replace(result.hits[0].source, metadata={"date": "2019-05-01"})
    dated = replace(result.hits[0], source=source)
    assert values(question, replace(result, hits=(dated, *result.hits[1:])))["figures_missing"] == 0


def test_every_feature_has_a_weight_and_is_bounded(found: Callable[[str], RetrievalResult]) -> None:
    named = set(TERMS) - {"intercept"}
    for question in (
        "how do I take leave",
        "soup",
        "Is the mill heated?",
        "When was 1999 in Brell?",
    ):
        made = values(question, found(question))
        assert set(made) == named
        assert all(-1 <= value <= 4 for value in made.values()), made


def test_a_number_that_is_no_date_misses_what_is_asked_for(
    found: Callable[[str], RetrievalResult],
) -> None:
    asked = values("When does the canteen open?", found("When does the canteen open?"))
    counted = values(
        "How many tonnes of oats were sold?", found("How many tonnes of oats were sold?")
    )
    assert (asked["is_date"], counted["is_number"]) == (1, 1)
    assert counted["misses"] == 0


def test_fewer_passages_do_not_make_an_answer_more_certain(
    found: Callable[[str], RetrievalResult],
) -> None:
    question = "Is the mill heated?"
    result, weights = found(question), fitted_weights()
    few, many = (
        assess(question, question, result, weights=weights, top_k=top_k) for top_k in (1, 5)
    )
    assert (len(few.hits), len(many.hits)) == (1, len(result.hits))
    assert few.picks == many.picks
    assert few.confidence == many.confidence


def test_an_answer_without_a_name_of_the_question_is_never_certain(
    found: Callable[[str], RetrievalResult],
) -> None:
    weights = replace(fitted_weights(), confidence=dict.fromkeys(TERMS, 0.0) | {"intercept": 9.0})
    for name, is_certain in (("Brell", True), ("Karl", False)):
        question = f"How many tonnes of oats did the {name} mill sell in 2024?"
        evidence = assess(question, question, found(question), weights=weights, top_k=5)
        assert (evidence.confidence >= weights.certain) == is_certain
