"""Writes HTML whose text is a source's own, and marks the cited characters wherever they stand.

A `<mark>` cannot span blocks, so a passage of several has several; the first has the id `cite`.
"""

from collections.abc import Iterable
from html import escape as escape_html

from ..escape import escape

Piece = tuple[int, int, str]
"""(start, end, HTML): characters to show where the HTML is empty, else a tag of ours."""


class MarkedHtml:
    """Collects HTML; `first:last` of the text is what to mark, nothing where they are equal."""

    def __init__(self, text: str, first: int, last: int) -> None:
        self.text = text
        self._first, self._last = first, last
        self._parts: list[str] = []
        self._has_target = first >= last

    def tag(self, html: str) -> None:
        """Adds HTML of ours as it is."""
        self._parts.append(html)

    def show(self, start: int, end: int) -> None:
        """Adds characters of the text, in the order of the text, those of the passage marked."""
        if start >= end:
            return
        if start >= self._last or end <= self._first:
            if start >= self._last:
                self._add_target()
            self._parts.append(escape_text(self.text[start:end]))
            return
        left, right = max(start, self._first), min(end, self._last)
        self._parts.append(escape_text(self.text[start:left]))
        opening = "<mark>" if self._has_target else '<mark id="cite">'
        self._parts.append(f"{opening}{escape_text(self.text[left:right])}</mark>")
        self._has_target = True
        self._parts.append(escape_text(self.text[right:end]))

    def pieces(self, pieces: Iterable[Piece]) -> None:
        """Adds pieces in their order."""
        for start, end, html in pieces:
            if start < end:
                self.show(start, end)
            elif html:
                self.tag(html)

    def html(self) -> str:
        """Returns all of it; a passage of markers alone has an empty mark, to scroll to."""
        self._add_target()
        return "".join(self._parts)

    def _add_target(self) -> None:
        if not self._has_target:
            self._parts.append('<mark id="cite"></mark>')
            self._has_target = True


def escape_text(text: str) -> str:
    """Returns the text as HTML; what is invisible or reorders it becomes visible escapes."""
    return escape_html(escape(text))
