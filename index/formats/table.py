"""Bytes → text with its paragraphs, headings and pages: one table, a small module a format.

Every extractor takes the file's bytes and returns a `Document`, or raises a ValueError that says
why not. It runs in a process of its own, within limits (`child.py`). Installed packages add
formats by the entry-point group `footnote.formats`: the format's name → a `Format`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import entry_points

from ..types import Document
from .docx import extract_docx
from .epub import extract_epub
from .html import extract_html
from .markdown import extract_markdown
from .markup import extract_org, extract_rst
from .pdf import extract_pdf
from .tables import extract_csv, extract_json, extract_jsonl, extract_tsv
from .text import extract_text

Extractor = Callable[[bytes], Document]

EXTRACTION = "1"
"""Changes whenever a file would become another document: everything is then read again."""

GROUP = "footnote.formats"


@dataclass(frozen=True, slots=True)
class Format:
    """How files with these suffixes (lower case, with the dot) are read."""

    suffixes: tuple[str, ...]
    extract: Extractor


FORMATS: dict[str, Format] = {
    "txt": Format((".txt",), extract_text),
    "md": Format((".md", ".markdown"), extract_markdown),
    "html": Format((".html", ".htm"), extract_html),
    "pdf": Format((".pdf",), extract_pdf),
    "docx": Format((".docx",), extract_docx),
    "epub": Format((".epub",), extract_epub),
    "rst": Format((".rst",), extract_rst),
    "org": Format((".org",), extract_org),
    "csv": Format((".csv",), extract_csv),
    "tsv": Format((".tsv",), extract_tsv),
    "json": Format((".json",), extract_json),
    "jsonl": Format((".jsonl", ".ndjson"), extract_jsonl),
}
"""Format name → how it is read."""


def find_formats(names: Iterable[str]) -> dict[str, Format]:
    """Returns the formats of these names, ours before an installed package's; unknown: left out."""
    names = list(names)
    found = {name: FORMATS[name] for name in names if name in FORMATS}
    if len(found) < len(names):
        for entry in entry_points(group=GROUP):
            if entry.name in names and entry.name not in found:
                found[entry.name] = entry.load()
    return found


def by_suffix(formats: dict[str, Format]) -> dict[str, str]:
    """Returns file suffix → format name."""
    return {suffix: name for name, format_ in formats.items() for suffix in format_.suffixes}
