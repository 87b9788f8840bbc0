"""MDX → as Markdown, without its imports, exports, JSX tags and expressions; prose between stays.

What is no text is blanked, and the indent within tags removed, before Markdown is parsed; offsets
are those of the file's own characters. MDX has no indented code (mdxjs.com/docs/what-is-mdx).
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, groupby

from ..text.encoding import decode
from ..types import Document, Heading, Span, Unit
from .markdown import extract_markdown

MAX_TAG_CHARS = 5_000
MAX_STATEMENT_CHARS = 20_000
"""Of an import, an export or an expression; what is longer is text."""
MAX_OPEN = 50
"""Tags and expressions that do not end, after which the rest is read as it stands."""

_FENCE = re.compile(r"^[ \t]*+(`{3,}|~{3,})[^\n]*\n(?:.*\n)*?[ \t]*+\1[`~]*[ \t]*$", re.MULTILINE)
_STATEMENT = re.compile(
    r"^(?:import[ \t]+(?:[\w*{][^\n]*|[\"'][^\n]*)"
    r"|export[ \t]+(?:default|const|let|var|function|async|class|\{|\*)[^\n]*)$",
    re.MULTILINE,
)
_IMPORT_END = re.compile(r"[\"'][^\"'\n]*[\"'];?[ \t]*$")
_START = re.compile(r"`+|<(?=[A-Za-z>/!])|\{|\\.|^(?:import|export)[ \t]", re.MULTILINE)
_STRING_EXPRESSION = re.compile(r"\{\s*([\"'`])((?:(?!\1).)*)\1\s*\}", re.DOTALL)
_VISIBLE = re.compile(r"\S")
_LIST_ITEM = re.compile(r"[ \t]*(?:[-*+]|\d+[.)])[ \t]")


def extract_mdx(data: bytes) -> Document:
    """Returns the document of an MDX file; its text is the file's own."""
    text, metadata = decode(data)
    lines = _dedent(_blank(text).split("\n"))
    document = extract_markdown("\n".join(line for line, _ in lines).encode("utf-8", "replace"))
    own = _Original(lines)
    return replace(
        document,
        text=text,
        blocks=tuple(map(own.span, document.blocks)),
        title=document.title and " ".join(document.title.split()),
        headings=tuple(
            Heading(*own.span((h.start, h.end)), level=h.level, text=" ".join(h.text.split()))
            for h in document.headings
        ),
        units=tuple(
            Unit(*own.span((u.start, u.end)), kind=u.kind, under=tuple(map(own.span, u.under)))
            for u in document.units
        ),
        metadata={**document.metadata, **metadata},
    )


class _Original:
    """Offsets in the file's text of those in the dedented one, line by line."""

    def __init__(self, lines: Sequence[tuple[str, int]]) -> None:
        self._starts = [0, *accumulate(len(line) + 1 for line, _ in lines)]
        self._removed = [*accumulate(removed for _, removed in lines)]

    def span(self, span: Span) -> Span:
        """Returns a span in the file's text."""
        return self._offset(span[0]), self._offset(span[1])

    def _offset(self, offset: int) -> int:
        line = min(bisect_right(self._starts, offset), len(self._removed)) - 1
        return offset + self._removed[line]


def _blank(text: str) -> str:
    """Returns the text of the same length, with blanks for all that is no prose or code."""
    parts: list[str] = []
    position = 0
    for fence in _FENCE.finditer(text):
        parts += (_blank_prose(text[position : fence.start()]), fence.group())
        position = fence.end()
    parts.append(_blank_prose(text[position:]))
    return "".join(parts)


def _blank_prose(text: str) -> str:
    parts: list[str] = []
    position, unended = 0, 0
    start = _START.search(text)
    while start is not None and unended < MAX_OPEN:
        begin, mark = start.start(), start.group()
        end = _end(text, begin, mark)
        if end == begin:
            end = start.end()  # a sentence that begins with `import`
        elif end is None:
            unended += 1
            end = start.end()
        elif mark[0] not in "`\\":
            kept = _STRING_EXPRESSION.fullmatch(text, begin, end) if mark == "{" else None
            parts.append(text[position:begin])
            parts.append(_blanks(text[begin:end]) if kept is None else _only(text, kept))
            position = end
        start = _START.search(text, end)
    parts.append(text[position:])
    return "".join(parts)


def _blanks(text: str) -> str:
    return _VISIBLE.sub(" ", text)


def _only(text: str, kept: re.Match[str]) -> str:
    """Returns a string expression with blanks around its string."""
    start, end = kept.span(2)
    return _blanks(text[kept.start() : start]) + kept.group(2) + _blanks(text[end : kept.end()])


def _end(text: str, start: int, mark: str) -> int | None:
    """Returns where what starts here ends; the start where it is text, None where it is open."""
    if mark[0] == "\\":
        return start + len(mark)
    if mark[0] == "`":
        end = text.find(mark, start + len(mark), start + MAX_TAG_CHARS)
        return end + len(mark) if end >= 0 else None
    if mark == "<":
        if text.startswith("<!--", start):
            end = text.find("-->", start, start + MAX_STATEMENT_CHARS)
            return end + 3 if end >= 0 else None
        return _balanced_end(text, start + 1, ">", MAX_TAG_CHARS)
    if mark == "{":
        return _balanced_end(text, start + 1, "}", MAX_STATEMENT_CHARS)
    return _statement_end(text, start)


def _statement_end(text: str, start: int) -> int | None:
    """Returns the end of an import or export, on the line where its brackets are closed."""
    statement = _STATEMENT.match(text, start)
    if statement is None:
        return start
    line = statement.group()
    if line.startswith("import") and "{" not in line and not _IMPORT_END.search(line):
        return start  # a sentence: import duties rose
    end = _balanced_end(text, start, "\n", MAX_STATEMENT_CHARS)
    return len(text) if end is None and len(text) - start < MAX_STATEMENT_CHARS else end


_TOKEN = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`|[{}()\[\]>\n]")
_OPENING, _CLOSING = frozenset("{(["), frozenset("})]")


def _balanced_end(text: str, start: int, closing: str, max_chars: int) -> int | None:
    """Returns the offset after the first `closing` outside of strings and brackets."""
    depth = 0
    for token in _TOKEN.finditer(text, start, min(start + max_chars, len(text))):
        mark = token.group()
        if mark == closing and depth == 0:
            return token.end()
        if mark in _OPENING:
            depth += 1
        elif mark in _CLOSING:
            depth -= 1
            if depth < 0:
                return None
    return None


def _dedent(lines: Sequence[str]) -> list[tuple[str, int]]:
    """Returns each line without the indent of what is in a JSX tag, and the indent's length.

    A run of indented lines below a list item belongs to the list and stays.
    """
    dedented: list[tuple[str, int]] = []
    in_list = False
    for is_inner, run in groupby(lines, key=lambda line: not line.strip() or line[0] in " \t"):
        part = list(run)
        indents = [len(line) - len(line.lstrip(" \t")) for line in part if line.strip()]
        indent = min(indents) if is_inner and indents and not in_list else 0
        dedented += ((line[indent:], min(indent, len(line))) for line in part)
        if not is_inner:
            in_list = bool(_LIST_ITEM.match(part[-1]))
    return dedented
