"""A workbook → one chunk per row, under its sheet and number: `Prices › row 7`.

Values as people see them: cached results of formulas, ISO dates, percentages, currencies. A merged
cell stands in each row and column that it covers. Read by calamine.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from io import BytesIO
from itertools import chain, islice
from typing import TYPE_CHECKING

from ...types import Document
from ..archive import check_members, open_archive, read_properties
from ..tables.records import RecordWriter, Row, collapse, write_table
from .number_format import plain_number
from .workbook_xml import (
    Formatter,
    RowLayout,
    WorkbookXml,
    check_extent,
    read_workbook_xml,
    row_layouts,
)

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

    Value = int | float | str | bool | time | date | datetime | timedelta

MAX_MERGED_CELLS = 2_000_000
"""Cells that a sheet's merged ranges cover; where it is more, they are not filled."""
_MIN_PROSE_CHARS = 60
_PROSE_SAMPLE_ROWS = 50


def extract_xlsx(data: bytes) -> Document:
    """Returns the document of a workbook; notes name the sheets and rows that were left out."""
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    writer = RecordWriter()
    notes: list[str] = []
    with open_archive(data) as archive:
        check_members(archive, (".xml", ".rels"))
        title, metadata = read_properties(archive)
        parts = read_workbook_xml(archive)
        try:
            with CalamineWorkbook.from_filelike(BytesIO(data)) as workbook:
                own_title = _write_sheets(writer, workbook, parts, notes)
        except PasswordError as error:
            raise ValueError("is protected by a password") from error
        except CalamineError as error:
            raise ValueError(f"damaged workbook: {error}") from error
    if not writer.builder.blocks and notes:
        raise ValueError(f"contains no sheet that can be read: {notes[0]}")
    return writer.builder.build(title=title or own_title, metadata=metadata, notes=notes)


def _write_sheets(
    writer: RecordWriter, workbook: "CalamineWorkbook", parts: WorkbookXml, notes: list[str]
) -> str | None:
    """Adds each visible sheet; returns the first title of a table."""
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    title: str | None = None
    for sheet in workbook.sheets_metadata:
        if sheet.typ != SheetTypeEnum.WorkSheet:
            continue
        label = f"sheet '{sheet.name[:50]}'"
        if sheet.visible != SheetVisibleEnum.Visible:
            notes.append(f"hidden {label} left out")
            continue
        xml = parts.sheet(sheet.name)
        if cause := check_extent(xml, parts.string_sizes):
            notes.append(f"{label} left out: {cause}")
            continue
        if missing := xml.count(b"</f></c>") + xml.count(b"</f><v></v>") + xml.count(b"</f><v/>"):
            notes.append(f"{label}: {missing} formulas have no stored value: save it in Excel")
        rows = _SheetRows(
            workbook.get_sheet_by_name(sheet.name), row_layouts(xml, parts.formatters)
        )
        own_title = _write_sheet(writer, sheet.name, rows)
        title = title or own_title
        if rows.hidden:
            notes.append(f"{label}: hidden rows left out: {rows.hidden}")
    return title


def _write_sheet(writer: RecordWriter, name: str, rows: "_SheetRows") -> str | None:
    """Adds a sheet below a heading with its name: a table, or paragraphs where it is prose."""
    iterator = iter(rows)
    first = list(islice(iterator, _PROSE_SAMPLE_ROWS))
    if not any(any(cells) for _, cells in first):
        return None
    writer.builder.heading(collapse(name) or "Sheet", 1)
    if not _is_prose(first):
        return write_table(writer, chain(first, iterator), level=2)
    for _, cells in chain(first, iterator):
        if text := " ".join(filter(None, map(collapse, cells))):
            writer.builder.paragraph(text)
    return None


def _is_prose(rows: Sequence[Row]) -> bool:
    """Whether the rows are texts of one cell each, most of them sentences."""
    texts = [[cell for cell in cells if cell] for _, cells in rows if any(cells)]
    long = sum(len(words[0]) >= _MIN_PROSE_CHARS for words in texts)
    return all(len(words) == 1 for words in texts) and long * 2 >= len(texts)


class _SheetRows:
    """A sheet's visible rows with their numbers; `hidden` counts the others."""

    def __init__(self, sheet: "CalamineSheet", layouts: Iterator[RowLayout]) -> None:
        self.hidden = 0
        self._sheet, self._layouts = sheet, layouts
        self._top, self._left = sheet.start or (0, 0)
        self._merges = _merges_by_row(sheet)

    def __iter__(self) -> Iterator[Row]:
        layout = next(self._layouts, None)
        open_merges: list[_Merge] = []
        for row, values in enumerate(self._sheet.iter_rows(), self._top):
            while layout is not None and layout.number <= row:
                layout = next(self._layouts, None)
            own = layout if layout is not None and layout.number == row + 1 else None
            formatters = own.formatters if own else {}
            cells = [
                _show(value, formatters.get(column))
                for column, value in enumerate(values, self._left)
            ]
            open_merges = [m for m in open_merges if m.last_row >= row]
            open_merges += self._merges.get(row, ())
            self._fill(cells, open_merges, row)
            if own is not None and own.is_hidden:
                self.hidden += any(cells)
            else:
                yield row + 1, cells

    def _fill(self, cells: list[str], merges: "list[_Merge]", row: int) -> None:
        """Writes each merged cell's value into what it covers, but for a title alone in its row."""
        is_alone = sum(map(bool, cells)) == 1
        for merge in merges:
            if merge.first_row == row:
                merge.value = cells[merge.first_column - self._left]
                if is_alone:
                    continue
            for column in range(merge.first_column, merge.last_column + 1):
                cells[column - self._left] = cells[column - self._left] or merge.value


@dataclass(slots=True)
class _Merge:
    """A merged range within the sheet's cells, inclusive, and its value."""

    first_row: int
    last_row: int
    first_column: int
    last_column: int
    value: str = ""


def _merges_by_row(sheet: "CalamineSheet") -> Mapping[int, list[_Merge]]:
    """Returns the merged ranges by their first row, cut to the cells that are filled."""
    if sheet.start is None or sheet.end is None:
        return {}
    (top, left), (bottom, right) = sheet.start, sheet.end
    merges: dict[int, list[_Merge]] = {}
    covered = 0
    for (first_row, first_column), (last_row, last_column) in sheet.merged_cell_ranges or ():
        if not (top <= first_row <= bottom and left <= first_column <= right):
            continue
        merge = _Merge(first_row, min(last_row, bottom), first_column, min(last_column, right))
        covered += (merge.last_row - first_row + 1) * (merge.last_column - first_column + 1)
        merges.setdefault(first_row, []).append(merge)
    return merges if covered <= MAX_MERGED_CELLS else {}


def _show(value: "Value", formatter: Formatter | None) -> str:
    """Returns a value as people see it."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return formatter(value) if formatter else plain_number(value)
    if isinstance(value, datetime):
        shown = value.replace(microsecond=0).isoformat(" ")
        day = shown.removesuffix(" 00:00:00")
        return day if day != shown else shown.removesuffix(":00")
    if isinstance(value, time):
        return value.replace(microsecond=0).isoformat().removesuffix(":00")
    return str(value)
