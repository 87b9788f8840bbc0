"""Does the cited text support the sentence? A verdict from words, figures, names and negation.

No model is asked. A sentence that stands in the cited text is supported; one whose figures, names
or denials are not those of the cited text is not, however many words they share; for the rest the
share of its words decides that the cited text has too, more so near each other and in sequence
(as ROUGE and its kin, restricted to the answer's side; measured in tests/benchmarks).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from index.text.analyzer import STOP_WORDS, terms

from ..language.names import missing_name
from ..language.negation import NEGATORS, negation_differs
from ..language.numbers import missing_number
from ..types import Citation, Status

MIN_SUPPORT_SCORE = 0.45
"""Below it too little of the sentence is in the cited text (see tests/benchmarks)."""

_MARKER = re.compile(r"\s*\[\d[\d.,;\s–-]*\]")
_BULLET = re.compile(r"\A\s*(?:[-*+•>#]+|\d{1,2}[.)])\s+")
_EMPHASIS = re.compile(r"[*_`#]+")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_SPEAKER = frozenset(["i", "my", "me", "we", "you", "your", "our", "im", "myself"])
_WINDOW = 2


@dataclass(frozen=True, slots=True)
class Verdict:
    """`why` says in a few words what the cited text lacks; None when it lacks nothing.

    `settled`: is it a rule that decides, rather than how many words the two share?
    """

    status: Status
    why: str | None
    settled: bool = True


Verifier = Callable[[str, Sequence[Citation]], Verdict]
"""(sentence without markers, what it cites) → its verdict."""


def verifier_for(question: str) -> Verifier:
    """Returns the judge of one answer: names may come from the question, titles and headings."""

    def verdict(sentence: str, cited: Sequence[Citation]) -> Verdict:
        context = [question, *(f"{c.title} {c.heading or ''}" for c in cited)]
        return check_support(sentence, [citation.quote for citation in cited], context=context)

    return verdict


def skip_verification(sentence: str, cited: Sequence[Citation]) -> Verdict:
    """Returns the verdict of nobody: what cites something counts as supported."""
    return Verdict("supported", "not checked") if cited else Verdict("uncited", None)


def check_support(
    sentence: str,
    cited: Sequence[str],
    *,
    context: Sequence[str] = (),
    similarity: float | None = None,
) -> Verdict:
    """Returns whether the cited texts support the sentence, and if not, why.

    `context` holds texts in which a name may stand too, since a cited sentence says "she" where
    the answer names her: the source's title and heading, the question. `similarity` is the cosine
    of sentence and cited text, if known.
    """
    if not cited:
        return Verdict("uncited", None)
    said, texts = strip_markup(sentence), [strip_markup(text) for text in cited]
    whole = " ".join(texts)
    if _contains(whole, said):
        return Verdict("supported", None)
    if why := _mismatch(said, texts, context):
        return Verdict("unsupported", why)
    if support_score(said, texts, similarity=similarity) < MIN_SUPPORT_SCORE:
        return Verdict("unsupported", "few of its words are in the cited text", settled=False)
    return Verdict("supported", None, settled=False)


def strip_markup(text: str) -> str:
    """Returns the text without markers and simple markdown."""
    return _EMPHASIS.sub("", _BULLET.sub("", _MARKER.sub("", text))).strip()


def _mismatch(said: str, texts: Sequence[str], context: Sequence[str]) -> str | None:
    whole = " ".join(texts)
    if figure := missing_number(said, whole):
        return f"the figure {figure} is not in the cited text"
    if name := missing_name(said, [*texts, *context]):
        return f"the name {name} is not in the cited text"
    if negation_differs(said, texts):
        return "one denies what the other asserts"
    return None


def support_score(
    sentence: str,
    cited: Sequence[str],
    *,
    idf: Callable[[str], float] | None = None,
    similarity: float | None = None,
) -> float:
    """Returns how much of the sentence is in the cited texts, 0 to 1.

    Of its content words: the share found anywhere, the share found within two neighbouring
    sentences, and of its word pairs the share found in sequence; less for a sentence that speaks
    of the speaker where the cited text does not. `idf` weighs the words (each alike without it).
    """
    stop = _stop_terms()

    def weight(term: str) -> float:
        if idf is not None:
            return idf(term)
        return 0.05 if term in stop else 1.0

    said = terms(sentence)
    parts = [terms(part) for text in cited for part in _SENTENCE_END.split(text)]
    known = {term for part in parts for term in part}
    content = [term for term in dict.fromkeys(said) if term not in stop]
    total = sum(weight(term) for term in content)
    if not total or not parts:
        return 0.0
    anywhere = sum(weight(term) for term in content if term in known) / total
    windows = [set().union(*parts[at : at + _WINDOW]) for at in range(len(parts))]
    near = max(sum(weight(term) for term in content if term in window) for window in windows)
    score = 0.4 * anywhere + 0.4 * near / total + 0.2 * _in_sequence(said, parts, weight)
    speaks = sum(1 for term in said if term in _SPEAKER and term not in known)
    score *= 1 - 0.2 * min(speaks, 3)
    return min(1.0, score + (max(0.0, similarity - 0.5) * 0.2 if similarity else 0.0))


def _in_sequence(
    said: Sequence[str], parts: Sequence[Sequence[str]], weight: Callable[[str], float]
) -> float:
    pairs = list(pairwise(said))
    known = {pair for part in parts for pair in pairwise(part)}
    total = sum(weight(one) + weight(two) for one, two in pairs)
    if not total:
        return 0.0
    return sum(weight(one) + weight(two) for one, two in pairs if (one, two) in known) / total


@cache
def _stop_terms() -> frozenset[str]:
    return frozenset(term for word in STOP_WORDS for term in terms(word))


def _contains(whole: str, said: str) -> bool:
    """Whether the words of one stand in the other in sequence, and no denial just beside them.

    Case and punctuation do not count.
    """
    words, among = (" ".join(re.findall(r"\w+", text.lower())) for text in (said, whole))
    places = re.finditer(rf"(?<!\w){re.escape(words)}(?!\w)", among) if words else ()
    return any(
        among[: place.start()].rstrip().rpartition(" ")[2] not in NEGATORS
        and among[place.end() :].lstrip().partition(" ")[0] not in NEGATORS
        for place in places
    )
