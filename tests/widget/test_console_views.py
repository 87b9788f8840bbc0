"""What the console shows and sends, view by view, with replies that are written here."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.browser import open_tab
from tests.support.console_replies import RUNS, Json, Routes, job, problem
from tests.support.processes import RunningService, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from playwright.sync_api import Page as Tab

pytestmark = pytest.mark.browser

KEY = "fn_1a2b3c4d_secret"


@dataclass
class Console:
    """The page in a tab, and the routes that answer it."""

    page: "Tab"
    routes: Routes
    url: str

    def show(self, view: str, until: str = "main h2") -> "Tab":
        self.page.goto(f"{self.url}/console#/{view}")
        self.page.wait_for_selector(until)
        return self.page

    def list_of(self, route: str, name: str) -> list[Json]:
        reply = self.routes.replies[route]
        assert isinstance(reply, dict)
        rows: list[Json] = reply[name]
        return rows

    def change(self, route: str, **changes: Any) -> None:
        reply = self.routes.replies[route]
        assert isinstance(reply, dict)
        self.routes.replies[route] = reply | changes


@pytest.fixture
def console(
    browser: "Browser", service: RunningService, request: pytest.FixtureRequest
) -> Iterator[Console]:
    with open_tab(browser, **getattr(request, "param", {})) as (page, _):
        yield Console(page, Routes(page), service.url)


def test_a_key_is_asked_for_sent_as_a_header_and_kept_for_the_tab_only(console: Console) -> None:
    page = console.page
    headers: list[str | None] = []
    page.on("request", lambda request: headers.append(request.headers.get("authorization")))
    listed = console.routes.replies["GET /v1/files"]
    refused = (401, problem("unauthenticated", "a key is required"))
    console.routes.replies["GET /v1/files"] = lambda *_: refused
    console.show("documents", "form.key")
    assert page.locator("main table").count() == 0
    console.routes.replies["GET /v1/files"] = listed
    page.get_by_label("API key").fill(KEY)
    page.keyboard.press("Enter")
    page.wait_for_selector("main table")
    assert headers[-1] == f"Bearer {KEY}"
    assert KEY not in page.url
    assert page.evaluate("Object.keys(localStorage)") == []
    assert page.evaluate("document.cookie") == ""
    assert page.evaluate("Object.values(sessionStorage)") == [KEY]
    page.get_by_role("button", name="Forget the key").click()
    page.wait_for_selector("main table")
    assert page.evaluate("Object.keys(sessionStorage)") == []


def test_a_key_without_the_scope_is_refused_in_words(console: Console) -> None:
    refused = (403, problem("forbidden", "this key lacks the scope admin"))
    console.routes.replies["GET /v1/keys"] = lambda *_: refused
    page = console.show("access", "form.key")
    assert "does not have the scope “admin”" in page.locator("main [role=alert]").inner_text()


def test_people_sign_in_and_out_where_the_service_has_it(console: Console) -> None:
    console.change("GET /readyz", sign_in="sign-in")
    listed = console.routes.replies["GET /v1/files"]
    console.routes.replies["GET /v1/me"] = lambda *_: (401, problem("unauthenticated", "no"))
    refused = (401, problem("unauthenticated", "a key is required"))
    console.routes.replies["GET /v1/files"] = lambda *_: refused
    page = console.show("documents", "form.key")
    link = page.get_by_role("link", name="Sign in")
    assert link.get_attribute("href") == f"{console.url}/sign-in?next=%2Fconsole"
    console.routes.replies["GET /v1/files"] = listed
    console.routes.replies["GET /v1/me"] = {"name": "Ada", "session": "1f2e3d"}
    page.reload()
    page.get_by_text("Signed in as Ada").wait_for()
    console.routes.replies["POST /sign-out"] = {"url": "/"}
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{console.url}/")
    assert console.routes.sent("POST /sign-out") == [{}]


def test_a_skipped_file_says_why_and_what_to_do(console: Console) -> None:
    page = console.show("documents", "main table")
    row = page.get_by_role("row", name="scan.pdf")
    assert "Skipped" in row.inner_text()
    assert "contains no text Scan it with text recognition" in row.inner_text()


def test_files_are_searched_filtered_and_loaded_page_by_page(console: Console) -> None:
    console.change("GET /v1/files", next="cursor-2")
    page = console.show("documents", "main table")
    page.get_by_role("button", name="Skipped 1").click()
    with page.expect_response(lambda response: "q=ice" in response.url):
        page.get_by_label("Search by title or path").fill("ice ")
    page.get_by_role("button", name="Show more").click()
    page.wait_for_function("() => document.querySelectorAll('main table')[0].rows.length === 7")
    sent = console.routes.sent("GET /v1/files")
    assert {"state": "skipped"} in sent
    assert {"state": "skipped", "q": "ice"} in sent
    assert sent[-1] == {"state": "skipped", "q": "ice", "after": "cursor-2"}


def test_files_and_folders_are_sent_one_by_one_with_their_paths(
    console: Console, tmp_path: Path
) -> None:
    folder = tmp_path / "notes"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a b.md").write_text("# A")
    (folder / "c.md").write_text("# C")
    page = console.show("documents", "main table")
    page.set_input_files("#pick-folder", folder)
    page.set_input_files("#pick-files", [folder / "c.md"])
    page.wait_for_function("() => document.querySelectorAll('.uploads .good').length === 3")
    puts = [path for method, path, _ in console.routes.requests if method == "PUT"]
    assert sorted(puts) == [
        "/v1/files/c.md",
        "/v1/files/notes/c.md",
        "/v1/files/notes/deep/a%20b.md",
    ]


def test_many_uploads_are_followed_by_few_requests(console: Console, tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.md" for number in range(30)]
    for path in paths:
        path.write_text("# A")
    waiting = {path.name: job(path.name, "queued", id=f"job-{path.stem}") for path in paths}
    console.routes.replies["PUT /v1/files/{}"] = lambda path, _: waiting[path]
    console.routes.replies["GET /v1/jobs"] = lambda *_: {"jobs": list(waiting.values())}
    console.routes.replies["GET /v1/jobs/{}"] = lambda one, _: waiting[f"{one[4:]}.md"]
    page = console.show("documents", "main table")
    page.set_input_files("#pick-files", paths)
    queued = page.locator(".uploads .off", has_text="Waiting")
    wait_until(lambda: queued.count() == len(paths))
    waiting |= {name: one | job(name, id=one["id"]) for name, one in waiting.items()}
    page.wait_for_function("() => document.querySelectorAll('.uploads .good').length === 30")
    asked = [path for _, path, _ in console.routes.requests]
    assert sum(path.startswith("/v1/jobs") for path in asked) < len(paths) / 2
    assert asked.count("/v1/files") < len(paths) / 2


def test_dropped_files_are_sent(console: Console) -> None:
    page = console.show("documents", "main table")
    page.evaluate(
        """() => {
            const transfer = new DataTransfer();
            transfer.items.add(new File(["# A"], "a.md"));
            const init = { dataTransfer: transfer, bubbles: true, cancelable: true };
            document.querySelector(".drop").dispatchEvent(new DragEvent("drop", init));
        }"""
    )
    page.wait_for_selector(".uploads .good")
    assert ("PUT", "/v1/files/a.md") in [one[:2] for one in console.routes.requests]


def test_an_upload_that_is_refused_or_skipped_says_why(console: Console, tmp_path: Path) -> None:
    (tmp_path / "a.exe").write_text("x")
    (tmp_path / "empty.pdf").write_text("x")

    def put(path: str, _: Json) -> Json | tuple[int, Json]:
        if path == "a.exe":
            return 422, problem("invalid_request", "path: .exe is no article format")
        skipped = [{"path": path, "cause": "contains no text"}]
        return job(path, report={"skipped": skipped, "added": 0})

    console.routes.replies["PUT /v1/files/{}"] = put
    page = console.show("documents", "main table")
    page.set_input_files("#pick-files", [tmp_path / "a.exe", tmp_path / "empty.pdf"])
    page.wait_for_selector(".uploads .warn")
    uploads = page.locator(".uploads li").all_inner_texts()
    assert [one.split("\n") for one in uploads] == [
        ["Skipped", "empty.pdf", "contains no text"],
        ["Failed", "a.exe", "path: .exe is no article format"],
    ]


def test_a_sync_shows_how_far_it_is_and_its_result(console: Console) -> None:
    running = job(status="running", progress={"event": "parse", "done": 3, "total": 20})
    console.routes.replies["POST /v1/sync"] = running
    console.routes.replies["GET /v1/jobs/{}"] = running
    page = console.show("documents", "main table")
    page.get_by_role("button", name="Sync now").click()
    page.wait_for_selector("progress[value='3'][max='20']")
    assert page.get_by_text("Reading files 3 / 20").is_visible()
    console.routes.replies["GET /v1/jobs/{}"] = job()
    page.wait_for_selector(".message")
    assert "1 added, 0 changed, 0 removed, 3 unchanged" in page.locator(".message").inner_text()


def test_nothing_is_deleted_rolled_back_or_revoked_without_a_yes(console: Console) -> None:
    page = console.show("documents", "main table")
    page.get_by_role("button", name="Delete lake.md").click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Roll back").click()
    page.get_by_role("button", name="Cancel").click()
    console.show("access", "main table")
    page.get_by_role("button", name="Revoke our site").click()
    page.keyboard.press("Enter")  # the focus is on what changes nothing
    console.show("feedback", ".cards")
    page.get_by_role("button", name="Delete").first.click()
    page.keyboard.press("Escape")
    assert {method for method, _, _ in console.routes.requests} == {"GET"}
    page.get_by_role("button", name="Delete").first.click()
    page.locator("dialog button.danger").click()
    page.wait_for_function("() => !document.querySelector('dialog[open]')")
    assert ("DELETE", "/v1/feedback/ans_1") in [one[:2] for one in console.routes.requests]


def test_a_service_that_cannot_be_written_says_how_to_allow_it(console: Console) -> None:
    console.change("GET /v1/files", writable=False)
    page = console.show("documents", "main table")
    assert "FOOTNOTE_ALLOW_WRITES=true" in page.locator("main .note").inner_text()
    assert page.get_by_role("button", name="Choose files").count() == 0
    assert page.get_by_role("button", name="Delete").count() == 0


def test_a_file_is_shown_beside_its_passages_and_units(console: Console) -> None:
    page = console.show("documents/lake.md", ".passages")
    page.wait_for_selector("#text-2")
    assert (
        page.locator("#text-1").evaluate("e => e.parentElement.textContent").startswith("1It was")
    )
    units = page.locator(".passages > li").first.locator(".units li").all_inner_texts()
    assert units == ["sentence It was cold.", "sentence The lake froze."]
    assert page.get_by_role("link", name="Open the article").get_attribute("href") == (
        f"{console.url}/v1/sources/s1/view?start=0&end=30"
    )


def test_questions_that_are_not_kept_leave_counts_and_the_way_to_keep_them(
    console: Console,
) -> None:
    console.change("GET /v1/questions", kept_days=0, questions=[], how_to="set it")
    page = console.show("questions", ".counts")
    assert "FOOTNOTE_KEEP_QUESTIONS_DAYS" in page.locator("main .note").inner_text()
    assert page.locator(".counts .bad dd").inner_text() == "12"
    assert page.locator("main table").count() == 0


def test_questions_are_grouped_filtered_and_exported(console: Console) -> None:
    page = console.show("questions", "main table")
    group = page.get_by_role("row", name="Can I bring my dog?").first
    assert group.get_by_role("cell").all_inner_texts()[:4] == ["14", "12", "1", "1"]
    page.get_by_role("button", name="One by one").click()
    page.get_by_label("State").select_option("refused")
    page.get_by_label("Rating").select_option("down")
    page.wait_for_function("() => !document.querySelector('.waiting')")
    sent = console.routes.sent("GET /v1/questions")[-1]
    assert (sent["state"], sent["rating"]) == ("refused", "down")
    assert len(sent["since"]) == len("2026-11-28")
    for name, format in (("Export as CSV", "csv"), ("Export as evaluation cases", "jsonl")):
        with page.expect_download() as download:
            page.get_by_role("button", name=name).click()
        assert download.value.suggested_filename == f"questions.{format}"


def test_a_question_shows_its_scores_by_stage_its_prompt_and_a_replay(console: Console) -> None:
    page = console.show("questions/ans_1", "main table")
    headers = page.get_by_role("columnheader").all_inner_texts()
    assert headers == ["Source", "Rank", "Score", "Meaning", "Words", "Sentence"]
    page.get_by_text("Prompt", exact=True).click()
    assert page.locator("pre").inner_text() == "Answer from the passages."
    page.get_by_role("button", name="Replay").click()
    page.get_by_text("1 difference").wait_for()


def test_feedback_becomes_a_case_with_the_right_answer_and_its_evidence(console: Console) -> None:
    page = console.show("feedback", ".cards")
    page.get_by_role("button", name="Accept as a case").click()
    assert page.evaluate("document.activeElement.value") == "In March."
    page.keyboard.type(" Early.")
    page.get_by_label("File").fill("lake.md")
    page.get_by_label("Quote from it").fill("It thawed in March.")
    page.locator("form.accept button[type=submit]").click()
    page.wait_for_selector(".message")
    case = console.routes.sent("POST /v1/feedback/ans_1/case")
    evidence = [{"source": "lake.md", "quote": "It thawed in March."}]
    assert [sorted(one) for one in case] == [["answer", "evidence"]]
    assert case[0]["evidence"] == evidence
    assert "In March." in case[0]["answer"]


def test_feedback_becomes_a_case_that_should_be_refused(console: Console) -> None:
    page = console.show("feedback", ".cards")
    page.get_by_role("button", name="Accept as a case").click()
    page.get_by_label("The documents contain no answer").check()
    page.locator("form.accept button[type=submit]").click()
    page.wait_for_selector(".message")
    case = console.routes.sent("POST /v1/feedback/ans_1/case")
    assert case == [{"answer": "", "answerable": False}]


def test_an_evaluation_is_started_followed_and_compared(console: Console) -> None:
    page = console.show("quality", "main table")
    runs = console.list_of("GET /v1/evaluations", "evaluations")
    progress = {"done": 5, "total": 62}
    new = {**runs[0], "id": "run-3", "status": "running", "progress": progress, "metrics": {}}
    console.change("GET /v1/evaluations", evaluations=[new, *runs])
    page.get_by_label("Label").fill("after the change")
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_selector("progress[value='5'][max='62']")
    assert console.routes.sent("POST /v1/evaluations") == [
        {"cases": "kept", "label": "after the change"}
    ]
    console.change("GET /v1/evaluations", evaluations=runs)
    page.wait_for_function("() => !document.querySelector('progress')")
    circle = page.locator(".interval circle").first
    assert 0.75 < (float(circle.get_attribute("cx") or 0) - 6) / 188 < 0.85
    page.get_by_role("button", name="Compare").click()
    page.wait_for_selector("main h2:has-text('Comparison')")
    sent = console.routes.sent("GET /v1/evaluations/compare")
    assert sent == [{"before": RUNS[1], "after": RUNS[0]}]
    assert page.get_by_text("+0.070 (+0.010 … +0.130)").is_visible()


def test_a_new_key_is_shown_once_and_gone_once_it_is_hidden(console: Console) -> None:
    page = console.show("access", "main table")
    page.get_by_text("Create a key").first.click()
    page.get_by_label("Name").fill("our site")
    page.get_by_label("write").check()
    page.get_by_label("Days until").fill("30")
    page.locator("form button[type=submit]").click()
    page.wait_for_selector(".created")
    assert page.locator(".created pre").inner_text() == "fn_9c0d1e2f_secret"
    page.get_by_role("button", name="I have copied it").click()
    assert "fn_9c0d1e2f_secret" not in page.content()
    sent = console.routes.sent("POST /v1/keys")
    assert sent == [{"name": "our site", "scopes": ["read", "write"], "expires_days": 30}]


def test_each_collection_is_shown_alone(console: Console) -> None:
    console.change("GET /readyz", collections={"cars": {}, "boats": {}})
    page = console.show("documents", "main table")
    page.get_by_label("Collection").select_option("boats")
    page.wait_for_function("() => !document.querySelector('.waiting')")
    assert console.routes.sent("GET /v1/files")[-1] == {"collection": "boats"}


@pytest.mark.parametrize(
    ("console", "title"),
    [
        ({"locale": "de-AT"}, "Dokumente · Konsole · Footnote"),
        ({"locale": "fr"}, "Documents · Console · Footnote"),
        ({"locale": "es"}, "Documentos · Consola · Footnote"),
        ({"locale": "zh-CN"}, "文档 · 控制台 · Footnote"),
        ({"locale": "pt"}, "Documents · Console · Footnote"),
    ],
    indirect=["console"],
)
def test_the_page_is_in_the_readers_language(console: Console, title: str) -> None:
    page = console.show("documents", "main table")
    assert page.title() == title
    assert page.locator("h2").inner_text() == title.partition(" · ")[0]


def test_the_focus_follows_the_view_and_back_leads_back(console: Console) -> None:
    page = console.show("documents", "main table")
    page.get_by_role("link", name="Questions").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("main h2:has-text('Questions')")
    assert page.evaluate("document.activeElement.localName") == "main"
    page.go_back()
    page.wait_for_selector("main h2:has-text('Documents')")


def test_a_service_that_fails_is_asked_again_on_request(console: Console) -> None:
    replies = dict(console.routes.replies)
    failed = (503, problem("index_damaged", "the index is damaged"))
    console.routes.replies["GET /v1/files"] = lambda *_: failed
    page = console.show("documents", "main [role=alert]")
    assert "the index is damaged" in page.locator("main [role=alert]").inner_text()
    console.routes.replies = replies
    page.get_by_role("button", name="Try again").click()
    page.get_by_role("row", name="scan.pdf").wait_for()
