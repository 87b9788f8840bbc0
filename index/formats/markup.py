"""reStructuredText and Org → their own text, with headings; inline markup stays as written.

Not by docutils: it keeps line numbers only, and no offsets of what it parses.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

from ..text.encoding import decode
from ..text.sentences import trim
from ..types import Document, Heading, Span
from .front_matter import MAX_VALUE_CHARS, parse_front_matter
from .markdown import line_starts

_RST_ADORNMENT = re.compile(r"([=\-~^\"'`#*+.:_<>])\1{2,}$")
_ORG_HEADING = re.compile(r"(\*++)[ \t]++(\S.*)")
_ORG_KEYWORD = re.compile(r"#\+([A-Za-z_]++):[ \t]*+(.*)")


def extract_rst(data: bytes) -> Document:
    """Returns the document of a reStructuredText file; its first heading is the title."""
    text, metadata = decode(data)
    front = parse_front_matter(text)
    lines = _line_spans(text, front.end)
    texts = [text[start:end].strip() for start, end in lines]
    headings: list[Heading] = []
    styles: list[str] = []
    last = -1  # the line that ends the heading before
    for index, (words, adornment) in enumerate(pairwise(texts)):
        is_underlined = _RST_ADORNMENT.match(adornment) and len(adornment) >= len(words) > 0
        if not is_underlined or _RST_ADORNMENT.match(words):
            continue
        has_overline = index > last + 1 and texts[index - 1] == adornment
        last = index + 1
        style = adornment[0] * (1 + has_overline)
        if style not in styles:
            styles.append(style)
        start, end = lines[index - has_overline][0], lines[index + 1][1]
        headings.append(Heading(start, end, styles.index(style) + 1, words))
    return Document(
        text=text,
        blocks=(*front.summaries, *_paragraphs(text, lines, headings)),
        title=front.title or (headings[0].text if headings else None),
        headings=tuple(headings),
        metadata={**front.metadata, **metadata},
    )


def extract_org(data: bytes) -> Document:
    """Returns the document of an Org file; title and date are its keywords at the top."""
    text, metadata = decode(data)
    lines = _line_spans(text, 0)
    keywords: dict[str, str] = {}
    first = 0
    for start, end in lines:
        keyword = _ORG_KEYWORD.match(text, start, end)
        if keyword is not None:
            value = keyword.group(2).strip()[:MAX_VALUE_CHARS]
            keywords.setdefault(keyword.group(1).lower(), value)
        elif text[start:end].strip():
            break
        first += 1
    lines = lines[first:]
    headings = [
        Heading(start, end, len(stars.group(1)), stars.group(2).strip())
        for start, end in lines
        if (stars := _ORG_HEADING.match(text, start, end)) is not None
    ]
    if keywords.get("date"):
        metadata = {"date": keywords["date"], **metadata}
    return Document(
        text=text,
        blocks=_paragraphs(text, lines, headings),
        title=keywords.get("title") or None,
        headings=tuple(headings),
        metadata=metadata,
    )


def _line_spans(text: str, start: int) -> list[Span]:
    """Returns the span of each line from an offset on, without its newline."""
    starts = [offset for offset in line_starts(text) if offset >= start]
    ends = [*starts[1:], len(text)]
    return [(a, a + len(text[a:b].rstrip("\r\n"))) for a, b in zip(starts, ends, strict=True)]


def _paragraphs(text: str, lines: Sequence[Span], headings: Sequence[Heading]) -> tuple[Span, ...]:
    """Returns the paragraphs, separated by blank lines and headings; a heading is one, too."""
    heading_ends = {heading.start: heading.end for heading in headings}
    blocks: list[Span] = []
    paragraph_start, paragraph_end, heading_end = -1, 0, -1
    for start, end in [*lines, (len(text), len(text))]:
        is_blank = not text[start:end].strip()
        if paragraph_start >= 0 and (is_blank or start in heading_ends):
            span = trim(text, paragraph_start, paragraph_end)
            blocks += [span] if span else []
            paragraph_start = -1
        if start in heading_ends:
            heading_end = heading_ends[start]
            blocks.append((start, heading_end))
        elif not is_blank and start >= heading_end:
            paragraph_start = start if paragraph_start < 0 else paragraph_start
            paragraph_end = end
    return tuple(blocks)
