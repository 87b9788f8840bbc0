"""A sample → its figures and, where it is not right, the class of its failure. Pure.

A metric that a case does not have (no gold figures, nothing cited) is absent, never NaN. An error
scores 0 wherever the gold alone decides that the case counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ..results import Cited, Passage, Response, Sample
from . import citing, ranking
from .match import contains, exact, numeric, token_f1, unmarked
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
    "not_retrieved": "no passage holds the evidence, and the answer is wrong or refused",
    "retrieved_not_used": "a passage holds the evidence, but the answer is wrong and cites others",
    "wrong": "the evidence is cited, or nothing is retrieved by this target, but the answer is "
    "not in the answer's words",
    "wrongly_refused": "a passage holds the evidence, but the question was refused",
    "answered_unanswerable": "the sources do not answer the question, but it was answered",
    "badly_cited": "a gold answer is contained, but no citation is on the evidence",
    "error": "the target failed",
}
"""The classes, in the order of the report, with what each means."""


@dataclass(frozen=True, slots=True)
class Prices:
    """What a million tokens cost, in any currency."""

    prompt: float
    completion: float


@dataclass(frozen=True, slots=True)
class Scored:
    """A sample with its figures; `failure` is None where it is right."""

    sample: Sample
    values: Mapping[str, float]
    failure: Failure | None


def score(sample: Sample, *, ks: Sequence[int], prices: Prices | None = None) -> Scored:
    """Returns the sample's figures by metric; `ks` are the depths of the ranking metrics."""
    case, response = sample.case, sample.response
    values = {"error_rate": float(response is None)}
    if response is not None and response.answerer == "none":  # it only retrieves
        found = _found(sample, ks) if case.answerable else {}
        lost = case.answerable and bool(sample.gold) and not _retrieved(sample)
        return Scored(sample, values | found, "not_retrieved" if lost else None)
    if case.answerable:
        values |= _answer(sample) | _found(sample, ks) | _against_gold(sample)
    else:
        refused = response is not None and not response.answered
        values |= {HEADLINE: float(refused), "abstention_recall": float(refused)}
        values["wrong_on_unanswerable"] = float(not refused)
    if response is not None:
        values["degraded"] = float(response.degraded)
        values |= _claims(response, case.question) | _tokens(response, prices)
        if not response.answered:
            values["abstention_precision"] = float(not case.answerable)
    return Scored(sample, values, failure(sample, values))


def failure(sample: Sample, values: Mapping[str, float]) -> Failure | None:
    """Returns why a case is not right, by the first thing that went wrong on the way."""
    case, response = sample.case, sample.response
    if response is None:
        return "error"
    cited = any(citing.on_gold(cited, sample.gold) for cited in _citations(sample))
    if not case.answerable:
        return "answered_unanswerable" if response.answered else None
    if values.get("answer_contained", float(cited)):
        return None if cited or not sample.gold else "badly_cited"
    if cited:
        return "wrong"
    if response.passages is not None and case.evidence and not _retrieved(sample):
        return "not_retrieved"
    if not response.answered:
        return "wrongly_refused"
    return "retrieved_not_used" if response.passages and case.evidence else "wrong"


def _answer(sample: Sample) -> dict[str, float]:
    """The answer's words against the gold answers, and the headline."""
    golds = sample.case.answers
    said = unmarked(sample.response.answer) if sample.response and sample.answered else None
    values = {"wrongly_refused": float(sample.response is not None and not sample.answered)}
    if not golds:  # a set that judges retrieval alone
        return values
    contained = said is not None and contains(said, golds)
    values |= {
        "answer_contained": float(contained),
        "exact_match": float(said is not None and exact(said, golds)),
        "token_f1": 0.0 if said is None else token_f1(said, golds),
    }
    if (figures := numeric(said or "", golds)) is not None:
        values["numeric_match"] = float(figures)
    if sample.gold:
        cited = any(citing.on_gold(cited, sample.gold) for cited in _citations(sample))
        values[HEADLINE] = float(contained and cited)
    return values


def _found(sample: Sample, ks: Sequence[int]) -> dict[str, float]:
    """The ranking metrics at each level; none for a target that shows no passages."""
    if not ks or not sample.gold or (sample.response and sample.response.passages is None):
        return {}
    passages, gold = _passages(sample), sample.gold
    values: dict[str, float] = {}
    levels = {
        "": ranking.chunks(passages, gold),
        "file_": ranking.files(passages, gold),
        "span_": ranking.spans(passages, gold),
    }
    for level, found in levels.items():
        for k in ks:
            values[f"{level}hit@{k}"] = float(found.hit(k))
            values[f"{level}recall@{k}"] = found.recall(k)
        values[f"{level}mrr@{ks[-1]}"] = found.reciprocal_rank(ks[-1])
        values[f"{level}ndcg@{ks[-1]}"] = found.ndcg(ks[-1])
    words = ranking.tokens(passages, gold, [e.quote for e in sample.case.evidence])
    values |= {"token_recall": words.recall, "token_precision": words.precision}
    return values | {"token_iou": words.iou}


def _against_gold(sample: Sample) -> dict[str, float]:
    """The citations against the evidence; none for a target that cannot cite."""
    if not sample.gold or (sample.response and sample.response.citations is None):
        return {}
    citations = _citations(sample)
    values: dict[str, float] = {}
    for level, fit in (
        ("citation_", citing.by_span(citations, sample.gold)),
        ("citation_file_", citing.by_file(citations, sample.gold)),
    ):
        if sample.answered or sample.response is None:
            values[f"{level}precision"] = fit.precision or 0.0
        values |= {f"{level}recall": fit.recall, f"{level}f1": fit.f1}
    return values


def _claims(response: Response, question: str) -> dict[str, float]:
    """What can be said of an answer without any gold."""
    values: dict[str, float] = {}
    checked = [cited.valid for cited in response.citations or () if cited.valid is not None]
    if checked:
        values["valid_citations"] = sum(checked) / len(checked)
    said = response.sentences
    if response.answered and said:
        values["sentences_cited"] = sum(bool(s.citations) for s in said) / len(said)
        values["sentences_supported"] = sum(s.status == "supported" for s in said) / len(said)
        fit = citing.alce(citing.statements(response), citing.house_rules(question))
        values["alce_recall"] = fit.recall
        if fit.precision is not None:
            values["alce_precision"] = fit.precision
    return values


def _tokens(response: Response, prices: Prices | None) -> dict[str, float]:
    if not response.usage:
        return {}
    sent, made = response.usage["prompt_tokens"], response.usage["completion_tokens"]
    values = {"prompt_tokens": float(sent), "completion_tokens": float(made)}
    if prices:
        values["cost"] = (sent * prices.prompt + made * prices.completion) / 1_000_000
    return values


def _citations(sample: Sample) -> tuple[Cited, ...]:
    return (sample.response.citations or ()) if sample.response and sample.answered else ()


def _passages(sample: Sample) -> tuple[Passage, ...]:
    return (sample.response.passages or ()) if sample.response else ()


def _retrieved(sample: Sample) -> bool:
    return any(ranking.finds(p, item) for p in _passages(sample) for item in sample.gold)
