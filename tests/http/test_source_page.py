"""The page of an article: it marks exactly the passage, and nothing in the article gets out."""

from dataclasses import replace
from html import escape as escape_html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.wire.escape import escape
from api.wire.source_page import (
    CONTEXT_CHARS,
    describe_location,
    render_not_found,
    render_source_page,
)
from index.types import Chunk, Source
from tests.support.parsed_page import ParsedPage

SHA256 = "ab" * 32
NASTY = (
    'He said "<script>alert(1)</script>" & left.\r\nNext \u202eline</mark></div>\x1b[0m '
    "<img src=x onerror=alert(1)> 👩\u200d🔬 end. "
)


def source(title: str = "A title", path: str = "a.txt") -> Source:
    return Source(
        id="s", path=path, title=title, sha256=SHA256, size=1, mtime_ns=0, length=1, metadata={}
    )


def render(text: str, start: int | None, end: int | None, version: str | None = SHA256[:12]) -> str:
    page = render_source_page(source(), text, start=start, end=end, version=version)
    return bytes(page.body).decode()


TEXTS = st.text(st.sampled_from([*"ab <>&\"'\n\r\t$", "\u202e", "\x00", "\u2028", "é", "😀"]))


@given(TEXTS, st.data())
def test_exactly_the_passage_is_marked(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    page = ParsedPage(render(text, start, end))
    assert page.marked == escape(text[start:end])
    parts = (text[:start], text[start:end], text[end:]) if start < end else (text,)
    whole = "".join(map(escape, parts))
    assert page.article == whole


def test_a_link_to_an_article_says_nothing_of_a_passage_that_changed() -> None:
    assert render(NASTY, 0, 0, version="other") == render(NASTY, 0, 0)


def test_an_article_cannot_leave_its_page() -> None:
    page = ParsedPage(render(NASTY * 3, 10, 60))
    assert {"script", "img"}.isdisjoint(page.tags)
    assert page.tags.count("mark") == 1
    assert "\\u202eline" in page.article


def test_a_title_and_a_path_cannot_either() -> None:
    html = bytes(
        render_source_page(source(NASTY, NASTY), "x", start=0, end=1, version=None).body
    ).decode()
    assert {"script", "img"}.isdisjoint(ParsedPage(html).tags)


def test_a_changed_file_is_said_and_nothing_marked() -> None:
    html = render("The text is another now.", 4, 400, version="0" * 12)
    assert "has changed since it was cited" in html
    assert "<mark" not in html


def test_without_a_passage_the_whole_article_is_shown() -> None:
    page = ParsedPage(render("All of it.", None, None))
    assert page.article == "All of it."
    assert page.marked == ""


def test_a_long_article_is_cut_around_its_passage() -> None:
    text = "x" * 3 * CONTEXT_CHARS + "HERE" + "y" * 3 * CONTEXT_CHARS
    start = text.index("HERE")
    html = render(text, start, start + 4)
    assert ParsedPage(html).marked == "HERE"
    assert len(ParsedPage(html).article) == 2 * CONTEXT_CHARS + 4
    assert "only the text around" in html


@pytest.mark.parametrize(
    "page", [render_source_page(source(), "x", start=0, end=1, version=None), render_not_found(404)]
)
def test_the_page_runs_nothing_and_loads_only_our_style(page: object) -> None:
    policy = getattr(page, "headers")["content-security-policy"]  # noqa: B009  # any response
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "unsafe" not in policy


def test_the_page_says_which_page_and_heading_the_passage_is_of() -> None:
    chunk = Chunk(1, "b", "s", 7, 12, (), heading="Tides › <b>\u202e", page=2)
    where = describe_location(chunk)
    assert (where, describe_location(None)) == ("page 2, Tides › <b>\u202e", "")
    page = render_source_page(
        source(), "First. Second.", start=7, end=14, version=None, location=where
    )
    assert "from line 1, page 2, Tides › &lt;b&gt;\\u202e" in bytes(page.body).decode()


@pytest.mark.parametrize(
    ("date", "shown"),
    [
        ("2026-03-05", "5 March 2026"),
        ("2024-07", "July 2024"),
        ("1999", "1999"),
        ("2026-02-31", None),
        ("last spring", None),
        ('1999"><script>', None),
    ],
)
def test_the_page_says_of_which_day_the_article_is(date: str, shown: str | None) -> None:
    page = render_source_page(
        replace(source(), metadata={"date": date}), "x", start=0, end=1, version=None
    )
    html = bytes(page.body).decode()
    assert (f'<time datetime="{date}">{shown}</time>' in html) == (shown is not None)
    assert ("<time" in html) == (shown is not None)
    assert "script" not in ParsedPage(html).tags


@pytest.mark.parametrize(
    "unit",
    [
        "| Spain | 26 |",
        "  - Calle Nueva 7",
        "```sh\nfor host in a; do\n    curl $host\ndone\n```",
        "Name: <b>Ada</b>",
    ],
)
def test_exactly_the_quoted_unit_is_marked_with_its_blanks(unit: str) -> None:
    text = f"Before it.\n{unit}\nAfter it."
    start = text.index(unit)
    assert ParsedPage(render(text, start, start + len(unit))).marked == unit


@pytest.mark.parametrize(
    ("url", "is_linked"),
    [
        ("https://example.org/ice?a=1&b=2", True),
        ('https://example.org/"><script>alert(1)</script>', True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("https://example.org/\u202ea", False),
        ("", False),
    ],
)
def test_an_article_that_was_a_page_links_to_it(url: str, is_linked: bool) -> None:
    page = render_source_page(
        replace(source(), metadata={"url": url}), "x", start=0, end=1, version=None
    )
    html = bytes(page.body).decode()
    assert ('rel="noopener noreferrer nofollow"' in html) == is_linked
    assert f'<a href="{escape_html(url)}"' in html or not is_linked
    assert "script" not in ParsedPage(html).tags
