r"""Markdown's inline markup → pieces: the characters to show, and the tags of ours around them.

Not by markdown-it: it keeps no offsets within a line, and nested brackets make it slow. This takes
time linear in the text. Code, emphasis, links, line breaks and `\*` are those of CommonMark; an
image is its description; a link leads to http(s) only; HTML tags of formatting are left out, all
others are text. Character references (`&amp;`) stay as written.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape as escape_html

from .marked_html import Piece

FORMATTING_TAGS = (
    "a abbr article b blockquote br caption center code col colgroup dd del details div dl dt em "
    "figcaption figure font h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p picture pre q s samp "
    "section small source span strike strong sub summary sup table tbody td tfoot th thead tr tt u "
    "ul var"
).replace(" ", "|")
TAG = rf"</?(?i:{FORMATTING_TAGS})(?=[\s/>])[^<>]{{0,2000}}+>"
_TOKEN = re.compile(
    r"(?P<escape>\\[!-/:-@\[-`{-~])"
    r"|(?P<hard>(?:(?<! ) {2,}+|\\)(?=\r?\n))"
    r"|(?P<prefix>(?<=[\r\n])(?=[ \t>])[ \t]*+(?:>[ \t]?)*+)"
    r"|(?P<code>`++)|(?P<open>!?\[)|(?P<close>\])"
    r"|<(?P<auto>https?://[^\s<>]{1,2000}+)>"
    rf"|(?P<tag>{TAG})"
    r"|(?P<url>https?://[^\s<>\[\]\"'`|\\*]{1,2000}+)"
    r"|(?P<run>\*++|_++|~~)"
)
_TARGET = re.compile(
    r"\([ \t\r\n]{0,99}+(?:<(?P<angle>[^<>\r\n]{0,2000}+)>"
    r"|(?P<bare>[^\s()<>]{0,2000}+(?:\([^\s()<>]{0,500}+\)[^\s()<>]{0,500}+){0,4}+))"
    r"(?:[ \t\r\n]{1,99}+(?:\"[^\"]{0,500}+\"|'[^']{0,500}+'))?[ \t\r\n]{0,99}+\)"
)
_DEFINITION = re.compile(
    r"(?m)^ {0,3}\[([^\[\]\r\n]{1,200}+)\]:[ \t]*+<?([^\s<>]{1,2000}+)>?"
    r"(?:[ \t]++(?:\"[^\"\r\n]{0,500}+\"|'[^'\r\n]{0,500}+'|\([^()\r\n]{0,500}+\)))?[ \t]*+\r?$"
)
_LABEL = re.compile(r"\[([^\[\]]{0,200}+)\]")
_RUNS_OF_BACKTICKS = re.compile("`++")
_TRAILING = re.compile(r"[.,:;!?)_*~]++\Z")
_WEB = re.compile(r"https?://[^\s\"<>]+", re.IGNORECASE)
_TAGS = {("*", 1): "em", ("_", 1): "em", ("*", 2): "strong", ("_", 2): "strong", ("~", 2): "del"}


@dataclass(slots=True)
class _Node:
    """A piece; a run of `*`, `_` or `~` has the tags that it closes and opens besides."""

    start: int
    end: int
    html: str = ""
    run: str = ""
    scope: int = 0
    """1 where a link begins, -1 where it ends: emphasis does not cross either."""
    opens: str = ""
    closes: str = ""
    can_open: bool = False
    can_close: bool = False


def parse_inline(text: str, start: int, end: int, targets: Mapping[str, str]) -> Iterator[Piece]:
    """Yields the pieces of `text[start:end]`; `targets`: the link definitions, by label."""
    nodes = _Scanner(text, start, end, targets).scan()
    _match_runs(nodes)
    first = last = start
    for node in nodes:
        if node.closes or node.html or node.start != last:
            yield first, last, ""
            first = node.start
            yield first, first, node.closes + node.html
        last = node.end
        if node.opens:
            yield first, last, ""
            yield last, last, node.opens
            first = last
    yield first, last, ""


class _Scanner:
    """Finds code, links, escapes and runs, in one pass."""

    def __init__(self, text: str, start: int, end: int, targets: Mapping[str, str]) -> None:
        self._text, self._start, self._end, self._targets = text, start, end, targets
        self._nodes: list[_Node] = []
        self._brackets: list[int] = []
        self._ticks: defaultdict[int, list[int]] = defaultdict(list)
        for ticks in _RUNS_OF_BACKTICKS.finditer(text, start, end):
            self._ticks[ticks.end() - ticks.start()].append(ticks.start())

    def scan(self) -> list[_Node]:
        """Returns the nodes, in order."""
        at = self._start
        while match := _TOKEN.search(self._text, at, self._end):
            self._show(at, match.start())
            at = self._add(match)
        self._show(at, self._end)
        return self._nodes

    def _show(self, start: int, end: int) -> None:
        if start < end:
            self._nodes.append(_Node(start, end))

    def _tag(self, at: int, html: str, scope: int = 0) -> None:
        self._nodes.append(_Node(at, at, html, scope=scope))

    def _add(self, match: re.Match[str]) -> int:
        """Adds what a token stands for; returns where to go on."""
        start, end = match.span()
        match match.lastgroup:
            case "escape":
                self._show(start + 1, end)
            case "hard":
                self._tag(start, "<br>")
            case "tag" if match[0].lower().startswith("<br"):
                self._tag(start, "<br>")
            case "code":
                return self._add_code(start, end)
            case "open":
                self._brackets.append(len(self._nodes))
                self._show(start, end)
            case "close":
                return self._close_bracket(start, end)
            case "auto":
                self._add_link(start + 1, end - 1, match["auto"])
            case "url":
                end = start + len(_TRAILING.sub("", match[0]))
                self._add_link(start, end, self._text[start:end])
            case "run":
                self._nodes.append(self._run(start, end))
        return end

    def _add_link(self, start: int, end: int, address: str) -> None:
        link = _link(address)
        self._tag(start, link)
        self._show(start, end)
        self._tag(end, "</a>" if link else "")

    def _add_code(self, start: int, end: int) -> int:
        runs = self._ticks[end - start]
        index = bisect_left(runs, end)
        if index == len(runs):
            self._show(start, end)
            return end
        close = runs[index]
        self._tag(end, "<code>")
        self._show(end, close)
        self._tag(close, "</code>")
        return close + end - start

    def _close_bracket(self, start: int, end: int) -> int:
        """Makes a link or an image of a bracket that has a target; shows it otherwise."""
        opened = self._brackets.pop() if self._brackets else None
        found = self._find_target(opened, start, end) if opened is not None else None
        if opened is None or found is None:
            self._show(start, end)
            return end
        address, end = found
        node = self._nodes[opened]
        is_image = self._text[node.start] == "!"
        html = '<span class="image">' if is_image else _link(address) or "<span>"
        self._nodes[opened] = _Node(node.end, node.end, html, scope=1)
        self._tag(start, "</a>" if html.startswith("<a") else "</span>", scope=-1)
        if not is_image:
            self._brackets.clear()  # a link holds no other
            for inner in self._nodes[opened + 1 : -1]:
                inner.html = "" if inner.html.startswith(("<a", "</a")) else inner.html
        return end

    def _find_target(self, opened: int, start: int, end: int) -> tuple[str, int] | None:
        target = _TARGET.match(self._text, end, self._end)
        if target is not None:
            return target["angle"] or target["bare"] or "", target.end()
        label = _LABEL.match(self._text, end, self._end)
        first = self._nodes[opened].end
        name = label[1] if label and label[1] else self._text[first : min(start, first + 200)]
        address = self._targets.get(normalize_label(name))
        return None if address is None else (address, label.end() if label else end)

    def _run(self, start: int, end: int) -> _Node:
        before = self._text[start - 1] if start > self._start else " "
        after = self._text[end] if end < self._end else " "
        is_left = not after.isspace() and (after.isalnum() or not before.isalnum())
        is_right = not before.isspace() and (before.isalnum() or not after.isalnum())
        can_open, can_close = is_left, is_right
        if self._text[start] == "_":
            can_open = is_left and not (is_right and before.isalnum())
            can_close = is_right and not (is_left and after.isalnum())
        run = self._text[start:end]
        return _Node(start, end, run=run, can_open=can_open, can_close=can_close)


def _match_runs(nodes: list[_Node]) -> None:
    """Pairs runs into emphasis, each with the nearest before it, within one link."""
    scopes: list[tuple[list[_Node], defaultdict[str, list[int]]]] = [([], defaultdict(list))]
    for node in nodes:
        if node.scope > 0:
            scopes.append(([], defaultdict(list)))
        elif node.scope < 0:
            scopes.pop()
        elif node.run:
            _match_run(node, *scopes[-1])


def _match_run(node: _Node, stack: list[_Node], places: defaultdict[str, list[int]]) -> None:
    """`places`: where in the stack the runs of each character are."""
    char = node.run[0]
    while node.can_close and node.start < node.end and places[char]:
        opener = stack[places[char][-1]]
        sizes = (opener.end - opener.start, node.end - node.start)
        is_either = opener.can_close or node.can_open
        if is_either and sum(sizes) % 3 == 0 and sizes[0] % 3:
            break
        for other in stack[places[char][-1] + 1 :]:
            places[other.run[0]].pop()
        del stack[places[char][-1] + 1 :]
        size = min(2, *sizes)
        opener.end -= size
        node.start += size
        opener.opens = f"<{_TAGS[char, size]}>{opener.opens}"
        node.closes += f"</{_TAGS[char, size]}>"
        if opener.start == opener.end:
            stack.pop()
            places[char].pop()
    if node.can_open and node.start < node.end:
        places[char].append(len(stack))
        stack.append(node)


def normalize_label(label: str) -> str:
    """Returns a link's label as it is looked up."""
    return " ".join(label.split()).casefold()


def _link(address: str) -> str:
    """Returns the tag of a link, empty where it does not lead to the web."""
    if not _WEB.fullmatch(address) or not address.isprintable():
        return ""
    href = escape_html(address, quote=True)
    return f'<a href="{href}" rel="noopener noreferrer nofollow">'


def link_definitions(text: str, start: int, end: int) -> Iterator[tuple[int, str, str]]:
    """Yields the link definitions between two offsets: where each begins, its label and address."""
    for match in _DEFINITION.finditer(text, start, end):
        yield match.start(), normalize_label(match[1]), match[2]
