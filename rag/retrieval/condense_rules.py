"""Condenses history and a follow-up question to a standalone question, by rules.

An elliptic question ("and the YU7?") is the question before with what is new in its place
(`followups/`). Another that depends on the conversation (a pronoun before any name, an "and …",
hardly a word of its own) gets its subject in brackets: the last standalone question, the name that
the questions are about, and the names mentioned last. Measured on CANARD (Elgohary et al. 2019) by
tests/benchmarks/measure/canard.py, and on `tests/data/follow_ups.jsonl`.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import dropwhile

from index.text.analyzer import STOP_WORDS, content_terms, terms

from ..language.kind.catalogue import VERBS
from ..language.kind.intent import NOT_SEARCHED, recognize
from ..language.word_cover import Language, language_of
from ..types import Turn
from .followups.ellipsis import parse_ellipsis
from .followups.frame import carry_over
from .followups.reference import asks_for_name, refers, subject_of

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
_ENGLISH = re.compile(
    r"\b(?:the|is|are|was|were|do|does|did|what|which|who|when|where|why|how|and|of|it|for|to|in)\b",
    re.IGNORECASE,
)
MAX_LABEL_WORDS = 3
MIN_WORDS = 2
"""A question with fewer content words of its own depends on the conversation."""
MAX_SUBJECT_CHARS = 300
MAX_HISTORY_CHARS = 20_000
"""Of the newest turns; older ones are not looked at."""
MAX_NAMES = 20
"""Of one question, that are looked up."""


def condense_by_rules(question: str, history: Sequence[Turn]) -> str:
    """Returns the question with what the conversation adds, or unchanged if it needs nothing."""
    history = newest_turns(history, MAX_HISTORY_CHARS)
    asked = [turn.content for turn in history if turn.role == "user" and turn.content.strip()]
    if not asked:
        return question
    questions = _resolved(asked)
    language = _language(question, questions[-1])
    if carried := _carried(question, questions[-1]):
        return carried
    if language == "en":
        if _is_follow_up(question):
            subjects = _subjects(question, questions, history)
        elif _is_label(question):
            subjects = iter(_names(questions[-1])[:MAX_NAMES])
        else:
            return question
    elif refers(question, language):
        subjects = _foreign_subjects(questions, history, language)
    else:
        return question
    words, added = _content_words(question), []
    for subject in subjects:
        if new := _content_words(subject) - words:
            added.append(subject)
            words |= new
    return f"{question.rstrip()} ({'; '.join(added)[:MAX_SUBJECT_CHARS]})" if added else question


def _resolved(questions: Sequence[str]) -> list[str]:
    """Returns the questions, elliptic ones carried over from the one before."""
    resolved = list[str]()
    for question in questions:
        carried = _carried(question, resolved[-1]) if resolved else None
        resolved.append(carried or question)
    return resolved


def _carried(question: str, frame: str) -> str | None:
    """Returns the frame with what is new in an elliptic question; None if it is none."""
    new = parse_ellipsis(question, [language_of(question), language_of(frame)])
    return carry_over(new, frame, is_whole=not _depends(frame)) if new else None


def _depends(question: str) -> bool:
    language = language_of(question)
    return _is_follow_up(question) if language == "en" else refers(question, language)


def _language(question: str, last: str) -> Language:
    """Returns the language of a question; of a short one without known words, that of the last."""
    language = language_of(question)
    return language_of(last) if language == "en" and not _ENGLISH.search(question) else language


def _foreign_subjects(
    questions: Sequence[str], history: Sequence[Turn], language: Language
) -> Iterator[str]:
    """Yields what may be missing of a question that is not English, the likeliest first."""
    standalone = next(
        (one for one in reversed(questions) if not refers(one, language)), questions[0]
    )
    yield subject_of(standalone, language)
    if asks_for_name(questions[-1], language) and history[-1].role == "assistant":
        yield from _new_names(history[-1].content, questions[-1])


def without_small_talk(history: Sequence[Turn]) -> tuple[Turn, ...]:
    """Returns the history without greetings, questions about the service, and their replies."""
    kept, is_reply = list[Turn](), False
    for turn in history:
        if turn.role == "user":
            is_reply = recognize(turn.content).kind in NOT_SEARCHED
        if not is_reply:
            kept.append(turn)
    return tuple(kept)


def newest_turns(history: Sequence[Turn], max_chars: int) -> list[Turn]:
    """Returns the newest turns that fit, oldest first; the newest is cut rather than left out."""
    remaining, turns = max_chars, list[Turn]()
    for turn in reversed(history):
        if len(turn.content) > remaining:
            if not turns and remaining > 0:
                turns.append(Turn(turn.role, turn.content[:remaining]))
            break
        turns.append(turn)
        remaining -= len(turn.content)
    return turns[::-1]


def _is_follow_up(question: str) -> bool:
    """Whether it begins as a continuation, has hardly a word, or a pronoun before any name."""
    is_short = len(_content_words(question)) < MIN_WORDS
    if _CONTINUATION.search(question) or (is_short and not _names(question)):
        return True
    pronoun = _PRONOUN.search(question)
    return pronoun is not None and not _names(question[: pronoun.start()])


def _is_label(question: str) -> bool:
    """Whether it is two or three words without a verb or a name ("Top speed?")."""
    words = question.rstrip(" ?.!").split()
    return (
        2 <= len(words) <= MAX_LABEL_WORDS
        and all(re.fullmatch(r"[A-Za-z][a-z-]+", word) for word in words)
        and all(word.islower() for word in words[1:])
        and VERBS["en"].isdisjoint(word.lower() for word in words)
    )


def _subjects(question: str, questions: Sequence[str], history: Sequence[Turn]) -> Iterator[str]:
    """Yields what may be missing, the likeliest first; may repeat itself."""
    last = questions[-1]
    standalone = [one for one in questions if not _is_follow_up(one)] or [questions[0]]
    topics = [name for one in reversed(standalone) for name in _names(one)[:1]]
    all_names = [name for turn in history for name in _names(turn.content)]
    has_thing = _THING_PRONOUN.search(question)
    is_about_person = _PRONOUN.search(question) and not has_thing
    adds_question = not (is_about_person and all_names) or len(_content_words(question)) < MIN_WORDS
    adds_question = (last == standalone[-1] and adds_question) or not all_names
    if adds_question:
        yield _QUESTION_WORDS.sub("", standalone[-1]).strip(" ?.!")
    by_word = defaultdict[str, list[str]](list)
    for name in all_names:
        for word in set(name.split()):
            by_word[word].append(name)
    for name in [*(topics or all_names)[:1], *_names(last)[:MAX_NAMES]]:
        yield _full_name(name, by_word)
    # next to the whole last question, the name in its answer would only retrieve that answer again
    asked_for_name = re.match(r"(?:who|which)\b", last, re.IGNORECASE)
    if history[-1].role == "assistant" and (asked_for_name or (has_thing and not adds_question)):
        yield from _new_names(history[-1].content, last)


def _new_names(answer: str, question: str) -> list[str]:
    """Returns the first name of an answer that its question does not have; none of none."""
    asked = {word for name in _names(question) for word in name.split()}
    names = [one for one in _names(answer) if asked.isdisjoint(one.split())]
    opening = re.match(r"[A-ZÀ-ÖØ-Þ][a-zß-öø-ÿ]+", answer)
    if opening and len(names) > 1 and names[0] == opening.group() and names[0] not in names[1:]:
        names = names[1:]  # "Two suppliers …"
    return names[:1]


def _names(text: str) -> list[str]:
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


def _content_words(text: str) -> set[str]:
    return set(content_terms(terms(text)))
