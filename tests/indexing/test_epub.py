"""What the chapters of a book become: units at their places, call-outs, what was left out."""

from index.formats.epub import extract_epub
from index.types import Document
from tests.support.documents import epub

TABLE = "<table><tr><th>Land</th><th>Days</th></tr><tr><td>Spain</td><td>26</td></tr></table>"


def texts(document: Document, kind: str) -> list[tuple[str, ...]]:
    return [
        tuple(document.text[start:end] for start, end in ((unit.start, unit.end), *unit.under))
        for unit in document.units
        if unit.kind == kind
    ]


def test_units_of_later_chapters_are_at_their_places() -> None:
    document = extract_epub(
        epub({"a.xhtml": "<h1>One</h1><p>First.</p>", "b.xhtml": f"<h1>Two</h1>{TABLE}"})
    )
    assert texts(document, "row") == [("Spain | 26", "Land | Days")]
    assert texts(document, "heading") == [("One",), ("Two",), ("Land | Days",)]


def test_a_callout_a_header_and_a_list_of_links_of_a_book_are_kept() -> None:
    links = (
        "<ul><li><a href='b.xhtml'>Part one</a></li><li><a href='c.xhtml'>Part two</a></li></ul>"
    )
    document = extract_epub(epub({"a.xhtml": f"<header>Head</header><aside>Note.</aside>{links}"}))
    assert document.text == "Head\n\nNote.\n\n- Part one\n\n- Part two"


def test_hidden_text_is_noted_once_for_equal_chapters() -> None:
    hidden = "<p>a</p><p style='display:none'>xyz</p>"
    document = extract_epub(epub({"a.xhtml": hidden, "b.xhtml": hidden}))
    assert document.text == "a\n\na"
    assert document.notes == ("hidden text left out: 1 element, 3 characters",)


def test_an_empty_element_in_xml_swallows_nothing() -> None:
    document = extract_epub(
        epub({"a.xhtml": '<p xmlns="http://www.w3.org/1999/xhtml">a<span/>b</p><p><i/>c</p>'})
    )
    assert document.text == "ab\n\nc"
