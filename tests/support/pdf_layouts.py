"""PDFs of many layouts, and the paragraphs and rows that a reader finds in each."""

from collections.abc import Callable

from tests.support.pdf_writer import Page, write_pdf

LEFT = [
    "The harbour was opened in the spring of",
    "the year 1871, after four years of work",
    "by two hundred men, and the first ship",
    "that entered it was a collier from the",
    "north with a cargo for the gas works.",
]
RIGHT = [
    "Its lamp burns on the western mole and",
    "can be seen from a distance of eleven",
    "miles, which is further than any other",
    "on this coast, since the tower stands",
    "on a rock that is forty metres high.",
]
MIDDLE = [
    "In winter the boats are drawn up on the",
    "shingle by a steam winch, and the crews",
    "mend their nets in the long shed behind",
    "the chapel, where a stove is lit by six",
    "each morning from the first of November.",
]
WIDE = [
    "This report describes the harbour, its lights and its people, as they were found by the",
    "commission in the summer of last year, and what should be done to keep them in good order.",
]
FARES = [
    ("Route", "Distance", "Time", "Fare"),
    ("Alder line", "12 km", "25 min", "3.20"),
    ("Birch line", "31 km", "48 min", "6.90"),
    ("Cedar line", "8 km", "14 min", "2.10"),
    ("Elm line", "19 km", "33 min", "4.60"),
]
COLUMNS = (60, 170, 280, 390)
Layout = tuple[bytes, list[str]]


def joined(lines: list[str]) -> str:
    return " ".join(lines)


def rows(table: list[tuple[str, ...]]) -> list[str]:
    return [" | ".join(cells) for cells in table]


def one_column() -> Layout:
    page = Page().lines(60, 740, LEFT).lines(60, 650, RIGHT)
    return write_pdf(page), [joined(LEFT), joined(RIGHT)]


def two_columns() -> Layout:
    page = Page().lines(60, 740, LEFT).lines(320, 740, RIGHT)
    return write_pdf(page), [joined(LEFT), joined(RIGHT)]


def two_columns_written_across() -> Layout:
    page = Page()
    for number, pair in enumerate(zip(LEFT, RIGHT, strict=True)):
        page.rows((60, 320), 740 - 13 * number, [pair])
    return write_pdf(page), [joined(LEFT), joined(RIGHT)]


def columns_on_other_lines() -> Layout:
    page = Page().lines(60, 740, LEFT).lines(320, 733, RIGHT, leading=12)
    return write_pdf(page), [joined(LEFT), joined(RIGHT)]


def three_columns() -> Layout:
    page = Page()
    for x, lines in ((40, LEFT), (215, MIDDLE), (390, RIGHT)):
        page.lines(x, 740, lines, size=8, leading=10)
    return write_pdf(page), [joined(LEFT), joined(MIDDLE), joined(RIGHT)]


def heading_over_columns() -> Layout:
    page = Page().text(
        60, 770, "A report on the harbour, the lamp and the boats of Saint Anne", size=16
    )
    page.lines(60, 730, LEFT).lines(320, 730, RIGHT)
    title = "A report on the harbour, the lamp and the boats of Saint Anne"
    return write_pdf(page), [title, joined(LEFT), joined(RIGHT)]


def columns_between_wide_paragraphs() -> Layout:
    page = Page().lines(60, 760, WIDE).lines(60, 710, LEFT).lines(320, 710, RIGHT)
    page.lines(60, 620, [line.replace("This", "That") for line in WIDE])
    last = joined(WIDE).replace("This", "That")
    return write_pdf(page), [joined(WIDE), joined(LEFT), joined(RIGHT), last]


def sidebar() -> Layout:
    side = ["Opening hours", "Monday to Friday", "from nine to five", "Closed in August"]
    text = [line + " " + other for line, other in zip(LEFT, MIDDLE, strict=True)]
    page = Page().lines(40, 740, text, size=9).lines(460, 740, side, size=9)
    return write_pdf(page), [joined(text), joined(side)]


def columns_of_two_paragraphs() -> Layout:
    page = Page().lines(60, 740, LEFT).lines(60, 660, MIDDLE).lines(320, 740, RIGHT)
    return write_pdf(page), [joined(LEFT), joined(MIDDLE), joined(RIGHT)]


def unruled_table() -> Layout:
    page = Page().text(60, 760, "Fares of the bus lines", size=13).rows(COLUMNS, 730, FARES)
    page.text(60, 640, "Tickets are sold by the driver.")
    return write_pdf(page), [
        "Fares of the bus lines",
        *rows(FARES),
        "Tickets are sold by the driver.",
    ]


def table_written_by_column() -> Layout:
    page = Page()
    for x, cells in zip(COLUMNS, zip(*FARES, strict=True), strict=True):
        page.lines(x, 730, cells, leading=15)
    return write_pdf(page), rows(FARES)


def ruled_table_with_wrapped_cells() -> Layout:
    page = Page().grid((55, 160, 380, 450), (745, 725, 695, 675))
    page.rows((60, 165, 385), 732, [("Line", "Course", "Fare")])
    page.rows((60, 165, 385), 713, [("Cedar line", "from the harbour by way of", "2.10")])
    page.text(165, 700, "the hill to the mill")
    page.rows((60, 165, 385), 681, [("Elm line", "from the mill to the abbey", "4.60")])
    return write_pdf(page), rows(
        [
            ("Line", "Course", "Fare"),
            ("Cedar line", "from the harbour by way of the hill to the mill", "2.10"),
            ("Elm line", "from the mill to the abbey", "4.60"),
        ]
    )


def unruled_table_with_wrapped_cells() -> Layout:
    page = Page().rows((60, 165, 420), 740, [("Post", "Duties", "Grade")], bold_rows=1)
    page.rows((60, 165, 420), 720, [("Warden", "Keeps the register of boats and", "B2")])
    page.text(165, 708, "collects the fees each quarter")
    page.rows((60, 165, 420), 688, [("Diver", "Inspects the moorings below water", "C1")])
    page.rows((60, 165, 420), 668, [("Clerk", "Answers letters and telephone calls", "A3")])
    return write_pdf(page), rows(
        [
            ("Post", "Duties", "Grade"),
            ("Warden", "Keeps the register of boats and collects the fees each quarter", "B2"),
            ("Diver", "Inspects the moorings below water", "C1"),
            ("Clerk", "Answers letters and telephone calls", "A3"),
        ]
    )


def key_and_value() -> Layout:
    pairs = [("Address:", "Pier 4"), ("Open:", "9 to 17"), ("Telephone:", "555 0199")]
    page = Page().text(60, 770, "Harbour office", size=14).rows((60, 180), 740, pairs)
    return write_pdf(page), ["Harbour office", *rows(pairs)]


def tight_ruled_numbers() -> Layout:
    table = [("Year", "2021", "2022"), ("Boats", "412", "430"), ("Crew", "1,204", "1,188")]
    page = Page().grid((58, 92, 120, 148), (752, 736, 720, 704))
    page.rows((60, 94, 122), 740, table, leading=16)
    return write_pdf(page), rows(table)


def table_over_two_pages() -> Layout:
    first = Page().rows(COLUMNS, 200, FARES, bold_rows=1)
    more = [("Fir line", "22 km", "40 min", "5.10"), ("Holly line", "5 km", "9 min", "1.80")]
    second = Page().rows(COLUMNS, 730, more)
    return write_pdf(first, second), rows(FARES + more)


def table_with_its_header_repeated() -> Layout:
    first = Page().rows(COLUMNS, 200, FARES, bold_rows=1)
    more = [("Fir line", "22 km", "40 min", "5.10"), ("Holly line", "5 km", "9 min", "1.80")]
    second = Page().rows(COLUMNS, 770, [FARES[0], *more], bold_rows=1)
    return write_pdf(first, second), rows(FARES + more)


def spanning_header() -> Layout:
    page = (
        Page()
        .text(215, 750, "Fare in summer", font="F2")
        .text(355, 750, "Fare in winter", font="F2")
    )
    page.rows(
        (60, 200, 270, 340, 410), 735, [("Line", "adult", "child", "adult", "child")], bold_rows=1
    )
    page.rows((60, 200, 270, 340, 410), 720, [("Alder", "3.20", "1.60", "2.80", "1.40")])
    page.rows((60, 200, 270, 340, 410), 705, [("Birch", "6.90", "3.40", "6.10", "3.00")])
    return write_pdf(page), [
        "Line | Fare in summer adult | Fare in summer child | Fare in winter adult"
        " | Fare in winter child",
        "Alder | 3.20 | 1.60 | 2.80 | 1.40",
        "Birch | 6.90 | 3.40 | 6.10 | 3.00",
    ]


def table_beside_prose() -> Layout:
    table = [("Light", "Height"), ("Mole", "12 m"), ("Rock", "40 m"), ("Pier", "9 m")]
    page = Page().lines(60, 740, LEFT + RIGHT).rows((340, 450), 740, table, leading=13)
    return write_pdf(page), [joined(LEFT + RIGHT), *rows(table)]


def heads_and_feet() -> Layout:
    pages = []
    for number, lines in enumerate((LEFT, MIDDLE, RIGHT), start=1):
        page = Page().text(60, 800, "Harbour authority    Circular 12", size=8)
        page.lines(60, 740, lines).text(270, 30, f"Page {number} of 3", size=8)
        pages.append(page)
    return write_pdf(*pages), [joined(LEFT), joined(MIDDLE), joined(RIGHT)]


def sentence_over_pages() -> Layout:
    first = Page().text(60, 800, "Circular 12", size=8).lines(60, 120, LEFT[:3])
    second = Page().text(60, 800, "Circular 12", size=8).lines(60, 740, LEFT[3:])
    return write_pdf(first, second), [joined(LEFT)]


def steps() -> Layout:
    page = Page().text(60, 740, "To start the pump:")
    page.lines(
        70,
        720,
        [
            "1. Open the inlet valve and wait until",
            "    the gauge shows two bar.",
            "2. Press start.",
        ],
    )
    return write_pdf(page), [
        "To start the pump:",
        "1. Open the inlet valve and wait until the gauge shows two bar.",
        "2. Press start.",
    ]


def bullets() -> Layout:
    page = Page().text(60, 740, "Bring with you:")
    for number, words in enumerate(("a passport,", "two photographs,", "the fee in cash.")):
        page.text(66, 720 - 14 * number, "•").text(80, 720 - 14 * number, words)
    return write_pdf(page), [
        "Bring with you:",
        "- a passport,",
        "- two photographs,",
        "- the fee in cash.",
    ]


def turned_page() -> Layout:
    page = Page(rotate=90)
    for number, words in enumerate(LEFT):
        page.text(60 + 13 * number, 60, words, angle=90)
    return write_pdf(page), [joined(LEFT)]


def headings_in_text() -> Layout:
    page = Page().text(60, 770, "Harbour rules", size=18).text(60, 740, "Mooring", size=13)
    page.lines(60, 720, LEFT).text(60, 640, "Lights", font="F2").lines(60, 625, RIGHT)
    return write_pdf(page), ["Harbour rules", "Mooring", joined(LEFT), "Lights", joined(RIGHT)]


def contents_with_leaders() -> Layout:
    entries = [("Introduction", "1"), ("The lamp", "12"), ("The boats", "31")]
    page = Page().lines(60, 740, [f"{title} {'.' * 40} {page}" for title, page in entries])
    return write_pdf(page), rows(entries)


LAYOUTS: dict[str, Callable[[], Layout]] = {
    make.__name__: make
    for make in (
        one_column,
        two_columns,
        two_columns_written_across,
        columns_on_other_lines,
        three_columns,
        heading_over_columns,
        columns_between_wide_paragraphs,
        sidebar,
        columns_of_two_paragraphs,
        unruled_table,
        table_written_by_column,
        ruled_table_with_wrapped_cells,
        unruled_table_with_wrapped_cells,
        key_and_value,
        tight_ruled_numbers,
        table_over_two_pages,
        table_with_its_header_repeated,
        spanning_header,
        table_beside_prose,
        heads_and_feet,
        sentence_over_pages,
        steps,
        bullets,
        turned_page,
        headings_in_text,
        contents_with_leaders,
    )
}
