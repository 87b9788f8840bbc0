"""History + question → a question that stands alone, by rule.

A question that leans on what was said before (a pronoun with no name before it, an "and …", hardly
a word of its own) is given the conversation's subject in brackets: the last question where that
stood alone, the name that the questions are about, and the names that were spoken of last. Measured
on CANARD (Elgohary et al. 2019) by tests/benchmarks/canard.py.
"""

import re
from collections.abc import Iterator, Sequence

from index.text.analyzer import STOP_WORDS, content_terms, terms

from ..types import Turn

_OPENS = re.compile(
    r"^(?:and|but|so|or|also|what about|how about)\b"
    r"|^(?:then|why|why not|when|where|who|how)\b[\s,]*(?:\w+\W*)?$",
    re.IGNORECASE,
)
_BEFORE_THAT = "is was did does with of in at to for after before about from by like".split()
"""After these "that" points back; elsewhere it opens a clause."""
_PERSON = r"he|him|his|she|her|hers"
_THING = (
    r"it|its|they|them|their|theirs|these|those|the same|the other|another|ones|else"
    r"|this(?! (?:year|month|week|morning|evening)\b)|one(?! of\b)"
    r"|(?<!\bis )(?<!\bare )(?<!\bwas )(?<!\bwere )there(?! (?:is|are|was|were|a|an|any|be)\b)"
    r"|that(?=\W*$)|" + "|".join(rf"(?<=\b{word} )that" for word in _BEFORE_THAT)
)
_THINGS = re.compile(rf"\b(?:{_THING})\b", re.IGNORECASE)
_LEANS = re.compile(rf"\b(?:{_PERSON}|{_THING})\b", re.IGNORECASE)
_ASKING = re.compile(
    r"^(?:and |but |so )?(?:(?:can|could|would) you )?(?:please )?(?:tell me |explain |describe )?"
    r"(?:about )?(?:what|which|who|whom|whose|when|where|why|how(?: many| much| long| old)?|does|do"
    r"|did|is|are|was|were|has|have|had|can|could|will|would|should)\b"
    r"(?: (?:is|are|was|were|does|do|did|has|have|had|can|could|will|would))?",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"(?<!\w)[A-ZÀ-ÖØ-Þ][\w.&'’-]*"
    r"(?:(?: (?:of|the|and|for|de|von|van))?(?: the)? [A-ZÀ-ÖØ-Þ0-9][\w.&'’-]*)*"
)
_NO_NAMES = STOP_WORDS | frozenset(
    "according although any around because besides describe don't every explain few first give "
    "however instead know many name no one otherwise please since tell today until while yes "
    "yet".split()
)
FEW_WORDS = 2
MAX_SUBJECT_CHARS = 300


def condense_by_rules(question: str, history: Sequence[Turn]) -> str:
    """Returns the question with the subject of the conversation; itself where it needs none."""
    asked = [turn.content for turn in history if turn.role == "user" and turn.content.strip()]
    if not asked or not _leans(question):
        return question
    known, added = _words(question), []
    for subject in _subjects(question, asked, history):
        if new := _words(subject) - known:
            added.append(subject)
            known |= new
    return f"{question.rstrip()} ({'; '.join(added)[:MAX_SUBJECT_CHARS]})" if added else question


def _leans(question: str) -> bool:
    """Does it open as a continuation, say hardly a word, or point before it has named anything?"""
    if _OPENS.search(question) or (len(_words(question)) < FEW_WORDS and not _names(question)):
        return True
    pointing = _LEANS.search(question)
    return pointing is not None and not _names(question[: pointing.start()])


def _subjects(question: str, asked: Sequence[str], history: Sequence[Turn]) -> Iterator[str]:
    """Yields what may be missing, the likeliest first; what is said twice is for the caller."""
    last = asked[-1]
    standing = [one for one in asked if not _leans(one)] or [asked[0]]
    named = [name for one in reversed(standing) for name in _names(one)[:1]]
    everyone = [name for turn in history for name in _names(turn.content)]
    person = _LEANS.search(question) and not _THINGS.search(question)
    whole = not (person and everyone) or len(_words(question)) < FEW_WORDS
    whole = (last == standing[-1] and whole) or not everyone
    if whole:
        yield _ASKING.sub("", standing[-1]).strip(" ?.!")
    for name in [*(named or everyone)[:1], *_names(last)]:
        yield _in_full(name, everyone)
    # beside the whole last question, the answer's name would only find that answer again
    points = _THINGS.search(question) and not whole
    if history[-1].role == "assistant" and (points or _asks_for_name(last)):
        yield from _names(history[-1].content)[:1]


def _asks_for_name(question: str) -> bool:
    return bool(re.match(r"(?:who|which)\b", question, re.IGNORECASE))


def _names(text: str) -> list[str]:
    """Returns the runs of capitalised words, without the words that merely open a sentence."""
    found = []
    for match in _NAME.finditer(text):
        words = re.sub(r"['’]s$", "", match.group()).rstrip(".'’").split()
        while words and words[0].lower().strip(".") in _NO_NAMES:
            words.pop(0)
        if words and len(words[0]) > 1:
            found.append(" ".join(words))
    return found


def _in_full(name: str, everyone: Sequence[str]) -> str:
    """Returns the first name that holds all words of this one, as "Frank Zappa" does "Zappa"."""
    return next((one for one in everyone if set(name.split()) <= set(one.split())), name)


def _words(text: str) -> set[str]:
    return set(content_terms(terms(text)))
