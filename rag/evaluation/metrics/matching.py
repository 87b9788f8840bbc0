"""When an answer, a span or a citation counts as correct.

Normalization, exact match and token F1 are those of SQuAD's evaluation script (Rajpurkar et al.
2016), with the typographic punctuation that its ASCII list misses, and numbers in words equal to
those in figures. Citation recall and precision
against the answer's own sentences follow ALCE (Gao et al. 2023, section 4), with any support check
in place of its NLI model.
"""

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from index.types import Span

from ...language.number_words import words_to_figures
from ...verify.support import check_support
from ..results import Citation, GoldEvidence, Passage, Response

_PUNCTUATION = str.maketrans("", "", string.punctuation + "’‘“”«»–—…")
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_MARKERS = re.compile(r"\s*\[\d+(?:\s*,\s*\d+)*\]")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")

SupportCheck = Callable[[str, Sequence[str]], bool]
"""(sentence, quotes) → whether the quotes together support the sentence."""


def strip_markers(answer: str) -> str:
    """Returns an answer without its citation markers."""
    return _MARKERS.sub("", answer)


def normalize(text: str) -> str:
    """Returns the text in lower case without punctuation and articles, single-spaced.

    Numbers are in figures, without zeros after the decimals, money and percentages in one form.
    """
    figures = _NUMBER.sub(lambda match: _number_value(match[0]), words_to_figures(text))
    return " ".join(_ARTICLES.sub(" ", figures.lower().translate(_PUNCTUATION)).split())


def exact_match(answer: str, gold_answers: Sequence[str]) -> bool:
    """Whether the answer equals a gold answer after normalization."""
    return normalize(answer) in {normalize(gold) for gold in gold_answers}


def contains_answer(answer: str, gold_answers: Sequence[str]) -> bool:
    """Whether the answer contains a gold answer as whole words, after normalization."""
    padded = f" {normalize(answer)} "
    phrases = [phrase for gold in gold_answers if (phrase := normalize(gold))]
    return any(f" {phrase} " in padded for phrase in phrases)


def token_f1(answer: str, gold_answers: Sequence[str]) -> float:
    """Returns the best F1 of the answer's normalized words with a gold answer's, 0 to 1."""
    words = normalize(answer).split()
    return max((_f1(words, normalize(gold).split()) for gold in gold_answers), default=0.0)


def _f1(words: Sequence[str], gold_words: Sequence[str]) -> float:
    if not words or not gold_words:
        return float(words == gold_words)
    shared = (Counter(words) & Counter(gold_words)).total()
    return 2 * shared / (len(words) + len(gold_words))


def number_values(text: str) -> list[str]:
    """Returns the numbers of a text by value: `1,200.50` and `1200.5` are equal."""
    return [_number_value(number) for number in _NUMBER.findall(words_to_figures(text))]


def _number_value(number: str) -> str:
    plain = number.replace(",", "") if _THOUSANDS.fullmatch(number) else number
    whole, point, rest = plain.partition(".")
    rest = rest if "." in rest or "," in rest else rest.rstrip("0")
    return f"{whole}{point}{rest}" if rest else whole


def numeric_match(answer: str, gold_answers: Sequence[str]) -> bool | None:
    """Whether the answer contains all numbers of a gold answer; None if no gold has a number."""
    gold_numbers = [set(numbers) for gold in gold_answers if (numbers := number_values(gold))]
    if not gold_numbers:
        return None
    return any(numbers <= set(number_values(answer)) for numbers in gold_numbers)


def overlap_chars(a: Span, b: Span) -> int:
    """Returns the number of characters in both spans."""
    return max(0, min(a[1], b[1]) - max(a[0], b[0]))


def spans_match(a: Span, b: Span) -> bool:
    """Whether two spans share half of either."""
    length = overlap_chars(a, b)
    return length > 0 and length * 2 >= min(a[1] - a[0], b[1] - b[0])


def matches_evidence(place: Passage | Citation, item: GoldEvidence) -> bool:
    """Whether a passage or citation shares half of either with the evidence."""
    return place.path == item.path and any(spans_match(place.span, s) for s in item.spans)


def merge_spans(spans: Sequence[Span]) -> list[Span]:
    """Returns the union of spans, sorted and disjoint."""
    union: list[Span] = []
    for start, end in sorted(spans):
        if union and start <= union[-1][1]:
            union[-1] = (union[-1][0], max(union[-1][1], end))
        else:
            union.append((start, end))
    return union


def covered_chars(spans: Sequence[Span], gold: Sequence[Span]) -> int:
    """Returns the number of gold characters that the spans cover, each counted once."""
    return sum(overlap_chars(a, b) for a in merge_spans(spans) for b in merge_spans(gold))


@dataclass(frozen=True, slots=True)
class PrecisionRecall:
    """Precision and recall, 0 to 1 each; precision is None without a citation."""

    precision: float | None
    recall: float

    @property
    def f1(self) -> float:
        """Their harmonic mean; 0 without a citation."""
        precision = self.precision or 0.0
        total = precision + self.recall
        return 2 * precision * self.recall / total if total else 0.0


def cites_evidence(citation: Citation, gold: Sequence[GoldEvidence]) -> bool:
    """Whether the citation shares half of either with a gold span."""
    return any(matches_evidence(citation, item) for item in gold)


def citations_by_span(
    citations: Sequence[Citation], gold: Sequence[GoldEvidence]
) -> PrecisionRecall:
    """Returns the precision and recall of the cited spans against the evidence."""
    correct = sum(cites_evidence(citation, gold) for citation in citations)
    cited = sum(any(matches_evidence(c, item) for c in citations) for item in gold)
    return _precision_recall(correct, len(citations), cited, len(gold))


def citations_by_file(
    citations: Sequence[Citation], gold: Sequence[GoldEvidence]
) -> PrecisionRecall:
    """Returns the precision and recall of the cited files, each once, against the gold files."""
    cited, gold_files = {c.path for c in citations}, {item.path for item in gold}
    shared = len(cited & gold_files)
    return _precision_recall(shared, len(cited), shared, len(gold_files))


def alce(
    statements: Sequence[tuple[str, Sequence[str]]], supports: SupportCheck
) -> PrecisionRecall:
    """Returns ALCE's citation precision and recall of (sentence, quotes).

    A sentence is recalled if its quotes together support it. A citation is precise if its
    sentence is recalled and the citation is sufficient (it supports the sentence alone) or
    necessary (the others do not).
    """
    recalled, precise = 0, 0
    for sentence, quotes in statements:
        if quotes and supports(sentence, quotes):
            recalled += 1
            precise += sum(
                len(quotes) == 1
                or supports(sentence, [quote])
                or not supports(sentence, [*quotes[:i], *quotes[i + 1 :]])
                for i, quote in enumerate(quotes)
            )
    citations = sum(len(quotes) for _, quotes in statements)
    return _precision_recall(precise, citations, recalled, len(statements))


def _precision_recall(correct: int, made: int, found: int, expected: int) -> PrecisionRecall:
    return PrecisionRecall(correct / made if made else None, found / expected if expected else 0.0)


def cited_sentences(response: Response) -> list[tuple[str, list[str]]]:
    """Returns the answer's sentences, each with its quotes."""
    quotes = {citation.n: citation.quote for citation in response.citations or ()}
    return [
        (sentence.text, [quotes[n] for n in sentence.citations if n in quotes])
        for sentence in response.sentences
    ]


def rule_based_support(question: str) -> SupportCheck:
    """Returns the service's own support rules as the check; no model is needed."""
    return lambda sentence, quotes: (
        check_support(sentence, quotes, context=[question]).status == "supported"
    )
