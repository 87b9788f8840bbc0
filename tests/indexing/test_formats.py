"""What each format becomes: text, paragraphs, headings, title."""

import pytest

from index.formats import FORMATS
from index.formats.html import extract_html
from index.formats.markdown import extract_markdown
from index.formats.text import extract_text
from index.text.encoding import decode
from index.types import Document

LONG = "This line is a paragraph of its own and says enough to be read without the next. "


def blocks(document: Document) -> list[str]:
    return [document.text[start:end] for start, end in document.blocks]


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


# --- encodings

WORDS = {
    "cp1252": "Die Brücke über den Fluß wurde im März eröffnet, “größer” als je zuvor.",
    "cp1250": "Zażółć gęślą jaźń, to jest polski tekst o latarni morskiej.",
    "cp1251": "Маяк на мысе был зажжён третьего мая и стоит на высоте сорок метров.",
    "cp1253": "Ο φάρος στο ακρωτήρι άναψε τον Μάιο και στέκει ακόμη.",
    "cp932": "灯台は1871年5月3日に点灯され、高さは41.5メートルである。",
    "utf-16": "Die Brücke, 灯台, Маяк.",
    "utf-32": "Die Brücke, 灯台, Маяк.",
}


@pytest.mark.parametrize("name", WORDS)
def test_text_in_another_encoding_is_recognised_and_the_encoding_named(name: str) -> None:
    document = extract_text(WORDS[name].encode(name))
    assert (document.text, document.metadata) == (WORDS[name], {"encoding": name})


@pytest.mark.parametrize("name", ["utf-16-le", "utf-16-be"])
def test_a_utf16_mark_is_no_part_of_the_text(name: str) -> None:
    assert decode("\ufeffcafé".encode(name)) == ("café", {"encoding": "utf-16"})


def test_of_utf8_no_encoding_is_said() -> None:
    assert extract_markdown("# Café".encode()).metadata == {}


def test_one_odd_byte_late_in_a_large_file_is_enough_to_tell() -> None:
    text = "The lamp was lit each night by its keeper.\n" * 20_000 + "In the café it was not.\n"
    assert decode(text.encode("cp1252"))[0] == text


def test_markdown_and_pages_name_their_encoding_too() -> None:
    data = "# Größe\n\nDie Brücke über den Fluß.".encode("cp1252")
    assert extract_markdown(data).metadata == {"encoding": "cp1252"}
    page = '<meta charset="iso-8859-1"><p>café</p>'.encode("latin-1")
    assert extract_html(page).metadata == {"encoding": "iso-8859-1"}
    assert extract_html("<p>Die Brücke über den Fluß".encode("utf-16")).text.endswith("Fluß")


@pytest.mark.parametrize(
    "data",
    [
        b"GIF\0\0",
        b"ok\n" * 4000 + b"\0",
        b"\x89PNG\r\n\x1a\n\x01\xff",
        bytes(range(1, 256)),
        "\ufeffa\0b".encode("utf-16-le"),
    ],
)
def test_what_is_binary_says_so(data: bytes) -> None:
    with pytest.raises(ValueError, match="is a binary file"):
        decode(data)


def test_half_a_character_of_utf16_says_so() -> None:
    with pytest.raises(ValueError, match="looks like utf-16, but is not valid"):
        decode("\ufeffcafé".encode("utf-16-le")[:-1])


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


# --- front matter

FRONT = (
    "---\ntitle: 'The lamp'\nDate: 2024-05-03\nurl: https://x.test/a?b=c\n"
    'tags: [sea, "old"]\n---\n'
)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("name", ["txt", "md"])
def test_front_matter_says_title_date_url_and_tags_and_is_no_paragraph(
    name: str, newline: str
) -> None:
    text = (FRONT + "\n# Lit\n\nIn May.\n").replace("\n", newline)
    document = FORMATS[name].extract(text.encode())
    assert document.text == text
    assert blocks(document) == ["# Lit", "In May."]
    assert document.title == "The lamp"
    assert document.metadata == {
        "date": "2024-05-03",
        "url": "https://x.test/a?b=c",
        "tags": "sea, old",
    }


def test_tags_may_be_a_list_of_lines() -> None:
    text = "---\ntags:\n  - sea\n  - old\nnested:\n  deep: 1\n# said\n---\nText."
    assert extract_markdown(text.encode()).metadata == {"tags": "sea, old"}


@pytest.mark.parametrize(
    "text",
    [
        "---\n\nA rule, then text: more.\n\n---\n",
        "---\ntitle: never closed\n",
        "text\n---\ntitle: x\n---\n",
        "---\n---\nText.",
    ],
)
def test_what_is_no_front_matter_stays_text(text: str) -> None:
    assert extract_markdown(text.encode()).metadata == {}
    assert "title" not in text or "title" in "".join(blocks(extract_text(text.encode())))


def test_front_matter_builds_and_runs_nothing() -> None:
    text = '---\ntitle: !!python/object/apply:os.system ["x"]\ndate: &a *a\n---\nText.'
    document = extract_markdown(text.encode())
    assert document.title == '!!python/object/apply:os.system ["x"]'
    assert document.metadata == {"date": "&a *a"}


# --- html


def page(body: str, head: str = "<title>T</title>") -> Document:
    return extract_html(f"<!doctype html><html><head>{head}</head><body>{body}</body>".encode())


def test_html_keeps_the_main_content_and_drops_the_furniture() -> None:
    document = page(
        "<header>Site</header><nav>Menu</nav><main><h1>Head</h1><p>One <b>two</b>\n three.</p>"
        "<ul><li>item</li></ul><script>x()</script><style>p{}</style></main>"
        "<aside>Ads</aside><footer>Imprint</footer>"
    )
    assert blocks(document) == ["Head", "One two three.", "item"]


def test_html_without_a_main_part_is_read_without_its_furniture() -> None:
    document = page("<header>Site</header><div><p>Text.</p></div><footer>Imprint</footer>")
    assert blocks(document) == ["Text."]


def test_html_blocks_slice_back_and_headings_are_found() -> None:
    document = page("<h1>A</h1><p>x</p><h2>B</h2><p>y</p>")
    assert [(h.level, document.text[h.start : h.end]) for h in document.headings] == [
        (1, "A"),
        (2, "B"),
    ]


def test_html_entities_and_cells_are_text() -> None:
    document = page("<p>R&amp;D caf&eacute;</p><table><tr><td>1</td><td>2</td></tr></table>")
    assert blocks(document) == ["R&D café", "1 | 2"]


def test_a_page_in_another_charset_is_read_by_its_own_word() -> None:
    data = '<meta charset="iso-8859-1"><p>café</p>'.encode("latin-1")
    assert extract_html(data).text == "café"


def test_hidden_elements_and_comments_are_not_text() -> None:
    assert page("<p hidden>a</p><p aria-hidden=true>b</p><!-- c --><p>d</p>").text == "d"


def test_a_deeply_nested_page_is_read() -> None:
    assert page("<div>" * 20_000 + "deep" + "</div>" * 20_000).text == "deep"
