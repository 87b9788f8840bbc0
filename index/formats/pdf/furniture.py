"""Running heads, feet and page numbers: what stands at the same height on neighbouring pages."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .geometry import PageContent, Segment, same_size
from .layout import rows_of

WINDOW = 4
"""Pages before and after a page that are compared with it: heads may change with the chapter."""
_ZONE = 0.12
"""Share of the page's height at its top and at its foot."""
_SEEN = 0.25
"""Share of it in which lines are looked at: a head stands apart from the line below it."""
_MAX_ROWS = 3
_MIN_GAP = 0.55
"""Of the font size, between a head and the text below it."""
_SAME_HEIGHT = 0.01
_NUMBER = re.compile(r"\d+")
_LONE_NUMBER = re.compile(r"[-–—\[( ]*(?:\d{1,4}|[ivxlc]{1,6})[-–—\]) ]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class MarginRow:
    """A line at the top or the foot of a page that stands apart from the text."""

    page: int
    text: str
    shape: str
    numbers: tuple[int, ...]
    height: float
    size: float
    y0: float
    y1: float


def margin_rows(page: PageContent) -> list[MarginRow]:
    """Returns the lines of a page that may be a running head or foot."""
    height = page.height * _SEEN
    seen = [s for s in page.segments if s.y0 < height or s.y1 > page.height - height]
    rows = rows_of([replace(segment) for segment in seen])
    top = _outer(page, rows)
    bottom = _outer(page, rows[::-1]) if len(rows) > len(top) else []
    return [_margin_row(page, row) for row in (*top, *bottom)]


def without(page: PageContent, rows: Sequence[MarginRow]) -> list[Segment]:
    """Returns the page's pieces that are not at the height of these rows."""
    return [
        segment
        for segment in page.segments
        if not any(row.y0 <= (segment.y0 + segment.y1) / 2 <= row.y1 for row in rows)
    ]


def is_furniture(row: MarginRow, neighbors: Sequence[MarginRow], pages: int, body: float) -> bool:
    """Returns whether a line of the margin is repeated, up to a page number, on enough pages."""
    if pages == 1:
        return bool(_LONE_NUMBER.fullmatch(row.text))
    matches = {
        other.page
        for other in neighbors
        if other.page != row.page and _is_repeated(row, other, body)
    }
    if _LONE_NUMBER.fullmatch(row.text) and row.numbers == (row.page + 1,):
        return True
    return len(matches) >= (1 if pages <= WINDOW else 2)


def _is_repeated(row: MarginRow, other: MarginRow, body: float) -> bool:
    if row.shape != other.shape or not same_size(row.size, other.size):
        return False
    if abs(row.height - other.height) > _SAME_HEIGHT:
        return False
    changed = [(a, b) for a, b in zip(row.numbers, other.numbers, strict=False) if a != b]
    if not changed:
        return True
    distance = row.page - other.page
    counts = len(changed) == 1 and changed[0][0] - changed[0][1] == distance
    return counts and row.size <= 1.15 * body


def _outer(page: PageContent, rows: Sequence[list[Segment]]) -> list[list[Segment]]:
    """Returns the outermost rows up to the last gap between them and the text, within the zone."""
    outer = 0
    for index, row in enumerate(rows[: _MAX_ROWS + 1]):
        y0, y1 = min(s.y0 for s in row), max(s.y1 for s in row)
        if index:
            above = rows[index - 1]
            gap = max(y0 - max(s.y1 for s in above), min(s.y0 for s in above) - y1)
            size = max(segment.size for segment in above)
            if gap > _MIN_GAP * size or not same_size(size, max(s.size for s in row)):
                outer = index
        if min(y1, page.height - y0) > _ZONE * page.height:
            return list(rows[:outer])
    return list(rows[:outer]) if len(rows) > _MAX_ROWS else list(rows)


def _margin_row(page: PageContent, row: Sequence[Segment]) -> MarginRow:
    text = " ".join(segment.text.strip() for segment in row)
    is_roman = _LONE_NUMBER.fullmatch(text) and not _NUMBER.search(text)
    return MarginRow(
        page=page.number,
        text=text,
        shape="#" if is_roman else _NUMBER.sub("#", text),
        numbers=tuple(int(number[:9]) for number in _NUMBER.findall(text)[:20]),
        height=(row[0].y0 + row[0].y1) / 2 / max(page.height, 1),
        size=row[0].size,
        y0=min(segment.y0 for segment in row),
        y1=max(segment.y1 for segment in row),
    )
