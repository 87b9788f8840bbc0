"""The support rules: does the cited text support the sentence? Decided without a model.

A sentence quoted from the cited text is supported. One with a number that it lacks, or with its
words and one more negator, is not. In place of an entailment (NLI) model a heuristic decides the
rest: how the sentence aligns with the text (`alignment`, `scorer`; measured in tests/benchmarks).
Remarks on the sources need no support.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..language.names import missing_name
from ..language.negation import NEGATORS
from ..language.numbers import missing_number
from ..language.word_cover import language_of
from ..types import Citation, Status
from .alignment import alignment
from .remarks import without_remarks
from .scorer import score

MIN_SUPPORT_SCORE = 0.46
"""Below it too little of the sentence is in the cited text (see tests/benchmarks)."""

MIN_TRANSLATED_SCORE = 0.23
"""The same for a text in another language, which shares names, code and loanwords alone."""

MIN_NEGATED_COVER = 0.5
"""Share of a denial's words above which the text is about the same."""

_MARKER = re.compile(r"(?<!\s)\s*+\[\d[\d.,;\s–-]*\]")
_BULLET = re.compile(r"\A\s*(?:[-*+•>#]+|\d{1,2}[.)])\s+")
_EMPHASIS = re.compile(r"[*_`#]+")
_WORD = re.compile(r"\w+")
NEGATION = "negation differs from the source"
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
        around = [f"{c.title} {c.heading or ''} {c.before} {c.after}" for c in citations]
        return check_support(sentence, [c.quote for c in citations], context=[question, *around])

    return verify


def skip_verification(sentence: str, citations: Sequence[Citation]) -> Verdict:
    """Returns the verdict without verification: any citation counts as support."""
    return Verdict("supported", "not checked") if citations else Verdict("uncited", None)


def check_support(sentence: str, cited: Sequence[str], *, context: Sequence[str] = ()) -> Verdict:
    """Returns whether the cited texts support the sentence, and if not, why.

    A name may also occur in `context` (question, title, heading, neighbours), since a cited
    sentence says "she" where the answer names the person.
    """
    stripped = strip_markup(sentence)
    claim = without_remarks(stripped)
    texts = [strip_markup(text) for text in cited]
    if stripped and not claim:
        if not _adds_facts(stripped, [*texts, *context]):
            return Verdict("remark", None)
        claim = stripped
    if not cited:
        return Verdict("uncited", None)
    text = " ".join(texts)
    if _is_quoted(claim, text):
        return Verdict("supported", None)
    if number := missing_number(claim, text):
        return Verdict("unsupported", f"the number {number} is not in the cited text")
    if name := missing_name(claim, [*texts, *context]):
        return Verdict("unsupported", f"the name {name} is not in the cited text")
    features = alignment(claim, texts, context)
    if features["opposite"] or (features["negates"] and features["cover"] > MIN_NEGATED_COVER):
        return Verdict("unsupported", NEGATION)
    similarity = score(features)
    if similarity < MIN_SUPPORT_SCORE and not (
        similarity >= MIN_TRANSLATED_SCORE and language_of(claim) != language_of(text)
    ):
        why = NEGATION if features["negates"] else "few of its words are in the cited text"
        return Verdict("unsupported", why, is_final=False)
    return Verdict("supported", None, is_final=False)


def _adds_facts(remark: str, told: Sequence[str]) -> bool:
    """Whether a remark has a number or name of its own: "they only say that 40 were hurt"."""
    if missing_number(remark, " ".join(told)):
        return True
    # other languages capitalize more than names
    return language_of(remark) == "en" and missing_name(remark, told) is not None


def support_score(sentence: str, cited: Sequence[str], *, context: Sequence[str] = ()) -> float:
    """Returns how well the cited texts support the sentence by its words, 0 to 1."""
    return score(alignment(sentence, cited, context)) if cited else 0.0


def strip_markup(text: str) -> str:
    """Returns the text without citation markers and simple markdown."""
    return _EMPHASIS.sub("", _BULLET.sub("", _MARKER.sub("", text))).strip()


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
