"""The page at `/` and the view it links to, in a real browser against the real service."""

import os
import re
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes import FakeModel
from tests.running import Running

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

KNOWN = "How many showrooms for Xiaomi cars are there, and in how many cities?"
UNKNOWN = "Which river flows through Vienna?"
FLAGS = (
    "--no-sandbox --disable-gpu --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
HOSTILE = (
    "The lake froze for 142 days in 1998 [1.1]. It froze for 900 days in 2005 [1.1]. "
    "<img src=x onerror=alert(1)> [1.2]"
)


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        assert not os.environ.get("CI"), "CI must have chromium: .ci/run installs it"
        pytest.skip("NO BROWSER: chromium is not installed, so NO PAGE WAS TESTED")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # playwright's own imports
        from playwright.sync_api import sync_playwright
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def page(browser: "Browser", request: pytest.FixtureRequest) -> "Iterator[Page]":
    """A tab whose console stays empty: no script error, nothing that the policy blocked."""
    context = browser.new_context(**getattr(request, "param", {}))
    tab = context.new_page()
    said: list[str] = []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("dialog", lambda dialog: said.append(dialog.message))
    yield tab
    context.close()
    assert said == []


def ask(page: "Page", url: str, question: str) -> None:
    page.goto(url)
    page.fill("#question", question)
    page.press("#question", "Enter")
    page.wait_for_selector("#kind:not(:empty)")
    page.wait_for_selector("#answer[aria-busy=false]")


def test_an_answer_shows_its_citations_and_the_passages(page: "Page", service: Running) -> None:
    ask(page, service.url, KNOWN)
    assert "335 sales centers" in page.inner_text("#answer")
    assert "quoted" in page.inner_text("#kind")
    assert page.locator(".passages li").count() == 5
    assert page.locator(".chip").first.inner_text() == "[1]"
    assert page.locator(".doubtful").count() == 0
    assert page.locator("#doubts").is_hidden()


def test_the_keyboard_reaches_a_citation_and_its_quote(page: "Page", service: Running) -> None:
    ask(page, service.url, KNOWN)
    page.press("#question", "Tab")  # the button
    page.keyboard.press("Tab")  # the first citation
    assert page.evaluate("() => document.activeElement.className") == "chip"
    page.wait_for_selector("#proof:not([hidden])")
    assert "335 sales centers" in page.inner_text("#proof mark")
    assert "line " in page.inner_text("#proof .from")
    page.keyboard.press("Escape")
    assert page.locator("#proof").is_hidden()


def test_a_citation_opens_its_article_at_the_marked_quote(page: "Page", service: Running) -> None:
    ask(page, service.url, KNOWN)
    page.locator(".chip").first.hover()
    quote = page.inner_text("#proof mark")
    with page.context.expect_page() as opened:
        page.locator(".chip").first.click()
    view = opened.value
    view.wait_for_load_state()
    mark = view.locator("mark#cite")
    assert " ".join(mark.inner_text().split()) == " ".join(quote.split())
    box, height = mark.bounding_box(), view.viewport_size
    assert box is not None
    assert height is not None
    assert 0 <= box["y"] < height["height"]


def test_a_refusal_looks_like_one_and_shows_the_nearest(page: "Page", service: Running) -> None:
    ask(page, service.url, UNKNOWN)
    assert page.locator("#answer.refused").count() == 1
    assert page.inner_text("#kind").startswith("Not answered.")
    assert page.inner_text("#passages-title") == "The nearest passages"
    assert page.locator(".chip").count() == 0


def test_a_question_can_be_linked(page: "Page", service: Running) -> None:
    page.goto(f"{service.url}/?q={KNOWN.replace(' ', '+')}")
    page.wait_for_selector("#kind:not(:empty)")
    assert "335 sales centers" in page.inner_text("#answer")


SCREENS: list[dict[str, Any]] = [
    {"viewport": {"width": 360, "height": 740}},
    {"viewport": {"width": 1000, "height": 800}, "color_scheme": "dark"},
    {"viewport": {"width": 1000, "height": 800}, "color_scheme": "light"},
]


@pytest.mark.parametrize("page", SCREENS, indirect=True, ids=["phone", "dark", "light"])
def test_it_fits_the_screen_and_can_be_read(page: "Page", service: Running, tmp_path: Path) -> None:
    ask(page, service.url, KNOWN)
    page.locator(".chip").first.focus()
    page.wait_for_selector("#proof:not([hidden])")
    page.screenshot(path=tmp_path / "page.png", full_page=True)
    wide = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) == 0
    for selector in ("#answer", ".quiet", ".chip", "#go", "#proof mark", ".peek"):
        assert contrast(page, selector) >= 4.5, selector


def contrast(page: "Page", selector: str) -> float:
    """The WCAG contrast ratio of the text of the first match, 1 to 21."""
    colours = page.evaluate(
        """(selector) => {
            let node = document.querySelector(selector);
            const text = getComputedStyle(node).color;
            let back = "rgba(0, 0, 0, 0)";
            for (; node && back === "rgba(0, 0, 0, 0)"; node = node.parentElement) {
                back = getComputedStyle(node).backgroundColor;
            }
            return [text, back];
        }""",
        selector,
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
        with Running("--no-sync", cwd=lakes, env=env) as service:
            ask(page, service.url, "How long did the lake freeze in 1998?")
            doubtful = page.locator(".doubtful").all_inner_texts()
            assert any("900 days" in text for text in doubtful)
            assert not any("142 days" in text for text in doubtful)
            assert "Not supported" in page.inner_text("#doubts")
            assert "a-model" in page.inner_text("#kind")
            assert page.locator("#answer img").count() == 0
            assert "< img src=x" in page.inner_text("#answer")
