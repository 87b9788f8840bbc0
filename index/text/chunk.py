"""Chunker: a document's text → chunks and sentences whose offsets slice back to it exactly.

A chunk is a paragraph. It is merged with a neighbour on the same page only where one of them has
fewer than MIN_TOKENS; a longer paragraph is split on sentence boundaries to about TARGET_TOKENS by
llama-index's SentenceSplitter with the embedding model's own tokenizer; the offsets are computed
and asserted here (the splitter's are not reliable). Chunks across paragraphs cost 3–4 points of
hit@1 (DECISIONS.md).
"""

import hashlib
import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ..types import Chunk, Document, Heading, Span
from .sanitize import sanitize
from .sentences import sentence_spans

TARGET_TOKENS = 200
MIN_TOKENS = 20
MAX_TOKENS = 240
"""Wordpieces above which a paragraph is split, below which it is merged; a chunk's maximum."""
CHARS_PER_TOKEN = 20
"""Characters that count as at least one token: to the tokenizer a word of any length is one."""
CHUNKER = f"paragraphs-{TARGET_TOKENS}-{MIN_TOKENS}-4"
"""The chunker's version in the fingerprint; changes with its rules."""

CountTokens = Callable[[Sequence[str]], list[int]]

_FORCED_SPLIT = re.compile(
    rf"\S{{{CHARS_PER_TOKEN * TARGET_TOKENS}}}|\s{{{CHARS_PER_TOKEN * TARGET_TOKENS},}}"
)


@dataclass(slots=True)
class _Piece:
    """A paragraph or a part of one, with its size in wordpieces."""

    start: int
    end: int
    tokens: int
    is_heading: bool = False


def chunk(document: Document, source_id: str, *, count_tokens: CountTokens) -> list[Chunk]:
    """Returns the document's chunks in order, rows from 0; none exceeds MAX_TOKENS wordpieces.

    Sizes are those of the text as it is embedded (`sanitize.sanitize`).
    """

    def sizes(texts: Sequence[str]) -> list[int]:
        counts = count_tokens([sanitize(text) for text in texts])
        return [max(n, len(text) // CHARS_PER_TOKEN) for n, text in zip(counts, texts, strict=True)]

    pieces = _merge_small(_split_paragraphs(document, sizes), document.pages)
    return [_chunk(document, source_id, row, piece) for row, piece in enumerate(pieces)]


def _chunk(document: Document, source_id: str, row: int, piece: _Piece) -> Chunk:
    text = document.text[piece.start : piece.end]
    place = f"{source_id}:{piece.start}:{piece.end}:".encode()
    digest = hashlib.sha256(place + text.encode("utf-8", "surrogatepass"))
    return Chunk(
        row=row,
        id=digest.hexdigest()[:24],
        source_id=source_id,
        start=piece.start,
        end=piece.end,
        sentences=tuple(_sentences(document, piece)),
        heading=heading_path(document, _body_start(document, piece)),
        page=bisect_right(document.pages, piece.start) or None,
    )


def _body_start(document: Document, piece: _Piece) -> int:
    """Returns the offset after the headings that the piece starts with."""
    start = piece.start
    for heading in document.headings:
        if heading.start >= piece.start and heading.end <= piece.end and heading.start <= start + 4:
            start = heading.end
    return min(start, piece.end - 1)


def heading_path(document: Document, offset: int) -> str | None:
    """Returns the headings above an offset, outermost first, joined by ` › `.

    A heading equal to the document's title is omitted: the source carries the title.
    """
    path: list[Heading] = []
    for heading in document.headings:
        if heading.start > offset:
            break
        while path and path[-1].level >= heading.level:
            path.pop()
        path.append(heading)
    texts = [heading.text for heading in path if heading.text and heading.text != document.title]
    return " › ".join(texts) or None


def _sentences(document: Document, piece: _Piece) -> list[Span]:
    """Returns the piece's sentences; none crosses the end of a paragraph."""
    spans: list[Span] = []
    first = bisect_right(document.blocks, (piece.start + 1, -1)) - 1
    for start, end in document.blocks[max(first, 0) :]:
        if start >= piece.end:
            break
        spans += sentence_spans(document.text, max(start, piece.start), min(end, piece.end))
    return spans


def _split_paragraphs(document: Document, count_tokens: CountTokens) -> list[_Piece]:
    """Returns the paragraphs, long ones split."""
    heading_starts = {heading.start for heading in document.headings}
    texts = [document.text[start:end] for start, end in document.blocks]
    pieces: list[_Piece] = []
    for (start, end), tokens in zip(document.blocks, count_tokens(texts), strict=True):
        if tokens <= TARGET_TOKENS:
            pieces.append(_Piece(start, end, tokens, start in heading_starts))
        else:
            pieces += _split(document.text, start, end, count_tokens)
    return pieces


def _split(text: str, start: int, end: int, count_tokens: CountTokens) -> list[_Piece]:
    """Splits a long paragraph on sentence boundaries and locates each part in the text."""
    text = sanitize(text)  # of the same length; what it blanks is a blank to the splitter, too
    # Cut long runs of blanks, and words too long for the splitter, which would go by letter.
    cuts = [start, *(match.end() for match in _FORCED_SPLIT.finditer(text, start, end)), end]
    parts = [
        part.strip()
        for left, right in pairwise(cuts)
        if left < right
        for part in _split_sentences(text[left:right], count_tokens)
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


def _split_sentences(text: str, count_tokens: CountTokens) -> list[str]:
    """Runs llama-index's splitter; sentences are counted in one batch beforehand."""
    from llama_index.core.node_parser import SentenceSplitter

    sentences = [text, *_sentence_texts(text)]
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
        chunking_tokenizer_fn=_sentence_texts,
    )
    return splitter.split_text(text)


def _sentence_texts(text: str) -> list[str]:
    """Cuts the text after each sentence; the parts concatenate to the text."""
    starts = [start for start, _ in sentence_spans(text, 0, len(text))]
    cuts = [0, *starts[1:], len(text)]
    return [text[left:right] for left, right in pairwise(cuts) if right > left]


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
            and last.tokens + piece.tokens <= MAX_TOKENS
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
