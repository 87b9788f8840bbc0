"""HTML → its main content as text: no navigation, scripts, forms, headers or footers.

The text is generated (a paragraph per block element, white space collapsed as in a browser), so
offsets are into the extracted text, which the catalog stores.
"""

import codecs
import re
from dataclasses import dataclass, field, replace
from typing import Any

from ..text.encoding import decode
from ..types import Document, Heading, Span

_DROPPED_TAGS = frozenset(
    "script style noscript template nav aside form iframe object embed svg canvas video audio "
    "button select input textarea dialog head menu".split()
)
_BOILERPLATE_TAGS = frozenset({"header", "footer"})
_DROPPED_ROLES = frozenset({"navigation", "banner", "contentinfo", "search", "complementary"})
_HEADING_TAGS = frozenset("h1 h2 h3 h4 h5 h6".split())
_BLOCK_TAGS = _HEADING_TAGS | frozenset(
    "p div section article main ul ol li dl dt dd table thead tbody tfoot tr caption blockquote "
    "pre figure figcaption address details summary hr header footer body".split()
)
_CELL_TAGS = frozenset({"td", "th"})
_SPACE = re.compile(r"\s+")
_BYTE_ORDER_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_META_CHARSET = re.compile(rb"<meta[^>]+charset=[\"']?([\w-]+)", re.IGNORECASE)


@dataclass(slots=True)
class _TextBuilder:
    """Collects inline text and closes it into paragraphs."""

    parts: list[str] = field(default_factory=list)
    inline: list[str] = field(default_factory=list)
    blocks: list[Span] = field(default_factory=list)
    headings: list[Heading] = field(default_factory=list)
    length: int = 0

    def close(self, level: int = 0) -> None:
        """Ends the current paragraph; `level` 1–6 makes it a heading."""
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
    markup, metadata = _decode(data)
    return replace(parse_html(markup), metadata=metadata)


def parse_html(markup: str) -> Document:
    """Returns the document of HTML markup, without metadata."""
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(markup)
    title_node = tree.css_first("title")
    title = _SPACE.sub(" ", title_node.text()).strip() if title_node else ""
    articles = tree.css("article")
    main = tree.css_first("main, [role=main]") or (articles[0] if len(articles) == 1 else None)
    builder = _TextBuilder()
    root = main or tree.body
    if root is not None:
        _walk(root, builder, _DROPPED_TAGS if main else _DROPPED_TAGS | _BOILERPLATE_TAGS)
    builder.close()
    first_h1 = next((heading.text for heading in builder.headings if heading.level == 1), None)
    return Document(
        text="".join(builder.parts),
        blocks=tuple(builder.blocks),
        title=title or first_h1,
        headings=tuple(builder.headings),
    )


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


def _walk(root: Any, builder: _TextBuilder, dropped: frozenset[str]) -> None:
    """Feeds the builder depth first, without recursion: pages nest deeper than Python's stack."""
    stack: list[tuple[Any, bool]] = [(root, False)]
    while stack:
        node, is_leaving = stack.pop()
        tag = node.tag
        if is_leaving:
            builder.close(int(tag[1]) if tag in _HEADING_TAGS else 0)
        elif tag == "-text":
            builder.inline.append(node.text_content or "")
        elif tag == "br":
            builder.inline.append(" ")
        elif tag not in dropped and not tag.startswith(("-", "!", "_")) and not _is_hidden(node):
            if tag in _BLOCK_TAGS:
                builder.close()
                stack.append((node, True))
            elif tag in _CELL_TAGS:
                builder.inline.append(" | ")
            children = list(node.iter(include_text=True))
            stack.extend((child, False) for child in reversed(children))


def _is_hidden(node: Any) -> bool:
    attributes = node.attributes
    return (
        "hidden" in attributes
        or attributes.get("aria-hidden") == "true"
        or attributes.get("role") in _DROPPED_ROLES
    )
