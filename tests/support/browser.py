"""A real browser for page tests: Debian's Chromium, driven by Playwright."""

import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FLAGS = (
    "--no-sandbox --disable-gpu --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()


@contextmanager
def launch_chromium() -> "Iterator[Browser]":
    """Yields a browser; skips the test where none is installed, and fails it in CI."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        assert not os.environ.get("CI"), "CI must have chromium: .ci/run installs it"
        pytest.skip("NO BROWSER: chromium is not installed, so NO PAGE WAS TESTED")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # playwright's own imports
        from playwright.sync_api import sync_playwright
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def open_tab(browser: "Browser", **options: Any) -> "Iterator[tuple[Page, list[str]]]":
    """Yields a tab in its own context, and its console messages, page errors and dialogs."""
    context = browser.new_context(**options)
    page = context.new_page()
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("dialog", lambda dialog: messages.append(dialog.message))
    yield page, messages
    context.close()


def ask_in_chat(page: "Page", question: str) -> None:
    """Asks in the chat widget and waits until the answer is complete."""
    page.fill("footnote-chat #question", question)
    page.press("footnote-chat #question", "Enter")
    page.wait_for_selector("footnote-chat .turn:last-of-type .tools")


def focused_element(page: "Page") -> str:
    """Returns the class, id or tag name of the focused element, inside shadow roots too."""
    return page.evaluate(
        """() => {
            let element = document.activeElement;
            while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
            return element?.className || element?.id || element?.localName || "";
        }"""
    )
