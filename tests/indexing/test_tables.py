"""Which row of a table is its header, which are notes, and how its cells are separated."""

import pytest

from index.formats.tables.delimited import detect_delimiter, extract_csv, extract_tsv
from index.formats.tables.header import find_header
from index.types import Document


def bodies(document: Document) -> list[str]:
    return [document.text[u.start : u.end] for u in document.units if u.kind == "row"]


def read(text: str) -> list[str]:
    return bodies(extract_csv(text.encode()))


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("Town,2021,2022\nElm,10400,10520\nOak,2310,2290\n", "Town: Oak; 2021: 2310; 2022: 2290"),
        ("Item,1,2,3\nTea,20,31,40\nCocoa,90,12,31\n", "Item: Cocoa; 1: 90; 2: 12; 3: 31"),
        ("Depot,2024-01,2024-02\nEast,12,14\nWest,8,9\n", "Depot: West; 2024-01: 8; 2024-02: 9"),
        (",Q1,Q2\nEast,12,14\nWest,8,9\n", "West; Q1: 8; Q2: 9"),
        ("Code,Owner\nB12,Lind\nC03,Oder\n", "Code: C03; Owner: Oder"),
        ("Town,Country\nOslo,Norway\nTurku,Finland\n", "Town: Turku; Country: Finland"),
        ("name;born\nAda;1815\nGrace;1906\n", "name: Grace; born: 1906"),
        ("Name,Paid\nAda,n/a\nGrace,12.5\n", "Name: Grace; Paid: 12.5"),
    ],
)  # fmt: skip
def test_a_header_contrasts_with_its_columns(table: str, row: str) -> None:
    assert read(table)[-1] == row


@pytest.mark.parametrize(
    "table",
    [
        "Alder,10400,Denmark\nBirch,2310,Norway\n",
        "Ada,1815,1852\nGrace,1906,1992\nAlan,1912,1954\n",
        "Oslo,Norway\nBergen,Norway\nTurku,Finland\n",
        "ada@x.org,B12\ngrace@x.org,C03\n",
        "2024-01-02,12\n2024-01-03,14\n",
        "Alder,2,4\nBirch,310,9.5\n",
    ],
)
def test_a_table_without_a_header_has_no_names(table: str) -> None:
    assert read(table) == [line.replace(",", "; ") for line in table.splitlines()]


@pytest.mark.parametrize(
    ("above", "title"),
    [
        ("Parts of the loom;;\n;;\n", "Parts of the loom"),
        ("\n\nStaff, summer;;\n", "Staff, summer"),
        ("Staff\n\n", "Staff"),
        ("Exported:;2024-01-05\nBy:;Ada\n\n", None),
        ("sep=;\n", None),
    ],
)
def test_titles_notes_and_blank_lines_stand_above_the_header(above: str, title: str | None) -> None:
    document = extract_csv(f"{above}Name;Age;Room\nLind;34;B1\nOder;51;C2\nTotal;85;\n".encode())
    assert bodies(document) == [
        "Name: Lind; Age: 34; Room: B1",
        "Name: Oder; Age: 51; Room: C2",
        "Name: Total; Age: 85",
    ]
    assert document.title == title


def test_a_header_of_two_rows_is_joined() -> None:
    table = "Sales,,,,\n,2023,,2024,\nRegion,Q1,Q2,Q1,Q2\nNorth,1,2,3,4\nSouth,5,6,7,8\n"
    assert read(table)[-1] == "Region: South; 2023 Q1: 5; 2023 Q2: 6; 2024 Q1: 7; 2024 Q2: 8"


def test_a_header_that_comes_again_is_no_row_and_a_note_is_a_paragraph() -> None:
    note = "Figures for 2023 are provisional and may change."
    document = extract_csv(f"A,B,C\n1,2,3\nA,B,C\n4,5,6\n{note},,\n".encode())
    assert bodies(document) == ["A: 1; B: 2; C: 3", "A: 4; B: 5; C: 6"]
    assert document.text.endswith(f"\n\n{note}")


def test_every_row_is_a_unit_below_a_heading_with_its_number() -> None:
    document = extract_csv(b"name,born\nAda,1815\n\nGrace,1906\n")
    assert [(h.text, h.level) for h in document.headings] == [("row 2", 1), ("row 4", 1)]
    assert [u.kind for u in document.units] == ["heading", "row"] * 2
    assert [document.blocks[1], document.blocks[3]] == [
        (u.start, u.end) for u in document.units if u.kind == "row"
    ]


@pytest.mark.parametrize(
    ("table", "delimiter"),
    [
        ("a;b;c\n1,5;2,5;3,5\n1,7;2,8;9,5\n", ";"),
        ("1,5;2,5;3,5\n1,7;2,8;9,5\n", ";"),
        ('id,text\n1,"a; b; c"\n2,"d; e; f"\n', ","),
        ("Title, with commas, and more\n\na|b\n1|2\n3|4\n", "|"),
        ('a\t"b\tc"\n1\t2\n', "\t"),
        ('"one, two","three"\n"four, five","six"\n', ","),
        ("One sentence, with commas.\nAnother one.\nA third, longer, with more, commas.\n", "\x1f"),
    ],
)
def test_the_delimiter_gives_most_rows_as_many_cells(table: str, delimiter: str) -> None:
    assert detect_delimiter(table) == delimiter


def test_a_column_of_prose_is_read_as_it_stands() -> None:
    assert read("One, two.\nThree.\nFour, five, six.\n") == [
        "One, two.",
        "Three.",
        "Four, five, six.",
    ]


def test_a_tsv_has_its_header_found_as_well() -> None:
    assert (
        bodies(extract_tsv(b"Rain\n\nYear\tmm\n2020\t812\n2021\t790\n"))[-1]
        == "Year: 2021; mm: 790"
    )


def test_a_single_row_is_no_header() -> None:
    assert read("Name,Age\n") == ["Name; Age"]
    assert find_header([]).names == ()
