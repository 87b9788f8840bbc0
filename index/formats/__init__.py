"""Text extraction: a file's bytes → its text with paragraphs, headings and pages.

Every extractor, one module per format, takes the file's bytes and returns a `Document`, or raises
a ValueError that states the cause. It runs in a child process, within limits (`sync/sandbox.py`).
Installed packages add formats by the entry-point group `footnote.formats`: name → a `Format`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import entry_points

from ..types import Document
from .docx import extract_docx
from .epub import extract_epub
from .html import extract_html
from .mail import extract_eml, extract_mbox
from .markdown import extract_markdown
from .markup import extract_org, extract_rst
from .mdx import extract_mdx
from .office.pptx import extract_pptx
from .office.xlsx import extract_xlsx
from .pdf import extract_pdf
from .tables.delimited import extract_csv, extract_tsv
from .tables.json_records import extract_json, extract_jsonl
from .text import extract_log, extract_text

Extractor = Callable[[bytes], Document]

EXTRACTION = "5"
"""Version of the extractors' output; a change makes the next sync read every file again."""

ENTRY_POINT_GROUP = "footnote.formats"


@dataclass(frozen=True, slots=True)
class Format:
    """The extractor of files with these suffixes (lower case, with the dot)."""

    suffixes: tuple[str, ...]
    extract: Extractor


FORMATS: dict[str, Format] = {
    "txt": Format((".txt",), extract_text),
    "md": Format((".md", ".markdown"), extract_markdown),
    "mdx": Format((".mdx",), extract_mdx),
    "log": Format((".log",), extract_log),
    "html": Format((".html", ".htm"), extract_html),
    "xhtml": Format((".xhtml",), extract_html),
    "pdf": Format((".pdf",), extract_pdf),
    "docx": Format((".docx",), extract_docx),
    "epub": Format((".epub",), extract_epub),
    "xlsx": Format((".xlsx", ".xlsm"), extract_xlsx),
    "pptx": Format((".pptx", ".pptm"), extract_pptx),
    "eml": Format((".eml",), extract_eml),
    "mbox": Format((".mbox",), extract_mbox),
    "rst": Format((".rst",), extract_rst),
    "org": Format((".org",), extract_org),
    "csv": Format((".csv",), extract_csv),
    "tsv": Format((".tsv",), extract_tsv),
    "json": Format((".json",), extract_json),
    "jsonl": Format((".jsonl", ".ndjson"), extract_jsonl),
}


def load_formats(names: Iterable[str]) -> dict[str, Format]:
    """Returns the formats by name, ours before an installed package's; unknown ones are omitted."""
    names = list(names)
    formats = {name: FORMATS[name] for name in names if name in FORMATS}
    if len(formats) < len(names):
        for entry in entry_points(group=ENTRY_POINT_GROUP):
            if entry.name in names and entry.name not in formats:
                formats[entry.name] = entry.load()
    return formats


def formats_by_suffix(formats: dict[str, Format]) -> dict[str, str]:
    """Returns file suffix → format name."""
    return {suffix: name for name, format_ in formats.items() for suffix in format_.suffixes}
