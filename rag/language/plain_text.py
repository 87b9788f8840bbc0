"""Quoted text as a reader sees it: no markup, no reference marks, a row with its column names.

Only what is shown changes; the quote stays the source's own characters. A source's own `[1]` would
read as one of our markers, so that it is left out, and in code gets a blank.
"""

import html
import re
import textwrap
from collections.abc import Iterator, Sequence

from index.types import UnitKind

MAX_CHARS = 5_000
"""Of a longer text the markup stays."""

_CELL_TAG = re.compile(r"<t[dh]\b[^<>]*+>", re.IGNORECASE)
_BAR = re.compile(r"(?<!\\)\|")
_TAG_NAMES = (
    "a|abbr|article|aside|b|blockquote|br|button|caption|center|cite|code|col|colgroup|dd|del"
    "|details|dfn|div|dl|dt|em|figcaption|figure|font|footer|h[1-6]|header|hr|i|iframe|img|input|ins"
    "|kbd|label|li|main|mark|nav|ol|p|pre|q|s|samp|section|small|span|strike|strong|sub|summary|sup"
    "|svg|table|tbody|td|tfoot|th|thead|time|tr|tt|u|ul|var|video|wbr"
)
_BLOCK_TAG = re.compile(r"</?(?:br|p|div|li|tr|td|th)\b[^<>]*+>", re.IGNORECASE)
_TAG = re.compile(rf"</?(?:{_TAG_NAMES})(?:\s[^<>]*+)?/?>|<!--.*?-->", re.IGNORECASE | re.DOTALL)
_TEMPLATE = re.compile(r"\{%-?\s*[\w-]+([^%{}]*+)%\}")
_QUOTED = re.compile(r"[\"']([^\"']*+)[\"']")
_ATTRIBUTES = re.compile(r"[ \t]?\{[:#][^{}\n]*+\}")
_LINK = re.compile(
    r"!?\[((?:[^\[\]]|\[[^\[\]]*+\])*+)\]"
    r"(?:\([ \t]*+(?:<[^<>\n]*+>|(?:[^()]|\([^()]*+\))*+)\)|\[[^\[\]\n]*+\])"
)
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)[^<>\s]++)>")
_REFERENCE = re.compile(r"(?<!\])\[\^?\d{1,3}(?:[,;–-] ?\d{1,3})*+\](?![(:\[])")
_CODE_SPAN = re.compile(r"(`{1,2})(?!`)((?:[^`\n]|\n(?!\n))+?)\1(?!`)")
_EMPHASIS = re.compile(
    r"(?<![\w*])(\*{1,3})(?=[^\s*])((?:[^*\n]|\n(?!\n))+?)(?<=[^\s*])\1(?![\w*])"
    r"|(?<!\w)(_{1,3})(?=[^\s_])((?:[^_\n]|(?<=\w)_(?=\w)|\n(?!\n))+?)(?<=[^\s_])\3(?!\w)"
    r"|(~~)(?=\S)([^~\n]+?)(?<=\S)~~"
)
_ESCAPE = re.compile(r"\\([\\`*_{}\[\]()#+.!|<>~-])")
_LINE_MARK = re.compile(r"^[ \t]*+(?:>[ \t]?)++(?:\[![A-Z]+\][ \t]*+)?|^[ \t]*+#{1,6}[ \t]++", re.M)
_FENCE = re.compile(r"\A[ \t]*+(`{3,}|~{3,})[^\n]*+\n(.*?)\n?[ \t]*+(?:\1)?[ \t]*+\Z", re.DOTALL)
_INDEX = re.compile(r"\[(?=\d{1,3}\])")
_MARK = "\ue000"
_KEPT = re.compile(f"{_MARK}(\\d+){_MARK}")


def plain_text(text: str, kind: UnitKind = "sentence", *, above: Sequence[str] = ()) -> str:
    """Returns a unit's text without markup; `above` are the header rows and labels over a row.

    Code keeps its lines, everything else is one line.
    """
    if kind == "code":
        fenced = _FENCE.match(text)
        return _INDEX.sub("[ ", textwrap.dedent(fenced.group(2) if fenced else text))
    if kind == "row":
        return _row(text, above)
    return _strip(text)


def row_cells(text: str) -> list[str]:
    """Returns the cells of a row as a reader sees them; one where nothing separates cells."""
    if _CELL_TAG.search(text):
        cells = _CELL_TAG.split(text)[1:]
    else:
        text = text.strip()
        cells = _BAR.split(text[1:].removesuffix("|") if text.startswith("|") else text)
    return [_strip(cell.replace("\\|", "|")) for cell in cells]


def _row(text: str, above: Sequence[str]) -> str:
    cells = row_cells(text)
    rows = [row_cells(row) for row in above]
    labels = [row[0] for row in rows if len(row) == 1 < len(cells)]
    headers = [row for row in rows if len(row) >= len(cells) > 1 or len(row) == len(cells)]
    if not headers:
        joint = ": " if len(cells) == 2 else "; "
        return "; ".join(filter(None, (*labels, joint.join(filter(None, cells)))))
    return "; ".join(filter(None, (*labels, *_named(cells, headers))))


def _named(cells: Sequence[str], headers: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yields each cell after the names of its column, of which there may be several rows."""
    for column, cell in enumerate(cells):
        names = dict.fromkeys(row[column] for row in headers if row[column])
        if cell:
            yield f"{' '.join(names)}: {cell}" if names else cell


def _strip(text: str) -> str:
    if len(text) > MAX_CHARS:
        return " ".join(_INDEX.sub("[ ", text).split())
    kept: list[str] = []

    def keep(content: str) -> str:
        kept.append(_INDEX.sub("[ ", content))
        return f"{_MARK}{len(kept) - 1}{_MARK}"

    text = text.replace(_MARK, " ")
    text = _CODE_SPAN.sub(lambda m: keep(m.group(2).strip()), text)
    text = _ESCAPE.sub(lambda m: keep(m.group(1)), text)
    text = _LINE_MARK.sub("", text)
    text = _TEMPLATE.sub(lambda m: " ".join(_QUOTED.findall(m.group(1))), text)
    text = _AUTOLINK.sub(lambda m: keep(m.group(1)), text)
    text = _TAG.sub("", _BLOCK_TAG.sub(" ", text))
    text = _LINK.sub(lambda m: m.group(1), _LINK.sub(lambda m: m.group(1), text))
    text = _ATTRIBUTES.sub("", _REFERENCE.sub("", text))
    for _ in range(2):  # bold within italics
        text = _EMPHASIS.sub(lambda m: m.group(2) or m.group(4) or m.group(6), text)
    if "&" in text:
        text = html.unescape(text)
    for _ in range(2):  # an escape within a code span
        text = _KEPT.sub(lambda m: kept[int(m.group(1))], text)
    return _INDEX.sub("[ ", " ".join(text.split()))
