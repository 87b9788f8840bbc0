"""Fetching pages from a real server on loopback: which addresses, how much, how politely."""

import asyncio
import gzip
import ipaddress
import zlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from api.errors import FetchFailed, UrlRefused
from api.web.addresses import Address, AddressRules, is_public, parse_url
from api.web.fetch import Fetcher, Page
from api.web.robots import MAX_DELAY_S, MAX_ORIGINS, MIN_DELAY_S, Politeness
from tests.support.web_server import LOOPBACK, Canned, WebServer, redirect

PAGE = Canned(b"<p>The lake froze.</p>")


@pytest.fixture
def web() -> Iterator[WebServer]:
    with WebServer() as made:
        yield made


def fetch(url: str, *, max_bytes: int = 100_000, **options: Any) -> Page:
    """Fetches with the test server's address allowed; `options` are the fetcher's or the page's."""
    conditions = {name: options.pop(name) for name in ("etag",) if name in options}

    async def run() -> Page:
        fetcher = Fetcher(**({"networks": [LOOPBACK]} | options))
        try:
            return await fetcher.fetch(url, max_bytes=max_bytes, **conditions)
        finally:
            await fetcher.close()

    return asyncio.run(run())


def test_a_page_is_its_bytes_with_its_kind_and_version(web: WebServer) -> None:
    headers = {"ETag": '"1"', "Last-Modified": "Sat, 28 Nov 2026 10:00:00 GMT"}
    web.pages["/a?b=1"] = Canned(b"<p>\xe9</p>", "Text/HTML; charset=ISO-8859-1", headers=headers)
    page = fetch(f"{web.url}/a?b=1#part")
    assert page.url == f"{web.url}/a?b=1"
    assert (page.body, page.media_type, page.charset) == (b"<p>\xe9</p>", "text/html", "iso-8859-1")
    assert (page.etag, page.last_modified) == ('"1"', headers["Last-Modified"])
    agent = web.requests[-1][1]
    assert agent["User-Agent"].startswith("Footnote/")
    assert agent["Host"] == f"127.0.0.1:{web.port}"
    assert fetch(f"{web.url}/a?b=1", etag='"1"').status == 304


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.org/a",
        "gopher://example.org/",
        "javascript:alert(1)",
        "//example.org/a",
        "example.org/a",
        "",
        "http://",
        "http:///a",
        "http://user@example.org/",
        "http://user:secret@example.org/",
        "http://example.org@127.0.0.1/",
        "http://example.org\\@127.0.0.1/",
        "http://exa mple.org/",
        "http://example.org/a\nHost: other",
        "http://example.org:99999/",
        "http://example.org/" + "a" * 2_000,
    ],
)
def test_what_is_no_plain_url_of_a_page_is_refused(url: str) -> None:
    with pytest.raises(UrlRefused):
        parse_url(url)


NOT_PUBLIC = (
    "127.0.0.1 127.8.9.1 0.0.0.0 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 "
    "192.0.0.8 192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 239.1.1.1 240.0.0.1 "
    "255.255.255.255 :: ::1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::127.0.0.1 64:ff9b::7f00:1 "
    "64:ff9b:1::1 2002:7f00:1:: 2001:0:1::1 2001:db8::1 fe80::1 fec0::1 fc00::1 fd12::1 ff02::1 "
    "100::1 3fff::1 5f00::1"
).split()


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_an_address_that_is_not_the_internets_is_not_public(text: str) -> None:
    assert not is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "2a00:1450::1"])
def test_an_address_of_the_internet_is_public(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "localhost.", "127.1", "2130706433", "0x7f000001", "0x7f.1"),
        *(
            "0177.0.0.1",
            "017700000001",
            "0",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
        ),
        *("169.254.169.254", "[fe80::1]", "[64:ff9b::7f00:1]", "①②⑦.0.0.1", "127。0。0。1"),
    ],
)
def test_no_spelling_of_a_local_address_is_connected_to(host: str, web: WebServer) -> None:
    with pytest.raises((UrlRefused, FetchFailed)):
        fetch(f"http://{host}:{web.port}/", networks=[])
    assert web.requests == []


class StubbedNames(AddressRules):
    """Answers look-ups with what a hostile name server would say, each time the next."""

    def __init__(self, *answers: list[str]) -> None:
        super().__init__([LOOPBACK])
        self._answers = list(answers)

    async def look_up(self, host: str, port: int) -> list[Address]:
        return [ipaddress.ip_address(text) for text in self._answers.pop(0)]


@pytest.mark.parametrize("answer", [["10.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["127.0.0.2"], ["::1"]])
def test_a_name_with_any_local_address_is_refused(answer: list[str], web: WebServer) -> None:
    with pytest.raises(UrlRefused, match="at no public address"):
        fetch(f"http://pages.example:{web.port}/", rules=StubbedNames(answer))
    assert web.requests == []


def test_the_connection_goes_to_the_address_that_was_checked(web: WebServer) -> None:
    """A second look-up, which would answer otherwise, never takes place."""
    web.pages["/"] = PAGE
    rules = StubbedNames(["127.0.0.1"], ["127.0.0.1"])  # for robots.txt and the page
    page = fetch(f"http://pages.example:{web.port}/", rules=rules)
    assert page.body == PAGE.body
    assert {headers["Host"] for _, headers in web.requests} == {f"pages.example:{web.port}"}


def test_other_ports_than_those_of_pages_are_refused() -> None:
    with pytest.raises(UrlRefused, match="port 6379"):
        fetch("http://pages.example:6379/", rules=StubbedNames(["8.8.8.8"]))


@pytest.mark.parametrize(
    "target",
    [
        *("http://127.0.0.2:{port}/b", "http://localhost.:{port}@127.0.0.2/", "file:///etc/passwd"),
        *("//127.0.0.2:{port}/b", "http://0x7f000002:{port}/", "http://[::1]:{port}/b"),
        *("http://169.254.169.254/latest/meta-data/", "ftp://127.0.0.1/"),
    ],
)
def test_each_redirect_is_checked_like_the_first_url(target: str, web: WebServer) -> None:
    web.pages["/a"] = redirect(target.format(port=web.port))
    with pytest.raises(UrlRefused):
        fetch(f"{web.url}/a")
    assert web.paths() == ["/a"]


def test_redirects_end(web: WebServer) -> None:
    web.pages |= {f"/{n}": redirect(f"/{n + 1}", status=301 + n % 2) for n in range(5)}
    web.pages["/5"] = PAGE
    assert fetch(f"{web.url}/0").url == f"{web.url}/5"
    web.pages["/5"] = redirect("/0")
    with pytest.raises(FetchFailed, match="redirects more than 5 times"):
        fetch(f"{web.url}/0")


@pytest.mark.parametrize(
    "bomb",
    [
        Canned(b"x" * 65_536, is_endless=True),
        Canned(b"x" * 200_000),
        Canned(gzip.compress(bytes(30_000_000)), headers={"Content-Encoding": "gzip"}),
        Canned(zlib.compress(bytes(30_000_000)), headers={"Content-Encoding": "deflate"}),
    ],
)
def test_a_body_is_read_to_the_limit_alone(bomb: Canned, web: WebServer) -> None:
    web.pages["/a"] = bomb
    with pytest.raises(FetchFailed, match="more than 100,000 bytes"):
        fetch(f"{web.url}/a")


def test_what_is_compressed_is_decompressed_or_named(web: WebServer) -> None:
    web.pages["/a"] = Canned(gzip.compress(PAGE.body), headers={"Content-Encoding": "gzip"})
    web.pages["/b"] = Canned(b"no gzip", headers={"Content-Encoding": "gzip"})
    web.pages["/c"] = Canned(b"?", headers={"Content-Encoding": "br"})
    assert fetch(f"{web.url}/a").body == PAGE.body
    for path, cause in (("/b", "cannot be decompressed"), ("/c", "'br', which was not accepted")):
        with pytest.raises(FetchFailed, match=cause):
            fetch(web.url + path)


def test_a_body_that_does_not_arrive_is_given_up(web: WebServer) -> None:
    web.pages["/a"] = Canned(is_silent=True)
    with pytest.raises(FetchFailed, match="did not arrive"):
        fetch(f"{web.url}/a", timeout_s=0.3)


@pytest.mark.parametrize("status", [204, 206, 304, 401, 404, 410, 429, 500, 503])
def test_another_status_is_named(status: int, web: WebServer) -> None:
    web.pages["/a"] = Canned(b"", status=status)
    with pytest.raises(FetchFailed, match=f"status {status}"):
        fetch(f"{web.url}/a")


def test_no_connection_is_named() -> None:
    with WebServer() as web:
        url = web.url
    with pytest.raises(FetchFailed):
        fetch(url)


@pytest.mark.parametrize(
    ("robots", "is_allowed"),
    [
        (Canned(status=404), True),
        (Canned(status=403), True),
        (Canned(status=429), False),
        (Canned(status=503), False),
        (Canned(b"User-agent: *\nDisallow: /private"), False),
        (Canned(b"User-agent: *\nDisallow: /\nAllow: /private/a$"), True),
        (Canned(b"User-agent: Footnote\nDisallow: /private\n\nUser-agent: *\nAllow: /"), False),
        (Canned(b"User-agent: other\nDisallow: /"), True),
        (Canned(b"User-agent: *\nDisallow: /*/a$"), False),
        (Canned(b"<html>no robots.txt</html>"), True),
        (Canned(b"User-agent: *\n" * 65_536, is_endless=True), False),
        (redirect("/elsewhere.txt"), False),
        (redirect("http://127.0.0.2/robots.txt"), False),
    ],
)
def test_robots_txt_decides(robots: Canned, is_allowed: bool, web: WebServer) -> None:
    web.pages["/robots.txt"] = robots
    web.pages["/elsewhere.txt"] = Canned(b"User-agent: *\nDisallow: /private")
    web.pages["/private/a"] = PAGE
    if is_allowed:
        assert fetch(f"{web.url}/private/a").body == PAGE.body
    else:
        with pytest.raises((UrlRefused, FetchFailed), match=r"robots\.txt|no public address"):
            fetch(f"{web.url}/private/a")
        assert "/private/a" not in web.paths()


def test_robots_txt_of_a_redirects_target_decides_too(web: WebServer) -> None:
    web.pages["/robots.txt"] = Canned(b"User-agent: *\nDisallow: /private")
    web.pages["/open"] = redirect("/private/a")
    with pytest.raises(UrlRefused, match=r"robots\.txt"):
        fetch(f"{web.url}/open")


def test_a_host_is_asked_once_a_second_or_as_it_wishes() -> None:
    now, waits = [0.0], []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    async def run(robots: bytes) -> list[float]:
        waits.clear()
        reads: list[str] = []

        async def read(url: httpx.URL) -> tuple[int, bytes]:
            reads.append(str(url))
            return 200, robots

        politeness = Politeness("Footnote/1", clock=lambda: now[0], sleep=sleep)
        for path in ("a", "b", "c"):
            url = parse_url(f"https://pages.example/{path}")
            await politeness.check(url, read)
            await politeness.wait(url)
        await politeness.wait(parse_url("https://other.example/"))
        assert reads == ["https://pages.example/robots.txt"]
        return list(waits)

    assert asyncio.run(run(b"")) == [MIN_DELAY_S] * 2
    assert asyncio.run(run(b"User-agent: *\nCrawl-delay: 3")) == [3.0] * 2
    assert asyncio.run(run(b"User-agent: *\nCrawl-delay: 3600")) == [MAX_DELAY_S] * 2
    assert asyncio.run(run(b"User-agent: *\nCrawl-delay: 0.01")) == [MIN_DELAY_S] * 2


def test_the_hosts_that_are_remembered_are_bounded() -> None:
    politeness = Politeness("Footnote/1", clock=lambda: 0.0)

    async def run() -> None:
        for number in range(MAX_ORIGINS + 50):
            await politeness.wait(parse_url(f"http://{number}.example/"))

    asyncio.run(run())
    assert len(politeness._origins) == MAX_ORIGINS
