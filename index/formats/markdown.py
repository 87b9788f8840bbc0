"""Markdown → paragraphs and headings by markdown-it's line map; the text stays the file's own.

Inline markup is not parsed: nothing of it is used, and brackets and backticks can make it slow.
"""

import re
from bisect import bisect_right
from functools import cache
from typing import TYPE_CHECKING

from ..text.encoding import decode
from ..text.sentences import trim
from ..types import Document, Heading, Span
from .front_matter import parse_front_matter

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_NEWLINE = re.compile(r"\r\n|\r|\n")
_LEAF_TOKENS = ("paragraph_open", "heading_open", "fence", "code_block", "html_block", "tr_open")


@cache
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table").disable(["inline", "text_join"])


def extract_markdown(data: bytes) -> Document:
    """Returns the document of a Markdown file; its title is in front matter or a heading."""
    text, metadata = decode(data)
    front = parse_front_matter(text)
    starts = line_starts(text)
    blocks: list[Span] = []
    headings: list[Heading] = []
    padding = "\n" * bisect_right(starts, front.end - 1)  # keeps the line numbers
    tokens = _parser().parse(padding + _NEWLINE.sub("\n", text[front.end :]))
    for index, token in enumerate(tokens):
        if token.type not in _LEAF_TOKENS or token.map is None:
            continue
        span = _lines_span(text, starts, *token.map)
        if span is None or (blocks and span[0] < blocks[-1][1]):
            continue  # a table row or a list's paragraph that an outer block contains
        blocks.append(span)
        if token.type == "heading_open":
            words = tokens[index + 1].content
            headings.append(Heading(*span, level=int(token.tag[1:]), text=words))
    first_h1 = next((heading.text for heading in headings if heading.level == 1), None)
    return Document(
        text=text,
        blocks=tuple(blocks),
        title=front.title or first_h1 or None,
        headings=tuple(headings),
        metadata={**front.metadata, **metadata},
    )


def line_starts(text: str) -> list[int]:
    """Returns the offset of each line's start."""
    return [0, *(newline.end() for newline in _NEWLINE.finditer(text))]


def _lines_span(text: str, starts: list[int], first: int, last: int) -> Span | None:
    end = starts[last] if last < len(starts) else len(text)
    return trim(text, starts[first], end) if first < len(starts) else None
