"""The page at `/` and its chat speak the browser's language."""

from typing import TYPE_CHECKING

import pytest

from tests.support.browser import open_tab
from tests.support.processes import RunningService

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

LANGUAGES = """Object.defineProperty(navigator, "languages", { get: () => %s });"""


@pytest.mark.parametrize(
    ("languages", "code", "title", "send"),
    [
        ('["en-GB", "de"]', "en", "Ask · Footnote", "Ask"),
        ('["pt-BR", "de-CH", "en"]', "de", "Fragen · Footnote", "Fragen"),
        ('["fr"]', "fr", "Poser une question · Footnote", "Envoyer"),
        ('["es-MX"]', "es", "Preguntar · Footnote", "Preguntar"),
        ('["zh-Hans-CN"]', "zh", "提问 · Footnote", "提问"),
        ('["ja", "pt"]', "en", "Ask · Footnote", "Ask"),
    ],
)
def test_the_page_and_the_chat_follow_the_browsers_languages(
    browser: "Browser", service: RunningService, languages: str, code: str, title: str, send: str
) -> None:
    with open_tab(browser) as (page, said):
        page.add_init_script(LANGUAGES % languages)
        page.goto(service.url)
        page.locator("footnote-chat .starters button").first.wait_for()
        assert page.locator("html").get_attribute("lang") == code
        assert page.title() == title
        assert page.inner_text("footnote-chat .send") == send
        assert page.locator(".intro b").first.inner_text() == "[1]"
        assert said == []
