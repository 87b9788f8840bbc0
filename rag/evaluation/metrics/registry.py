"""Every metric: its id, unit, direction and definition; the reports print this table.

`{k}` in an id stands for a rank cutoff. To add a metric: define it here, compute it in `score`.
"""

from dataclasses import dataclass
from functools import partial
from typing import Literal

Unit = Literal["rate", "score", "tokens", "currency"]
HEADLINE = "answer_cited"


@dataclass(frozen=True, slots=True)
class Metric:
    """A value per case: a `rate` is 0 or 1, a `score` lies between 0 and 1."""

    id: str
    unit: Unit
    definition: str
    higher_is_better: bool = True


_lower_is_better = partial(Metric, higher_is_better=False)


def _ranking_metrics(level: str, rule: str, *, hit_rule: str = "") -> list[Metric]:
    hit_rule = hit_rule or rule
    return [
        Metric(f"{level}hit@{{k}}", "rate", f"the first k passages contain evidence ({hit_rule})"),
        Metric(
            f"{level}recall@{{k}}",
            "score",
            f"share of the evidence in the first k passages ({rule})",
        ),
        Metric(
            f"{level}mrr@{{k}}",
            "score",
            f"reciprocal rank of the first passage with evidence, 0 beyond k ({hit_rule})",
        ),
        Metric(
            f"{level}ndcg@{{k}}",
            "score",
            f"discounted gain of new evidence, relative to the best order ({rule})",
        ),
    ]


_SPAN_RULE = "by the share of the evidence's characters that the passages together cover"

_TABLE = [
    Metric(
        HEADLINE,
        "rate",
        "answerable: the answer contains a gold answer and at least one citation shares half of "
        "either with gold evidence; unanswerable: refused; an error counts as 0. Answerable cases "
        "without gold evidence are excluded",
    ),
    Metric(
        "answer_contained",
        "rate",
        "the answer contains a gold answer as whole words, both normalized as in SQuAD, markers "
        "removed; answerable cases, a refusal is 0",
    ),
    Metric("exact_match", "rate", "the answer equals a gold answer after the same normalization"),
    Metric("token_f1", "score", "best F1 of the answer's words with a gold answer's (SQuAD)"),
    Metric(
        "numeric_match",
        "rate",
        "the answer contains every number of one gold answer, compared by value; answerable cases "
        "with a number in the gold answer",
    ),
    *_ranking_metrics(
        "", "a passage matches evidence if they share half of either; answerable cases"
    ),
    *_ranking_metrics("file_", "by file, in the order of each file's first passage"),
    *_ranking_metrics("span_", _SPAN_RULE, hit_rule=f"{_SPAN_RULE}, half is enough"),
    Metric("token_recall", "score", "share of the evidence's words that were retrieved"),
    Metric("token_precision", "score", "share of the retrieved words that are evidence"),
    Metric("token_iou", "score", "words in both evidence and passages, over words in either"),
    Metric(
        "citation_precision",
        "score",
        "share of the citations that share half of either with gold evidence; answerable cases "
        "that were answered, 0 without a citation",
    ),
    Metric(
        "citation_recall",
        "score",
        "share of the evidence that a citation matches so; answerable cases, a refusal is 0",
    ),
    Metric("citation_f1", "score", "harmonic mean of the two; answerable cases, a refusal is 0"),
    Metric("citation_file_precision", "score", "citation precision by file"),
    Metric("citation_file_recall", "score", "citation recall by file"),
    Metric("citation_file_f1", "score", "harmonic mean of the two, by file"),
    Metric(
        "alce_recall",
        "score",
        "share of the answer's sentences that their quotes together support (ALCE, with the "
        "service's own support rules instead of an NLI model); answered cases",
    ),
    Metric(
        "alce_precision",
        "score",
        "share of the citations that are sufficient or necessary for their sentence (ALCE)",
    ),
    Metric(
        "valid_citations",
        "score",
        "share of the citations whose quote is the source's text at its offsets; cases that cite",
    ),
    Metric("sentences_cited", "score", "share of an answer's sentences with a citation"),
    Metric("sentences_supported", "score", "share of an answer's sentences marked as supported"),
    Metric("abstention_precision", "rate", "of the refused cases: the case is unanswerable"),
    Metric("abstention_recall", "rate", "of the unanswerable cases: refused"),
    _lower_is_better(
        "wrong_on_unanswerable", "rate", "of the unanswerable cases: answered, or failed"
    ),
    _lower_is_better("wrongly_refused", "rate", "of the answerable cases: refused"),
    _lower_is_better(
        "aurc",
        "score",
        "area under the risk-coverage curve: answered cases are sorted by confidence; the error "
        "rate (not answer_cited) among the most confident ones, averaged over all coverages",
    ),
    _lower_is_better("error_rate", "rate", "the target failed on the case"),
    _lower_is_better(
        "degraded", "rate", "the model failed and sources were quoted instead; no error"
    ),
    Metric("tentative", "rate", "of the answered cases: the service says that it is not certain"),
    _lower_is_better("prompt_tokens", "tokens", "tokens sent to the model"),
    _lower_is_better("completion_tokens", "tokens", "tokens the model wrote"),
    _lower_is_better("cost", "currency", "price of the tokens at the given rates"),
    Metric(
        "judged_faithfulness",
        "score",
        "share of an answer's statements that the passages support according to the judge model; "
        "answered cases with a readable verdict",
    ),
    Metric(
        "judged_correctness",
        "rate",
        "the answer is correct given the gold answers, according to the judge model; answerable "
        "cases, a refusal is 0",
    ),
    Metric("judged_rubric", "rate", "the answer meets the rubric, according to the judge model"),
    _lower_is_better(
        "judge_unparseable",
        "score",
        "share of the judge's verdicts that could not be parsed; they count nowhere else",
    ),
]

METRICS = {metric.id: metric for metric in _TABLE}
"""All metrics by id, in report order."""

SHOWN_BY_TAG = (
    HEADLINE, "answer_contained", "token_f1", "hit@1", "hit@5", "citation_f1",
    "abstention_recall", "wrongly_refused", "error_rate",
)  # fmt: skip


def get_metric(name: str) -> Metric:
    """Returns a metric by name, `hit@3` as `hit@{k}`; raises KeyError."""
    return METRICS[_metric_id(name)]


def sort_key(name: str) -> tuple[int, int]:
    """Returns a sort key: report order, then the rank cutoff."""
    return list(METRICS).index(_metric_id(name)), int(name.partition("@")[2] or 0)


def _metric_id(name: str) -> str:
    stem, at, _ = name.partition("@")
    return f"{stem}@{{k}}" if at else name
