"""The content of a page → text: paragraphs, headings, list items, rows, code and fields."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ...types import Span
from .forms import filled_fields
from .inline import CONTROLS, cell_text, code_text, reads_inline
from .tables import is_data_table, own_rows, write_table
from .tree import BLOCKS, HEADINGS, LISTS, Element
from .writer import TextWriter

MAX_ITEM_CHARS = 2_000
"""A longer list item, its nested lists apart, is read as paragraphs."""
MAX_UNDER = 12
"""Levels of lists that an item names; of a deeper one, the nearest."""


@dataclass(slots=True)
class _List:
    """A list that is being read: the next item's number, what its items stand under."""

    tag: str
    style: str
    number: int
    under: tuple[Span, ...]
    terms: list[Span] = field(default_factory=list)
    is_after_term: bool = False


@dataclass(slots=True)
class _Item:
    """A list item that is being read, or a part of the page whose text is of paragraphs."""

    marker: str = ""
    under: tuple[Span, ...] = ()
    span: Span | None = None
    is_text: bool = False

    @property
    def path(self) -> tuple[Span, ...]:
        """What stands under the item: what it stands under, and itself."""
        return (*self.under, self.span)[-MAX_UNDER:] if self.span else self.under


class PageReader:
    """Writes elements' text depth first, without recursion: pages nest deeper than the stack."""

    def __init__(self, roots: Sequence[Element], writer: TextWriter) -> None:
        self._writer = writer
        self._lists: list[_List] = []
        self._items: list[_Item] = [_Item()]
        self._level = 0
        self._outer_levels: list[int] = []
        self._fields: dict[int, str] = {}
        self._labelled: set[str] = set()
        for root in roots:
            self._fields |= filled_fields(root)

    def read(self, root: Element) -> None:
        """Writes an element."""
        stack: list[tuple[Element | str | None, bool]] = [(root, False)]
        while stack:
            node, is_leaving = stack.pop()
            if isinstance(node, str):
                self._writer.add(node)
            elif node is None:
                self._boundary()
            elif is_leaving:
                self._leave(node)
            elif self._enter(node):
                stack.append((node, True))
                stack.extend(reversed([(child, False) for child in _parted(node)]))
        self._boundary()

    def _enter(self, element: Element) -> bool:
        """Begins an element; returns whether its children are still to be read."""
        tag = element.tag
        if element.label:
            self._begin_block()
            self._writer.add(element.label)
            self._writer.add_heading(self._level + 1)
        if tag in CONTROLS:
            self._add_control(element)
        elif tag == "label" and _holds_control(element):
            return any(id(inner) in self._fields for inner in element.first_elements())
        elif tag == "pre":
            self._begin_block()
            self._writer.add_code(code_text(element), under=self._items[-1].path)
        elif tag == "table" and is_data_table(element, own_rows(element)):
            self._add_table(element)
        elif tag in BLOCKS or element.discloses:
            self._enter_block(element)
            return True
        else:
            return reads_inline(element, self._writer)
        return False

    def _add_table(self, table: Element) -> None:
        self._begin_block()
        for caption in (child for child in table.elements() if child.tag == "caption"):
            self._writer.add(caption.text())
            self._writer.close_paragraph()
        write_table(table, self._writer, cell_text)

    def _enter_block(self, element: Element) -> None:
        tag = element.tag
        if tag in HEADINGS or tag in ("summary", "details") or element.discloses:
            self._begin_block()
            if tag == "details":
                self._outer_levels.append(self._level)
        elif tag in LISTS or tag == "dl":
            self._begin_block()
            self._lists.append(self._list(element))
            self._items.append(_Item())
        elif tag in ("li", "dd"):
            self._begin_block()
            self._items.append(self._item(element))
        elif tag == "dt":
            self._begin_block()
            self._items.append(_Item())
        else:
            self._boundary()

    def _leave(self, element: Element) -> None:
        tag = element.tag
        if tag in HEADINGS:
            level = int(tag[1])
            self._writer.add_heading(level)
            self._level = level
        elif tag == "summary" or element.discloses:
            self._writer.add_heading(self._level + 1)
            self._level += bool(self._outer_levels) and tag == "summary"
        elif tag == "details":
            self._boundary()
            self._level = self._outer_levels.pop()
        elif tag in LISTS or tag == "dl":
            self._begin_block()
            self._lists.pop()
            self._items.pop()
            self._writer.last_paragraph = None
        elif tag in ("li", "dd"):
            self._begin_block()
            self._items.pop()
        elif tag == "dt":
            self._close_term(element)
            self._items.pop()
        elif tag in BLOCKS:
            self._boundary()
            if tag != "p":
                self._writer.end_part()

    def _boundary(self) -> None:
        """Ends a paragraph; within a list item, a line of it."""
        if self._items[-1].is_text:
            self._writer.add_break()
        else:
            self._writer.close_paragraph()

    def _begin_block(self) -> None:
        """Ends the current paragraph or list item: what follows is a block of its own."""
        item = self._items[-1]
        if not item.is_text:
            self._writer.close_paragraph()
            return
        text = "\n".join(line for line in self._writer.take_lines() if line)
        if text:
            is_marked = item.span is not None or text.startswith(item.marker.strip() or "\n")
            marker = "" if is_marked else item.marker
            indent = "  " * min(max(len(self._lists) - 1, 0), MAX_UNDER)
            span = self._writer.add_block(
                marker + text, "item", under=item.path, gap=f"\n\n{indent}"
            )
            item.span = item.span or span

    def _list(self, element: Element) -> _List:
        start = element.attributes.get("start", "")
        number = int(start) if start.lstrip("-").isdecimal() and len(start) < 8 else 1
        outer = self._items[-1]
        under = outer.path or self._writer.introduction()
        return _List(element.tag, element.attributes.get("type", "1"), number, under)

    def _item(self, element: Element) -> _Item:
        """Returns the item of an `li` or `dd`: none where it holds a part of the page."""
        owner = self._lists[-1] if self._lists else _List("ul", "", 1, ())
        if element.tag == "dd":
            under = (*owner.under, *owner.terms)
            owner.is_after_term = False
            return _Item("", under, is_text=_is_item(element))
        if note := self._writer.notes.get(element.attributes.get("id", "")):
            return _Item(f"[{note[0]}] ", (note[1],), is_text=_is_item(element))
        marker = "- "
        if owner.tag == "ol":
            value = element.attributes.get("value", "")
            if value.isdecimal() and len(value) < 8:
                owner.number = int(value)
            marker = f"{_ordinal(owner.number, owner.style)}. "
            owner.number += 1
        return _Item(marker, owner.under, is_text=_is_item(element))

    def _close_term(self, term: Element) -> None:
        """Ends a `dt`: the heading of a long definition, else what its items stand under."""
        owner = self._lists[-1] if self._lists else _List("dl", "", 1, ())
        if not owner.is_after_term:
            owner.terms.clear()
        owner.is_after_term = True
        definition = term.following
        if definition is not None and definition.tag == "dd" and not _is_item(definition):
            self._writer.add_heading(self._level + 1)
        elif text := " ".join(line for line in self._writer.take_lines() if line):
            owner.terms.append(self._writer.add_block(text, "heading", under=owner.under))

    def _add_control(self, control: Element) -> None:
        if field_text := self._fields.get(id(control)):
            self._begin_block()
            self._writer.add_block(field_text, "field")
        else:
            reads_inline(control, self._writer)


def _parted(element: Element) -> list[Element | str | None]:
    """Returns the children; links, and custom elements, without text between them are parted."""
    children: list[Element | str | None] = []
    for child in element.children:
        last = children[-1] if children else None
        if (
            isinstance(last, Element)
            and isinstance(child, Element)
            and last.tag == child.tag == "a"
        ):
            children.append(" ")
        children.append(child)
    if any("-" in child.tag for child in element.elements()) and not any(
        isinstance(child, str) and child.strip() for child in children
    ):
        return [part for child in children for part in (None, child)]
    return children


def _ordinal(number: int, style: str) -> str:
    if style in ("a", "A") and 1 <= number <= 26:
        return chr(ord(style) + number - 1)
    if style in ("i", "I") and 1 <= number <= 12:
        roman = "i ii iii iv v vi vii viii ix x xi xii".split()[number - 1]
        return roman.upper() if style == "I" else roman
    return str(number)


def _is_item(element: Element) -> bool:
    """Returns whether an `li` or `dd` is read as one unit."""
    nested = sum(child.chars for child in element.elements() if child.tag in LISTS)
    return not element.holds_sections and element.chars - nested <= MAX_ITEM_CHARS


def _holds_control(label: Element) -> bool:
    return bool(label.attributes.get("for")) or label.controls > 0
