"""Units of an article → the groups that are one block of its page: a paragraph, list, table, code.

Between units is white space, or what no one quotes: front matter, rules, tags. That is a `gap`, or
a `marker` where it only says how its neighbours look.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import NamedTuple

from index.types import Chunk, Span

from .inline import TAG

BREAK = re.compile(r"\s*+([-*_])(?:[ \t]*+\1){2,}+\s*+")
"""A thematic break of Markdown, with the line ends around it."""
FENCE = re.compile(r"[ \t]*+(?:>[ \t]?)*+(`{3,}+|~{3,}+)[^\r\n]*+(?:\r\n|\r|\n|\Z)")
_BLANK_LINE = re.compile(r"(?>\r\n|\r|\n)[ \t>]*+(?>\r\n|\r|\n)|</table", re.IGNORECASE)
_MARKERS = re.compile(rf"(?:[\s|:+=>-]|{TAG})*+")
_MARKDOWN = frozenset({".md", ".markdown", ".mdx"})
_OWN_TEXT = frozenset({*_MARKDOWN, ".txt", ".log", ".rst", ".org"})


@dataclass(frozen=True, slots=True)
class Markup:
    """How the text of a file is written, by the suffix of its path."""

    is_markdown: bool
    is_own_text: bool
    """It is the file's own; in other texts rows have no bars at their edges, and nothing is markup
    but the bullets of lists."""

    @classmethod
    def of(cls, path: str) -> "Markup":
        """Returns the markup of a path."""
        suffix = PurePosixPath(path).suffix.lower()
        return cls(suffix in _MARKDOWN, suffix in _OWN_TEXT)


class Part(NamedTuple):
    """A unit, or what is between two (`kind`: gap, marker); `level` is a heading's, from 1."""

    start: int
    end: int
    kind: str
    under: tuple[Span, ...] = ()
    path: str = ""
    """Of a heading: the titles and headings that it stands under."""


@dataclass(frozen=True, slots=True)
class Group:
    """Parts that are one block; `kind` is that of a unit, `gap`, or `term`: what the next names."""

    kind: str
    parts: list[Part]

    @property
    def start(self) -> int:
        """Where it begins."""
        return self.parts[0].start

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.parts[-1].end


def is_marker(text: str, start: int, end: int, markup: Markup) -> bool:
    """Returns whether there is nothing but what says how a table, quote or HTML block looks."""
    return markup.is_own_text and _MARKERS.fullmatch(text, start, end) is not None


def group_units(
    text: str, chunks: Sequence[Chunk], start: int, end: int, markup: Markup
) -> Iterator[Group]:
    """Yields the groups of the text between two offsets, which `chunks` cover, in order."""
    parts = list(_parts(text, chunks, start, end, markup))
    group: Group | None = None
    for index, part in enumerate(parts):
        following = parts[index + 1] if index + 1 < len(parts) else None
        kind = _block_kind(text, part, following)
        if group is not None and _continues(text, group, kind, part, markup):
            group.parts.append(part)
            continue
        if group is not None:
            yield group
        group = Group(kind, [part])
    if group is not None:
        yield group


def _parts(
    text: str, chunks: Sequence[Chunk], start: int, end: int, markup: Markup
) -> Iterator[Part]:
    at = start
    for chunk in chunks:
        for unit in chunk.units:
            left, right = max(unit.start, at), min(unit.end, end)
            if left < right:
                yield from _gap(text, at, left, markup)
                yield Part(left, right, unit.kind, unit.under, chunk.heading or "")
                at = right
    yield from _gap(text, at, end, markup)


def _gap(text: str, start: int, end: int, markup: Markup) -> Iterator[Part]:
    if start < end and not text[start:end].isspace():
        yield Part(start, end, "marker" if is_marker(text, start, end, markup) else "gap")


def _block_kind(text: str, part: Part, following: Part | None) -> str:
    if part.kind == "field":
        return "sentence"
    if part.kind != "heading":
        return part.kind
    if _is_header(text, part, following):
        return "row"
    is_term = following is not None and (
        following.kind == "row" or (following.kind == "item" and part[:2] in following.under)
    )
    return "term" if is_term else "heading"


def _is_header(text: str, part: Part, following: Part | None) -> bool:
    """Returns whether a heading is a table's header row, or the rule below one."""
    if text[part.start : part.start + 3].lower().startswith(("|", "+--", "<tr")):
        return True
    if following is None or following.kind != "row":
        return False
    return part[:2] in following.under or " | " in text[part.start : part.end]


def _continues(text: str, group: Group, kind: str, part: Part, markup: Markup) -> bool:
    """Returns whether a part of a block's kind belongs to the group before it."""
    match group.kind, kind:
        case ("row", "marker"):
            is_break = BREAK.fullmatch(text, part.start, part.end)
            return not is_break and not _BLANK_LINE.search(text, part.start, part.end)
        case ("sentence", "sentence") | ("row", "row"):
            return not _BLANK_LINE.search(text, group.end, part.start)
        case ("item", "item"):
            return True
        case ("code", "code"):
            return not (markup.is_markdown and _is_closed(text, group, part))
    return False


def _is_closed(text: str, group: Group, part: Part) -> bool:
    """Returns whether fenced code ends before a part: long code is in several."""
    fence = FENCE.match(text, group.start, group.end)
    if fence is None:
        return FENCE.match(text, part.start, part.end) is not None
    return group.end > fence.end() and text.endswith(fence[1], group.start, group.end)
