"""Sitemaps, feeds and files of URLs: which pages they name, and which are hostile."""

import gzip

import pytest

from api.web.listing import (
    MAX_LISTING_BYTES,
    MAX_TEXT_CHARS,
    Entry,
    decompress,
    listing_kind,
    read_listing,
    read_url_list,
)

SITEMAP = b"""<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
        xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
  <url><loc> https://example.org/a?x=1&amp;y=2 </loc><lastmod>2026-01-02</lastmod>
    <image:image><image:loc>https://example.org/a.png</image:loc></image:image></url>
  <url><loc>https://example.org/b</loc></url>
  <url><loc>/relative</loc></url>
</urlset>"""
INDEX = b"""<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
  <sitemap><loc>https://example.org/1.xml.gz</loc></sitemap></sitemapindex>"""
RSS = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>News</title>
  <link>https://example.org/</link>
  <item><title>Ice &amp; <![CDATA[snow]]></title><link>https://example.org/ice</link>
    <pubDate>Sat, 28 Nov 2026 10:00:00 +0100</pubDate><description>&lt;p&gt;</description></item>
  <item><guid>https://example.org/guid</guid></item>
  <item><guid isPermaLink="false">tag:1</guid></item>
</channel></rss>"""
ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom"><title>Notes</title>
  <link rel="self" href="https://example.org/feed"/>
  <entry><title>One</title><link rel="edit" href="https://example.org/edit"/>
    <link href="https://example.org/one"/><id>urn:1</id>
    <published>2025-03-04T05:06:07Z</published><updated>2026-01-01T00:00:00Z</updated>
    <author><name>A</name><uri>https://example.org/author</uri></author></entry></feed>"""
RDF = b"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
  xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">
  <item><title>Old</title><link>https://example.org/old</link><dc:date>2001-02-03</dc:date></item>
</rdf:RDF>"""


@pytest.mark.parametrize(
    ("data", "kind", "entries"),
    [
        (SITEMAP, "sitemap", [("https://example.org/a?x=1&y=2",), ("https://example.org/b",)]),
        (INDEX, "sitemap index", [("https://example.org/1.xml.gz",)]),
        (
            RSS,
            "feed",
            [
                ("https://example.org/ice", "Ice & snow", "2026-11-28"),
                ("https://example.org/guid",),
            ],
        ),
        (ATOM, "feed", [("https://example.org/one", "One", "2025-03-04")]),
        (RDF, "feed", [("https://example.org/old", "Old", "2001-02-03")]),
        (b"\xef\xbb\xbf\n" + ATOM, "feed", [("https://example.org/one", "One", "2025-03-04")]),
        (
            ATOM.decode().encode("utf-16"),
            "feed",
            [("https://example.org/one", "One", "2025-03-04")],
        ),
        (
            b"<!-- " + b"x" * 5_000 + b" -->" + INDEX,
            "sitemap index",
            [("https://example.org/1.xml.gz",)],
        ),
    ],
)
def test_a_listing_is_recognised_and_names_its_pages(
    data: bytes, kind: str, entries: list[tuple[str, ...]]
) -> None:
    for form in (data, gzip.compress(data)):
        plain = decompress(form)
        assert listing_kind(plain) == kind
    if not data.startswith(b"\xef\xbb\xbf\n"):
        assert read_listing(plain, limit=10) == [Entry(*values) for values in entries]


@pytest.mark.parametrize(
    "data",
    [
        b"<!doctype html><html><body><urlset></urlset></body></html>",
        b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body/></html>',
        b"%PDF-1.7",
        b"https://example.org/a\n",
        b"<",
        b"",
        b'<?xml version="1.0" encoding="nonsense"?><urlset/>',
        b'{"urlset": []}',
    ],
)
def test_a_page_is_no_listing(data: bytes) -> None:
    assert listing_kind(data) is None


LAUGHS = b"".join(
    b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10 if n else b"ha") for n in range(10)
)


@pytest.mark.parametrize(
    "data",
    [
        b"<!DOCTYPE urlset [" + LAUGHS + b"]><urlset><url><loc>&l9;</loc></url></urlset>",
        b'<!DOCTYPE urlset SYSTEM "file:///etc/passwd"><urlset/>',
        b'<!DOCTYPE r [<!ENTITY x SYSTEM "http://127.0.0.1/">]><urlset><url><loc>&x;</loc></url></urlset>',
        b"<urlset><url><loc>https://example.org/a</loc>",
        b"<urlset></sitemapindex>",
        b"<urlset>\xff</urlset>",
    ],
)
def test_malformed_and_hostile_xml_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"document type|malformed"):
        read_listing(data, limit=10)


def test_a_listing_is_read_to_its_limit() -> None:
    many = b"".join(b"<url><loc>https://example.org/%d</loc></url>" % n for n in range(5_000))
    endless = b"<urlset>" + many  # never closed: what is after the limit is not read
    assert [entry.url for entry in read_listing(endless, limit=2)] == [
        "https://example.org/0",
        "https://example.org/1",
    ]


def test_depth_and_length_cost_nothing() -> None:
    deep = b"<urlset>" + b"<a>" * 100_000 + b"</a>" * 100_000 + b"</urlset>"
    assert read_listing(deep, limit=10) == []
    long = b"<urlset><url><loc>https://e.org/" + b"a" * 1_000_000 + b"</loc></url></urlset>"
    (entry,) = read_listing(long, limit=10)
    assert len(entry.url) == MAX_TEXT_CHARS


def test_a_compressed_listing_is_bounded() -> None:
    with pytest.raises(ValueError, match="more than"):
        decompress(gzip.compress(bytes(MAX_LISTING_BYTES + 1)))
    with pytest.raises(ValueError, match="decompressed"):
        decompress(b"\x1f\x8b and no more")


def test_a_file_of_urls_has_one_on_a_line_and_comments() -> None:
    text = "# pages\nhttps://example.org/a\r\n\n  http://example.org/b#c  # the second\n"
    assert [entry.url for entry in read_url_list(text)] == [
        "https://example.org/a",
        "http://example.org/b#c",
    ]
    with pytest.raises(ValueError, match=r"line 2 is no URL: 'example\.org'"):
        list(read_url_list("https://example.org/a\nexample.org\n"))
