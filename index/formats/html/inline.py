"""Inline elements of a page: which are read, what stands for the others, text in lines.

A button, a link within the page and a raised number are told by what they hold and where they are.
"""

import re
from itertools import islice

from . import words
from .tree import BLOCKS, HEADINGS, Element
from .writer import TextWriter

_ANCESTORS = 20
CONTROLS = frozenset("input select textarea output progress meter".split())
_TEXT_BUTTON_PLACES = HEADINGS | {"summary", "dt", "legend", "th", "caption", "figcaption"}
_PERMALINK = re.compile("[¶#§🔗↩\ufe0e\ufe0f↑^⤴←→»«↵⏎\\s]*")
_MARK = re.compile(r"[\[(]?\s*(?:note )?(\d{1,3}|[a-z]|[ivx]{1,4}|[*†‡§])\s*[\])]?", re.IGNORECASE)
_LINK_TOKENS = frozenset("editsection headerlink permalink anchorjs".split())
"""Names of what stands in a heading to edit or link it, by MediaWiki, Sphinx and others."""
_NOTE_TOKENS = frozenset("footnote noteref fn reference cite endnote".split())


def reads_inline(element: Element, writer: TextWriter) -> bool:
    """Returns whether an inline element is read; writes what stands for it where it is not."""
    if element.tag == "br":
        writer.add_break()
    elif element.tag == "input":
        if element.attributes.get("type", "").lower() == "checkbox":
            writer.add("☑ " if "checked" in element.attributes else "☐ ")
    elif mark := _reference_mark(element):
        writer.add_mark(*mark)
    elif _LINK_TOKENS & words.tokens(element.attributes):
        return False
    else:
        is_text = element.tag != "button" or _is_text_button(element)
        return is_text and not (element.tag in CONTROLS or _is_page_link(element))
    return False


def cell_text(cell: Element) -> str:
    """Returns a cell's text in one line, reference marks and ticks as in a paragraph."""
    inner = TextWriter()
    stack: list[Element | str] = list(reversed(cell.children))
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            inner.add(node)
        elif reads_inline(node, inner):
            if node.tag in BLOCKS:
                inner.add(" ")
                stack.append(" ")
            stack.extend(reversed(node.children))
    return " ".join(line for line in inner.take_lines() if line)


def code_text(pre: Element) -> str:
    """Returns the text of a `pre` with its line breaks; blocks in it are lines of their own."""
    parts: list[str] = []
    stack: list[Element | str] = list(reversed(pre.children))
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            parts.append(node)
        elif node.tag == "br":
            parts.append("\n")
        elif node.tag not in CONTROLS and node.tag != "button":
            if node.tag in BLOCKS:
                if parts and not parts[-1].endswith("\n"):
                    parts.append("\n")
                if node.following is not None:
                    stack.append("\n")
            stack.extend(reversed(node.children))
    return "".join(parts)


def _is_text_button(button: Element) -> bool:
    """Returns whether a button's words are those of a heading, a summary or an accordion."""
    if button.discloses:
        return True
    for ancestor in islice(button.ancestors(), _ANCESTORS):
        if ancestor.tag in _TEXT_BUTTON_PLACES:  # a "Copy link" beside its words is none of them
            is_opener = "aria-expanded" in button.attributes
            return is_opener or _letters(ancestor) <= _letters(button) + 1  # a number, or `Q1.`
        if ancestor.tag in BLOCKS:
            return False
    return False


def _letters(element: Element) -> int:
    return sum(map(str.isalpha, element.text(300)))


def _is_page_link(link: Element) -> bool:
    """Returns whether a link leads within the page: past its menu, or to a heading itself."""
    if link.tag != "a":
        return False
    text = link.text(100)
    target = link.attributes.get("href", "")
    if target.startswith("#") and len(text) < 60 and words.SKIPS.match(text):
        return True
    return bool(text) and _PERMALINK.fullmatch(text) is not None and "#" in target


def _reference_mark(element: Element) -> tuple[str, str] | None:
    """Returns the number and the id of the note that a superscript or link refers to."""
    if element.tag not in ("sup", "a") or not 0 < element.chars <= 10:
        return None
    text = element.text(20)
    match = _MARK.fullmatch(text)
    if match is None:
        return None
    first = element.first_elements()
    links = [e for e in (element, *first, *islice(element.ancestors(), 2)) if e.tag == "a"]
    targets = (link.attributes.get("href", "").partition("#")[2] for link in links)
    target = next(filter(None, targets), "")
    if not target:
        return (match.group(1), "") if element.tag == "sup" and text.startswith("[") else None
    is_raised = element.tag == "sup" or any(inner.tag == "sup" for inner in first)
    attributes = element.attributes
    kind = f"{attributes.get('role', '')} {attributes.get('epub:type', '')}"
    is_named = "noteref" in kind or bool(words.tokens(attributes) & _NOTE_TOKENS)
    return (match.group(1), target) if is_raised or is_named else None
