"""Lines and rows in reading order → paragraphs, list items, rows, code and fields of a page."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Literal

from .geometry import Row, Segment, same_size
from .words import join_lines

Kind = Literal["text", "item", "row", "code", "field"]

_SHORT_LINE = 0.75
"""Share of its column's width: a paragraph's last line may be shorter than that."""
_VERY_SHORT_LINE = 0.6
_MAX_LEADING = 2.5
"""Of the font size: lines further apart are paragraphs of their own."""
_INDENT = 0.9
_SENTENCE_END = re.compile(r"[.!?:;…。！？：；][\"'”’»)\]」』⁰¹²³⁴⁵⁶⁷⁸⁹]*$")
_CELL_END = re.compile(r"[.!?…。！？][\"'”’»)\]」』⁰¹²³⁴⁵⁶⁷⁸⁹]*$")
_BULLET = re.compile(r"[•◦▪‣●○■□▸►∙·\uf0b7\uf0a7]\s*|[*\u2013\u2014-]\s+")
_NUMBERED = re.compile(r"(\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,4})[.)])\s+(?=\S)")

_LABEL = re.compile(r"[^\W\d_][\w -]{1,25}[:：]\s")


@dataclass(slots=True)
class Block:
    """A paragraph, list item, row, code block or form field of a page.

    `ends_open`: it may go on in the next column or on the next page.
    """

    kind: Kind
    text: str
    page: int
    size: float = 0
    bold: bool = False
    x0: float = 0
    lines: int = 1
    ends_open: bool = False
    row: Row | None = None


def to_blocks(flows: Iterable[Segment | Row], page: int) -> list[Block]:
    """Returns the blocks of a page's lines and rows, in order."""
    flows = list(flows)
    lines = [flow for flow in flows if isinstance(flow, Segment)]
    pitch = _usual_pitch(lines)
    mono_chars = sum(len(line.text) for line in lines if line.mono)
    has_code = 2 * mono_chars < sum(len(line.text) for line in lines)
    blocks: list[Block] = []
    open_lines: list[Segment] = []
    for flow in flows:
        if (
            isinstance(flow, Segment)
            and open_lines
            and _continues(open_lines, flow, pitch, has_code=has_code)
        ):
            open_lines.append(flow)
            continue
        if open_lines:
            blocks.append(_block(open_lines, page, has_code=has_code))
        open_lines = [flow] if isinstance(flow, Segment) else []
        if isinstance(flow, Row):
            blocks.append(_row_block(flow, page))
    if open_lines:
        blocks.append(_block(open_lines, page, has_code=has_code))
    return [block for block in blocks if block.text.strip()]


def ends_sentence(text: str) -> bool:
    """Returns whether a text ends with a stop, a colon or the like."""
    return bool(_SENTENCE_END.search(text))


def goes_on(before: str, after: str, *, was_full: bool) -> bool:
    """Returns whether a text that stopped at the end of a column goes on with another."""
    if ends_sentence(before) or not after:
        return False
    if before[-1] in "-‐\xad,":
        return True
    return after[0].islower() or was_full


def is_marked(text: str) -> bool:
    """Returns whether a line begins with the marker of a list item."""
    return bool(_BULLET.match(text) or _NUMBERED.match(text))


def _row_block(row: Row, page: int) -> Block:
    cells = [cell.replace("|", "¦").strip() for cell in row.cells]
    return Block("row", " | ".join(cells).strip(), page, row.size, x0=row.columns[0], row=row)


def _usual_pitch(lines: Sequence[Segment]) -> float:
    """Returns the usual distance from a line to the next, in font sizes."""
    pitches = [
        (below.y0 - above.y0) / above.size
        for above, below in pairwise(lines)
        if same_size(above.size, below.size) and (below.y0 - above.y0) / above.size > 0.5
    ]
    near = [pitch for pitch in pitches if pitch <= _MAX_LEADING]
    return median(near) if near else 1.2


def _continues(
    lines: Sequence[Segment], line: Segment, usual_pitch: float, *, has_code: bool
) -> bool:
    """Returns whether a line goes on with the paragraph of the lines before it."""
    first, last = lines[0], lines[-1]
    if line.is_field or last.is_field or not same_size(last.size, line.size):
        return False
    pitch = (line.y0 - last.y0) / last.size
    if has_code and (last.mono or line.mono):
        return last.mono and line.mono and 0 < pitch <= max(2 * usual_pitch, 2.6)
    if last.bold != line.bold and ((last.bold and len(lines) <= 3) or line.bold):
        return False
    if _starts_item(lines, line) or (_LABEL.match(last.text) and _LABEL.match(line.text)):
        return False
    was_full = last.x1 - last.left >= _SHORT_LINE * (last.right - last.left)
    if pitch < 0.5:  # the next column
        return goes_on(last.text, line.text, was_full=was_full)
    if pitch > min(1.3 * max(usual_pitch, 1.0), _MAX_LEADING):
        return False
    if is_marked(first.text):
        return _continues_item(lines, line)
    indent = line.x0 - last.x0
    is_indented = min(indent, 2 * (line.x0 - line.left)) > _INDENT * line.size
    if is_indented and (ends_sentence(last.text) or not was_full):
        return False
    return not _is_forced_break(last, line)


def _is_forced_break(last: Segment, line: Segment) -> bool:
    """Returns whether a line ends before its column does though the next word has room in it."""
    width = max(last.right - last.left, last.x1 - last.left, 1)
    share = (last.x1 - last.left) / width
    if last.text[-1] in "-‐\xad":
        return False
    if last.text[-1] in ":：":
        return not line.text[0].islower()
    first_word = line.text.split(maxsplit=1)[0]
    needed = (len(first_word) + 1) * (line.x1 - line.x0) / max(len(line.text), 1)
    if last.left + width - last.x1 < needed:
        return False
    if _SENTENCE_END.search(last.text):
        return share < _SHORT_LINE and not line.text[0].islower()
    return share < _VERY_SHORT_LINE and not line.text[0].islower()


def _starts_item(lines: Sequence[Segment], line: Segment) -> bool:
    last = lines[-1]
    if _BULLET.match(line.text):
        return line.text[0] not in "*-–—" or is_marked(lines[0].text) or _is_end(last)
    if not _NUMBERED.match(line.text):
        return False
    return (is_marked(lines[0].text) and line.x0 < last.x0 + last.size) or _is_end(last)


def _is_end(line: Segment) -> bool:
    return ends_sentence(line.text) or line.x1 - line.left < _SHORT_LINE * (line.right - line.left)


def _continues_item(lines: Sequence[Segment], line: Segment) -> bool:
    first, last = lines[0], lines[-1]
    hanging = lines[1].x0 if len(lines) > 1 else None
    if hanging is not None and abs(line.x0 - hanging) > line.size:
        return False
    if line.x0 > first.x0 + 0.4 * line.size:
        return True
    return not ends_sentence(last.text) or (not _is_forced_break(last, line) and bool(hanging))


def _block(lines: Sequence[Segment], page: int, *, has_code: bool) -> Block:
    first, last = lines[0], lines[-1]
    was_full = last.x1 - last.left >= _SHORT_LINE * (last.right - last.left)
    kind: Kind = "text"
    if first.is_field:
        kind = "field"
    elif has_code and first.mono:
        kind = "code"
    elif is_marked(first.text):
        kind = "item"
    text = _code(lines) if kind == "code" else join_lines(line.text.strip() for line in lines)
    if kind == "item":
        text = _BULLET.sub("- ", text, count=1)
    return Block(
        kind=kind,
        text=text,
        page=page,
        size=first.size,
        bold=all(line.bold for line in lines),
        x0=first.x0,
        lines=len(lines),
        ends_open=was_full or last.text[-1:] in "-‐\xad,",
    )


def _code(lines: Sequence[Segment]) -> str:
    """Returns the lines of a listing, indented as on the page."""
    left = min(line.x0 for line in lines)
    longest = max(lines, key=lambda line: len(line.text))
    width = (longest.x1 - longest.x0) / max(len(longest.text), 1) or 1
    return "\n".join(" " * min(round((line.x0 - left) / width), 40) + line.text for line in lines)
