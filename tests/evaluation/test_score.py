"""A sample's failure class and headline follow the contract."""

from dataclasses import replace

import pytest

from rag.evaluation.cases import Case, Evidence
from rag.evaluation.metrics.registry import METRICS, sort_key
from rag.evaluation.metrics.score import FAILURES, TokenPrices, score_sample
from rag.evaluation.results import (
    AnswerSentence,
    Citation,
    GoldEvidence,
    Passage,
    Response,
    Sample,
)

KS = (1, 3, 5)
CASE = Case("a", "How deep?", ("12 metres",), (Evidence("lake.txt", "q"),), True)
GOLD = (GoldEvidence("lake.txt", ((100, 200),)),)
HERE = Citation(1, "lake.txt", 120, 180, "The lake is 12 metres deep.", True)
ELSEWHERE = Citation(1, "lake.txt", 300, 400, "The lake is 12 metres deep.", True)
ON_EVIDENCE = Passage(1, "lake.txt", 90, 210, "x", 0.9)
OFF_EVIDENCE = Passage(1, "sea.txt", 90, 210, "x", 0.9)
RIGHT = Response("It is 12 metres deep. [1]", True, citations=(HERE,), passages=(ON_EVIDENCE,))
REFUSED = Response("No.", False, reason="low_confidence", passages=(ON_EVIDENCE,))
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
        (CASE, replace(REFUSED, passages=(OFF_EVIDENCE,)), "not_retrieved"),
        (CASE, replace(RIGHT, citations=(ELSEWHERE,)), "badly_cited"),
        (CASE, replace(RIGHT, citations=()), "badly_cited"),
        (CASE, replace(RIGHT, answer="It is 13 metres deep. [1]"), "wrong"),
        (CASE, replace(RIGHT, answer="Very.", citations=(ELSEWHERE,)), "retrieved_not_used"),
        (
            CASE,
            replace(RIGHT, answer="Very.", citations=(ELSEWHERE,), passages=(OFF_EVIDENCE,)),
            "not_retrieved",
        ),
        (CASE, replace(RIGHT, answer="Very.", citations=(), passages=None), "wrong"),
        (NO_CASE, REFUSED, None),
        (NO_CASE, RIGHT, "answered_unanswerable"),
        (NO_CASE, None, "error"),
    ],
)
def test_a_failure_is_classified_by_the_first_stage_that_failed(
    case: Case, response: Response | None, failure: str | None
) -> None:
    scored = score_sample(sample(response, case), ks=KS)
    assert scored.failure == failure
    assert scored.values["answer_cited"] == float(failure is None)


def test_the_failure_classes_are_those_of_the_contract() -> None:
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
    scored = score_sample(sample(replace(RIGHT, citations=()), bare), ks=KS)
    assert scored.failure is None
    assert "answer_cited" not in scored.values
    assert "hit@1" not in scored.values


def test_an_error_counts_as_wrong_wherever_the_gold_decides() -> None:
    values = score_sample(sample(None), ks=KS).values
    for name in ("answer_cited", "answer_contained", "token_f1", "hit@5", "citation_f1"):
        assert values[name] == 0.0
    assert values["error_rate"] == 1.0
    assert score_sample(sample(None, NO_CASE), ks=KS).values["wrong_on_unanswerable"] == 1.0


def test_a_target_without_passages_has_no_retrieval_metrics() -> None:
    values = score_sample(
        sample(Response("12 metres", True, citations=None, passages=None)), ks=KS
    ).values
    assert values["exact_match"] == 1.0
    assert not [name for name in values if name.startswith(("hit", "citation", "token_iou"))]


def test_a_refusal_has_no_citations_to_be_precise_about() -> None:
    values = score_sample(sample(REFUSED), ks=KS).values
    assert values["citation_recall"] == 0.0
    assert "citation_precision" not in values
    assert values["abstention_precision"] == 0.0


def test_an_answer_without_citations_has_precision_zero() -> None:
    assert (
        score_sample(sample(replace(RIGHT, citations=())), ks=KS).values["citation_precision"]
        == 0.0
    )


def test_sentences_are_counted_by_citation_and_support() -> None:
    sentences = (AnswerSentence("A. [1]", "supported", (1,)), AnswerSentence("B.", "uncited", ()))
    values = score_sample(sample(replace(RIGHT, sentences=sentences)), ks=KS).values
    assert (values["sentences_cited"], values["sentences_supported"]) == (0.5, 0.5)


def test_tokens_cost_what_the_prices_say() -> None:
    used = replace(RIGHT, usage={"prompt_tokens": 1000, "completion_tokens": 100})
    values = score_sample(sample(used), ks=KS, prices=TokenPrices(2.0, 10.0)).values
    assert values["cost"] == pytest.approx(0.003)


def test_every_metric_is_registered() -> None:
    used = replace(RIGHT, usage={"prompt_tokens": 1, "completion_tokens": 1})
    sentences = (AnswerSentence("It is 12 metres deep. [1]", "supported", (1,)),)
    for response in (replace(used, sentences=sentences), REFUSED, None):
        for case in (CASE, NO_CASE):
            names = score_sample(sample(response, case), ks=KS, prices=TokenPrices(1, 1)).values
            assert sorted(names, key=sort_key)
    assert all(metric.definition for metric in METRICS.values())


def test_a_sample_survives_being_written_and_read() -> None:
    original = sample(replace(RIGHT, sentences=(AnswerSentence("A. [1]", "supported", (1,)),)))
    assert Sample.from_json(original.to_json()) == original
    assert Sample.from_json(sample(None).to_json()) == sample(None)
