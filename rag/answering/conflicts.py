"""Detects conflicting sources: another number, date or version of a sentence than the best one.

Numbers are compared if they count what is asked for, share a unit or measure it without one; dates
by year, month and day where both have them. What the question names must be in the hit, so that
two subjects are no conflict. The reader decides which of the two is right.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice

from index.text.analyzer import content_terms, terms

from ..language.answer_type import MEASURE_WORDS, expected_answer_type
from ..language.names import missing_name
from ..language.negation import negation_differs
from ..language.numbers import Number, find_numbers, is_consistent, missing_number
from ..language.recency import LATEST, as_of
from ..types import Hit, ScoredUnit

SIMILARITY, COVER = 0.15, 0.45
"""How far a sentence may score below the best one and still be about the same. Of 592 SQuAD
questions 13 find a conflict, most of them ambiguous questions."""

MIN_SHARED, VERSION_OVERLAP = 2, 0.5
"""Content words that two versions of a sentence share: at least, and of all that either has."""
MAX_FIGURES = 50
"""Numbers, and dates, of one text that are compared."""

_MONTHS = (
    "january february march april may june july august september october november december"
).split()
_MONTH = rf"(?P<month>{'|'.join(month[:3] for month in _MONTHS)})[a-z]*\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>1\d{3}|20\d\d)(?![\d-]|s\b|,\d)"
_NOUNS_AFTER = re.compile(
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
        """Whether both may be the same day: no part that both have differs."""
        pairs = ((self.year, other.year), (self.month, other.month), (self.day, other.day))
        return all(one is None or another is None or one == another for one, another in pairs)


def in_conflict(
    question: str, best: ScoredUnit, other: ScoredUnit, hit: Hit, *, has_value: bool = True
) -> bool:
    """Returns whether `other`, a sentence of the hit, conflicts with `best`.

    It is another version of the same sentence, or, where a number or a date is asked for and
    both have one (`has_value`), names another.
    """
    if best.similarity - other.similarity > SIMILARITY or best.cover - other.cover > COVER:
        return False
    is_different = has_value and differ(question, best.text, other.text)
    if not is_different and not is_other_version(question, best.text, other.text):
        return False
    return _is_about(question, other, hit)


def is_other_version(question: str, one: str, other: str) -> bool:
    """Returns whether two sentences share most words and each has some that the other lacks.

    What differs is not what the question names, so that both are about the same; or only one of
    them is negated.
    """
    words, others = (frozenset(content_terms(terms(text))) for text in (one, other))
    shared = len(words & others)
    if shared < MIN_SHARED or shared < VERSION_OVERLAP * len(words | others):
        return False
    asked = frozenset(content_terms(terms(question)))
    if asked & (words ^ others):
        return False
    return bool(words - others and others - words) or negation_differs(one, [other])


def _is_about(question: str, sentence: ScoredUnit, hit: Hit) -> bool:
    """Whether the hit has the question's names, and the sentence its figures."""
    source = hit.source
    named = [sentence.text, source.title, hit.chunk.heading or "", hit.text]
    if missing_name(question, named):
        return False
    if as_of(question) not in (None, LATEST) and source.date:
        return True  # the year is that of the source
    return missing_number(question, f"{sentence.text} {source.title}") is None


def differ(question: str, one: str, other: str) -> bool:
    """Returns whether the sentences name different figures, or dates, for what is asked."""
    kind = expected_answer_type(question)
    if kind not in ("number", "measure", "date"):
        return False
    if kind == "date":
        asked = _dates(question)
        dates, others = (_new(_dates(text), asked) for text in (one, other))
        return bool(dates and others) and not any(a.fits(b) for a in dates for b in others)
    numbers, other_numbers = (_new_numbers(question, text) for text in (one, other))
    subject = _Subject.of(question, one, other)
    if any(subject.counts(a, b) and _is_same(a, b) for a in numbers for b in other_numbers):
        return False
    return any(subject.compares(a, b) for a in numbers for b in other_numbers)


@dataclass(frozen=True, slots=True)
class _Quantity:
    """A figure with the content terms right behind it, which are what it counts."""

    number: Number
    things: frozenset[str]

    @property
    def is_bare(self) -> bool:
        """Does it stand alone, and is it no year?"""
        is_year = re.fullmatch(r"1\d{3}|20\d\d", self.number.text)
        return not (self.things or self.number.unit or is_year)


@dataclass(frozen=True, slots=True)
class _Subject:
    """What is counted: the question's terms, and those measures of it that both sentences name."""

    things: frozenset[str]
    measures: frozenset[str]

    @classmethod
    def of(cls, question: str, one: str, other: str) -> "_Subject":
        things = frozenset(content_terms(terms(question)))
        return cls(things, things & _measures() & set(terms(one)) & set(terms(other)))

    def compares(self, one: _Quantity, other: _Quantity) -> bool:
        """Whether both count the thing asked for, have one unit, or are its bare measure."""
        if one.number.unit and other.number.unit:
            return one.number.unit[0] == other.number.unit[0]
        if one.things & other.things & self.things:
            return True
        return bool(self.measures) and one.is_bare and other.is_bare

    def counts(self, one: _Quantity, other: _Quantity) -> bool:
        """Whether one of the two counts the thing asked for, so that they may agree on it."""
        return bool((one.things | other.things) & self.things) or self.compares(one, other)


def _is_same(one: _Quantity, other: _Quantity) -> bool:
    return is_consistent(one.number, other.number) or is_consistent(other.number, one.number)


def _new_numbers(question: str, text: str) -> list[_Quantity]:
    """The text's figures that the question does not have, and that are no part of a name."""
    asked = list(islice(find_numbers(question), MAX_FIGURES))
    quantities = []
    for number in islice(find_numbers(text), MAX_FIGURES):
        if not number.is_in_name and not any(is_consistent(number, one) for one in asked):
            nouns = _NOUNS_AFTER.match(text, text.find(number.text) + len(number.text))
            things = content_terms(terms(nouns.group() if nouns else ""))
            quantities.append(_Quantity(number, frozenset(things)))
    return quantities


@cache
def _measures() -> frozenset[str]:
    return frozenset(terms(MEASURE_WORDS.replace("|", " ")))


def _new(dates: list[_Date], asked: list[_Date]) -> list[_Date]:
    return [date for date in dates if not any(date.year == other.year for other in asked)]


def _dates(text: str) -> list[_Date]:
    return list(dict.fromkeys(_date(match) for match in islice(_matches(text), MAX_FIGURES)))


def _matches(text: str) -> Iterator[re.Match[str]]:
    """The dates of a text; one that is part of a longer one counts once, as that."""
    taken = bytearray(len(text))
    for pattern in _DATES:
        for match in pattern.finditer(text):
            start, end = match.span()
            if not any(taken[start:end]):
                taken[start:end] = b"\1" * (end - start)
                yield match


def _date(match: re.Match[str]) -> _Date:
    parts = {"month": None, "day": None, "number": None, **match.groupdict()}
    name = (parts["month"] or "").lower()
    month = next((n for n, full in enumerate(_MONTHS, 1) if name and full[:3] == name), None)
    if parts["number"]:
        month = int(parts["number"])
    return _Date(int(match["year"]), month, int(parts["day"]) if parts["day"] else None)
