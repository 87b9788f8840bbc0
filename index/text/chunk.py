"""Chunker: a document's text → chunks and units whose offsets slice back to it exactly.

A chunk is a paragraph. It is merged with a neighbour on the same page only where one of them has
fewer than MIN_TOKENS; a longer paragraph is split on sentence boundaries to about TARGET_TOKENS by
llama-index's SentenceSplitter with the embedding model's own tokenizer; the offsets are computed
and asserted here (the splitter's are not reliable). Chunks across paragraphs cost 3–4 points of
hit@1 (DECISIONS.md).
"""

import hashlib
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ..types import Chunk, Document, Heading, Span
from .limits import MAX_HEADING_PATH_CHARS
from .sanitize import sanitize
from .sentences import sentence_spans
from .units import under_spans, units_between, with_units

TARGET_TOKENS = 200
MIN_TOKENS = 20
MAX_TOKENS = 240
"""Wordpieces above which a paragraph is split, below which it is merged; a chunk's maximum."""
CHARS_PER_TOKEN = 20
"""Characters that count as at least one token: to the tokenizer a word of any length is one."""
CHUNKER = f"paragraphs-{TARGET_TOKENS}-{MIN_TOKENS}-6"
"""The chunker's version in the fingerprint; changes with its rules."""

JOINT = " › "
"""Between a title and its headings."""

CountTokens = Callable[[Sequence[str]], list[int]]

_LONG = CHARS_PER_TOKEN * TARGET_TOKENS
"""Characters of a word or a run of blanks that is cut, and of a text above every limit."""
_WINDOW = 20_000
"""Characters of a paragraph that are split at a time: the splitter keeps every word of them."""
_COUNT_BATCH_CHARS = 200_000
"""Characters that are tokenized at a time: a token takes a hundred bytes."""

_LONG_RUN = re.compile(
    rf"(?:\S{{1,{_LONG - 1}}}+(?!\S)|\s{{1,{_LONG - 1}}}+(?!\s))*+(?:\S{{{_LONG}}}|\s{{{_LONG},}}+)"
)
_UP_TO_LAST_SPACE = re.compile(r".*\s", re.DOTALL)


@dataclass(slots=True)
class _Piece:
    """A paragraph or a part of one, with its size in wordpieces.

    `context` is the size of what it stands under elsewhere, which is embedded with it.
    """

    start: int
    end: int
    tokens: int
    is_heading: bool = False
    context: int = 0
    context_start: int = 0


def chunk(document: Document, source_id: str, *, count_tokens: CountTokens) -> list[Chunk]:
    """Returns the document's chunks in order, rows from 0; none exceeds MAX_TOKENS wordpieces.

    Sizes are those of the text as it is embedded (`sanitize.sanitize`).
    """
    document = with_units(document)
    pieces = _split_paragraphs(document, lambda texts: _count(texts, count_tokens))
    pieces = _merge_small(pieces, document.pages)
    paths = heading_paths(document, _body_starts(document, pieces))
    return [
        _chunk(document, source_id, row, piece, path)
        for row, (piece, path) in enumerate(zip(pieces, paths, strict=True))
    ]


def _count(texts: Sequence[str], count_tokens: CountTokens) -> list[int]:
    """Returns the size of each text; of one above every limit, a lower bound."""
    counts = [len(text) // CHARS_PER_TOKEN for text in texts]
    batch: list[int] = []
    chars = 0
    for index, text in enumerate(texts):
        if counts[index] <= TARGET_TOKENS:
            batch.append(index)
            chars += len(text)
        if batch and (chars > _COUNT_BATCH_CHARS or index == len(texts) - 1):
            for i, n in zip(batch, count_tokens([sanitize(texts[i]) for i in batch]), strict=True):
                counts[i] = max(n, counts[i])
            batch, chars = [], 0
    return counts


def _chunk(
    document: Document, source_id: str, row: int, piece: _Piece, heading: str | None
) -> Chunk:
    return Chunk(
        row=row,
        id=chunk_id(document.text, source_id, piece.start, piece.end),
        source_id=source_id,
        start=piece.start,
        end=piece.end,
        units=tuple(units_between(document, piece.start, piece.end)),
        heading=heading,
        page=bisect_right(document.pages, piece.start) or None,
    )


def chunk_id(text: str, source_id: str, start: int, end: int) -> str:
    """Returns the id of a stretch of a source's text."""
    place = f"{source_id}:{start}:{end}:".encode()
    digest = hashlib.sha256(place + text[start:end].encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:24]


def _body_starts(document: Document, pieces: Sequence[_Piece]) -> Iterator[int]:
    """Yields the offset after the headings that each piece starts with."""
    headings = document.headings
    index = 0
    for piece in pieces:
        start = piece.start
        while index < len(headings) and headings[index].start <= start + 4:
            heading = headings[index]
            if heading.start >= piece.start:
                if heading.end > piece.end:
                    break
                start = heading.end
            index += 1
        yield min(start, piece.end - 1)


def heading_paths(document: Document, offsets: Iterable[int]) -> Iterator[str | None]:
    """Yields the headings above each of the increasing offsets, outermost first, joined by ` › `.

    A heading equal to the document's title is omitted, since the source carries the title, and
    the outermost ones of a path over MAX_HEADING_PATH_CHARS.
    """
    path: list[Heading] = []
    index = 0
    for offset in offsets:
        while index < len(document.headings) and document.headings[index].start <= offset:
            heading = document.headings[index]
            while path and path[-1].level >= heading.level:
                path.pop()
            path.append(heading)
            index += 1
        yield _join([h.text for h in path if h.text and h.text != document.title])


def _join(path: Sequence[str]) -> str | None:
    first, length = len(path), 0
    while first and length + len(path[first - 1]) <= MAX_HEADING_PATH_CHARS:
        first -= 1
        length += len(path[first]) + len(JOINT)
    return JOINT.join(path[first:]) or None


def _split_paragraphs(document: Document, count_tokens: CountTokens) -> list[_Piece]:
    """Returns the paragraphs, long ones split."""
    heading_starts = {heading.start for heading in document.headings}
    texts = [document.text[start:end] for start, end in document.blocks]
    pieces: list[_Piece] = []
    # of the same length; what it blanks is a blank to the splitter, too
    sanitized = sanitize(document.text)
    code = {unit.start for unit in document.units if unit.kind == "code"}
    for (start, end), tokens in zip(document.blocks, count_tokens(texts), strict=True):
        if tokens <= TARGET_TOKENS:
            pieces.append(_Piece(start, end, tokens, start in heading_starts))
        else:
            cut = _line_texts if start in code else _sentence_texts
            pieces += _split(sanitized, start, end, count_tokens, cut)
    return _with_context(document, pieces, count_tokens)


def _with_context(
    document: Document, pieces: Sequence[_Piece], count_tokens: CountTokens
) -> list[_Piece]:
    """Returns the pieces with the size and place of what their first unit stands under."""
    units, text = document.units, document.text
    under = {span for unit in units for span in under_spans(unit)}
    tokens = dict(zip(under, count_tokens([text[a:b] for a, b in under]), strict=True))
    for piece in pieces:
        index = bisect_left(units, piece.start, key=lambda unit: unit.end - 1)
        if index < len(units) and units[index].start < piece.end and units[index].under:
            spans = under_spans(units[index])
            piece.context, piece.context_start = sum(map(tokens.__getitem__, spans)), spans[0][0]
    return list(pieces)


def _split(
    text: str, start: int, end: int, count_tokens: CountTokens, cut: Callable[[str], list[str]]
) -> list[_Piece]:
    """Splits a long paragraph where `cut` does and locates each part in the text."""
    parts = [
        part.strip()
        for left, right in _windows(text, start, end)
        for part in _split_sentences(text[left:right], count_tokens, cut)
    ]
    pieces: list[_Piece] = []
    cursor = start
    for part, tokens in zip(parts, count_tokens(parts), strict=True):
        if not part:
            continue
        offset = text.find(part, cursor, end)
        assert offset >= 0, "a splitter's part is not in its text"
        assert not text[cursor:offset].strip(), "a splitter left text out"
        cursor = offset + len(part)
        pieces.append(_Piece(offset, cursor, tokens))
    assert not text[cursor:end].strip(), "a splitter left text out"
    return pieces


def _windows(text: str, start: int, end: int) -> Iterator[Span]:
    """Yields the parts of a paragraph that are split one by one, in order, without a gap.

    Long runs of blanks and words too long for the splitter, which would go by letter, are cut;
    then what is longer than _WINDOW, after a sentence or else a word.
    """
    while start < end:
        run = _LONG_RUN.match(text, start, end)
        right = run.end() if run else end
        ends = _sentence_starts(text, start, right) if right - start > _WINDOW else []
        while right - start > _WINDOW:
            index = bisect_right(ends, start + _WINDOW) - 1
            cut = ends[index] if index >= 0 else start
            if cut <= start:
                space = _UP_TO_LAST_SPACE.match(text, start + 1, start + _WINDOW)
                cut = space.end() if space else start + _WINDOW
            yield start, cut
            start = cut
        yield start, right
        start = right


def _sentence_starts(text: str, start: int, end: int) -> list[int]:
    return [first for first, _ in sentence_spans(text, start, end)]


def _split_sentences(
    text: str, count_tokens: CountTokens, cut: Callable[[str], list[str]]
) -> list[str]:
    """Runs llama-index's splitter; sentences are counted in one batch beforehand."""
    from llama_index.core.node_parser import SentenceSplitter

    sentences = [text, *cut(text)]
    counts = dict(zip(sentences, count_tokens(sentences), strict=True))

    def tokenize(part: str) -> list[int]:
        if part not in counts:
            counts[part] = count_tokens([part])[0]
        return [0] * counts[part]

    splitter = SentenceSplitter(
        chunk_size=TARGET_TOKENS,
        chunk_overlap=0,
        tokenizer=tokenize,
        paragraph_separator="\n\n",
        chunking_tokenizer_fn=cut,
    )
    return splitter.split_text(text)


def _sentence_texts(text: str) -> list[str]:
    """Cuts the text after each sentence; the parts concatenate to the text."""
    cuts = [0, *_sentence_starts(text, 0, len(text))[1:], len(text)]
    return [text[left:right] for left, right in pairwise(cuts) if right > left]


def _line_texts(text: str) -> list[str]:
    """Cuts code after each line; the parts concatenate to the text."""
    return text.splitlines(keepends=True)


def _merge_small(pieces: Sequence[_Piece], pages: Sequence[int]) -> list[_Piece]:
    """Merges small pieces: a heading into what follows, others into what precedes them.

    Nothing is merged across pages: a citation names the page on which its chunk begins.
    """
    merged: list[_Piece] = []
    for piece in pieces:
        last = merged[-1] if merged else None
        is_small = piece.tokens < MIN_TOKENS and not piece.is_heading
        if (
            last is not None
            and last.tokens + piece.tokens + _context(last, piece) <= MAX_TOKENS
            and piece.end - last.start <= CHARS_PER_TOKEN * MAX_TOKENS
            and (is_small or last.tokens < MIN_TOKENS)
            and bisect_right(pages, piece.start) == bisect_right(pages, last.start)
            and not (piece.is_heading and not last.is_heading)
        ):
            last.end = piece.end
            last.tokens += piece.tokens
            last.is_heading = last.is_heading and piece.is_heading
        else:
            merged.append(replace(piece))
    return merged


def _context(last: _Piece, piece: _Piece) -> int:
    """Returns the size of what the merged piece would stand under outside of it."""
    inside = piece.context_start >= last.start
    return max(last.context, 0 if inside else piece.context)
