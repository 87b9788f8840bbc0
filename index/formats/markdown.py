"""Markdown → paragraphs, headings and units by markdown-it's line map; the text stays the file's.

Inline markup is not parsed: nothing of it is used, and brackets and backticks can make it slow.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

from ..text.encoding import decode
from ..text.sentences import sentence_spans, trim
from ..types import Document, Heading, Span, Unit, UnitKind
from .front_matter import parse_front_matter
from .markdown_html import HtmlBlocks

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_NEWLINE = re.compile(r"\r\n|\r|\n")
_BLANK_LINE = re.compile(r"(?>\r\n|\r|\n)[^\S\r\n]*+(?>\r\n|\r|\n)")
_ADMONITION = re.compile(r"(?:!!!|\?\?\?\+?|===|///) ?\S")
_LISTS = ("bullet_list", "ordered_list")


@cache
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table").disable(["inline", "text_join"])


def extract_markdown(data: bytes) -> Document:
    """Returns the document of a Markdown file; its title is in front matter or a heading."""
    text, metadata = decode(data)
    front = parse_front_matter(text)
    starts = line_starts(text)
    padding = "\n" * bisect_right(starts, front.end - 1)  # keeps the line numbers
    tokens = _parser().parse(padding + _NEWLINE.sub("\n", text[front.end :]))
    walk = _Walk(text, starts)
    for index, token in enumerate(tokens):
        walk.add(token, tokens[index + 1].content if token.type == "heading_open" else "")
    first_h1 = next((heading.text for heading in walk.headings if heading.level == 1), None)
    return Document(
        text=text,
        blocks=(*front.summaries, *walk.blocks),
        title=front.title or first_h1 or None,
        headings=tuple(walk.headings),
        metadata={**front.metadata, **metadata},
        units=tuple(walk.units),
    )


@dataclass(slots=True)
class _Walk:
    """Collects blocks, headings and units from markdown-it's tokens, in their order."""

    text: str
    starts: list[int]
    blocks: list[Span] = field(default_factory=list)
    headings: list[Heading] = field(default_factory=list)
    units: list[Unit] = field(default_factory=list)
    _html: HtmlBlocks = field(default_factory=HtmlBlocks)
    _introduction: Span | None = None
    """The last sentence of the paragraph right before."""
    _under: list[tuple[Span, ...]] = field(default_factory=list)
    """What the items of each open list stand under, outermost list first."""
    _items: list[Span | None] = field(default_factory=list)
    """The first paragraph of each open item."""
    _header: tuple[Span, ...] = ()
    _is_head: bool = False

    def add(self, token: "Token", words: str) -> None:
        """Adds a token; `words` are a heading's."""
        kind, _, edge = token.type.rpartition("_")
        if kind in _LISTS and edge == "open":
            self._under.append(self._around())
            self._introduction = None
        elif kind in _LISTS:
            self._under.pop()
        elif token.type == "list_item_open":
            self._items.append(None)
        elif token.type == "list_item_close":
            self._items.pop()
            self._introduction = None
        elif token.type == "thead_open":
            self._header, self._is_head = (), True
        elif token.type == "thead_close":
            self._is_head = False
        elif token.map is not None:
            span = _lines_span(self.text, self.starts, *token.map)
            if span and not (self.blocks and span[0] < self.blocks[-1][1]):
                self._add_leaf(token, span, words)

    def _around(self) -> tuple[Span, ...]:
        """Returns what stands around the current place: an introduction, and the open items."""
        introduction = (self._introduction,) if self._introduction else ()
        if not self._items:
            return introduction
        item = (self._items[-1],) if self._items[-1] else ()
        return (*self._under[-1], *(introduction or item))

    def _add_leaf(self, token: "Token", span: Span, words: str) -> None:
        match token.type:
            case "heading_open":
                self.headings.append(Heading(*span, level=int(token.tag[1:]), text=words))
                self._add_unit(span, "heading", ())
                self._introduction = None
            case "paragraph_open":
                self._add_paragraph(span)
            case "tr_open" if self._is_head:
                self._header = (span,)
                self._add_unit(span, "heading", ())
            case "tr_open":
                self._add_unit(span, "row", self._header)
            case "html_block":
                self._add_html(span)
            case "code_block" if self.text[span[0]] == "<":
                self._add_html(span)
            case "code_block" if self._is_after_admonition():
                self._add_paragraphs(span)
            case "fence" | "code_block":
                self._add_unit(span, "code", self._around())
                self._introduction = None

    def _add_paragraph(self, span: Span) -> None:
        if not self._items:
            self.blocks.append(span)
            self._introduction = sentence_spans(self.text, *span)[-1]
            return
        under = self._under[-1]
        if first := self._items[-1]:
            under = (*under, first)
            self._introduction = sentence_spans(self.text, *span)[-1]
        else:
            self._items[-1] = span
        self._add_unit(span, "item", under)

    def _add_unit(self, span: Span, kind: UnitKind, under: tuple[Span, ...]) -> None:
        self.blocks.append(span)
        self.units.append(Unit(*span, kind, under))

    def _add_html(self, span: Span) -> None:
        blocks, units = self._html.units(self.text, *span)
        self.blocks += blocks
        self.units += units
        last = blocks[-1] if blocks else None
        self._introduction = sentence_spans(self.text, *last)[-1] if last else None

    def _is_after_admonition(self) -> bool:
        return bool(self.blocks) and bool(_ADMONITION.match(self.text, self.blocks[-1][0]))

    def _add_paragraphs(self, span: Span) -> None:
        """Adds an admonition's indented text, which is no code."""
        edges = [span[0], *(m.start() for m in _BLANK_LINE.finditer(self.text, *span)), span[1]]
        for start, end in pairwise(edges):
            if part := trim(self.text, start, end):
                self.blocks.append(part)


def line_starts(text: str) -> list[int]:
    """Returns the offset of each line's start."""
    return [0, *(newline.end() for newline in _NEWLINE.finditer(text))]


def _lines_span(text: str, starts: Sequence[int], first: int, last: int) -> Span | None:
    end = starts[last] if last < len(starts) else len(text)
    return trim(text, starts[first], end) if first < len(starts) else None
