"""PDF → the text of its pages, by pypdfium2; each page's offset is kept for citations.

A line that ends a sentence well before the page's width ends a paragraph, too: PDF has none.
"""

import re
from typing import Any

from ..types import Document, Span
from .text import paragraphs

PAGES = 10_000
_HYPHEN = re.compile(r"[\ufffe\x02]\n?")  # pdfium's marks for a word broken at a line's end
_SENTENCE_END = re.compile(r"[.!?:…。！？\"'”’»)\]]$")
_SHORT = 0.75
"""Of the page's longest line: what ends a paragraph is shorter."""


def extract_pdf(data: bytes) -> Document:
    """Returns the document of a PDF, a paragraph never across pages; a scan is a ValueError."""
    texts = _page_texts(data)
    if not any(text.strip() for text in texts):
        raise ValueError(f"holds no text on its {len(texts)} pages (scanned? run OCR first)")
    pages: list[int] = []
    blocks: list[Span] = []
    length = 0
    for text in texts:
        pages.append(length)
        blocks += [(start + length, end + length) for start, end in paragraphs(text)]
        length += len(text) + 2
    text = "\n\n".join(texts)
    return Document(text=text, blocks=tuple(blocks), pages=tuple(pages))


def _page_texts(data: bytes) -> list[str]:
    import pypdfium2  # type: ignore[import-untyped]  # it ships no types

    try:
        pdf = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        protected = "password" in str(error).lower()
        cause = "is protected by a password" if protected else f"is no whole PDF: {error}"
        raise ValueError(cause) from error
    try:
        if len(pdf) > PAGES:
            raise ValueError(f"has more than {PAGES:,} pages")
        return [_page_text(pypdfium2, pdf, number) for number in range(len(pdf))]
    finally:
        pdf.close()


def _page_text(library: Any, pdf: Any, number: int) -> str:
    try:
        page = pdf[number]
        textpage = page.get_textpage()
    except library.PdfiumError:
        return ""  # a broken page does not take the others with it
    try:
        return _with_paragraphs(str(textpage.get_text_range()))
    finally:
        textpage.close()
        page.close()


def _with_paragraphs(text: str) -> str:
    """Returns the page's text with a blank line after each paragraph's last line."""
    text = _HYPHEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    lines = [line.strip() for line in text.split("\n")]
    width = max((len(line) for line in lines), default=0)
    ends = [
        line + "\n" if len(line) < _SHORT * width and _SENTENCE_END.search(line) else line
        for line in lines
    ]
    return "\n".join(ends).strip()
