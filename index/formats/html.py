"""HTML → its main content as text: no navigation, scripts, forms or page furniture.

The text is made here (a paragraph a block element, white space collapsed as a browser would), so
offsets are into the extracted text, which the catalog keeps.
"""

import codecs
import re
from dataclasses import dataclass, field, replace
from typing import Any

from ..text.encoding import decoded
from ..types import Document, Heading, Span

_DROPPED = frozenset(
    "script style noscript template nav aside form iframe object embed svg canvas video audio "
    "button select input textarea dialog head menu".split()
)
_FURNITURE = frozenset({"header", "footer"})
_ROLES = frozenset({"navigation", "banner", "contentinfo", "search", "complementary"})
_BLOCKS = frozenset(
    "p div section article main h1 h2 h3 h4 h5 h6 ul ol li dl dt dd table thead tbody tfoot tr "
    "caption blockquote pre figure figcaption address details summary hr header footer body".split()
)
_CELLS = frozenset({"td", "th"})
_SPACE = re.compile(r"\s+")
_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_META_CHARSET = re.compile(rb"<meta[^>]+charset=[\"']?([\w-]+)", re.IGNORECASE)


@dataclass(slots=True)
class _Writer:
    """Collects inline text and closes it into paragraphs."""

    parts: list[str] = field(default_factory=list)
    inline: list[str] = field(default_factory=list)
    blocks: list[Span] = field(default_factory=list)
    headings: list[Heading] = field(default_factory=list)
    length: int = 0

    def close(self, level: int = 0) -> None:
        """Ends the paragraph in hand; `level` 1–6 makes it a heading."""
        text = _SPACE.sub(" ", "".join(self.inline)).strip(" |")
        self.inline.clear()
        if not text:
            return
        if self.parts:
            self.parts.append("\n\n")
            self.length += 2
        span = (self.length, self.length + len(text))
        self.parts.append(text)
        self.length = span[1]
        self.blocks.append(span)
        if level:
            self.headings.append(Heading(*span, level=level, text=text))


def extract_html(data: bytes) -> Document:
    """Returns the document of an HTML page; its title is `<title>`, else the first `<h1>`."""
    markup, metadata = _decoded(data)
    return replace(html_document(markup), metadata=metadata)


def html_document(markup: str) -> Document:
    """Returns the document of a page's markup, as `extract_html` does of its bytes."""
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(markup)
    title_node = tree.css_first("title")
    title = _SPACE.sub(" ", title_node.text()).strip() if title_node else ""
    articles = tree.css("article")
    main = tree.css_first("main, [role=main]") or (articles[0] if len(articles) == 1 else None)
    writer = _Writer()
    root = main or tree.body
    if root is not None:
        _walk(root, writer, dropped=_DROPPED if main else _DROPPED | _FURNITURE)
    writer.close()
    top = next((heading.text for heading in writer.headings if heading.level == 1), None)
    return Document(
        text="".join(writer.parts),
        blocks=tuple(writer.blocks),
        title=title or top,
        headings=tuple(writer.headings),
    )


def _decoded(data: bytes) -> tuple[str, dict[str, str]]:
    """Returns the page's text, by the charset it declares where that is not UTF-8."""
    declared = _META_CHARSET.search(data[:2048])
    name = declared.group(1).decode("ascii").lower() if declared else "utf-8"
    if name in ("utf-8", "utf8") or data.startswith((codecs.BOM_UTF8, *_MARKS)):
        return decoded(data)
    try:
        return data.decode(name), {"encoding": name}
    except (LookupError, UnicodeDecodeError) as error:
        raise ValueError(f"is not in the charset it declares: {error}") from error


def _walk(root: Any, writer: _Writer, dropped: frozenset[str]) -> None:
    """Feeds the writer depth first, with a stack of its own: pages nest deeper than Python."""
    stack: list[tuple[Any, bool]] = [(root, False)]
    while stack:
        node, leaving = stack.pop()
        tag = node.tag
        if leaving:
            writer.close(int(tag[1]) if tag in ("h1", "h2", "h3", "h4", "h5", "h6") else 0)
        elif tag == "-text":
            writer.inline.append(node.text_content or "")
        elif tag == "br":
            writer.inline.append(" ")
        elif tag not in dropped and not tag.startswith(("-", "!", "_")) and not _hidden(node):
            if tag in _BLOCKS:
                writer.close()
                stack.append((node, True))
            elif tag in _CELLS:
                writer.inline.append(" | ")
            stack.extend((child, False) for child in reversed(_children(node)))


def _children(node: Any) -> list[Any]:
    children, child = [], node.child
    while child is not None:
        children.append(child)
        child = child.next
    return children


def _hidden(node: Any) -> bool:
    attributes = node.attributes
    return (
        "hidden" in attributes
        or attributes.get("aria-hidden") == "true"
        or attributes.get("role") in _ROLES
    )
