"""A source as an HTML page: the cited passage highlighted and scrolled to, no script.

The link's `#cite` scrolls to `<mark>`. The article looks like itself (`article/`), or is shown as
its plain text. Everything from the source is HTML-escaped; characters that are invisible or reorder
the text become visible escapes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape as escape_html
from pathlib import Path
from string import Template
from typing import Protocol

from fastapi.responses import HTMLResponse

from index.text.dates import first_day
from index.text.limits import MAX_HEADING_PATH_CHARS, MAX_TITLE_CHARS, shorten
from index.types import Chunk, Source, Span

from .article.blocks import render_article
from .article.grouping import Markup
from .article.marked_html import MarkedHtml
from .escape import escape
from .signed_links import SEARCH_CHARS, find_quote

PAGES_FOLDER = Path(__file__).parents[1] / "pages"
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )
}
_CHANGED = (
    "This source has changed since it was cited, and no longer contains the cited text. "
    "Nothing is highlighted."
)
_MOVED = (
    "This source has changed since it was cited. It still contains the cited text, word for word, "
    "which is highlighted; the text around it may differ."
)
_CHANGED_LONG = (
    "This source has changed since it was cited, and does not contain the cited text near its old "
    "place. Nothing is highlighted."
)
_CUT = "This source is long: only the text around the passage is shown."
_MARK_CUT = "This passage is long: only its beginning is shown."
_NO_FILE = "The file of this source is gone, or has changed since it was indexed."
_NO_PDF = "The PDF file is gone, or has changed since it was indexed: only the text of it is shown."
_NOT_FOUND = "This source is not, or no longer, in the index."

CONTEXT_CHARS = 50_000
"""How many characters of a long source are shown before and after the passage."""
MAX_MARKED_CHARS = 100_000
"""How many characters of a passage are shown; a cited one has fewer."""


class ReadChunks(Protocol):
    """Returns the chunks of a source between two offsets, in order."""

    def __call__(self, *, start: int, end: int) -> Sequence[Chunk]:
        """Reads them."""
        ...


@dataclass(frozen=True, slots=True)
class PageLink:
    """A link of the page to another form of the article, or to others."""

    href: str
    text: str


@dataclass(frozen=True, slots=True)
class PagePicture:
    """The page of a PDF that the passage is on; no `href` where its file is another by now."""

    number: int
    href: str | None


def render_source_page(
    source: Source,
    text: str,
    *,
    start: int | None,
    end: int | None,
    version: str | None,
    fingerprint: str = "",
    location: str = "",
    read_chunks: ReadChunks | None = None,
    links: Sequence[PageLink] = (),
    picture: PagePicture | None = None,
) -> HTMLResponse:
    """Returns the page of a source with `start:end` highlighted; `location`: page, heading.

    Without `read_chunks` the article is plain text.

    If the file's version is no longer `version`, the quote of `fingerprint` is highlighted where
    it is now, if anywhere.
    """
    first, last = start or 0, len(text) if end is None else end
    if start is end is None:
        last = 0
    note = ""
    is_whole = start == end == 0 and not fingerprint  # a link to an article, not to a passage
    if version is not None and not is_whole and not source.sha256.startswith(version):
        position = find_quote(fingerprint, text, length=last - first, near=first)
        first, last = (0, 0) if position is None else (position, position + last - first)
        changed = _CHANGED if len(text) <= SEARCH_CHARS else _CHANGED_LONG
        note, location = changed if position is None else _MOVED, ""
        picture = None
    elif last - first > MAX_MARKED_CHARS:
        note = _MARK_CUT
    elif _is_cut(text, first, last):
        note = _CUT
    if picture is not None and picture.href is None:
        note = f"{note} {_NO_PDF}".strip()
    elif picture is not None and picture.href is not None:
        links = [*links, PageLink(picture.href, f"Page {picture.number}")]
    line = text.count("\n", 0, first) + 1
    place = f"Characters {first:,} to {last:,}, from line {line:,}"
    return _page(
        title=shorten(source.title, MAX_TITLE_CHARS),
        path=source.path,
        place=", ".join(filter(None, (place, location))) if first < last else "The whole source",
        note=note,
        body=_article(source.path, text, first, last, read_chunks) + _figure(picture),
        links=links,
        date=source.date,
        origin=source.metadata.get("url", ""),
    )


def describe_location(chunk: Chunk | None) -> str:
    """Returns the page and the heading (or the row) of a chunk; may be empty."""
    if chunk is None:
        return ""
    parts = [
        f"page {chunk.page}" if chunk.page else "",
        shorten(chunk.heading or "", MAX_HEADING_PATH_CHARS),
    ]
    return ", ".join(filter(None, parts))


def render_not_found(status: int, *, is_file: bool = False) -> HTMLResponse:
    """Returns the page for a source that is not in the index, or for its file."""
    return _page(title="Not found", note=_NO_FILE if is_file else _NOT_FOUND, status=status)


def render_access_denied(cause: str, status: int) -> HTMLResponse:
    """Returns the page for an invalid signed link."""
    return _page(title="No access", note=f"Sorry: {cause}.", status=status)


def _page(
    *,
    title: str,
    note: str,
    path: str = "",
    place: str = "",
    body: str = "",
    date: str | None = None,
    origin: str = "",
    links: Sequence[PageLink] = (),
    status: int = 200,
) -> HTMLResponse:
    page = Template((PAGES_FOLDER / "view.html").read_text(encoding="utf-8")).substitute(
        title=escape_line(title),
        path=escape_line(path),
        date=date_line(date),
        place=escape_line(place),
        origin=_origin_link(origin),
        note=f'<p class="note" role="note">{escape_html(note)}</p>' if note else "",
        links="".join(f'<a href="{escape_html(one.href)}">{one.text}</a>' for one in links),
        body=body,
    )
    return HTMLResponse(page, status, HEADERS)


def date_line(iso: str | None) -> str:
    """Returns the day, month or year that an article states, as the reader would write it."""
    if iso is None:
        return ""
    try:
        day = first_day(iso)
    except ValueError:  # no calendar has it
        return ""
    parts = [str(day.day), f"{day:%B}", str(day.year)][-len(iso.split("-")) :]
    return f' · <time datetime="{iso}">{" ".join(parts)}</time>'


def _origin_link(url: str) -> str:
    """Returns a link to the page that an article was, if its `url` is one of the web."""
    if not url.startswith(("http://", "https://")) or not url.isprintable():
        return ""
    shown = escape_html(shorten(url, MAX_TITLE_CHARS))
    href = escape_html(url, quote=True)
    return f'<p class="quiet"><a href="{href}" rel="noopener noreferrer nofollow">{shown}</a></p>'


def _article(path: str, text: str, first: int, last: int, read_chunks: ReadChunks | None) -> str:
    """Returns the text around `first:last` as HTML, that within `<mark id="cite">`."""
    last = min(last, first + MAX_MARKED_CHARS)
    start, end = window = _window(text, first, last)
    if read_chunks is None:
        plain = MarkedHtml(text, first, last)
        for span in ((start, first), (first, last), (last, end)) if first < last else (window,):
            plain.show(*span)
        return f'<div class="article plain" dir="auto">{plain.html()}</div>'
    body = render_article(
        text, read_chunks(start=start, end=end), path=path, first=first, last=last, window=window
    )
    name = "article markdown" if Markup.of(path).is_markdown else "article"
    return f'<div class="{name}">{body}</div>'


def _figure(picture: PagePicture | None) -> str:
    """Returns the page of a PDF as HTML, which leads to the picture itself."""
    if picture is None or picture.href is None:
        return ""
    href = escape_html(picture.href)
    words = f"Page {picture.number} of the PDF"
    image = f'<img src="{href}" alt="{words}, with the passage marked where it was found">'
    return f'<figure><a href="{href}">{image}</a><figcaption>{words}</figcaption></figure>'


def _window(text: str, first: int, last: int) -> Span:
    if first >= last:
        return 0, min(len(text), 2 * CONTEXT_CHARS)
    return max(0, first - CONTEXT_CHARS), min(len(text), last + CONTEXT_CHARS)


def _is_cut(text: str, first: int, last: int) -> bool:
    return _window(text, first, last) != (0, len(text))


def escape_line(text: str) -> str:
    """Returns the text as one line of HTML, also for an attribute."""
    return escape_html(escape(text).replace("\n", " "))
