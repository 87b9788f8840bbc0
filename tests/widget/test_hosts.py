"""On other people's pages: hostile styles, a strict policy, a frame; attributes, slots, events."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.browser import ask_in_chat, open_tab
from tests.support.fake_service import (
    FakeService,
    Page,
    ProblemReply,
    Script,
    answer,
    answer_events,
    citation,
    page_with_widget,
    sentence,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Frame
    from playwright.sync_api import Page as Tab

pytestmark = pytest.mark.browser

TEXT = "It froze for **142** days [1]. It froze for 900 days [1].\n\n- one\n- two"
WHOLE = answer(
    TEXT,
    sentences=[
        sentence("It froze for **142** days [1].", TEXT),
        sentence("It froze for 900 days [1].", TEXT, "unsupported"),
    ],
)
HOSTILE_CSS = """<style>
* { color: red !important; font: italic 40px cursive !important; letter-spacing: 9px !important;
    text-transform: uppercase !important; line-height: 3 !important; margin: 7px !important;
    padding: 9px !important; border: 3px dotted lime !important; text-align: right !important;
    visibility: visible !important; direction: rtl !important; white-space: nowrap !important;
    cursor: crosshair !important; word-spacing: 1em !important; text-indent: 3em !important;
    background: yellow !important; box-sizing: content-box !important; opacity: .9 !important; }
body { transform: rotate(3deg); filter: grayscale(1); }
h2, button, a, textarea, mark, p { display: none !important; }
footnote-chat { position: relative !important; z-index: -1 !important; zoom: 1 !important; }
</style>"""

LOOKS = """(chat) => [...chat.shadowRoot.querySelectorAll(".root *")].map((element) => {
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    const names = ["color", "backgroundColor", "fontFamily", "fontSize", "fontStyle", "lineHeight",
        "letterSpacing", "textTransform", "textAlign", "display", "visibility", "direction",
        "whiteSpace", "wordSpacing", "textIndent", "padding", "border", "boxSizing"];
    return [element.localName, element.className, ...names.map((name) => style[name]),
        Math.round(box.width), Math.round(box.height)].join("|");
})"""


@pytest.fixture(scope="module")
def service() -> Iterator[FakeService]:
    with FakeService(lambda _: answer_events(WHOLE)) as running:
        yield running


@pytest.fixture(scope="module")
def site() -> Iterator[FakeService]:
    with FakeService() as running:
        yield running


def story(where: "Tab | Frame") -> list[str]:
    """Opens the launcher, asks, points at a citation; returns what everything looks like."""
    where.locator("footnote-chat .launcher").click()
    where.locator("footnote-chat #question").fill("How long?")
    where.locator("footnote-chat #question").press("Enter")
    where.locator("footnote-chat .tools").wait_for()
    where.locator("footnote-chat .chip").first.hover()
    where.locator("footnote-chat .proof:popover-open").wait_for()
    where.locator("footnote-chat .proof").hover()
    looks: list[str] = where.locator("footnote-chat").evaluate(LOOKS)
    return looks


def shown(browser: "Browser", site: FakeService, page: Page) -> list[str]:
    site.pages["/"] = page
    with open_tab(browser, viewport={"width": 900, "height": 800}) as (tab_, said):
        tab_.goto(site.url)
        looks = story(tab_)
        assert said == []
    return looks


@pytest.fixture(scope="module")
def plain(browser: "Browser", site: FakeService, service: FakeService) -> list[str]:
    looks = shown(browser, site, Page(page_with_widget(service, "")))
    assert len(looks) > 40
    return looks


def test_hostile_styles_of_the_page_change_nothing(
    browser: "Browser", site: FakeService, service: FakeService, plain: list[str]
) -> None:
    assert shown(browser, site, Page(page_with_widget(service, "", head=HOSTILE_CSS))) == plain


def test_a_strict_policy_changes_nothing(
    browser: "Browser", site: FakeService, service: FakeService, plain: list[str]
) -> None:
    policy = (
        f"default-src 'none'; script-src {service.url}; connect-src {service.url}; style-src 'self'"
    )
    page = Page(page_with_widget(service, ""), {"Content-Security-Policy": policy})
    assert shown(browser, site, page) == plain


def test_a_frame_changes_nothing(
    browser: "Browser", site: FakeService, service: FakeService, plain: list[str]
) -> None:
    site.pages["/inner"] = Page(page_with_widget(service, ""))
    site.pages["/"] = Page(
        "<!doctype html><title>x</title><style>body{margin:0}</style>"
        '<iframe src="/inner" width=900 height=800 style="border:0"></iframe>'
    )
    with open_tab(browser, viewport={"width": 900, "height": 800}) as (page, said):
        page.goto(site.url)
        page.wait_for_load_state()
        assert story(page.frames[1]) == plain
        assert said == []


@pytest.fixture
def page(browser: "Browser", site: FakeService) -> "Iterator[Tab]":
    with open_tab(browser) as (page, _):
        yield page


def test_it_asks_the_server_that_it_was_loaded_from_and_the_collection_it_is_told(
    page: "Tab", site: FakeService, service: FakeService
) -> None:
    site.pages["/"] = Page(page_with_widget(service, 'mode="inline" collection="help"'))
    page.goto(site.url)
    page.evaluate("() => document.querySelector('footnote-chat').ask('How long?')")
    assert service.posted_bodies("/v1/answers")[-1]["collection"] == "help"
    assert site.posted_bodies("/v1/answers") == []


def test_a_script_asks_opens_and_clears_and_hears_what_happens(
    page: "Tab", site: FakeService, service: FakeService
) -> None:
    site.pages["/"] = Page(page_with_widget(service, ""))
    page.goto(site.url)
    heard: dict[str, Any] = page.evaluate(
        """async () => {
            await customElements.whenDefined("footnote-chat");
            const chat = document.querySelector("footnote-chat");
            const heard = {};
            for (const name of ["answer", "citation", "feedback", "error"]) {
                document.addEventListener(`footnote-${name}`, ({ detail }) => heard[name] = detail);
            }
            await chat.ask("How long?");
            await chat.updateComplete;
            const inside = (selector) => chat.shadowRoot.querySelector(selector);
            heard.open = inside(".panel").matches(":popover-open");
            const chip = inside(".chip");
            chip.dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
            chat.clear();
            await chat.updateComplete;
            heard.turns = chat.shadowRoot.querySelectorAll(".turn").length;
            return heard;
        }"""
    )
    assert heard["open"] is True
    assert heard["answer"]["answer"] == TEXT
    assert heard["citation"]["quote"] == citation()["quote"]
    assert heard["turns"] == 0


@pytest.mark.parametrize(
    ("language", "word"),
    [("en", "Ask"), ("de-AT", "Fragen"), ("fr", "Envoyer"), ("es", "Preguntar"), ("zh", "提问")],
)
def test_it_speaks_the_language_it_is_told(
    page: "Tab", site: FakeService, service: FakeService, language: str, word: str
) -> None:
    site.pages["/"] = Page(page_with_widget(service, f'mode="inline" lang="{language}"'))
    page.goto(site.url)
    page.locator("footnote-chat .send").wait_for()
    assert page.inner_text("footnote-chat .send") == word
    assert page.locator("footnote-chat .root").get_attribute("lang") == language[:2]


@pytest.mark.parametrize(
    ("language", "one", "two"),
    [
        ("en", "1 source used", "2 sources used"),
        ("de", "1 Quelle verwendet", "2 Quellen verwendet"),
        ("fr", "1 source utilisée", "2 sources utilisées"),
        ("es", "1 fuente utilizada", "2 fuentes utilizadas"),
        ("zh", "使用了 1 个来源", "使用了 2 个来源"),
    ],
)
def test_it_counts_in_the_plurals_of_the_language(
    page: "Tab", site: FakeService, language: str, one: str, two: str
) -> None:
    cited = iter([[citation(1), citation(2)], [citation(1), citation(2, source="river.txt")]])
    with FakeService(lambda _: answer_events(answer("Yes. [1]", citations=next(cited)))) as service:
        site.pages["/"] = Page(page_with_widget(service, f'mode="inline" lang="{language}"'))
        page.goto(site.url)
        ask_in_chat(page, "One?")
        ask_in_chat(page, "Two?")
        assert page.locator("footnote-chat .count").all_inner_texts() == [one, two]


def test_the_theme_is_what_it_is_told_whatever_the_system_says(
    browser: "Browser", site: FakeService, service: FakeService
) -> None:
    site.pages["/"] = Page(page_with_widget(service, 'mode="inline" theme="light"'))
    with open_tab(browser, color_scheme="dark") as (page, _):
        page.goto(site.url)
        page.locator("footnote-chat .send").wait_for()
        panel = page.locator("footnote-chat .panel")
        back = panel.evaluate("(element) => getComputedStyle(element).backgroundColor")
        assert back == "rgb(255, 255, 255)"


def test_a_site_fills_slots_variables_and_parts(
    page: "Tab", site: FakeService, service: FakeService
) -> None:
    inside = (
        '<b slot="header">Our help</b><p slot="empty">Say hello</p>'
        '<small slot="footer">Ours</small>'
    )
    head = (
        "<style>footnote-chat { --footnote-accent: rgb(1, 2, 3); }"
        "footnote-chat::part(send) { text-decoration: underline; }</style>"
    )
    site.pages["/"] = Page(page_with_widget(service, 'mode="inline"', inside=inside, head=head))
    page.goto(site.url)
    page.get_by_text("Our help").wait_for()
    assert page.get_by_text("Say hello").is_visible()
    assert page.get_by_text("Ours").is_visible()
    send = page.locator("footnote-chat .send")
    look = send.evaluate(
        "(e) => [getComputedStyle(e).backgroundColor, getComputedStyle(e).textDecorationLine]"
    )
    assert look == ["rgb(1, 2, 3)", "underline"]


def test_nobody_asks_before_consent_where_a_site_wants_it(
    page: "Tab", site: FakeService, service: FakeService
) -> None:
    inside = '<p slot="consent">Your question is logged.</p>'
    site.pages["/"] = Page(
        page_with_widget(service, 'mode="inline" starters="Why?"', inside=inside)
    )
    page.goto(site.url)
    page.get_by_text("Your question is logged.").wait_for()
    assert page.locator("footnote-chat .starters button").count() == 0
    before = len(service.posted_bodies("/v1/answers"))
    page.evaluate("() => document.querySelector('footnote-chat').ask('Why?')")
    assert len(service.posted_bodies("/v1/answers")) == before
    assert page.locator("footnote-chat #question").count() == 0
    page.get_by_role("button", name="Continue").click()
    page.locator("footnote-chat #question").wait_for()
    page.reload()
    page.locator("footnote-chat #question").wait_for()
    assert page.get_by_text("Your question is logged.").is_hidden()


def test_it_works_where_nothing_can_be_kept(
    page: "Tab", site: FakeService, service: FakeService
) -> None:
    site.pages["/"] = Page(page_with_widget(service, 'mode="inline"'))
    page.add_init_script(
        "Object.defineProperty(window, 'sessionStorage', { get() { throw new Error('no'); } })"
    )
    page.goto(site.url)
    page.fill("footnote-chat #question", "How long?")
    page.press("footnote-chat #question", "Enter")
    page.locator("footnote-chat .tools").wait_for()


def test_the_copy_holds_the_sources(
    browser: "Browser", site: FakeService, service: FakeService
) -> None:
    site.pages["/"] = Page(page_with_widget(service, 'mode="inline"'))
    with open_tab(browser, permissions=["clipboard-read", "clipboard-write"]) as (page, _):
        page.goto(site.url)
        page.fill("footnote-chat #question", "How long?")
        page.press("footnote-chat #question", "Enter")
        page.get_by_role("button", name="Copy with sources").click()
        page.get_by_role("button", name="Copied").wait_for()
        copied = page.evaluate("() => navigator.clipboard.readText()")
    assert copied.startswith(TEXT)
    assert "[1] The lake, lake.txt, line 4: “The lake froze.”" in copied
    assert f"{service.url}/v1/sources/s/view?start=10" in copied


def test_a_sites_own_tokens_are_used_and_renewed_once(
    page: "Tab", site: FakeService, service: FakeService
) -> None:
    expired: list[Script] = [
        lambda _: ProblemReply(401, "unauthorized"),
        lambda _: answer_events(WHOLE),
        lambda _: ProblemReply(401, "unauthorized"),
        lambda _: ProblemReply(401, "unauthorized"),
    ]
    before = len(service.requests)
    service.script = lambda body: expired.pop(0)(body)
    site.pages["/"] = Page(page_with_widget(service, 'mode="inline"'))
    page.goto(site.url)
    page.evaluate(
        """async () => {
            const chat = document.querySelector("footnote-chat");
            let handed = 0;
            chat.tokenProvider = () => `token-${++handed}`;
            await chat.ask("How long?");
            await chat.ask("And then?");
        }"""
    )
    sent = [headers for _, path, headers, _ in service.requests[before:] if path == "/v1/answers"]
    bearers = [headers.get("authorization") or headers.get("Authorization") for headers in sent]
    assert bearers == ["Bearer token-1", "Bearer token-2", "Bearer token-2", "Bearer token-3"]
    assert page.get_by_text("Try again").is_visible(), "a reader has no key to give here"
    assert page.locator("footnote-chat input[name=key]").count() == 0
    service.script = lambda _: answer_events(WHOLE)
