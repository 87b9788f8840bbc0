"""The page at `/` and the view it links to, in a real browser against the real service."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.browser import ask_in_chat, focused_element
from tests.support.fakes import FakeModel
from tests.support.processes import RunningService

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

KNOWN = "How many showrooms for Xiaomi cars are there, and in how many cities?"
UNKNOWN = "Which river flows through Vienna?"
HOSTILE = (
    "The lake froze for 142 days in 1998 [1.1]. It froze for 900 days in 2005 [1.1]. "
    "<img src=x onerror=alert(1)> [1.2]"
)


def test_a_newcomer_is_told_what_to_do_and_given_questions(
    page: "Page", service: RunningService
) -> None:
    page.goto(service.url)
    assert "each sentence" in page.inner_text(".bar")
    starters = page.locator("footnote-chat .starters button")
    starters.first.wait_for()
    texts = starters.all_inner_texts()
    assert len(texts) == 3
    assert "What is said about “What the SU7 costs Xiaomi”?" in texts
    assert not re.search(r"\w-\w+-\w", " ".join(texts)), "a file's name is no title"
    assert "5 articles" in page.inner_text("footnote-chat .intro")
    assert focused_element(page) == "ask", "nothing takes the focus on load"
    starters.first.click()
    page.wait_for_selector("footnote-chat .tools")


def test_an_answer_shows_its_citations_and_the_passages(
    page: "Page", service: RunningService
) -> None:
    page.goto(service.url)
    ask_in_chat(page, KNOWN)
    assert "335 sales centers" in page.inner_text("footnote-chat .text")
    assert "Quoted" in page.inner_text("footnote-chat .kind")
    assert page.locator("footnote-chat .found li").count() == 5
    assert page.locator("footnote-chat .chip").first.inner_text() == "[1]"
    assert page.locator("footnote-chat .sources li").count() == 1
    assert page.locator("footnote-chat .doubtful, footnote-chat .doubts").count() == 0
    assert page.inner_text("footnote-chat p[role=status].hidden") == "Answer ready, 1 source"


def test_the_keyboard_reaches_a_citation_and_its_quote(
    page: "Page", service: RunningService
) -> None:
    page.goto(service.url)
    ask_in_chat(page, KNOWN)
    for _ in range(4):  # the ask button, the title's button, the conversation, the passages
        page.keyboard.press("Shift+Tab")
        if focused_element(page) == "chip":
            break
    while focused_element(page) != "chip":
        page.keyboard.press("Shift+Tab")
    page.wait_for_selector("footnote-chat .proof:popover-open")
    assert "335 sales centers" in page.inner_text("footnote-chat .proof mark")
    assert "line " in page.inner_text("footnote-chat .proof .from")
    page.keyboard.press("Escape")
    assert page.locator("footnote-chat .proof").is_hidden()
    assert focused_element(page) == "chip"


def test_a_citation_opens_its_article_at_the_marked_quote(
    page: "Page", service: RunningService
) -> None:
    page.goto(service.url)
    ask_in_chat(page, KNOWN)
    page.locator("footnote-chat .chip").first.hover()
    page.wait_for_selector("footnote-chat .proof:popover-open")
    quote = page.inner_text("footnote-chat .proof mark")
    with page.context.expect_page() as opened:
        page.locator("footnote-chat .chip").first.click()
    view = opened.value
    view.wait_for_load_state()
    mark = view.locator("mark#cite")
    assert " ".join(mark.inner_text().split()) == " ".join(quote.split())
    box, height = mark.bounding_box(), view.viewport_size
    assert box is not None
    assert height is not None
    assert 0 <= box["y"] < height["height"]


def test_a_refusal_looks_like_one_and_shows_the_nearest(
    page: "Page", service: RunningService
) -> None:
    page.goto(service.url)
    ask_in_chat(page, UNKNOWN)
    assert page.inner_text("footnote-chat .refused .label") == "Not answered"
    assert "Closest passages" in page.inner_text("footnote-chat .found summary")
    passages = page.locator("footnote-chat .found[open] li p")
    assert passages.first.is_visible()
    assert not any(text.startswith("#") for text in passages.all_inner_texts())
    assert page.locator("footnote-chat .chip").count() == 0
    assert page.locator("footnote-chat .tools .plain").count() == 0


def test_a_question_can_be_linked(page: "Page", service: RunningService) -> None:
    page.goto(f"{service.url}/?q={KNOWN.replace(' ', '+')}")
    page.wait_for_selector("footnote-chat .tools")
    assert "335 sales centers" in page.inner_text("footnote-chat .text")


def test_a_conversation_outlives_a_reload_and_can_be_begun_anew(
    page: "Page", service: RunningService
) -> None:
    page.goto(service.url)
    ask_in_chat(page, KNOWN)
    page.reload()
    page.wait_for_selector("footnote-chat .sources")
    ask_in_chat(page, "And who supplies the batteries?")
    assert page.locator("footnote-chat .turn").count() == 2
    page.click("footnote-chat .head button")
    assert page.locator("footnote-chat .turn").count() == 0
    page.reload()
    page.wait_for_selector("footnote-chat .starters button")
    assert page.locator("footnote-chat .turn").count() == 0


SCREENS: list[dict[str, Any]] = [
    {"viewport": {"width": 360, "height": 740}},
    {"viewport": {"width": 1000, "height": 800}, "color_scheme": "dark"},
    {"viewport": {"width": 1000, "height": 800}, "color_scheme": "light"},
]


@pytest.mark.parametrize("page", SCREENS, indirect=True, ids=["phone", "dark", "light"])
def test_it_fits_the_screen_and_can_be_read(
    page: "Page", service: RunningService, tmp_path: Path
) -> None:
    page.goto(service.url)
    ask_in_chat(page, KNOWN)
    page.locator("footnote-chat .chip").first.hover()
    page.wait_for_selector("footnote-chat .proof:popover-open")
    page.screenshot(path=tmp_path / "page.png", full_page=True)
    wide = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) == 0
    for selector in (".question", ".quiet", ".chip", ".send", ".proof mark", ".titles", ".from"):
        assert contrast(page, f"footnote-chat {selector}") >= 4.5, selector


def contrast(page: "Page", selector: str) -> float:
    """The WCAG contrast ratio of the text of the first match, 1 to 21."""
    colours = page.locator(selector).first.evaluate(
        """(node) => {
            const text = getComputedStyle(node).color;
            let back = "rgba(0, 0, 0, 0)";
            for (; node && back === "rgba(0, 0, 0, 0)"; node = node.parentElement) {
                back = getComputedStyle(node).backgroundColor;
            }
            return [text, back];
        }"""
    )
    lights = sorted(luminance([int(n) for n in re.findall(r"\d+", c)[:3]]) for c in colours)
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def luminance(rgb: list[int]) -> float:
    parts = [c / 255 for c in rgb]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_what_a_model_makes_up_is_marked_and_its_markup_inert(page: "Page", lakes: Path) -> None:
    with FakeModel(HOSTILE) as model:
        env = {"FOOTNOTE_LLM__MODEL": "a-model", "FOOTNOTE_LLM__BASE_URL": model.base_url}
        with RunningService("--no-sync", cwd=lakes, env=env) as service:
            page.goto(service.url)
            ask_in_chat(page, "How long did the lake freeze in 1998?")
            doubtful = page.locator("footnote-chat .doubtful").all_inner_texts()
            assert any("900 days" in text for text in doubtful)
            assert not any("142 days" in text for text in doubtful)
            assert "Not supported" in page.inner_text("footnote-chat .doubts")
            assert "a-model" in page.inner_text("footnote-chat .kind")
            assert page.locator("footnote-chat img").count() == 0
            assert "< img src=x" in page.inner_text("footnote-chat .text")
