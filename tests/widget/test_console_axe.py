"""Everyone can use the console: axe finds nothing in any view, light or dark, wide or narrow."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.axe import axe_script, violations
from tests.support.browser import open_tab
from tests.support.console_replies import RUNS, Reply, Routes, problem
from tests.support.processes import RunningService

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from playwright.sync_api import Page as Tab

pytestmark = pytest.mark.browser

VIEWS = {
    "documents": "table",
    "documents/lake.md": ".passages",
    "questions": "table",
    "questions/ans_1": "table",
    "feedback": ".cards",
    "quality": "table",
    f"quality/run/{RUNS[0]}": "table",
    f"quality/compare/{RUNS[1]}/{RUNS[0]}": "table",
    "access": ".checks",
}
SIZES = [1200, 390]


@pytest.fixture(scope="module")
def axe() -> str:
    return axe_script()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", SIZES)
def test_axe_finds_nothing_in_any_view(
    browser: "Browser", service: RunningService, axe: str, width: int, scheme: Any
) -> None:
    screen: Any = {"width": width, "height": 800}
    with open_tab(browser, color_scheme=scheme, viewport=screen) as (page, _):
        Routes(page)
        for view, until in VIEWS.items():
            page.goto(f"{service.url}/console#/{view}")
            page.wait_for_selector(f"main {until}")
            assert violations(page, axe) == [], view
            assert page.evaluate("document.documentElement.scrollWidth") <= width, view


def empty(routes: Routes) -> None:
    lists = {"files": [], "generations": [], "questions": [], "groups": [], "feedback": []}
    lists |= {"evaluations": [], "keys": [], "origins": [], "blockers": [], "passages": []}
    lists |= {"fixed": [], "broken": [], "results": []}
    for name, reply in routes.replies.items():
        if isinstance(reply, dict):
            routes.replies[name] = reply | {one: lists[one] for one in reply if one in lists}
    routes.replies["GET /v1/cases"] = {"cases": 0, "file": "cases.jsonl"}


def failing(routes: Routes) -> None:
    failed: Reply = lambda *_: (503, problem("index_damaged", "the index is damaged"))  # noqa: E731
    for name in routes.replies:
        routes.replies[name] = failed


def refused(routes: Routes) -> None:
    no_key: Reply = lambda *_: (401, problem("unauthenticated", "a key is required"))  # noqa: E731
    for name in routes.replies:
        routes.replies[name] = no_key


def open_forms(page: "Tab") -> None:
    for at in range(page.locator("summary").count()):
        page.locator("summary").nth(at).click()
    if page.get_by_role("button", name="Accept as a case").count():
        page.get_by_role("button", name="Accept as a case").click()
    if page.get_by_role("button", name="Delete").count():
        page.get_by_role("button", name="Delete").first.click()
        page.wait_for_selector("dialog[open]")


@pytest.mark.parametrize("change", [empty, failing, refused], ids=lambda one: str(one.__name__))
def test_axe_finds_nothing_where_there_is_nothing_to_show(
    browser: "Browser", service: RunningService, axe: str, change: Callable[[Routes], None]
) -> None:
    with open_tab(browser) as (page, _):
        change(Routes(page))
        for view in VIEWS:
            page.goto(f"{service.url}/console#/{view}")
            page.wait_for_selector("main :is(.empty, [role=alert], form.key)")
            assert violations(page, axe) == [], view


def test_axe_finds_nothing_in_open_forms_and_dialogs(
    browser: "Browser", service: RunningService, axe: str
) -> None:
    with open_tab(browser) as (page, _):
        Routes(page)
        for view, until in VIEWS.items():
            page.goto("about:blank")
            page.goto(f"{service.url}/console#/{view}")
            page.wait_for_selector(f"main {until}")
            open_forms(page)
            assert violations(page, axe) == [], view
