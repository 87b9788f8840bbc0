"""Answer or refuse: the evidence for an answer, and how likely it is the right one.

`confidence` is the probability that what is quoted answers the question, from a logistic regression
on labelled questions, answerable and not; where the reader has read the hits, a second one takes
that and the readings. Coefficients and thresholds are data (`weights.json`).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from index.types import GenerationInfo

from ..language.question import Question
from ..language.word_cover import cover, holds_value, language_of
from ..retrieval.fusion import RetrievalResult
from ..retrieval.reader import READ, Reader
from ..retrieval.weights import Weights
from ..types import Hit, Reason
from .extractive import (
    Pick,
    headings,
    missing_share,
    pick_sentences,
    rank_sentences,
    with_conflicts,
)
from .features import features, reading_features

UNCERTAIN = 0.01
"""How far below certainty a confidence is lowered."""
TRANSLATED = ("dense", "late", "entropy")
"""What tells of a question in another language than the articles, which share no words. With the
certainty, also of one in their language, with a multilingual embedder."""
KEPT_SHARE = 0.75
"""Of the words that the best unit has, which another one must have to be quoted with it."""


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
    question: str,
    standalone: str,
    result: RetrievalResult | None,
    *,
    weights: Weights,
    top_k: int,
    reader: Reader | None = None,
) -> Evidence:
    """Returns the evidence of the first `top_k` hits; a conflict makes nothing more certain.

    The confidence compares what is quoted with all hits, so that fewer passages do not raise it.
    A reader reads the first of them, if question and articles are English.
    """
    if result is None or not result.hits:
        return Evidence()
    is_english, is_translated = language_of(standalone) == "en", result.query.is_translated
    is_read = reader is not None and is_english and not is_translated
    if reader and is_read:
        read = reader(standalone, result.hits[:READ])
        result = replace(result, hits=(*read, *result.hits[READ:]))
    hits, ranked = result.hits[:top_k], rank_sentences(question, result.hits)
    usable = [pick for pick in ranked if pick.hit < top_k]
    picks = pick_sentences(usable, hits)
    if not picks:
        return Evidence(hits)
    shown, conflict = with_conflicts(question, usable, picks, hits)
    values = features(standalone, result, picks, ranked)
    certainty = confidence(values, weights.confidence)
    if is_read:
        readings = reading_features(certainty, picks, result.hits)
        certainty = confidence(readings, weights.read_confidence)
    if is_english and not is_translated and _lacks_name(question, hits, shown):
        certainty = min(certainty, weights.certain - UNCERTAIN)
    if is_translated:
        certainty = confidence(_near(values), weights.translated_confidence)
    elif not is_english:
        shown, by_word = by_words(standalone, hits, shown, usable)
        terms = weights.other_confidence
        if result.query.across_languages:
            by_word, terms = _near(values), weights.multilingual_confidence
        certainty = confidence({**by_word, "certainty": certainty}, terms)
    return Evidence(hits, tuple(shown), tuple(conflict), certainty)


def _near(values: Mapping[str, float]) -> dict[str, float]:
    return {name: values[name] for name in TRANSLATED}


def _lacks_name(question: str, hits: Sequence[Hit], picks: Sequence[Pick]) -> bool:
    """Whether a name of the question stands in nothing that is quoted, nor above it."""
    said = [
        text
        for pick in picks
        for unit in (hits[pick.hit].units[pick.sentence],)
        for text in (*headings(hits[pick.hit]), *unit.context, unit.text)
    ]
    return missing_share(Question(question).names, said) > 0


def refusal_reason(evidence: Evidence, info: GenerationInfo, threshold: float) -> Reason | None:
    """Returns why the question is not answered; None if it is."""
    if not info.chunks:
        return "index_empty"
    if not evidence.hits:
        return "nothing_retrieved"
    return "low_confidence" if evidence.confidence < threshold else None


def confidence(values: Mapping[str, float], terms: Mapping[str, float]) -> float:
    """Returns the probability that what is quoted answers the question, 0 to 1."""
    score = terms["intercept"] + sum(terms[name] * value for name, value in values.items())
    return 1 / (1 + math.exp(-max(min(score, 30.0), -30.0)))


def by_words(
    question: str, hits: Sequence[Hit], picks: Sequence[Pick], ranked: Sequence[Pick]
) -> tuple[list[Pick], dict[str, float]]:
    """Returns the picks with most of the question's words, and features of their confidence.

    For languages that the confidence was not fitted on. Another unit of the hits that has more of
    the words takes their place. `share` is that of the words, `value` whether the value is there
    that is asked for.
    """

    def text(pick: Pick) -> str:
        unit = hits[pick.hit].units[pick.sentence]
        return "\n".join((*unit.context, unit.text))

    shares = {pick: cover(question, text(pick)) for pick in [*picks, *ranked]}
    best = max(shares.values())
    kept = [pick for pick in picks if shares[pick] >= best * KEPT_SHARE]
    if not kept:
        kept = [next(pick for pick, share in shares.items() if share == best)]
    has_value = any(holds_value(question, text(pick)) for pick in kept if shares[pick] == best)
    return kept, {"share": best, "value": float(has_value)}
