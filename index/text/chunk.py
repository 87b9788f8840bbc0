"""A document's text → chunks and sentences whose offsets slice back to it exactly.

A chunk is a paragraph. It crosses one only to take in a neighbour under SMALL wordpieces of the
same page, and a longer one is split on sentence boundaries to about LIMIT wordpieces by
llama-index's SentenceSplitter with the embedding model's own tokenizer; the offsets are found and
asserted here (its own are not reliable). Chunks across paragraphs cost 3–4 points of hit@1
(DECISIONS.md).
"""

import hashlib
import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..types import Chunk, Document, Heading, Span
from .analyzer import harmless
from .sentences import sentence_spans

LIMIT = 200
SMALL = 20
MOST = 240
"""Wordpieces: where a paragraph is split; what is too small alone; what a chunk never exceeds."""
WIDE = 20
"""Characters that count as a wordpiece at least: a word of any length is one to the tokenizer."""
CHUNKER = f"paragraphs-{LIMIT}-{SMALL}-4"

CountTokens = Callable[[Sequence[str]], list[int]]

_CUT = re.compile(rf"\S{{{WIDE * LIMIT}}}|\s{{{WIDE * LIMIT},}}")


@dataclass(slots=True)
class _Piece:
    """A paragraph or a part of one, with its size in wordpieces."""

    start: int
    end: int
    tokens: int
    is_heading: bool


def chunk(document: Document, source_id: str, *, count_tokens: CountTokens) -> list[Chunk]:
    """Returns the document's chunks in order, rows counted from 0; none exceeds MOST wordpieces.

    Sizes are those of the text as it is embedded (`words.harmless`).
    """

    def sizes(texts: Sequence[str]) -> list[int]:
        counts = count_tokens([harmless(text) for text in texts])
        return [max(n, len(text) // WIDE) for n, text in zip(counts, texts, strict=True)]

    pieces = _merged(_pieces(document, sizes), document.pages)
    starts = {heading.start for heading in document.headings}
    return [_chunk(document, source_id, row, piece, starts) for row, piece in enumerate(pieces)]


def _chunk(
    document: Document, source_id: str, row: int, piece: _Piece, heading_starts: set[int]
) -> Chunk:
    text = document.text[piece.start : piece.end]
    place = f"{source_id}:{piece.start}:{piece.end}:".encode()
    digest = hashlib.sha256(place + text.encode("utf-8", "surrogatepass"))
    body = _body_start(document, piece)
    return Chunk(
        row=row,
        id=digest.hexdigest()[:24],
        source_id=source_id,
        start=piece.start,
        end=piece.end,
        sentences=tuple(_sentences(document, piece)),
        heading=heading_path(document, body),
        page=bisect_right(document.pages, piece.start) or None,
    )


def _body_start(document: Document, piece: _Piece) -> int:
    """Returns where the piece's words begin after the headings that it starts with."""
    start = piece.start
    for heading in document.headings:
        if heading.start >= piece.start and heading.end <= piece.end and heading.start <= start + 4:
            start = heading.end
    return min(start, piece.end - 1)


def heading_path(document: Document, offset: int) -> str | None:
    """Returns the headings that an offset stands under, outermost first, joined by ` › `.

    A heading that is the document's title is left out: the source carries it.
    """
    path: list[Heading] = []
    for heading in document.headings:
        if heading.start > offset:
            break
        while path and path[-1].level >= heading.level:
            path.pop()
        path.append(heading)
    words = [heading.text for heading in path if heading.text and heading.text != document.title]
    return " › ".join(words) or None


def _sentences(document: Document, piece: _Piece) -> list[Span]:
    """Returns the piece's sentences; no sentence crosses a paragraph's end."""
    spans: list[Span] = []
    first = bisect_right(document.blocks, (piece.start + 1, -1)) - 1
    for start, end in document.blocks[max(first, 0) :]:
        if start >= piece.end:
            break
        left, right = max(start, piece.start), min(end, piece.end)
        if left < right:
            spans.extend(sentence_spans(document.text, left, right))
    return spans


def _pieces(document: Document, count_tokens: CountTokens) -> list[_Piece]:
    """Returns the paragraphs, long ones split, each with its size."""
    headings = {heading.start for heading in document.headings}
    texts = [document.text[start:end] for start, end in document.blocks]
    pieces: list[_Piece] = []
    for (start, end), tokens in zip(document.blocks, count_tokens(texts), strict=True):
        if tokens <= LIMIT:
            pieces.append(_Piece(start, end, tokens, start in headings))
        else:
            pieces.extend(_split(document.text, start, end, count_tokens))
    return pieces


def _split(text: str, start: int, end: int, count_tokens: CountTokens) -> list[_Piece]:
    """Splits a long paragraph on sentence boundaries; offsets are found from a running cursor."""
    text = harmless(text)  # of the same length; what it blanks is a blank to the splitter, too
    parts = [
        part.strip()
        for left, right in _stretches(text, start, end)
        for part in _split_texts(text[left:right], count_tokens)
    ]
    pieces: list[_Piece] = []
    cursor = start
    for part, tokens in zip(parts, count_tokens(parts), strict=True):
        if not part:
            continue
        found = text.find(part, cursor, end)
        assert found >= 0, "a splitter's part is not in its text"
        assert not text[cursor:found].strip(), "a splitter left text out"
        pieces.append(_Piece(found, found + len(part), tokens, is_heading=False))
        cursor = found + len(part)
    assert not text[cursor:end].strip(), "a splitter left text out"
    return pieces


def _stretches(text: str, start: int, end: int) -> list[Span]:
    """Cuts at deserts of blanks, and in words too long for the splitter, which goes by letters."""
    cuts = [start, *(match.end() for match in _CUT.finditer(text, start, end)), end]
    return [(left, right) for left, right in pairwise(cuts) if left < right]


def _split_texts(text: str, count_tokens: CountTokens) -> list[str]:
    """Runs llama-index's splitter; sentences are counted in one batch beforehand."""
    from llama_index.core.node_parser import SentenceSplitter

    sentences = [text, *_sentence_texts(text)]
    known = dict(zip(sentences, count_tokens(sentences), strict=True))

    def tokens(part: str) -> list[int]:
        if part not in known:
            known[part] = count_tokens([part])[0]
        return [0] * known[part]

    splitter = SentenceSplitter(
        chunk_size=LIMIT,
        chunk_overlap=0,
        tokenizer=tokens,
        paragraph_separator="\n\n",
        chunking_tokenizer_fn=_sentence_texts,
    )
    return splitter.split_text(text)


def _sentence_texts(text: str) -> list[str]:
    """Cuts the text after each sentence; the parts join to the text again."""
    starts = [start for start, _ in sentence_spans(text, 0, len(text))]
    cuts = [0, *starts[1:], len(text)] if starts else [0, len(text)]
    return [text[left:right] for left, right in pairwise(cuts) if right > left]


def _merged(pieces: Sequence[_Piece], pages: Sequence[int]) -> list[_Piece]:
    """Joins what is too small to its neighbour: a heading to what follows, the rest backwards.

    Nothing is joined across pages: a citation names the page that its chunk begins on.
    """
    merged: list[_Piece] = []
    for piece in pieces:
        last = merged[-1] if merged else None
        small = piece.tokens < SMALL and not piece.is_heading
        if (
            last is not None
            and last.tokens + piece.tokens <= MOST
            and piece.end - last.start <= WIDE * MOST
            and (small or last.tokens < SMALL)
            and bisect_right(pages, piece.start) == bisect_right(pages, last.start)
            and not (piece.is_heading and not last.is_heading)
        ):
            last.end = piece.end
            last.tokens += piece.tokens
            last.is_heading = last.is_heading and piece.is_heading
        else:
            merged.append(_Piece(piece.start, piece.end, piece.tokens, piece.is_heading))
    return merged
