"""Every metric: its name, its unit, which way is better and its definition, in one place.

The report prints this table. `{k}` in a name stands for a depth.
"""

from dataclasses import dataclass
from typing import Literal

Unit = Literal["rate", "score", "tokens", "currency"]
HEADLINE = "answer_cited"


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure a case has; a `rate` is 0 or 1 for each case, a `score` lies between."""

    id: str
    unit: Unit
    definition: str
    higher_is_better: bool = True


_LEVELS = {
    "": "a passage finds evidence when they share half of either",
    "file_": "by file, in the order of each file's first passage",
    "span_": "by the share of the evidence's characters that the passages together cover",
}


def _ranking() -> list[Metric]:
    found = []
    for level, words in _LEVELS.items():
        enough = ", half being enough" if level == "span_" else ""
        found += [
            Metric(
                f"{level}hit@{{k}}",
                "rate",
                f"evidence is found in the first k passages ({words}{enough}); answerable cases",
            ),
            Metric(
                f"{level}recall@{{k}}",
                "score",
                f"share of the evidence found in the first k passages ({words})",
            ),
            Metric(
                f"{level}mrr@{{k}}",
                "score",
                f"1 / the first rank that finds evidence, 0 beyond k ({words}{enough})",
            ),
            Metric(
                f"{level}ndcg@{{k}}",
                "score",
                f"discounted gain of newly found evidence over that of the best order ({words})",
            ),
        ]
    return found


_TABLE = [
    Metric(
        HEADLINE,
        "rate",
        "answerable: a gold answer is contained and at least one citation shares half of either "
        "with gold evidence; unanswerable: refused; an error counts as 0. Answerable cases without "
        "gold evidence are left out",
    ),
    Metric(
        "answer_contained",
        "rate",
        "a gold answer stands in the answer as whole words, both normalised as by SQuAD, markers "
        "removed; answerable cases, a refusal is 0",
    ),
    Metric("exact_match", "rate", "the answer is a gold answer, after the same normalisation"),
    Metric("token_f1", "score", "best F1 of the answer's words with a gold answer's (SQuAD)"),
    Metric(
        "numeric_match",
        "rate",
        "every figure of one gold answer stands in the answer, as values; answerable cases whose "
        "gold has figures",
    ),
    *_ranking(),
    Metric("token_recall", "score", "share of the evidence's words among the passages' words"),
    Metric("token_precision", "score", "share of the passages' words that are evidence"),
    Metric("token_iou", "score", "words shared by evidence and passages over words of either"),
    Metric(
        "citation_precision",
        "score",
        "share of the citations that share half of either with gold evidence; answerable cases "
        "that were answered, 0 where nothing is cited",
    ),
    Metric(
        "citation_recall",
        "score",
        "share of the evidence items that a citation overlaps so; answerable cases, refusal is 0",
    ),
    Metric("citation_f1", "score", "harmonic mean of the two; answerable cases, a refusal is 0"),
    Metric("citation_file_precision", "score", "the same precision by file"),
    Metric("citation_file_recall", "score", "the same recall by file"),
    Metric("citation_file_f1", "score", "harmonic mean of the two, by file"),
    Metric(
        "alce_recall",
        "score",
        "share of the answer's sentences that their quotes together support (ALCE, with the "
        "service's own support check for the NLI model); answered cases",
    ),
    Metric(
        "alce_precision",
        "score",
        "share of the citations that are sufficient or needed for their sentence (ALCE, likewise)",
    ),
    Metric(
        "valid_citations",
        "score",
        "share of the citations whose quote stands in the source at its offsets; cases that cite",
    ),
    Metric("sentences_cited", "score", "share of an answer's sentences with a citation"),
    Metric("sentences_supported", "score", "share of an answer's sentences judged supported by it"),
    Metric("abstention_precision", "rate", "of the cases refused: it is unanswerable"),
    Metric("abstention_recall", "rate", "of the unanswerable cases: it was refused"),
    Metric(
        "wrong_on_unanswerable",
        "rate",
        "of the unanswerable cases: it was answered, or failed",
        higher_is_better=False,
    ),
    Metric(
        "wrongly_refused",
        "rate",
        "of the answerable cases: it was refused",
        higher_is_better=False,
    ),
    Metric(
        "aurc",
        "score",
        "area under risk–coverage: the mean, over the shares of the answered cases taken in order "
        "of confidence, of the share of them that is not answer_cited",
        higher_is_better=False,
    ),
    Metric("error_rate", "rate", "the target failed on the case", higher_is_better=False),
    Metric(
        "degraded",
        "rate",
        "the model failed and the answer was quoted instead; cases without an error",
        higher_is_better=False,
    ),
    Metric("prompt_tokens", "tokens", "tokens sent to the model", higher_is_better=False),
    Metric("completion_tokens", "tokens", "tokens the model wrote", higher_is_better=False),
    Metric("cost", "currency", "price of the tokens, by the prices given", higher_is_better=False),
    Metric(
        "judged_faithfulness",
        "score",
        "share of an answer's statements that a model judges "
        "the passages to support; answered cases with a readable verdict",
    ),
    Metric(
        "judged_correctness",
        "rate",
        "a model judges the answer correct by the gold answers; answerable cases, a refusal is 0",
    ),
    Metric("judged_rubric", "rate", "a model judges that the answer meets the case's rubric"),
    Metric(
        "judge_unparseable",
        "score",
        "share of the judge's verdicts that could not be read; they count nowhere else",
        higher_is_better=False,
    ),
]

METRICS = {metric.id: metric for metric in _TABLE}
"""All of them, in the order of the report."""

SHOWN_BY_TAG = (
    HEADLINE, "answer_contained", "token_f1", "hit@1", "hit@5", "citation_f1",
    "abstention_recall", "wrongly_refused", "error_rate",
)  # fmt: skip


def metric(name: str) -> Metric:
    """Returns the metric of a name, `hit@3` like `hit@{k}`; raises KeyError."""
    stem, at, _ = name.partition("@")
    return METRICS[f"{stem}@{{k}}" if at else name]


def order(name: str) -> tuple[int, int]:
    """Returns a sort key: the order of the table, then the depth."""
    stem, at, k = name.partition("@")
    listed = list(METRICS)
    return listed.index(f"{stem}@{{k}}" if at else name), int(k) if at else 0
