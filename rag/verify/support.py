"""The support rules: does the cited text support the sentence? Decided without a model.

A sentence quoted from the cited text is supported. One whose numbers, names or negation differ from
the cited text is not, however many words they share. In place of an entailment (NLI) model a
heuristic decides the rest: the share of the sentence's words that the cited text has, more so near
each other and in sequence (as ROUGE, Lin 2004, on the answer's side; measured in tests/benchmarks).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from math import fsum

from index.text.analyzer import STOP_WORDS, terms

from ..language.names import missing_name
from ..language.negation import NEGATORS, negation_differs
from ..language.numbers import missing_number
from ..types import Citation, Status

MIN_SUPPORT_SCORE = 0.45
"""Below it too little of the sentence is in the cited text (see tests/benchmarks)."""

_MARKER = re.compile(r"(?<!\s)\s*+\[\d[\d.,;\s–-]*\]")
_BULLET = re.compile(r"\A\s*(?:[-*+•>#]+|\d{1,2}[.)])\s+")
_EMPHASIS = re.compile(r"[*_`#]+")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_FIRST_PERSON = frozenset(["i", "my", "me", "we", "you", "your", "our", "im", "myself"])
_WORD = re.compile(r"\w+")
_WINDOW = 2
MAX_PLACES = 50
"""Places where the cited text has a sentence's words that are looked at."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`why` says in a few words what the cited text lacks; None when it lacks nothing.

    `is_final`: a rule decided, not the share of common words.
    """

    status: Status
    why: str | None
    is_final: bool = True


Verifier = Callable[[str, Sequence[Citation]], Verdict]
"""(sentence without markers, its citations) → its verdict."""


def verifier_for(question: str) -> Verifier:
    """Returns the verifier of one answer: names may come from the question, titles and headings."""

    def verify(sentence: str, citations: Sequence[Citation]) -> Verdict:
        context = [question, *(f"{c.title} {c.heading or ''}" for c in citations)]
        return check_support(sentence, [c.quote for c in citations], context=context)

    return verify


def skip_verification(sentence: str, citations: Sequence[Citation]) -> Verdict:
    """Returns the verdict without verification: any citation counts as support."""
    return Verdict("supported", "not checked") if citations else Verdict("uncited", None)


def check_support(sentence: str, cited: Sequence[str], *, context: Sequence[str] = ()) -> Verdict:
    """Returns whether the cited texts support the sentence, and if not, why.

    A name may also occur in `context` (question, title, heading), since a cited sentence says "she"
    where the answer names the person.
    """
    if not cited:
        return Verdict("uncited", None)
    claim, texts = strip_markup(sentence), [strip_markup(text) for text in cited]
    if _is_quoted(claim, " ".join(texts)):
        return Verdict("supported", None)
    if mismatch := _mismatch(claim, texts, context):
        return Verdict("unsupported", mismatch)
    if support_score(claim, texts) < MIN_SUPPORT_SCORE:
        return Verdict("unsupported", "few of its words are in the cited text", is_final=False)
    return Verdict("supported", None, is_final=False)


def strip_markup(text: str) -> str:
    """Returns the text without citation markers and simple markdown."""
    return _EMPHASIS.sub("", _BULLET.sub("", _MARKER.sub("", text))).strip()


def _mismatch(claim: str, texts: Sequence[str], context: Sequence[str]) -> str | None:
    if number := missing_number(claim, " ".join(texts)):
        return f"the number {number} is not in the cited text"
    if name := missing_name(claim, [*texts, *context]):
        return f"the name {name} is not in the cited text"
    if negation_differs(claim, texts):
        return "negation differs from the source"
    return None


def support_score(
    sentence: str, cited: Sequence[str], *, idf: Callable[[str], float] | None = None
) -> float:
    """Returns how much of the sentence is in the cited texts, 0 to 1.

    Of its content words: the share found anywhere, the share found within two neighbouring
    sentences, and the share of its word pairs that the cited texts have in sequence. A first or
    second person that the cited texts lack lowers the score. `idf` weights the words, by default
    equally.
    """
    stop_terms = _stop_terms()

    def weight(term: str) -> float:
        if idf is not None:
            return idf(term)
        return 0.05 if term in stop_terms else 1.0

    sentence_terms = terms(sentence)
    parts = [terms(part) for text in cited for part in _SENTENCE_END.split(text)]
    cited_terms = {term for part in parts for term in part}
    content = [term for term in dict.fromkeys(sentence_terms) if term not in stop_terms]
    total = sum(weight(term) for term in content)
    if not total or not parts:
        return 0.0
    anywhere = sum(weight(term) for term in content if term in cited_terms) / total
    windows = [set().union(*parts[at : at + _WINDOW]) for at in range(len(parts))]
    near = max(fsum(weight(term) for term in window.intersection(content)) for window in windows)
    in_sequence = _share_in_sequence(sentence_terms, parts, weight)
    score = 0.4 * anywhere + 0.4 * near / total + 0.2 * in_sequence
    speakers = sum(term in _FIRST_PERSON and term not in cited_terms for term in sentence_terms)
    return min(1.0, score * (1 - 0.2 * min(speakers, 3)))


def _share_in_sequence(
    sentence_terms: Sequence[str], parts: Sequence[Sequence[str]], weight: Callable[[str], float]
) -> float:
    pairs = list(pairwise(sentence_terms))
    cited_pairs = {pair for part in parts for pair in pairwise(part)}
    total = sum(weight(one) + weight(two) for one, two in pairs)
    if not total:
        return 0.0
    return sum(weight(one) + weight(two) for one, two in pairs if (one, two) in cited_pairs) / total


@cache
def _stop_terms() -> frozenset[str]:
    return frozenset(term for word in STOP_WORDS for term in terms(word))


def _is_quoted(claim: str, cited: str) -> bool:
    """Whether the cited text has the claim's words in sequence, and no negator next to them.

    Case and punctuation are ignored.
    """
    words, text = (f" {' '.join(_WORD.findall(one.lower()))} " for one in (claim, cited))
    if not words.strip():
        return False
    start = text.find(words)
    for _ in range(MAX_PLACES):
        if start < 0:
            break
        end = start + len(words)
        before = text[text.rfind(" ", 0, start) + 1 : start]
        if before not in NEGATORS and text[end : text.find(" ", end)] not in NEGATORS:
            return True
        start = text.find(words, end - 1)
    return False
