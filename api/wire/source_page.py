"""An article as a page: the cited passage marked, scrolled to, and nothing run or hidden.

Without a script: the link's `#cite` scrolls, `<mark>` marks. Everything from the article is
escaped; what would be invisible or reorder the text is shown as an escape.
"""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template

from fastapi.responses import HTMLResponse

from index.types import Chunk, Source

from . import quotes
from .escape import screen

_FOLDER = Path(__file__).parents[1] / "pages"
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )
}

AROUND = 50_000
"""How many characters of a long article are shown before and after the passage."""


def shown(
    source: Source,
    text: str,
    *,
    start: int | None,
    end: int | None,
    version: str | None,
    mark: str = "",
    where: str = "",
) -> HTMLResponse:
    """Returns the page of an article with `start:end` marked, which is `where`: a page, a heading.

    Of a file that is another than `version` by now, only the words of `mark` are marked, where
    they stand; see `quotes`.
    """
    first, last = (
        (0, 0) if start is end is None else (start or 0, len(text) if end is None else end)
    )
    note = None
    if version is not None and not source.sha256.startswith(version):
        found = quotes.find(mark, text, length=last - first, near=first)
        first, last = (0, 0) if found is None else (found, found + last - first)
        note = "changed" if found is None else "moved"
    elif _cuts(text, first, last):
        note = "cut"
    place = f"Characters {first:,} to {last:,}, from line {_line(text, first):,}"
    if where and note in (None, "cut"):
        place = f"{place}, {where}"
    return _page(
        title=source.title,
        path=source.path,
        place=place if first < last else "The whole article",
        note=_NOTES[note] if note else "",
        body=_marked(text, first, last),
    )


def whereabouts(chunks: Sequence[Chunk], start: int | None) -> str:
    """Returns the page and the heading, or the row, that a character stands under; may be empty."""
    chunk = next((chunk for chunk in chunks if chunk.start <= (start or 0) < chunk.end), None)
    if chunk is None:
        return ""
    parts = [f"page {chunk.page}" if chunk.page else "", chunk.heading or ""]
    return ", ".join(part for part in parts if part)


def gone(status: int) -> HTMLResponse:
    """Returns the page for an article that is not in the index (any more)."""
    return _page(title="Not found", path="", place="", note=_NOTES["gone"], body="", status=status)


def refused(cause: str, status: int) -> HTMLResponse:
    """Returns the page for a signed link that does not open anything."""
    return _page(
        title="No access", path="", place="", note=f"Sorry: {cause}.", body="", status=status
    )


_NOTES = {
    "changed": (
        "This article has changed since it was cited, and the cited words no longer stand in it. "
        "Nothing is marked here."
    ),
    "moved": (
        "This article has changed since it was cited. The cited words still stand in it, word for "
        "word, and are marked; what surrounds them may be another."
    ),
    "cut": "This article is long: only what surrounds the passage is shown.",
    "gone": "This article is not in the index, or is no longer in it.",
}


def _page(
    *, title: str, path: str, place: str, note: str, body: str, status: int = 200
) -> HTMLResponse:
    template = Template((_FOLDER / "view.html").read_text(encoding="utf-8"))
    warning = f'<p class="note" role="note">{escape(note)}</p>' if note else ""
    page = template.substitute(
        title=escape(_line_of(title)),
        path=escape(_line_of(path)),
        place=escape(_line_of(place)),
        note=warning,
        body=body,
    )
    return HTMLResponse(page, status, _HEADERS)


def _marked(text: str, first: int, last: int) -> str:
    """Returns the text as HTML, `first:last` within `<mark id="cite">`."""
    if first >= last:
        return _html(text[: 2 * AROUND])
    before, after = text[max(0, first - AROUND) : first], text[last : last + AROUND]
    quote = f'<mark id="cite">{_html(text[first:last])}</mark>'
    return _html(before) + quote + _html(after)


def _cuts(text: str, first: int, last: int) -> bool:
    if first >= last:
        return len(text) > 2 * AROUND
    return first > AROUND or len(text) - last > AROUND


def _html(text: str) -> str:
    return escape(screen(text))


def _line_of(text: str) -> str:
    return screen(text).replace("\n", " ")


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1
