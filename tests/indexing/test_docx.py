"""What a Word file's tables, lists, notes, hidden runs and properties become."""

import zipfile
from io import BytesIO

import pytest

from index.formats.docx import extract_docx
from index.types import Document
from tests.support.documents import W, archive, docx, paragraph


def blocks(document: Document) -> list[str]:
    return [document.text[start:end] for start, end in document.blocks]


def under(document: Document, kind: str) -> list[tuple[str, ...]]:
    return [
        tuple(document.text[start:end] for start, end in ((unit.start, unit.end), *unit.under))
        for unit in document.units
        if unit.kind == kind
    ]


def table(*rows: list[str], header: bool = False, bold: bool = False) -> str:
    markup = ""
    for number, row in enumerate(rows):
        is_first = number == 0
        mark = "<w:trPr><w:tblHeader/></w:trPr>" if header and is_first else ""
        face = "<w:rPr><w:b/></w:rPr>" if bold and is_first else ""
        cells = "".join(
            f"<w:tc><w:p><w:r>{face}<w:t>{text}</w:t></w:r></w:p></w:tc>" for text in row
        )
        markup += f"<w:tr>{mark}{cells}</w:tr>"
    return f"<w:tbl>{markup}</w:tbl>"


def run(text: str, properties: str = "") -> str:
    return f"<w:r><w:rPr>{properties}</w:rPr><w:t>{text}</w:t></w:r>"


def with_members(data: bytes, members: dict[str, str]) -> bytes:
    with zipfile.ZipFile(BytesIO(data)) as file:
        return archive({name: file.read(name) for name in file.namelist()} | members)


@pytest.mark.parametrize(("header", "bold"), [(True, False), (False, True), (False, False)])
def test_a_row_of_a_table_keeps_its_cells_under_the_header(header: bool, bold: bool) -> None:
    rows = [["Machine", "Rate"], ["Tower light", "40 euros"], ["Saw", "25 euros"]]
    document = extract_docx(docx(table(*rows, header=header, bold=bold)))
    assert under(document, "row") == [
        ("Tower light | 40 euros", "Machine | Rate"),
        ("Saw | 25 euros", "Machine | Rate"),
    ]


def test_merged_cells_repeat_their_text() -> None:
    wide = '<w:tc><w:tcPr><w:gridSpan w:val="2"/></w:tcPr>' + paragraph("Hours") + "</w:tc>"
    first = f"<w:tr><w:tc>{paragraph('Site')}</w:tc>{wide}</w:tr>"
    tall = "<w:tc><w:tcPr><w:vMerge{}/></w:tcPr>" + paragraph("North") + "</w:tc>"
    cells = "".join(f"<w:tc>{paragraph(text)}</w:tc>" for text in ("9", "10"))
    starts, goes_on = tall.format(' w:val="restart"'), tall.format("")
    body = f"<w:tr>{starts}{cells}</w:tr><w:tr>{goes_on}{cells}</w:tr>"
    document = extract_docx(docx(f"<w:tbl>{first}{body}</w:tbl>"))
    assert blocks(document) == ["Site | Hours | Hours", "North | 9 | 10", "North | 9 | 10"]


@pytest.mark.parametrize(
    "hidden",
    [
        run("99 bar", "<w:vanish/>"),
        run("99 bar", '<w:vanish w:val="true"/>'),
        run("99 bar", '<w:color w:val="FFFFFF"/><w:shd w:val="clear" w:fill="ffffff"/>'),
    ],
)
def test_hidden_runs_are_left_out_and_noted(hidden: str) -> None:
    document = extract_docx(docx(f"<w:p>{run('12 bar')}{hidden}</w:p>"))
    assert document.text == "12 bar"
    assert document.notes == ("hidden text left out: 1 run, 5 characters",)


@pytest.mark.parametrize(
    "properties",
    ['<w:vanish w:val="0"/>', '<w:color w:val="FFFFFF"/><w:shd w:val="clear" w:fill="000000"/>'],
)
def test_runs_that_are_not_hidden_are_kept(properties: str) -> None:
    document = extract_docx(docx(f"<w:p>{run('12 bar', properties)}</w:p>"))
    assert (document.text, document.notes) == ("12 bar", ())


def test_a_style_hides_its_text() -> None:
    styles = (
        f'<w:styles xmlns:w="{W}"><w:style w:type="paragraph" w:styleId="Secret">'
        '<w:name w:val="Secret"/><w:rPr><w:vanish/></w:rPr></w:style></w:styles>'
    )
    data = docx(paragraph("99 bar", "Secret") + paragraph("12 bar"))
    assert extract_docx(with_members(data, {"word/styles.xml": styles})).text == "12 bar"


def test_tracked_deletions_are_no_text() -> None:
    deleted = "<w:del><w:r><w:delText>99</w:delText></w:r></w:del>"
    added = f"<w:ins>{run('12')}</w:ins>"
    assert extract_docx(docx(f"<w:p>{deleted}{added}{run(' bar')}</w:p>")).text == "12 bar"


@pytest.mark.parametrize(
    ("properties", "metadata"),
    [
        (
            "<t:created>2023-01-05T08:00:00Z</t:created><t:modified>2025-07-01T09:00:00Z"
            "</t:modified><d:language>de-DE</d:language>",
            {"date": "2025-07-01", "language": "de-DE"},
        ),
        ("<t:created>2023-01-05T08:00:00Z</t:created>", {"date": "2023-01-05"}),
        ("<t:created>soon</t:created>", {}),
        ("<t:created>", {}),
    ],
)
def test_the_date_is_that_of_the_last_change(properties: str, metadata: dict[str, str]) -> None:
    core = (
        '<c:p xmlns:c="urn:c" xmlns:t="http://purl.org/dc/terms/" '
        f'xmlns:d="http://purl.org/dc/elements/1.1/">{properties}</c:p>'
    )
    data = with_members(docx(paragraph("x")), {"docProps/core.xml": core})
    assert extract_docx(data).metadata == metadata
