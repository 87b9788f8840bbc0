"""PDF → paragraphs, headings, lists, table rows and form fields in reading order, by pypdfium2.

`read` asks pdfium for the pieces of lines and where they stand, `furniture` drops running heads and
page numbers, `layout` and `tables` order the rest, `paragraphs` joins lines, `assemble` joins
pages. Each page's offset is kept for citations.
"""

import re
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ...text.limits import check_text_size
from ...types import Document
from ..text import paragraphs as split_paragraphs  # `paragraphs` is a module here
from .assemble import assemble
from .fields import read_annotations
from .furniture import WINDOW, MarginRow, is_furniture, margin_rows, without
from .geometry import PageContent
from .layout import arrange
from .metadata import read_metadata
from .paragraphs import Block, to_blocks
from .read import read_page

MAX_PAGES = 10_000
MAX_NAMED_PAGES = 10
"""Pages without text that are named one by one."""

_LINE_BREAK = re.compile(r"\r\n?")
_HYPHEN = re.compile(r"[\ufffe\x02\x03]")


def extract_pdf(data: bytes) -> Document:
    """Returns the document of a PDF; one without any text (a scan) is a ValueError."""
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
        return _read(pypdfium2, pdf)
    finally:
        pdf.close()


def _read(library: Any, pdf: Any, *, keep_margins: bool = False) -> Document:
    """Returns the document; one of nothing but what repeats on its pages keeps that."""
    blocks: list[Block] = []
    empty: list[int] = []
    hidden: dict[int, int] = {}
    size = 0
    for page, own, neighbors in _with_neighbors(_pages(library, pdf)):
        if not (page.segments or page.turned or page.plain_text.strip() or page.annotations):
            empty.append(page.number + 1)
        if page.hidden:
            hidden[page.number + 1] = page.hidden
        furniture = [] if keep_margins else _furniture(page, own, neighbors, len(pdf))
        added = _page_blocks(page, furniture, blocks)
        size += sum(len(block.text) for block in added)
        check_text_size(size)  # pages may share one content stream
        blocks += added
    if not blocks and len(empty) < len(pdf) and not keep_margins:
        return _read(library, pdf, keep_margins=True)
    if not blocks:
        raise ValueError(f"contains no text on its {len(pdf)} pages (scanned?): run ocrmypdf first")
    title, metadata = read_metadata(library, pdf)
    document = assemble(blocks, len(pdf))
    return replace(document, title=title, metadata=metadata, notes=_notes(empty, hidden))


def _pages(library: Any, pdf: Any) -> Iterator[PageContent]:
    """Yields the content of each page; a damaged page does not affect the others."""
    with suppress(library.PdfiumError):  # then fields are read as they stand in the file
        pdf.init_forms()
    form = pdf.formenv.raw if pdf.formenv else None
    for number in range(len(pdf)):
        try:
            content, page = read_page(library, pdf, number)
        except library.PdfiumError:
            yield PageContent(number, 0, 0)
            continue
        try:
            read_annotations(library, page, form, content)
        finally:
            page.close()
        yield content


def _with_neighbors(
    pages: Iterator[PageContent],
) -> Iterator[tuple[PageContent, list[MarginRow], list[MarginRow]]]:
    """Yields each page with the rows of its margins, and those of the pages around it."""
    waiting: deque[tuple[PageContent, list[MarginRow]]] = deque()
    rows: deque[list[MarginRow]] = deque(maxlen=2 * WINDOW + 1)
    for page in pages:
        own = margin_rows(page)
        waiting.append((page, own))
        rows.append(own)
        if len(waiting) > WINDOW:
            first, its_rows = waiting.popleft()
            yield first, its_rows, [row for others in rows for row in others]
    while waiting:
        first, its_rows = waiting.popleft()
        yield first, its_rows, [row for others in rows for row in others]


def _furniture(
    page: PageContent, own: list[MarginRow], neighbors: list[MarginRow], pages: int
) -> list[MarginRow]:
    sizes = Counter[float]()
    for segment in page.segments:
        sizes[segment.size] += len(segment.text)
    body = sizes.most_common(1)[0][0] if sizes else 0
    return [row for row in own if is_furniture(row, neighbors, pages, body)]


def _page_blocks(page: PageContent, furniture: list[MarginRow], before: list[Block]) -> list[Block]:
    """Returns the blocks of a page in reading order; `before` are those of the pages before it."""
    if page.plain_text:
        text = _LINE_BREAK.sub("\n", _HYPHEN.sub("", page.plain_text))
        return [Block("text", text[a:b], page.number) for a, b in split_paragraphs(text)]
    last = before[-1].row if before and before[-1].page == page.number - 1 else None
    kept = without(page, furniture) if furniture else page.segments
    blocks = to_blocks(arrange(kept, page.rules, last.columns if last else ()), page.number)
    for turned in page.turned:
        blocks += to_blocks(arrange(turned, ()), page.number)
    return blocks + [Block("text", text, page.number) for text in page.annotations]


def _notes(empty: list[int], hidden: dict[int, int]) -> tuple[str, ...]:
    """Returns what of the pages was not read, for the operator."""
    notes = []
    if hidden:
        lines = sum(hidden.values())
        count = f"{lines} line" + "s" * (lines > 1)
        notes.append(f"hidden text left out: {count} on {_name_pages(list(hidden))}")
    if empty:
        verb = "contains" if len(empty) == 1 else "contain"
        notes.append(f"{_name_pages(empty)} {verb} no text (scanned?): run ocrmypdf")
    return tuple(notes)


def _name_pages(numbers: list[int]) -> str:
    named = ", ".join(map(str, numbers[:MAX_NAMED_PAGES]))
    more = len(numbers) - MAX_NAMED_PAGES
    return f"page{'s' * (len(numbers) > 1)} {named}" + (f" and {more} more" if more > 0 else "")
