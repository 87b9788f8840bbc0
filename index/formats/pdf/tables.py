"""A band of pieces in columns → the rows of its table.

Ruled tables have their rows and columns from their rules. Others: lines that fill the same columns
are rows, a line that fills few of them goes on with the row above.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from .columns import is_ruled, rules_inside
from .geometry import Row, Rule, Segment, intervals
from .words import join_lines

_NUMBER = re.compile(
    r"[-+−–~<>≤≥±(]?\s?[$€£¥]?\s?\d[\d.,:/ ’'%–-]*\s?(?:\S{1,4}\.?)?(?:\s?/\s?\S+)?\)?[*]?"
)
_YEAR = re.compile(r"(?:19|20)\d\d")

Line = dict[int, Segment]
"""A line of a table: column → piece."""


@dataclass(slots=True)
class _Record:
    """Lines of one row of a table."""

    lines: list[Line] = field(default_factory=list)
    spans: dict[int, int] = field(default_factory=dict)
    """Column → the last of the columns that its cell covers."""

    def cells(self, count: int) -> list[str]:
        """Returns the texts of its cells, those of spanning ones repeated."""
        texts = [
            join_lines([line[column].text for line in self.lines if column in line])
            for column in range(count)
        ]
        for first, last in self.spans.items():
            texts[first + 1 : last + 1] = [texts[first]] * (last - first)
        return texts


def read_table(rows: Sequence[list[Segment]], rules: Sequence[Rule]) -> list[Segment | Row]:
    """Returns a table's rows in order, headers marked; what is no row, as lines."""
    bounds = _column_bounds(rows, rules)
    records = _records(rows, bounds, rules)
    records = _join_header(records, len(bounds))
    heads = _header_certainty(records, len(bounds), rules)
    flows: list[Segment | Row] = []
    edges = tuple(start for start, _ in bounds)
    is_first = True
    above: list[str] = []
    for record in records:
        if lines := _title(record, len(bounds)):
            flows += lines
            continue
        cells = record.cells(len(bounds))
        if above and not cells[0] and all(cells[1:]) and len(cells) > 2:
            cells[0] = above[0]  # one cell for several rows
        size = next(iter(record.lines[0].values())).size
        flows.append(Row(tuple(cells), edges, heads if is_first else 0, size))
        above = [] if is_first and heads else cells
        is_first = False
    return flows


def _column_bounds(
    rows: Sequence[list[Segment]], rules: Sequence[Rule]
) -> list[tuple[float, float]]:
    """Returns where each column begins and ends."""
    inside = rules_inside(rows, rules)
    if is_ruled(rows, rules):
        edges = [
            (a + b) / 2 for a, b in intervals(((r.x0, r.x1) for r in inside if r.is_vertical), 3)
        ]
        pieces = [segment for row in rows for segment in row]
        first, last = min(s.x0 for s in pieces), max(s.x1 for s in pieces)
        edges = [*([first - 1] if edges[0] > first + 1 else []), *edges]
        edges = [*edges, *([last + 1] if edges[-1] < last - 1 else [])]
        return list(pairwise(edges))
    counts = Counter(len(row) for row in rows if len(row) > 1)
    most = max(n for n, times in counts.items() if times > 1 or times == max(counts.values()))
    gap = 0.3 * rows[0][0].size
    full = [row for row in rows if len(row) == most]
    spans = intervals(((s.x0, s.x1) for row in full for s in row), gap)
    if len(spans) == most:
        return spans
    return intervals(((s.x0, s.x1) for row in rows if len(row) > 1 for s in row), gap)


def _columns_of(segment: Segment, bounds: Sequence[tuple[float, float]]) -> tuple[int, int]:
    """Returns the first and last column that a piece stands in."""
    overlaps = [
        n
        for n, (start, end) in enumerate(bounds)
        if min(end, segment.x1) - max(start, segment.x0) > 0.15 * min(end - start, segment.size * 3)
    ]
    if overlaps:
        return overlaps[0], overlaps[-1]
    center = (segment.x0 + segment.x1) / 2
    nearest = min(
        range(len(bounds)), key=lambda n: max(bounds[n][0] - center, center - bounds[n][1])
    )
    return nearest, nearest


def _records(
    rows: Sequence[list[Segment]], bounds: Sequence[tuple[float, float]], rules: Sequence[Rule]
) -> list[_Record]:
    inside = rules_inside(rows, rules)
    across = [
        y
        for y, _ in intervals(
            ((r.y0, r.y1) for r in inside if not r.is_vertical and r.x1 - r.x0 > 20), 1
        )
    ]
    tops = [min(segment.y0 for segment in row) for row in rows]
    pitches = [below - above for above, below in pairwise(tops)]
    is_grid = is_ruled(rows, rules) and len(across) >= 3
    records: list[_Record] = []
    for number, row in enumerate(rows):
        line: Line = {}
        spans: dict[int, int] = {}
        for segment in row:
            first, last = _columns_of(segment, bounds)
            if first in line:
                line[first].text += f" {segment.text}"
                continue
            line[first] = segment
            if last > first:
                spans[first] = last
        if records and number:
            middle = (min(s.y0 for s in row) + max(s.y1 for s in row)) / 2
            above = (rows[number - 1][0].y0 + rows[number - 1][0].y1) / 2
            is_ruled_off = bisect_right(across, middle) != bisect_right(across, above)
            if not is_ruled_off and (
                is_grid or _goes_on(records[-1], line, len(bounds), pitches, number - 1)
            ):
                records[-1].lines.append(line)
                records[-1].spans |= spans
                continue
        records.append(_Record([line], spans))
    return records


def _goes_on(record: _Record, line: Line, count: int, pitches: Sequence[float], index: int) -> bool:
    """Returns whether a line belongs to the row above it."""
    narrow = min(pitches)
    is_spread = max(pitches) >= 1.25 * narrow
    is_far = pitches[index] > 1.15 * narrow
    if is_spread and is_far:
        return False
    is_whole = len(line) == count
    texts = [segment.text for segment in line.values()]
    is_small = all(text[0].islower() or not text[0].isalnum() for text in texts)
    was_whole = len(record.lines[-1]) == count
    if is_spread and not (is_whole and was_whole):
        return not record.spans
    if is_whole or (len(line) > 1 and 0 in line):
        return is_small and any(text[0].islower() for text in texts)
    if 0 in line:
        return is_small
    return (len(line) == 1 and not record.spans) or any(text[0].islower() for text in texts)


def _title(record: _Record, count: int) -> list[Segment]:
    """Returns the lines of what is no row: a title over all columns, words in the first."""
    columns = {column for line in record.lines for column in line}
    if columns != {0} or count < 2:
        return []
    return [line[0] for line in record.lines]


def _join_header(records: list[_Record], count: int) -> list[_Record]:
    """Returns the records with the lines of a header of two rows, one spanning, in one."""
    if len(records) < 3 or not records[0].spans or _title(records[0], count):
        return records
    first, second = records[0].cells(count), records[1].cells(count)
    if any(_NUMBER.fullmatch(cell) and not _YEAR.fullmatch(cell) for cell in second):
        return records
    joined = _Record()
    for column in range(count):
        texts = [text for text in (first[column], second[column]) if text]
        source = next(iter(records[1].lines[0].values()))
        segment = records[1].lines[0].get(column, source)
        if texts:
            line = joined.lines[0] if joined.lines else {}
            joined.lines = [line]
            line[column] = replace(segment, text=" ".join(dict.fromkeys(texts)))
    return [joined, *records[2:]]


def _header_certainty(records: Sequence[_Record], count: int, rules: Sequence[Rule]) -> int:
    """Returns 2 where the first row is set off as a header, 1 where its words alone say so."""
    body = [record for record in records if not _title(record, count)]
    if len(body) < 2:
        return 0
    first, rest = body[0], body[1:]
    head = [segment for line in first.lines for segment in line.values()]
    below = [segment for record in rest for line in record.lines for segment in line.values()]
    if all(segment.bold for segment in head) and not all(segment.bold for segment in below):
        return 2
    cells = first.cells(count)
    numbers = [bool(_NUMBER.fullmatch(cell)) and not _YEAR.fullmatch(cell) for cell in cells]
    if any(numbers) or sum(map(bool, cells)) < max(2, count - 1):
        return 0
    if cells[0].endswith((":", "：")):
        return 0
    columns = list(zip(*(record.cells(count) for record in rest[:50]), strict=True))
    is_numeric = [
        2 * sum(bool(_NUMBER.fullmatch(text)) for text in column) > sum(map(bool, column)) > 0
        for column in columns
    ]
    is_ruled_off = _is_ruled_off(first, rest[0], [*rest[1:]], rules)
    if is_ruled_off:
        return 2
    if any(is_numeric[1:]) or count > 2:
        return 1
    return 0


def _is_ruled_off(
    first: _Record, second: _Record, others: Sequence[_Record], rules: Sequence[Rule]
) -> bool:
    """Returns whether a rule stands below the first row and none below the second."""
    ys = sorted(rule.y0 for rule in rules if not rule.is_vertical)
    places = [_middle(record) for record in (first, second, *others[:1])]
    counts = [bisect_right(ys, place) for place in places]
    if len(counts) < 3:
        return False
    return counts[1] > counts[0] and counts[2] == counts[1]


def _middle(record: _Record) -> float:
    segments = [segment for line in record.lines for segment in line.values()]
    return (min(s.y0 for s in segments) + max(s.y1 for s in segments)) / 2
