"""Tables of a page → rows with equally many cells, or nothing where a table is only a layout.

Spans are repeated in each column and row that they cover, after the table model of HTML
(https://html.spec.whatwg.org/multipage/tables.html#forming-a-table).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ...types import Span
from .tree import Element
from .writer import TextWriter

MAX_COLUMNS = 200
"""A row is cut behind so many cells."""
MAX_CELL_CHARS = 2_000
"""A table with a longer cell is a layout."""
MAX_CELL_PARAGRAPHS = 3
"""A table with a cell of more paragraphs is a layout."""
MAX_GROUP_CHARS = 80
"""Of a cell over all columns that names the rows after it; a longer one is a note."""

_DIGIT = re.compile(r"\d")
_BOLD = frozenset({"b", "strong"})

CellText = Callable[[Element], str]


@dataclass(slots=True)
class _Row:
    """One row: its cells' texts by column, and whether it is a header by its markup."""

    cells: list[str]
    is_header: bool
    is_bold: bool
    is_note: bool  # one cell over all columns


def own_rows(table: Element) -> list[Element]:
    """Returns the rows of a table that are not those of a table in it."""
    found: list[Element] = []
    stack = list(reversed(list(table.elements())))
    while stack:
        element = stack.pop()
        if element.tag == "tr":
            found.append(element)
        elif element.tag not in ("table", "caption"):
            stack.extend(reversed(list(element.elements())))
    return found


def is_data_table(table: Element, rows: list[Element]) -> bool:
    """Returns whether a table states data: two rows and columns, and cells of words or lines."""
    if len(rows) < 2 or table.attributes.get("role") in ("presentation", "none"):
        return False
    columns = 0
    for row in rows:
        cells = _cells(row)
        columns = max(columns, len(cells))
        if any(cell.chars > MAX_CELL_CHARS or _is_section(cell) for cell in cells):
            return False
    return columns >= 2


def _is_section(cell: Element) -> bool:
    """Returns whether a cell holds a part of a page: headings, a table, several paragraphs."""
    if cell.holds_sections:
        return True
    prose = sum(element.tag == "p" and element.prose_chars > 0 for element in cell.preorder())
    return prose > MAX_CELL_PARAGRAPHS


def write_table(table: Element, writer: TextWriter, cell_text: CellText) -> None:
    """Writes the rows of a table of data; each stands under the header rows before it.

    A cell over all columns is a paragraph; one below a header names the group of rows after it.
    """
    rows = list(_rows(own_rows(table), cell_text))
    headers = _header_count(rows)
    header: list[Span] = []
    group: tuple[Span, ...] = ()
    is_in_header = True
    gap = "\n\n"
    for row in rows:
        if row.is_note:
            span = writer.add_block(row.cells[0], gap=gap)
            names_group = bool(header) and len(row.cells[0]) <= MAX_GROUP_CHARS
            group = (span,) if names_group else ()
        elif headers > 0 or (row.is_header and header):
            if not is_in_header:
                header, group, is_in_header = [], (), True
            header.append(writer.add_block(_join(row.cells), "heading", gap=gap))
            headers -= 1
        else:
            is_in_header = False
            writer.add_block(_join(row.cells), "row", under=(*header, *group), gap=gap)
        gap = "\n"


def _join(cells: list[str]) -> str:
    return " | ".join(cells).strip(" ")


def _cells(row: Element) -> list[Element]:
    return [cell for cell in row.elements() if cell.tag in ("td", "th")]


def _rows(rows: list[Element], cell_text: CellText) -> Iterator[_Row]:
    """Yields the rows that have text, spans repeated."""
    covered: dict[int, tuple[int, str]] = {}  # column → rows left, text of the cell above
    for row in rows:
        cells = _cells(row)
        texts: list[str] = []
        for cell in cells:
            _take_covered(texts, covered)
            if len(texts) >= MAX_COLUMNS:
                break
            text = cell_text(cell).replace("|", "\\|")
            down = _span(cell, "rowspan", len(rows))
            for _ in range(_span(cell, "colspan", MAX_COLUMNS)):
                if down > 1:
                    covered[len(texts)] = (down - 1, text)
                texts.append(text)
        _take_covered(texts, covered)
        texts = texts[:MAX_COLUMNS]
        if any(texts):
            is_group = row.parent is not None and row.parent.tag == "thead"
            all_heads = all(cell.tag == "th" for cell in cells) and len(cells) > 1
            yield _Row(
                texts,
                is_header=is_group or all_heads,
                is_bold=len(cells) > 1 and all(_is_bold(cell) for cell in cells if cell.chars),
                is_note=len(cells) == 1 and len(set(texts)) == 1,
            )


def _take_covered(texts: list[str], covered: dict[int, tuple[int, str]]) -> None:
    while (column := len(texts)) in covered:
        left, text = covered.pop(column)
        if left > 1:
            covered[column] = (left - 1, text)
        texts.append(text)


def _span(cell: Element, name: str, limit: int) -> int:
    value = cell.attributes.get(name, "").strip()
    if name == "rowspan" and value == "0":
        return limit  # to the end of the table
    return min(max(int(value), 1), limit) if value.isdecimal() and len(value) < 6 else 1


def _is_bold(cell: Element) -> bool:
    """Returns whether all text of a cell is in bold elements, or the cell is a header."""
    if cell.tag == "th" or "bold" in cell.attributes.get("style", ""):
        return True
    stack = [cell]
    while stack:
        element = stack.pop()
        if any(isinstance(child, str) and child.strip() for child in element.children):
            return False
        stack.extend(child for child in element.elements() if child.tag not in _BOLD)
    return True


def _header_count(rows: list[_Row]) -> int:
    """Returns how many of the rows that are no notes are the table's header, from the top."""
    body = [row for row in rows if not row.is_note]
    marked = next((number for number, row in enumerate(body) if not row.is_header), len(body))
    if marked or len(body) < 2:
        return marked if marked < len(body) else min(marked, 1)
    is_bold = body[0].is_bold and not all(row.is_bold for row in body)
    return int(is_bold or _names_columns(body))


def _names_columns(rows: list[_Row]) -> bool:
    """Returns whether the first row has names without figures above columns of figures."""
    first, *others = rows
    cells = first.cells
    if len(set(cells)) < len(cells) or not all(cells) or any(map(_DIGIT.search, cells)):
        return False
    return any(
        all(column < len(row.cells) and _DIGIT.search(row.cells[column]) for row in others)
        for column in range(len(cells))
    )
