"""Main content of a page: what is dropped is decided by place, links and wording together.

An element's name alone drops nothing but `nav`-like lists of links: an `aside` in an article is a
call-out, a `form` around the whole page is the page. Nothing that holds half of the page's text
is furniture. After Kohlschütter et al. 2010 (link density), without training.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from . import words
from .forms import is_content_form
from .tree import BLOCKS, HEADINGS, LISTS, PROSE_CHARS, Element

DENSE = 0.6
"""Share of its text in links above which a block without prose is a list of links."""
SHORT_CHARS = 400
BOX_SHARE = 0.05
"""Share of the page's prose from which a box counts as a part of its content."""
MAIN_SHARE = 0.5
"""Share of the page's text that its main element must hold to stand for the page."""
ARTICLES_SHARE = 0.6
LINK_PAGE_SHARE = 0.15
"""A page with less prose than this is a page of links, and lists of links are its content."""

_CONTENT = frozenset({"main", "article"})


def main_content(body: Element) -> list[Element]:
    """Returns the elements that hold the page's content, in order, without its furniture.

    Raises ValueError for a page of navigation alone.
    """
    if _is_navigation_alone(body):
        raise ValueError("contains navigation but no text")
    _Furniture(body).remove()
    elements = body.preorder()
    roots = _outermost(elements, {"main", "article"})
    has_main = any(root.tag == "main" for root in roots)
    share = MAIN_SHARE if has_main else ARTICLES_SHARE
    kept_chars = sum(len(text.strip()) for text in body.texts())
    if not roots or sum(root.chars for root in roots) < share * kept_chars:
        return [body]
    return [*_title_before(elements, roots), *roots]


def _is_navigation_alone(body: Element) -> bool:
    """Returns whether all text is in menus, and in a header or footer of links or a copyright.

    With a heading, a main element, or links outside of a menu, it is an index page.
    """
    if body.prose_chars or any(map(_is_content_or_title, body.preorder())):
        return False
    has_menu = False
    stack: list[Element | str] = [body]
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            if node.strip():
                return False
        elif node.tag == "nav":
            has_menu |= node.chars > 0
        elif not _is_site_line(node):
            stack.extend(node.children)
    return has_menu


def _is_content_or_title(element: Element) -> bool:
    if element.tag in _CONTENT:
        return element.chars > 0
    return element.tag in HEADINGS and element.chars > element.link_chars


def _is_site_line(element: Element) -> bool:
    """Returns whether an element is a header or footer of links or a copyright, or a skip link."""
    if element.tag in ("header", "footer"):
        is_copyright = words.COPYRIGHT.match(element.text(120)) is not None
        return is_copyright or element.link_chars >= DENSE * element.chars
    return element.tag == "a" and words.SKIPS.match(element.text(120)) is not None


def _outermost(elements: Iterable[Element], tags: set[str]) -> list[Element]:
    """Returns the elements with text of these tags that are in no other of them, in order."""
    found: list[Element] = []
    inside: set[int] = set()
    for element in elements:
        if element.parent is not None and id(element.parent) in inside:
            inside.add(id(element))
        elif element.tag in tags and element.chars:
            inside.add(id(element))
            found.append(element)
    return found


def _title_before(elements: list[Element], roots: list[Element]) -> list[Element]:
    """Returns the page's `h1` where it stands before all of its content."""
    if any(element.tag == "h1" for root in roots for element in root.preorder()):
        return []
    for element in elements:
        if element is roots[0]:
            return []
        if element.tag == "h1" and element.chars > element.link_chars:
            return [element]
    return []


class _Place(NamedTuple):
    """The position of an element: in a main element or article; next to a paragraph."""

    in_content: bool
    beside_text: bool


class _Furniture:
    """Removes the furniture of one page from its tree, outermost elements first."""

    def __init__(self, body: Element) -> None:
        self._body = body
        self._is_link_page = body.prose_chars < LINK_PAGE_SHARE * body.chars

    def remove(self) -> None:
        """Removes it."""
        stack: list[tuple[Element, bool]] = [(self._body, False)]
        while stack:
            element, in_content = stack.pop()
            in_content = in_content or element.tag in _CONTENT
            element.children = self._without_link_lists(
                element, list(self._kept(element, in_content)), in_content
            )
            stack.extend((child, in_content) for child in element.elements())

    def _kept(self, element: Element, in_content: bool) -> Iterator[Element | str]:
        """Yields the children that neither place nor wording tells to be furniture."""
        beside = sum(map(_is_running_text, element.elements()))
        drops_until_heading = False
        for child in element.children:
            if isinstance(child, str):
                yield child
                continue
            if child.tag in HEADINGS:
                drops_until_heading = self._heads_furniture(child)
            if drops_until_heading and _is_heading_or_links(child):
                continue
            if not self._is_dropped(child, _Place(in_content, beside > _is_running_text(child))):
                yield child

    def _without_link_lists(
        self, element: Element, children: list[Element | str], in_content: bool
    ) -> list[Element | str]:
        """Returns the children that are no lists of links apart from the page's prose."""
        if self._is_link_page:
            return children
        first, last = _prose_range(children, BOX_SHARE * self._body.prose_chars)
        return [
            child
            for number, child in enumerate(children)
            if isinstance(child, str)
            or child.chars > self._body.chars / 2
            or not _is_link_list(child, in_content)
            or (bool(element.prose_chars) if in_content else first < number < last)
        ]

    def _heads_furniture(self, heading: Element) -> bool:
        """Returns whether a heading names what follows as related links, and links follow."""
        if heading.chars > 60 or not words.RELATED.match(heading.text(80)):
            return False
        following = heading.following
        return following is not None and _is_heading_or_links(following)

    def _is_dropped(self, element: Element, place: _Place) -> bool:
        tag = element.tag
        if not element.chars and not element.controls:
            return False
        if tag not in BLOCKS and not self._is_block_like(element):
            return False
        if element.chars > self._body.chars / 2:
            return False
        return self._is_furniture_by_place(element, place) or self._is_furniture_by_text(
            element, place
        )

    def _is_block_like(self, element: Element) -> bool:
        """Returns whether an inline or custom element is laid out as a block."""
        return any(child.tag in BLOCKS for child in element.elements()) or (
            "-" in element.tag and element.links > 0
        )

    def _is_furniture_by_place(self, element: Element, place: _Place) -> bool:
        tag, chars, link_chars = element.tag, element.chars, element.link_chars
        if tag in ("nav", "search", "dialog"):
            return tag != "nav" or not (chars >= 200 and link_chars < 0.3 * chars)
        if tag == "form":
            return not is_content_form(element)
        if tag == "header" and not place.in_content:
            return not _has_own_title(element)
        if tag == "footer":
            return not place.in_content or (element.links > 0 and link_chars >= 0.3 * chars)
        if tag == "aside":
            is_callout = place.in_content or place.beside_text
            return not is_callout or (element.links > 1 and link_chars >= 0.4 * chars)
        return False

    def _is_furniture_by_text(self, element: Element, place: _Place) -> bool:
        tag, chars = element.tag, element.chars
        if tag in HEADINGS or tag in ("li", "tr", "td", "th", "dd", "dt", "pre"):
            return False
        density = element.link_chars / chars if chars else 1.0
        named = words.tokens(element.attributes) & words.NAMED
        if named and _is_named_furniture(element, named, density, place):
            return True
        is_notice = self._is_notice(element, place)
        if is_notice or tag == "p":
            return is_notice
        first = element.text(120)
        if words.PROMOTES.match(first) and chars <= SHORT_CHARS:
            return True
        is_related = element.links >= 2 and density >= 0.25
        return is_related and words.RELATED.match(first) is not None

    def _is_notice(self, element: Element, place: _Place) -> bool:
        """Returns whether it is a cookie banner or the line of a copyright."""
        if element.chars > 1_200:
            return False
        text = element.text(1_200)
        if element.controls + element.links and words.COOKIES.search(text):
            return bool(words.CONSENTS.search(text)) and element.tag != "p"
        if place.in_content or len(text) > 300:
            return False
        is_line = words.COPYRIGHT.match(text) is not None
        return is_line or (element.links >= 2 and words.COPYRIGHT.search(text) is not None)


def _is_named_furniture(
    element: Element, named: frozenset[str], density: float, place: _Place
) -> bool:
    """Returns whether what an element holds is as its class says: links, controls, a few words."""
    if density >= DENSE or (
        density >= 0.3 and not (place.in_content and element.prose_chars > SHORT_CHARS)
    ):
        return True
    has_controls = element.controls + element.links > 0
    if element.chars > (2 * SHORT_CHARS if element.controls else SHORT_CHARS):
        return False
    if place.in_content and element.prose_chars and not named & words.PROMOTION:
        return False
    alone = words.ALWAYS if place.in_content else words.ALWAYS | words.OUTSIDE
    return has_controls or bool(named & alone)


def _is_heading_or_links(element: Element) -> bool:
    if element.tag in HEADINGS:
        return True
    return element.links > 0 and element.link_chars >= 0.3 * element.chars


def _is_link_list(element: Element, in_content: bool) -> bool:
    """Returns whether an element is links without prose: a menu, the site's name, a share bar."""
    if element.prose_chars or not element.links or element.link_chars < DENSE * element.chars:
        return False
    if element.tag not in LISTS | {"div", "section", "table", "p", "center"}:
        return False
    if in_content and (element.links < 3 or element.tag == "p"):
        return False
    if element.links < 3 and element.link_chars < 0.9 * element.chars:
        return False
    return not any(inner.tag in HEADINGS for inner in element.first_elements())


def _prose_range(children: list[Element | str], least_chars: float) -> tuple[int, int]:
    """Returns the positions of the first and last child that is prose or a title of its own.

    A box around prose counts from `least_chars` of it: an advertisement is no content.
    """
    places = [
        number
        for number, child in enumerate(children)
        if (
            len(child.strip()) >= PROSE_CHARS
            if isinstance(child, str)
            else (_is_running_text(child) and child.prose_chars > 0)
            or child.prose_chars > max(child.link_chars, least_chars)
            or (child.tag in HEADINGS and child.chars > child.link_chars)
        )
    ]
    return (places[0], places[-1]) if places else (len(children), -1)


def _has_own_title(header: Element) -> bool:
    """Returns whether a header holds the title of the page, not the name of the site in a link."""
    return any(
        element.tag == "h1" and element.chars > 2 * element.link_chars
        for element in header.first_elements()
    )


def _is_running_text(element: Element) -> bool:
    """Returns whether an element is a paragraph, code or list with words outside of links."""
    is_text = element.tag in ("p", "pre", "blockquote") or element.tag in LISTS
    return is_text and element.chars > element.link_chars
