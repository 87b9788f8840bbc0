"""What each format becomes: text, paragraphs, headings, title."""

import pytest

from index.formats import FORMATS
from index.formats.html import extract_html
from index.formats.markdown import extract_markdown
from index.formats.text import extract_log, extract_text
from index.types import Document
from tests.support.every_format import every_format

LONG = "This line is a paragraph of its own and says enough to be read without the next. "


def blocks(document: Document) -> list[str]:
    return [document.text[start:end] for start, end in document.blocks]


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_file_of_every_format_is_read(name: str) -> None:
    document = FORMATS[name].extract(every_format()[f"every/lamp.{name}"])
    assert f"The lamp of {name} was lit in 1871." in document.text
    spans = [*document.blocks, *((unit.start, unit.end) for unit in document.units)]
    assert all(document.text[start:end].strip() for start, end in spans)


# --- plain text


def test_lines_are_paragraphs_where_each_is_one() -> None:
    text = f"{LONG.strip()}\n{LONG.strip()}\n{LONG.strip()}\n"
    assert blocks(extract_text(text.encode())) == [LONG.strip()] * 3


def test_wrapped_lines_make_paragraphs_up_to_a_blank_line() -> None:
    wrapped = "The lighthouse was lit in the\nyear of the great storm and it\nstands today.\n"
    assert len(blocks(extract_text(f"{wrapped}\n{wrapped}".encode()))) == 2


def test_a_byte_order_mark_is_not_part_of_the_text() -> None:
    assert extract_text(b"\xef\xbb\xbfHello.").text == "Hello."


def test_windows_newlines_stay_in_the_text_and_separate_paragraphs() -> None:
    text = f"{LONG.strip()}\r\n\r\n{LONG.strip()}\r\n"
    document = extract_text(text.encode())
    assert document.text == text
    assert blocks(document) == [LONG.strip()] * 2


def test_a_log_has_a_paragraph_a_line_and_its_colours_are_noted() -> None:
    text = "10:01 \x1b[31mERROR\x1b[0m the pump\r\n    at mill.north\r\n\r\n10:02 INFO done"
    document = extract_log(text.encode())
    assert document.text == text
    assert blocks(document) == [
        "10:01 \x1b[31mERROR\x1b[0m the pump",
        "at mill.north",
        "10:02 INFO done",
    ]
    assert document.notes == ("terminal colour codes in the text: 2",)


def test_xhtml_is_read_as_html_its_empty_elements_included() -> None:
    page = (
        '<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml"><head>'
        '<title>T</title><script src="a.js"/></head><body><p>First.</p>'
        "<p/><p>Last.</p></body></html>"
    )
    document = FORMATS["xhtml"].extract(page.encode())
    assert (document.title, blocks(document)) == ("T", ["First.", "Last."])


# --- markdown


def test_markdown_keeps_its_own_characters() -> None:
    text = "# Title\r\n\r\nA *line*.\r\n\r\n- one\r\n- two\r\n"
    assert extract_markdown(text.encode()).text == text


def test_markdown_blocks_are_paragraphs_items_rows_and_code() -> None:
    text = (
        "# Title\n\nA paragraph\nin two lines.\n\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
        "\n```py\nx = 1\n\ny = 2\n```\n\n> quoted words\n"
    )
    assert blocks(extract_markdown(text.encode())) == [
        "# Title",
        "A paragraph\nin two lines.",
        "- one",
        "- two",
        "| a | b |",
        "| 1 | 2 |",
        "```py\nx = 1\n\ny = 2\n```",
        "> quoted words",
    ]


def test_every_word_of_a_markdown_file_is_in_a_block() -> None:
    text = "Setext\n======\n\n1. a\n\n   b\n\n    code\n\n<div>raw</div>\n\n> End"
    document = extract_markdown(text.encode())
    outside, cursor = "", 0
    for start, end in document.blocks:
        outside, cursor = outside + document.text[cursor:start], end
    assert (outside + document.text[cursor:]).split() == []


def test_markdown_headings_have_level_and_words() -> None:
    document = extract_markdown(b"# One\n\ntext\n\nTwo\n---\n\ntext\n")
    assert [(h.level, h.text) for h in document.headings] == [(1, "One"), (2, "Two")]


def test_a_markdown_title_is_its_first_top_heading() -> None:
    assert extract_markdown(b"## Small\n\n# Top\n").title == "Top"
    assert extract_markdown(b"just words\n").title is None


# --- html


def page(body: str, head: str = "<title>T</title>") -> Document:
    return extract_html(f"<!doctype html><html><head>{head}</head><body>{body}</body>".encode())


def test_html_keeps_the_main_content_and_drops_boilerplate() -> None:
    document = page(
        "<header>Site</header><nav>Menu</nav><main><h1>Head</h1><p>One <b>two</b>\n three.</p>"
        "<ul><li>item</li></ul><script>x()</script><style>p{}</style></main>"
        "<aside>Ads</aside><footer>Imprint</footer>"
    )
    assert blocks(document) == ["Head", "One two three.", "- item"]


def test_html_without_a_main_element_is_read_without_its_boilerplate() -> None:
    document = page("<header>Site</header><div><p>Text.</p></div><footer>Imprint</footer>")
    assert blocks(document) == ["Text."]


def test_html_blocks_slice_back_and_headings_are_found() -> None:
    document = page("<h1>A</h1><p>x</p><h2>B</h2><p>y</p>")
    assert [(h.level, document.text[h.start : h.end]) for h in document.headings] == [
        (1, "A"),
        (2, "B"),
    ]


def test_html_entities_and_cells_are_text() -> None:
    rows = "<tr><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr>"
    document = page(f"<p>R&amp;D caf&eacute;</p><table>{rows}</table>")
    assert blocks(document) == ["R&D café", "1 | 2", "3 | 4"]


def test_a_page_is_decoded_by_the_charset_it_declares() -> None:
    data = '<meta charset="iso-8859-1"><p>café</p>'.encode("latin-1")
    assert extract_html(data).text == "café"


def test_hidden_elements_and_comments_are_not_text() -> None:
    assert page("<p hidden>a</p><p aria-hidden=true>b</p><!-- c --><p>d</p>").text == "d"


def test_a_deeply_nested_page_is_read() -> None:
    assert page("<div>" * 20_000 + "deep" + "</div>" * 20_000).text == "deep"
