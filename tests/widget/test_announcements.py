"""What the chat shows a reader in plain sight."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.support.browser import ask_in_chat, open_tab
from tests.support.fake_service import (
    FakeService,
    Page,
    ProblemReply,
    answer,
    answer_events,
    citation,
    page_with_widget,
    sentence,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from playwright.sync_api import Page as Tab

pytestmark = pytest.mark.browser

TABLE = "| year | days | depth of the ice in centimetres | remark |\n|-|-|-|-|\n"
TABLE += "| 1998 | 142 | 88 | the longest of all [1] |"


@pytest.fixture
def service() -> Iterator[FakeService]:
    with FakeService() as running:
        running.pages["/"] = Page(page_with_widget(running))
        yield running


def test_a_narrow_table_breaks_no_word(browser: "Browser", service: FakeService) -> None:
    service.script = lambda _: answer_events(answer(TABLE))
    with open_tab(browser, viewport={"width": 320, "height": 640}) as (page, _):
        page.goto(service.url)
        ask_in_chat(page, "?")
        cells = page.locator("footnote-chat :is(td, th):nth-child(-n + 2)")
        lines = cells.evaluate_all(
            "(cells) => cells.map((cell) => { const range = document.createRange();"
            " range.selectNodeContents(cell); return range.getClientRects().length; })"
        )
        assert lines == [1, 1, 1, 1]
        log = page.locator("footnote-chat .log")
        assert log.evaluate("(log) => log.scrollWidth <= log.clientWidth")


def test_the_button_says_that_it_copied(browser: "Browser", service: FakeService) -> None:
    with open_tab(browser, permissions=["clipboard-read", "clipboard-write"]) as (page, _):
        page.goto(service.url)
        ask_in_chat(page, "One?")
        page.get_by_role("button", name="Copy with sources").click()
        page.get_by_role("button", name="Copied", exact=True).wait_for()
        ask_in_chat(page, "Two?")
        page.get_by_role("button", name="Copy with sources").click()
        page.get_by_role("button", name="Copy with sources").wait_for()
        assert page.get_by_role("button", name="Copied", exact=True).count() == 1


def test_a_copy_that_the_browser_refuses_is_said(page: "Tab", service: FakeService) -> None:
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.goto(service.url)
    ask_in_chat(page, "One?")
    page.get_by_role("button", name="Copy with sources").click()
    page.get_by_text("Something went wrong.").wait_for(state="attached")
    assert page.get_by_role("button", name="Copied", exact=True).count() == 0


def test_a_wrong_key_is_said_to_be_wrong(browser: "Browser", service: FakeService) -> None:
    service.script = lambda _: ProblemReply(401, "unauthenticated", "a key is needed")
    with open_tab(browser) as (page, _):  # whose console names each 401
        page.goto(service.url)
        page.fill("footnote-chat #question", "Who?")
        page.press("footnote-chat #question", "Enter")
        page.get_by_text("This service requires an API key").first.wait_for()
        page.fill("footnote-chat [name=key]", "fn_wrong")
        page.press("footnote-chat [name=key]", "Enter")
        said = page.locator("footnote-chat form.note strong")
        said.filter(has_text="Invalid, expired or revoked key").wait_for()


@pytest.mark.parametrize("complete", [True, False])
def test_an_answer_found_by_words_alone_says_so(
    page: "Tab", service: FakeService, complete: bool
) -> None:
    index = {"collection": "default", "generation": "000001", "complete": complete}
    service.script = lambda _: answer_events(answer("Yes. [1]", index=index))
    page.goto(service.url)
    ask_in_chat(page, "One?")
    assert page.get_by_text("Keyword search only").count() == (not complete)


def test_a_quote_that_is_scrolled_begins_with_a_whole_line(
    page: "Tab", service: FakeService
) -> None:
    page.set_viewport_size({"width": 700, "height": 400})
    before = "It was cold, " * 14 + "so. "
    cited = citation(before=before, quote="The lake froze. " * 20, start=len(before))
    service.script = lambda _: answer_events(answer("It froze. [1]") | {"citations": [cited]})
    page.goto(service.url)
    ask_in_chat(page, "?")
    page.locator("footnote-chat .chip").first.hover()
    quote = page.locator("footnote-chat .proof:popover-open .quote")
    lines = quote.evaluate(
        "(quote) => quote.scrollTop / parseFloat(getComputedStyle(quote).lineHeight)"
    )
    assert lines >= 1
    assert abs(lines - round(lines)) < 0.1


def test_an_empty_index_is_said_once(page: "Tab", service: FakeService) -> None:
    said = "There is nothing to answer from: the index holds no articles."
    empty = answer(
        said, format="text", answered=False, reason="index_empty", sentences=[], passages=[]
    )
    service.script = lambda _: answer_events(empty | {"citations": []})
    page.goto(service.url)
    ask_in_chat(page, "?")
    assert page.inner_text("footnote-chat .refused").split("\n\n") == ["Not answered", said]


def test_a_tables_head_is_not_blamed_for_having_no_source(
    page: "Tab", service: FakeService
) -> None:
    head, row = TABLE.split("\n| 1998")
    said = [sentence(head, TABLE, "uncited"), sentence("| 1998" + row, TABLE, "uncited")]
    service.script = lambda _: answer_events(answer(TABLE, format="markdown", sentences=said))
    page.goto(service.url)
    ask_in_chat(page, "?")
    assert page.locator("footnote-chat .doubts li").count() == 1
    assert "1998" in page.inner_text("footnote-chat .doubts")
