"""Text and marks, and their order: a mark before the full stop comes out after it."""

import re
from dataclasses import dataclass

from .refs import Ref

_STOP = ".!?…。！？｡"
_STOPS = re.compile(rf"[{_STOP}]*")
_HELD = 8


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of the answer, never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class Mark:
    """One marker: what it points at, each once, in order; whether it exists is not known here."""

    refs: tuple[Ref, ...]


Piece = Text | Mark


class Order:
    """Lets a mark that stands before the full stop out after it, with the blank before it."""

    def __init__(self) -> None:
        self._pieces: list[Piece] = []
        self._last = ""
        self._blank = ""
        self._marks: list[Piece] = []
        self._tail = ""
        self._stops = ""

    def take(self) -> list[Piece]:
        """Returns what has been let out since, adjacent texts joined."""
        joined: list[Piece] = []
        texts: list[str] = []
        for piece in self._pieces:
            if isinstance(piece, Text):
                texts.append(piece.text)
                continue
            if texts:
                joined.append(Text("".join(texts)))
                texts = []
            joined.append(piece)
        self._pieces = []
        return [*joined, Text("".join(texts))] if texts else joined

    def mark(self, mark: Mark) -> None:
        """Holds the mark until what follows is known."""
        if self._stops:
            self.flush()
        if self._tail:
            self._marks.append(Text(self._tail))
            self._tail = ""
        self._marks.append(mark)

    def text(self, text: str) -> None:
        """Lets the text out, or holds what may have to change places with a mark."""
        if not self._marks:
            return self._plain(text)
        if not self._stops:
            rest = text.lstrip(" \t")
            self._tail += text[: len(text) - len(rest)]
            if not rest and len(self._tail) <= _HELD:
                return None
            ended = not self._last or self._last in _STOP + "\n"
            if not rest or self._tail or ended or rest[0] not in _STOP:
                self.flush()
                return self._plain(rest)
            text = rest
        stops = _STOPS.match(text, 0, _HELD - len(self._stops))
        self._stops += stops.group() if stops else ""
        rest = text[stops.end() if stops else 0 :]
        if rest or len(self._stops) == _HELD:
            self.flush()
            self._plain(rest)
        return None

    def flush(self) -> None:
        """Lets everything out that is held."""
        marks, tail, stops, blank = self._marks, self._tail, self._stops, self._blank
        self._marks, self._tail, self._stops, self._blank = [], "", "", ""
        self._emit(stops)
        self._emit(blank)
        self._pieces += marks
        if marks:
            self._plain(tail)

    def _plain(self, text: str) -> None:
        text = self._blank + text
        kept = min(len(text) - len(text.rstrip(" \t")), _HELD)
        self._emit(text[: len(text) - kept])
        self._blank = text[len(text) - kept :]

    def _emit(self, text: str) -> None:
        if text:
            self._pieces.append(Text(text))
            self._last = text[-1]
