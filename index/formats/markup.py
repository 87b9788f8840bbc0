"""reStructuredText and Org → their own text, with headings; what is marked up stays as written."""

import re
from itertools import pairwise

from ..text.encoding import decoded
from ..types import Document, Heading, Span
from .front_matter import MOST, front_matter
from .markdown import line_starts
from .text import trim

_RULE = re.compile(r"([=\-~^\"'`#*+.:_<>])\1{2,}$")
_STARS = re.compile(r"(\*+)[ \t]+(\S.*)")
_KEYWORD = re.compile(r"#\+([A-Za-z_]+):[ \t]*(.*)")


def extract_rst(data: bytes) -> Document:
    """Returns the document of a reStructuredText file; its first heading is the title."""
    text, metadata = decoded(data)
    front = front_matter(text)
    lines = _lines(text, front.end)
    headings: list[Heading] = []
    styles: list[str] = []
    for index, (title, rule) in enumerate(pairwise(lines)):
        words, line = text[slice(*title)].strip(), text[slice(*rule)].strip()
        if not (words and _RULE.match(line) and len(line) >= len(words)) or _RULE.match(words):
            continue
        over = index > 0 and text[slice(*lines[index - 1])].strip() == line
        style = line[0] * (1 + over)
        if style not in styles:
            styles.append(style)
        start = lines[index - 1][0] if over else title[0]
        headings.append(Heading(start, rule[1], styles.index(style) + 1, words))
    title_words = front.title or (headings[0].text if headings else None)
    return Document(
        text,
        _blocks(text, lines, headings),
        title_words,
        tuple(headings),
        (),
        {**front.metadata, **metadata},
    )


def extract_org(data: bytes) -> Document:
    """Returns the document of an Org file; title and date are its keywords at the top."""
    text, metadata = decoded(data)
    lines = _lines(text, 0)
    keywords: dict[str, str] = {}
    while lines and (not text[slice(*lines[0])].strip() or _KEYWORD.match(text, *lines[0])):
        keyword = _KEYWORD.match(text, *lines.pop(0))
        if keyword is not None:
            keywords.setdefault(keyword.group(1).lower(), keyword.group(2).strip()[:MOST])
    headings = [
        Heading(start, end, len(stars.group(1)), stars.group(2).strip())
        for start, end in lines
        if (stars := _STARS.match(text, start, end)) is not None
    ]
    if keywords.get("date"):
        metadata = {"date": keywords["date"], **metadata}
    title = keywords.get("title") or None
    return Document(text, _blocks(text, lines, headings), title, tuple(headings), (), metadata)


def _lines(text: str, start: int) -> list[Span]:
    """Returns the span of each line from an offset on, without its newline."""
    starts = [offset for offset in line_starts(text) if offset >= start]
    ends = [*starts[1:], len(text)]
    return [(a, a + len(text[a:b].rstrip("\r\n"))) for a, b in zip(starts, ends, strict=True)]


def _blocks(text: str, lines: list[Span], headings: list[Heading]) -> tuple[Span, ...]:
    """Returns the paragraphs up to a blank line; a heading is one of its own."""
    heads = {heading.start: heading.end for heading in headings}
    blocks: list[Span] = []
    open_start, last, behind = -1, 0, -1
    for start, end in [*lines, (len(text), len(text))]:
        blank = not text[start:end].strip()
        if open_start >= 0 and (blank or start in heads):
            span = trim(text, open_start, last)
            blocks += [span] if span else []
            open_start = -1
        if start in heads:
            blocks.append((start, heads[start]))
            behind = heads[start]
        elif not blank and start >= behind:
            open_start = start if open_start < 0 else open_start
            last = end
    return tuple(blocks)
