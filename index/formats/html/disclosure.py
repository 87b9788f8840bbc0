"""Accordions: which collapsed panels a visible button opens; all else that is hidden goes.

A panel is known by `aria-controls`, `aria-labelledby`, Bootstrap's `data-target`, or by standing
right after its button.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import islice, pairwise

from .tree import BLOCKS, HEADINGS, Element, HiddenCount, count_text
from .visibility import COLLAPSED, NEVER_SEEN, SEEN
from .words import tokens

_ROUNDS = 5
"""Depth of accordions within accordions."""
_WRAPPERS = 4
"""Elements around a button that may stand between it and its panel."""
_LABEL_CHARS = 200
_POPUPS = frozenset({"modal", "dropdown", "offcanvas", "popover", "tooltip"})
_NO_PANELS = frozenset({"nav", "dialog", "search", "header", "footer", "button", "form"})
_HEADS = HEADINGS | {"summary", "dt", "legend", "th"}
_ACCORDION_TOKENS = frozenset(
    "accordion collapsible collapse toggle faq question disclosure expander".split()
)

_Pair = tuple[Element, Element]


def prune_hidden(root: Element, hidden: HiddenCount) -> None:
    """Removes what nobody sees and counts it; then fills the counts and marks accordion buttons."""
    pairs: list[_Pair] = []
    for _ in range(_ROUNDS):
        shown = _shown(root)
        pairs = list(_pairs(root, shown))
        closed = [panel for _, panel in pairs if panel.hidden == COLLAPSED]
        for panel in closed:
            panel.hidden = SEEN
        if not closed:
            break
    for element in _shown(root):
        for child in [child for child in element.elements() if child.hidden]:
            hidden.add(sum(len("".join(text.split())) for text in child.texts()))
        if any(child.hidden for child in element.elements()):
            element.children = [c for c in element.children if isinstance(c, str) or not c.hidden]
    count_text(root)
    for button, panel in pairs:
        if panel.chars == 0 or panel.link_chars > panel.chars / 2:
            continue
        if button.attributes.get("role") == "tab":
            panel.label = button.text(_LABEL_CHARS)
            button.children.clear()
        else:
            button.discloses = not _is_named_by_heading(button)


def _is_named_by_heading(button: Element) -> bool:
    """Returns whether a heading, or what reads like one, holds the button or is in it."""
    around = islice(button.ancestors(), _WRAPPERS)
    if button.tag in _HEADS or button.chars > _LABEL_CHARS:
        return True
    return any(element.tag in _HEADS for element in (*around, *button.first_elements()))


def _shown(root: Element) -> list[Element]:
    """Returns the elements that are not in a hidden one, in order."""
    found: list[Element] = []
    stack = [root]
    while stack:
        element = stack.pop()
        found.append(element)
        stack.extend(reversed([child for child in element.elements() if not child.hidden]))
    return found


def _pairs(root: Element, shown: list[Element]) -> Iterator[_Pair]:
    """Yields each visible button with a panel that it opens."""
    by_id: dict[str, Element] = {}
    by_label: dict[str, list[Element]] = defaultdict(list)
    for element in root.preorder():
        if name := element.attributes.get("id"):
            by_id.setdefault(name, element)
        if element.hidden == COLLAPSED and (label := element.attributes.get("aria-labelledby")):
            by_label[label.split()[0] if label.strip() else ""].append(element)
    for element in shown:
        attributes = element.attributes
        if name := attributes.get("id"):
            yield from ((element, panel) for panel in by_label[name])
        if _is_opener(element):
            panels = [by_id[target] for target in _targets(attributes) if target in by_id]
            if not panels and "aria-expanded" in attributes:
                panels = [panel for panel in [_next_block(element)] if panel is not None]
            yield from ((element, panel) for panel in panels if panel.tag not in _NO_PANELS)
        yield from _plain_pairs(element)


def _is_opener(element: Element) -> bool:
    attributes = element.attributes
    if not attributes or element.tag in ("input", "nav"):
        return False
    kind = attributes.get("data-toggle") or attributes.get("data-bs-toggle") or ""
    if kind in _POPUPS or attributes.get("aria-haspopup", "false") != "false":
        return False
    return bool(kind or {"aria-controls", "aria-expanded"} & attributes.keys())


def _targets(attributes: Mapping[str, str]) -> Iterator[str]:
    yield from attributes.get("aria-controls", "").split()
    for name in ("data-target", "data-bs-target", "href"):
        if (value := attributes.get(name, "")).startswith("#"):
            yield value[1:]


def _next_block(element: Element) -> Element | None:
    """Returns the element that follows the button, or the heading or wrapper around it."""
    for _ in range(_WRAPPERS):
        if element.following is not None:
            return element.following
        if element.parent is None:
            return None
        element = element.parent
    return None


def _plain_pairs(parent: Element) -> Iterator[_Pair]:
    """Yields buttons without ARIA, each right before a block: questions, or a row of such pairs."""
    children = [child for child in parent.elements() if child.hidden != NEVER_SEEN]
    if parent.tag == "form" or not any(child.tag == "button" for child in children):
        return
    pairs = [
        (button, panel)
        for button, panel in pairwise(children)
        if button.tag == "button" and panel.tag in BLOCKS - HEADINGS - _NO_PANELS
        if button.attributes.get("type") != "submit"
    ]
    for button, panel in pairs:
        named = tokens(button.attributes) | tokens(parent.attributes)
        is_question = button.text(300).endswith(("?", "？"))
        if len(pairs) > 1 or is_question or named & _ACCORDION_TOKENS:
            yield button, panel
