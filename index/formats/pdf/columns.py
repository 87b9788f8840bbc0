"""Whether a band of pieces in columns is a table or columns of prose, and where it is parted."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from statistics import mean

from .geometry import Rule, Segment, intervals

_MIN_PROSE_CHARS = 15
"""Characters of a line of prose, on average."""
_MIN_PROSE_FILL = 0.65
"""Share of its column that a line of prose fills, on average."""
_MIN_FLOWING = 0.25
"""Share of lines of prose that begin with a small letter."""


def is_table(
    rows: Sequence[list[Segment]],
    columns: Sequence[tuple[float, float]],
    rules: Sequence[Rule],
    *,
    goes_on: bool = False,
) -> bool:
    """Returns whether a band of pieces in columns is a table rather than columns of prose."""
    full = [row for row in rows if len(row) > 1]
    if any(segment.is_field for row in rows for segment in row) or not full:
        return False
    if goes_on or is_ruled(rows, rules):
        return True
    if len(full) < 2 or (2 * len(full) < len(rows) and not _is_drawn_by_row(rows, full)):
        return False
    if len(rows) < 4 and min(_gaps(full)) < 1.2:
        return False
    parts = [column for column in columns_of(rows, columns) if column]
    prose = [_is_prose(column) for column in parts]
    by_row = _is_drawn_by_row(rows, full)
    if all(prose):
        return by_row and not all(map(_is_flowing, parts))
    return not any(prose) or (by_row and not any(cuts(rows, columns)))


def columns_of(
    rows: Sequence[list[Segment]], columns: Sequence[tuple[float, float]]
) -> list[list[Segment]]:
    """Returns the pieces of each column, from the top."""
    return [
        [s for row in rows for s in row if start - 1 <= (s.x0 + s.x1) / 2 <= end + 1]
        for start, end in columns
    ]


def cuts(rows: Sequence[list[Segment]], columns: Sequence[tuple[float, float]]) -> list[bool]:
    """Returns for each gap between columns whether the file goes across it in no row."""
    places = sorted(s.order for row in rows for s in row)
    rank = {order: number for number, order in enumerate(places)}
    last = len(columns) - 1
    crossed = [0] * last
    shared = [0] * last
    starts = [start - 1 for start, _ in columns]
    for row in rows:
        for left, right in pairwise(row):
            gap = bisect_right(starts, left.x0) - 1
            if 0 <= gap < last and bisect_right(starts, right.x0) - 1 == gap + 1:
                shared[gap] += 1
                crossed[gap] += rank[right.order] - rank[left.order] == 1
    return [both >= 2 and not across for both, across in zip(shared, crossed, strict=True)]


def is_ruled(rows: Sequence[list[Segment]], rules: Sequence[Rule]) -> bool:
    """Returns whether the pieces stand between the rules of a grid."""
    inside = rules_inside(rows, rules)
    across = intervals(((r.y0, r.y1) for r in inside if not r.is_vertical), 1)
    along = intervals(((r.x0, r.x1) for r in inside if r.is_vertical), 3)
    return len(across) >= 3 and len(along) >= 2


def rules_inside(rows: Sequence[list[Segment]], rules: Sequence[Rule]) -> list[Rule]:
    """Returns the rules around and between the pieces."""
    pieces = [segment for row in rows for segment in row]
    size = max(segment.size for segment in pieces)
    x0, x1 = min(s.x0 for s in pieces) - 2 * size, max(s.x1 for s in pieces) + 20 * size
    y0, y1 = min(s.y0 for s in pieces) - 1.5 * size, max(s.y1 for s in pieces) + 1.5 * size
    return [
        rule
        for rule in rules
        if rule.x1 >= x0 and rule.x0 <= x1 and rule.y1 >= y0 and rule.y0 <= y1
    ]


def _gaps(rows: Sequence[list[Segment]]) -> list[float]:
    """Returns the narrowest gap of each row, in font sizes."""
    return [min((b.x0 - a.x1) / a.size for a, b in pairwise(row)) for row in rows]


def _is_prose(column: Sequence[Segment]) -> bool:
    width = max(s.x1 for s in column) - min(s.x0 for s in column)
    chars = mean(len(segment.text) for segment in column)
    fill = mean(segment.x1 - segment.x0 for segment in column) / max(width, 1)
    return chars >= _MIN_PROSE_CHARS and fill >= _MIN_PROSE_FILL and len(column) > 1


def _is_flowing(column: Sequence[Segment]) -> bool:
    """Returns whether lines go on in the next, as prose does and cells do not."""
    followers = [segment.text for segment in column[1:] if segment.text[0].isalpha()]
    if not followers or not any(text[0].lower() != text[0].upper() for text in followers):
        return bool(followers)
    return sum(text[0].islower() for text in followers) >= _MIN_FLOWING * len(followers)


def _is_drawn_by_row(rows: Sequence[list[Segment]], full: Sequence[list[Segment]]) -> bool:
    """Returns whether the file holds most rows as they stand, a piece after the other."""
    pieces = sorted((s.order, number) for number, row in enumerate(rows) for s in row)
    follows = Counter(number for (_, number), (_, after) in pairwise(pieces) if number == after)
    return 2 * sum(1 for number in follows if len(rows[number]) > 1) >= len(full)
