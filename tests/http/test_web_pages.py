"""Pages as files of the corpus: their paths, their sidecars, and what a refresh keeps."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.bootstrap import writable_corpus
from api.errors import UrlRefused
from api.settings import load_settings
from api.web.addresses import parse_url
from api.web.collector import MAX_LISTINGS, Outcome, PageCollector
from api.web.fetch import Fetcher
from api.web.listing import Entry
from api.web.page_paths import page_paths, page_suffix
from index.corpus import scan, sha256
from index.sidecar import list_pages, page_metadata, read_sidecar, sidecar_name
from tests.support.web_server import LOOPBACK, Canned, WebServer, redirect

SUFFIXES = {".html", ".htm", ".txt", ".md", ".pdf"}
TEXT = b"<title>Ice</title><p>The lake froze for 142 days.</p>"


@pytest.fixture
def web() -> Iterator[WebServer]:
    with WebServer() as made:
        yield made


class Articles:
    """A corpus, and commands that change it."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "articles"
        self.root.mkdir()
        settings = load_settings({"corpus": self.root, "data_dir": folder / "data"})
        (folder / "data").mkdir()
        self.corpus = replace(writable_corpus(settings), needs_mark=False)
        self.events: list[dict[str, object]] = []

    def _run(self, *steps: tuple[str, dict[str, Any]]) -> list[Outcome]:
        async def run() -> list[Outcome]:
            fetcher = Fetcher([LOOPBACK])
            collector = PageCollector(
                self.corpus, fetcher, SUFFIXES, max_bytes=100_000, on_event=self.events.append
            )
            for name, options in steps:
                await getattr(collector, name)(**options)
            await fetcher.close()
            return collector.outcomes

        return asyncio.run(run())

    def add(self, *urls: str, limit: int = 100, **options: Any) -> list[Outcome]:
        entries = [Entry(url) for url in urls]
        return self._run(("add", {"entries": entries, "limit": limit, **options}))

    def refresh(self) -> list[Outcome]:
        return self._run(("refresh", {"limit": 100}))

    def files(self) -> dict[str, bytes]:
        files, _ = scan(self.root, formats=("html", "txt", "md", "pdf"), max_file_bytes=100_000)
        return {file.path: (self.root / file.path).read_bytes() for file in files}


@pytest.fixture
def articles(tmp_path: Path, bare_environment: Path) -> Articles:
    return Articles(tmp_path)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://Example.org/docs/page.html", "example.org/docs/page.html"),
        ("https://example.org/docs/page", "example.org/docs/page.html"),
        ("https://example.org/docs/", "example.org/docs.html"),
        ("https://example.org", "example.org/home.html"),
        ("https://example.org/v1.2/notes.php", "example.org/v1.2/notes.php.html"),
        ("https://example.org/stra%C3%9Fe/%E5%B8%82", "example.org/straße/市.html"),
        ("https://example.org/cafe%CC%81", "example.org/café-*.html"),
        ("https://b\u00fccher.example/a", "xn--bcher-kva.example/a.html"),
        ("http://example.org:8080/a", "example.org-8080/a.html"),
        ("https://example.org/a?q=1", "example.org/a-*.html"),
        ("https://example.org/a?q=2#x", "example.org/a-*.html"),
        ("https://example.org/index.html", "example.org/index-*.html"),
        ("https://example.org/README", "example.org/README-*.html"),
        ("https://example.org/.hidden/a", "example.org/hidden/a-*.html"),
        ("https://example.org/a%2F..%2F..%2Fetc/passwd", "example.org/a/-/-/etc/passwd-*.html"),
        ("https://example.org/%2e%2e/%2e%2e/a", "example.org/-/-/a-*.html"),
        ("https://example.org/a\u202eb/c%00d", "example.org/a-b/c-d-*.html"),
        ("https://example.org/con/aux", "example.org/*.html"),
        ("https://example.org/node_modules/a", "example.org/*.html"),
        ("https://example.org/page.html/deeper", "example.org/page.html/deeper-*.html"),
        ("https://example.org/" + "x" * 400, "example.org/x*-*.html"),
        ("https://example.org/" + "d/" * 40 + "a", "example.org/d/d/d/d/d/d/d/d/a-*.html"),
        ("https://venv/a", "web-venv/*.html"),
    ],
)
def test_a_path_is_read_like_its_url(url: str, path: str) -> None:
    first, *others = page_paths(parse_url(url.replace("\u202e", "%E2%80%AE")), ".html", SUFFIXES)
    pattern = Path("/".join(first))
    assert pattern.match(path) or path == pattern.as_posix(), pattern
    assert all(name not in ("..", ".", "") for names in (first, *others) for name in names)
    assert max(len(name.encode()) for names in (first, *others) for name in names) < 200


def test_urls_that_differ_have_paths_that_differ() -> None:
    urls = [
        "/a?q=1",
        "/a?q=2",
        "/a?",
        "/index.html",
        "/index",
        "/a%2Fb?x",
        "/a/b?x",
        "/A%C2%A0b",
        "/A-b?",
    ]
    last = [page_paths(parse_url(f"https://e.org{url}"), ".html", SUFFIXES)[-1] for url in urls]
    assert len(set(last)) == len(urls)


@pytest.mark.parametrize(
    ("url", "media_type", "suffix"),
    [
        ("/a", "text/html", ".html"),
        ("/a.php", "application/xhtml+xml", ".html"),
        ("/a", "application/pdf", ".pdf"),
        ("/a.md", "text/plain", ".md"),
        ("/a", "text/plain", ".txt"),
        ("/a.pdf", "application/octet-stream", ".pdf"),
        ("/a.pdf", "", ".pdf"),
        ("/a", "", None),
        ("/a.exe", "application/octet-stream", None),
        ("/a.html", "image/png", None),
        ("/a.html", "application/javascript", None),
        ("/a", "application/json", None),  # not among the enabled formats
    ],
)
def test_the_kind_decides_on_the_suffix(url: str, media_type: str, suffix: str | None) -> None:
    page = parse_url(f"https://example.org{url}")
    if suffix:
        assert page_suffix(page, media_type, SUFFIXES) == suffix
    else:
        with pytest.raises(UrlRefused, match="not among the enabled formats"):
            page_suffix(page, media_type, SUFFIXES)


def test_a_page_is_a_file_with_a_sidecar_that_no_sync_indexes(
    articles: Articles, web: WebServer
) -> None:
    web.pages["/docs/ice"] = Canned(TEXT, headers={"ETag": '"1"'})
    (outcome,) = articles.add(f"{web.url}/docs/ice")
    path = f"127.0.0.1-{web.port}/docs/ice.html"
    assert outcome == Outcome(f"{web.url}/docs/ice", "added", path)
    ((name, data),) = articles.files().items()
    assert name == path
    known = read_sidecar(articles.root, path)
    assert (known["url"], known["etag"]) == (f"{web.url}/docs/ice", '"1"')
    assert known["sha256"] == sha256(data)
    assert page_metadata(articles.root, path, sha256(data)) == {"url": f"{web.url}/docs/ice"}
    assert page_metadata(articles.root, path, sha256(b"changed by hand")) == {}
    _, skipped = scan(articles.root, formats=("html",), max_file_bytes=100_000)
    assert skipped == []


def test_a_charset_of_the_header_is_kept_in_the_file(articles: Articles, web: WebServer) -> None:
    web.pages["/a"] = Canned("<p>naïve</p>".encode("latin-1"), "text/html; charset=iso-8859-1")
    web.pages["/b"] = Canned(b"<meta charset=utf-8><p>\xe9</p>", "text/html; charset=nonsense")
    articles.add(f"{web.url}/a", f"{web.url}/b")
    files = list(articles.files().values())
    assert files == ["\ufeff<p>naïve</p>".encode(), b"<meta charset=utf-8><p>\xe9</p>"]


def test_pages_that_share_a_path_get_one_each(articles: Articles, web: WebServer) -> None:
    urls = [
        f"{web.url}{path}" for path in ("/a", "/a.html", "/a/", "/a?x", "/docs.html/b", "/docs")
    ]
    for url in urls:
        web.pages[url.removeprefix(web.url)] = Canned(f"<p>{url}</p>".encode())
    (articles.root / f"127.0.0.1-{web.port}").mkdir()
    own = articles.root / f"127.0.0.1-{web.port}" / "docs.html"
    own.write_text("a file of somebody's own")
    added = articles.add(*urls)
    assert [outcome.status for outcome in added] == ["added"] * len(urls)
    assert len({outcome.path for outcome in added}) == len(urls)
    again = articles.add(*reversed(urls))
    assert {(o.url, o.path) for o in again} == {(o.url, o.path) for o in added}
    assert {outcome.status for outcome in again} == {"unchanged"}
    assert own.read_text() == "a file of somebody's own"


def test_a_refresh_asks_for_changes_and_keeps_what_fails(
    articles: Articles, web: WebServer
) -> None:
    names = ("same", "new", "gone", "moved", "kind", "empty", "edited", "large")
    for name in names:
        web.pages[f"/{name}"] = Canned(TEXT + name.encode(), headers={"ETag": f'"{name}"'})
    articles.add(*(f"{web.url}/{name}" for name in names))
    before = articles.files()
    edited = articles.root / f"127.0.0.1-{web.port}" / "edited.html"
    edited.write_text("<p>Corrected by hand.</p>")
    web.pages |= {
        "/new": Canned(b"<p>Newer.</p>", headers={"ETag": '"2"'}),
        "/gone": Canned(status=410),
        "/moved": redirect("/login"),
        "/login": Canned(b"<p>Log in</p>"),
        "/kind": Canned(b"{}", "application/json"),
        "/empty": Canned(b" "),
        "/large": Canned(b"x" * 200_000),
    }
    web.requests.clear()
    outcomes = {outcome.url.rpartition("/")[2]: outcome for outcome in articles.refresh()}
    assert {name: one.status for name, one in outcomes.items()} == {
        **dict.fromkeys(names, "failed"),
        "same": "unchanged",
        "new": "changed",
    }
    after = articles.files()
    changed = {path.rpartition("/")[2] for path in before if before[path] != after[path]}
    assert changed == {"new.html", "edited.html"}
    causes = {name: one.cause or "" for name, one in outcomes.items()}
    for name, cause in {
        "gone": "status 410",
        "moved": "redirects to",
        "kind": "application/json",
        "empty": "is empty",
        "edited": "changed by hand",
        "large": "more than 100,000 bytes",
    }.items():
        assert cause in causes[name]
    assert dict(web.requests)["/same"]["If-None-Match"] == '"same"'
    assert {event["source"] for event in articles.events if event["event"] == "skip"} == {
        f"127.0.0.1-{web.port}/{name}.html" for name in set(names) - {"same", "new"}
    }


def test_a_page_without_its_sidecar_or_with_a_strange_one_is_left_alone(
    articles: Articles, web: WebServer, tmp_path: Path
) -> None:
    web.pages["/a"] = Canned(TEXT)
    (outcome,) = articles.add(f"{web.url}/a")
    page = articles.root / str(outcome.path)
    sidecar = page.with_name(sidecar_name(page.name))
    secret = tmp_path / "secret.json"
    secret.write_text(json.dumps({"url": f"{web.url}/a", "sha256": sha256(TEXT)}))
    for content in (b"{", b"[]", b"\xff", b"[" * 60_000, b" " * 70_000):
        sidecar.write_bytes(content)
        assert read_sidecar(articles.root, str(outcome.path)) == {}
    sidecar.unlink()
    sidecar.symlink_to(secret)
    assert read_sidecar(articles.root, str(outcome.path)) == {}
    sidecar.unlink()
    assert list(list_pages(articles.root)) == []
    assert articles.refresh() == []
    assert page.read_bytes().endswith(TEXT)


def test_a_sitemap_and_a_feed_are_expanded(articles: Articles, web: WebServer) -> None:
    urls = "".join(f"<url><loc>{web.url}/{name}</loc></url>" for name in "abc")
    index = "".join(
        f"<sitemap><loc>{web.url}/{name}</loc></sitemap>" for name in ("s1", "si", "no")
    )
    item = f"<item><title>C</title><link>{web.url}/c</link><pubDate>2026-02-03</pubDate></item>"
    web.pages |= {f"/{name}": Canned(b"<p>Page " + name.encode() + b"</p>") for name in "abc"}
    web.pages |= {
        "/si": Canned(f"<sitemapindex>{index}</sitemapindex>".encode(), "text/xml"),
        "/s1": Canned(f"<urlset>{urls}</urlset>".encode(), "application/xml"),
        "/feed": Canned(f"<rss><channel>{item}</channel></rss>".encode(), "application/rss+xml"),
        "/list.txt": Canned(f"{web.url}/b\n".encode(), "text/plain"),
    }
    outcomes = articles.add(f"{web.url}/si", f"{web.url}/feed")
    assert [(o.url.rpartition("/")[2], o.status) for o in outcomes] == [
        ("no", "failed"),
        ("c", "added"),
        ("a", "added"),
        ("b", "added"),
    ]
    path = str(outcomes[1].path)
    known = page_metadata(articles.root, path, sha256((articles.root / path).read_bytes()))
    assert known == {"url": f"{web.url}/c", "title": "C", "date": "2026-02-03"}
    (listed,) = articles.add(f"{web.url}/list.txt", are_listings=True)
    assert (listed.url, listed.status) == (f"{web.url}/b", "unchanged")
    (refused,) = articles.add(f"{web.url}/a", are_listings=True)
    assert refused.cause == "is neither a sitemap nor a feed"


def test_a_sitemap_bomb_ends(articles: Articles, web: WebServer) -> None:
    def index(start: int) -> Canned:
        items = "".join(f"<sitemap><loc>{web.url}/{start + n}</loc></sitemap>" for n in range(60))
        return Canned(f"<sitemapindex>{items}</sitemapindex>".encode(), "text/xml")

    web.pages |= {f"/{n}": index(60 * n % 2_000) for n in range(2_100)}
    outcomes = articles.add(f"{web.url}/0", limit=50)
    assert len(web.paths()) == MAX_LISTINGS + 50
    assert {outcome.status for outcome in outcomes} == {"failed"}
    assert articles.files() == {}


def test_at_most_so_many_pages_are_added(articles: Articles, web: WebServer) -> None:
    urls = "".join(f"<url><loc>{web.url}/{n}</loc></url>" for n in range(30))
    web.pages |= {f"/{n}": Canned(b"<p>Page</p>") for n in range(30)}
    web.pages["/s"] = Canned(f"<urlset>{urls}</urlset>".encode(), "text/xml")
    assert len(articles.add(f"{web.url}/s", limit=7)) == len(articles.files()) == 7
