"""What calamine does not tell of a workbook: hidden rows, number formats, the extent of its cells.

Office Open XML, ECMA-376 part 1, section 18. Sheets are scanned as bytes, a row at a time: parsing
them would take longer than calamine takes to read them.
"""

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from zipfile import ZipFile

from ...text.limits import check_text_size
from ..archive import read_member, read_xml
from .number_format import number_formatter

MAX_CELLS = 10_000_000
"""Of the rectangle that a sheet's cells span, each of 24 bytes while it is read."""
MAX_STRING_BYTES = 256 << 20
"""Of all cells' texts; one shared text may stand in each of a million cells."""

_ROW = re.compile(rb"<(?:\w+:)?row\b([^>]*)>")
_CELL = re.compile(rb"<(?:\w+:)?c\b([^>]*[^/>])>")
_NUMBER_ATTRIBUTE = re.compile(rb"\br=[\"'](\d+)")
_PLACE = re.compile(rb"\br=[\"']([A-Z]{1,3})(\d+)")
_ROW_OR_CELL = re.compile(
    rb"<(?:\w+:)?(?:(row)|c)(?![\w])(?:\s+r=\"([A-Z]{1,3})?(\d{1,9})\")?([^>]*)>"
)
_ANY_PLACE = re.compile(rb"\br=[\"']([A-Z]{1,3})?(\d{1,9})")
_STYLE = re.compile(rb"\bs=[\"'](\d+)")
_HIDDEN = re.compile(rb"\bhidden=[\"'](?:1|true)")
_FILTERED = re.compile(rb"<(?:\w+:)?filterColumn\b")
_SHARED_STRING = re.compile(rb"<(?:\w+:)?si\b")
_SHARED_CELL = re.compile(rb"<(?:\w+:)?c\b[^>]*\bt=[\"']s[\"'][^>]*>\s*<(?:\w+:)?v>(\d+)")
_PERCENT_FORMATS = {"9": "0%", "10": "0.00%"}

Formatter = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class WorkbookXml:
    """The archive's parts: the member of each sheet by its name, a formatter of each cell style."""

    archive: ZipFile
    members: Mapping[str, str]
    formatters: Mapping[int, Formatter]
    string_sizes: tuple[int, ...]

    def sheet(self, name: str) -> bytes:
        """Returns a sheet's XML, empty where the workbook does not say which it is."""
        member = self.members.get(name)
        return read_member(self.archive, member) if member in self.archive.namelist() else b""


def read_workbook_xml(archive: ZipFile) -> WorkbookXml:
    """Returns the parts of a workbook that is an open archive; raises ValueError with the cause."""
    targets = {
        entry.get("Id"): posixpath.normpath(posixpath.join("/xl", entry.get("Target", "")))
        for entry in read_xml(archive, "xl/_rels/workbook.xml.rels")
    }
    members = {}
    for sheet in read_xml(archive, "xl/workbook.xml").iterfind("{*}sheets/{*}sheet"):
        relation = next((value for key, value in sheet.items() if key.endswith("}id")), None)
        members[sheet.get("name", "")] = targets.get(relation, "").lstrip("/")
    return WorkbookXml(archive, members, _formatters(archive), _string_sizes(archive))


def _formatters(archive: ZipFile) -> dict[int, Formatter]:
    """Returns a formatter for each cell style that shows more than the number."""
    if "xl/styles.xml" not in archive.namelist():
        return {}
    styles = read_xml(archive, "xl/styles.xml")
    codes = dict(_PERCENT_FORMATS)
    for entry in styles.iterfind("{*}numFmts/{*}numFmt"):
        codes[entry.get("numFmtId", "")] = entry.get("formatCode", "")
    formatters = {}
    for index, style in enumerate(styles.iterfind("{*}cellXfs/{*}xf")):
        if formatter := number_formatter(codes.get(style.get("numFmtId", ""), "")):
            formatters[index] = formatter
    return formatters


def _string_sizes(archive: ZipFile) -> tuple[int, ...]:
    if "xl/sharedStrings.xml" not in archive.namelist():
        return ()
    data = read_member(archive, "xl/sharedStrings.xml")
    starts = [match.start() for match in _SHARED_STRING.finditer(data)]
    return tuple(end - start for start, end in zip(starts, [*starts[1:], len(data)], strict=True))


def check_extent(xml: bytes, string_sizes: tuple[int, ...]) -> str | None:
    """Returns why a sheet would need too much memory, None where it does not.

    Calamine makes a rectangle of all cells, so that one in the last corner costs 400 GB.
    Raises ValueError where its shared texts are longer than a document may be.
    """
    shared = xml.count(b't="s"') + xml.count(b"t='s'")
    if string_sizes and shared * max(string_sizes) > MAX_STRING_BYTES:
        cells = (int(match.group(1)) for match in _SHARED_CELL.finditer(xml))
        check_text_size(sum(string_sizes[n] for n in cells if n < len(string_sizes)))
    left, top, right, bottom = 1 << 14, 1 << 20, 0, 0
    corner = ""
    row = column = 0
    for tag in _ROW_OR_CELL.finditer(xml):
        is_row, letters, digits, others = tag.groups()
        if digits is None and (place := _ANY_PLACE.search(others)):
            letters, digits = place.groups()
        if is_row:  # rows and cells without a place follow the one before
            row, column = int(digits) if digits else row + 1, 0
            continue
        column = _column(letters) if letters else column + 1
        row = int(digits) if digits else row
        if others.endswith(b"/"):
            continue  # an empty cell
        left, top = min(left, column), min(top, row)
        if column > right or row > bottom:
            corner = f"column {column:,} of row {row:,}"
        right, bottom = max(right, column), max(bottom, row)
    width, height = max(right - left + 1, 0), bottom - top + 1
    if width * height <= MAX_CELLS:
        return None
    return f"its cells span {height:,} rows by {width:,} columns: delete what stands in {corner}"


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


@dataclass(frozen=True, slots=True)
class RowLayout:
    """A row's number, from 1; is it hidden; and its cells' formatters by column, from 0."""

    number: int
    is_hidden: bool
    formatters: Mapping[int, Formatter]


def row_layouts(xml: bytes, formatters: Mapping[int, Formatter]) -> Iterator[RowLayout]:
    """Yields the rows that are hidden or have formatted cells, in order.

    Rows that a filter hides are not hidden: another filter shows them.
    """
    is_filtered = bool(_FILTERED.search(xml))
    if not formatters and (is_filtered or not _HIDDEN.search(xml)):
        return
    number = 0
    tags = _ROW.finditer(xml)
    tag = next(tags, None)
    while tag is not None:
        following = next(tags, None)
        attribute = _NUMBER_ATTRIBUTE.search(tag.group(1))
        number = int(attribute.group(1)) if attribute else number + 1
        is_hidden = not is_filtered and bool(_HIDDEN.search(tag.group(1)))
        end = following.start() if following else len(xml)
        formatted = dict(_formatted(xml, tag.end(), end, formatters)) if formatters else {}
        if is_hidden or formatted:
            yield RowLayout(number, is_hidden, formatted)
        tag = following


def _formatted(
    xml: bytes, start: int, end: int, formatters: Mapping[int, Formatter]
) -> Iterator[tuple[int, Formatter]]:
    for cell in _CELL.finditer(xml, start, end):
        style, place = _STYLE.search(cell.group(1)), _PLACE.search(cell.group(1))
        if style and place and int(style.group(1)) in formatters:
            yield _column(place.group(1)) - 1, formatters[int(style.group(1))]
