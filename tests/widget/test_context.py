"""What a popover and the passages show of a source: whole sentences, an ellipsis, no marks."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.browser import ask_in_chat, open_tab
from tests.support.fake_service import (
    FakeService,
    Page,
    answer,
    answer_events,
    citation,
    page_with_widget,
    passage,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from playwright.sync_api import Page as Tab

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def service() -> Iterator[FakeService]:
    with FakeService() as running:
        running.pages["/"] = Page(page_with_widget(running))
        yield running


@pytest.fixture(scope="module")
def page(browser: "Browser", service: FakeService) -> "Iterator[Tab]":
    with open_tab(browser) as (tab_, said):
        tab_.goto(service.url)
        yield tab_
        assert said == []


def quoted(page: "Tab", service: FakeService, text: str, quote: str, **changes: Any) -> str:
    """Returns what the popover shows of a text around its quote, which is in brackets."""
    start = text.index(quote)
    end = start + len(quote)
    around = {"before": text[max(0, start - 200) : start], "after": text[end : end + 200]}
    cited = citation(1, quote=quote, start=start, end=end, **around, **changes)
    service.script = lambda _: answer_events(answer("Yes. [1]", citations=[cited]))
    page.evaluate("() => document.querySelector('footnote-chat').clear()")
    ask_in_chat(page, "?")
    page.locator("footnote-chat .chip").hover()
    page.wait_for_selector("footnote-chat .proof:popover-open")
    parts = page.locator("footnote-chat .proof .quote > *").all_text_contents()
    page.keyboard.press("Escape")
    page.mouse.move(0, 0)
    return f"{parts[0]}[{parts[1]}]{parts[2]}"


LONG = "It was a long winter on the lake and in the hills around it, as every child could tell. "
LONGER = f"{LONG[:-2]}, and as even those said who had seen many a winter, far away."


@pytest.mark.parametrize(
    ("text", "quote", "shown"),
    [
        ("It was cold. It froze. It thawed.", "It froze.", "It was cold. [It froze.] It thawed."),
        (
            f"{LONG * 3}It froze. {LONG * 3}",
            "It froze.",
            f"… {LONG}[It froze.] {LONG}…",
        ),
        (
            "Rain. Sleet. Snow fell. It froze. Wind blew. Stars. Clouds.",
            "It froze.",
            "… Sleet. Snow fell. [It froze.] Wind blew. Stars. …",
        ),
        (
            "# Ice\n\nIt was old. Frost came.\n\nIt froze. Then it thawed.\n\nAnother matter.",
            "It froze.",
            "… Frost came.\n\n[It froze.] Then it thawed. …",
        ),
        (
            "It was **very** cold, see [the log](a.md). It `froze`. \n\n## Thaw\nIt *thawed*.",
            "It `froze`.",
            "It was very cold, see the log. [It froze.] \n\nThaw …",
        ),
        (
            "| Year | Days |\n|---|---:|\n| 1998 | 142 |\n| 2005 | 90 |\n",
            "| 1998 | 142 |",
            "Year · Days\n[1998 · 142]\n2005 · 90",
        ),
        (
            "In 1998 the lake\nwas watched by Dr. Ice,\nwho wrote it down. It froze. It was\ndeep.",
            "It froze.",
            "In 1998 the lake was watched by Dr. Ice, who wrote it down. [It froze.] It was deep.",
        ),
        ("天很冷。湖结冰了。后来化了。", "湖结冰了。", "天很冷。[湖结冰了。]后来化了。"),
        (
            f"{LONGER}\n\nIt froze.\n\n{LONGER}",
            "It froze.",
            "… [It froze.] …",
        ),
        ("x" * 500 + " It froze." + " y" * 300, "It froze.", "… [It froze.] …"),
        ("2**3 is 8. It froze. a | b", "It froze.", "2**3 is 8. [It froze.] a | b"),
    ],
)
def test_the_context_is_whole_sentences_without_marks(
    page: "Tab", service: FakeService, text: str, quote: str, shown: str
) -> None:
    assert quoted(page, service, text, quote) == shown


def test_code_is_shown_as_it_is(page: "Tab", service: FakeService) -> None:
    code = "def f(**options): `x`"
    shown = quoted(page, service, f"Write:\n\n{code}", code, unit="code")
    assert shown == f"Write:\n\n[{code}]"


def test_a_passage_is_shown_without_marks(page: "Tab", service: FakeService) -> None:
    text = (
        "## Ice\n\n> It **froze**, see [log](x.md).\n\n| Year | Days |\n|---|---|\n| 1998 | 142 |"
    )
    service.script = lambda _: answer_events(answer("Yes. [1]", passages=[passage(text=text)]))
    page.evaluate("() => document.querySelector('footnote-chat').clear()")
    ask_in_chat(page, "?")
    page.click("footnote-chat .found summary")
    shown = page.locator("footnote-chat .found li p").text_content()
    assert shown == "Ice\n\nIt froze, see log.\n\nYear · Days\n1998 · 142"


def test_marks_by_the_thousand_take_no_time(page: "Tab", service: FakeService) -> None:
    marks = ["**", "[", "[a](", "|-", "> ", "`", "a\n", " \t", "# "]
    text = "\n".join(mark * 20_000 for mark in marks)
    service.script = lambda _: answer_events(answer("Yes. [1]", passages=[passage(text=text)]))
    page.evaluate("() => document.querySelector('footnote-chat').clear()")
    page.set_default_timeout(15_000)
    ask_in_chat(page, "?")


@pytest.mark.parametrize("height", [420, 500, 600, 800])
def test_the_popover_does_not_cover_the_number_it_belongs_to(
    browser: "Browser", service: FakeService, height: int
) -> None:
    cited = citation(1, quote=LONG * 4, before=LONG * 2, after=LONG * 2, start=180)
    text = "It froze.\n\n" * 3 + "It thawed. [1]"
    service.script = lambda _: answer_events(answer(text, citations=[cited], passages=[]))
    with open_tab(browser, viewport={"width": 700, "height": height}) as (page, _):
        page.goto(service.url)
        ask_in_chat(page, "?")
        chip = page.locator("footnote-chat .chip")
        chip.hover()
        popover = page.locator("footnote-chat .proof:popover-open").bounding_box()
        number = chip.bounding_box()
        assert popover
        assert number
        is_below = popover["y"] >= number["y"] + number["height"]
        assert is_below or popover["y"] + popover["height"] <= number["y"]
        assert popover["y"] >= 0
        assert popover["y"] + popover["height"] <= height
