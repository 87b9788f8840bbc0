"""Does a hit's sentence answer the question with another figure or date than the best one does?

Figures are compared where they count what is asked for, have one unit or measure it bare; dates in
whatever both name of year, month and day. What the question names must stand in the hit, so that
two subjects are no conflict. Which of the two is right is for the reader to see.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from index.text.analyzer import content_terms, terms

from ..language.answer_type import MEASURE_WORDS, expected_answer_type
from ..language.names import missing_name
from ..language.numbers import Number, find_numbers, is_consistent, missing_number
from ..types import Hit, ScoredSentence

SIMILARITY, COVER = 0.15, 0.45
"""How far a sentence may lie under the best one and yet be about the same. Of 592 SQuAD questions
13 then find a conflict, most of them not saying which of several things they mean."""

_MONTHS = (
    "january february march april may june july august september october november december"
).split()
_MONTH = rf"(?P<month>{'|'.join(month[:3] for month in _MONTHS)})[a-z]*\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>1\d{3}|20\d\d)(?![\d-]|s\b|,\d)"
_BEHIND = re.compile(
    r"(?:[ \u00a0-](?!(?:and|as|at|by|during|for|from|in|on|or|to|when)\b)[^\W\d_]+){1,3}"
)
_DATES = tuple(
    re.compile(rf"\b{pattern}", re.IGNORECASE)
    for pattern in (
        rf"{_DAY} (?:of )?{_MONTH},? {_YEAR}",
        rf"{_MONTH} {_DAY},? {_YEAR}",
        rf"{_MONTH},? {_YEAR}",
        r"(?P<year>1\d{3}|20\d\d)-(?P<number>\d\d)-(?P<day>\d\d)\b",
        _YEAR,
    )
)


@dataclass(frozen=True, slots=True)
class _Date:
    year: int
    month: int | None
    day: int | None

    def fits(self, other: "_Date") -> bool:
        """Whether both may be one day: nothing that both name differs."""
        pairs = ((self.year, other.year), (self.month, other.month), (self.day, other.day))
        return all(one is None or another is None or one == another for one, another in pairs)


def in_conflict(question: str, best: ScoredSentence, other: ScoredSentence, hit: Hit) -> bool:
    """Returns whether `other`, a sentence of the hit, answers the question otherwise than `best`.

    Only where a figure or a date is asked for.
    """
    if best.similarity - other.similarity > SIMILARITY or best.cover - other.cover > COVER:
        return False
    return differ(question, best.text, other.text) and _is_about(question, other, hit)


def _is_about(question: str, sentence: ScoredSentence, hit: Hit) -> bool:
    """Whether the hit has the question's names, and the sentence its figures."""
    named = [sentence.text, hit.source.title, hit.chunk.heading or "", hit.text]
    if missing_name(question, named):
        return False
    return missing_number(question, f"{sentence.text} {hit.source.title}") is None


def differ(question: str, one: str, other: str) -> bool:
    """Returns whether the sentences name different figures, or dates, for what is asked."""
    kind = expected_answer_type(question)
    if kind not in ("number", "measure", "date"):
        return False
    if kind == "date":
        asked = _dates(question)
        dates, others = (_new(_dates(text), asked) for text in (one, other))
        return bool(dates and others) and not any(a.fits(b) for a in dates for b in others)
    figured, against = (_new_figures(question, text) for text in (one, other))
    wanted = _Wanted.of(question, one, other)
    if any(wanted.counts(a, b) and _agree(a, b) for a in figured for b in against):
        return False
    return any(wanted.compares(a, b) for a in figured for b in against)


@dataclass(frozen=True, slots=True)
class _Counted:
    """A figure with the content terms right behind it, which are what it counts."""

    figure: Number
    things: frozenset[str]

    @property
    def is_bare(self) -> bool:
        """Does it stand alone, and is it no year?"""
        is_year = re.fullmatch(r"1\d{3}|20\d\d", self.figure.text)
        return not (self.things or self.figure.unit or is_year)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is counted: the question's terms, and those measures of it that both sentences name."""

    things: frozenset[str]
    measures: frozenset[str]

    @classmethod
    def of(cls, question: str, one: str, other: str) -> "_Wanted":
        things = frozenset(content_terms(terms(question)))
        return cls(things, things & _measures() & set(terms(one)) & set(terms(other)))

    def compares(self, one: _Counted, other: _Counted) -> bool:
        """Whether both count the thing asked for, have one unit, or are its bare measure."""
        if one.figure.unit and other.figure.unit:
            return one.figure.unit[0] == other.figure.unit[0]
        if one.things & other.things & self.things:
            return True
        return bool(self.measures) and one.is_bare and other.is_bare

    def counts(self, one: _Counted, other: _Counted) -> bool:
        """Whether one of the two counts the thing asked for, so that they may agree on it."""
        return bool((one.things | other.things) & self.things) or self.compares(one, other)


def _agree(one: _Counted, other: _Counted) -> bool:
    return is_consistent(one.figure, other.figure) or is_consistent(other.figure, one.figure)


def _new_figures(question: str, text: str) -> list[_Counted]:
    """The text's figures that the question does not have, and that are no part of a name."""
    known = list(find_numbers(question))
    found = []
    for figure in find_numbers(text):
        if not figure.is_in_name and not any(is_consistent(figure, one) for one in known):
            behind = _BEHIND.match(text, text.find(figure.text) + len(figure.text))
            things = content_terms(terms(behind.group() if behind else ""))
            found.append(_Counted(figure, frozenset(things)))
    return found


@cache
def _measures() -> frozenset[str]:
    return frozenset(terms(MEASURE_WORDS.replace("|", " ")))


def _new(dates: list[_Date], asked: list[_Date]) -> list[_Date]:
    return [date for date in dates if not any(date.year == known.year for known in asked)]


def _dates(text: str) -> list[_Date]:
    return [_date(match) for match in _matches(text)]


def _matches(text: str) -> Iterator[re.Match[str]]:
    """The dates of a text; one that is part of a longer one counts once, as that."""
    taken: list[tuple[int, int]] = []
    for pattern in _DATES:
        for match in pattern.finditer(text):
            if not any(start < match.end() and match.start() < end for start, end in taken):
                taken.append(match.span())
                yield match


def _date(match: re.Match[str]) -> _Date:
    parts = {"month": None, "day": None, "number": None, **match.groupdict()}
    name = (parts["month"] or "").lower()
    month = next((n for n, known in enumerate(_MONTHS, 1) if name and known[:3] == name), None)
    if parts["number"]:
        month = int(parts["number"])
    return _Date(int(match["year"]), month, int(parts["day"]) if parts["day"] else None)
