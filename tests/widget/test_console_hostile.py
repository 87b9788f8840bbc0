"""Whatever a file, a reader or a model says is shown by the console, and nothing of it happens."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.support.browser import open_tab
from tests.support.console_replies import RUNS, Routes, merged_replies, problem, replies
from tests.support.fake_service import FakeService
from tests.support.processes import RunningService
from tests.support.xss_payloads import xss_payloads

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from playwright.sync_api import Page as Tab

pytestmark = pytest.mark.browser

VIEWS = (
    "documents",
    "documents/lake.md",
    "questions",
    "questions/ans_1",
    "feedback",
    "quality",
    f"quality/run/{RUNS[0]}",
    f"quality/compare/{RUNS[1]}/{RUNS[0]}",
    "access",
)
SOAK = bool(os.environ.get("SOAK"))
BATCH = 1 if SOAK else 20
"""Texts that a view shows at the same time."""
ERRORS = 1 if SOAK else 8
"""Every so many texts are shown as an error's."""
ELEMENTS = set(
    "a article br button circle dd details dialog div dl dt em fieldset footnote-console form h1 "
    "h2 h3 h4 header img input label legend li line main nav ol option p pre progress q section "
    "select span strong summary svg table tbody td textarea th thead tr ul console-documents "
    "console-article console-questions console-feedback console-quality console-access".split()
)
WATCH = """
window.pwned = 0;
window.reports = [];
document.addEventListener("securitypolicyviolation", (event) => {
    reports.push(event.violatedDirective);
});
"""
INSIDE = """() => {
    const elements = [...document.querySelectorAll("footnote-console, footnote-console *")];
    const names = elements.flatMap((e) => e.getAttributeNames());
    const handlers = names.filter((name) => /^on|^style$/i.test(name));
    const links = elements.filter((e) => e.localName === "a").map((e) => e.href)
        .filter((href) => !href.startsWith(location.href.split("#")[0] + "#/")
            && !href.startsWith(location.origin + "/v1/sources/"));
    return {
        names: [...new Set(elements.map((element) => element.localName))],
        handlers, links, pwned: window.pwned, reports: window.reports,
        pictures: elements.filter((e) => e.localName === "img").map((e) => e.getAttribute("src")),
    };
}"""


@pytest.fixture(scope="module")
def trap() -> Iterator[FakeService]:
    with FakeService() as running:
        yield running


def check(page: "Tab", text: str) -> None:
    found = page.evaluate(INSIDE)
    assert set(found["names"]) <= ELEMENTS, text
    assert (found["handlers"], found["links"]) == ([], []), text
    assert found["pictures"] == ["pages/icon.svg"], text
    assert (found["pwned"], found["reports"]) == (0, []), text


def show(page: "Tab", view: str) -> None:
    """Shows a view with replies that were not asked for before."""
    page.evaluate("location.hash = '#/nothing/' + Math.random()")
    page.evaluate("view => { location.hash = `#/${view}`; }", view)
    page.wait_for_function("() => !document.querySelector('main .waiting')")


def test_no_text_runs_loads_or_gets_an_element(
    browser: "Browser", service: RunningService, trap: FakeService
) -> None:
    texts = xss_payloads(trap.url)
    assert len(set(texts)) == 200
    with open_tab(browser) as (page, said):
        page.add_init_script(WATCH)
        requests: list[str] = []
        page.context.on("request", lambda request: requests.append(request.url))
        routes = Routes(page)
        page.goto(f"{service.url}/console#/access")
        for at in range(0, len(texts), BATCH):  # where a view has one of something: its first text
            routes.replies = merged_replies(texts[at : at + BATCH])
            for view in VIEWS:
                show(page, view)
                page.wait_for_selector("main h2")
                check(page, texts[at])
        for text in texts[::ERRORS]:
            failed = (503, problem(text, text))
            routes.replies = {name: lambda *_, failed=failed: failed for name in routes.replies}
            show(page, "documents")
            page.wait_for_selector("main [role=alert]")
            check(page, text)
        assert trap.requests == []
        assert {url.split("/")[2] for url in requests} == {service.url.split("/")[2]}
        unasked = [line for line in said if "Failed to load resource" not in line]
        assert unasked == [], "no error, no dialog, nothing that the policy blocked"


def test_messages_and_confirmations_are_text(
    browser: "Browser", service: RunningService, trap: FakeService
) -> None:
    text = f"<img src={trap.url}/a.png onerror=window.pwned=1>"
    with open_tab(browser) as (page, _):
        page.add_init_script(WATCH)
        routes = Routes(page)
        routes.replies = replies(text)
        page.goto(f"{service.url}/console#/documents")
        page.get_by_role("button", name="Roll back").click()
        page.locator("dialog button.danger").click()
        page.wait_for_selector(".message")
        assert text in page.locator(".message").inner_text()
        page.get_by_role("button", name="Delete").first.click()
        assert text in page.locator("dialog").inner_text()
        check(page, text)
        page.get_by_role("button", name="Cancel").click()
        page.goto(f"{service.url}/console#/access")
        page.get_by_text("Create a key").first.click()
        page.get_by_label("Name").fill(text)
        page.locator("form button[type=submit]").click()
        page.wait_for_selector(".created")
        assert text in page.locator(".created").inner_text()
        check(page, text)
        assert trap.requests == []


@pytest.mark.parametrize("path", ["../../v1/keys/1a2b3c4d", "a/../../keys/x", "./x", "a//b", "."])
def test_a_path_that_a_browser_would_resolve_to_another_route_is_never_requested(
    browser: "Browser", service: RunningService, path: str
) -> None:
    with open_tab(browser) as (page, _):
        routes = Routes(page)
        files = routes.replies["GET /v1/files"]
        assert isinstance(files, dict)
        files["files"][0]["path"] = path
        page.goto(f"{service.url}/console#/documents")
        page.get_by_role("button", name=f"Delete {path}", exact=True).click()
        page.locator("dialog button.danger").click()
        page.wait_for_selector(".message.bad")
        assert [one for one in routes.requests if one[0] == "DELETE"] == []


def test_what_hides_or_reorders_is_shown_as_an_escape(
    browser: "Browser", service: RunningService
) -> None:
    with open_tab(browser) as (page, _):
        Routes(page).replies = replies("invoice\u202efdp.exe\u200b")
        page.goto(f"{service.url}/console#/documents")
        name = page.locator("main table a").first
        assert name.inner_text() == "invoice\\u202efdp.exe\\u200b"


def test_scripts_cannot_make_html_of_text_even_if_one_tried(
    browser: "Browser", service: RunningService
) -> None:
    with open_tab(browser) as (page, _):
        Routes(page)
        page.goto(f"{service.url}/console")
        assert page.evaluate(
            """() => { try { document.body.innerHTML = "<b>x</b>"; return "made"; }
                catch (error) { return error.name; } }"""
        ) == "TypeError"  # fmt: skip
        assert page.evaluate("fetch('https://example.org/').catch((error) => error.name)") == (
            "TypeError"
        )
