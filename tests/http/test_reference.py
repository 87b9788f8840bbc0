"""The API reference at `/docs`: offline, under a strict policy, and able to send requests."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest

from api.app import create_app
from api.settings import load_settings
from tests.support.browser import open_tab
from tests.support.processes import LocalClient, RunningService

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture
def client(tmp_path: Path) -> LocalClient:
    return LocalClient(create_app(load_settings({"data_dir": tmp_path})))


def test_the_page_and_its_files_are_this_services_own(client: LocalClient) -> None:
    page = client.get("/docs")
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'; " in policy
    assert "unsafe" not in policy
    assert "://" not in page.text + policy
    for name, kind in (("swagger-ui-bundle.js", "text/javascript"), ("swagger-ui.css", "text/css")):
        file = client.get(f"/docs/{name}")
        assert (file.status_code, file.headers["content-type"]) == (200, f"{kind}; charset=utf-8")
        assert len(file.content) > 50_000


@pytest.mark.parametrize("name", ["redoc.standalone.js", "favicon.png", "..%2fcore.py", "x"])
def test_nothing_else_of_the_package_is_served(name: str, client: LocalClient) -> None:
    assert client.get(f"/docs/{name}").status_code == 404


@pytest.fixture
def tab(browser: "Browser") -> Iterator[tuple["Page", list[str], list[str]]]:
    with open_tab(browser, color_scheme="dark") as (page, messages):
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        yield page, messages, requests


@pytest.mark.browser
def test_it_shows_every_operation_and_sends_a_request_to_this_service_alone(
    tab: tuple["Page", list[str], list[str]], service: RunningService
) -> None:
    page, messages, requests = tab
    page.goto(f"{service.url}/docs")
    page.wait_for_selector(".opblock")
    document = httpx.get(f"{service.url}/openapi.json").json()
    assert page.locator(".opblock").count() == sum(map(len, document["paths"].values()))
    page.locator("#operations-answers-ask .opblock-summary-control").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    status = page.locator(".live-responses-table .response-col_status").nth(1)
    status.wait_for()
    assert status.inner_text().startswith("200")
    assert messages == [], "the policy blocks nothing, and nothing fails"
    assert {urlsplit(url).netloc for url in requests if not url.startswith("data:")} == {
        urlsplit(service.url).netloc
    }
    assert page.evaluate("document.documentElement.className") == "dark-mode"


@pytest.mark.browser
def test_below_a_proxys_path_requests_keep_it(
    tab: tuple["Page", list[str], list[str]], seeds_data: Path
) -> None:
    page, messages, requests = tab
    env = {"FOOTNOTE_ROOT_PATH": "/kb"}
    options = ("--no-sync", "--data-dir", seeds_data)
    with RunningService(*options, cwd=seeds_data, env=env) as service:
        page.goto(f"{service.url}/kb/docs")
        page.locator("#operations-health-livez .opblock-summary-control").click()
        page.get_by_role("button", name="Try it out").click()
        page.get_by_role("button", name="Execute").click()
        page.locator(".live-responses-table").wait_for()
    assert f"{service.url}/kb/livez" in requests
    assert messages == []
