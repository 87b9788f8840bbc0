"""A sample → its values by metric and, if it is not correct, its failure class. Pure.

A metric that does not apply to a case (no gold numbers, no citation) is absent, never NaN. An
error scores 0 wherever the gold alone decides that the case counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ..results import Citation, Response, Sample
from . import matching, ranking
from .registry import HEADLINE

Failure = Literal[
    "not_retrieved",
    "retrieved_not_used",
    "wrong",
    "wrongly_refused",
    "answered_unanswerable",
    "badly_cited",
    "error",
]
FAILURES: dict[Failure, str] = {
    "not_retrieved": "no passage contains the evidence, and the answer is wrong or refused",
    "retrieved_not_used": "a passage contains the evidence, but the answer is wrong and cites "
    "something else",
    "wrong": "the evidence is cited, or the target exposes no passages, but the answer contains "
    "no gold answer",
    "wrongly_refused": "a passage contains the evidence, but the question was refused",
    "answered_unanswerable": "the sources do not answer the question, but it was answered",
    "badly_cited": "the answer contains a gold answer, but no citation points to the evidence",
    "error": "the target failed",
}
"""The failure classes in report order, each with its meaning."""


@dataclass(frozen=True, slots=True)
class TokenPrices:
    """The price of a million tokens, in any currency."""

    prompt: float
    completion: float


@dataclass(frozen=True, slots=True)
class ScoredSample:
    """A sample with its metric values; `failure` is None if it is correct."""

    sample: Sample
    values: Mapping[str, float]
    failure: Failure | None


def score_sample(
    sample: Sample, *, ks: Sequence[int], prices: TokenPrices | None = None
) -> ScoredSample:
    """Returns the sample's values by metric; `ks` are the rank cutoffs."""
    case, response = sample.case, sample.response
    values = {"error_rate": float(response is None)}
    if response is not None and response.answerer == "none":  # a retriever, which answers nothing
        retrieval = _retrieval_values(sample, ks) if case.answerable else {}
        missed = case.answerable and bool(sample.gold) and not _is_retrieved(sample)
        return ScoredSample(sample, values | retrieval, "not_retrieved" if missed else None)
    if case.answerable:
        values |= _answer_values(sample) | _retrieval_values(sample, ks) | _citation_values(sample)
    else:
        refused = response is not None and not response.answered
        values |= {HEADLINE: float(refused), "abstention_recall": float(refused)}
        values["wrong_on_unanswerable"] = float(not refused)
    if response is not None:
        values["degraded"] = float(response.degraded)
        if response.answered:
            values["tentative"] = float(response.tentative)
        values |= _reference_free_values(response, case.question) | _token_values(response, prices)
        if not response.answered:
            values["abstention_precision"] = float(not case.answerable)
    return ScoredSample(sample, values, classify_failure(sample, values))


def classify_failure(sample: Sample, values: Mapping[str, float]) -> Failure | None:
    """Returns why a case is not correct: the first stage of the pipeline that failed."""
    case, response = sample.case, sample.response
    if response is None:
        return "error"
    if not case.answerable:
        return "answered_unanswerable" if response.answered else None
    cites_evidence = _cites_evidence(sample)
    if values.get("answer_contained", float(cites_evidence)):
        return None if cites_evidence or not sample.gold else "badly_cited"
    if cites_evidence:
        return "wrong"
    if response.passages is not None and case.evidence and not _is_retrieved(sample):
        return "not_retrieved"
    if not response.answered:
        return "wrongly_refused"
    return "retrieved_not_used" if response.passages and case.evidence else "wrong"


def _answer_values(sample: Sample) -> dict[str, float]:
    """The answer's text against the gold answers, and the headline."""
    gold_answers = sample.case.answers
    text = None
    if sample.response and sample.answered:
        text = matching.strip_markers(sample.response.answer)
    values = {"wrongly_refused": float(sample.response is not None and not sample.answered)}
    if not gold_answers:  # a data set for retrieval only
        return values
    is_contained = text is not None and matching.contains_answer(text, gold_answers)
    values |= {
        "answer_contained": float(is_contained),
        "exact_match": float(text is not None and matching.exact_match(text, gold_answers)),
        "token_f1": 0.0 if text is None else matching.token_f1(text, gold_answers),
    }
    if (is_match := matching.numeric_match(text or "", gold_answers)) is not None:
        values["numeric_match"] = float(is_match)
    if sample.gold:
        values[HEADLINE] = float(is_contained and _cites_evidence(sample))
    return values


def _retrieval_values(sample: Sample, ks: Sequence[int]) -> dict[str, float]:
    """The ranking metrics at each level; none for a target that exposes no passages."""
    if not ks or not sample.gold or (sample.response and sample.response.passages is None):
        return {}
    passages, gold = sample.passages, sample.gold
    values: dict[str, float] = {}
    for level, rank in (
        ("", ranking.rank_passages),
        ("file_", ranking.rank_files),
        ("span_", ranking.rank_spans),
    ):
        ranked = rank(passages, gold)
        for k in ks:
            values[f"{level}hit@{k}"] = float(ranked.hit(k))
            values[f"{level}recall@{k}"] = ranked.recall(k)
        values[f"{level}mrr@{ks[-1]}"] = ranked.reciprocal_rank(ks[-1])
        values[f"{level}ndcg@{ks[-1]}"] = ranked.ndcg(ks[-1])
    overlap = ranking.token_overlap(passages, gold, [e.quote for e in sample.case.evidence])
    values |= {"token_recall": overlap.recall, "token_precision": overlap.precision}
    return values | {"token_iou": overlap.iou}


def _citation_values(sample: Sample) -> dict[str, float]:
    """The citations against the evidence; none for a target that cannot cite."""
    if not sample.gold or (sample.response and sample.response.citations is None):
        return {}
    citations = _answer_citations(sample)
    values: dict[str, float] = {}
    for level, result in (
        ("citation_", matching.citations_by_span(citations, sample.gold)),
        ("citation_file_", matching.citations_by_file(citations, sample.gold)),
    ):
        if sample.answered or sample.response is None:
            values[f"{level}precision"] = result.precision or 0.0
        values |= {f"{level}recall": result.recall, f"{level}f1": result.f1}
    return values


def _reference_free_values(response: Response, question: str) -> dict[str, float]:
    """What can be measured without gold."""
    values: dict[str, float] = {}
    checked = [c.valid for c in response.citations or () if c.valid is not None]
    if checked:
        values["valid_citations"] = sum(checked) / len(checked)
    sentences = [one for one in response.sentences if one.status != "remark"]
    if response.answered and sentences:
        n = len(sentences)
        values["sentences_cited"] = sum(bool(s.citations) for s in sentences) / n
        values["sentences_supported"] = sum(s.status == "supported" for s in sentences) / n
        supports = matching.rule_based_support(question)
        alce = matching.alce(matching.cited_sentences(response), supports)
        values["alce_recall"] = alce.recall
        if alce.precision is not None:
            values["alce_precision"] = alce.precision
    return values


def _token_values(response: Response, prices: TokenPrices | None) -> dict[str, float]:
    if not response.usage:
        return {}
    prompt, completion = response.usage["prompt_tokens"], response.usage["completion_tokens"]
    values = {"prompt_tokens": float(prompt), "completion_tokens": float(completion)}
    if prices:
        values["cost"] = (prompt * prices.prompt + completion * prices.completion) / 1_000_000
    return values


def _answer_citations(sample: Sample) -> tuple[Citation, ...]:
    return sample.citations if sample.answered else ()


def _cites_evidence(sample: Sample) -> bool:
    return any(matching.cites_evidence(c, sample.gold) for c in _answer_citations(sample))


def _is_retrieved(sample: Sample) -> bool:
    return any(matching.matches_evidence(p, item) for p in sample.passages for item in sample.gold)
