"""A model's Markdown is shown as elements of an allow-list; HTML in it, and entities, as text."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.support.browser import ask_in_chat, open_tab
from tests.support.fake_service import (
    FakeService,
    Page,
    answer,
    answer_events,
    page_with_widget,
    sentence,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from playwright.sync_api import Page as Tab

pytestmark = pytest.mark.browser

SHAPE = """(element) => [...element.querySelectorAll(".block")].map((block) => block.innerHTML)"""


@pytest.fixture(scope="module")
def service() -> Iterator[FakeService]:
    with FakeService() as running:
        running.pages["/"] = Page(page_with_widget(running))
        yield running


@pytest.fixture
def page(browser: "Browser", service: FakeService) -> "Iterator[Tab]":
    with open_tab(browser) as (tab_, said):
        tab_.goto(service.url)
        yield tab_
        assert said == []


def shape(page: "Tab", service: FakeService, text: str) -> list[str]:
    """Returns the HTML of each block of an answer."""
    service.script = lambda _: answer_events(answer(text, citations=[]), piece=4)
    ask_in_chat(page, "?")
    blocks: list[str] = page.locator("footnote-chat .turn .text").last.evaluate(SHAPE)
    return blocks


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("# Ice *now*", ["<p><strong>Ice <em>now</em></strong></p>"]),
        (
            "**a** ~~b~~ `c<d`  \ne",
            ["<p><strong>a</strong> <del>b</del> <code>c&lt;d</code><br>e</p>"],
        ),
        ("3. a\n4. b", ['<ol start="3"><li>a</li><li>b</li></ol>']),
        ("- a\n  - b", ["<ul><li>a<ul><li>b</li></ul></li></ul>"]),
        ("- a\n\n- b", ["<ul><li><p>a</p></li><li><p>b</p></li></ul>"]),
        ("- [x] a\n- [ ] b", ["<ul><li>☑ a</li><li>☐ b</li></ul>"]),
        ("> a\n\n---", ["<blockquote><p>a</p></blockquote>", "<hr>"]),
        ("```sh\ncd <x>\n```", ["<pre><code>cd &lt;x&gt;</code></pre>"]),
        (
            "|a|b|\n|-|-|\n|1|**2**|",
            [
                "<table><thead><tr><th>a</th><th>b</th></tr></thead>"
                "<tbody><tr><td>1</td><td><strong>2</strong></td></tr></tbody></table>"
            ],
        ),
        ("[a *b*](https://x.example) ![c](d.png)", ["<p>a <em>b</em> c</p>"]),
        ("<b>a</b> \\*c\\*", ["<p>&lt;b&gt;a&lt;/b&gt; *c*</p>"]),
        ("<div>\na\n</div>", ["<p>&lt;div&gt;\na\n&lt;/div&gt;</p>"]),
    ],
)
def test_each_kind_of_markdown_has_its_element(
    page: "Tab", service: FakeService, text: str, blocks: list[str]
) -> None:
    assert shape(page, service, text) == blocks


def test_entities_are_decoded_unless_they_hide_or_reorder_something(
    page: "Tab", service: FakeService
) -> None:
    text = "a &amp; b &lt;i&gt; &#8364; &#x20AC; &unknown; &#x202e; &#0; `&amp;`"
    shown = "a & b <i> € € &unknown; &#x202e; &#0; &amp;"
    shape(page, service, text)
    assert page.inner_text("footnote-chat .text") == shown


def test_a_doubtful_sentence_with_markup_and_entities_is_underlined(
    page: "Tab", service: FakeService
) -> None:
    text = "Snow &amp; **ice** held. It froze at &#48; &lt; 1."
    said = [sentence("It froze at &#48; &lt; 1.", text, "unsupported", citations=[])]
    service.script = lambda _: answer_events(answer(text, sentences=said, citations=[]), piece=5)
    ask_in_chat(page, "?")
    marked = page.locator("footnote-chat .doubtful").all_inner_texts()
    assert "".join(marked) == "It froze at 0 < 1."


def test_quotes_nested_by_the_hundred_are_shown(page: "Tab", service: FakeService) -> None:
    shape(page, service, ">" * 300 + " deep")
    assert page.inner_text("footnote-chat .text").strip() == "deep"
