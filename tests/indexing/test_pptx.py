"""Presentations: slides as pages, titles, bullets with what they stand under, tables, notes."""

import io
from collections.abc import Callable
from typing import Any

import pptx
import pytest
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.opc.package import Part
from pptx.opc.packuri import PackURI
from pptx.util import Inches

from index.formats.office.pptx import extract_pptx
from index.types import Document
from tests.support.documents import archive

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006"
DIAGRAM = "http://schemas.openxmlformats.org/drawingml/2006/diagram"
TITLE, BULLETS, TITLE_ONLY, BLANK = 0, 1, 5, 6


def written(*slides: tuple[int, Callable[[Any], object]]) -> Document:
    """The document of a presentation whose slides, of a layout, are filled by these functions."""
    presentation = pptx.Presentation()
    for layout, fill in slides:
        fill(presentation.slides.add_slide(presentation.slide_layouts[layout]))
    file = io.BytesIO()
    presentation.save(file)
    return extract_pptx(file.getvalue())


def shown(document: Document) -> list[str]:
    return [document.text[start:end] for start, end in document.blocks]


def units(document: Document, kind: str) -> list[tuple[str, list[str]]]:
    return [
        (document.text[u.start : u.end], [document.text[a:b] for a, b in u.under])
        for u in document.units
        if u.kind == kind
    ]


def bullets(title: str, *items: tuple[int, str]) -> Callable[[Any], None]:
    def fill(slide: Any) -> None:
        slide.shapes.title.text = title
        frame = slide.placeholders[1].text_frame
        for number, (level, text) in enumerate(items):
            paragraph = frame.paragraphs[0] if number == 0 else frame.add_paragraph()
            paragraph.text, paragraph.level = text, level

    return fill


def box(slide: Any, left: float, top: float, *texts: str) -> Any:
    frame = slide.shapes.add_textbox(Inches(left), Inches(top), Inches(3), Inches(1)).text_frame
    frame.text = "\n".join(texts)
    return frame


def test_each_slide_is_a_page_under_its_title() -> None:
    document = written(
        (TITLE, bullets("The loom", (0, "How it is kept"))),
        (TITLE_ONLY, lambda slide: box(slide, 1, 2, "No title here.")),
    )
    assert shown(document) == ["The loom", "How it is kept", "Slide 2", "No title here."]
    assert [document.text[page:].split("\n")[0] for page in document.pages] == [
        "The loom",
        "Slide 2",
    ]
    assert document.title == "The loom"
    assert document.metadata["date"].startswith("20")


def test_bullets_stand_under_their_parents_and_the_sentence_before() -> None:
    def fill(slide: Any) -> None:
        bullets("Care", (0, "Oil"), (1, "The shuttle"), (2, "Twice"), (0, "Clean"))(slide)

    document = written((BULLETS, fill))
    assert units(document, "item") == [
        ("- Oil", []),
        ("- The shuttle", ["- Oil"]),
        ("- Twice", ["- Oil", "- The shuttle"]),
        ("- Clean", []),
    ]


def test_numbered_paragraphs_of_a_text_box_are_introduced_by_the_paragraph_before() -> None:
    def fill(slide: Any) -> None:
        frame = box(slide, 1, 2, "A note. To start the loom:", "Open the valve.", "Pull the lever.")
        for paragraph in frame.paragraphs[1:]:
            properties = paragraph._p.get_or_add_pPr()
            properties.append(properties.makeelement(f"{properties.tag[:-3]}buAutoNum", {}))

    assert units(written((TITLE_ONLY, fill)), "item") == [
        ("1. Open the valve.", ["To start the loom:"]),
        ("2. Pull the lever.", ["To start the loom:"]),
    ]


def test_shapes_are_read_from_the_top_and_the_left_also_in_groups() -> None:
    def fill(slide: Any) -> None:
        slide.shapes.title.text = "Order"
        box(slide, 5, 4, "Fourth.")
        box(slide, 1, 4, "Third.")
        group = slide.shapes.add_group_shape()
        for left, text in ((6, "Second."), (1, "First.")):
            shape = group.shapes.add_textbox(Inches(left), Inches(2), Inches(1), Inches(1))
            shape.text_frame.text = text

    assert shown(written((TITLE_ONLY, fill))) == ["Order", "First.", "Second.", "Third.", "Fourth."]


def test_a_table_is_rows_under_its_header_and_merged_cells_repeat() -> None:
    def fill(slide: Any) -> None:
        table = slide.shapes.add_table(3, 2, 0, 0, Inches(4), Inches(2)).table
        for row, cells in enumerate([("Country", "Days"), ("Spain", "26"), ("", "27")]):
            for column, text in enumerate(cells):
                table.cell(row, column).text = text
        table.cell(1, 0).merge(table.cell(2, 0))

    document = written((TITLE_ONLY, fill))
    assert units(document, "row") == [
        ("Spain | 26", ["Country | Days"]),
        ("Spain | 27", ["Country | Days"]),
    ]
    assert "Country | Days\nSpain | 26\nSpain | 27" in document.text


def test_a_chart_is_rows_of_its_figures() -> None:
    def fill(slide: Any) -> None:
        data = CategoryChartData()
        data.categories = ["East", "West"]
        data.add_series("2023", (19.2, 21))
        data.add_series("2024", (20, None))
        slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, 0, 0, Inches(5), Inches(3), data)

    rows = units(written((TITLE_ONLY, fill)), "row")
    assert [row.strip() for row, _ in rows] == ["East | 19.2 | 20", "West | 21 |"]
    assert rows[0][1][0].endswith("| 2023 | 2024")


def test_the_points_of_a_smartart_are_paragraphs() -> None:
    def fill(slide: Any) -> None:
        drawing = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
        points = "".join(f"<a:p><a:r><a:t>{t}</a:t></a:r></a:p>" for t in ("Card", "Spin"))
        name, package = PackURI("/ppt/diagrams/data1.xml"), slide.part.package
        part = Part(name, "application/xml", package, f"<d {drawing}>{points}</d>".encode())
        relation = slide.part.relate_to(part, f"{OFFICE}/relationships/diagramData")
        frame = slide.shapes.add_table(1, 1, 0, 0, Inches(1), Inches(1))._element
        data = frame.graphic.graphicData
        data.remove(data.tbl)
        data.set("uri", DIAGRAM)
        ids = data.makeelement(f"{{{DIAGRAM}}}relIds", {f"{{{OFFICE}/relationships}}dm": relation})
        data.append(ids)

    assert shown(written((TITLE_ONLY, fill))) == ["Slide 1", "Card", "Spin"]


def test_notes_come_last_and_hidden_slides_are_left_out_and_noted() -> None:
    def noted(slide: Any) -> None:
        slide.shapes.title.text = "Shown"
        slide.notes_slide.notes_text_frame.text = "Say this slowly.\nThen wait."

    def hidden(slide: Any) -> None:
        slide.shapes.title.text = "Hidden"
        slide.element.set("show", "0")

    document = written((TITLE_ONLY, noted), (TITLE_ONLY, hidden), (TITLE_ONLY, noted))
    assert shown(document) == ["Shown", "Notes:", "Say this slowly.", "Then wait."] * 2
    assert document.notes == ("hidden slides left out: 2",)
    assert document.text[document.pages[2] :].startswith("Shown")


def test_what_is_no_presentation_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="damaged presentation"):
        extract_pptx(archive({"a.xml": "<a/>"}))
    with pytest.raises(ValueError, match="damaged zip archive"):
        extract_pptx(b"PK")


def test_a_date_comes_from_the_file_or_not_at_all() -> None:
    presentation = pptx.Presentation()
    presentation.slides.add_slide(presentation.slide_layouts[TITLE_ONLY]).shapes.title.text = "A"
    file = io.BytesIO()
    presentation.save(file)
    assert extract_pptx(file.getvalue()).metadata == {"date": "2013-01-27"}
