"""`footnote add`: pages of a real server on loopback become articles that answers cite."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from api.cli import run
from index.serving import Serving
from tests.support.processes import link_model
from tests.support.web_server import LOOPBACK, Canned, WebServer, redirect


@dataclass(frozen=True)
class Result:
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str


Terminal = Callable[..., Result]
PAGE = Canned(b"<title>Ice</title><p>The lake froze for 142 days.</p>", headers={"ETag": '"1"'})


@pytest.fixture
def terminal(bare_environment: Path, capfd: pytest.CaptureFixture[str]) -> Terminal:
    """Runs commands in this process, in an empty folder with an empty environment."""

    def run_command(*arguments: object) -> Result:
        code = run([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return Result(code, captured.out, captured.err)

    (bare_environment / "articles").mkdir()
    return run_command


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch, terminal: Terminal) -> Iterator[WebServer]:
    monkeypatch.setenv("FOOTNOTE_ADD_NETWORKS", str(LOOPBACK))
    with WebServer() as made:
        yield made


def test_pages_are_added_indexed_and_refreshed(
    terminal: Terminal, web: WebServer, bare_environment: Path
) -> None:
    web.pages["/ice"] = PAGE
    first = terminal("add", f"{web.url}/ice", f"{web.url}/none", "articles")
    assert (first.code, first.out) == (
        0,
        "1 added, 0 changed, 0 unchanged, 1 failed; index them by footnote sync\n",
    )
    assert f"skipped {web.url}/none: status 404" in first.err
    (file,) = (bare_environment / "articles").rglob("*.html")
    assert file.name == "ice.html"

    again = terminal("add", "--refresh", "articles", "--json")
    known = json.loads(again.out)
    assert [known[name] for name in ("added", "changed", "unchanged", "failed")] == [0, 0, 1, 0]
    (page,) = known["pages"]
    assert (page["url"], page["status"]) == (f"{web.url}/ice", "unchanged")
    lines = [json.loads(line) for line in again.err.splitlines()]
    assert [(line["event"], line["done"], line["total"]) for line in lines] == [("fetch", 1, 1)]


def test_an_article_that_was_a_page_knows_its_url(
    terminal: Terminal, web: WebServer, bare_environment: Path, seeds_data: Path
) -> None:
    link_model(bare_environment, seeds_data)
    feed = f"<item><link>{web.url}/ice</link><pubDate>2026-02-03</pubDate></item>"
    web.pages |= {"/ice": PAGE, "/feed": Canned(f"<rss>{feed}</rss>".encode(), "text/xml")}
    assert terminal("add", "--feed", f"{web.url}/feed", "articles").code == 0
    assert terminal("sync", "articles").code == 0
    serving = Serving(bare_environment / ".data" / "collections" / "default", "default")
    serving.refresh()
    with serving.lease() as generation:
        (source,) = generation.sources(after=None, limit=10)
    serving.close()
    assert source.title == "Ice"
    assert source.metadata["url"] == f"{web.url}/ice"
    assert source.metadata["date"] == "2026-02-03"


def test_a_file_of_urls_names_pages(
    terminal: Terminal, web: WebServer, bare_environment: Path
) -> None:
    web.pages |= {f"/{name}": Canned(b"<p>Page</p>") for name in "abc"}
    (bare_environment / "urls").write_text(f"# mine\n{web.url}/a\n\n{web.url}/b\n")
    (bare_environment / "more").write_text(f"{web.url}/c\n")
    done = terminal("add", "urls", "articles", "--from", "more")
    assert done.out.startswith("3 added")


def test_nothing_that_could_be_fetched_is_4(terminal: Terminal, web: WebServer) -> None:
    web.pages["/a"] = redirect("http://127.0.0.2/")
    done = terminal("add", f"{web.url}/a", "file:///etc/passwd", "articles")
    assert done.code == 4
    assert "at no public address" in done.err
    assert "must begin with http" in done.err


def test_without_the_setting_loopback_is_refused(
    terminal: Terminal, web: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FOOTNOTE_ADD_NETWORKS")
    web.pages["/a"] = PAGE
    done = terminal("add", f"{web.url}/a", "articles")
    assert done.code == 4
    assert "at no public address" in done.err
    assert web.requests == []


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["add"], 2, "name a URL"),
        (["add", "articles"], 2, "name a URL"),
        (["add", "example.org", "articles"], 2, "'example.org' is no URL"),
        (["add", "https://example.org/", "nowhere"], 3, "nowhere: create it"),
        (["add", "--refresh", "nowhere"], 3, "nowhere: create it"),
        (["add", "--limit", "0", "https://example.org/"], 2, "limit"),
        (["add", "bad-list", "articles"], 2, "bad-list: line 1 is no URL"),
    ],
)
def test_a_mistake_is_one_line(
    arguments: list[str], code: int, message: str, terminal: Terminal, bare_environment: Path
) -> None:
    (bare_environment / "bad-list").write_text("not a URL\n")
    done = terminal(*arguments)
    assert (done.code, len(done.err.splitlines())) == (code, 1)
    assert message in done.err
