"""The blocks of all pages → the document: headings, lists, tables over pages, and their offsets."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from ...text.limits import MAX_HEADING_CHARS
from ...text.sentences import sentence_spans
from ...types import Document, Heading, Span, Unit
from .geometry import Row, same_size
from .paragraphs import Block, ends_sentence, goes_on, is_marked
from .words import PAGE_START, join_parts, resolve_hyphens

_BIGGER = 1.12
"""Of the body's font size: the smallest heading."""
_MAX_HEADING_LINES = 3
_SMALLER = 0.92
"""Of the body's font size: the largest footnote."""
_SAME_EDGE = 12.0
"""Points that a table's columns may move from page to page."""
_MAX_LEVEL = 6


@dataclass(slots=True)
class _State:
    """What is written so far, and what the next block may stand under."""

    parts: list[str] = field(default_factory=list)
    length: int = 0
    blocks: list[Span] = field(default_factory=list)
    headings: list[Heading] = field(default_factory=list)
    units: list[Unit] = field(default_factory=list)
    pages: dict[int, int] = field(default_factory=dict)
    header: Span | None = None
    columns: tuple[float, ...] = ()
    """Those of the table that was written last."""
    intro: Span | None = None
    items: list[tuple[float, Span]] = field(default_factory=list)


def assemble(blocks: Sequence[Block], page_count: int) -> Document:
    """Returns the document of the blocks of all pages, in order, without title and notes."""
    body = body_size(blocks)
    merged = _continue_tables(_join_pages(blocks, body))
    texts = resolve_hyphens([block.text for block in merged])
    levels = _heading_levels(merged, body)
    state = _State()
    last: Block | None = None
    for block, text in zip(merged, texts, strict=True):
        _write(state, block, text, last, levels)
        last = block
    return Document(
        text="".join(state.parts),
        blocks=tuple(state.blocks),
        headings=tuple(state.headings),
        pages=_page_offsets(state, page_count),
        units=tuple(state.units),
    )


def body_size(blocks: Sequence[Block]) -> float:
    """Returns the font size of most characters."""
    sizes: Counter[float] = Counter()
    for block in blocks:
        sizes[round(block.size * 2) / 2] += len(block.text)
    return sizes.most_common(1)[0][0] if sizes else 0


def _is_heading(block: Block, body: float) -> bool:
    """Returns whether a paragraph is set off as a heading: short, and larger or bolder."""
    if block.kind not in ("text", "item") or block.lines > _MAX_HEADING_LINES:
        return False
    if len(block.text) > MAX_HEADING_CHARS or not any(map(str.isalnum, block.text)):
        return False
    if block.kind == "item" and not block.text[0].isalnum():
        return False
    if block.size >= _BIGGER * body:
        return True
    return block.bold and not ends_sentence(block.text) and block.size >= _SMALLER * body


def _heading_levels(blocks: Sequence[Block], body: float) -> dict[int, int]:
    """Returns the level of each heading by its index: larger fonts are higher, bold ones lowest."""
    if all(block.bold for block in blocks):  # then bold says nothing
        blocks = [b if b.size >= _BIGGER * body else _plain(b) for b in blocks]
    found = {n: block for n, block in enumerate(blocks) if _is_heading(block, body)}
    looks = sorted(
        {(round(block.size * 2) / 2, block.bold) for block in found.values()}, reverse=True
    )
    ranks = {look: min(rank, _MAX_LEVEL) for rank, look in enumerate(looks, start=1)}
    return {id(blocks[n]): ranks[round(b.size * 2) / 2, b.bold] for n, b in found.items()}


def _plain(block: Block) -> Block:
    block.bold = False
    return block


def _join_pages(blocks: Sequence[Block], body: float) -> list[Block]:
    """Returns the blocks, a paragraph that goes on on the next page or in the next column once.

    Footnotes between its halves come before it.
    """
    merged: list[Block] = []
    ends: dict[int, int] = {}
    for block in blocks:
        index = _open_paragraph(merged, block, body) if block.kind == "text" else None
        if index is None:
            merged.append(block)
            continue
        first = merged.pop(index)
        last_page = ends.get(id(first), first.page)
        first.text = join_parts(first.text, block.text, block.page - last_page)
        first.lines += block.lines
        first.ends_open = block.ends_open
        ends[id(first)] = block.page
        merged.append(first)
    return merged


def _open_paragraph(merged: Sequence[Block], block: Block, body: float) -> int | None:
    """Returns the index of the paragraph that this block goes on with, if it does."""
    index = len(merged) - 1
    while index >= 0 and len(merged) - index <= 6 and merged[index].page == block.page - 1:
        if merged[index].size > _SMALLER * body or block.size <= _SMALLER * body:
            break
        index -= 1
    if index < 0 or not block.text:
        return None
    last = merged[index]
    is_next = last.page == block.page - 1 or last.text.count(PAGE_START)
    if not is_next or last.page == block.page or last.kind not in ("text", "item"):
        return None
    if not same_size(last.size, block.size) or last.bold != block.bold:
        return None
    if is_marked(block.text) or block.size >= _BIGGER * body:
        return None
    return index if goes_on(last.text, block.text, was_full=last.ends_open) else None


def _continue_tables(blocks: Sequence[Block]) -> list[Block]:
    """Returns the blocks; a table that goes on on the next page has one header, the first."""
    kept: list[Block] = []
    header: Row | None = None
    columns: tuple[float, ...] = ()
    for block in blocks:
        row, last = block.row, kept[-1] if kept else None
        if row is None:
            kept.append(block)
            continue
        is_next = last is not None and last.row is not None and last.page == block.page - 1
        if is_next and _same_columns(columns, row.columns):
            if header is not None and row.cells == header.cells:
                continue
            if row.heads == 1:
                block.row = Row(row.cells, row.columns, 0, row.size)
        elif last is None or last.row is None or last.page != block.page:
            header = None
        if block.row is not None and block.row.heads:
            header = block.row
        columns = row.columns
        kept.append(block)
    return kept


def _same_columns(first: Sequence[float], second: Sequence[float]) -> bool:
    return len(first) == len(second) and all(
        abs(a - b) <= _SAME_EDGE for a, b in zip(first, second, strict=True)
    )


def _write(
    state: _State, block: Block, text: str, last: Block | None, levels: dict[int, int]
) -> None:
    is_row = block.row is not None
    joins = is_row and last is not None and last.row is not None
    gap = ("\n" if joins else "\n\n") if last is not None else ""
    start = state.length + len(gap)
    state.pages.setdefault(block.page, start)
    pieces = text.split(PAGE_START)
    offset = start
    page = block.page
    for piece in pieces[:-1]:
        offset += len(piece)
        page += 1
        state.pages.setdefault(page, offset)
    text = "".join(pieces)
    span = (start, start + len(text))
    state.parts += [gap, text]
    state.length = span[1]
    state.blocks.append(span)
    if block.row is not None:
        if not joins and block.row.columns != state.columns:
            state.header = None
        state.columns = block.row.columns
    _add_unit(state, block, text, span, levels.get(id(block)))


def _add_unit(state: _State, block: Block, text: str, span: Span, level: int | None) -> None:
    if level is not None:
        state.headings.append(Heading(*span, level, text))
        state.units.append(Unit(*span, "heading"))
        state.intro, state.items = None, []
        return
    if block.row is not None and block.row.heads:
        state.units.append(Unit(*span, "heading"))
        state.header, state.intro, state.items = span, None, []
        return
    if block.kind == "row":
        state.units.append(Unit(*span, "row", (state.header,) if state.header else ()))
        state.intro, state.items = None, []
    elif block.kind == "item":
        while state.items and state.items[-1][0] > block.x0 - 0.5 * block.size:
            state.items.pop()
        under = [state.intro] if state.intro else []
        state.units.append(Unit(*span, "item", (*under, *(parent for _, parent in state.items))))
        state.items.append((block.x0, span))
    elif block.kind == "code":
        state.units.append(Unit(*span, "code", (state.intro,) if state.intro else ()))
        state.items = []
    elif block.kind == "field":
        state.units.append(Unit(*span, "field"))
        state.intro, state.items = None, []
    else:
        state.intro = _last_sentence(text, span[0])
        state.items = []


def _last_sentence(text: str, start: int) -> Span | None:
    tail = max(0, len(text) - 2_000)
    sentences = sentence_spans(text, tail, len(text))
    return (start + sentences[-1][0], start + sentences[-1][1]) if sentences else None


def _page_offsets(state: _State, page_count: int) -> tuple[int, ...]:
    """Returns where each page begins; an empty one where the next begins."""
    offsets: list[int] = []
    following = state.length
    for page in range(page_count - 1, -1, -1):
        following = min(following, state.pages.get(page, following))
        offsets.append(following)
    return tuple(reversed(offsets))
