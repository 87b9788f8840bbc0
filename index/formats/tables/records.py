"""Records as text: one chunk each, `name: value; …` under a heading with its place, `row 7`.

Shared by tables (CSV, workbooks) and JSON.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby, islice, repeat

from ..builder import DocumentBuilder
from .header import SAMPLE_ROWS, TableHead, find_header

MAX_RECORDS = 200_000
_MAX_TITLE_CHARS = 120
_MIN_NOTE_CHARS = 40
_NOTE_END = re.compile(r"[.!?:)]$|: ")

Row = tuple[int, Sequence[str]]
"""Its number in the file, from 1, and its cells."""


@dataclass(slots=True)
class RecordWriter:
    """Builds the document of records, within MAX_RECORDS."""

    builder: DocumentBuilder = field(default_factory=DocumentBuilder)
    count: int = 0

    def record(self, place: str, fields: Iterable[tuple[str, str]], *, level: int = 1) -> None:
        """Adds a record of (name or empty, value); without values it is omitted."""
        body = "; ".join(
            [
                f"{stripped}: {text}" if (stripped := name.strip()) else text
                for name, value in fields
                if (text := " ".join(value.split()))  # as in `collapse`, without its call
            ]
        )
        if not body:
            return
        if self.count == MAX_RECORDS:
            raise ValueError(f"has more than {MAX_RECORDS:,} records")
        self.count += 1
        self.builder.heading(place, level)
        self.builder.unit(body, "row", separator="\n")


def collapse(text: str) -> str:
    """Returns the text with every run of white space as one blank, none at its ends."""
    return " ".join(text.split())


def write_table(writer: RecordWriter, rows: Iterable[Row], *, level: int = 1) -> str | None:
    """Adds a table's rows as records, its notes as paragraphs; returns its title, if it has one.

    After blank rows, another table may begin with a header of its own.
    """
    rows = iter(rows)
    first = _first_rows(rows)
    head = find_header([cells for _, cells in first])
    title = _write_notes(writer, first, head)
    is_note = set(head.notes)
    kept = (row for index, row in enumerate(first) if index >= head.first and index not in is_note)
    is_begun = False
    for is_blank, section in groupby(chain(kept, rows), key=_is_blank):
        if is_blank:
            continue
        lead = [(number, [*map(collapse, cells)]) for number, cells in islice(section, SAMPLE_ROWS)]
        if is_begun:
            own = find_header([cells for _, cells in lead], by_contrast_alone=True)
            if own.names:
                head = own
                _write_notes(writer, lead, head)
                lead = lead[head.first :]
        is_begun = True
        _write_rows(writer, chain(lead, section), head.names, level)
    return title


def _is_blank(row: Row) -> bool:
    return not any(map(str.strip, row[1]))


def _write_notes(writer: RecordWriter, rows: Sequence[Row], head: TableHead) -> str | None:
    """Adds the rows above a header as paragraphs; returns the first that may be a title."""
    title = None
    for index in head.notes:
        words = [cell for cell in rows[index][1] if cell]
        writer.builder.paragraph(" ".join(words))
        if title is None and len(words) == 1 and len(words[0]) <= _MAX_TITLE_CHARS:
            title = words[0]
    return title


def _write_rows(
    writer: RecordWriter, rows: Iterable[Row], names: tuple[str, ...], level: int
) -> None:
    for number, cells in rows:
        if names and tuple(cells) == names:
            continue  # the header again, as on a new page
        if note := _note(cells, names):
            writer.builder.paragraph(note)
            continue
        fields = zip(chain(names, repeat("")), cells, strict=False)  # a row may be longer
        writer.record(f"row {number}", fields, level=level)


def _first_rows(rows: Iterator[Row]) -> list[Row]:
    """Takes the rows among which the header is looked for; their cells without blanks."""
    first: list[Row] = []
    filled = 0
    while filled < SAMPLE_ROWS and (taken := list(islice(rows, SAMPLE_ROWS))):
        first += ((number, [collapse(cell) for cell in cells]) for number, cells in taken)
        filled = sum(any(cells) for _, cells in first)
        if len(first) > 20 * SAMPLE_ROWS:
            break
    return first


def _note(cells: Sequence[str], names: Sequence[str]) -> str | None:
    """Returns the text of a row that is a note below or between a table's rows, else None."""
    if len(names) < 3 or not cells or any(map(str.strip, cells[1:])):
        return None
    text = collapse(cells[0])
    return text if len(text) > _MIN_NOTE_CHARS and _NOTE_END.search(text) else None
