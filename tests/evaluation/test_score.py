"""A sample's failure class and headline follow the contract."""

from dataclasses import replace

import pytest

from rag.evaluation.cases import Case, Evidence
from rag.evaluation.metrics.registry import METRICS, order
from rag.evaluation.metrics.score import FAILURES, Prices, score
from rag.evaluation.results import Cited, Gold, Passage, Response, Said, Sample, as_line, from_line

KS = (1, 3, 5)
CASE = Case("a", "How deep?", ("12 metres",), (Evidence("lake.txt", "q"),), True)
GOLD = (Gold("lake.txt", ((100, 200),)),)
HERE = Cited(1, "lake.txt", 120, 180, "The lake is 12 metres deep.", True)
ELSEWHERE = Cited(1, "lake.txt", 300, 400, "The lake is 12 metres deep.", True)
FOUND = Passage(1, "lake.txt", 90, 210, "x", 0.9)
LOST = Passage(1, "sea.txt", 90, 210, "x", 0.9)
RIGHT = Response("It is 12 metres deep. [1]", True, citations=(HERE,), passages=(FOUND,))
REFUSED = Response("No.", False, reason="low_confidence", passages=(FOUND,))
NO_CASE = Case("n", "Who?", (), (), False)


def sample(response: Response | None, case: Case = CASE) -> Sample:
    error = "it broke" if response is None else None
    return Sample(case, response, error, GOLD if case.evidence else (), 5.0)


@pytest.mark.parametrize(
    ("case", "response", "failure"),
    [
        (CASE, RIGHT, None),
        (CASE, None, "error"),
        (CASE, REFUSED, "wrongly_refused"),
        (CASE, replace(REFUSED, passages=(LOST,)), "not_retrieved"),
        (CASE, replace(RIGHT, citations=(ELSEWHERE,)), "badly_cited"),
        (CASE, replace(RIGHT, citations=()), "badly_cited"),
        (CASE, replace(RIGHT, answer="It is 13 metres deep. [1]"), "wrong"),
        (CASE, replace(RIGHT, answer="Very.", citations=(ELSEWHERE,)), "retrieved_not_used"),
        (
            CASE,
            replace(RIGHT, answer="Very.", citations=(ELSEWHERE,), passages=(LOST,)),
            "not_retrieved",
        ),
        (CASE, replace(RIGHT, answer="Very.", citations=(), passages=None), "wrong"),
        (NO_CASE, REFUSED, None),
        (NO_CASE, RIGHT, "answered_unanswerable"),
        (NO_CASE, None, "error"),
    ],
)
def test_a_failure_is_put_down_to_the_first_thing_that_went_wrong(
    case: Case, response: Response | None, failure: str | None
) -> None:
    scored = score(sample(response, case), ks=KS)
    assert scored.failure == failure
    assert scored.values["answer_cited"] == float(failure is None)


def test_every_class_is_explained() -> None:
    assert list(FAILURES) == [
        "not_retrieved",
        "retrieved_not_used",
        "wrong",
        "wrongly_refused",
        "answered_unanswerable",
        "badly_cited",
        "error",
    ]


def test_without_gold_evidence_the_answer_alone_decides() -> None:
    bare = replace(CASE, evidence=())
    scored = score(sample(replace(RIGHT, citations=()), bare), ks=KS)
    assert scored.failure is None
    assert "answer_cited" not in scored.values
    assert "hit@1" not in scored.values


def test_an_error_counts_as_wrong_wherever_the_gold_decides() -> None:
    values = score(sample(None), ks=KS).values
    for name in ("answer_cited", "answer_contained", "token_f1", "hit@5", "citation_f1"):
        assert values[name] == 0.0
    assert values["error_rate"] == 1.0
    assert score(sample(None, NO_CASE), ks=KS).values["wrong_on_unanswerable"] == 1.0


def test_a_closed_book_target_has_no_retrieval_metrics() -> None:
    values = score(sample(Response("12 metres", True, citations=None, passages=None)), ks=KS).values
    assert values["exact_match"] == 1.0
    assert not [name for name in values if name.startswith(("hit", "citation", "token_iou"))]


def test_a_refusal_has_no_citations_to_be_precise_about() -> None:
    values = score(sample(REFUSED), ks=KS).values
    assert values["citation_recall"] == 0.0
    assert "citation_precision" not in values
    assert values["abstention_precision"] == 0.0


def test_an_answer_without_citations_has_precision_zero() -> None:
    assert score(sample(replace(RIGHT, citations=())), ks=KS).values["citation_precision"] == 0.0


def test_sentences_are_counted_by_citation_and_support() -> None:
    said = (Said("A. [1]", "supported", (1,)), Said("B.", "uncited", ()))
    values = score(sample(replace(RIGHT, sentences=said)), ks=KS).values
    assert (values["sentences_cited"], values["sentences_supported"]) == (0.5, 0.5)


def test_tokens_cost_what_the_prices_say() -> None:
    used = replace(RIGHT, usage={"prompt_tokens": 1000, "completion_tokens": 100})
    values = score(sample(used), ks=KS, prices=Prices(2.0, 10.0)).values
    assert values["cost"] == pytest.approx(0.003)


def test_every_figure_is_in_the_table() -> None:
    used = replace(RIGHT, usage={"prompt_tokens": 1, "completion_tokens": 1})
    said = (Said("It is 12 metres deep. [1]", "supported", (1,)),)
    for made in (replace(used, sentences=said), REFUSED, None):
        for case in (CASE, NO_CASE):
            names = score(sample(made, case), ks=KS, prices=Prices(1, 1)).values
            assert sorted(names, key=order)
    assert all(metric.definition for metric in METRICS.values())


def test_a_sample_survives_being_written_and_read() -> None:
    whole = sample(replace(RIGHT, sentences=(Said("A. [1]", "supported", (1,)),)))
    assert from_line(as_line(whole)) == whole
    assert from_line(as_line(sample(None))) == sample(None)
