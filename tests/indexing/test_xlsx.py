"""Workbooks: rows under their header, values as people see them, what is hidden or absurd."""

import io
from collections.abc import Callable, Sequence
from datetime import datetime, time
from typing import Any

import pytest
import xlsxwriter

from index.formats.office.number_format import number_formatter, plain_number
from index.formats.office.xlsx import extract_xlsx
from index.types import Document
from tests.support.documents import archive, workbook


def written(*sheets: Callable[[Any, Any], None]) -> Document:
    """The document of a workbook whose sheets are filled by these functions of (sheet, book)."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        for number, fill in enumerate(sheets, 1):
            fill(book.add_worksheet(f"Sheet {number}"), book)
    return extract_xlsx(file.getvalue())


def of_rows(*rows: Sequence[object]) -> Callable[[Any, Any], None]:
    return lambda sheet, _: [sheet.write_row(n, 0, row) for n, row in enumerate(rows)] and None


def bodies(document: Document) -> list[str]:
    return [document.text[u.start : u.end] for u in document.units if u.kind == "row"]


def test_a_row_stands_under_its_sheet_and_number() -> None:
    document = written(
        of_rows(["Town", 2021, 2022], ["Alder", 10400, 10520], ["Birch", 2310, 2290])
    )
    assert bodies(document) == [
        "Town: Alder; 2021: 10400; 2022: 10520",
        "Town: Birch; 2021: 2310; 2022: 2290",
    ]
    assert [(h.level, h.text) for h in document.headings] == [
        (1, "Sheet 1"),
        (2, "row 2"),
        (2, "row 3"),
    ]
    assert document.metadata["date"].startswith("20")


def test_values_are_as_people_see_them() -> None:
    def fill(sheet: Any, book: Any) -> None:
        share, euro, day = (
            book.add_format({"num_format": code}) for code in ("0.0%", '#,##0.00 "€"', "d/m/yy")
        )
        sheet.write_row(0, 0, ["Item", "Count", "Share", "Price", "Since", "At", "Sold", "Sum"])
        sheet.write_row(1, 0, ["Tea", 12.0, 0.256, 89.0])
        sheet.write(1, 2, 0.256, share)
        sheet.write(1, 3, 89, euro)
        sheet.write_datetime(1, 4, datetime(2024, 1, 5), day)
        sheet.write_datetime(
            1, 5, datetime(2024, 1, 5, 9, 30), book.add_format({"num_format": "d/m/yy h:mm"})
        )
        sheet.write_boolean(1, 6, True)
        sheet.write_formula(1, 7, "=A1+B1", None, 0.1 + 0.2)

    assert bodies(written(fill)) == [
        "Item: Tea; Count: 12; Share: 25.6%; Price: 89.00 €; Since: 2024-01-05; "
        "At: 2024-01-05 09:30; Sold: yes; Sum: 0.3"
    ]


@pytest.mark.parametrize(
    ("code", "value", "shown"),
    [
        ("0%", 0.256, "26%"),
        ("0.00%", 1.5, "150.00%"),
        ("[$€-407]#,##0.##", 89.5, "€89.5"),
        ('"USD" 0;[Red]-"USD" 0', -3, "-USD 3"),
        ('0.0" kg"', 12.04, "12.0 kg"),
        ("_-$* #,##0.00_-", 7, "$ 7.00"),
        ("General", 7, None),
        ("#,##0.00", 7, None),
        ("0.00_);(0.00)", 7, None),
        ("# ?/?", 0.5, None),
        ("yyyy-mm-dd", 7, None),
        ("0" * 300 + "%", 7, None),
    ],
)
def test_a_number_format_shows_what_stands_beside_the_figure(
    code: str, value: float, shown: str | None
) -> None:
    formatter = number_formatter(code)
    assert (formatter(value) if formatter else None) == shown


def test_plain_numbers_have_no_noise() -> None:
    numbers = (12.0, 0.1 + 0.2, -3.0, 1e15, 1234567.89, 0)
    assert [plain_number(n) for n in numbers] == ["12", "0.3", "-3", "1e+15", "1234567.89", "0"]


def test_hidden_sheets_and_rows_are_left_out_and_noted() -> None:
    def hidden_row(sheet: Any, book: Any) -> None:
        of_rows(["Name", "Age"], ["Ada", 34], ["Bo", 35], ["Cy", 36])(sheet, book)
        sheet.set_row(2, None, None, {"hidden": True})

    def hidden_sheet(sheet: Any, book: Any) -> None:
        sheet.write(0, 0, "secret")
        sheet.hide()

    document = written(hidden_row, hidden_sheet)
    assert bodies(document) == ["Name: Ada; Age: 34", "Name: Cy; Age: 36"]
    assert document.notes == (
        "sheet 'Sheet 1': hidden rows left out: 1",
        "hidden sheet 'Sheet 2' left out",
    )


def test_rows_that_a_filter_hides_are_read() -> None:
    def fill(sheet: Any, book: Any) -> None:
        of_rows(["Name", "Age"], ["Ada", 34], ["Bo", 35])(sheet, book)
        sheet.autofilter(0, 0, 2, 1)
        sheet.filter_column(1, "x > 34")
        sheet.set_row(1, None, None, {"hidden": True})

    assert bodies(written(fill)) == ["Name: Ada; Age: 34", "Name: Bo; Age: 35"]


def test_merged_cells_stand_in_all_that_they_cover_but_a_title_is_one() -> None:
    def fill(sheet: Any, _: Any) -> None:
        sheet.merge_range(0, 0, 0, 4, "Sales")
        sheet.merge_range(1, 1, 1, 2, "2023")
        sheet.merge_range(1, 3, 1, 4, "2024")
        of = [["Region", "Q1", "Q2", "Q1", "Q2"], ["North", 1, 2, 3, 4], ["", 5, 6, 7, 8]]
        for number, row in enumerate(of, 2):
            sheet.write_row(number, 0, row)
        sheet.merge_range(3, 0, 4, 0, "North")

    document = written(fill)
    assert document.title == "Sales"
    assert bodies(document) == [
        "Region: North; 2023 Q1: 1; 2023 Q2: 2; 2024 Q1: 3; 2024 Q2: 4",
        "Region: North; 2023 Q1: 5; 2023 Q2: 6; 2024 Q1: 7; 2024 Q2: 8",
    ]


def test_a_second_table_of_a_sheet_has_its_own_header() -> None:
    first = [["Name", "Age"], ["Ada", 34], ["Bo", 35], ["Cy", 36], []]
    document = written(of_rows(*first, ["Rain"], ["Town", "mm"], ["Oslo", 800], ["Bergen", 2000]))
    assert bodies(document)[2:] == [
        "Name: Cy; Age: 36",
        "Town: Oslo; mm: 800",
        "Town: Bergen; mm: 2000",
    ]


def test_a_sheet_of_prose_is_paragraphs_and_an_empty_one_nothing() -> None:
    prose = "The prices are those of the spring and hold until the next list is printed."
    document = written(of_rows([prose], [], ["Ask Ada."]), of_rows())
    assert [document.text[a:b] for a, b in document.blocks] == ["Sheet 1", prose, "Ask Ada."]
    assert bodies(document) == []


def test_absurd_dimensions_are_cheap_and_a_stray_cell_is_named() -> None:
    cell = '<c r="A1" t="inlineStr"><is><t>Hi</t></is></c>'
    stray = '<row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
    declared = workbook(
        f'<dimension ref="A1:XFD1048576"/><sheetData><row r="1">{cell}</row></sheetData>'
    )
    assert bodies(extract_xlsx(declared)) == ["Hi"]
    styled = workbook(
        f'<sheetData><row r="1">{cell}</row><row r="1048576"><c r="XFD1048576" s="1"/></row>'
        "</sheetData>"
    )
    assert bodies(extract_xlsx(styled)) == ["Hi"]
    with pytest.raises(
        ValueError,
        match="1,048,576 rows by 16,384 columns: delete what stands in column 16,384 of row",
    ):
        extract_xlsx(workbook(f'<sheetData><row r="1">{cell}</row>{stray}</sheetData>'))


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="1048576"><c r="XFD1048576"><v>2</v></c></row><row r="1"><c r="A1"><v>1</v></c>'
        "</row>",
        '<row><c><v>1</v></c></row><row><c s="1" r="XFD1048576"><v>2</v></c></row>',
        "<row>" + "<c><v>1</v></c>" * 10_000 + "</row>" + "<row><c><v>1</v></c></row>" * 2_000,
    ],
)
def test_cells_out_of_order_or_without_a_place_are_counted_as_well(rows: str) -> None:
    with pytest.raises(ValueError, match="its cells span"):
        extract_xlsx(workbook(f"<sheetData>{rows}</sheetData>"))


def test_a_text_shared_by_a_million_cells_is_refused_before_it_is_copied() -> None:
    cells = '<c t="s"><v>0</v></c>' * 20_000
    strings = f"<sst><si><t>{'x' * 32_000}</t></si></sst>"
    with pytest.raises(ValueError, match="more than 64 MB of text"):
        extract_xlsx(workbook(f'<sheetData><row r="1">{cells}</row></sheetData>', strings=strings))


def test_damaged_protected_and_old_workbooks_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="password or in an old Office format"):
        extract_xlsx(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600))
    with pytest.raises(ValueError, match="contains no xl/"):
        extract_xlsx(archive({"a": "b"}))
    with pytest.raises(ValueError, match="damaged"):
        extract_xlsx(workbook("<sheetData><row"))


def test_formulas_without_a_stored_value_are_noted() -> None:
    row = '<row r="1"><c r="A1" t="inlineStr"><is><t>Sum</t></is></c><c r="B1"><f>1+1</f></c></row>'
    assert extract_xlsx(workbook(f"<sheetData>{row}</sheetData>")).notes == (
        "sheet 'S': 1 formulas have no stored value: save it in Excel",
    )


def test_times_are_without_seconds_where_these_are_none() -> None:
    def fill(sheet: Any, book: Any) -> None:
        clock = book.add_format({"num_format": "h:mm"})
        sheet.write_row(0, 0, ["Train", "Leaves"])
        sheet.write(1, 0, "Night")
        sheet.write_datetime(1, 1, time(6, 45), clock)

    assert bodies(written(fill)) == ["Train: Night; Leaves: 06:45"]
