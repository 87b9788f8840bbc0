"""One whole sign-in in a browser, by keyboard alone, at a real provider; and in two workers.

The service and the provider are processes of their own, as a site runs them.
"""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.support.browser import ask_in_chat, open_tab
from tests.support.extras import needs
from tests.support.openid_provider import OpenIdProvider
from tests.support.processes import (
    ROOT,
    RunningService,
    free_port,
    link_index,
    run_footnote,
    wait_until,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [needs("authlib"), needs("joserfc")]

AXE = ROOT / "api" / "widget" / "node_modules" / "axe-core" / "axe.min.js"
QUESTION = "How long did the lake freeze in 1998?"
LOGIN = "ada,staff"


@pytest.fixture(scope="module")
def site(
    lakes: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[RunningService, OpenIdProvider, Path]]:
    """The service with two workers, where people sign in; the provider; the data folder."""
    port = free_port()
    home = tmp_path_factory.mktemp("sign-in")
    data = link_index(lakes / ".data", home / "data")
    with OpenIdProvider([f"http://127.0.0.1:{port}"]) as provider:
        options = ("--no-sync", "--workers", "2", "--data-dir", data)
        with RunningService(*options, cwd=lakes, env=provider.env, port=port) as service:
            yield service, provider, data


def browse(site: tuple[RunningService, OpenIdProvider, Path]) -> httpx.Client:
    return httpx.Client(base_url=site[0].url, headers={"Origin": site[0].url}, timeout=30)


def status(site: tuple[RunningService, OpenIdProvider, Path], cookie: str) -> int:
    """Asks on a new connection, so that either worker may answer."""
    headers = {"Cookie": f"footnote-session={cookie}"}
    return httpx.get(f"{site[0].url}/v1/me", headers=headers).status_code


def test_a_revoked_session_is_refused_by_every_worker_within_seconds(
    site: tuple[RunningService, OpenIdProvider, Path],
) -> None:
    _service, provider, data = site
    with browse(site) as client:
        done = provider.sign_in(client, LOGIN)
        assert (done.status_code, done.headers["location"]) == (303, "/")
        answer = client.post("/v1/answers", json={"question": QUESTION}).json()
        assert "142 days" in answer["answer"]
        rated = client.post(f"/v1/answers/{answer['id']}/feedback", json={"rating": "up"})
        assert rated.status_code == 204, "whichever worker answered"
        cookie = client.cookies["footnote-session"]
        session = client.get("/v1/me").json()["session"]
    assert [status(site, cookie) for _ in range(10)] == [200] * 10
    revoked = run_footnote("sessions", "revoke", session, "--data-dir", data, cwd=data)
    assert revoked.returncode == 0, revoked.stderr
    at = time.monotonic()
    while status(site, cookie) == 200:
        assert time.monotonic() - at < 5
    time.sleep(max(0.0, at + 5 - time.monotonic()))
    assert [status(site, cookie) for _ in range(20)] == [401] * 20


def test_the_provider_ends_the_sessions_of_one_that_ended_there(
    site: tuple[RunningService, OpenIdProvider, Path],
) -> None:
    _service, provider, _data = site
    with browse(site) as client, browse(site) as other:
        provider.sign_in(other, LOGIN)
        provider.sign_in(client, LOGIN)
        cookie = client.cookies["footnote-session"]
        assert status(site, cookie) == 200
        provider.sign_out(client)
        wait_until(lambda: status(site, cookie) == 401, timeout_s=5)
        elsewhere = other.cookies["footnote-session"]
        assert status(site, elsewhere) == 200, "the same person's, but of another browser"


@pytest.fixture(scope="module")
def axe() -> str:
    """axe-core; skips where it is not installed, fails in CI."""
    if not AXE.is_file():
        assert not os.environ.get("CI"), "CI must have axe-core: .ci/run installs it"
        pytest.skip("NO `npm ci` in api/widget: ACCESSIBILITY WAS NOT TESTED")
    return AXE.read_text("utf-8")


def violations(page: "Page", axe: str) -> list[Any]:
    # our policy forbids inline scripts, and a tool's is one
    page.evaluate(axe)
    found = page.evaluate("() => axe.run(document)")["violations"]
    return [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found]


def press_until(page: "Page", text: str, *, key: str = "Tab") -> None:
    """Presses Tab until the element with this text has the focus."""
    for _ in range(30):
        page.keyboard.press(key)
        focused = "() => (document.activeElement?.textContent ?? '').trim()"
        if page.evaluate(focused) == text:
            return
    raise AssertionError(f"the keyboard does not reach {text!r}")


@pytest.mark.browser
def test_a_person_signs_in_asks_and_signs_out_by_keyboard(
    browser: "Browser",
    site: tuple[RunningService, OpenIdProvider, Path],
    axe: str,
    tmp_path: Path,
) -> None:
    service, provider, _ = site
    with open_tab(browser) as (page, messages):
        page.goto(f"{service.url}/?collection=default")
        page.get_by_role("link", name="Sign in").wait_for()
        assert violations(page, axe) == []
        page.screenshot(path=tmp_path / "out.png")
        press_until(page, "Sign in")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{provider.issuer}/**")
        page.locator("input[name=login]").wait_for()
        page.keyboard.type(LOGIN)  # it has the focus
        page.keyboard.press("Tab")
        page.keyboard.type("any")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Continue").wait_for()
        press_until(page, "Continue")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{service.url}/?collection=default")
        page.get_by_role("button", name="Sign out").wait_for()
        assert page.locator(".bar nav bdi").inner_text() == "Person ada"
        assert violations(page, axe) == []
        page.screenshot(path=tmp_path / "in.png")
        ask_in_chat(page, QUESTION)
        assert "142 days" in page.inner_text("footnote-chat .text")
        assert stored(page) == {"local": {}, "keys": []}, "no token is in the browser"
        page.locator("h1").click()
        press_until(page, "Sign out")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{provider.issuer}/session/end**")
        page.locator("button[value=yes]").focus()
        page.keyboard.press("Enter")
        page.wait_for_url(f"{service.url}/")
        page.get_by_role("link", name="Sign in").wait_for()
        assert page.locator("footnote-chat .turn").count() == 0, "the conversation is gone"
        assert page.context.cookies(service.url) == []
    assert [message for message in messages if "alert" in message] == []


def stored(page: "Page") -> dict[str, Any]:
    """Returns what scripts can read that could be a secret."""
    found: dict[str, Any] = page.evaluate(
        """() => ({
            local: {...localStorage},
            keys: [...Object.keys(sessionStorage), document.cookie].filter((name) =>
                /key|token|session=/.test(name)),
        })"""
    )
    return found


@pytest.mark.browser
def test_who_asks_without_a_session_is_led_to_the_sign_in(
    browser: "Browser", site: tuple[RunningService, OpenIdProvider, Path], axe: str
) -> None:
    service, _, _ = site
    with open_tab(browser, locale="de-DE") as (page, _messages):
        page.goto(service.url)
        page.get_by_role("link", name="Anmelden").wait_for()
        page.fill("footnote-chat #question", QUESTION)
        page.press("footnote-chat #question", "Enter")
        link = page.locator("footnote-chat .note a")
        link.wait_for()
        assert link.inner_text() == "Anmelden"
        assert link.get_attribute("href") == f"{service.url}/sign-in?next=%2F"
        assert page.locator("footnote-chat input[name=key]").count() == 0, "no key is asked for"
        assert violations(page, axe) == []


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_of_a_failed_sign_in_can_be_read_by_everyone(
    scheme: Any, browser: "Browser", site: tuple[RunningService, OpenIdProvider, Path], axe: str
) -> None:
    service, _, _ = site
    size: Any = {"width": 390, "height": 700}
    with open_tab(browser, color_scheme=scheme, viewport=size, locale="fr-FR") as (page, _messages):
        page.goto(f"{service.url}/sign-in/callback?code=x&state=y")
        assert page.inner_text("h1") == "Non connecté"
        assert page.locator("html").get_attribute("lang") == "fr"
        assert violations(page, axe) == []
        press_until(page, "Se connecter à nouveau")


def test_the_log_names_nobody(site: tuple[RunningService, OpenIdProvider, Path]) -> None:
    service, _, _ = site
    log = service.stop()
    events = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert any("signed in" in event["event"] for event in events)
    for word in ("people.example", "Person ada", LOGIN, "id_token", "code="):
        assert word not in log
