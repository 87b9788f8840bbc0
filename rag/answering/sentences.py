"""A model's pieces as they come → the same pieces with an `End` after each sentence.

Text is let out up to the end of the last sentence that may be over; what follows waits until it
is certain, so that whatever belongs to a sentence is written before the next one begins.
"""

import re
from collections.abc import Iterator

from index.text.sentences import sentence_spans
from index.types import Span

from .cite import End, Piece
from .pieces import Text

MAX_SENTENCE = 4000
"""Characters after which a sentence ends whatever it holds: keeps the work linear."""

_MAY_END = re.compile(r"[.!?…。！？｡\r\n]")
_MAY_BEGIN = re.compile(r"[\r\n]\s*(?:[-*+•|]|\d{1,9}[.)]?)?\Z")
"""A line that may turn out to be an item or a row, which begins a sentence of its own."""


class Sentencer:
    """Feed it pieces; it yields them with the sentences' ends, then `finish` it."""

    def __init__(self) -> None:
        self._open = ""
        self._out = 0

    def feed(self, piece: Piece) -> Iterator[Piece]:
        """Yields what is certain now."""
        if not isinstance(piece, Text):
            yield from self._settle()
            if not self._open[self._out :].strip(" \t"):
                self._open = self._open[: self._out]  # a mark brings its own blank
            yield piece
            return
        self._open += piece.text
        spans = self._spans()
        while len(spans) > 1 and self._is_certain(spans[1][0]):
            yield from self._end(spans[0][1])
            spans = self._spans()
        if spans:
            pending = _MAY_BEGIN.search(self._open)
            yield from self._let_out(min(spans[0][1], pending.start() if pending else spans[0][1]))
        if self._out > MAX_SENTENCE:
            yield from self._end(self._out)

    def finish(self) -> Iterator[Piece]:
        """Yields the rest."""
        while spans := self._spans():
            yield from self._end(spans[0][1])
        self._open, self._out = "", 0

    def _settle(self) -> Iterator[Piece]:
        """Lets out all words, because something else than words comes next."""
        if self._open[self._out :].strip():
            while len(spans := self._spans()) > 1:
                yield from self._end(spans[0][1])
            yield from self._let_out(spans[0][1])

    def _spans(self) -> list[Span]:
        if not _MAY_END.search(self._open):  # twenty times as quick, a token at a time
            words = self._open.strip()
            start = len(self._open) - len(self._open.lstrip())
            return [(start, start + len(words))] if words else []
        return sentence_spans(self._open, 0, len(self._open))

    def _is_certain(self, start: int) -> bool:
        """Is the first word of the next sentence complete?"""
        rest = self._open[start:]
        return len(rest.split(None, 1)) > 1 or rest[-1:].isspace() or len(rest) > 40

    def _end(self, end: int) -> Iterator[Piece]:
        yield from self._let_out(end)
        yield End()
        self._open, self._out = self._open[end:], max(0, self._out - end)

    def _let_out(self, end: int) -> Iterator[Piece]:
        if end > self._out:
            yield Text(self._open[self._out : end])
            self._out = end
