"""Whether an English question depends on the conversation, and on what; measured on CANARD.

It does if it begins as a continuation, has hardly a word of its own, or a pronoun before any name.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import dropwhile

from index.text.analyzer import STOP_WORDS, content_terms, terms

from ...language.kind.catalogue import VERBS
from ...types import Turn

_CONTINUATION = re.compile(
    r"^(?:and|but|so|or|also|what about|how about)\b"
    r"|^(?:then|why|why not|when|where|who|how)\b[\s,]*(?:\w+\W*)?$",
    re.IGNORECASE,
)
_BEFORE_THAT = "is was did does with of in at to for after before about from by like".split()
"""After these "that" is a pronoun; elsewhere it begins a clause."""
_PERSON = r"he|him|his|she|her|hers"
_THING = (
    r"it|its|they|them|their|theirs|these|those|the same|the other|another|ones|else"
    r"|this(?! (?:year|month|week|morning|evening)\b)|one(?! of\b)"
    r"|(?<!\bis )(?<!\bare )(?<!\bwas )(?<!\bwere )there(?! (?:is|are|was|were|a|an|any|be)\b)"
    r"|that(?=\W*$)|" + "|".join(rf"(?<=\b{word} )that" for word in _BEFORE_THAT)
)
_THING_PRONOUN = re.compile(rf"\b(?:{_THING})\b", re.IGNORECASE)
_PRONOUN = re.compile(rf"\b(?:{_PERSON}|{_THING})\b", re.IGNORECASE)
_QUESTION_WORDS = re.compile(
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
_NOT_NAMES = STOP_WORDS | frozenset(
    "according although any around because besides describe don't every explain few first give "
    "however instead know many name no one otherwise please since tell today until while yes "
    "yet".split()
)
MAX_LABEL_WORDS = 3
MIN_WORDS = 2
"""A question with fewer content words of its own depends on the conversation."""
MAX_NAMES = 20
"""Of one question, that are looked up."""


def is_follow_up(question: str) -> bool:
    """Whether it begins as a continuation, has hardly a word, or a pronoun before any name."""
    is_short = len(content_words(question)) < MIN_WORDS
    if _CONTINUATION.search(question) or (is_short and not names_in(question)):
        return True
    pronoun = _PRONOUN.search(question)
    return pronoun is not None and not names_in(question[: pronoun.start()])


def is_label(question: str) -> bool:
    """Whether it is two or three words without a verb or a name, and asks ("Top speed?")."""
    words = question.rstrip(" ?.!").split()
    return (
        question.rstrip().endswith("?")
        and 2 <= len(words) <= MAX_LABEL_WORDS
        and all(re.fullmatch(r"[A-Za-z][a-z-]+", word) for word in words)
        and all(word.islower() for word in words[1:])
        and VERBS["en"].isdisjoint(word.lower() for word in words)
    )


def subjects(question: str, questions: Sequence[str], history: Sequence[Turn]) -> Iterator[str]:
    """Yields what may be missing, the likeliest first; may repeat itself."""
    last = questions[-1]
    standalone = [one for one in questions if not is_follow_up(one)] or [questions[0]]
    topics = [name for one in reversed(standalone) for name in names_in(one)[:1]]
    all_names = [name for turn in history for name in names_in(turn.content)]
    has_thing = _THING_PRONOUN.search(question)
    is_about_person = _PRONOUN.search(question) and not has_thing
    adds_question = not (is_about_person and all_names) or len(content_words(question)) < MIN_WORDS
    adds_question = (last == standalone[-1] and adds_question) or not all_names
    if adds_question:
        yield _QUESTION_WORDS.sub("", standalone[-1]).strip(" ?.!")
    by_word = defaultdict[str, list[str]](list)
    for name in all_names:
        for word in set(name.split()):
            by_word[word].append(name)
    for name in [*(topics or all_names)[:1], *names_in(last)[:MAX_NAMES]]:
        yield _full_name(name, by_word)
    # next to the whole last question, the name in its answer would only retrieve that answer again
    asked_for_name = re.match(r"(?:who|which)\b", last, re.IGNORECASE)
    if history[-1].role == "assistant" and (asked_for_name or (has_thing and not adds_question)):
        yield from new_names(history[-1].content, last)


def new_names(answer: str, question: str) -> list[str]:
    """Returns the first name of an answer that its question does not have; none of none."""
    asked = {word for name in names_in(question) for word in name.split()}
    names = [one for one in names_in(answer) if asked.isdisjoint(one.split())]
    opening = re.match(r"[A-ZÀ-ÖØ-Þ][a-zß-öø-ÿ]+", answer)
    if opening and len(names) > 1 and names[0] == opening.group() and names[0] not in names[1:]:
        names = names[1:]  # "Two suppliers …"
    return names[:1]


def names_in(text: str) -> list[str]:
    """The runs of capitalized words, without words that merely open a sentence."""
    names = []
    for match in _NAME.finditer(text):
        words = re.sub(r"['’]s$", "", match.group()).rstrip(".'’").split()
        words = list(dropwhile(lambda word: word.lower().strip(".") in _NOT_NAMES, words))
        if words and len(words[0]) > 1:
            names.append(" ".join(words))
    return names


def _full_name(name: str, by_word: Mapping[str, Sequence[str]]) -> str:
    """The first name that contains all words of this one: "Frank Zappa" for "Zappa"."""
    words = set(name.split())
    candidates = min((by_word[word] for word in words), key=len)
    return next((one for one in candidates if words <= set(one.split())), name)


def content_words(text: str) -> set[str]:
    """Returns the words that are no stop words, as the index has them."""
    return set(content_terms(terms(text)))
