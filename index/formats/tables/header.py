"""Finds a table's header among its first rows, by contrast with the rows below.

A header differs from its column: words above figures, years above amounts, a name above codes of
one shape. Where nothing contrasts (words alone), the first full row of distinct words is one, if
none of them comes again below. Rows above with fewer cells are the table's title and notes.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

MAX_HEADER_ROWS_AHEAD = 12
"""Rows with cells among which the header may be."""
SAMPLE_ROWS = 50
"""Rows with cells that are looked at in all."""
MAX_NAME_CHARS = 300
"""Of a column's name, which is repeated in each row; a longer one is cut."""
_MAX_HEADER_CELL_CHARS = 120
_MIN_FILLED_SHARE = 0.5
"""Of the usual number of cells in a row, below which a row is a title or note."""
_MIN_TYPE_SHARE = 0.6
"""Of a column's filled cells that have its type."""

_MAX_FIGURE_CHARS = 40

_MISSING = frozenset({"", "-", "–", "—", "n/a", "na", "null", "none", "?", "k.a.", ".", "..."})
_MONTHS = "jan feb mär mar apr may mai jun jul aug sep oct okt nov dec dez".split()
_DATE = re.compile(
    r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}\b|\d{4}[-/]\d{2}\b|\d{1,2}:\d{2}\b|\d{4}年|"
    rf"(?:\d{{1,2}}\.? )?(?:{'|'.join(_MONTHS)})\w*\.?,? \d{{2,4}}\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"[(<>~≈±]?\s*[-+−]?\s*(?:[$€£¥]|[A-Z]{3}\s)?\s*[-+−]?\d[\d.,'’\u00a0\u202f ]*"
    r"(?:[eE][-+]?\d+)?\)?\s*(?:[%‰°$€£¥²³/·\w]{1,6}\)?)?$"
)
_YEAR = re.compile(r"(?:1[5-9]|20|21)\d\d$")
_ORDINAL = re.compile(r"\d{1,4}$")
_DIGIT = re.compile(r"\d")
_SENTENCE_END = re.compile(r"[.!?;]$")
_PUNCTUATED = re.compile(r"[@/\\]|\w\.\w{2,}")


@dataclass(frozen=True, slots=True)
class TableHead:
    """`names` of the columns, empty without a header; the `first` row below; rows of `notes`.

    `first` and `notes` are indexes into the rows; what is above `first` is header or note.
    """

    names: tuple[str, ...] = ()
    first: int = 0
    notes: tuple[int, ...] = ()


def find_header(rows: Sequence[Sequence[str]], *, by_contrast_alone: bool = False) -> TableHead:
    """Returns the head of a table, of which `rows` are the first, stripped; at most SAMPLE_ROWS.

    `by_contrast_alone`: words above words are no header.
    """
    filled = [(index, row) for index, row in enumerate(rows) if any(row)][:SAMPLE_ROWS]
    if len(filled) < 2:
        return TableHead()
    counts = [sum(map(bool, row)) for _, row in filled]
    usual = _usual_width(counts)
    least = max(min(2, usual), _MIN_FILLED_SHARE * usual)
    head: TableHead | None = None
    head_position = widest = 0
    for position, (index, row) in enumerate(filled[:MAX_HEADER_ROWS_AHEAD]):
        before, above = filled[position - 1] if position else (-1, ())
        is_wider = counts[position] > widest
        is_section = before + 1 < index and counts[position] == widest
        if head and not _is_preamble([cells for _, cells in filled[head_position:position]]):
            break
        if counts[position] >= least and (is_wider or is_section or _groups(above, row)):
            below = [cells for _, cells in filled[position + 1 :]]
            is_first = not (head or widest >= least or usual < 2 or by_contrast_alone)
            words_alone = usual if is_first else None
            if _is_header(row, below, words_alone=words_alone):
                is_grouped = _groups(above, row)
                names = _join(above, row) if is_grouped else _cut(row)
                notes = tuple(i for i, _ in filled[: position - is_grouped])
                head, head_position = TableHead(names, index + 1, notes), position
        widest = max(widest, counts[position])
    if head:
        return head
    first = next(position for position, count in enumerate(counts) if count >= least)
    return TableHead((), filled[first][0], tuple(index for index, _ in filled[:first]))


def _is_preamble(rows: Sequence[Sequence[str]]) -> bool:
    """Whether rows above a wider one are notes on the table (`By: | Ada`), and no table."""
    return len(rows) <= 2 or all(row[0].endswith(":") for row in rows)


def _usual_width(counts: Sequence[int]) -> int:
    """Returns the usual number of filled cells in a row: of those that occur most, the largest."""
    return max(Counter(counts).items(), key=lambda item: (item[1], item[0]))[0]


def _groups(row: Sequence[str], after: Sequence[str]) -> bool:
    """Whether the row's cells each stand over several of the next, as in `2023 | | 2024 |`."""
    cells = [cell for cell in row[1:] if cell]
    return (
        len(cells) > 1
        and len(row) == len(after)
        and (len(set(cells)) < len(cells) or "" in row[2:])
        and all(after[1:])
        and all(_kind(cell) == "text" or _YEAR.match(cell) for cell in after)
    )


def _join(groups: Sequence[str], row: Sequence[str]) -> tuple[str, ...]:
    """Returns the names of two header rows; a cell of the first is over those to its right, too."""
    names, group = [], ""
    for column, (over, cell) in enumerate(zip(groups, row, strict=True)):
        group = over or (group if column > 1 else "")
        names.append(cell if group == cell else f"{group} {cell}".strip())
    return _cut(names)


def _cut(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name[:MAX_NAME_CHARS] for name in names)


def _kind(cell: str) -> str:
    """Returns the type of a cell: date, number, or text."""
    if len(cell) > _MAX_FIGURE_CHARS:
        return "text"
    if _DATE.match(cell):
        return "date"
    return "number" if _NUMBER.match(cell) else "text"


def _is_header(
    row: Sequence[str], below: Sequence[Sequence[str]], *, words_alone: int | None = None
) -> bool:
    """Whether the cells contrast with their columns more often than they resemble them.

    Where nothing contrasts, so many distinct words are a header; None: they are not.
    """
    cells = [cell for cell in row if cell]
    sentences = sum(" " in cell and bool(_SENTENCE_END.search(cell)) for cell in cells)
    if not below or sentences * 2 > len(cells):
        return False
    if any(len(cell) > _MAX_HEADER_CELL_CHARS for cell in cells):
        return False
    is_series = _is_series(row) and not all(map(_is_series, below[:5]))
    votes = [
        _vote(cell, [r[column] for r in below if column < len(r)], is_series)
        for column, cell in enumerate(row)
        if cell
    ]
    if any(votes) or words_alone is None:
        return sum(votes) > 0
    return len(cells) >= words_alone and len(set(cells)) == len(cells) and _are_words(cells)


def _are_words(cells: Sequence[str]) -> bool:
    return not any(_kind(cell) != "text" or _PUNCTUATED.search(cell) for cell in cells)


def _is_series(row: Sequence[str]) -> bool:
    """Whether the row's figures are years in equal steps, or count from 1: 2021, 2022, 2023."""
    figures = [int(cell) for cell in row if _ORDINAL.match(cell)]
    are_years = all(_YEAR.match(cell) for cell in row if _ORDINAL.match(cell))
    steps = {b - a for a, b in pairwise(figures)}
    if are_years:
        return bool(figures) and len(steps) <= 1 and 0 not in steps
    return len(figures) > 2 and steps == {1} and figures[0] <= 1


def _vote(cell: str, column: Sequence[str], is_series: bool) -> float:
    """Returns how much a cell contrasts with what is below: 1 it does, -1 it is of a kind, 0."""
    values = [value for value in column if value.lower() not in _MISSING]
    if not values:
        return 0.0
    kind, share = Counter(map(_kind, values)).most_common(1)[0]
    if cell.lower() in _MISSING or share < _MIN_TYPE_SHARE * len(values):
        return 0.0
    own = _kind(cell)
    if own != kind:
        # a figure above words is a header only in a row of years
        return 1.0 if own == "text" or kind == "number" or is_series else -1.0
    if kind == "number":
        is_label = is_series and _ORDINAL.match(cell)
        return 1.0 if is_label else -1.0
    if kind == "date":
        return -1.0
    return _text_vote(cell, values)


def _text_vote(cell: str, values: Sequence[str]) -> float:
    """Compares a word with words: one that comes again below, or is of their shape, is no name."""
    if cell in values:
        return -1.0
    has_digit = [bool(_DIGIT.search(value)) for value in values]
    is_punctuated = [bool(_PUNCTUATED.search(value)) for value in values]
    for own, theirs in (
        (bool(_DIGIT.search(cell)), has_digit),
        (bool(_PUNCTUATED.search(cell)), is_punctuated),
    ):
        if len(theirs) > 1 and all(theirs):
            return -0.5 if own else 1.0
        if own and not any(theirs):
            return -0.5
    return 0.0
