"""Plain text → paragraphs: a line each where lines are paragraphs, else up to a blank line.

The text is the file's own characters, unchanged but for a leading byte order mark.
"""

import re

from ..text.encoding import decoded
from ..types import Document, Span
from .front_matter import front_matter

_LINE = re.compile(r"[^\r\n]+")
_BREAK = re.compile(r"(?:\r\n|\r|\n)[^\S\r\n]*(?:\r\n|\r|\n)\s*")
_ENDS = re.compile(r"[.!?:;…。！？\"'”’»)\]]\s*$")
_LONG_LINE = 100
_WRAP_SHARE = 0.6


def extract_text(data: bytes) -> Document:
    """Returns the document of a plain text file."""
    text, metadata = decoded(data)
    front = front_matter(text)
    return Document(
        text=text,
        blocks=paragraphs(text, front.end),
        title=front.title,
        metadata={**front.metadata, **metadata},
    )


def paragraphs(text: str, start: int = 0, end: int | None = None) -> tuple[Span, ...]:
    """Returns the spans of the paragraphs between two offsets, trimmed of white space."""
    end = len(text) if end is None else end
    if is_wrapped(text[start:end]):
        return _between(_BREAK, text, start, end)
    return tuple(
        trimmed
        for line in _LINE.finditer(text, start, end)
        if (trimmed := trim(text, line.start(), line.end())) is not None
    )


def is_wrapped(text: str) -> bool:
    """Is the text broken into lines of a fixed width, rather than a paragraph a line?

    Wrapped prose has runs of short lines that stop in mid-sentence.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    pairs = [
        (line, after)
        for line, after in zip(text.splitlines(), text.splitlines()[1:], strict=False)
        if line.strip() and after.strip()
    ]
    if len(lines) < 2 or not pairs or max(len(line) for line in lines) > 2 * _LONG_LINE:
        return False
    broken = sum(not _ENDS.search(line) for line, _ in pairs)
    return broken >= _WRAP_SHARE * len(pairs)


def trim(text: str, start: int, end: int) -> Span | None:
    """Returns the span without the white space at its ends; None where nothing is left."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return (start, end) if start < end else None


def _between(separator: re.Pattern[str], text: str, start: int, end: int) -> tuple[Span, ...]:
    spans, cursor = [], start
    for gap in separator.finditer(text, start, end):
        spans.append(trim(text, cursor, gap.start()))
        cursor = gap.end()
    spans.append(trim(text, cursor, end))
    return tuple(span for span in spans if span is not None)
