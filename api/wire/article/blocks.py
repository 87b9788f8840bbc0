"""Groups of an article's units → the HTML of its page: headings, paragraphs, lists, tables, code.

The items of a list carry their level as a class instead of nesting, so that the page of a list of
any depth is as flat as its text.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from index.formats.front_matter import parse_front_matter
from index.text.chunk import JOINT
from index.types import Chunk, Span

from .grouping import BREAK, FENCE, Group, Markup, Part, group_units, is_marker
from .inline import link_definitions, parse_inline
from .marked_html import MarkedHtml, Piece

MAX_CELLS = 1_000
"""Of a row; what follows is in the last of them."""
MAX_LEVEL = 6
"""Of headings and lists."""
_MAX_INDENT = 200

_LINE = re.compile(r"[^\r\n]++")
_CODE_LINE = re.compile(r"[^\n]*+(?:\n|(?<=[^\n])\Z)")
_QUOTE = re.compile(r"[ \t]*+(?:>[ \t]?)++")
_ITEM = re.compile(r"[ \t]*+(?:>[ \t]?)*+(?:([-*+•‣◦▪])|\d{1,9}[.)])[ \t]++")
_HEADING = re.compile(r"[ \t]*+(?:>[ \t]?)*+(?:(#{1,6})|(\*++))[ \t]++")
_CLOSING_HASHES = re.compile(r"[ \t]++#++[ \t]*+\Z")
_ADORNMENT = re.compile(r"([=\-~^\"'`#*+.:_<>])\1++[ \t]*+\Z")
_BAR = re.compile(r"\\.|(\|)", re.DOTALL)
_ESCAPED_BAR = re.compile(r"\\\|")
_CELL_TAG = re.compile(r"<t[dh]\b[^<>]{0,2000}+>", re.IGNORECASE)
_HTML_ROW = re.compile(r"<tr\b", re.IGNORECASE)
_BLANKS = " \t\r\n\f\v"


def render_article(
    text: str, chunks: Sequence[Chunk], *, path: str, first: int, last: int, window: Span
) -> str:
    """Returns the HTML of the text within `window`, with `first:last` marked.

    `chunks` are those of the window, in order; `path` tells the format. Takes time linear in the
    window.
    """
    markup = Markup.of(path)
    start, end = window
    writer = MarkedHtml(text, first, last)
    page = _Page(writer, markup, window)
    front = parse_front_matter(text).end if markup.is_own_text and not start else 0
    page.plain(*_front_lines(text, start, min(front, end)), "front")
    for group in group_units(text, chunks, max(start, front), end, markup):
        page.write(group)
    return writer.html()


class _Page:
    """Writes the blocks of one window."""

    def __init__(self, writer: MarkedHtml, markup: Markup, window: Span) -> None:
        self._writer, self._text, self._markup = writer, writer.text, markup
        definitions = list(link_definitions(self._text, *window)) if markup.is_markdown else []
        self._targets: Mapping[str, str] = {name: to for _, name, to in reversed(definitions)}
        self._definitions = {start for start, _, _ in definitions}

    def write(self, group: Group) -> None:
        """Adds a group as the block that it is."""
        match group.kind:
            case "heading":
                self._write_heading(group.parts[0])
            case "term":
                self._block('p class="term"', group.start, group.end)
            case "sentence":
                self._write_paragraph(group)
            case "item":
                self._write_list(group)
            case "row":
                self._write_table(group)
            case "code":
                self._write_code(group)
            case _:
                self._write_gap(group)

    def plain(self, start: int, end: int, name: str) -> None:
        """Adds text that is no unit as it is, without blanks around it."""
        start, end = _trim(self._text, start, end)
        if start < end:
            self._writer.tag(f'<p class="{name}" dir="auto">')
            self._writer.show(start, end)
            self._writer.tag("</p>")

    def _block(self, tag: str, start: int, end: int) -> None:
        self._writer.tag(f'<{tag} dir="auto">')
        self._writer.pieces(self._inline(start, end))
        self._writer.tag(f"</{tag.partition(' ')[0]}>")

    def _inline(self, start: int, end: int) -> Iterator[Piece]:
        if self._markup.is_markdown:
            return parse_inline(self._text, start, end, self._targets)
        return iter([(start, end, "")])

    def _write_gap(self, group: Group) -> None:
        start = group.start
        for line in _LINE.finditer(self._text, start, group.end):
            is_break = self._markup.is_own_text and BREAK.fullmatch(self._text, *line.span())
            is_definition = line.start() in self._definitions
            if is_break or is_definition or is_marker(self._text, *line.span(), self._markup):
                self.plain(start, line.start(), "aside")
                self._writer.tag("<hr>" if is_break else "")
                start = line.end()
        self.plain(start, group.end, "aside")

    def _write_paragraph(self, group: Group) -> None:
        quote = _QUOTE.match(self._text, group.start, group.end)
        if quote is None or not self._markup.is_markdown:
            self._block("p", group.start, group.end)
            return
        self._writer.tag("<blockquote>")
        self._block("p", quote.end(), group.end)
        self._writer.tag("</blockquote>")

    def _write_heading(self, part: Part) -> None:
        start, end, level = part.start, part.end, _path_level(self._text, part)
        if self._markup.is_own_text:
            start, end, level = self._trim_heading(start, end, level)
        self._block(f"h{min(level + 1, MAX_LEVEL)}", start, end)  # the page's title is the first

    def _trim_heading(self, start: int, end: int, level: int) -> tuple[int, int, int]:
        """Returns a heading's words without its marks, and its level."""
        text = self._text
        prefix = _HEADING.match(text, start, end)
        if prefix is not None:
            closing = _CLOSING_HASHES.search(text, max(prefix.end() - 1, end - 80), end)
            end = closing.start() if closing and prefix[1] else end
            return prefix.end(), max(end, prefix.end()), len(prefix[1] or prefix[2])
        lines = [line.span() for line in _LINE.finditer(text, start, end)]
        if len(lines) > 1 and _ADORNMENT.match(text, *lines[-1]):
            if self._markup.is_markdown:
                level = 1 if text[lines[-1][0]] == "=" else 2
            has_overline = len(lines) > 2 and _ADORNMENT.match(text, *lines[0])
            return lines[1 if has_overline else 0][0], lines[-2][1], level
        return start, end, level

    def _write_list(self, group: Group) -> None:
        self._writer.tag("<ul>")
        for part in group.parts:
            marker = _ITEM.match(self._text, part.start, part.end)
            level = sum(bool(_ITEM.match(self._text, *above)) for above in part.under)
            level = min(level - (marker is None and level > 0), MAX_LEVEL)
            name = "plain" if marker is None else "bullet" if marker[1] else "numbered"
            start = marker.end() if marker is not None and marker[1] else part.start
            self._block(f'li class="level{level} {name}"', start, part.end)
        self._writer.tag("</ul>")

    def _write_code(self, group: Group) -> None:
        text, start, end = self._text, group.start, group.end
        line_start = text.rfind("\n", max(0, start - _MAX_INDENT), start) + 1
        indent = text[line_start:start] if line_start else ""
        if self._markup.is_markdown:
            fence = FENCE.match(text, start, end)
            closing = text.rfind("\n", start, end) + 1
            if closing and FENCE.fullmatch(text, closing, end):
                end = closing
            start = min(fence.end(), end) if fence else start
        self._writer.tag("<pre><code>")
        if indent.strip() or not indent:
            self._writer.show(start, end)
        else:
            for line in _CODE_LINE.finditer(text, start, end):
                is_indented = text.startswith(indent, line.start(), line.end())
                self._writer.show(line.start() + len(indent) * is_indented, line.end())
        self._writer.tag("</code></pre>")

    def _write_table(self, group: Group) -> None:
        rows = [part for part in group.parts if not is_marker(self._text, *part[:2], self._markup)]
        cells = [list(self._cells(row)) for row in rows]
        if not self._markup.is_own_text and all(len(row) < 2 for row in cells):
            self._block("p", group.start, group.end)  # a record: `name: value; name: value`
            return
        self._writer.tag('<div class="table" tabindex="0" role="group" aria-label="Table">')
        self._writer.tag('<table dir="auto">')
        for row, spans in zip(rows, cells, strict=True):
            self._writer.tag("<tr>")
            for start, end in spans:
                tag = "th" if row.kind == "heading" else "td"
                self._writer.tag(f'<{tag}{" scope=col" * (tag == "th")} dir="auto">')
                self._writer.pieces(self._cell(start, end))
                self._writer.tag(f"</{tag}>")
            self._writer.tag("</tr>")
        self._writer.tag("</table></div>")

    def _cell(self, start: int, end: int) -> Iterator[Piece]:
        """Yields the pieces of a cell, its escaped bars without backslash."""
        if self._markup.is_markdown:
            yield from self._inline(start, end)
            return
        for escaped in _ESCAPED_BAR.finditer(self._text, start, end):
            yield start, escaped.start(), ""
            start = escaped.start() + 1
        yield start, end, ""

    def _cells(self, row: Part) -> Iterator[Span]:
        """Yields the spans of a row's cells, without blanks around."""
        text, start, end = self._text, row.start, row.end
        if self._markup.is_markdown and _HTML_ROW.match(text, start, end):
            edges = [tag.span() for tag in _CELL_TAG.finditer(text, start, end)]
            start = edges.pop(0)[1] if edges else start
        else:
            is_drawn = self._markup.is_own_text and text[start] == "|"
            start += is_drawn
            edges = [bar.span() for bar in _BAR.finditer(text, start, end) if bar[1]]
            if is_drawn and edges and edges[-1][1] == end:
                end = edges.pop()[0]
        for left, right in [*edges[: MAX_CELLS - 1], (end, end)]:
            yield _trim(text, start, left)
            start = right


def _path_level(text: str, heading: Part) -> int:
    """Returns a heading's level by its place among those of its chunk; 1 where it is not there."""
    words = " ".join(text[heading.start : heading.end].split())
    path = heading.path.split(JOINT)
    return path.index(words) + 1 if words in path else 1


def _front_lines(text: str, start: int, end: int) -> Span:
    """Returns the span of front matter without the lines around it (`---`)."""
    fence = text[start : start + 3]
    if end - start < 6 or fence not in ("---", "+++"):
        return start, end
    closing = max(text.rfind(mark, start + 3, end) for mark in (fence, "..."))
    return start + 3, closing if closing > 0 else end


def _trim(text: str, start: int, end: int) -> Span:
    """Returns the span without blanks around; empty where there is nothing else."""
    while start < end and text[start] in _BLANKS:
        start += 1
    while start < end and text[end - 1] in _BLANKS:
        end -= 1
    return start, end
