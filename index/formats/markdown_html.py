"""HTML blocks inside Markdown → their paragraphs, list items and table rows, by their tags.

The text stays the file's own, tags included; stretches of tags alone are no blocks.
"""

import re
from collections.abc import Iterator

from ..text.sentences import sentence_spans, trim
from ..types import Span, Unit

_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*+)\b[^<>]*+>|<!--.*?(?:-->|\Z)", re.DOTALL)
_UNITS = {"tr": "row", "li": "item"}
_BREAKS = frozenset(
    "table thead tbody tfoot ul ol dl p div section article details summary blockquote pre figure "
    "h1 h2 h3 h4 h5 h6 dt dd caption".split()
)
_HEADER_CELL = re.compile(r"<th\b", re.IGNORECASE)
_DATA_CELL = re.compile(r"<td\b", re.IGNORECASE)
_HEADINGS = frozenset("h1 h2 h3 h4 h5 h6 summary dt".split())


class HtmlBlocks:
    """Finds the blocks and units of one file's HTML; a table may go on in its next block."""

    def __init__(self) -> None:
        self._header: tuple[Span, ...] = ()
        self._introduction: tuple[Span, ...] = ()

    def units(self, text: str, start: int, end: int) -> tuple[list[Span], list[Unit]]:
        """Returns the blocks and units between two offsets, in order."""
        blocks: list[Span] = []
        units: list[Unit] = []
        for left, right, tag in _stretches(text, start, end):
            span = trim(text, left, right)
            if not span or not _TAG.sub("", text[left:right]).strip():
                self._header = () if "</table" in text[left:right].lower() else self._header
                continue
            blocks.append(span)
            if tag == "tr":
                units.append(self._row(text, span))
            elif tag == "li":
                units.append(Unit(*span, "item", self._introduction))
            elif tag in _HEADINGS:
                units.append(Unit(*span, "heading"))
            else:
                self._introduction = (sentence_spans(text, *span)[-1],)
        return blocks, units

    def _row(self, text: str, span: Span) -> Unit:
        row = text[span[0] : span[1]]
        if _HEADER_CELL.search(row) and not _DATA_CELL.search(row):
            self._header = (span,)
            return Unit(*span, "heading")
        return Unit(*span, "row", self._header)


def _stretches(text: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    """Yields (start, end, tag) of the stretches between tags that begin or end a block."""
    left, current = start, ""
    for match in _TAG.finditer(text, start, end):
        tag, is_closing = (match.group(2) or "").lower(), bool(match.group(1))
        if tag in _UNITS or (tag in _BREAKS and current != "tr"):
            cut = match.end() if is_closing else match.start()
            yield left, cut, current
            left, current = cut, "" if is_closing else tag
    yield left, end, current
