"""Lists of pages (sitemaps, RSS and Atom feeds, files of URLs) → URLs, with titles and dates.

Recognised by their content. XML is read by expat, which bounds the growth of entities; a document
type is refused all the same, since neither kind has one. Elements are not kept, so that depth and
number cost nothing.
"""

import email.utils
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from xml.parsers import expat

from index.text.dates import parse_date

MAX_LISTING_BYTES = 20_000_000
"""Also of a sitemap that is compressed, after decompression."""
MAX_TEXT_CHARS = 2_000
"""Of a URL, a title or a date in a listing; a longer one is cut."""

Kind = Literal["sitemap", "sitemap index", "feed"]

_ROOTS: dict[str, Kind] = {
    "urlset": "sitemap",
    "sitemapindex": "sitemap index",
    "rss": "feed",
    "feed": "feed",
    "RDF": "feed",
}
_ENTRIES = {"url", "sitemap", "item", "entry"}
_URLS = ("loc", "href", "link", "guid", "id")
_DATES = ("published", "pubDate", "date", "updated")
"""Elements of an entry, best first; `href` is the attribute of Atom's `link`."""
_HEAD_BYTES = 4_096


@dataclass(frozen=True, slots=True)
class Entry:
    """A page, or another sitemap, that a listing names; the date (ISO 8601) is a feed's."""

    url: str
    title: str | None = None
    date: str | None = None


def decompress(data: bytes) -> bytes:
    """Returns the bytes of a `.gz` file, others as they are; raises ValueError."""
    if not data.startswith(b"\x1f\x8b"):
        return data
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        plain = inflater.decompress(data, MAX_LISTING_BYTES + 1)
    except zlib.error as error:
        raise ValueError(f"cannot be decompressed: {error}") from error
    if len(plain) > MAX_LISTING_BYTES:
        raise ValueError(f"has more than {MAX_LISTING_BYTES:,} bytes")
    return plain


def listing_kind(data: bytes) -> Kind | None:
    """Returns what kind of list (decompressed) data are; None for anything else."""
    head = data[:_HEAD_BYTES].lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0")
    if not head.startswith(b"<"):
        return None
    roots: list[str] = []
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = lambda name, _: roots.append(name)
    try:
        for at in range(0, min(len(data), 65_536), _HEAD_BYTES):
            parser.Parse(data[at : at + _HEAD_BYTES], False)
            if roots:
                break
    except (expat.ExpatError, LookupError, ValueError):  # of an unknown encoding
        pass
    return _ROOTS.get(_local_name(roots[0])) if roots else None


def read_listing(data: bytes, *, limit: int) -> list[Entry]:
    """Returns at most `limit` entries of a sitemap or feed in their order; raises ValueError."""
    reader = _ListingReader(limit)
    reader.read(data)
    return reader.entries


class _LimitReached(Exception):
    """Ends the reading of a listing: no error, the rest is not wanted."""


class _ListingReader:
    """Collects the entries of a listing from expat's events."""

    def __init__(self, limit: int) -> None:
        self.entries: list[Entry] = []
        self._limit = limit
        self._entry: dict[str, str] | None = None
        self._text: list[str] | None = None
        self._size = self._depth = self._entry_depth = 0

    def read(self, data: bytes) -> None:
        """Reads a whole listing; raises ValueError where it is no well-formed XML."""
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        try:
            parser.Parse(data, True)
        except _LimitReached:
            return
        except (expat.ExpatError, LookupError) as error:
            raise ValueError(f"is malformed XML: {error}") from error

    def _refuse_doctype(self, *_: object) -> None:
        raise ValueError("has a document type, which sitemaps and feeds do not have")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        local = _local_name(name)
        if self._entry is None:
            if local in _ENTRIES:
                self._entry, self._entry_depth = {}, self._depth
        elif self._depth == self._entry_depth + 1:
            self._text, self._size = [], 0
            if local == "link" and attributes.get("rel", "alternate") == "alternate":
                self._entry.setdefault("href", attributes.get("href", "")[:MAX_TEXT_CHARS])

    def _characters(self, text: str) -> None:
        if self._text is not None and self._size < MAX_TEXT_CHARS:
            self._text.append(text)
            self._size += len(text)

    def _end(self, name: str) -> None:
        local = _local_name(name)
        if self._entry is not None and self._depth == self._entry_depth + 1:
            text = " ".join("".join(self._text or ()).split())[:MAX_TEXT_CHARS]
            if text:
                self._entry.setdefault(local, text)
            self._text = None
        elif self._entry is not None and self._depth == self._entry_depth:
            self._close(self._entry)
            self._entry = None
        self._depth -= 1

    def _close(self, entry: dict[str, str]) -> None:
        urls = (entry.get(name) for name in _URLS)
        url = next((url for url in urls if url and url.startswith(("http://", "https://"))), None)
        if url is None:
            return
        dates = (entry.get(name) for name in _DATES)
        date = next((day for text in dates if text and (day := _iso_date(text))), None)
        self.entries.append(Entry(url, entry.get("title"), date))
        if len(self.entries) >= self._limit:
            raise _LimitReached


def _local_name(name: str) -> str:
    return name.rpartition(" ")[2]


def _iso_date(text: str) -> str | None:
    """Returns the day of an ISO 8601 or RFC 5322 date, None for anything else."""
    try:
        return email.utils.parsedate_to_datetime(text).date().isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return parse_date(text)


def read_url_list(text: str) -> Iterator[Entry]:
    """Yields the URLs of a text with one on each line; `#` begins a comment; raises ValueError."""
    for number, line in enumerate(text.splitlines(), start=1):
        url = line.strip()
        if not url or url.startswith("#"):
            continue
        url = url.split(" #")[0].strip()
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"line {number} is no URL: {url[:80]!r}")
        yield Entry(url)
