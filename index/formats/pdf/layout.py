"""The pieces of a page → its lines and table rows in reading order, by cuts along white space.

A page is cut into bands in which the white gaps between columns stay the same, a band into its
columns, and each column again (recursive X-Y cut, Nagy and Seth 1984). A heading across the page
closes the gaps, and so ends a band. A band whose columns are prose is read column by column, one
of cells row by row (`columns.py`, `tables.py`).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

from .columns import columns_of, cuts, is_table
from .geometry import MAX_RULES, Row, Rule, Segment, intervals, is_ruled_off
from .tables import read_table

_MAX_DEPTH = 4
"""Columns within columns."""
_MAX_COLUMNS = 30
"""A band with more gaps has none: its lines are read from left to right."""
_GUTTER = 0.9
"""Of the font size: the narrowest white gap between columns without a rule."""
_MARKER = re.compile(
    r"[•◦▪‣●○■□▸►∙·*\uf0b7\uf0a7\u2013\u2014-]|\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,4})[.)]"
)
_MAX_MARKER_GAP = 4.0
_LEADER = re.compile(r"\s*(?:[.…_·]\s?){5,}\s*")
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")

Flow = Segment | Row


@dataclass(slots=True)
class _Band:
    """Rows of pieces one below the other, and the columns that they keep to."""

    rows: list[list[Segment]] = field(default_factory=list)
    columns: list[tuple[float, float]] = field(default_factory=list)


def arrange(
    segments: Sequence[Segment],
    rules: Sequence[Rule],
    columns: tuple[float, ...] = (),
    depth: int = 0,
) -> list[Flow]:
    """Returns the lines and rows in reading order; `columns` are those of a table to go on with."""
    rows = rows_of(segments, rules)
    bands = list(_bands(rows))
    flows: list[Flow] = []
    singles = [s for band in bands if len(band.columns) < 2 for row in band.rows for s in row]
    left = min((segment.x0 for segment in singles), default=0)
    widest = max((segment.x1 for segment in singles), default=0)
    near_left = [s.x1 for s in singles if s.x0 < left + 0.5 * (widest - left)]
    right = max(near_left, default=widest)
    for number, band in enumerate(bands):
        goes_on = number == 0 and _keeps_to(band.rows[0], columns)
        if len(band.columns) > 1 and is_table(band.rows, band.columns, rules, goes_on=goes_on):
            flows += read_table(band.rows, rules)
        elif len(band.columns) > 1 and depth < _MAX_DEPTH and _is_tall(band):
            for column in columns_of(band.rows, _parts(band)):
                flows += arrange(column, rules, (), depth + 1)
        else:
            for row in band.rows:
                for line in row if any(s.is_field for s in row) else [_join(row)]:
                    line.left, line.right = min(left, line.x0), max(right, line.x1)
                    flows.append(line)
    return flows


def _parts(band: _Band) -> list[tuple[float, float]]:
    """Returns the columns to read one by one; those of a table beside prose are one."""
    gaps = cuts(band.rows, band.columns)
    if not any(gaps):
        return band.columns
    parts = [band.columns[0]]
    for is_cut, column in zip(gaps, band.columns[1:], strict=True):
        if is_cut:
            parts.append(column)
        else:
            parts[-1] = (parts[-1][0], column[1])
    return parts


def rows_of(segments: Sequence[Segment], rules: Sequence[Rule] = ()) -> list[list[Segment]]:
    """Returns the lines from the top, the pieces of each from the left; near ones are one."""
    upright = [rule for rule in rules if rule.is_vertical][:MAX_RULES]
    rows: list[list[Segment]] = []
    for segment in sorted(segments, key=lambda s: (s.y0 + s.y1, s.x0)):
        head = rows[-1][0] if rows else None
        if head is not None and _on_line(head, segment):
            if head.y1 - head.y0 < segment.y1 - segment.y0:
                rows[-1].insert(0, segment)
            else:
                rows[-1].append(segment)
        else:
            rows.append([segment])
    merged = (_merge_near(sorted(row, key=lambda s: s.x0), upright) for row in rows)
    return [row for row in merged if row]


def _on_line(head: Segment, segment: Segment) -> bool:
    overlap = min(head.y1, segment.y1) - max(head.y0, segment.y0)
    return overlap >= 0.5 * min(head.y1 - head.y0, segment.y1 - segment.y0)


def _merge_near(row: list[Segment], rules: Sequence[Rule]) -> list[Segment]:
    merged: list[Segment] = []
    for segment in row:
        last = merged[-1] if merged else None
        if last is None or segment.is_field or last.is_field or not _is_near(last, segment, rules):
            merged += _split_leader(segment)
            continue
        gap = segment.x0 - last.x1
        if _MARKER.fullmatch(last.text) and last.text_x is None:
            last.text_x = segment.x0
        if _is_right_to_left(last.text) and _is_right_to_left(segment.text):
            last.text = f"{segment.text} {last.text}"
        else:
            raised = segment.size < 0.85 * last.size and segment.y1 < last.y1 - 0.1 * last.size
            if raised and segment.text.isdigit() and segment.text.isascii():
                last.text += segment.text.translate(_SUPERSCRIPTS)
            else:
                last.text += (" " if gap > 0.12 * last.size else "") + segment.text
        if len(segment.text) > len(last.text) / 2:
            last.bold, last.mono = last.bold and segment.bold, last.mono and segment.mono
        last.size = max(last.size, segment.size)
        last.x1, last.order = max(last.x1, segment.x1), min(last.order, segment.order)
        last.y0, last.y1 = min(last.y0, segment.y0), max(last.y1, segment.y1)
    return merged


def _is_near(left: Segment, right: Segment, rules: Sequence[Rule]) -> bool:
    gap = right.x0 - left.x1
    if gap > -2 and is_ruled_off(left, right, rules):
        return False
    if _MARKER.fullmatch(left.text):
        return gap < (_MAX_MARKER_GAP if left.text not in "-–—" else 2) * left.size
    return gap < 0.5 * left.size or (
        gap < _GUTTER * left.size and abs(right.order - left.order) <= len(left.text) + 4
    )


def _split_leader(segment: Segment) -> list[Segment]:
    """Returns the pieces around dots that lead from one to the other."""
    match = _LEADER.search(segment.text)
    if not match or segment.is_field:
        return [segment]
    first, last = segment.text[: match.start()].strip(), segment.text[match.end() :].strip()
    if not first or not last or _LEADER.search(last):
        segment.text = (first or last).strip() or " "
        return [segment] if segment.text.strip() else []
    width = (segment.x1 - segment.x0) / len(segment.text)
    middle = segment.x0 + width * match.start(), segment.x0 + width * match.end()
    return [
        replace(segment, text=first, x1=middle[0]),
        replace(segment, text=last, x0=middle[1], order=segment.order + match.end()),
    ]


def _is_right_to_left(text: str) -> bool:
    return any("\u0590" <= char <= "\u08ff" or "\ufb1d" <= char <= "\ufefc" for char in text)


def _join(row: Sequence[Segment]) -> Segment:
    """Returns the pieces of a row as one line."""
    if len(row) == 1:
        return row[0]
    ordered = row[::-1] if all(_is_right_to_left(s.text) for s in row) else row
    return replace(
        row[0],
        text=" ".join(segment.text for segment in ordered),
        x1=max(segment.x1 for segment in row),
        y0=min(segment.y0 for segment in row),
        y1=max(segment.y1 for segment in row),
        bold=all(segment.bold for segment in row),
        mono=all(segment.mono for segment in row),
    )


def _keeps_to(row: Sequence[Segment], columns: tuple[float, ...]) -> bool:
    """Returns whether a row's pieces begin where a table's columns do."""
    return len(row) > 1 and all(any(abs(s.x0 - x) < 3 for x in columns) for s in row)


def _bands(rows: Sequence[list[Segment]]) -> Iterator[_Band]:
    band = _Band()
    for tall in _tall_rows(rows):
        pieces = [segment for row in tall for segment in row]
        gap = 0.1 * min(segment.size for segment in pieces)
        spans = intervals(((s.x0, s.x1) for s in pieces), gap)
        if len(spans) > _MAX_COLUMNS:
            spans = [(spans[0][0], spans[-1][1])]
        columns = intervals([*band.columns, *spans], gap) if band.rows else spans
        if band.rows and _ends_band(band, spans, columns, tall):
            tail = _heading_below(band) if len(spans) == 1 else []
            yield band
            band = _Band(tail, spans) if tail else _Band()
            columns = spans
        if len(band.columns) == 1 and len(spans) == 1:
            columns = [(min(columns[0][0], spans[0][0]), max(columns[-1][1], spans[-1][1]))]
        band.columns = columns
        band.rows += tall
    if band.rows:
        yield band


def _ends_band(
    band: _Band,
    spans: list[tuple[float, float]],
    columns: list[tuple[float, float]],
    rows: Sequence[list[Segment]],
) -> bool:
    if len(band.columns) == 1:
        return len(spans) > 1
    if len(spans) == 1:
        return len(columns) < len(band.columns)
    last, first = band.rows[-1], rows[0]
    gap = min(s.y0 for s in first) - max(s.y1 for s in last)
    starts = {round(s.x0) for row in band.rows for s in row}
    is_apart = gap > 1.5 * first[0].size and len(spans) != len(band.columns)
    is_apart = is_apart and not all(round(s.x0) in starts for s in first)
    return len(columns) < 2 or is_apart


def _heading_below(band: _Band) -> list[list[Segment]]:
    """Takes from a band its last rows that stand apart in one column: they belong below it."""
    full = [n for n, row in enumerate(band.rows) if len(row) > 1]
    last = full[-1] if full else len(band.rows)
    for index in range(len(band.rows) - 1, max(last, 0), -1):
        row, above = band.rows[index], band.rows[index - 1]
        gap = min(s.y0 for s in row) - max(s.y1 for s in above)
        if gap > 0.8 * row[0].size and len(row) == 1 and len(band.rows) - index <= 3:
            tail = band.rows[index:]
            del band.rows[index:]
            return tail
    return []


def _tall_rows(rows: Sequence[list[Segment]]) -> Iterator[list[list[Segment]]]:
    """Yields rows together that overlap, since columns need not share their base lines."""
    tall: list[list[Segment]] = []
    bottom = 0.0
    for row in rows:
        top = min(segment.y0 for segment in row)
        if tall and top < bottom - 0.3 * row[0].size:
            tall.append(row)
        else:
            if tall:
                yield tall
            tall, bottom = [row], 0.0
        bottom = max(bottom, *(segment.y1 for segment in row))
    if tall:
        yield tall


def _is_tall(band: _Band) -> bool:
    """Returns whether a band is high enough for columns, rather than lines with a gap in them."""
    counts = [
        sum(1 for row in band.rows for s in row if start - 1 <= (s.x0 + s.x1) / 2 <= end + 1)
        for start, end in band.columns
    ]
    return min(counts) >= 2 or (max(counts) >= 4 and median(counts) >= 2)
