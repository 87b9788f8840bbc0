"""An answer of several lines keeps them: list items, steps and code, while it streams and after."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.support.browser import ask_in_chat
from tests.support.fake_service import (
    Event,
    FakeService,
    Json,
    Page,
    answer,
    answer_events,
    citation,
    page_with_widget,
    sentence,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page as Tab

pytestmark = pytest.mark.browser

LONG = "next to the town hall and reached by three lines of the underground " * 3
LIST = f"We have offices: [1]\n- Cork [1]\n- Madrid [1]\n  - {LONG}[1]\n    1. Left [1]\n- Bonn [1]"
CODE = "def size():\n    x = 1\n\n    return x  # - 2\n- a: b"
TEXT = f"Run this: [1]\n{CODE} [2]\n1. Wait. [1]"


def left_edges(page: "Tab") -> list[list[float]]:
    """For each item, the left edges of what stands behind its marker, line by line."""
    edges: list[list[float]] = page.locator("footnote-chat .item").evaluate_all(
        """(items) => items.map((item) => {
            const text = document.createRange();
            text.selectNodeContents(item.childNodes[1]);
            const lines = [...text.getClientRects()].filter((line) => line.width > 9);
            return [...new Set(lines.map((line) => Math.round(line.left)))];
        })"""
    )
    return edges


@pytest.fixture
def service() -> Iterator[FakeService]:
    with FakeService() as running:
        running.pages["/"] = Page(page_with_widget(running))
        yield running


def ask(page: "Tab", service: FakeService, text: str) -> str:
    whole = answer(text, format="text")
    service.script = lambda _: answer_events(whole, piece=3)
    page.goto(service.url)
    ask_in_chat(page, "?")
    return page.inner_text("footnote-chat .text")


def test_the_lines_of_a_list_stay_and_wrap_under_their_text(
    page: "Tab", service: FakeService
) -> None:
    page.set_viewport_size({"width": 360, "height": 700})
    assert ask(page, service, LIST) == LIST
    edges = left_edges(page)
    assert [len(of) for of in edges] == [1] * 5, "all lines of an item begin at one edge"
    cork, madrid, street, left, bonn = (of[0] for of in edges)
    assert cork == madrid == bonn < street < left
    log = page.locator("footnote-chat .log")
    assert log.evaluate("(log) => log.scrollWidth <= log.clientWidth")


def code_events() -> Iterator[Event]:
    said = [
        sentence("Run this: [1]", TEXT),
        sentence(f"{CODE} [2]", TEXT, citations=[2]),
        sentence("1. Wait. [1]", TEXT),
    ]
    cited = [citation(1, unit="item"), citation(2, unit="code")]
    yield from answer_events(answer(TEXT, format="text", sentences=said, citations=cited))


@pytest.mark.parametrize("streamed", [True, False])
def test_lines_of_code_are_shown_as_code(page: "Tab", service: FakeService, streamed: bool) -> None:
    events = list(code_events())
    service.script = lambda _: events if streamed else events[-1:]
    page.goto(service.url)
    ask_in_chat(page, "?")
    lines = page.locator("footnote-chat .code")
    shown = lines.evaluate_all("(all) => all.map((line) => line.textContent)")
    assert shown == [line for line in f"{CODE} [2]".split("\n") if line]
    assert "mono" in lines.first.evaluate("(line) => getComputedStyle(line).fontFamily")
    assert page.locator("footnote-chat .item").all_inner_texts() == ["1. Wait. [1]"]
    indents = lines.evaluate_all(
        """(all) => all.map((line) => {
            const text = document.createRange();
            const found = line.textContent.search(/\\S/);
            text.setStart(line.firstChild, Math.min(found, line.firstChild.length - 1));
            text.setEnd(line.firstChild, line.firstChild.length);
            return Math.round(text.getBoundingClientRect().left);
        })"""
    )
    assert indents[0] < indents[1] == indents[2], "the line after a blank one is indented, too"


def test_lines_that_came_stay_where_they_are(page: "Tab", service: FakeService) -> None:
    page.goto(service.url)
    page.evaluate(
        """() => {
            const root = document.querySelector("footnote-chat").shadowRoot;
            window.moved = [];
            const tops = [];
            const look = () => {
                [...root.querySelectorAll(".line")].slice(0, -1).forEach(({ offsetTop }, index) => {
                    tops[index] ??= offsetTop;
                    if (tops[index] !== offsetTop) moved.push([index, tops[index], offsetTop]);
                });
                if (!root.querySelector(".tools")) requestAnimationFrame(look);
            };
            requestAnimationFrame(look);
        }"""
    )
    lines: list[Event] = []
    for line in LIST.splitlines(keepends=True):
        lines.append(("delta", {"text": line, "format": "text"}))
    done: Json = answer(LIST, format="text")
    service.script = lambda _: [*lines, ("done", done)]
    ask_in_chat(page, "?")
    assert page.evaluate("moved") == []
    assert page.locator("footnote-chat .line").count() == len(lines)
