"""Carries the question before over to what is new: "How fast is the SU7?", "and the YU7?".

What is new takes the place of what is of the same kind: a year that of a year, a name with a digit
that of another, words that of those with the same last word, what stands after a preposition that
of what stands after the same one, a name that of the last name. Where nothing is of its kind, what
has a preposition is added, and anything else is left to the caller.
"""

import re
from dataclasses import replace
from functools import cache

from ...language.word_cover import Language, language_of
from .chinese import chinese_place
from .ellipsis import Ellipsis
from .shapes import CODE, HAN, QUARTER, YEAR, Span
from .words import WORDS

MAX_CHARS = 400
"""A longer question is not carried over."""
MIN_HEAD = 5
"""Letters at the end that two compounds share, which makes them of one kind."""

_NAME = re.compile(r"(?<!\w)[A-ZÀ-ÖØ-Þ][\w&-]*(?: [A-ZÀ-ÖØ-Þ0-9][\w&-]*)*")
_WORD = re.compile(r"[^\W_][\w-]*")
_END = re.compile(r"[\s?？!.]*\Z")
_STATE = re.compile(r" (?:[a-z]+ed|open|available|due|valid|paid|possible|necessary)\Z")
"""What is said of an English subject, and stays ("is the office open")."""
_TOPIC = frozenset("about of from by von vom über um de du des del sobre sur".split())
"""Prepositions that are not added to a question: what they introduce is its subject."""


def carry_over(new: Ellipsis, frame: str, *, is_whole: bool) -> str | None:
    """Returns the question before with what is new in its place; None without a place for it.

    In a frame that depends on the conversation (not `is_whole`) that is the place of its pronoun.
    """
    if len(frame) > MAX_CHARS:
        return None
    if new.language != language_of(frame):
        new = replace(new, determiner="")
    if not is_whole:
        return _replace(frame, _pronoun(new, frame), new.phrase)
    if new.language == "zh" or re.search(f"[{HAN}]", frame):
        return _replace(frame, chinese_place(new, frame), new.core.removesuffix("的"))
    if place := _same_shape(new, frame):
        return _replace(frame, place, new.core)
    for find in _FINDERS:
        if place := find(new, frame):
            phrase = f"{new.preposition} {new.phrase}" if find is _same_object else new.phrase
            return _replace(frame, _with_determiner(new, frame, place), phrase)
    is_same_language = new.language == language_of(frame)
    adds = new.preposition and new.has_lead and new.preposition.lower() not in _TOPIC
    if adds and is_same_language:
        return _END.sub("", frame) + f" {new.preposition} {new.phrase}?"
    return None


def _same_shape(new: Ellipsis, frame: str) -> Span | None:
    """Returns the last quarter, year or name with a digit, if what is new is one."""
    for shape in (QUARTER, YEAR, CODE):
        if shape.fullmatch(new.core) and (places := list(shape.finditer(frame))):
            start, end = places[-1].span()
            keeps_year = shape is QUARTER and " " not in new.core
            return start, start + 2 if keeps_year else end
    return None


def _replace(frame: str, place: Span | None, text: str) -> str | None:
    if place is None:
        return None
    return frame[: place[0]] + text + frame[place[1] :]


def _with_determiner(new: Ellipsis, frame: str, place: Span) -> Span:
    """Returns the place with the article before it, if what is new has one of its own."""
    if not new.determiner:
        return place
    before = re.compile(rf"(?<!\w){_determiner(new.language).pattern}$", re.IGNORECASE)
    match = before.search(frame[: place[0]])
    return (match.start(), place[1]) if match else place


def _same_object(new: Ellipsis, frame: str) -> Span | None:
    """Returns another preposition before the same words ("during probation", "after probation")."""
    if not new.preposition:
        return None
    words = WORDS[new.language]
    pattern = (
        rf"(?<!\w)(?:{words.prepositions}) (?:{_determiner(new.language).pattern})?"
        rf"{re.escape(new.core)}(?!\w)"
    )
    match = re.search(pattern, frame, re.IGNORECASE)
    return match.span() if match else None


def _after_preposition(new: Ellipsis, frame: str) -> Span | None:
    """Returns what stands after the last such preposition, with its article."""
    if not new.preposition:
        return None
    object_ = rf"(?:{_NAME.pattern}|[^\W_][\w-]*(?: [^\W_][\w-]*)*)"
    is_name = new.core[0].isupper()
    best: Span | None = None
    for match in re.finditer(rf"(?i:(?<!\w){re.escape(new.preposition)}) ", frame):
        after = match.end()
        determiner = _determiner(new.language).match(frame, after)
        start = determiner.end() if determiner else after
        found = re.compile(object_).match(frame, start)
        if found and frame[start].isupper() == is_name:
            best = after, _end_of_object(new.language, frame, found.span())
    return best


def _end_of_object(language: Language, frame: str, span: Span) -> int:
    """Returns where the words after a preposition end: before another one, or with the name."""
    if frame[span[0]].isupper():
        name = _NAME.match(frame, span[0])
        return name.end() if name else span[1]
    stop = _preposition(language).search(frame, *span)
    return stop.start() if stop else span[1]


def _name(new: Ellipsis, frame: str) -> Span | None:
    """Returns the last name of the frame; a word that opens it is none."""
    if not (new.core[0].isupper() or CODE.fullmatch(new.core)):
        return None
    names = [match.span() for match in _NAME.finditer(frame)]
    names += [match.span() for match in CODE.finditer(frame)]
    opening = _WORD.search(frame)
    inside = [span for span in names if opening is None or span[0] > opening.start()]
    last = max(inside, default=None)
    if last and CODE.search(frame[slice(*last)]) and not re.search(r"\d", new.core):
        return None  # the one is a product, the other may be anything
    return last


def _pronoun(new: Ellipsis, frame: str) -> Span | None:
    """Returns a pronoun in the frame, which then is a follow-up question itself."""
    if not (new.core[0].isupper() or CODE.fullmatch(new.core)):
        return None
    match = re.search(r"(?i)(?<!\w)(?:it|they|he|she|er|sie|es|ils?|elles?|él|ella)(?!\w)", frame)
    return match.span() if match else None


def _same_head(new: Ellipsis, frame: str) -> Span | None:
    """Returns the words of the frame that end as what is new does, and one of its own before."""
    words = [match.span() for match in _WORD.finditer(frame)]
    core = _WORD.findall(new.core)
    if not core:
        return None
    for place in range(len(words) - 1, -1, -1):
        start, end = words[place]
        if not _has_head(frame[start:end], core[-1]):
            continue
        first = place
        while first > 0 and place - first < len(core) - 1:
            first -= 1
        opening = frame[words[first][0] : words[first][1]]
        if first != place and _is_function(new.language, opening):
            first += 1
        return words[first][0], end
    return None


def _has_head(word: str, other: str) -> bool:
    """Whether they are one word, or compounds with the same end, inflected or not."""
    one, two = (text.lower().rstrip("sne") for text in (word, other))
    shared = next((n for n in range(min(len(one), len(two))) if one[-1 - n] != two[-1 - n]), None)
    if shared is None:
        return min(len(one), len(two)) >= 3 and (one == two or min(len(one), len(two)) >= MIN_HEAD)
    return shared >= MIN_HEAD


def _subject(new: Ellipsis, frame: str) -> Span | None:
    """Returns the subject of "what is the …" up to its preposition or genitive."""
    words, determiner = WORDS[new.language], _determiner(new.language).pattern
    is_common = new.core[0].islower() or (new.language == "de" and not CODE.search(new.core))
    if new.preposition or not new.determiner or not is_common:
        return None
    opening = rf"\W*(?:{words.asking})(?: \w+)?? (?:{words.copula}) (?={determiner})"
    match = re.match(opening, frame, re.IGNORECASE)
    if not match:
        return None
    noun = _determiner(new.language).match(frame, match.end())
    stop = rf"\W+(?:(?:{words.prepositions})(?!\w)|(?:{determiner}))|[\s?？]*$"
    end = re.compile(stop, re.IGNORECASE).search(frame, noun.end() if noun else match.end())
    if end is None:
        return None
    state = _STATE.search(frame, match.end(), end.start())
    return match.end(), state.start() if state else end.start()


def _same_case(new: Ellipsis, frame: str) -> Span | None:
    """Returns what a German question has after the same article."""
    if new.language != "de" or not new.determiner or new.preposition:
        return None
    match = re.search(rf"(?<!\w){new.determiner} ([A-ZÄÖÜ][\w-]*)", frame)
    return match.span(1) if match else None


_FINDERS = (_same_object, _same_head, _after_preposition, _same_case, _subject, _name, _pronoun)


def _is_function(language: Language, word: str) -> bool:
    words = WORDS[language]
    pattern = rf"{words.determiners}|{words.prepositions}|{words.asking}"
    return bool(re.fullmatch(pattern, word, re.IGNORECASE))


@cache
def _determiner(language: Language) -> re.Pattern[str]:
    return re.compile(rf"(?:{WORDS[language].determiners})(?: |(?<=[ld])['’])", re.IGNORECASE)


@cache
def _preposition(language: Language) -> re.Pattern[str]:
    return re.compile(rf" (?:{WORDS[language].prepositions})(?!\w)", re.IGNORECASE)
