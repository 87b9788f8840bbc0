"""An article looks like itself, and what is marked of it are exactly the cited characters."""

import re
from collections.abc import Sequence
from html.parser import HTMLParser
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.wire.article.blocks import MAX_CELLS, render_article
from api.wire.article.marked_html import escape_text
from index.formats import FORMATS
from index.text.chunk import chunk
from index.text.limits import limit_document
from index.types import Chunk, Unit, UnitKind
from tests.support.every_format import every_format
from tests.support.parsed_page import ParsedPage
from tests.support.scaling import TEXTS, superlinear
from tests.support.xss_payloads import xss_payloads

TAGS = frozenset(
    "p h2 h3 h4 h5 h6 ul li pre code blockquote div table tr td th em strong del a span br hr "
    "mark".split()
)
ATTRIBUTES = frozenset({"class", "dir", "id", "scope", "tabindex", "role", "aria-label"})
LINK = {"href", "rel"}
VOID = frozenset({"br", "hr"})


def read(name: str, data: bytes) -> tuple[str, list[Chunk]]:
    document = limit_document(FORMATS[name.rpartition(".")[2]].extract(data))
    return document.text, list(chunk(document, "s", count_tokens=count_words))


def count_words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def render(text: str, chunks: Sequence[Chunk], first: int, last: int, path: str = "a.md") -> str:
    window = (0, len(text))
    return render_article(text, chunks, path=path, first=first, last=last, window=window)


def article(markdown: str, cited: str = "") -> str:
    text, chunks = read("a.md", markdown.encode())
    first = text.index(cited)
    return render(text, chunks, first, first + len(cited)).replace(' dir="auto"', "")


def marked(html: str) -> str:
    return ParsedPage(f'<div class="article">{html}</div>').marked


class StrictParser(HTMLParser):
    """Fails where a tag is not ours, is not closed in order, or has another attribute."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS
        assert {name for name, _ in attrs} <= (LINK if tag == "a" else ATTRIBUTES)
        assert not (tag == "a" and "a" in self.open), "a link within a link"
        self.links += [value or "" for name, value in attrs if name == "href"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


MARKDOWN = st.lists(
    st.sampled_from(
        [
            *("a ", "b", "word ", "Ü. ", "C", "\n", "\n\n", " ", "- ", "  - ", "1. ", "# ", "> "),
            *(
                "*",
                "**",
                "_",
                "~~",
                "`",
                "``",
                "[",
                "]",
                "![",
                "](http://x.y/z)",
                "](javascript:1)",
            ),
            *(
                "|",
                "| a | b |\n|---|---|\n| c | d |\n",
                "```\n",
                "    ",
                "***\n",
                "\\",
                "\\*",
                "==",
            ),
            *("<b>", "</b>", "<br>", "<script>", "<tr><td>", "</td></tr>", "<!-- c -->", "&amp;"),
            *("https://a.b/c_d ", "[r]: http://r.s\n", "[r]", "---\n", "\u202e", "<", ">", '"'),
        ]
    ),
    max_size=40,
).map("".join)


@settings(max_examples=300)
@given(MARKDOWN)
def test_markdown_never_becomes_html_of_its_own(markdown: str) -> None:
    text, chunks = read("a.md", markdown.encode())
    for link in StrictParser(render(text, chunks, 0, len(text))).links:
        assert link.startswith(("http://", "https://"))


@settings(max_examples=300)
@given(MARKDOWN, st.data())
def test_a_mark_ends_where_the_next_begins(markdown: str, data: st.DataObject) -> None:
    text, chunks = read("a.md", markdown.encode())
    first, middle, last = sorted(data.draw(st.integers(0, len(text))) for _ in range(3))
    parts = [render(text, chunks, *span) for span in ((first, middle), (middle, last))]
    whole = render(text, chunks, first, last)
    assert "".join(map(marked, parts)) == marked(whole)
    StrictParser(whole)


WORDS = st.lists(
    st.sampled_from(
        [
            *("a ", "b", "word ", "Ü. ", "漢字", "7 ", "\n", "\n\n", "- ", "  - ", "1. ", "# "),
            *(
                "> ",
                "*",
                "**",
                "_",
                "~~",
                "`",
                "[",
                "]",
                "(",
                ")",
                "|",
                "| a | b |\n|---|---|\n| c |\n",
            ),
            *("    ", "***\n", "\\", "<x>", "</x>", "==\n", "---\n", "&", "\u202e"),
        ]
    ),
    max_size=40,
).map("".join)


@settings(max_examples=500)
@given(WORDS, st.data())
def test_every_letter_and_figure_of_a_passage_is_shown_and_marked(
    markdown: str, data: st.DataObject
) -> None:
    text, chunks = read("a.md", markdown.encode())
    first, last = sorted(data.draw(st.integers(0, len(text))) for _ in range(2))
    shown = marked(render(text, chunks, first, last)).replace("\\u202e", "")
    assert letters(shown) == letters(text[first:last])


def letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))


HREF = '<a href="https://x.y/?a=1&amp;b=2" rel="noopener noreferrer nofollow">'
LOOKS = [
    ("# Head *em*", "<h2>Head <em>em</em></h2>"),
    ("Head\n----\n", "<h3>Head</h3>"),
    ("**a** _b_ ~~d~~", "<p><strong>a</strong> <em>b</em> <del>d</del></p>"),
    ("***c*** x_y_z 2 * 3", "<p><em><strong>c</strong></em> x_y_z 2 * 3</p>"),
    ("`a*b*` ``c ` d`` `e", "<p><code>a*b*</code> <code>c ` d</code> `e</p>"),
    ("a  \nb\\\nc", "<p>a<br>\nb<br>\nc</p>"),
    (r"\*a\* \[b]", "<p>*a* [b]</p>"),
    ("[a *b*](https://x.y/?a=1&b=2 't')", f"<p>{HREF}a <em>b</em></a></p>"),
    ("![c](d.png) e", '<p><span class="image">c</span> e</p>'),
    ("[a](javascript:alert(1)) [b](/c)", "<p><span>a</span> <span>b</span></p>"),
    ("[a][r] [R]\n\n[r]: https://x.y/?a=1&b=2\n", f"<p>{HREF}a</a> {HREF}R</a></p>"),
    (
        "- a\n  - b\n- c\n\n  d",
        '<ul><li class="level0 bullet">a</li><li class="level1 bullet">b</li>'
        '<li class="level0 bullet">c</li><li class="level0 plain">d</li></ul>',
    ),
    ("2. a", '<ul><li class="level0 numbered">2. a</li></ul>'),
    ("> a\n> b", "<blockquote><p>a\nb</p></blockquote>"),
    ("a\n\n---\n\nb", "<p>a</p><hr><p>b</p>"),
    ("```py\nx = 1\n\n\ny\n```", "<pre><code>x = 1\n\n\ny\n</code></pre>"),
    ("a:\n\n    x\n      y\n", "<p>a:</p><pre><code>x\n  y</code></pre>"),
    ("<b>a</b><br>b <host> <!-- c -->", "<p>a<br>b &lt;host&gt; &lt;!-- c --&gt;</p>"),
    ("---\ntitle: T\n---\nText.", '<p class="front">title: T</p><p>Text.</p>'),
]


@pytest.mark.parametrize(("markdown", "html"), LOOKS)
def test_markdown_looks_like_itself(markdown: str, html: str) -> None:
    assert article(markdown).removesuffix('<mark id="cite"></mark>') == html


TABLE = "Days:\n\n| Land | Days |\n|:---|---:|\n| **Spain** | 26 \\| 27 |\n| | 28 |\n\nEnd."


def test_a_table_has_its_header_and_a_marked_row() -> None:
    html = article(TABLE, "| **Spain** | 26 \\| 27 |")
    assert html.count("<tr>") == 3
    assert "<th scope=col>Land</th><th scope=col>Days</th>" in html
    assert '<td><strong><mark id="cite">Spain</mark></strong></td><td><mark>26 </mark>' in html
    assert marked(html) == "Spain26 | 27"
    assert "<td></td><td>28</td>" in html
    assert html.endswith("<p>End.</p>")


def test_a_passage_of_several_blocks_is_marked_in_each() -> None:
    html = article("One.\n\n- two\n- three\n\nFour.", "One.\n\n- two")
    assert marked(html) == "One.two"
    assert html.count('id="cite"') == 1


def test_a_passage_of_markers_alone_can_be_scrolled_to() -> None:
    assert article("a\n\n**b**", "**") == (
        '<p>a</p><p><strong><mark id="cite"></mark>b</strong></p>'
    )


@pytest.mark.parametrize("name", sorted(every_format()))
def test_every_format_shows_its_words_and_marks_what_is_cited(name: str) -> None:
    text, chunks = read(name, every_format()[name])
    for word in ("lit in 1871", "The lamp"):
        first = text.index(word)
        html = render(text, chunks, first, first + len(word), path=name)
        StrictParser(html)
        assert marked(html) == word


PAGE = b"""<html><title>T</title><body><h1>T</h1><p>Of tides and ports, here is a table of them:
</p><table><tr><th>Port</th><th>a | b</th></tr><tr><td>Brest</td><td>2</td></tr>
<tr><td></td><td>5</td></tr></table><ul><li>one<ul><li>two</li></ul></li></ul><dl><dt>Ebb</dt>
<dd>Water falls.</dd></dl><pre>x\n  y</pre></body></html>"""


def test_a_web_page_has_its_table_list_terms_and_code() -> None:
    text, chunks = read("a.html", PAGE)
    html = render(text, chunks, *[text.index("Brest"), text.index("Brest") + 5], path="a.html")
    html = html.replace(' dir="auto"', "")
    assert "<th scope=col>Port</th><th scope=col>a | b</th>" in html
    assert '<td><mark id="cite">Brest</mark></td><td>2</td></tr><tr><td></td><td>5</td>' in html
    assert '<li class="level0 bullet">one</li><li class="level1 bullet">two</li>' in html
    assert '<p class="term">Ebb</p>' in html
    assert "<pre><code>x\n  y</code></pre>" in html


def test_what_is_hostile_stays_text() -> None:
    for payload in xss_payloads("https://evil.example"):
        text = f"Before it. {payload} After it."
        for name in ("a.md", "a.txt"):
            for link in StrictParser(render(text, whole(text), 0, len(text), path=name)).links:
                assert link.startswith(("http://", "https://"))


@pytest.mark.parametrize(
    "markdown",
    [
        "\n".join("  " * depth + "- item" for depth in range(300)),
        "> " * 10_000 + "deep",
        "- " * 10_000 + "deep",
        "<div>" * 10_000 + "deep",
        "|" + " a |" * 5_000 + "\n|" + "---|" * 5_000 + "\n|" + " 1 |" * 5_000 + "\n",
        "*a " * 10_000 + "**b" * 10_000,
        "[" * 20_000 + "a" + "](http://x.y)" * 5_000,
    ],
)
def test_depth_and_width_are_bounded(markdown: str) -> None:
    try:
        text, chunks = read("a.md", markdown.encode())
    except RecursionError:
        text, chunks = markdown, []
    html = render(text, chunks, 0, 20)
    StrictParser(html)
    assert max(row.count("<td") for row in html.split("<tr>")) <= MAX_CELLS
    assert len(html) < 20 * len(text) + 1_000


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_rendering_takes_linear_time(name: str) -> None:
    def work(text: str) -> None:
        render(text, [], 0, 10)
        render(text, whole(text), 0, 10)
        render(text, whole(text, "row"), 0, 10)
        for kind in get_args(UnitKind):
            render(text, lines(text, kind), 0, 10)

    assert superlinear(work, TEXTS[name], 30_000) is None


def whole(text: str, kind: UnitKind = "sentence") -> list[Chunk]:
    """One unit of all of it."""
    return [Chunk(0, "c", "s", 0, len(text), (Unit(0, len(text), kind),))]


def lines(text: str, kind: UnitKind) -> list[Chunk]:
    """Each line is a unit, or each hundred characters."""
    starts = [
        0,
        *sorted({m.end() for m in re.finditer("\n", text)} | set(range(0, len(text), 100))),
    ]
    units = tuple(Unit(a, b, kind) for a, b in pairwise([*starts, len(text)]) if a < b)
    return [Chunk(0, "c", "s", 0, len(text), units)]


def test_escapes_are_the_plain_pages_own() -> None:
    assert escape_text("<\u202e") == "&lt;\\u202e"
