"""The console with the real service, by pointer and by keyboard alone.

From new documents to a question, a case, two evaluations and a revoked key.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import httpx
import pytest

from tests.support.browser import open_tab
from tests.support.processes import RunningService, link_model, run_footnote, wait_until
from tests.support.web_server import LOOPBACK, Canned, WebServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator
    from playwright.sync_api import Page as Tab

pytestmark = pytest.mark.browser

FILES = {
    "harbour.md": "# The harbour\n\nThe harbour of Orrin Bay has 14 piers. Ferries leave.\n",
    "bridge.md": "# The bridge\n\nThe old bridge was built in 1764 by two brothers.\n",
    "market.md": "# The market\n\nThe market opens on Thursdays at seven. Cheese is sold.\n",
}
PAGE = Canned(b"<title>Orrin Bay</title><p>Orrin Bay was founded in 1312 by three sisters.</p>")
QUESTION = "How many piers does the harbour of Orrin Bay have?"
PATIENT_MS = 90_000
MAX_TABS = 250


class Hands(Protocol):
    """How a person uses the page."""

    def press(self, target: "Locator") -> None: ...
    def write(self, target: "Locator", text: str) -> None: ...


@dataclass
class Pointer:
    """Clicks."""

    page: "Tab"

    def press(self, target: "Locator") -> None:
        target.click()

    def write(self, target: "Locator", text: str) -> None:
        target.click()
        target.fill(text)


@dataclass
class Keyboard:
    """Goes on by Tab until the focus is where it should be; never touches the page otherwise."""

    page: "Tab"

    def press(self, target: "Locator") -> None:
        self._go_to(target)
        kind = target.evaluate("e => e.type || e.localName")
        self.page.keyboard.press("Space" if kind == "checkbox" else "Enter")

    def write(self, target: "Locator", text: str) -> None:
        self._go_to(target)
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.type(text)

    def _go_to(self, target: "Locator") -> None:
        target.wait_for()
        for _ in range(MAX_TABS):
            if target.evaluate("e => e === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"the keyboard does not reach {target}")


@dataclass
class Site:
    """A service over an empty corpus that may be changed, its keys, and a page of the web."""

    service: RunningService
    corpus: Path
    admin: str
    reader: str
    web: WebServer

    def ask(self, question: str) -> dict[str, Any]:
        reply = httpx.post(
            f"{self.service.url}/v1/answers",
            json={"question": question},
            headers={"authorization": f"Bearer {self.reader}"},
            timeout=60,
        )
        answer: dict[str, Any] = reply.json()
        return answer

    def rate(self, answer: dict[str, Any], comment: str) -> None:
        body = {"rating": "down", "comment": comment, "question": answer["question"]}
        httpx.post(
            f"{self.service.url}/v1/answers/{answer['id']}/feedback",
            json=body | {"answer": answer["answer"]},
            headers={"authorization": f"Bearer {self.reader}"},
        ).raise_for_status()


@pytest.fixture
def site(tmp_path: Path, seeds_data: Path) -> Iterator[Site]:
    corpus = tmp_path / "articles"
    corpus.mkdir()
    (corpus / ".footnote-corpus").touch()
    (corpus / "first.md").write_text("# Weather\n\nIt rains in Orrin Bay on 200 days a year.\n")
    link_model(tmp_path, seeds_data)
    settings = {
        "FOOTNOTE_ALLOW_WRITES": "true",
        "FOOTNOTE_ADD_NETWORKS": str(LOOPBACK),
        "FOOTNOTE_KEEP_QUESTIONS_DAYS": "7",
        "FOOTNOTE_RATE_LIMIT_PER_MINUTE": "0",
    }

    def key(*scopes: str) -> str:
        options = [part for scope in scopes for part in ("--scope", scope)]
        done = run_footnote("keys", "create", "--name", scopes[-1], *options, cwd=tmp_path)
        return done.stdout.strip()

    admin, reader = key("read", "write", "admin"), key("read")
    with WebServer() as web, RunningService("articles", cwd=tmp_path, env=settings) as service:
        web.pages["/orrin-bay"] = PAGE
        yield Site(service, corpus, admin, reader, web)


@dataclass
class Story:
    """What is done, step by step."""

    page: "Tab"
    hands: Hands
    site: Site

    def button(self, name: str, *, within: str = "main") -> "Locator":
        return self.page.locator(within).get_by_role("button", name=name).first

    def view(self, name: str) -> None:
        self.hands.press(self.page.get_by_role("link", name=name, exact=True))
        self.page.wait_for_selector(f"main h2:has-text('{name}')")

    def signs_in(self) -> None:
        self.page.goto(f"{self.site.service.url}/console")
        self.hands.write(self.page.get_by_label("API key"), self.site.admin)
        self.hands.press(self.button("Use this key"))
        self.page.get_by_role("link", name="Weather").wait_for()

    def adds_files_and_a_page(self, folder: Path) -> None:
        for name, text in FILES.items():
            (folder / name).write_text(text)
        with self.page.expect_file_chooser() as chooser:
            self.hands.press(self.button("Choose files"))
        chooser.value.set_files([folder / name for name in FILES])
        address = f"{self.site.web.url}/orrin-bay"
        self.hands.write(self.page.get_by_label("Address of a web page"), address)
        self.hands.press(self.page.get_by_role("button", name="Add", exact=True))
        indexed = "() => document.querySelectorAll('.uploads .good').length === 4"
        self.page.wait_for_function(indexed, timeout=PATIENT_MS)
        self.page.get_by_role("link", name="The harbour").wait_for()
        assert (self.site.corpus / "harbour.md").read_text() == FILES["harbour.md"]

    def watches_a_sync(self) -> None:
        (self.site.corpus / "late.md").write_text("# Late\n\nThe last ferry leaves at ten.\n")
        self.hands.press(self.button("Sync now"))
        self.page.wait_for_selector("progress")
        message = self.page.locator(".message")
        message.wait_for(timeout=PATIENT_MS)
        assert "Synced: 1 added, 0 changed, 0 removed, 5 unchanged" in message.inner_text()
        self.page.get_by_role("link", name="Late").wait_for()

    def sees_what_a_file_became(self) -> None:
        self.hands.press(self.page.get_by_role("link", name="The harbour"))
        self.page.wait_for_selector("#text-1")
        assert "has 14 piers" in self.page.locator(".beside .text").inner_text()
        assert "has 14 piers" in self.page.locator(".units").first.inner_text()
        self.hands.press(self.page.get_by_role("link", name="Back to the list"))

    def sees_the_question(self) -> None:
        self.view("Questions")
        self.hands.press(self.button("One by one"))
        self.hands.press(self.page.get_by_role("link", name=QUESTION))
        self.page.get_by_role("rowheader", name="harbour.md").first.wait_for()
        self.hands.press(self.button("Replay"))
        self.page.get_by_text("The answer is the same.").wait_for(timeout=PATIENT_MS)

    def accepts_the_feedback_as_a_case(self) -> None:
        self.view("Feedback")
        self.page.get_by_text("Say where they are, too.").wait_for()
        self.hands.press(self.button("Accept as a case"))
        self.hands.write(self.page.get_by_label("Right answer"), "14 piers")
        self.hands.write(self.page.get_by_label("File"), "harbour.md")
        quote = "The harbour of Orrin Bay has 14 piers."
        self.hands.write(self.page.get_by_label("Quote from it"), quote)
        self.hands.press(self.page.locator("form.accept button[type=submit]"))
        self.page.locator(".badge", has_text="Accepted as a case").wait_for()

    def evaluates_twice_and_compares(self) -> None:
        self.view("Quality")
        for label in ("before", "after"):
            self.hands.write(self.page.get_by_label("Label"), label)
            self.hands.press(self.page.get_by_role("button", name="Start", exact=True))
            row = self.page.get_by_role("row", name=label)
            row.get_by_text("Done").wait_for(timeout=PATIENT_MS)
            assert "100%" in row.inner_text()
        self.hands.press(self.button("Compare"))
        self.page.get_by_text("Every case that was right still is.").wait_for()

    def revokes_a_key(self) -> None:
        self.view("Access")
        self.hands.press(self.page.locator("summary", has_text="Create a key"))
        self.hands.write(self.page.get_by_label("Name"), "a trial")
        self.hands.press(self.page.locator("form button[type=submit]"))
        key = self.page.locator(".created pre").inner_text()
        headers = {"authorization": f"Bearer {key}"}
        sources = f"{self.site.service.url}/v1/sources"
        assert httpx.get(sources, headers=headers).status_code == 200
        self.hands.press(self.page.get_by_role("button", name="Revoke a trial"))
        self.hands.press(self.page.locator("dialog button.danger"))
        self.page.locator(".message", has_text="a trial is revoked").wait_for()
        wait_until(lambda: httpx.get(sources, headers=headers).status_code == 401)


@pytest.mark.parametrize("kind", [Pointer, Keyboard])
def test_a_whole_day(browser: "Browser", site: Site, tmp_path: Path, kind: Any) -> None:
    with open_tab(browser) as (page, said):
        requests: list[str] = []
        page.context.on("request", lambda request: requests.append(request.url))
        story = Story(page, kind(page), site)
        story.signs_in()
        story.adds_files_and_a_page(tmp_path)
        story.watches_a_sync()
        story.sees_what_a_file_became()
        answer = site.ask(QUESTION)
        assert "14 piers" in answer["answer"]
        site.rate(answer, "Say where they are, too.")
        story.sees_the_question()
        story.accepts_the_feedback_as_a_case()
        story.evaluates_twice_and_compares()
        story.revokes_a_key()
        assert {url.split("/")[2] for url in requests} == {site.service.url.split("/")[2]}
        unasked = [line for line in said if "401 (Unauthorized)" not in line]
        assert unasked == [], "no error, no dialog, nothing that the policy blocked"
