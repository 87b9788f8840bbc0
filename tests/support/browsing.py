"""A real browser: Debian's Chromium, driven by Playwright, and what tabs in it said."""

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
def chromium() -> "Iterator[Browser]":
    """Yields a browser; skips where there is none, and fails where CI has none."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        assert not os.environ.get("CI"), "CI must have chromium: .ci/run installs it"
        pytest.skip("NO BROWSER: chromium is not installed, so NO PAGE WAS TESTED")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # playwright's own imports
        from playwright.sync_api import sync_playwright
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield running
        running.close()


@contextmanager
def tab(browser: "Browser", **options: Any) -> "Iterator[tuple[Page, list[str]]]":
    """Yields a tab of its own context, and what goes wrong in it: console, errors, dialogs."""
    context = browser.new_context(**options)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    yield page, said
    context.close()


def ask(page: "Page", question: str) -> None:
    """Asks in the chat and waits until the answer has ended."""
    page.fill("footnote-chat #question", question)
    page.press("footnote-chat #question", "Enter")
    page.wait_for_selector("footnote-chat .turn:last-of-type .tools")


def focused(page: "Page") -> str:
    """The class, id or name of what has the focus, inside the chat too."""
    return page.evaluate(
        """() => {
            let at = document.activeElement;
            while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
            return at?.className || at?.id || at?.localName || "";
        }"""
    )
