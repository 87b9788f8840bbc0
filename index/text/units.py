"""Units of a chunk: the parts of a text that are quoted whole, and what each stands under.

An extractor says which units are no sentences; what it leaves is split into sentences. In a text
without any (plain text, Org) the list items and table rows are found here, by their lines.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from ..types import Document, Span, Unit
from .sentences import sentence_spans, trim

MAX_UNDER = 4
"""Spans that a unit stands under: the outermost, and the nearest others."""
MAX_UNDER_SPAN = 2_000
"""Characters of a header row or an introduction; a unit does not stand under a longer one."""
MAX_UNDER_CHARS = 300
"""Of each such span, for terms and vectors: a header row is repeated for each of its rows."""
MAX_CONTEXT_CHARS = 600
"""Of what the units of a chunk stand under outside of it, together."""

_LINE = re.compile(r"[^\r\n]+")
_ITEM = re.compile(r"[ \t]*+(?:[-*+•‣◦▪]|\d{1,3}[.)])[ \t]++\S")
_RULE = re.compile(r"[ \t]*+[|+][-=|+: \t]++\Z")
_ROW = re.compile(r"[ \t]*+\|.*\|[ \t]*+\Z")


def with_units(document: Document) -> Document:
    """Returns the document with its headings, list items and table rows as units, if it has none.

    At most MAX_UNDER spans stay of what each stands under.
    """
    if document.units:
        units = [replace(unit, under=_nearest(unit.under)) for unit in document.units]
    else:
        units = list(_find_units(document))
    return replace(document, units=tuple(units))


def units_between(document: Document, start: int, end: int) -> list[Unit]:
    """Returns the units of the text between two offsets, in order; none crosses a paragraph.

    Together they cover every character of the paragraphs there that is not white space.
    """
    found: list[Unit] = []
    index = max(bisect_right(document.blocks, (start + 1, -1)) - 1, 0)
    while index < len(document.blocks) and document.blocks[index][0] < end:
        left, right = document.blocks[index]
        if max(left, start) < min(right, end):
            found += _block_units(document, max(left, start), min(right, end))
        index += 1
    return found


def under_spans(unit: Unit) -> list[Span]:
    """Returns the spans that a unit stands under, each cut to MAX_UNDER_CHARS."""
    return [(start, min(end, start + MAX_UNDER_CHARS)) for start, end in unit.under]


def context_spans(units: Iterable[Unit], start: int, end: int) -> list[Span]:
    """Returns what the units stand under outside of these offsets, each once, in order."""
    spans: list[Span] = []
    chars = 0
    for unit in units:
        for left, right in under_spans(unit):
            is_outside = not (start <= left and right <= end)
            if (
                is_outside
                and (left, right) not in spans
                and chars + right - left <= (MAX_CONTEXT_CHARS)
            ):
                spans.append((left, right))
                chars += right - left
    return sorted(spans)


def _nearest(under: tuple[Span, ...]) -> tuple[Span, ...]:
    short = tuple(span for span in under if span[1] - span[0] <= MAX_UNDER_SPAN)
    return short if len(short) <= MAX_UNDER else (short[0], *short[1 - MAX_UNDER :])


def _block_units(document: Document, start: int, end: int) -> Iterator[Unit]:
    units, text = document.units, document.text
    index = bisect_left(units, start, key=lambda unit: unit.end - 1)
    while index < len(units) and units[index].start < end:
        unit = units[index]
        left, right = max(unit.start, start), min(unit.end, end)
        yield from _sentences(text, start, left)
        if span := trim(text, left, right):
            yield replace(unit, start=span[0], end=span[1])
        start = right
        index += 1
    yield from _sentences(text, start, end)


def _sentences(text: str, start: int, end: int) -> Iterator[Unit]:
    if start < end:
        yield from (Unit(*span) for span in sentence_spans(text, start, end))


def _find_units(document: Document) -> Iterator[Unit]:
    text = document.text
    headings = {heading.start: heading.end for heading in document.headings}
    intro: tuple[Span, ...] = ()
    for start, end in document.blocks:
        if start in headings:
            yield Unit(start, min(headings[start], end), "heading")
            intro = ()
            continue
        lines = [match.span() for match in _LINE.finditer(text, start, end)]
        starts = [n for n, line in enumerate(lines) if _ITEM.match(text, *line)]
        if starts:
            intro = _introduction(text, start, lines[starts[0]][0]) or intro
            bounds = [*starts, len(lines)]
            for first, last in pairwise(bounds):
                if span := trim(text, lines[first][0], lines[last - 1][1]):
                    yield Unit(*span, "item", intro)
            continue
        intro = _introduction(text, start, end)
        yield from _rows(text, lines)


def _introduction(text: str, start: int, end: int) -> tuple[Span, ...]:
    """Returns the last sentence between the offsets where it introduces something."""
    sentences = sentence_spans(text, start, end) if start < end else []
    if sentences and text[sentences[-1][1] - 1] in ":：":
        return (sentences[-1],)
    return ()


def _rows(text: str, lines: Sequence[Span]) -> Iterator[Unit]:
    """Yields the rows of tables drawn with bars; a rule below the first makes that a header."""
    header: tuple[Span, ...] = ()
    is_first = True
    for index, line in enumerate(lines):
        row = text[line[0] : line[1]]
        if _RULE.match(row) and (rule := trim(text, *line)):
            yield Unit(*rule, "heading")
            continue
        if not _ROW.match(row):
            header, is_first = (), True
            continue
        span = trim(text, *line)
        assert span  # it has bars
        below = text[slice(*lines[index + 1])] if index + 1 < len(lines) else ""
        if is_first and _RULE.match(below):
            header = (span,)
            yield Unit(*span, "heading")
        else:
            yield Unit(*span, "row", header)
        is_first = False
