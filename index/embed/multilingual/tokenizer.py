"""Text → wordpieces with offsets, as XLM-RoBERTa's SentencePiece model makes them (Kudo 2018).

The words are segmented so that the sum of the pieces' log-probabilities is highest (Viterbi). It is
written out here, since the tokenizers library takes 283 MB for the 250,000 pieces, and this 60; the
pieces are the same (DECISIONS.md). Markup such as `<s>` in a text is text.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ...types import Span

FIRST, PADDING, LAST, UNKNOWN = 0, 1, 2, 3
"""The ids of `<s>`, of padding, of `</s>` and of a character that no piece has."""
UNKNOWN_PENALTY = 10.0
"""An unknown character's score is so far below the lowest piece's, as in SentencePiece."""
SPACE = "\u2581"
"""What stands before a word in its first piece."""
CACHED_WORDS, MAX_CACHED = 20_000, 40
"""Words whose pieces are kept, and characters of such a word."""

_CLUSTER = re.compile("[^\u0300-\u036f][\u0300-\u036f]{0,8}|.", re.DOTALL)
_Piece = tuple[int, int]
"""The id of a piece, and its characters."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """The pieces of a text, first and last token included, with their places in it.

    Those two have the empty span (0, 0).
    """

    ids: tuple[int, ...]
    offsets: tuple[Span, ...]


class Tokenizer:
    """Segments texts; safe to use from several threads."""

    def __init__(
        self, pieces: Sequence[str], scores: Sequence[float], replacements: Mapping[int, str]
    ) -> None:
        """`replacements` (code point → text) normalize a text."""
        special = {FIRST, PADDING, LAST, UNKNOWN, len(pieces) - 1}  # the last one is <mask>
        self._ids = {piece: n for n, piece in enumerate(pieces) if n not in special}
        self._scores, self._replacements = scores, replacements
        self._longest = max(map(len, self._ids))
        self._unknown = min(scores) - UNKNOWN_PENALTY
        self._segment_cached = lru_cache(CACHED_WORDS)(self._segment)

    def encode(self, text: str) -> Encoding:
        """Returns the pieces of the text; takes time linear in its length."""
        normalized, places = self._normalize(text)
        ids, offsets = [FIRST], [(0, 0)]
        for word in re.finditer(f"{SPACE}[^{SPACE}]*", normalized):
            segment = self._segment_cached if len(word.group()) <= MAX_CACHED else self._segment
            start = word.start()
            for piece, length in segment(word.group()):
                first, last = places[start], places[start + length - 1]
                if normalized[start] == SPACE:  # the blank before a word is no part of it
                    first = places[start + 1] if length > 1 else (first[1], first[1])
                ids.append(piece)
                offsets.append((first[0], last[1]))
                start += length
        return Encoding((*ids, LAST), (*offsets, (0, 0)))

    def _normalize(self, text: str) -> tuple[str, list[Span]]:
        """Returns the text as it is segmented, and each of its characters' place in the original.

        A letter and its combining marks are composed, blanks become one, and a blank comes first.
        """
        characters, places = [SPACE], [(0, 0)]
        for cluster in _CLUSTER.finditer(text):
            composed = unicodedata.normalize("NFC", cluster.group())
            for character in composed.translate(self._replacements):
                shown = SPACE if character == " " else character
                if shown == SPACE and characters[-1] == SPACE:
                    places[-1] = cluster.span()
                else:
                    characters.append(shown)
                    places.append(cluster.span())
        return "".join(characters), places

    def _segment(self, word: str) -> list[_Piece]:
        """Returns the pieces of a word with the highest score."""
        length = len(word)
        scores = [0.0, *[-float("inf")] * length]
        best = [(UNKNOWN, 0)] * (length + 1)  # the piece that ends here, and where it starts
        for start in range(length):
            before = scores[start]
            for end in range(start + 1, min(start + self._longest, length) + 1):
                piece = self._ids.get(word[start:end])
                if piece is None:
                    if end > start + 1:
                        continue
                    piece, score = UNKNOWN, before + self._unknown
                else:
                    score = before + float(self._scores[piece])
                if score > scores[end]:
                    scores[end], best[end] = score, (piece, start)
        return _backtrack(best)


def _backtrack(best: Sequence[_Piece]) -> list[_Piece]:
    """Returns the pieces that lead to the end; unknown characters in a row are one."""
    pieces: list[_Piece] = []
    end = len(best) - 1
    while end:
        piece, start = best[end]
        if piece == UNKNOWN and pieces and pieces[-1][0] == UNKNOWN:
            pieces[-1] = (UNKNOWN, pieces[-1][1] + end - start)
        else:
            pieces.append((piece, end - start))
        end = start
    return pieces[::-1]
