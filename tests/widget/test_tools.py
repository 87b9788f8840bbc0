"""What a reader does with an answer: asks again, edits, links, follows a suggestion."""

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.browser import ask_in_chat, focused_element, open_tab
from tests.support.fake_service import (
    DISCONNECT,
    FakeService,
    Json,
    Page,
    Step,
    answer,
    answer_events,
    page_with_widget,
    passage,
)
from tests.support.processes import RunningService

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from playwright.sync_api import Page as Tab

pytestmark = pytest.mark.browser

AGAIN, EDIT, LINK = "Ask again", "Edit the question", "Copy a link to this question"
KNOWN = "How many showrooms for Xiaomi cars are there, and in how many cities?"
REFUSED = answer(
    "The articles do not seem to answer this.",
    format="text",
    answered=False,
    reason="low_confidence",
    citations=[],
)


def numbered(body: Json) -> Iterator[Step]:
    """An answer that repeats its question and says how much of a conversation it follows."""
    text = f"{body['question']} after {len(body['history'])}. [1]"
    yield from answer_events(answer(text, body["question"]))


@pytest.fixture
def fake() -> Iterator[FakeService]:
    with FakeService(numbered) as running:
        running.pages["/"] = Page(page_with_widget(running))
        yield running


@pytest.fixture
def page(browser: "Browser", fake: FakeService) -> "Iterator[Tab]":
    with open_tab(browser) as (tab_, said):
        tab_.goto(fake.url)
        yield tab_
        assert [line for line in said if "Failed to load resource" not in line] == []


def turns(page: "Tab") -> list[str]:
    return page.locator("footnote-chat .turn .text").all_inner_texts()


def wait_for_answer(page: "Tab", text: str) -> None:
    page.locator("footnote-chat .turn:last-of-type .text", has_text=text).wait_for()
    page.wait_for_selector("footnote-chat .turn:last-of-type .tools")


def test_the_last_question_is_asked_again_and_its_answer_replaced(
    page: "Tab", fake: FakeService
) -> None:
    ask_in_chat(page, "One?")
    ask_in_chat(page, "Two?")
    assert page.get_by_role("button", name=AGAIN).count() == 1, "the last question only"
    fake.script = lambda body: answer_events(answer("Better. [1]", body["question"]))
    page.get_by_role("button", name=AGAIN).click()
    wait_for_answer(page, "Better.")
    assert turns(page) == ["One? after 0. [1]", "Better. [1]"]
    asked = fake.posted_bodies("/v1/answers")[-1]
    assert asked["question"] == "Two?"
    assert [message["content"] for message in asked["history"]] == ["One?", "One? after 0. [1]"]
    page.reload()
    page.locator("footnote-chat .turn").nth(1).wait_for()
    assert turns(page) == ["One? after 0. [1]", "Better. [1]"]


def test_the_last_question_is_edited_and_its_answer_replaced(
    page: "Tab", fake: FakeService
) -> None:
    ask_in_chat(page, "One?")
    ask_in_chat(page, "Tow?")
    page.get_by_role("button", name=EDIT).click()
    assert page.input_value("footnote-chat #question") == "Tow?"
    assert focused_element(page) == "question"
    assert turns(page)[1] == "Tow? after 2. [1]", "nothing goes before the new question is sent"
    page.get_by_text("Your next question replaces the last one.").wait_for()
    page.keyboard.press("Control+A")
    page.keyboard.type("Two?")
    page.keyboard.press("Enter")
    wait_for_answer(page, "Two?")
    assert turns(page) == ["One? after 0. [1]", "Two? after 2. [1]"]
    assert page.locator("footnote-chat .editing").count() == 0
    ask_in_chat(page, "Three?")
    assert len(turns(page)) == 3


@pytest.mark.parametrize("way", ["button", "Escape"])
def test_an_edit_can_be_cancelled(page: "Tab", way: str) -> None:
    ask_in_chat(page, "One?")
    page.get_by_role("button", name=EDIT).click()
    if way == "button":
        page.get_by_role("button", name="Cancel").click()
    else:
        page.keyboard.press("Escape")
    assert page.input_value("footnote-chat #question") == ""
    assert focused_element(page) == "question"
    ask_in_chat(page, "Two?")
    assert len(turns(page)) == 2


def test_a_script_that_asks_replaces_nothing_that_is_edited(page: "Tab") -> None:
    ask_in_chat(page, "One?")
    page.get_by_role("button", name=EDIT).click()
    page.evaluate("() => document.querySelector('footnote-chat').ask('Two?')")
    assert len(turns(page)) == 2


def test_a_stopped_and_a_failed_question_can_be_edited(page: "Tab", fake: FakeService) -> None:
    gate = threading.Event()
    fake.script = lambda _: [gate]
    page.fill("footnote-chat #question", "Slow?")
    page.press("footnote-chat #question", "Enter")
    page.click("footnote-chat .send")
    page.get_by_role("button", name=EDIT).click()
    fake.script = lambda _: [DISCONNECT]
    page.press("footnote-chat #question", "Enter")
    page.get_by_text("The connection was lost").wait_for()
    fake.script = numbered
    page.get_by_role("button", name=EDIT).click()
    page.fill("footnote-chat #question", "Fast?")
    page.press("footnote-chat #question", "Enter")
    wait_for_answer(page, "Fast?")
    assert turns(page) == ["Fast? after 0. [1]"]
    gate.set()


def test_the_tools_go_by_keyboard(page: "Tab") -> None:
    ask_in_chat(page, "One?")
    names = []
    for _ in range(5):
        page.keyboard.press("Shift+Tab")
        names.append(
            page.evaluate(
                "() => document.activeElement.shadowRoot.activeElement.getAttribute('aria-label')"
            )
        )
    assert names == [EDIT, AGAIN, LINK, "Bad answer", "Good answer"]


def test_sources_used_are_counted_and_the_passages_are_behind_a_fold(
    page: "Tab", fake: FakeService
) -> None:
    found = [passage(1), passage(2, source="river.txt", title="The river")]
    fake.script = lambda _: answer_events(answer("Yes. [1]", passages=found))
    ask_in_chat(page, "One?")
    summary = page.locator("footnote-chat .found summary")
    assert " ".join(summary.inner_text().split()) == "1 source used The lake"
    assert page.locator("footnote-chat .found li").first.is_hidden()
    summary.click()
    assert page.locator("footnote-chat .found li").count() == 2


def test_a_refusal_suggests_questions(page: "Tab", fake: FakeService) -> None:
    suggested = ["How <b>long</b>?", "Why?", 3, None]
    fake.script = lambda _: answer_events(REFUSED | {"suggestions": suggested})
    ask_in_chat(page, "One?")
    buttons = page.locator("footnote-chat .suggestions button")
    assert buttons.all_inner_texts() == ["How <b>long</b>?", "Why?"]
    fake.script = numbered
    buttons.nth(1).click()
    wait_for_answer(page, "Why?")
    assert len(turns(page)) == 2


@pytest.mark.parametrize("value", [None, [], "Why?", {"a": 1}])
def test_what_is_no_list_of_questions_is_not_shown(
    page: "Tab", fake: FakeService, value: object
) -> None:
    fake.script = lambda _: answer_events(REFUSED | {"suggestions": value})
    ask_in_chat(page, "One?")
    assert page.locator("footnote-chat .suggestions").count() == 0


def test_a_link_to_a_question_is_copied_and_asks_it_once(
    browser: "Browser", service: RunningService
) -> None:
    with open_tab(browser, permissions=["clipboard-read", "clipboard-write"]) as (page, _):
        page.goto(f"{service.url}/?collection=default")
        ask_in_chat(page, KNOWN)
        page.get_by_role("button", name=LINK).click()
        page.get_by_role("button", name="Copied").wait_for()
        link = page.evaluate("() => navigator.clipboard.readText()")
    assert link.startswith(f"{service.url}/?")
    assert parse_qs(urlsplit(link).query) == {"q": [KNOWN], "collection": ["default"]}
    with open_tab(browser) as (page, said):
        page.goto(link)
        page.wait_for_selector("footnote-chat .tools")
        assert "335 sales centers" in page.inner_text("footnote-chat .text")
        assert page.url == f"{service.url}/?collection=default"
        page.reload()
        page.wait_for_selector("footnote-chat .tools")
        page.wait_for_timeout(200)
        assert page.locator("footnote-chat .turn").count() == 1
        assert said == []


def test_a_page_of_another_site_offers_no_link(browser: "Browser", fake: FakeService) -> None:
    with FakeService() as site, open_tab(browser) as (page, _):
        site.pages["/"] = Page(page_with_widget(fake))
        page.goto(site.url)
        ask_in_chat(page, "One?")
        assert page.get_by_role("button", name=LINK).count() == 0
