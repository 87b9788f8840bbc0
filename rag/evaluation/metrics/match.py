"""When an answer or a span counts as right: SQuAD's normalisation, and shares of spans.

Normalisation, exact match and token F1 are those of Rajpurkar et al. 2016 (SQuAD's evaluation
script), with the typographic punctuation that its ASCII list forgets.
"""

import re
import string
from collections import Counter
from collections.abc import Sequence

from index.types import Span

_DROPPED = str.maketrans("", "", string.punctuation + "’‘“”«»–—…")
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_MARKERS = re.compile(r"\s*\[\d+(?:\s*,\s*\d+)*\]")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")


def unmarked(answer: str) -> str:
    """Returns an answer without its citation markers."""
    return _MARKERS.sub("", answer)


def normalised(text: str) -> str:
    """Returns lower case without punctuation and articles, with single blanks."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_DROPPED)).split())


def exact(answer: str, golds: Sequence[str]) -> bool:
    """Is the answer one of the golds, after normalisation?"""
    said = normalised(answer)
    return any(said == normalised(gold) for gold in golds)


def contains(answer: str, golds: Sequence[str]) -> bool:
    """Does one of the golds stand in the answer as whole words, after normalisation?"""
    padded = f" {normalised(answer)} "
    wanted = [words for gold in golds if (words := normalised(gold))]
    return any(f" {words} " in padded for words in wanted)


def token_f1(answer: str, golds: Sequence[str]) -> float:
    """Returns the best F1 of the answer's normalised words with a gold's, 0 to 1."""
    return max((_f1(normalised(answer).split(), normalised(g).split()) for g in golds), default=0.0)


def _f1(said: Sequence[str], gold: Sequence[str]) -> float:
    if not said or not gold:
        return float(said == gold)
    shared = (Counter(said) & Counter(gold)).total()
    return 2 * shared / (len(said) + len(gold))


def numbers(text: str) -> list[str]:
    """Returns the figures of a text as values: `1,200.50` and `1200.5` are the same."""
    return [_value(found) for found in _NUMBER.findall(text)]


def _value(figure: str) -> str:
    plain = figure.replace(",", "") if _THOUSANDS.fullmatch(figure) else figure
    whole, point, rest = plain.partition(".")
    rest = rest if "." in rest or "," in rest else rest.rstrip("0")
    return f"{whole}{point}{rest}" if rest else whole


def numeric(answer: str, golds: Sequence[str]) -> bool | None:
    """Do all figures of one of the golds stand in the answer? None where no gold has a figure."""
    wanted = [set(found) for gold in golds if (found := numbers(gold))]
    if not wanted:
        return None
    said = set(numbers(answer))
    return any(figures <= said for figures in wanted)


def shared(a: Span, b: Span) -> int:
    """Returns how many characters two spans share."""
    return max(0, min(a[1], b[1]) - max(a[0], b[0]))


def overlaps(a: Span, b: Span) -> bool:
    """Do two spans share half of either?"""
    length = shared(a, b)
    return length > 0 and length * 2 >= min(a[1] - a[0], b[1] - b[0])


def merged(spans: Sequence[Span]) -> list[Span]:
    """Returns the union of spans, in order and without overlap."""
    union: list[Span] = []
    for start, end in sorted(spans):
        if union and start <= union[-1][1]:
            union[-1] = (union[-1][0], max(union[-1][1], end))
        else:
            union.append((start, end))
    return union


def covered(spans: Sequence[Span], gold: Sequence[Span]) -> int:
    """Returns how many characters of the gold spans the spans cover, none counted twice."""
    return sum(shared(a, b) for a in merged(spans) for b in merged(gold))
