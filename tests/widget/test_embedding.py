"""What frameworks do to an element: set properties, early or late; move it; remove it."""

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.browser import focused_element, open_tab
from tests.support.fake_service import (
    FakeService,
    Json,
    Page,
    Step,
    answer,
    answer_events,
    page_with_widget,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from playwright.sync_api import Page as Tab

pytestmark = pytest.mark.browser

MOVE = """() => {
    const chat = document.querySelector("footnote-chat");
    const place = document.createElement("section");
    document.body.append(place);
    place.append(chat);
}"""
ASK = "() => void document.querySelector('footnote-chat').ask('How long?')"


@pytest.fixture(scope="module")
def service() -> Iterator[FakeService]:
    with FakeService() as running:
        yield running


@pytest.fixture
def page(browser: "Browser", service: FakeService) -> "Iterator[Tab]":
    with open_tab(browser) as (tab_, said):
        yield tab_
        assert said == []


def held_answer(service: FakeService) -> threading.Event:
    """Makes the service stop within an answer until the returned event is set."""
    go_on = threading.Event()

    def script(_: Json) -> Iterator[Step]:
        events = list(answer_events(answer("It froze for 142 days. [1]")))
        yield from events[:3]
        yield go_on
        yield from events[3:]

    service.script = script
    return go_on


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (["How?", " Why? "], ["How?", "Why?"]),
        ("How? | Why?", ["How?", "Why?"]),
        ("How?\nWhy?\n", ["How?", "Why?"]),
        ('["How?", "Why | then?"]', ["How?", "Why | then?"]),
        ("[one of] which?", ["[one of] which?"]),
        ("[one", ["[one"]),
        (["How?", None, 3, {}], ["How?"]),
        (7, []),
        ("", []),
        (None, []),
    ],
)
def test_starters_are_a_list_or_a_text_as_property(
    page: "Tab", service: FakeService, value: object, shown: list[str]
) -> None:
    service.pages["/"] = Page(page_with_widget(service))
    page.goto(service.url)
    texts = page.evaluate(
        """async (value) => {
            const chat = document.querySelector("footnote-chat");
            chat.starters = value;
            await chat.updateComplete;
            const buttons = [...chat.shadowRoot.querySelectorAll(".starters button")];
            return buttons.map((button) => button.textContent);
        }""",
        value,
    )
    assert texts == shown


def test_the_attribute_takes_the_same_texts(page: "Tab", service: FakeService) -> None:
    starters = "mode=\"inline\" starters='[&quot;How?&quot;, &quot;Why?&quot;]'"
    service.pages["/"] = Page(page_with_widget(service, starters))
    page.goto(service.url)
    starter = page.locator("footnote-chat .starters button")
    starter.first.wait_for()
    assert starter.all_inner_texts() == ["How?", "Why?"]


def test_properties_set_before_the_script_is_loaded_count(
    page: "Tab", service: FakeService
) -> None:
    service.pages["/"] = Page(
        "<!doctype html><title>x</title><footnote-chat mode=inline></footnote-chat>"
    )
    page.goto(service.url)
    token: str = page.evaluate(
        """async (url) => {
            const chat = document.querySelector("footnote-chat");
            chat.starters = ["How?"];
            chat.tokenProvider = () => "early";
            const script = document.createElement("script");
            script.src = `${url}/widget/v1.js`;
            document.head.append(script);
            await customElements.whenDefined("footnote-chat");
            await chat.updateComplete;
            chat.shadowRoot.querySelector(".starters button").click();
            await new Promise((heard) => chat.addEventListener("footnote-answer", heard));
        }""",
        service.url,
    )
    headers = [sent for _, path, sent, _ in service.requests if path == "/v1/answers"][-1]
    assert headers["authorization"] == "Bearer early", token


@pytest.mark.parametrize("mode", ["inline", "launcher"])
def test_a_move_in_the_page_neither_stops_an_answer_nor_loses_anything(
    page: "Tab", service: FakeService, mode: str
) -> None:
    go_on = held_answer(service)
    service.pages["/"] = Page(page_with_widget(service, f'mode="{mode}"'))
    page.goto(service.url)
    page.evaluate(ASK)
    page.get_by_text("It fr").wait_for()
    page.fill("footnote-chat #question", "My next")
    page.evaluate(MOVE)
    page.wait_for_timeout(50)
    go_on.set()
    page.wait_for_selector("footnote-chat .tools")
    assert page.inner_text("footnote-chat .text") == "It froze for 142 days. [1]"
    assert page.locator("footnote-chat #question").is_visible()
    assert page.input_value("footnote-chat #question") == "My next"
    assert focused_element(page) == "body", "a move does not take the focus"
    page.locator("footnote-chat .chip").first.hover()
    page.wait_for_selector("footnote-chat .proof:popover-open")


@pytest.mark.parametrize("mode", ["inline", "launcher"])
def test_a_move_keeps_the_place_in_a_long_conversation(
    page: "Tab", service: FakeService, mode: str
) -> None:
    service.script = lambda _: answer_events(answer("Long. [1]\n\n" * 60), piece=500)
    service.pages["/"] = Page(page_with_widget(service, f'mode="{mode}" style="height: 400px"'))
    page.goto(service.url)
    page.evaluate("() => document.querySelector('footnote-chat').ask('How long?')")
    scroll: dict[str, Any] = page.evaluate(
        """async (move) => {
            const log = document.querySelector("footnote-chat").shadowRoot.querySelector(".log");
            log.scrollTop = 321;
            await new Promise((heard) => log.addEventListener("scroll", heard, { once: true }));
            eval(move)();
            await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
            return log.scrollTop;
        }""",
        MOVE,
    )
    assert scroll == 321


def test_an_element_that_is_removed_stops_its_answer_and_keeps_the_conversation(
    page: "Tab", service: FakeService
) -> None:
    service.script = lambda _: answer_events(answer("First. [1]"))
    service.pages["/"] = Page(page_with_widget(service))
    page.goto(service.url)
    page.evaluate("() => document.querySelector('footnote-chat').ask('One?')")
    held_answer(service)
    page.evaluate(ASK)
    page.get_by_text("It fr").wait_for()
    page.evaluate(
        """async () => {
            const chat = document.querySelector("footnote-chat");
            chat.remove();
            await new Promise((after) => setTimeout(after, 50));
            document.body.append(chat);
        }"""
    )
    page.get_by_text("Stopped.").wait_for()
    assert page.locator("footnote-chat .turn").count() == 2
    assert page.get_by_text("First.").is_visible()
