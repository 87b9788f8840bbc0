"""Whatever a service, a model or an article says is shown, and nothing of it happens."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.browser import open_tab
from tests.support.fake_service import (
    FakeService,
    Page,
    ProblemReply,
    Step,
    answer,
    answer_events,
    citation,
    passage,
    sentence,
)
from tests.support.processes import wait_until
from tests.support.xss_payloads import xss_payloads

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from playwright.sync_api import Page as Tab

pytestmark = pytest.mark.browser

ALLOWED = set(
    "div section header h2 h3 h4 slot button svg path article details summary span ol ul li a p "
    "strong em del code pre blockquote hr br table thead tbody tr th td mark q textarea label form "
    "input".split()
)
HARMLESS = set(
    "aria-atomic aria-busy aria-describedby aria-expanded aria-hidden aria-label aria-live "
    "aria-pressed class d data-mode data-n data-theme dir for href id lang maxlength name open "
    "part placeholder popover rel role rows start style tabindex target title type viewbox".split()
)

WATCH = """
window.pwned = 0;
window.reports = [];
document.addEventListener("securitypolicyviolation", (event) => {
    reports.push(event.violatedDirective);
});
"""
HOST = """<!doctype html><html lang="en"><head><title>Host</title>
<script src="{service}/widget/v1.js" defer></script></head>
<body><footnote-chat mode="inline" server="{service}"></footnote-chat></body></html>"""

INSIDE = """() => {
    const toOriginal = ({ rel, protocol }) =>
        rel === "noopener noreferrer" && ["http:", "https:"].includes(protocol);
    const elements = [...document.querySelector("footnote-chat").shadowRoot.querySelectorAll("*")];
    return {
        names: [...new Set(elements.map((element) => element.localName))],
        attributes: [...new Set(elements.flatMap((element) => element.getAttributeNames()))],
        styled: elements.filter((e) => e.hasAttribute("style")).map((e) => e.className),
        links: [...new Set(elements.filter((e) => !toOriginal(e)).map((e) => e.getAttribute("href"))
            .filter(Boolean))],
        asked: elements.find((e) => e.className === "question").textContent,
        proofs: elements.filter((e) => e.matches(".proof:popover-open mark")).length,
        pwned: window.pwned, reports: window.reports,
    };
}"""


@dataclass
class Scene:
    """A host page under a strict policy, its service, and a trap that nothing may reach."""

    page: "Tab"
    said: list[str]
    service: FakeService
    trap: FakeService
    requests: list[str]

    def ask(self, question: str) -> None:
        self.page.evaluate(
            """async (question) => {
                const chat = document.querySelector("footnote-chat");
                chat.clear();
                await chat.ask(question);
                await chat.updateComplete;
                for (const chip of chat.shadowRoot.querySelectorAll(".chip")) {
                    chip.dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
                }
                await new Promise((drawn) => requestAnimationFrame(drawn));
            }""",
            question,
        )

    def inside(self) -> dict[str, Any]:
        found: dict[str, Any] = self.page.evaluate(INSIDE)
        return found


@pytest.fixture(scope="module")
def scene(browser: "Browser") -> Iterator[Scene]:
    with (
        FakeService() as service,
        FakeService() as site,
        FakeService() as trap,
        open_tab(browser) as (page, said),
    ):
        policy = (
            f"default-src 'none'; script-src {service.url}; connect-src {service.url}; "
            "style-src 'self'"
        )
        html = HOST.format(service=service.url)
        site.pages["/"] = Page(html, {"Content-Security-Policy": policy})
        page.add_init_script(WATCH)
        requests: list[str] = []
        page.context.on("request", lambda request: requests.append(request.url))
        page.goto(site.url)
        page.wait_for_selector("footnote-chat #question")
        yield Scene(page, said, service, trap, requests)


def everywhere(text: str, form: str) -> Iterable[Step]:
    """An answer that carries a text wherever it can, in small pieces."""
    whole = f"{text} [1]\n\nNext. {text}"
    said = [sentence(whole, whole, "unsupported", why=text)]
    place = {"title": text, "source": text, "heading": text, "url": f"/v1/sources/{text}"}
    place |= {"date": text, "unit": text}
    cited = [
        citation(1, quote=text, before=text, after=text, source_url=text, **place),
        citation(2, **(place | {"url": text})),
    ]
    found = [passage(1, text=text, **place), passage(2, text=text, **(place | {"url": text}))]
    return answer_events(
        answer(
            whole,
            text,
            format=form,
            sentences=said,
            citations=cited,
            passages=found,
            model=text,
            conflicts=[{"about": text, "citations": [1, 2]}],
        ),
        piece=3,
    )


def check(scene: Scene, text: str) -> None:
    found = scene.inside()
    assert found["asked"]
    assert set(found["names"]) <= ALLOWED, text
    assert {name.lower() for name in found["attributes"]} <= HARMLESS, text
    assert set(found["styled"]) <= {"proof"}, text
    own = f"{scene.service.url}/v1/sources/"
    assert [link for link in found["links"] if not link.startswith(own)] == [], text
    assert (found["pwned"], found["reports"]) == (0, []), text


def test_nothing_hostile_runs_loads_or_gets_an_element(scene: Scene) -> None:
    texts = xss_payloads(scene.trap.url)
    assert len(set(texts)) == 200
    for number, text in enumerate(texts):
        for form in ("markdown", "text"):
            scene.service.script = lambda _, text=text, form=form: everywhere(text, form)
            scene.ask(text)
            check(scene, text)
        status = 422 if number % 2 else 503
        scene.service.script = lambda _, text=text, status=status: ProblemReply(status, text, text)
        scene.ask(text)
        check(scene, text)
    assert scene.trap.requests == []
    assert {url.split("/")[2] for url in scene.requests} == {
        scene.service.url.split("/")[2],
        scene.page.url.split("/")[2],
    }
    unasked = [line for line in scene.said if "Failed to load resource" not in line]
    assert unasked == [], "no error, no dialog, nothing that the policy blocked"


def test_the_traps_catch_what_a_careless_page_would_do(browser: "Browser") -> None:
    with FakeService() as site, FakeService() as trap, open_tab(browser) as (page, _):
        site.pages["/"] = Page("<!doctype html><title>x</title><div id=careless></div>")
        page.add_init_script(WATCH)
        page.goto(site.url)
        page.evaluate(
            """(texts) => {
                for (const text of texts) {
                    const into = document.createElement("div");
                    into.innerHTML = text;
                    document.body.append(into);
                }
            }""",
            [text for text in xss_payloads(trap.url) if "http-equiv" not in text],
        )
        page.wait_for_function("() => window.pwned === 1")
        wait_until(lambda: bool(trap.requests))


def test_a_quote_is_shown_as_it_is_and_never_parsed_as_markdown(scene: Scene) -> None:
    text = "# Not a *title*\n- [ ] `no` **list** <b>x</b> &amp; [1]"
    scene.service.script = lambda _: answer_events(answer(text, format="text"), piece=2)
    scene.ask("?")
    shown = scene.page.locator("footnote-chat .text")
    assert shown.inner_text() == text
    assert shown.locator("strong, em, code, ul, h1").count() == 0


def test_every_doubtful_item_of_a_list_is_underlined(scene: Scene) -> None:
    items = ["- Snow fell in May [1].", "- Nobody slept.", "- Ice held."]
    text = "\n".join(items)
    said = [sentence(item, text, "unsupported") for item in items]
    scene.service.script = lambda _: answer_events(
        answer(text, format="markdown", sentences=said), piece=4
    )
    scene.ask("?")
    marked = scene.page.locator("footnote-chat .doubtful").all_inner_texts()
    assert marked == ["Snow fell in May", ".", "Nobody slept.", "Ice held."]


def test_what_hides_or_reorders_is_shown_as_an_escape(scene: Scene) -> None:
    text = "pay \u202eevil\u202c\u200b now [1]. Next."
    said = [sentence("Next.", text, "unsupported")]
    scene.service.script = lambda _: answer_events(answer(text, sentences=said), piece=3)
    scene.ask("?")
    shown = scene.page.locator("footnote-chat .text")
    assert shown.inner_text() == "pay \\u202eevil\\u202c\\u200b now [1]. Next."
    assert shown.locator(".doubtful").all_inner_texts() == ["Next."]
