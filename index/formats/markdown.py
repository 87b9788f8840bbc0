"""Markdown → paragraphs and headings by markdown-it's line map; the text stays the file's own."""

import re
from bisect import bisect_right
from functools import cache
from typing import TYPE_CHECKING

from ..text.encoding import decoded
from ..types import Document, Heading, Span
from .front_matter import front_matter
from .text import trim

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_NEWLINE = re.compile(r"\r\n|\r|\n")
_LEAVES = ("paragraph_open", "heading_open", "fence", "code_block", "html_block", "tr_open")


@cache
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table")


def extract_markdown(data: bytes) -> Document:
    """Returns the document of a markdown file; its title is in front matter or a heading."""
    text, metadata = decoded(data)
    front = front_matter(text)
    starts = line_starts(text)
    blocks: list[Span] = []
    headings: list[Heading] = []
    hidden = "\n" * bisect_right(starts, front.end - 1)  # as many lines, so the others keep theirs
    tokens = _parser().parse(hidden + _NEWLINE.sub("\n", text[front.end :]))
    for index, token in enumerate(tokens):
        if token.type not in _LEAVES or token.map is None:
            continue
        span = _span(text, starts, token)
        if span is None or (blocks and span[0] < blocks[-1][1]):
            continue  # a row of a table, or a paragraph in a list, that an outer block holds
        blocks.append(span)
        if token.type == "heading_open":
            words = tokens[index + 1].content
            headings.append(Heading(*span, level=int(token.tag[1:]), text=words))
    title = next((heading.text for heading in headings if heading.level == 1), None)
    return Document(
        text=text,
        blocks=tuple(blocks),
        title=front.title or title or None,
        headings=tuple(headings),
        metadata={**front.metadata, **metadata},
    )


def line_starts(text: str) -> list[int]:
    """Returns the offset at which each line begins."""
    return [0, *(newline.end() for newline in _NEWLINE.finditer(text))]


def _span(text: str, starts: list[int], token: "Token") -> Span | None:
    assert token.map is not None  # the caller has looked
    first, last = token.map
    end = starts[last] if last < len(starts) else len(text)
    return trim(text, starts[first], end) if first < len(starts) else None
