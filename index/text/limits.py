"""Limits of what a document may hold: of its text, and of all that is repeated in every reply.

A title stands in each hit and a heading in each chunk, so an article of one long title would make
replies of megabytes. They apply to every format, those of installed packages included.
"""

from collections.abc import Mapping
from dataclasses import replace

from ..types import Document, Heading
from .dates import parse_date
from .encoding import decoding_notes

MAX_TEXT_BYTES = 64 << 20
MAX_PARAGRAPHS = 1_000_000
MAX_CHUNKS = 200_000
MAX_SENTENCES = 1_000_000
MAX_TITLE_CHARS = 300
"""A longer title is cut at a word."""
MAX_HEADING_CHARS = 300
"""A longer heading is an ordinary paragraph."""
MAX_HEADING_LEVEL = 30
"""Deeper headings count as of this level, so that a path holds no more of them."""
MAX_HEADING_PATH_CHARS = 1_000
"""Of a longer path the outermost headings are omitted."""
MAX_METADATA_ENTRIES = 20
MAX_METADATA_KEY_CHARS = 100
MAX_METADATA_VALUE_CHARS = 1_000
MAX_NOTES, MAX_NOTE_CHARS = 20, 200
MAX_CAUSE_CHARS = 300
"""Of the cause why a file was skipped, which may quote the file."""

_REPLACEMENTS = {0: "\ufffd", **dict.fromkeys(range(0xD800, 0xE000), "\ufffd")}


def limit_document(document: Document) -> Document:
    """Returns the document within the limits; raises ValueError where its text exceeds them.

    U+FFFD stands for each NUL and lone surrogate, so offsets stay valid.
    """
    if len(document.blocks) > MAX_PARAGRAPHS:
        raise ValueError(f"has more than {MAX_PARAGRAPHS:,} paragraphs")
    text = document.text
    check_text_size(len(text))
    check_text_size(len(text.encode(errors="replace")))
    return replace(
        document,
        text=_replace_unstorable(text),
        title=document.title and shorten(_replace_unstorable(document.title), MAX_TITLE_CHARS),
        headings=tuple(_limit_heading(h) for h in document.headings if _is_heading(h)),
        metadata={
            key: shorten(_replace_unstorable(value), MAX_METADATA_VALUE_CHARS)
            for key, value in list(_with_iso_date(document.metadata).items())[:MAX_METADATA_ENTRIES]
            if len(key) <= MAX_METADATA_KEY_CHARS
        },
        notes=tuple(
            shorten(_replace_unstorable(note), MAX_NOTE_CHARS)
            for note in [*document.notes, *decoding_notes(document.metadata)][:MAX_NOTES]
        ),
    )


def _with_iso_date(metadata: Mapping[str, str]) -> dict[str, str]:
    """Returns the metadata with its date as ISO 8601 where it is one."""
    date = parse_date(metadata.get("date", ""))
    return {**metadata, "date": date} if date else dict(metadata)


def check_text_size(size: int) -> None:
    """Raises ValueError where a text of so many bytes, or characters, exceeds the limit."""
    if size > MAX_TEXT_BYTES:
        raise ValueError(f"contains more than {MAX_TEXT_BYTES >> 20} MB of text")


def shorten(text: str, max_chars: int) -> str:
    """Returns the text, cut at a word and with an ellipsis where it is longer than `max_chars`."""
    if len(text) <= max_chars:
        return text
    start = text[: max_chars - 1]
    words = start.rpartition(" ")[0]
    return (words if len(words) > max_chars // 2 else start).rstrip() + "…"


def _is_heading(heading: Heading) -> bool:
    return len(heading.text) <= MAX_HEADING_CHARS


def _limit_heading(heading: Heading) -> Heading:
    level = min(heading.level, MAX_HEADING_LEVEL)
    return replace(heading, level=level, text=_replace_unstorable(heading.text))


def _replace_unstorable(text: str) -> str:
    """Returns the text with U+FFFD for NUL and lone surrogates, which SQLite cannot store."""
    return text if text.isascii() and "\0" not in text else text.translate(_REPLACEMENTS)
