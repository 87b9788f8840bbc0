"""Plain text → paragraphs: one per line where lines are paragraphs, else up to a blank line.

The text is the file's own characters, unchanged but for a leading byte order mark.
"""

import re
from itertools import pairwise

from ..text.encoding import decode
from ..text.sentences import trim
from ..types import Document, Span
from .front_matter import parse_front_matter

_LINE_BREAK = re.compile(r"[\r\n]+")
_BLANK_LINE = re.compile(r"(?>\r\n|\r|\n)[^\S\r\n]*+(?>\r\n|\r|\n)\s*+")
_SENTENCE_END = re.compile(r"[.!?:;…。！？\"'”’»)\]]\s*$")
_MAX_WRAPPED_CHARS = 200
_MIN_BROKEN_SHARE = 0.6


def extract_text(data: bytes) -> Document:
    """Returns the document of a plain text file."""
    text, metadata = decode(data)
    front = parse_front_matter(text)
    return Document(
        text=text,
        blocks=(*front.summaries, *paragraphs(text, front.end)),
        title=front.title,
        metadata={**front.metadata, **metadata},
    )


def extract_log(data: bytes) -> Document:
    """Returns the document of a log: a line is a paragraph; terminal colours are noted."""
    text, metadata = decode(data)
    edges = [0, *(edge for line in _LINE_BREAK.finditer(text) for edge in line.span()), len(text)]
    spans = (trim(text, *edges[index : index + 2]) for index in range(0, len(edges), 2))
    colours = text.count("\x1b[")
    return Document(
        text=text,
        blocks=tuple(span for span in spans if span),
        metadata=metadata,
        notes=(f"terminal colour codes in the text: {colours}",) if colours else (),
    )


def paragraphs(text: str, start: int = 0) -> tuple[Span, ...]:
    """Returns the spans of the paragraphs from an offset on, trimmed of white space."""
    separator = _BLANK_LINE if is_wrapped(text[start:]) else _LINE_BREAK
    breaks = [match.span() for match in separator.finditer(text, start)]
    edges = [start, *(edge for span in breaks for edge in span), len(text)]
    spans = (trim(text, *edges[index : index + 2]) for index in range(0, len(edges), 2))
    return tuple(span for span in spans if span)


def is_wrapped(text: str) -> bool:
    """Returns whether the text is hard-wrapped at a fixed width, rather than a paragraph a line.

    Wrapped prose has runs of short lines that stop in mid-sentence.
    """
    lines = text.splitlines()
    followed = [line for line, after in pairwise(lines) if line.strip() and after.strip()]
    if not followed or max(len(line) for line in lines if line.strip()) > _MAX_WRAPPED_CHARS:
        return False
    broken = sum(not _SENTENCE_END.search(line) for line in followed)
    return broken >= _MIN_BROKEN_SHARE * len(followed)
