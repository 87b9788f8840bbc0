"""Chosen units → the lines of an answer without a model: what each line says and what it cites.

A row is shown with the names of its columns, an item with its introduction, a list or a procedure
whole up to a limit, code with the sentence before it. The text shown has no markup; what is cited
stays the source's own.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from index.store.opened import OpenGeneration
from index.types import Chunk, Span

from ..language.answer_type import asks_for_list
from ..language.plain_text import plain_text
from ..retrieval.sections import Place, unscored
from ..types import Hit, ScoredUnit

MAX_LIST_UNITS = 20
MAX_LIST_CHARS = 1_500
"""Of a list that is quoted whole; what is left out is counted and linked to."""
DECISIVE_COVER = 0.1
"""By how much an item covers more of the question than any other, to be quoted without them."""
CHUNKS_BEFORE, CHUNKS_AFTER = 8, 23
"""Chunks around a hit in which the rest of its list or table is looked for."""

_COLON = (":", "：")
_BULLET = re.compile(r"(?:[-*+•‣◦▪–]|(\d{1,3}[.)]))\s+")
_NOTE = re.compile(r"\[[^\[\]]{1,8}\]")
"""What a footnote begins with."""
_LIST_KINDS = ("item", "code")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the answer: its text, what separates it from the one before, and what it cites.

    `claim` is what the cited places must support: the quote before its markup is left out and
    names of columns are put in.
    """

    text: str
    cited: tuple[Place, ...]
    gap: str
    claim: str
    agreeing: tuple[Place, ...] = ()
    """Places that may say the same, each to be verified by itself."""


@dataclass(frozen=True, slots=True)
class _List:
    """A list, table or code block: its introduction, and its units in order."""

    introduction: Place | None
    members: tuple[Place, ...]


class Quoter:
    """Builds the lines of one answer."""

    def __init__(self, generation: OpenGeneration, question: str, hits: Sequence[Hit]) -> None:
        self._generation = generation
        self._covers = {(hit.source.id, u.start): u.cover for hit in hits for u in hit.units}
        self._wants_list = asks_for_list(question)
        self._lines: list[Line] = []
        self._shown: set[tuple[str, int]] = set()

    def lines(self, picks: Sequence[tuple[Place, Sequence[Place]]]) -> list[Line]:
        """Returns the lines for the picked places, each with the places that agree with it."""
        for place, agreeing in picks:
            if self._key(place) not in self._shown:
                self._quote(place, agreeing)
        return self._lines

    def _quote(self, place: Place, agreeing: Sequence[Place]) -> None:
        unit = place[1]
        found = None
        if unit.kind in _LIST_KINDS or _is_lead_in(unit) or self._wants_list:
            found = self._list_of(place)
        if unit.kind == "row":
            self._add(self._row(place), with_header(place), agreeing, gap="\n")
        elif found and found.members:
            self._quote_list(found, place)
        elif not _is_lead_in(unit):
            self._add(self._member(place, None), [place], agreeing, gap=" ")

    def _quote_list(self, found: _List, picked: Place) -> None:
        unit, members, introduction = picked[1], found.members, found.introduction
        is_whole = (
            self._wants_list or unit.kind == "sentence" or not self._is_decisive(picked, found)
        )
        if not is_whole:
            members = tuple(member for member in members if member[1].start == unit.start)
        if introduction and (is_whole or _is_lead_in(introduction[1])):
            if self._key(introduction) not in self._shown:
                self._add(plain_text(introduction[1].text), [introduction], gap="\n")
        else:
            introduction = None
        texts = [self._member(member, introduction) for member in members]
        at = next((n for n, m in enumerate(members) if m[1].start == unit.start), 0)
        shown = _window(texts, at)
        for number in shown:
            self._add(texts[number], with_header(members[number]), gap="\n")
        if rest := len(members) - len(shown):
            omitted = members[shown.stop :] or members[: shown.start]
            self._add(f"… and {rest} more", [self._joined(omitted)], gap="\n", claim="")

    def _is_decisive(self, picked: Place, found: _List) -> bool:
        """Whether the unit has words of the question that no other one of its list has."""
        others = (
            self._covers.get(self._key(member), 0.0)
            for member in found.members
            if member[1].start != picked[1].start
        )
        return picked[1].cover >= max(others, default=0.0) + DECISIVE_COVER

    def _member(self, place: Place, introduction: Place | None) -> str:
        """Returns the text of a list's item as a line: with a marker, or after its term."""
        unit = place[1]
        if unit.kind == "row":
            return self._row(place)
        text = plain_text(unit.text, unit.kind)
        if unit.kind != "item":
            return text
        mark = _BULLET.match(text)
        number = mark.group(1) if mark else None
        if _is_definition(unit):
            return f"{plain_text(unit.context[-1])}: {text}"
        if introduction is None and not number:
            return text[mark.end() if mark else 0 :]
        depth = sum(span[0] != introduction[1].start for span in unit.under) if introduction else 0
        return f"{'  ' * depth}{number or '-'} {text[mark.end() if mark else 0 :]}"

    def _row(self, place: Place) -> str:
        return plain_text(place[1].text, "row", above=place[1].context)

    def _add(
        self,
        text: str,
        cited: Sequence[Place],
        agreeing: Sequence[Place] = (),
        *,
        gap: str,
        claim: str | None = None,
    ) -> None:
        self._shown.add(self._key(cited[0]))
        gap = gap if self._lines else ""
        if self._lines and "\n" in (self._lines[-1].text + self._lines[-1].gap):
            gap = "\n"
        if claim is None:  # the names before a row's cells are quoted, too
            claim = cited[0][1].text
        self._lines.append(Line(text, tuple(cited), gap, claim, tuple(agreeing)))

    def _key(self, place: Place) -> tuple[str, int]:
        return place[0].source.id, place[1].start

    # --- what stands around a unit

    def _joined(self, places: Sequence[Place]) -> Place:
        """Returns the places of one chunk or more as one."""
        (hit, first), (_, last) = places[0], places[-1]
        text = self._generation.text(hit.source.id)[first.start : last.end]
        return hit, replace(first, end=last.end, text=text)

    def _list_of(self, place: Place) -> _List:
        """Returns the list, table or code that a unit is part of, or introduces."""
        units = self._units_around(place[0])
        starts = [unit.start for _, unit in units]
        at = starts.index(place[1].start)
        picked = units[at][1]
        if _is_definition(picked) or _NOTE.match(picked.text):
            return _List(None, (place,))
        if picked.kind == "sentence":
            members = self._introduced(units, at)
            return _List(place, members) if members else _List(None, ())
        if picked.kind == "code":
            before = picked.under[-1:]
            introduction = _find(units, before[0]) if before else None
            return _List(introduction, (place,))
        root = picked.under[:1]

        def belongs(unit: ScoredUnit) -> bool:
            return unit.kind in _LIST_KINDS and unit.under[:1] == root

        members_before = list(takewhile(lambda one: belongs(one[1]), reversed(units[:at])))
        after = takewhile(lambda one: belongs(one[1]), units[at:])
        introduction = _find(units, root[0]) if root else None
        return _List(introduction, (*reversed(members_before), *after))

    def _introduced(self, units: Sequence[Place], at: int) -> tuple[Place, ...]:
        """Returns what follows a sentence and stands under it, or the table right behind it."""
        unit = units[at][1]
        span = (unit.start, unit.end)
        following = units[at + 1 :]
        members = tuple(takewhile(lambda one: span in one[1].under, following))
        if members or not unit.text.rstrip().endswith(_COLON):
            return members
        if not following:
            return ()
        header = following[0][1]
        if header.kind != "heading":
            return (following[0],)
        under = ((header.start, header.end),)
        return tuple(takewhile(lambda one: one[1].under == under, following[1:]))

    def _units_around(self, hit: Hit) -> list[Place]:
        chunks = self._generation.neighbours(hit.chunk, CHUNKS_BEFORE, CHUNKS_AFTER)
        text = self._generation.text(hit.source.id)
        return [
            (_hit_of(hit, chunk), unscored(unit, text)) for chunk in chunks for unit in chunk.units
        ]


def with_header(place: Place) -> list[Place]:
    """Returns a row's place with those of its header, a definition's with that of its term."""
    hit, unit = place
    if not unit.under or (unit.kind != "row" and not _is_definition(unit)):
        return [place]
    above = list(zip(unit.under, unit.context, strict=True))[0 if unit.kind == "row" else -1 :]
    headers = [ScoredUnit(*span, words, 0.0, 0.0, kind="heading") for span, words in above]
    return [place, *((hit, header) for header in headers)]


def _is_definition(unit: ScoredUnit) -> bool:
    """Whether the unit is an item without a marker, and so the text of a term."""
    if unit.kind != "item" or not unit.under:
        return False
    return not (_BULLET.match(unit.text) or _NOTE.match(unit.text))


def _window(texts: Sequence[str], picked: int) -> range:
    """Returns which of the list's lines are shown, within the limits; the picked one is."""
    first = max(0, picked + 1 - MAX_LIST_UNITS)
    last, chars = first, 0
    for text in texts[first : first + MAX_LIST_UNITS]:
        chars += len(text)
        if chars > MAX_LIST_CHARS and last > picked:
            break
        last += 1
    return range(first, last)


def _is_lead_in(unit: ScoredUnit) -> bool:
    return unit.text.rstrip(" *_").endswith(_COLON)


def _hit_of(hit: Hit, chunk: Chunk) -> Hit:
    return hit if chunk.row == hit.chunk.row else replace(hit, chunk=chunk)


def _find(units: Sequence[Place], span: Span) -> Place | None:
    return next((one for one in units if one[1].start == span[0]), None)
