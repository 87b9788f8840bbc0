"""An answer on its way: drawn without flicker, stopped, lost, told from one that ended."""

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.browser import open_tab
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

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from playwright.sync_api import Page as Tab

pytestmark = pytest.mark.browser

WORDS = "The lake froze for a hundred and forty two days and the ice was thick"
BLOCKS = [
    f"## The ice\n\n{WORDS} [1].\n\n{WORDS}, *they* say, **and** `then` it thawed. It was hot [2].",
    f"- {WORDS} [1].\n- {WORDS}\n  - and so on\n- **{WORDS}**",
    f"1. {WORDS}\n2. {WORDS} [2]\n\n> {WORDS}",
    f"```python\nprint('{WORDS}')\n```\n\n| year | days |\n|---|---|\n| 1998 | 142 [1] |",
]
LONG = "\n\n".join(BLOCKS[number % len(BLOCKS)] for number in range(40))
TOKENS = 4  # characters of one, more or less

WATCH = """() => {
    const chat = document.querySelector("footnote-chat");
    const seen = { draws: new Map(), frames: 0, moved: [], late: 0 };
    window.seen = seen;
    const placed = new Map();
    const finished = () => [...chat.shadowRoot.querySelectorAll(".block")].slice(0, -1);
    new MutationObserver((records) => {
        const frame = document.timeline.currentTime;
        for (const { target, addedNodes } of records) {
            if (!target.classList?.contains("block") || !addedNodes.length) continue;
            if (placed.has(target)) seen.late += 1;
            const counts = seen.draws.get(frame) ?? new Map();
            counts.set(target, (counts.get(target) ?? 0) + 1);
            seen.draws.set(frame, counts);
        }
    }).observe(chat.shadowRoot, { subtree: true, childList: true });
    const look = () => {
        const inside = (selector) => chat.shadowRoot.querySelector(selector);
        if (!inside(".turn") || inside("[aria-busy=true]")) {
            seen.frames += 1;
            for (const block of finished()) {
                const now = [block.offsetTop, block.offsetHeight].join();
                if ((placed.get(block) ?? now) !== now) seen.moved.push([placed.get(block), now]);
                placed.set(block, now);
            }
            requestAnimationFrame(look);
        }
        seen.finished = placed.size;
    };
    requestAnimationFrame(look);
}"""


@pytest.fixture(scope="module")
def service() -> Iterator[FakeService]:
    with FakeService() as running:
        running.pages["/"] = Page(page_with_widget(running))
        yield running


@pytest.fixture
def chat(browser: "Browser", service: FakeService) -> "Iterator[Tab]":
    with open_tab(browser) as (page, said):
        page.goto(service.url)
        page.wait_for_selector("footnote-chat #question")
        yield page
        noise = ("Failed to load resource", "net::ERR")
        assert [line for line in said if not any(part in line for part in noise)] == []


def send(page: "Tab", question: str = "How long?") -> None:
    page.fill("footnote-chat #question", question)
    page.press("footnote-chat #question", "Enter")


def paced(whole: Json) -> Iterator[Step]:
    """The events with a breath between the tokens, each verdict once its sentence is whole."""
    waiting, said = list(enumerate(whole["sentences"])), 0
    breath = threading.Event()
    for name, data in answer_events(whole, piece=TOKENS):
        if name == "sentence":
            continue
        yield name, data
        if name != "delta":
            continue
        breath.wait(0.001)
        said += len(data["text"])
        while waiting and waiting[0][1]["end"] <= said:
            index, closed = waiting.pop(0)
            yield "sentence", {"index": index, **closed}


def verdicts(text: str) -> list[Json]:
    """Every paragraph's last sentence, each third of them unsupported."""
    made, at = [], 0
    for number, part in enumerate(text.split("It was hot [2].")[:-1]):
        at += len(part)
        status = "unsupported" if number % 3 == 0 else "supported"
        made.append(
            sentence("It was hot [2].", text, status)
            | {"start": at, "end": at + 15, "citations": [2]}
        )
        at += 15
    return made


def test_a_long_answer_is_drawn_once_a_frame_and_what_is_finished_stays(
    chat: "Tab", service: FakeService
) -> None:
    assert len(LONG) / TOKENS > 2_000
    whole = answer(LONG, citations=[citation(1), citation(2)], sentences=verdicts(LONG))
    service.script = lambda _: paced(whole)
    chat.evaluate(WATCH)
    send(chat)
    chat.wait_for_selector("footnote-chat .tools")
    seen: dict[str, Any] = chat.evaluate(
        "() => ({ ...seen, draws: [...seen.draws.values()].map((of) => Math.max(...of.values())) })"
    )
    assert seen["finished"] > 70, "of 80 blocks"
    assert len(seen["draws"]) > 50, "it came over many frames"
    assert set(seen["draws"][:-1]) == {1}, "no block is drawn twice in a frame"
    assert seen["draws"][-1] <= 2, "but the last, for good, once the answer has ended"
    assert seen["late"] == 0, "no finished block is drawn again"
    assert seen["moved"] == []
    assert chat.locator("footnote-chat .doubtful").count() == 4 * 2, "around its chip"
    assert set(chat.locator("footnote-chat .doubtful").all_inner_texts()) == {"It was hot", "."}


def test_passages_are_seen_before_the_first_word(chat: "Tab", service: FakeService) -> None:
    found, written = threading.Event(), threading.Event()
    first, *rest = answer_events(answer("It froze. [1]"))
    service.script = lambda _: [found, first, written, *rest]
    send(chat)
    chat.get_by_text("Searching the articles").wait_for()
    found.set()
    chat.get_by_text("2 passages found").wait_for()
    assert "The lake · The river" in chat.inner_text("footnote-chat .found summary")
    assert chat.inner_text("footnote-chat .text") == ""
    written.set()
    chat.wait_for_selector("footnote-chat .tools")


def test_stop_ends_the_request_and_keeps_what_came(chat: "Tab", service: FakeService) -> None:
    left = threading.Event()

    def endless(_: Json) -> Iterator[Step]:
        yield from list(answer_events(answer("It froze. And then")))[:-1]
        try:
            breath = threading.Event()
            while True:
                breath.wait(0.01)
                yield "delta", {"text": " more", "format": "markdown"}
        finally:
            left.set()

    service.script = endless
    send(chat)
    chat.get_by_text("more more").wait_for()
    chat.click("footnote-chat .send")
    chat.get_by_text("Stopped.").wait_for()
    assert left.wait(10), "the service was told"
    assert "It froze." in chat.inner_text("footnote-chat .text")
    assert chat.locator("footnote-chat .tools").count() == 0


@pytest.mark.parametrize("missing", ["cut", "no_done"])
def test_an_answer_without_its_end_is_an_error_and_can_be_asked_again(
    chat: "Tab", service: FakeService, missing: str
) -> None:
    whole = answer("It froze for 142 days. [1]")
    events: list[Step] = list(answer_events(whole))[:-1]
    service.script = lambda _: [*events[:-2], DISCONNECT] if missing == "cut" else events
    send(chat)
    chat.get_by_text("The connection was lost").wait_for()
    assert chat.locator("footnote-chat .tools").count() == 0
    service.script = lambda _: answer_events(whole)
    before = len(service.posted_bodies("/v1/answers"))
    chat.get_by_text("Try again").click()
    chat.wait_for_selector("footnote-chat .tools")
    assert len(service.posted_bodies("/v1/answers")) == before + 1
    assert chat.locator("footnote-chat .turn").count() == 1


def test_a_refused_request_says_why_in_the_services_words(
    chat: "Tab", service: FakeService
) -> None:
    service.script = lambda _: ProblemReply(503, "index_building", "the index is not ready yet")
    send(chat)
    chat.get_by_text("the index is not ready yet").wait_for()
    assert chat.get_by_text("Try again").is_visible()
    service.script = lambda _: ProblemReply(422, "invalid_request", "body.question: is odd")
    send(chat)
    chat.get_by_text("is odd").wait_for()
    assert chat.get_by_text("Try again").count() == 1, "another try would not help"


def test_a_broken_stream_says_why_and_whether_to_try_again(
    chat: "Tab", service: FakeService
) -> None:
    problem = {"status": 503, "code": "model_unavailable", "detail": "the model is gone"}
    service.script = lambda _: [
        ("passages", {"id": "a", "passages": []}),
        ("error", {"problem": problem, "retryable": True}),
    ]
    send(chat)
    chat.get_by_text("the model is gone").wait_for()
    assert chat.get_by_text("Try again").is_visible()


def test_what_came_is_made_what_done_says(chat: "Tab", service: FakeService) -> None:
    whole = answer("The truth. [1]")
    events: list[Step] = [("delta", {"text": "A *draft*", "format": "markdown"}), ("done", whole)]
    service.script = lambda _: events
    send(chat)
    chat.wait_for_selector("footnote-chat .tools")
    assert chat.inner_text("footnote-chat .text") == "The truth. [1]"


def test_a_marker_of_nothing_becomes_plain_text(chat: "Tab", service: FakeService) -> None:
    service.script = lambda _: answer_events(answer("See [7] and [1]."))
    send(chat)
    chat.wait_for_selector("footnote-chat .tools")
    assert chat.locator("footnote-chat .chip").all_inner_texts() == ["[1]"]
    assert chat.inner_text("footnote-chat .text") == "See [7] and [1]."


def test_a_follow_up_carries_the_conversation(chat: "Tab", service: FakeService) -> None:
    service.script = lambda body: answer_events(answer("Yes. [1]", body["question"]))
    send(chat, "First?")
    chat.wait_for_selector("footnote-chat .tools")
    send(chat, "Second?")
    chat.wait_for_function(
        "() => document.querySelector('footnote-chat').shadowRoot.querySelectorAll('.tools')[1]"
    )
    assert service.posted_bodies("/v1/answers")[-1]["history"] == [
        {"role": "user", "content": "First?"},
        {"role": "assistant", "content": "Yes. [1]"},
    ]


def test_a_question_that_is_too_long_is_said_and_not_sent(
    chat: "Tab", service: FakeService
) -> None:
    service.script = lambda _: answer_events(answer("Yes. [1]"))
    before = len(service.posted_bodies("/v1/answers"))
    chat.fill("footnote-chat #question", "😀" * 3_990)
    assert chat.inner_text("footnote-chat .left") == "10 characters left"
    chat.fill("footnote-chat #question", "😀" * 4_001)
    assert chat.inner_text("footnote-chat .left") == "1 character too long"
    assert chat.is_disabled("footnote-chat .send")
    chat.press("footnote-chat #question", "Enter")
    assert len(service.posted_bodies("/v1/answers")) == before


def test_half_composed_words_are_not_sent(chat: "Tab", service: FakeService) -> None:
    before = len(service.posted_bodies("/v1/answers"))
    chat.fill("footnote-chat #question", "にほん")
    for composing in ("isComposing: true", "keyCode: 229"):
        chat.locator("footnote-chat #question").evaluate(
            "(field) => field.dispatchEvent(new KeyboardEvent('keydown', "
            f"{{ key: 'Enter', bubbles: true, {composing} }}))"
        )
    chat.press("footnote-chat #question", "Shift+Enter")
    assert chat.input_value("footnote-chat #question") == "にほん\n"
    assert len(service.posted_bodies("/v1/answers")) == before


def test_a_bundle_of_another_version_is_said(browser: "Browser", service: FakeService) -> None:
    service.ready["version"] = "99.0.0"
    try:
        with open_tab(browser) as (page, _):
            page.goto(service.url)
            page.get_by_text("different versions").wait_for()
    finally:
        del service.ready["version"]
