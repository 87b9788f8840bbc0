"""PDF → the text of its pages, by pypdfium2; each page's offset is kept for citations.

PDF has no paragraphs: a line that ends a sentence well before the page's width ends one.
"""

import re
from typing import Any

from ..text.limits import check_text_size
from ..types import Document, Span
from .text import paragraphs

MAX_PAGES = 10_000
_HYPHEN = re.compile(r"[\ufffe\x02]\n?")  # pdfium's marks for a word broken at a line's end
_SENTENCE_END = re.compile(r"[.!?:…。！？\"'”’»)\]]$")
_SHORT_LINE = 0.75
"""Share of the page's longest line; a paragraph's last line is shorter."""


def extract_pdf(data: bytes) -> Document:
    """Returns the document of a PDF; no paragraph crosses pages. A scan is a ValueError."""
    texts = _page_texts(data)
    if not any(text.strip() for text in texts):
        raise ValueError(f"contains no text on its {len(texts)} pages (scanned? run OCR first)")
    pages: list[int] = []
    blocks: list[Span] = []
    length = 0
    for text in texts:
        pages.append(length)
        blocks += [(start + length, end + length) for start, end in paragraphs(text)]
        length += len(text) + 2
    return Document(text="\n\n".join(texts), blocks=tuple(blocks), pages=tuple(pages))


def _page_texts(data: bytes) -> list[str]:
    import pypdfium2  # type: ignore[import-untyped]  # it ships no types

    try:
        pdf = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        is_protected = "password" in str(error).lower()
        cause = "is protected by a password" if is_protected else f"damaged PDF: {error}"
        raise ValueError(cause) from error
    try:
        if len(pdf) > MAX_PAGES:
            raise ValueError(f"has more than {MAX_PAGES:,} pages")
        texts: list[str] = []
        size = 0
        for number in range(len(pdf)):
            texts.append(_page_text(pypdfium2, pdf, number))
            size += len(texts[-1])
            check_text_size(size)  # pages may share one content stream
        return texts
    finally:
        pdf.close()


def _page_text(library: Any, pdf: Any, number: int) -> str:
    try:
        page = pdf[number]
        textpage = page.get_textpage()
    except library.PdfiumError:
        return ""  # a damaged page does not affect the others
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
    ended = [
        line + "\n" if len(line) < _SHORT_LINE * width and _SENTENCE_END.search(line) else line
        for line in lines
    ]
    return "\n".join(ended).strip()
