"""The reader's story on the real service, and pictures of it for people to look at.

`SCREENSHOTS=folder` keeps the pictures there; else they are in pytest's own folder.
"""

import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.support.browser import ask_in_chat, open_tab
from tests.support.fake_service import FakeService, Page
from tests.support.fakes import FakeModel, Reply
from tests.support.processes import RunningService, run_footnote

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from playwright.sync_api import Page as Tab

pytestmark = pytest.mark.browser

KNOWN = "How many showrooms for Xiaomi cars are there, and in how many cities?"
UNKNOWN = "Which river flows through Vienna?"
MODEL = (
    "## The ice\n\nThe lake froze for **142 days** in 1998 [1.1]. It froze for 900 days in 2005 "
    "[1.1].\n\n- The ice was thick [1.2]."
)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(os.environ.get("SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def data(seeds_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder of one's own over the seeds, to keep feedback and keys in."""
    folder = tmp_path_factory.mktemp("story") / "data"
    shutil.copytree(seeds_data, folder)
    return folder


@pytest.fixture(scope="module")
def seeds(data: Path) -> Iterator[RunningService]:
    with RunningService("--no-sync", "--data-dir", data, cwd=data) as service:
        yield service


@pytest.fixture(scope="module")
def modelled(lakes: Path) -> Iterator[RunningService]:
    """The lakes with a model that says one thing that is not in them."""
    with FakeModel(MODEL) as model:
        env = {"FOOTNOTE_LLM__MODEL": "a-model", "FOOTNOTE_LLM__BASE_URL": model.base_url}
        with RunningService("--no-sync", cwd=lakes, env=env) as service:
            yield service


def point(page: "Tab", number: int = 0) -> None:
    page.locator("footnote-chat .chip").nth(number).hover()
    page.wait_for_selector("footnote-chat .proof:popover-open")


def test_a_reader_asks_reads_checks_and_says_what_was_wrong(
    page: "Tab", seeds: RunningService, data: Path, pictures: Path
) -> None:
    page.goto(seeds.url)
    page.locator("footnote-chat .starters button").first.wait_for()
    page.screenshot(path=pictures / "inline-empty.png")
    page.evaluate(
        "() => document.addEventListener('footnote-answer', "
        "({ detail }) => { window.last = detail; })"
    )
    ask_in_chat(page, KNOWN)
    page.screenshot(path=pictures / "inline.png")
    point(page)
    page.screenshot(path=pictures / "popover.png")
    answer: dict[str, Any] = page.evaluate("window.last")
    cited = answer["citations"][0]
    with page.context.expect_page() as opened:
        page.locator("footnote-chat .chip").first.click()
    view = opened.value
    view.wait_for_load_state()
    text = httpx.get(f"{seeds.url}/v1/sources/{cited['source_id']}/text").text
    marked = view.locator("mark#cite").text_content()
    assert marked == text[cited["start"] : cited["end"]] == cited["quote"]
    view.screenshot(path=pictures / "source-view.png")
    view.close()

    ask_in_chat(page, UNKNOWN)
    assert page.inner_text("footnote-chat .refused .label") == "Not answered"
    page.screenshot(path=pictures / "refusal.png")
    ask_in_chat(page, "And how many of them are in Europe?")
    followed: dict[str, Any] = page.evaluate("window.last")
    assert followed["question"] == "And how many of them are in Europe?"

    first = page.locator("footnote-chat .turn").first
    first.get_by_role("button", name="Bad answer").click()
    assert "Your feedback includes your question and this answer." in first.inner_text()
    first.locator("textarea").fill("They were 400 in May.")
    page.screenshot(path=pictures / "feedback.png")
    first.get_by_role("button", name="Send").click()
    page.get_by_text("Thank you").wait_for()
    with closing(sqlite3.connect(data / "feedback.sqlite3")) as base:
        rows = base.execute("SELECT id, body FROM feedback").fetchall()
    assert [answer_id for answer_id, _ in rows] == [answer["id"]]
    assert json.loads(rows[0][1]) == {
        "rating": "down",
        "comment": "They were 400 in May.",
        "question": KNOWN,
        "answer": answer["answer"],
        "citations": [{"source": cited["source"], "quote": cited["quote"]}],
        "by": "anyone",
        "collection": "default",
        "words": "client",
    }


@pytest.mark.parametrize("size", [(390, 664), (320, 568), (640, 400)])
def test_the_page_shows_where_to_ask_in_a_small_window(
    browser: "Browser", seeds: RunningService, size: tuple[int, int]
) -> None:
    width, height = size
    with open_tab(browser, viewport={"width": width, "height": height}) as (page, _):
        page.goto(seeds.url)
        field = page.locator("footnote-chat .composer").bounding_box()
        log = page.locator("footnote-chat .log").bounding_box()
        assert field
        assert log
        assert field["y"] + field["height"] <= height
        assert log["height"] >= height / 4


def test_a_model_that_makes_things_up_is_seen_through(
    page: "Tab", modelled: RunningService, pictures: Path
) -> None:
    page.goto(modelled.url)
    ask_in_chat(page, "How long did the lake freeze in 1998?")
    assert page.locator("footnote-chat .text strong").all_inner_texts() == ["The ice", "142 days"]
    doubtful = "".join(page.locator("footnote-chat .doubtful").all_inner_texts())
    assert doubtful == "It froze for 900 days in 2005."
    assert "Not supported by its source" in page.inner_text("footnote-chat .doubts")
    page.screenshot(path=pictures / "unsupported.png")


def test_stop_reaches_the_model(page: "Tab", lakes: Path) -> None:
    with FakeModel(Reply(fault="slow_tokens", pause_s=0.01)) as model:
        env = {"FOOTNOTE_LLM__MODEL": "a-model", "FOOTNOTE_LLM__BASE_URL": model.base_url}
        with RunningService("--no-sync", cwd=lakes, env=env) as service:
            page.goto(service.url)
            page.fill("footnote-chat #question", "How long did the lake freeze?")
            page.press("footnote-chat #question", "Enter")
            page.get_by_text("word word").wait_for()
            page.click("footnote-chat .send")
            page.get_by_text("Stopped.").wait_for()
            assert model.disconnected.wait(10)


def test_a_question_to_a_service_that_is_down_is_asked_again_once_it_is_back(
    browser: "Browser", data: Path
) -> None:
    with open_tab(browser) as (page, _):
        with RunningService("--no-sync", "--data-dir", data, cwd=data) as service:
            page.goto(service.url)
            page.wait_for_selector("footnote-chat #question")
            port = int(service.url.rpartition(":")[2])
        page.fill("footnote-chat #question", KNOWN)
        page.press("footnote-chat #question", "Enter")
        page.get_by_text("The service cannot be reached.").wait_for()
        with RunningService("--no-sync", "--data-dir", data, cwd=data, port=port):
            page.get_by_text("Try again").click()
            page.wait_for_selector("footnote-chat .tools")
            assert "335 sales centers" in page.inner_text("footnote-chat .text")


LOOKS: dict[str, dict[str, Any]] = {
    "dark": {"viewport": {"width": 1000, "height": 800}, "color_scheme": "dark"},
    "mobile": {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True},
    "forced-colours": {"viewport": {"width": 1000, "height": 800}, "forced_colors": "active"},
    "zoomed": {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2},
}


@pytest.mark.parametrize("look", LOOKS)
def test_pictures_of_the_page(
    browser: "Browser", modelled: RunningService, pictures: Path, look: str
) -> None:
    with open_tab(browser, **LOOKS[look]) as (page, _):
        page.goto(modelled.url)
        ask_in_chat(page, "How long did the lake freeze in 1998?")
        page.screenshot(path=pictures / f"{look}.png")
        if look == "mobile":
            page.locator("footnote-chat .chip").first.tap()
        else:
            point(page)
        page.wait_for_selector("footnote-chat .proof:popover-open")
        page.screenshot(path=pictures / f"{look}-popover.png")
        wide = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(wide) == 0


SITE = """<!doctype html><html lang="en"><head><title>Acme</title>
<meta name="viewport" content="width=device-width">
<script src="{service}/widget/v1.js" defer></script></head>
<body style="font-family: serif"><h1>Acme's intranet</h1><p>Welcome. {words}</p>
<footnote-chat></footnote-chat></body></html>"""


@pytest.fixture(scope="module")
def guarded(
    seeds_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[RunningService, FakeService, str]]:
    """A service with a key, a site on another port whose pages may ask it, and the key."""
    folder = tmp_path_factory.mktemp("guarded") / "data"
    shutil.copytree(seeds_data, folder)
    made = run_footnote("keys", "create", "--data-dir", folder, "--json", cwd=folder)
    key: str = json.loads(made.stdout)["key"]
    with FakeService() as site:
        env = {"FOOTNOTE_WIDGET_ORIGINS": site.url}
        with RunningService("--no-sync", "--data-dir", folder, cwd=folder, env=env) as service:
            words = "All that follows is filler. " * 40
            site.pages["/"] = Page(SITE.format(service=service.url, words=words))
            yield service, site, key


@pytest.mark.parametrize(
    "screen",
    [{"viewport": {"width": 1000, "height": 800}}, {"viewport": {"width": 360, "height": 740}}],
    ids=["launcher", "launcher-mobile"],
)
def test_a_page_of_an_allowed_site_needs_no_key(
    browser: "Browser",
    guarded: tuple[RunningService, FakeService, str],
    pictures: Path,
    screen: dict[str, Any],
    request: pytest.FixtureRequest,
) -> None:
    _, site, _ = guarded
    name = request.node.callspec.id
    with open_tab(browser, **screen) as (page, _):
        page.goto(site.url)
        page.get_by_role("button", name="Ask a question").wait_for()
        page.screenshot(path=pictures / f"{name}-closed.png")
        page.get_by_role("button", name="Ask a question").click()
        ask_in_chat(page, KNOWN)
        page.screenshot(path=pictures / f"{name}.png")
        assert "335 sales centers" in page.inner_text("footnote-chat .text")
        with page.context.expect_page() as opened:
            page.locator("footnote-chat .chip").first.click()
        opened.value.wait_for_load_state()
        assert opened.value.locator("mark#cite").count() == 1, "a signed link needs no key"
        page.keyboard.press("Escape")  # the popover
        page.get_by_role("button", name="Good answer").click()
        page.get_by_role("button", name="Send").click()
        page.get_by_text("Thank you").wait_for()
        assert "Bearer" not in page.content()


def test_a_page_of_another_site_gets_nothing(
    browser: "Browser", guarded: tuple[RunningService, FakeService, str]
) -> None:
    service, _, _ = guarded
    with FakeService() as stranger, open_tab(browser) as (page, _):
        stranger.pages["/"] = Page(SITE.format(service=service.url, words=""))
        page.goto(stranger.url)
        page.get_by_role("button", name="Ask a question").click()
        page.fill("footnote-chat #question", KNOWN)
        page.press("footnote-chat #question", "Enter")
        page.get_by_text("The service cannot be reached.").wait_for()


def test_where_the_page_is_public_it_asks_for_no_key(
    browser: "Browser", seeds_data: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(seeds_data, data)
    run_footnote("keys", "create", "--data-dir", data, cwd=data)
    env = {"FOOTNOTE_PUBLIC_PAGE": "true"}
    with (
        RunningService("--no-sync", "--data-dir", data, cwd=data, env=env) as service,
        open_tab(browser) as (page, _),
    ):
        page.goto(service.url)
        ask_in_chat(page, KNOWN)
        assert "335 sales centers" in page.inner_text("footnote-chat .text")


@pytest.mark.parametrize("named", ["", "https://docs.example.org"], ids=["", "a site is named"])
def test_with_keys_the_page_asks_for_one_and_keeps_it_in_the_tab(
    browser: "Browser", seeds_data: Path, tmp_path: Path, pictures: Path, named: str
) -> None:
    data = tmp_path / "data"
    shutil.copytree(seeds_data, data)
    made = run_footnote("keys", "create", "--data-dir", data, "--json", cwd=data)
    key: str = json.loads(made.stdout)["key"]
    with (
        RunningService(
            *("--no-sync", "--data-dir", data), cwd=data, env={"FOOTNOTE_WIDGET_ORIGINS": named}
        ) as service,
        open_tab(browser, viewport={"width": 1000, "height": 800}) as (page, _),
    ):
        page.goto(service.url)
        page.fill("footnote-chat #question", KNOWN)
        page.press("footnote-chat #question", "Enter")
        page.wait_for_selector("footnote-chat input[name=key]")
        page.screenshot(path=pictures / "key.png")
        page.fill("footnote-chat input[name=key]", key)
        page.get_by_role("button", name="Use this key").click()
        page.wait_for_selector("footnote-chat .tools")
        assert page.url.strip("/") == service.url
        page.reload()
        ask_in_chat(page, UNKNOWN)
        kept = page.evaluate("() => JSON.stringify([{...localStorage}, document.cookie])")
        assert key not in kept + page.content()
