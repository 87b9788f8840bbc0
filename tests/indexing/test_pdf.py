"""What of a PDF is read besides its layout: fields, notes, hidden text, hyphens, pages, dates."""

import pytest

from index.formats.pdf import extract_pdf
from index.formats.pdf.words import join_lines
from index.types import Document, Unit
from tests.support.pdf_layouts import COLUMNS, FARES, LAYOUTS, LEFT, RIGHT
from tests.support.pdf_writer import Page, write_pdf


def blocks(document: Document) -> list[str]:
    return [document.text[start:end] for start, end in document.blocks]


def units(document: Document, kind: str) -> list[tuple[str, list[str]]]:
    """The units of a kind, each with what it stands under."""
    return [
        (slice_of(document, unit), [document.text[a:b] for a, b in unit.under])
        for unit in document.units
        if unit.kind == kind
    ]


def slice_of(document: Document, unit: Unit) -> str:
    return document.text[unit.start : unit.end]


# --- units


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_unit_lies_within_a_block_and_the_pages_are_in_order(name: str) -> None:
    document = extract_pdf(LAYOUTS[name]()[0])
    for unit in document.units:
        assert any(start <= unit.start < unit.end <= end for start, end in document.blocks)
    assert list(document.pages) == sorted(document.pages)


def test_a_row_stands_under_its_header_on_the_next_page_too() -> None:
    for name in ("table_over_two_pages", "table_with_its_header_repeated"):
        document = extract_pdf(LAYOUTS[name]()[0])
        header = " | ".join(FARES[0])
        assert units(document, "heading") == [(header, [])]
        assert {tuple(under) for _, under in units(document, "row")} == {(header,)}
        assert len(units(document, "row")) == 6


def test_a_list_item_stands_under_its_introduction_and_its_parent() -> None:
    page = Page().text(60, 740, "The gate is open. Bring with you:").text(60, 722, "1. the papers:")
    page.text(80, 708, "- a passport").text(80, 694, "- the permit").text(60, 680, "2. the fee.")
    document = extract_pdf(write_pdf(page))
    assert units(document, "item") == [
        ("1. the papers:", ["Bring with you:"]),
        ("- a passport", ["Bring with you:", "1. the papers:"]),
        ("- the permit", ["Bring with you:", "1. the papers:"]),
        ("2. the fee.", ["Bring with you:"]),
    ]


def test_a_listing_keeps_its_lines() -> None:
    page = Page().lines(60, 740, LEFT).text(60, 660, "Then run the loop:")
    page.lines(60, 640, ["for lamp in lamps:", "    lamp.light()"], font="F3")
    document = extract_pdf(write_pdf(page))
    code = "for lamp in lamps:\n    lamp.light()"
    assert units(document, "code") == [(code, ["Then run the loop:"])]


def test_headings_have_levels_by_their_size_and_weight() -> None:
    document = extract_pdf(LAYOUTS["headings_in_text"]()[0])
    assert [(h.text, h.level) for h in document.headings] == [
        ("Harbour rules", 1),
        ("Mooring", 2),
        ("Lights", 3),
    ]


# --- form fields and annotations


def test_a_filled_field_is_named_by_the_words_beside_it() -> None:
    page = Page().text(60, 734, "Name of the applicant:").text(60, 708, "Goods offered: ______")
    page.widget((220, 730, 420, 748), "/FT /Tx /T (a) /V (Petra Lindqvist)")
    page.widget((220, 704, 420, 722), "/FT /Tx /T (b) /V (Cheese\nand honey)")
    page.text(60, 660, "The form is kept for five years.")
    document = extract_pdf(write_pdf(page))
    assert blocks(document) == [
        "Name of the applicant: Petra Lindqvist",
        "Goods offered: Cheese and honey",
        "The form is kept for five years.",
    ]
    assert [text for text, _ in units(document, "field")] == blocks(document)[:2]


def test_a_field_is_named_by_its_alternate_name_or_the_words_above_or_its_own_name() -> None:
    page = Page().text(60, 734, "Given name").text(60, 520, "A line of text.")
    page.widget((60, 712, 260, 730), "/FT /Tx /T (a) /V (Petra)")
    page.widget((60, 650, 260, 668), "/FT /Tx /T (b) /TU (Family name) /V (Lindqvist)")
    page.widget((60, 600, 260, 618), "/FT /Tx /T (Town) /V (Visby)")
    document = extract_pdf(write_pdf(page))
    assert [text for text, _ in units(document, "field")] == [
        "Given name: Petra",
        "Family name: Lindqvist",
        "Town: Visby",
    ]


def test_boxes_are_ticked_or_not_and_a_choice_shows_what_was_chosen() -> None:
    page = Page().text(80, 740, "Organic").text(80, 720, "Needs power").text(60, 690, "Day:")
    page.widget(
        (60, 738, 72, 750), "/FT /Btn /T (o) /V /Yes /AS /Yes /AP << /N << /Yes 3 0 R >> >>"
    )
    page.widget(
        (60, 718, 72, 730), "/FT /Btn /T (p) /V /Off /AS /Off /AP << /N << /Yes 3 0 R >> >>"
    )
    page.widget(
        (100, 686, 200, 704),
        "/FT /Ch /Ff 131072 /T (d) /V (2) /Opt [[(1) (Monday)] [(2) (Friday)]]",
    )
    document = extract_pdf(write_pdf(page))
    assert blocks(document) == ["Organic: yes", "Needs power: no", "Day: Friday"]


def test_an_empty_a_hidden_and_a_password_field_are_not_read() -> None:
    page = Page().text(60, 740, "Name:").text(60, 720, "Secret:")
    page.widget((220, 736, 420, 750), "/FT /Tx /T (a)")
    page.widget((220, 716, 420, 730), "/FT /Tx /Ff 8192 /T (b) /V (hush)")
    page.annotations.append("/Subtype /Widget /FT /Tx /F 2 /T (c) /V (seen) /Rect [0 0 9 9]")
    document = extract_pdf(write_pdf(page))
    assert blocks(document) == ["Name:", "Secret:"]
    assert document.notes == ("hidden text left out: 1 line on page 1",)


def test_annotations_follow_the_text_of_their_page() -> None:
    page = Page().lines(60, 740, LEFT)
    page.annotation((60, 600, 200, 640), "FreeText", "Approved on 3 May.")
    page.annotation((60, 500, 80, 520), "Text", "Ask the pilot first.")
    page.annotation((60, 500, 80, 520), "Link", "ignored")
    document = extract_pdf(write_pdf(page))
    assert blocks(document)[1:] == ["Approved on 3 May.", "Note: Ask the pilot first."]


# --- hidden text, turned pages, pages without text


@pytest.mark.parametrize("mode", [3, 7])
def test_invisible_text_beside_visible_text_is_left_out_and_counted(mode: int) -> None:
    page = Page().text(60, 740, "The code changes monthly.").text(60, 720, "It is 7788.", mode=mode)
    document = extract_pdf(write_pdf(page, Page().text(60, 740, "Ask the guard.")))
    assert blocks(document) == ["The code changes monthly.", "Ask the guard."]
    assert document.notes == ("hidden text left out: 1 line on page 1",)


def test_invisible_words_within_a_visible_line_are_left_out() -> None:
    page = Page().text(60, 740, "The pump takes").text(132, 740, "99 or", mode=3)
    page.text(160, 740, "12 bar.")
    assert blocks(extract_pdf(write_pdf(page))) == ["The pump takes 12 bar."]


def test_white_text_is_hidden_unless_it_stands_on_an_area() -> None:
    page = Page().text(60, 740, "Seen by all.")
    page.operators += ["1 g"]
    page.text(60, 720, "Seen by none.")
    page.operators += ["0 g", "50 650 200 40 re f", "1 g"]
    page.text(60, 665, "Seen on black.")
    assert blocks(extract_pdf(write_pdf(page))) == ["Seen by all.", "Seen on black."]


def test_text_beyond_the_page_is_left_out() -> None:
    page = Page().text(60, 740, "On the page.").text(900, 740, "Off the page.")
    document = extract_pdf(write_pdf(page))
    assert blocks(document) == ["On the page."]


def test_a_page_whose_only_text_is_invisible_is_a_scan_and_is_kept() -> None:
    document = extract_pdf(write_pdf(Page().text(60, 740, "Read by a machine.", mode=3)))
    assert blocks(document) == ["Read by a machine."]
    assert document.notes == ()


@pytest.mark.parametrize("angle", [90, 180, 270])
def test_a_page_turned_any_way_is_read_like_an_upright_one(angle: int) -> None:
    page = Page(rotate=angle)
    for number, cells in enumerate(FARES):
        for x, words in zip(COLUMNS, cells, strict=True):
            down = 15 * number
            place = {90: (100 + down, x), 180: (500 - x, 300 + down), 270: (400 - down, 700 - x)}
            page.text(*place[angle], words, angle=angle)
    document = extract_pdf(write_pdf(page))
    assert blocks(document) == [" | ".join(cells) for cells in FARES]


def test_text_turned_on_an_upright_page_is_a_paragraph_after_it() -> None:
    page = Page().text(20, 300, "Filed in 1999", angle=90).lines(60, 740, LEFT)
    assert blocks(extract_pdf(write_pdf(page))) == [" ".join(LEFT), "Filed in 1999"]


def test_a_page_without_text_is_named_with_what_to_do() -> None:
    document = extract_pdf(write_pdf(Page().lines(60, 740, LEFT), Page(), Page()))
    assert document.notes == ("pages 2, 3 contain no text (scanned?): run ocrmypdf",)
    with pytest.raises(ValueError, match=r"contains no text on its 1 pages.*run ocrmypdf"):
        extract_pdf(write_pdf(Page()))


# --- words at a line's end


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["It is the respon-", "sibility of the guard."], "It is the responsibility of the guard."),
        (["Pay for the long-", "term use of the quay."], "Pay for the long-term use of the quay."),
        (["Ask for the part-", "time post in the hut."], "Ask for the part-time post in the hut."),
        (["Go to the Baden-", "Baden of the north."], "Go to the Baden-Baden of the north."),
        (["The model MX-", "500 is for the boats."], "The model MX-500 is for the boats."),
        (
            ["Der Hafen-", "meister kommt. Die E-", "Mail geht an ihn."],
            "Der Hafenmeister kommt. Die E-Mail geht an ihn.",
        ),
        (
            ["A cross-", "hatch here, and a crosshatch there."],
            "A crosshatch here, and a crosshatch there.",
        ),
        (
            ["An over-", "fall is not an over-fall in the act."],
            "An over-fall is not an over-fall in the act.",
        ),
    ],
)
def test_a_hyphen_at_a_lines_end_is_kept_where_it_is_the_words_own(
    lines: list[str], expected: str
) -> None:
    assert blocks(extract_pdf(write_pdf(Page().lines(60, 740, lines)))) == [expected]


def test_a_word_broken_over_pages_is_one_and_the_page_begins_within_it() -> None:
    first = Page().lines(60, 120, [*LEFT[:3], "that was the respon-"])
    second = Page().lines(60, 740, ["sibility of the guard.", *RIGHT])
    document = extract_pdf(write_pdf(first, second))
    assert "the responsibility of the guard." in document.text
    assert document.text[document.pages[1] :].startswith("sibility of the guard.")


def test_a_footnote_does_not_part_a_sentence_that_goes_on_on_the_next_page() -> None:
    first = Page().lines(60, 160, LEFT[:3]).text(60, 60, "1 See the log of that year.", size=7)
    second = Page().lines(60, 740, LEFT[3:])
    assert blocks(extract_pdf(write_pdf(first, second))) == [
        "1 See the log of that year.",
        " ".join(LEFT),
    ]


def test_a_raised_digit_stays_in_its_line() -> None:
    page = Page().text(60, 740, "The hall has 40 m").text(139, 744, "2", size=6)
    page.text(145, 740, "of floor.")
    assert blocks(extract_pdf(write_pdf(page))) == ["The hall has 40 m² of floor."]


def test_lines_of_chinese_are_joined_without_a_blank_and_those_of_korean_with_one() -> None:
    assert join_lines(["港口于一八七一年", "开放。"]) == "港口于一八七一年开放。"
    assert join_lines(["항구는 봄에", "열렸다."]) == "항구는 봄에 열렸다."


# --- heads and feet


def test_a_head_of_one_page_is_text_and_a_lone_number_is_not() -> None:
    page = Page().text(60, 800, "Harbour authority", size=8).lines(60, 740, LEFT)
    page.text(290, 30, "1", size=8)
    assert blocks(extract_pdf(write_pdf(page))) == ["Harbour authority", " ".join(LEFT)]


def test_heads_that_differ_from_page_to_page_are_text() -> None:
    pages = [
        Page().text(60, 800, f"Chapter {word}", size=16).lines(60, 740, LEFT)
        for word in ("one", "two", "three")
    ]
    document = extract_pdf(write_pdf(*pages))
    assert [heading.text for heading in document.headings] == [
        "Chapter one",
        "Chapter two",
        "Chapter three",
    ]


def test_pages_of_nothing_but_what_repeats_keep_it() -> None:
    pages = [Page().text(60, 800, "Draft") for _ in range(3)]
    assert "Draft" in extract_pdf(write_pdf(*pages)).text


# --- title, date and language


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Rules of the harbour", "Rules of the harbour"),
        ("Microsoft Word - rules.doc", None),
        ("untitled", None),
        ("rules_v2.pdf", None),
        ("", None),
    ],
)
def test_a_title_is_taken_only_where_it_is_one(title: str, expected: str | None) -> None:
    data = write_pdf(Page().lines(60, 740, LEFT), info=f"/Title ({title})")
    assert extract_pdf(data).title == expected


def test_the_date_is_that_of_the_last_change_else_of_the_making() -> None:
    page = Page().lines(60, 740, LEFT)
    made, changed = "/CreationDate (D:20230105093000Z)", "/ModDate (D:20250701120000+02'00')"
    both = write_pdf(page, info=f"{made} {changed}", catalog="/Lang (en-GB)")
    assert extract_pdf(both).metadata == {"date": "2025-07-01", "language": "en-GB"}
    assert extract_pdf(write_pdf(page, info=made)).metadata == {"date": "2023-01-05"}
    assert extract_pdf(write_pdf(page, info="/ModDate (yesterday)")).metadata == {}


# --- odd pages


def test_a_page_of_too_many_characters_keeps_the_order_of_the_file() -> None:
    page = Page()
    for number in range(6_000):
        page.text(50 + number % 7, 400 + number % 13 / 100, f"word of number {number}")
    document = extract_pdf(write_pdf(page))
    assert document.text.count("word of number") == 6_000
    assert document.blocks


def test_lines_of_dots_and_marks_alone_are_read() -> None:
    page = Page().text(50, 400, ". " * 900).text(50, 300, "_ " * 900).text(50, 200, "1. " * 900)
    assert "1." in extract_pdf(write_pdf(page)).text


def test_fields_side_by_side_are_units_of_their_own() -> None:
    page = Page().text(60, 734, "First name:").text(300, 734, "Last name:")
    page.widget((130, 730, 280, 748), "/FT /Tx /T (a) /V (Petra)")
    page.widget((370, 730, 520, 748), "/FT /Tx /T (b) /V (Lindqvist)")
    assert blocks(extract_pdf(write_pdf(page))) == ["First name: Petra", "Last name: Lindqvist"]


def test_rows_below_a_title_within_the_table_stand_under_its_header() -> None:
    cells = [("Line", "Time", "Fare"), ("Weekdays",), ("Alder", "25 min", "3.20"), ("Weekend",)]
    page = Page().rows((60, 200, 300), 740, [*cells, ("Alder", "30 min", "3.90")])
    document = extract_pdf(write_pdf(page))
    assert units(document, "row") == [
        ("Alder | 25 min | 3.20", ["Line | Time | Fare"]),
        ("Alder | 30 min | 3.90", ["Line | Time | Fare"]),
    ]


def test_a_cell_for_several_rows_stands_in_each() -> None:
    cells = [("Day", "Hour", "Class"), ("Monday", "9:00", "Yoga"), ("", "10:00", "Judo")]
    document = extract_pdf(write_pdf(Page().rows((60, 200, 300), 740, cells)))
    assert blocks(document)[1:] == ["Monday | 9:00 | Yoga", "Monday | 10:00 | Judo"]


def test_labelled_lines_and_the_lines_of_a_letter_stay_apart() -> None:
    page = Page().lines(60, 740, ["Fee: 12 euros", "Open: 9 to 5"]).text(60, 680, "Yours,")
    page.text(60, 667, "The office").lines(60, 640, LEFT)
    assert blocks(extract_pdf(write_pdf(page))) == [
        "Fee: 12 euros",
        "Open: 9 to 5",
        "Yours,",
        "The office",
        " ".join(LEFT),
    ]
