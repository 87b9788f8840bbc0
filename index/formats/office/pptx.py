"""A presentation → its slides in order, each a page under its title, then the speaker's notes.

Shapes are read from the top down and from left to right, placeholders first; bullets as list
items, tables and charts as rows. Read by python-pptx; pictures are never decoded.
"""

from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from ...types import Document, Span
from ..archive import open_archive, read_properties
from ..builder import DocumentBuilder
from ..tables.header import find_header
from ..tables.records import collapse

if TYPE_CHECKING:
    from pptx.shapes.base import BaseShape
    from pptx.slide import Slide

MAX_SHAPES = 100_000
"""Of all slides, those in groups included."""
_MAX_TITLE_CHARS = 200
_MAX_LEVEL = 8
_BLANK_LINE = "\n\n"
_INDENT = "  "
_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_RELATIONS = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"


def extract_pptx(data: bytes) -> Document:
    """Returns the document of a presentation; `pages` are its slides, hidden ones without text."""
    import pptx
    from pptx.exc import PackageNotFoundError

    with open_archive(data) as archive:
        own_title, metadata = read_properties(archive)
    try:
        presentation = pptx.Presentation(BytesIO(data))
        slides = list(presentation.slides)
    except (KeyError, PackageNotFoundError, SyntaxError) as error:  # lxml's is one
        raise ValueError(f"damaged presentation: {error}") from error
    writer = _SlideWriter()
    for number, slide in enumerate(slides, 1):
        writer.write(slide, number)
    notes = [f"hidden slides left out: {', '.join(map(str, writer.hidden[:20]))}"]
    return writer.builder.build(
        title=writer.title or own_title,
        pages=writer.pages,
        metadata=metadata,
        notes=notes if writer.hidden else (),
    )


class _SlideWriter:
    """Builds the document slide by slide."""

    def __init__(self) -> None:
        self.builder = DocumentBuilder()
        self.pages: list[int] = []
        self.hidden: list[int] = []
        self.title: str | None = None
        self._shapes_left = MAX_SHAPES

    def write(self, slide: "Slide", number: int) -> None:
        """Adds a slide; a hidden one is a page without text."""
        # a page starts after the blank line that separates it from the one before
        self.pages.append(self.builder.length + (2 if self.builder.blocks else 0))
        if slide.element.get("show") in ("0", "false"):
            self.hidden.append(number)
            return
        shapes = self._in_reading_order(slide.shapes)
        title_shape = slide.shapes.title
        title = collapse(title_shape.text_frame.text) if title_shape is not None else ""
        contents = [shape for shape in shapes if shape.element is not _element(title_shape)]
        notes = list(_notes(slide))
        if not title and not contents and not notes:
            return
        self.builder.heading(title[:_MAX_TITLE_CHARS] or f"Slide {number}", 1)
        self.title = self.title or title[:_MAX_TITLE_CHARS] or None
        for shape in contents:
            self._write_shape(shape)
        if notes:
            self.builder.paragraph("Notes:")
            for text in notes:
                self.builder.paragraph(text)

    def _in_reading_order(self, shapes: "Iterable[BaseShape]") -> "list[BaseShape]":
        """Returns the shapes that may have text, those of a group in the group's place."""
        order: list[BaseShape] = []
        stack = sorted(shapes, key=_place, reverse=True)
        while stack:
            shape = stack.pop()
            self._shapes_left -= 1
            if self._shapes_left < 0:
                raise ValueError(f"has more than {MAX_SHAPES:,} shapes")
            members = getattr(shape, "shapes", None)
            if members is not None:
                stack += sorted(members, key=_place, reverse=True)
            elif _has_text(shape):
                order.append(shape)
        return order

    def _write_shape(self, shape: Any) -> None:  # python-pptx gives each kind of shape a class
        if getattr(shape, "has_table", False):
            rows = list(_table_rows(shape.table))
            has_header = bool(shape.table.first_row) or bool(find_header(rows).names)
            self._write_table(rows, has_header=has_header and len(rows) > 1)
        elif getattr(shape, "has_chart", False):
            self._write_table(list(_chart_rows(shape.chart)), has_header=True)
        elif shape.has_text_frame:
            self._write_text(shape)
        else:
            for text in _diagram_texts(shape):
                self.builder.paragraph(text)

    def _write_table(self, rows: Sequence[Sequence[str]], *, has_header: bool) -> None:
        filled = [row for row in rows if any(row)]
        if filled and max(map(len, filled)) > 1:
            self.builder.table(filled, has_header=has_header)
        else:
            for row in filled:
                self.builder.paragraph(row[0])

    def _write_text(self, shape: Any) -> None:  # as above
        paragraphs = [p for p in shape.text_frame.paragraphs if collapse(p.text)]
        is_list = _is_body(shape) and len(paragraphs) > 1
        introduction: tuple[Span, ...] = ()
        above: list[tuple[int, Span]] = []
        number = 0
        for paragraph in paragraphs:
            text, marker = collapse(paragraph.text), _marker(paragraph, is_list)
            if marker is None:
                above, number = [], 0
                self.builder.paragraph(text)
                continue
            introduction = introduction if above else self.builder.last_sentence()
            level = min(paragraph.level, _MAX_LEVEL)
            above = [(depth, span) for depth, span in above if depth < level]
            number += not level
            marker = f"{number}." if marker == "1." and not level else "-"
            under = (*introduction, *(span for _, span in above))
            indent = _BLANK_LINE + _INDENT * level
            above.append(
                (level, self.builder.unit(f"{marker} {text}", "item", under, separator=indent))
            )


def _element(shape: "BaseShape | None") -> object:
    return None if shape is None else shape.element


def _place(shape: "BaseShape") -> tuple[bool, int, int]:
    """Returns the order of a shape: placeholders first, then from the top, then from the left."""
    return not shape.is_placeholder, shape.top or 0, shape.left or 0


def _has_text(shape: Any) -> bool:  # as above
    if shape.has_text_frame:
        return bool(shape.text_frame.text.strip()) and not _is_furniture(shape)
    return shape.has_table or shape.has_chart or _diagram(shape) is not None


def _is_furniture(shape: "BaseShape") -> bool:
    """Whether the shape is a placeholder of each slide's number, date, header or footer."""
    return shape.is_placeholder and shape.element.ph_type.name in (
        "SLIDE_NUMBER",
        "DATE",
        "FOOTER",
        "HEADER",
    )


def _is_body(shape: "BaseShape") -> bool:
    """Whether the shape is a placeholder whose paragraphs have bullets unless they say not."""
    return shape.is_placeholder and shape.element.ph_type.name in ("BODY", "OBJECT")


def _marker(paragraph: Any, is_list: bool) -> str | None:  # python-pptx hides the element's class
    """Returns `-` or `1.` for a list item, None for an ordinary paragraph."""
    properties = paragraph._p.pPr
    if properties is not None:
        if properties.find(f"{_DRAWING}buNone") is not None:
            return None
        if properties.find(f"{_DRAWING}buAutoNum") is not None:
            return "1."
        if any(properties.find(_DRAWING + name) is not None for name in ("buChar", "buBlip")):
            return "-"
    return "-" if is_list else None


def _table_rows(table: Any) -> Iterator[list[str]]:  # as above
    """Yields the rows of equally many cells; a merged cell stands in all that it covers."""
    above: list[str] = []
    for row in table._tbl.tr_lst if table._tbl is not None else ():
        cells: list[str] = []
        for column, cell in enumerate(row.tc_lst):
            if cell.vMerge and column < len(above):
                cells.append(above[column])
            elif cell.hMerge and cells:
                cells.append(cells[-1])
            else:
                cells.append(collapse(cell.text))
        above = cells
        if len(set(cells)) == 1 and len(cells) > 1 and any(c.hMerge for c in row.tc_lst):
            cells = cells[:1] + [""] * (len(cells) - 1)
        yield cells


def _chart_rows(chart: Any) -> Iterator[list[str]]:  # as above
    """Yields a chart's figures: the names of its series, then each category with its values."""
    try:
        plots = list(chart.plots)
        categories = [collapse(str(label)) for label in plots[0].categories] if plots else []
        series = [(collapse(s.name or ""), list(s.values)) for plot in plots for s in plot.series]
    except (AttributeError, KeyError, NotImplementedError, TypeError, ValueError):
        return  # a kind of chart that python-pptx does not read
    title = chart.chart_title.text_frame.text if chart.has_title else ""
    if not series:
        return
    yield [collapse(title), *(name for name, _ in series)]
    for index, label in enumerate(categories):
        values = [row[index] if index < len(row) else None for _, row in series]
        yield [label, *("" if value is None else f"{value:g}" for value in values)]


def _diagram(shape: "BaseShape") -> Any:  # an lxml element
    """Returns the element that names a SmartArt's parts, None where the shape is none."""
    return shape.element.find(f".//{_DIAGRAM}relIds")


def _diagram_texts(shape: "BaseShape") -> Iterator[str]:
    """Yields the texts of a SmartArt, in the order of its points."""
    relation = _diagram(shape).get(f"{_RELATIONS}dm")
    if relation not in shape.part.rels:
        return
    try:
        root = ElementTree.fromstring(shape.part.related_part(relation).blob)
    except ElementTree.ParseError:
        return
    for paragraph in root.iter(f"{_DRAWING}p"):
        if text := collapse("".join(run.text or "" for run in paragraph.iter(f"{_DRAWING}t"))):
            yield text


def _notes(slide: "Slide") -> Iterator[str]:
    """Yields the paragraphs of the speaker's notes."""
    if not slide.has_notes_slide:
        return
    frame = slide.notes_slide.notes_text_frame
    for paragraph in frame.paragraphs if frame is not None else ():
        if text := collapse(paragraph.text):
            yield text
