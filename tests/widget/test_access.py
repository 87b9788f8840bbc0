"""Everyone can use it: axe finds nothing in any state, and the keyboard reaches everything."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import httpx
import pytest

from api.wire.article import render_article
from index.formats.markdown import extract_markdown
from index.text.chunk import chunk
from tests.support.axe import axe_script, violations
from tests.support.browser import focused_element, open_tab
from tests.support.fake_service import (
    DISCONNECT,
    FakeService,
    Json,
    Page,
    ProblemReply,
    Step,
    answer,
    answer_events,
    citation,
    page_with_widget,
    sentence,
)
from tests.support.processes import RunningService, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from playwright.sync_api import Page as Tab

pytestmark = pytest.mark.browser

TEXT = """# Ice

It froze for 142 days [1]. It froze for 900 days [2].

- `one`
- two

| a |
|---|
| 1 |"""
WHOLE = answer(
    TEXT,
    citations=[
        citation(1, date="2026-01-05", source_url="https://example.org/ice"),
        citation(2, page=3, heading="Ice", date="2024-07"),
    ],
    conflicts=[{"about": "How long?", "citations": [1, 2]}],
    sentences=[
        sentence("It froze for 142 days [1].", TEXT),
        sentence("It froze for 900 days [2].", TEXT, "unsupported", citations=[2]),
    ],
)
LINES = answer(
    "Do this: [1]\n1. Wait. [1]\n  - long [1]\nmake ice [2]",
    format="text",
    citations=[citation(1, unit="item"), citation(2, unit="code")],
    sentences=[{"start": 38, "end": 50, "status": "supported", "text": "", "citations": [2]}],
)
REFUSED = answer(
    "The articles do not seem to answer this.",
    format="text",
    answered=False,
    reason="low_confidence",
    citations=[],
)


ARTICLE = """# A head
Words of *it* and `code`; [a link](https://example.org/).

> A **quote** of ~~old~~ words.

## A list
- one
  - two
1. three

| Land | Days |
|------|------|
| Peru | 30   |

```sh
ls
```
***
Last words.
"""


@pytest.fixture(scope="module")
def axe() -> str:
    return axe_script()


@pytest.fixture
def service() -> Iterator[FakeService]:
    with FakeService(lambda _: answer_events(WHOLE)) as running:
        running.pages["/"] = Page(
            page_with_widget(running, 'mode="inline" starters="Why?|How long?"')
        )
        running.pages["/launcher"] = Page(page_with_widget(running, ""))
        running.pages["/offline"] = Page(
            page_with_widget(running, 'mode="inline" server="http://127.0.0.1:9/"')
        )
        yield running


@pytest.fixture(scope="module")
def lakes_service(lakes: Path) -> Iterator[RunningService]:
    """The real service, over some nasty articles."""
    with RunningService("--no-sync", "articles", cwd=lakes) as running:
        yield running


def send(page: "Tab", until: str) -> None:
    page.fill("footnote-chat #question", "How long?")
    page.press("footnote-chat #question", "Enter")
    page.wait_for_selector(f"footnote-chat {until}")


def empty(page: "Tab", service: FakeService) -> None:
    page.wait_for_selector("footnote-chat .starters button")


def streaming(page: "Tab", service: FakeService) -> None:
    gate = threading.Event()
    events: list[Step] = list(answer_events(WHOLE))
    service.script = lambda _: [*events[:20], gate, *events[20:]]
    send(page, ".text .block")


def answered(page: "Tab", service: FakeService) -> None:
    send(page, ".tools")


def lines(page: "Tab", service: FakeService) -> None:
    service.script = lambda _: answer_events(LINES)
    send(page, ".tools")
    assert page.locator("footnote-chat :is(.item, .code)").count() == 3


def popover(page: "Tab", service: FakeService) -> None:
    send(page, ".tools")
    page.locator("footnote-chat .chip").nth(1).hover()
    page.wait_for_selector("footnote-chat .proof:popover-open")


def refusal(page: "Tab", service: FakeService) -> None:
    service.script = lambda _: answer_events(REFUSED)
    send(page, ".refused")


def error(page: "Tab", service: FakeService) -> None:
    service.script = lambda _: ProblemReply(503, "index_building", "the index is not ready yet")
    send(page, ".note")


def offline(page: "Tab", service: FakeService) -> None:
    page.goto(f"{service.url}/offline")
    send(page, ".note")


def suggestions(page: "Tab", service: FakeService) -> None:
    service.script = lambda _: answer_events(REFUSED | {"suggestions": ["How long?", "Why?"]})
    send(page, ".suggestions button")


def editing(page: "Tab", service: FakeService) -> None:
    send(page, ".tools")
    page.get_by_role("button", name="Edit the question").click()
    page.wait_for_selector("footnote-chat .editing")


def phone(page: "Tab", service: FakeService) -> None:
    page.set_viewport_size({"width": 390, "height": 740})
    editing(page, service)


def feedback(page: "Tab", service: FakeService) -> None:
    send(page, ".tools")
    page.get_by_role("button", name="Bad answer").click()
    page.wait_for_selector("footnote-chat .feedback textarea")


def sources(page: "Tab", service: FakeService) -> None:
    send(page, ".tools")
    page.click("footnote-chat .found summary")
    page.wait_for_selector("footnote-chat .found[open] li")


def key(page: "Tab", service: FakeService) -> None:
    service.script = lambda _: ProblemReply(401, "unauthorized", "a key is needed")
    send(page, "input[type=password]")


def launcher(page: "Tab", service: FakeService) -> None:
    page.goto(f"{service.url}/launcher")
    page.get_by_role("button", name="Ask a question").click()
    page.wait_for_selector("footnote-chat .panel:popover-open")


STATES = [
    empty, streaming, answered, lines, popover, refusal, suggestions, error, offline, editing,
    phone, feedback, sources, key, launcher,
]  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("state", STATES, ids=lambda state: str(state.__name__))
def test_axe_finds_nothing(
    browser: "Browser",
    service: FakeService,
    axe: str,
    state: "Callable[[Tab, FakeService], None]",
    scheme: Any,
) -> None:
    with open_tab(browser, color_scheme=scheme) as (page, _):
        page.goto(service.url)
        state(page, service)
        assert violations(page, axe) == []
        service.closing.set()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1000, 360])
def test_axe_finds_nothing_in_the_view_of_a_source(
    browser: "Browser", lakes_service: RunningService, axe: str, width: int, scheme: Any
) -> None:
    asked = httpx.post(f"{lakes_service.url}/v1/search", json={"query": "ice"}, timeout=30)
    link = urljoin(lakes_service.url, asked.json()["hits"][0]["url"])
    screen: Any = {"width": width, "height": 700}
    with open_tab(browser, color_scheme=scheme, viewport=screen) as (page, _):
        page.goto(link)
        page.wait_for_selector("mark")
        assert violations(page, axe) == []
        units = chunk(
            extract_markdown(ARTICLE.encode()), "s", count_tokens=lambda texts: [9 for _ in texts]
        )
        whole = (0, len(ARTICLE))
        html = render_article(ARTICLE, units, path="a.md", first=9, last=300, window=whole)
        page.locator(".article").evaluate("(node, html) => { node.innerHTML = html }", html)
        assert page.locator(".article table").count() == 1
        assert violations(page, axe) == []
        page.get_by_role("link", name="All articles").click()
        page.wait_for_selector(".articles li")
        assert violations(page, axe) == []


def test_the_end_of_an_answer_is_announced_once_and_its_pieces_are_not(
    browser: "Browser", service: FakeService
) -> None:
    with open_tab(browser) as (page, _):
        page.goto(service.url)
        page.wait_for_selector("footnote-chat #question")
        page.evaluate(
            """() => {
                window.announced = [];
                const root = document.querySelector("footnote-chat").shadowRoot;
                const status = root.querySelector("[role=status].hidden");
                const note = () => status.textContent && announced.push(status.textContent);
                const how = { characterData: true, childList: true, subtree: true };
                new MutationObserver(note).observe(status, how);
            }"""
        )
        send(page, ".tools")
        log = page.locator("footnote-chat [role=log]")
        assert log.get_attribute("aria-live") == "off"
        assert log.get_attribute("aria-busy") == "false"
        assert page.evaluate("announced") == ["Answer ready, 1 source. The sources disagree"]


def test_nothing_takes_the_focus_on_load_and_closing_gives_it_back(
    browser: "Browser", service: FakeService
) -> None:
    with open_tab(browser) as (page, _):
        page.goto(f"{service.url}/launcher")
        button = page.get_by_role("button", name="Ask a question")
        button.wait_for()
        assert focused_element(page) == "body"
        page.keyboard.press("Tab")
        assert focused_element(page) == "launcher"
        page.keyboard.press("Enter")
        page.wait_for_selector("footnote-chat .panel:popover-open")
        assert focused_element(page) == "question"
        send(page, ".tools")
        page.keyboard.press("Escape")
        assert page.locator("footnote-chat .panel").is_hidden()
        assert focused_element(page) == "launcher"


def test_esc_in_the_popover_closes_it_alone_and_gives_the_focus_back(
    browser: "Browser", service: FakeService
) -> None:
    with open_tab(browser) as (page, _):
        page.goto(f"{service.url}/launcher")
        page.get_by_role("button", name="Ask a question").click()
        send(page, ".tools")
        page.locator("footnote-chat .chip").first.hover()
        page.locator("footnote-chat .proof a").first.focus()
        page.keyboard.press("Escape")
        assert page.locator("footnote-chat .proof").is_hidden()
        assert page.locator("footnote-chat .panel").is_visible()
        assert focused_element(page) == "chip"


def test_without_motion_nothing_moves(browser: "Browser", service: FakeService) -> None:
    with open_tab(browser, reduced_motion="reduce") as (page, _):
        page.goto(service.url)
        gate = threading.Event()
        service.script = lambda _: [gate, *answer_events(WHOLE)]
        send(page, ".waiting")
        running = "() => document.querySelector('footnote-chat').shadowRoot.getAnimations().length"
        assert page.evaluate(running) == 0
        gate.set()


def test_the_same_with_motion_moves(browser: "Browser", service: FakeService) -> None:
    with open_tab(browser) as (page, _):
        page.goto(service.url)
        gate = threading.Event()
        service.script = lambda _: [gate, *answer_events(WHOLE)]
        send(page, ".waiting")
        running = "() => document.querySelector('footnote-chat').shadowRoot.getAnimations().length"
        assert page.evaluate(running) == 1
        gate.set()


def reaching(page: "Tab") -> Callable[..., None]:
    """What presses Tab, or another key, until the focus is on a thing of this class, id or name."""

    def reach(what: str, way: str = "Shift+Tab") -> None:
        for _ in range(40):
            if focused_element(page) == what:
                return
            page.keyboard.press(way)
        raise AssertionError(f"the keyboard does not reach {what}")

    return reach


def test_all_of_the_story_goes_by_keyboard_alone(browser: "Browser", service: FakeService) -> None:
    with open_tab(browser) as (page, _):
        page.goto(f"{service.url}/launcher")
        page.get_by_role("button", name="Ask a question").wait_for()
        press, reach = page.keyboard.press, reaching(page)
        reach("launcher", "Tab")
        press("Enter")
        page.keyboard.type("How long?")
        press("Enter")
        page.wait_for_selector("footnote-chat .tools")
        reach("chip")
        page.wait_for_selector("footnote-chat .proof:popover-open")
        with page.context.expect_page() as opened:
            press("Enter")
        assert "/v1/sources/s/view" in opened.value.url
        opened.value.close()
        page.bring_to_front()
        reach("icon", "Tab")
        press("Enter")
        page.wait_for_selector("footnote-chat .feedback")
        page.keyboard.type("Good")
        press("Tab")
        press("Enter")
        page.get_by_text("Thank you").wait_for()
        given: Json = service.posted_bodies("/v1/answers/ans_test/feedback")[0]
        assert (given["rating"], given["comment"]) == ("up", "Good")
        press("Escape")
        assert focused_element(page) == "launcher"


def test_what_goes_wrong_is_met_by_keyboard_alone(browser: "Browser", service: FakeService) -> None:
    """A refusal and its passages, a follow-up that is stopped, a lost answer asked again."""
    with open_tab(browser) as (page, _):
        page.goto(service.url)
        page.wait_for_selector("footnote-chat .starters button")
        press, reach = page.keyboard.press, reaching(page)
        service.script = lambda _: answer_events(REFUSED)
        reach("question", "Tab")
        page.keyboard.type("Who?")
        press("Enter")
        page.wait_for_selector("footnote-chat .refused")
        page.wait_for_selector("footnote-chat .found[open] li")
        reach("summary")
        press("Enter")
        page.wait_for_selector("footnote-chat .found:not([open])")

        gate, events = threading.Event(), list(answer_events(WHOLE))
        service.script = lambda _: [*events[:20], gate, *events[20:]]
        reach("question", "Tab")
        page.keyboard.type("And then?")
        press("Enter")
        wait_until(lambda: len(service.posted_bodies("/v1/answers")) == 2)
        assert service.posted_bodies("/v1/answers")[-1]["history"][0]["content"] == "Who?"
        stop = page.get_by_role("button", name="Stop")
        for _ in range(5):
            if stop.evaluate("button => button.getRootNode().activeElement === button"):
                break
            press("Tab")
        press("Enter")
        page.get_by_text("Stopped").wait_for()
        gate.set()

        service.script = lambda _: answer_events(WHOLE)
        reach("plain")
        press("Enter")
        page.wait_for_selector("footnote-chat .tools")
        assert service.posted_bodies("/v1/answers")[-1]["question"] == "And then?"
        service.script = lambda _: [*events[:20], DISCONNECT]
        reach("question", "Tab")
        page.keyboard.type("Is it so?")
        press("Enter")
        page.get_by_text("The connection was lost").wait_for()
        service.script = lambda _: answer_events(WHOLE)
        reach("plain")
        press("Enter")
        page.wait_for_selector("footnote-chat .turn:last-child .tools")
        wait_until(lambda: len(service.posted_bodies("/v1/answers")) == 5)


@pytest.mark.parametrize(
    "screen",
    [
        {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2},
        {"viewport": {"width": 320, "height": 600}, "has_touch": True},
        {"viewport": {"width": 1000, "height": 700}, "forced_colors": "active"},
    ],
    ids=["zoomed", "phone", "forced_colors"],
)
def test_nothing_is_cut_off(
    browser: "Browser", service: FakeService, screen: dict[str, Any], tmp_path: Path
) -> None:
    with open_tab(browser, **screen) as (page, _):
        page.goto(service.url)
        send(page, ".tools")
        page.locator("footnote-chat .chip").first.hover()
        page.wait_for_selector("footnote-chat .proof:popover-open")
        page.screenshot(path=tmp_path / "cut.png")
        outside = page.evaluate(
            """() => {
                const root = document.querySelector("footnote-chat").shadowRoot;
                const all = [...root.querySelectorAll(".proof, .proof *, .turn *, .composer *")];
                const wide = document.documentElement.clientWidth;
                return all.filter((e) => e.getClientRects().length)
                    .filter((e) => e.closest(".hidden") === null)
                    .filter((e) => e.getBoundingClientRect().right > wide + 1)
                    .map((e) => e.className || e.localName);
            }"""
        )
        assert outside == []
        wide = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(wide) == 0


def test_a_tap_shows_the_quote_and_does_not_leave_the_page(
    browser: "Browser", service: FakeService
) -> None:
    options = {"viewport": {"width": 360, "height": 640}, "has_touch": True, "is_mobile": True}
    with open_tab(browser, **options) as (page, _):
        page.goto(service.url)
        send(page, ".tools")
        page.locator("footnote-chat .chip").first.tap()
        page.wait_for_selector("footnote-chat .proof:popover-open")
        assert len(page.context.pages) == 1
        with page.context.expect_page() as opened:
            page.locator("footnote-chat .proof a").first.tap()
        assert "/v1/sources/s/view" in opened.value.url
