"""HTML markup → a light tree of what a person sees, white space and hidden text apart.

Lexbor parses as a browser does. ARIA roles stand for the elements they name (`role=row` is `tr`),
so that all later rules know one vocabulary.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from .visibility import VISIBLE, Style, hides_subtree, inherit

MAX_ELEMENTS = 1_500_000
"""Elements and texts of a page; one takes about 300 bytes of memory."""

_MAX_NODES = 300
PROSE_CHARS = 40
"""A block with so many characters outside of links is prose."""

HEADINGS = frozenset("h1 h2 h3 h4 h5 h6".split())
LISTS = frozenset("ul ol menu dir".split())
BLOCKS = (
    HEADINGS
    | LISTS
    | frozenset(
        "p div section article main body li dl dt dd table thead tbody tfoot tr td th caption "
        "blockquote pre figure figcaption address details summary hr header footer aside nav form "
        "fieldset legend center dialog search hgroup option".split()
    )
)
_NEVER_TEXT = frozenset(
    "script style iframe frame frameset object embed applet svg canvas video audio map head rt rp "
    "title link meta base datalist annotation annotation-xml area img".split()
)
_ROLES = {
    "table": "table",
    "grid": "table",
    "row": "tr",
    "cell": "td",
    "gridcell": "td",
    "columnheader": "th",
    "rowheader": "th",
    "list": "ul",
    "listitem": "li",
    "navigation": "nav",
    "menu": "nav",
    "menubar": "nav",
    "main": "main",
    "article": "article",
    "banner": "header",
    "contentinfo": "footer",
    "complementary": "aside",
    "search": "search",
    "dialog": "dialog",
    "alertdialog": "dialog",
    "button": "button",
}
_CONTROLS = frozenset({"input", "select", "textarea", "button"})
_SECTIONS = HEADINGS | frozenset("article section table blockquote form header footer".split())
_NO_ATTRIBUTES: Mapping[str, str] = {}


@dataclass(slots=True, eq=False)
class Element:
    """An element with the texts and elements in it.

    Counts are of characters: all, those in links and buttons, those right in a block (`own`), and
    those of prose (blocks of at least PROSE_CHARS outside of links); `count_text` fills them.
    `hidden` is one of visibility's; `discloses` marks a button that opens a panel of the page,
    `label` holds the words of the tab that opens the element.
    """

    tag: str
    attributes: Mapping[str, str]
    parent: "Element | None"
    children: list["Element | str"] = field(default_factory=list)
    following: "Element | None" = None
    hidden: int = 0
    discloses: bool = False
    label: str = ""
    chars: int = 0
    link_chars: int = 0
    own_chars: int = 0
    own_link_chars: int = 0
    prose_chars: int = 0
    links: int = 0
    controls: int = 0
    holds_sections: bool = False

    def elements(self) -> Iterator["Element"]:
        """Yields the child elements."""
        return (child for child in self.children if isinstance(child, Element))

    def ancestors(self) -> Iterator["Element"]:
        """Yields the elements around it, innermost first."""
        element = self.parent
        while element is not None:
            yield element
            element = element.parent

    def texts(self) -> Iterator[str]:
        """Yields every text in it, in order, without recursion."""
        for node in self._nodes():
            if isinstance(node, str):
                yield node

    def text(self, max_chars: int = 1_000) -> str:
        """Returns about so many characters of its text, white space collapsed.

        It looks at no more than _MAX_NODES elements, so that asking for each of many nested
        elements costs a constant each.
        """
        parts: list[str] = []
        length = 0
        for node in islice(self._nodes(), _MAX_NODES):
            if isinstance(node, str):
                parts.append(node)
                length += len(node)
                if length > max_chars:
                    break
            elif node.tag in BLOCKS or node.tag == "br":
                parts.append(" ")
        return " ".join("".join(parts).split())

    def preorder(self) -> list["Element"]:
        """Returns itself and every element in it, in the order of the page."""
        return [self, *(node for node in self._nodes() if isinstance(node, Element))]

    def first_elements(self) -> list["Element"]:
        """Returns the first elements in it, in the order of the page, _MAX_NODES at most."""
        nodes = islice(self._nodes(), _MAX_NODES)
        return [node for node in nodes if isinstance(node, Element)]

    def _nodes(self) -> Iterator["Element | str"]:
        stack = [iter(self.children)]
        while stack:
            node = next(stack[-1], None)
            if node is None:
                stack.pop()
                continue
            yield node
            if isinstance(node, Element):
                stack.append(iter(node.children))


def count_text(root: Element) -> None:
    """Fills the counts of every element."""
    for element in reversed(root.preorder()):
        element.chars += sum(len(c.strip()) for c in element.children if isinstance(c, str))
        element.own_chars += sum(len(c.strip()) for c in element.children if isinstance(c, str))
        tag = element.tag
        if tag == "button" or (tag == "a" and "href" in element.attributes):
            element.link_chars, element.own_link_chars = element.chars, element.own_chars
            element.links += 1
        if tag in _CONTROLS:
            element.controls += element.attributes.get("type") != "hidden"
        is_block = tag in BLOCKS
        if is_block and element.own_chars - element.own_link_chars >= PROSE_CHARS:
            element.prose_chars += element.own_chars - element.own_link_chars
        _add_to_parent(element, is_block)


def _add_to_parent(element: Element, is_block: bool) -> None:
    parent = element.parent
    if parent is None:
        return
    parent.chars += element.chars
    parent.link_chars += element.link_chars
    parent.prose_chars += element.prose_chars
    parent.links += element.links
    parent.controls += element.controls
    parent.holds_sections |= element.holds_sections or element.tag in _SECTIONS
    if not is_block:
        parent.own_chars += element.own_chars
        parent.own_link_chars += element.own_link_chars


@dataclass(slots=True)
class HiddenCount:
    """How much text was left out because nobody sees it."""

    elements: int = 0
    chars: int = 0

    def add(self, chars: int) -> None:
        """Counts an element with so many characters; one without text is not counted."""
        if chars:
            self.elements += 1
            self.chars += chars

    def notes(self, noun: str) -> tuple[str, ...]:
        """Returns the note of what was left out, none where it is nothing."""
        if not self.elements:
            return ()
        plural = "" if self.elements == 1 else "s"
        counts = f"{self.elements:,} {noun}{plural}, {self.chars:,} characters"
        return (f"hidden text left out: {counts}",)


def read_tree(body: Any, hidden: HiddenCount, *, is_quirky: bool = False) -> Element:
    """Returns the tree of a Lexbor body; text that its style hides is counted, not kept.

    `is_quirky`: without a doctype, a table does not inherit the size of letters. Elements that are
    hidden as a whole are marked (`hidden`). Raises ValueError for a page of more
    than MAX_ELEMENTS.
    """
    root = Element("body", _attributes(body), None)
    count = 0
    stack: list[tuple[Any, Element, Style]] = [(body, root, inherit(root.attributes, VISIBLE))]
    while stack:
        node, element, style = stack.pop()
        inner: list[tuple[Any, Element, Style]] = []
        unseen = 0
        for child in node.iter(include_text=True):
            count += 1
            tag = child.tag
            if tag == "-text":
                text = child.text_content or ""
                if style.hides_text:
                    unseen += len("".join(text.split()))
                elif text:
                    element.children.append(text)
            elif tag in ("template", "noscript"):
                hidden.add(len("".join(_stripped(child.html or ""))))
            elif tag not in _NEVER_TEXT and not tag.startswith(("-", "!", "_")):
                made = _element(child, tag, element)
                if inner:
                    inner[-1][1].following = made
                element.children.append(made)
                outer = replace(style, is_tiny=False) if is_quirky and tag == "table" else style
                inner.append((child, made, inherit(made.attributes, outer)))
        if count > MAX_ELEMENTS:
            raise ValueError(f"has more than {MAX_ELEMENTS:,} elements: split the page")
        hidden.add(unseen)
        stack.extend(reversed(inner))
    return root


def _element(node: Any, tag: str, parent: Element) -> Element:
    attributes = _attributes(node)
    role = attributes.get("role", "").lower()
    if role == "heading":
        level = attributes.get("aria-level", "2")
        tag = f"h{min(max(int(level), 1), 6)}" if level.isdecimal() and len(level) < 4 else "h2"
    elif not (tag in HEADINGS and role == "button"):
        tag = _ROLES.get(role, tag)
    return Element(tag, attributes, parent, hidden=hides_subtree(attributes))


def _attributes(node: Any) -> Mapping[str, str]:
    found = node.attributes
    return {name: value or "" for name, value in found.items()} if found else _NO_ATTRIBUTES


def _stripped(markup: str) -> Iterator[str]:
    """Yields the characters of markup that are neither in tags nor blanks."""
    is_tag = False
    for character in markup:
        if character == "<":
            is_tag = True
        elif character == ">":
            is_tag = False
        elif not is_tag and not character.isspace():
            yield character
