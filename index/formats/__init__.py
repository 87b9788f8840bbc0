"""Bytes → text with its paragraphs, headings and pages: one registry, a small module a format.

Every extractor takes the file's bytes and returns a `Document`, or raises `SourceUnreadable`'s
cause as a `ValueError`. It runs in the sync's child process, never in a server.
"""

from collections.abc import Callable

from ..types import Document
from .html import extract_html
from .markdown import extract_markdown
from .text import extract_text

Extractor = Callable[[bytes], Document]

EXTRACTION = "1"
"""Changes whenever a file would become another document: everything is then read again."""

EXTRACTORS: dict[str, Extractor] = {
    "txt": extract_text,
    "md": extract_markdown,
    "html": extract_html,
}
"""Format name → extractor."""

SUFFIXES: dict[str, str] = {
    ".txt": "txt",
    ".md": "md",
    ".markdown": "md",
    ".html": "html",
    ".htm": "html",
}
"""File suffix, lower case → format name."""
