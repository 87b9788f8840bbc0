"""HTML → what a person reads of it: text, headings, units, and what was left out.

The text is generated (a paragraph per block element, white space collapsed as in a browser), so
offsets are into the extracted text, which the catalog stores.
"""

import codecs
import re
from dataclasses import replace

from ...text.encoding import decode
from ...types import Document
from .disclosure import prune_hidden
from .furniture import main_content
from .metadata import page_metadata
from .tree import Element, HiddenCount, read_tree
from .walk import PageReader
from .writer import TextWriter

_BYTE_ORDER_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_META_CHARSET = re.compile(rb"<meta[^>]+charset=[\"']?([\w-]+)", re.IGNORECASE)
_XML_PROLOG_CHARS = 3_000
_EMPTY_XML_TAG = re.compile(
    r"<(title|script|style|a|div|span|p|i|b|em|strong|td|th|li|iframe|textarea|h[1-6])"
    r"((?:\s[^<>]*)?)/>"
)


def extract_html(data: bytes) -> Document:
    """Returns the document of an HTML page; its title is `<title>`, else the first `<h1>`.

    Raises ValueError where the charset it declares cannot decode it.
    """
    markup, metadata = _decode(data)
    document = parse_html(markup)
    return replace(document, metadata={**document.metadata, **metadata})


def parse_html(markup: str) -> Document:
    """Returns the document of a page's markup: its main content, without its furniture."""
    return _parse(markup, is_page=True)


def parse_content(markup: str) -> Document:
    """Returns the document of markup that is content as a whole, as in a book or a Word file."""
    return _parse(markup, is_page=False)


def _parse(markup: str, *, is_page: bool) -> Document:
    from selectolax.lexbor import LexborHTMLParser

    start = markup[:_XML_PROLOG_CHARS]
    if start.lstrip("\ufeff \r\n\t").startswith("<?xml") or "www.w3.org/1999/xhtml" in start:
        markup = _EMPTY_XML_TAG.sub(r"<\1\2></\1>", markup)
    tree = LexborHTMLParser(markup)
    writer, hidden = TextWriter(), HiddenCount()
    if tree.body is not None:
        is_quirky = is_page and "<!doctype" not in start.lower()
        body = read_tree(tree.body, hidden, is_quirky=is_quirky)
        prune_hidden(body, hidden)
        roots: list[Element] = main_content(body) if is_page else [body]
        reader = PageReader(roots, writer)
        for root in roots:
            reader.read(root)
    title_node = tree.css_first("title")
    title = " ".join(title_node.text().split()) if title_node else ""
    first_h1 = next((heading.text for heading in writer.headings if heading.level == 1), None)
    document = writer.build(title=title or first_h1)
    return replace(document, metadata=page_metadata(tree), notes=hidden.notes("element"))


def _decode(data: bytes) -> tuple[str, dict[str, str]]:
    """Returns the page's text, by the charset it declares where that is not UTF-8."""
    declared = _META_CHARSET.search(data[:2048])
    name = declared.group(1).decode("ascii").lower() if declared else "utf-8"
    if name in ("utf-8", "utf8") or data.startswith(_BYTE_ORDER_MARKS):
        return decode(data)
    try:
        return data.decode(name), {"encoding": name}
    except (LookupError, UnicodeDecodeError) as error:
        raise ValueError(f"cannot be decoded by the charset it declares: {error}") from error
