"""The one buffer between a model's tokens and the reader: text in, pieces of sentences out.

It holds back only what may still be a refusal, a tag, a marker, a link or the beginning of the next
sentence. So text flows as it is written, and all that belongs to a sentence comes before its
`SentenceEnd`. A marker before the full stop comes out after it.
"""

import re
from collections.abc import Callable
from itertools import groupby

from index.text.sentences import first_sentence_end, settled

from ..model.refusals import may_be_refusal, without_label
from .lexer import MarkerLexer
from .markers import Marker, Piece, Ref, SentenceEnd, Text

MAX_SENTENCE = 4000
"""Characters after which a sentence ends in any case; keeps the work linear."""

SLICE = 256
"""Characters of a long delta that are looked at together."""

MAX_BLANKS = 8
"""Blanks after a marker that are held until it is known what follows."""

MAX_WHITE_SPACE = 200
"""White space in a row that is kept."""

SETTLE_CHARS = 100
"""After so many more characters it is settled again how far a sentence has no end."""

_STOP = ".!?…。！？｡"
_STOPS = re.compile(rf"[{_STOP}]{{1,8}}")
_ITEM_PREFIX = re.compile(r"(?:[-*+•|]|(?<!\d)\d{1,9}[.)]?)\Z")
_LINE_BREAK = re.compile(r"[\r\n]")
_TAG_PREFIX = re.compile(r"</?(?:[a-z]{0,12}|(?:passages|conversation)-[0-9a-f]{0,16})\Z")


class AnswerBuffer:
    """Pass it the model's text as it comes; it returns the pieces that are certain.

    What it holds is, in this order: text, markers after it, text after those, and the model's
    text that is not lexed yet. The pieces do not depend on how the model's text was split.
    """

    def __init__(
        self, exists: Callable[[Ref], bool] = lambda _: False, *, whole_sentences: bool = False
    ) -> None:
        """`exists` is MarkerLexer's; with `whole_sentences` a sentence leaves when it is whole."""
        self._lexer, self._whole_sentences = MarkerLexer(exists), whole_sentences
        self._has_begun = False
        self._text, self._markers, self._after, self._raw = "", list[Marker](), "", ""
        self._sentence = ""
        """The released part of the current sentence."""
        self._settled = 0
        """The sentence does not end before this offset."""
        self._next_settling = SETTLE_CHARS
        """The length of the sentence at which that is decided again."""
        self._last = ""
        """The last released character."""
        self._pieces: list[Piece] = []

    def feed(self, delta: str) -> list[Piece]:
        """Returns what is certain now; may be empty."""
        for at in range(0, len(delta), SLICE):
            self._raw += delta[at : at + SLICE]
            if not self._has_begun:
                if may_be_refusal(self._raw):
                    continue
                self._has_begun, self._raw = True, without_label(self._raw)
            tag = _TAG_PREFIX.search(self._raw)
            self._lex(tag.start() if tag else len(self._raw), is_final=False)
        return self._take()

    def finish(self, *, is_cut: bool = False) -> list[Piece]:
        """Returns the rest; `is_cut` adds an ellipsis, since the model hit its token limit."""
        if not self._has_begun:
            self._raw = without_label(self._raw)
        self._lex(len(self._raw), is_final=True)
        self._place_markers(is_final=True)
        self._text += "…" if is_cut else ""
        while (self._sentence + self._text).strip():
            self._end_sentence(self._first_sentence()[0])
        if self._pieces[-1:] != [SentenceEnd()]:
            self._pieces.append(SentenceEnd())
        return self._take()

    def discard(self) -> None:
        """Drops the text that is not lexed yet."""
        self._raw = ""

    def _take(self) -> list[Piece]:
        end = len(self._pieces)
        while self._whole_sentences and end and self._pieces[end - 1] != SentenceEnd():
            end -= 1
        taken, self._pieces = self._pieces[:end], self._pieces[end:]
        return taken

    def _lex(self, end: int, *, is_final: bool) -> None:
        pieces, consumed = self._lexer.lex(self._raw[:end], is_final=is_final)
        self._raw = self._raw[consumed:]
        for kind, group in groupby(pieces, key=type):
            if kind is Text:
                text = "".join(piece.text for piece in group if isinstance(piece, Text))
                self._add_text(text)
            else:
                for piece in group:
                    assert isinstance(piece, Marker)
                    self._add_marker(piece)

    def _add_text(self, text: str) -> None:
        if self._markers:
            self._after += text
            self._place_markers(is_final=False)
        else:
            self._text += text
            self._release_text()

    def _add_marker(self, marker: Marker) -> None:
        if self._markers and self._after.strip(" \t"):
            self._place_markers(is_final=True)
        if not self._markers:
            self._settle()
        self._after = ""  # the answer puts one blank before each marker
        self._markers.append(marker)

    def _place_markers(self, *, is_final: bool) -> None:
        """Releases the markers once it is known whether a full stop goes before them."""
        if not self._markers:
            return
        after = self._after
        if not after.strip(" \t") and len(after) <= MAX_BLANKS and not is_final:
            return
        has_ended = bool(self._text) or not self._last or self._last in f"{_STOP}\n"
        stops = None if has_ended else _STOPS.match(after)
        if stops:
            if stops.end() == len(after) and stops.end() < MAX_BLANKS and not is_final:
                return
            self._release(stops.group())
            after = after[stops.end() :]
        self._pieces += self._markers
        self._text += after
        self._markers, self._after = [], ""
        self._release_text()

    def _settle(self) -> None:
        """Releases all words, because a marker comes next; line breaks stay for the next words."""
        if self._text.strip():
            end, following = self._first_sentence()
            while following is not None:
                self._end_sentence(end)
                end, following = self._first_sentence()
            self._release_until(end)
        if not self._text.strip(" \t"):
            self._text = ""

    def _release_text(self) -> None:
        end, following = self._first_sentence()
        while following is not None and self._is_word_complete(following):
            self._end_sentence(end)
            end, following = self._first_sentence()
        self._release_until(min(end, _line_that_may_begin(self._sentence + self._text)))
        if len(self._text) > MAX_WHITE_SPACE and self._text.isspace():
            self._text = self._text[:MAX_WHITE_SPACE]
        if len(self._sentence) > MAX_SENTENCE:
            self._end_sentence(len(self._sentence))

    def _first_sentence(self) -> tuple[int, int | None]:
        """Returns where the current sentence ends so far, and where the next one begins, if any."""
        text = self._sentence + self._text
        if not text or text.isspace():
            return 0, None
        end = first_sentence_end(text, self._settled)
        rest = text[end:].lstrip()
        if not rest and len(text) > self._next_settling:
            self._settled = settled(text, self._settled)
            self._next_settling = len(text) + SETTLE_CHARS
        return len(text[:end].rstrip()), len(text) - len(rest) if rest else None

    def _is_word_complete(self, start: int) -> bool:
        rest = (self._sentence + self._text)[start:]
        return len(rest.split(None, 1)) > 1 or rest[-1:].isspace() or len(rest) > 40

    def _end_sentence(self, end: int) -> None:
        self._release_until(end)
        self._pieces.append(SentenceEnd())
        self._sentence = self._sentence[end:]
        self._settled, self._next_settling = 0, SETTLE_CHARS

    def _release_until(self, end: int) -> None:
        size = end - len(self._sentence)
        if size > 0:
            text, self._text = self._text[:size], self._text[size:]
            self._release(text)

    def _release(self, text: str) -> None:
        if self._pieces and isinstance(last := self._pieces[-1], Text):
            self._pieces[-1] = Text(last.text + text)
        else:
            self._pieces.append(Text(text))
        self._sentence += text
        self._last = text[-1]


def _line_that_may_begin(text: str) -> int:
    """Returns where a line break begins after which a list item or table row may; else the end.

    Such a line begins a new sentence.
    """
    item = _ITEM_PREFIX.search(text, max(0, len(text) - 11))
    words = (text[: item.start()] if item else text).rstrip()
    line_break = _LINE_BREAK.search(text, len(words), item.start() if item else len(text))
    return line_break.start() if line_break else len(text)
