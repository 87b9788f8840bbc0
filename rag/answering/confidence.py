"""Answer or refuse: the evidence for an answer, and how likely the passages hold one.

`confidence` is a probability, from a logistic regression on labelled answerable and unanswerable
questions; its coefficients and the threshold are data (`weights.json`).
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from index.types import GenerationInfo

from ..language.answer_type import contains_answer_type, expected_answer_type
from ..language.recency import as_of
from ..language.word_cover import cover, holds_value, language_of
from ..retrieval.fusion import RetrievalResult
from ..retrieval.weights import Weights
from ..types import Hit, Reason
from .extractive import Pick, pick_sentences, rank_sentences, with_conflicts

MIN_SHARE = 0.34
"""Of the question's words, below which a question in another language is refused."""
KEPT_SHARE = 0.75
"""Of the words that the best unit has, which another one must have to be quoted with it."""
_WORD = re.compile(r"\w[\w’'.,-]*\w|\w")
_POSSESSIVE = re.compile(r"['’]s?$")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was retrieved for a question: hits, the units to quote, and the confidence.

    `conflict` are those of the picks in which sources disagree.
    """

    hits: tuple[Hit, ...] = ()
    picks: tuple[Pick, ...] = ()
    conflict: tuple[Pick, ...] = ()
    confidence: float = 0.0
    retrieve_ms: float = 0.0


def assess(
    question: str, standalone: str, result: RetrievalResult | None, *, weights: Weights
) -> Evidence:
    """Returns the evidence of what retrieval returned; a conflict makes nothing more certain."""
    if result is None or not result.hits:
        return Evidence()
    picks = pick_sentences(question, result.hits)
    if not picks:
        return Evidence(result.hits)
    shown, conflict = with_conflicts(question, picks, result.hits)
    certainty = confidence(features(standalone, result, picks), weights)
    if language_of(standalone) != "en":
        shown, certainty = _assess_by_words(standalone, result.hits, shown, certainty)
    return Evidence(result.hits, tuple(shown), tuple(conflict), certainty)


def refusal_reason(evidence: Evidence, info: GenerationInfo, threshold: float) -> Reason | None:
    """Returns why the question is not answered; None if it is."""
    if not info.chunks:
        return "index_empty"
    if not evidence.hits:
        return "nothing_retrieved"
    return "low_confidence" if evidence.confidence < threshold else None


def confidence(values: Mapping[str, float], weights: Weights) -> float:
    """Returns the probability that the passages hold an answer, 0 to 1."""
    terms = weights.confidence
    score = terms["intercept"] + sum(terms[name] * value for name, value in values.items())
    return 1 / (1 + math.exp(-max(min(score, 30.0), -30.0)))


def features(question: str, result: RetrievalResult, picks: Sequence[Pick]) -> dict[str, float]:
    """Returns the features of `confidence` by name, 0 to 1 each; `result` has hits."""
    hits = result.hits
    kind = expected_answer_type(question)
    chosen = [hits[pick.hit].units[pick.sentence] for pick in picks]
    return {
        "similarity": max(sentence.similarity for sentence in chosen),
        "pairs": max(sentence.pairs for sentence in chosen),
        "late": max(hits[pick.hit].scores.late for pick in picks),
        "names": _missing_names(question, [hits[pick.hit] for pick in picks]),
        "kind": float(
            kind == "open" or any(contains_answer_type(kind, s.text, question) for s in chosen)
        ),
        "lead": result.lead,
    }


def _assess_by_words(
    question: str, hits: Sequence[Hit], picks: Sequence[Pick], certainty: float
) -> tuple[list[Pick], float]:
    """Returns the picks with most of the question's words, and the confidence by their share.

    For languages that the regression was not fitted on. Another unit of the hits that has more of
    the words takes their place. Half of the words and the value that is asked for pass the
    threshold; without that value, or with less than MIN_SHARE of the words, nothing does.
    """

    def text(pick: Pick) -> str:
        unit = hits[pick.hit].units[pick.sentence]
        return "\n".join((*unit.context, unit.text))

    shares = {
        pick: cover(question, text(pick)) for pick in [*picks, *rank_sentences(question, hits)]
    }
    best = max(shares.values())
    kept = [pick for pick in picks if shares[pick] >= best * KEPT_SHARE]
    if not kept:
        kept = [next(pick for pick, share in shares.items() if share == best)]
    has_value = any(holds_value(question, text(pick)) for pick in kept if shares[pick] == best)
    by_words = 0.9 * best**2 * (1.0 if has_value else 0.25)
    is_doubtful = best < MIN_SHARE or not has_value
    return kept, by_words if is_doubtful else max(certainty, by_words)


def _missing_names(question: str, hits: Sequence[Hit]) -> float:
    """Returns the share of the question's names and figures that the chosen passages lack."""
    names = [word for word in _WORD.findall(question)[1:] if _is_name(word)]
    time = as_of(question)
    if time and any(hit.source.date for hit in hits):
        names = [word for word in names if word != str(time.year)]  # the year is a source's own
    text = " ".join(
        f"{hit.source.title} {hit.source.date} {hit.chunk.heading} {hit.text}" for hit in hits
    ).lower()
    missing = sum(_POSSESSIVE.sub("", word).lower() not in text for word in names)
    return missing / len(names) if names else 0.0


def _is_name(word: str) -> bool:
    return word[0].isupper() or any(character.isdigit() for character in word)
