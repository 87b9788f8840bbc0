"""What the chat shows of sources: their dates, their original pages, and that they disagree."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.support.browser import ask_in_chat, open_tab
from tests.support.fake_service import (
    FakeService,
    Json,
    Page,
    answer,
    answer_events,
    citation,
    page_with_widget,
    passage,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from playwright.sync_api import Page as Tab

pytestmark = pytest.mark.browser

HOURS = "It opens at 9:30. [1] It opens at 8:00. [2]"
DISAGREE = answer(
    HOURS,
    format="text",
    citations=[
        citation(1, date="2026-01-05", source_url="https://example.org/hours?a=1&b=2"),
        citation(2, date="2024-07", source_url=None),
    ],
    passages=[passage(1, date="1999")],
    conflicts=[{"about": "When does it open?", "citations": [1, 2]}],
)
DATES = {
    "en": ("January 5, 2026", "July 2024", "1999"),
    "de": ("5. Januar 2026", "Juli 2024", "1999"),
    "fr": ("5 janvier 2026", "juillet 2024", "1999"),
    "es": ("5 de enero de 2026", "julio de 2024", "1999"),
    "zh": ("2026年1月5日", "2024年7月", "1999年"),
}
NOTES = {
    "en": "The sources disagree",
    "de": "Die Quellen widersprechen sich",
    "fr": "Les sources se contredisent",
    "es": "Las fuentes se contradicen",
    "zh": "来源说法不一",
}


@pytest.fixture
def service() -> Iterator[FakeService]:
    with FakeService(lambda _: answer_events(DISAGREE)) as running:
        for language in DATES:
            widget = page_with_widget(running, f'mode="inline" lang="{language}"')
            running.pages[f"/{language}"] = Page(widget)
        yield running


def open_popover(page: "Tab", chip: str = ".text .chip") -> None:
    page.locator(f"footnote-chat {chip}").first.hover()
    page.wait_for_selector("footnote-chat .proof:popover-open")


def from_lines(page: "Tab") -> list[str]:
    """The places of the sources: the citations', then that of the open popover."""
    return page.locator("footnote-chat :is(.sources, .proof:popover-open) .from").all_inner_texts()


@pytest.mark.parametrize("language", DATES)
def test_each_source_has_its_date_as_the_language_writes_it(
    browser: "Browser", service: FakeService, language: str
) -> None:
    with open_tab(browser, timezone_id="America/Los_Angeles") as (page, _):
        page.goto(f"{service.url}/{language}")
        ask_in_chat(page, "When?")
        open_popover(page)
        day, month, year = DATES[language]
        dates = [line.partition(" · ")[0] for line in from_lines(page)]
        assert dates == [day, month, day], "in the list, and in the popover"
        assert page.locator("footnote-chat .found .from").text_content() == f"{year} · lake.txt"


def test_what_is_no_date_is_left_out(page: "Tab", service: FakeService) -> None:
    page.goto(f"{service.url}/en")
    bad = [None, "", "5 May", "2026-13-45", "0", "<b>2026</b>", "\u202e2026", "2026\n"]
    cited = [citation(n, date=date) for n, date in enumerate(bad, 1)]
    service.script = lambda _: answer_events(answer("Yes. [1]", citations=cited))
    ask_in_chat(page, "When?")
    open_popover(page)
    assert from_lines(page) == ["lake.txt · line 4"] * (len(bad) + 1)


def test_the_original_page_opens_in_a_tab_that_learns_nothing(
    page: "Tab", service: FakeService
) -> None:
    page.goto(f"{service.url}/en")
    ask_in_chat(page, "When?")
    open_popover(page)
    links = page.get_by_role("link", name="Original page")
    assert (
        links.evaluate_all("(all) => all.map((a) => [a.href, a.target, a.rel])")
        == [["https://example.org/hours?a=1&b=2", "_blank", "noopener noreferrer"]] * 2
    )


def test_a_page_that_many_citations_share_is_linked_once(page: "Tab", service: FakeService) -> None:
    cited = [citation(n, source_url="https://example.org/") for n in (1, 2, 3)]
    service.script = lambda _: answer_events(answer("Yes. [1][2][3]", citations=cited))
    page.goto(f"{service.url}/en")
    ask_in_chat(page, "When?")
    assert page.get_by_role("link", name="Original page").count() == 1


def test_only_an_address_of_the_web_is_linked(page: "Tab", service: FakeService) -> None:
    page.goto(f"{service.url}/en")
    bad = ["javascript:alert(1)", " JavaScript:x", "data:text/html,x", "file:///etc", "/x", "x", ""]
    cited = [citation(n, source_url=url) for n, url in enumerate(bad, 1)]
    service.script = lambda _: answer_events(answer("Yes. [1]", citations=cited))
    ask_in_chat(page, "When?")
    open_popover(page)
    assert page.get_by_role("link", name="Original page").count() == 0
    assert page.locator("footnote-chat .sources li").count() == len(bad)


@pytest.mark.parametrize("language", NOTES)
def test_sources_that_disagree_are_named_in_words(
    page: "Tab", service: FakeService, language: str
) -> None:
    page.goto(f"{service.url}/{language}")
    ask_in_chat(page, "When?")
    note = page.locator("footnote-chat [part=conflicts]")
    assert note.inner_text().split() == [*NOTES[language].split(), "[1]", "[2]"]
    assert page.inner_text("footnote-chat [role=status]").endswith(NOTES[language])


def test_a_chip_of_the_note_shows_its_quote(page: "Tab", service: FakeService) -> None:
    page.goto(f"{service.url}/en")
    ask_in_chat(page, "When?")
    open_popover(page, "[part=conflicts] .chip:nth-of-type(2)")
    assert page.inner_text("footnote-chat .proof .from").startswith("July 2024")


def test_a_conflict_of_unknown_citations_does_no_harm(page: "Tab", service: FakeService) -> None:
    conflicts: list[Json] = [{"about": "?", "citations": [7, 1]}]
    service.script = lambda _: answer_events(DISAGREE | {"conflicts": conflicts})
    page.goto(f"{service.url}/en")
    ask_in_chat(page, "When?")
    assert page.locator("footnote-chat [part=conflicts] .chip").all_inner_texts() == ["[1]"]
    service.script = lambda _: answer_events(DISAGREE | {"conflicts": []})
    ask_in_chat(page, "When?")
    assert page.locator("footnote-chat [part=conflicts]").count() == 1
