"""A mark of the quoted words, short enough for a link: finds them again in a text that changed.

The mark is a sum over the code points and the beginning of a SHA-256. The sum of every window of a
text is one subtraction of running totals, so only windows with the right sum are hashed.
"""

import hashlib

import numpy as np
from numpy.typing import NDArray

_HEX = 16
_MOST = 20_000_000
"""How many characters are hashed at most while looking: a text of one letter is all candidates."""


def mark_of(quote: str) -> str:
    """Returns the mark of a quote, 20 characters; of an empty one nothing."""
    return f"{_totals(quote)[-1]:04x}{_hash(quote)}" if quote else ""


def stands(mark: str, text: str, *, start: int, end: int) -> bool:
    """Returns whether the marked words are exactly `text[start:end]`."""
    return bool(mark) and mark_of(text[start:end]) == mark


def find(mark: str, text: str, *, length: int, near: int) -> int | None:
    """Returns where the marked words of `length` characters begin, nearest to `near`; or None."""
    if not mark or not 0 < length <= len(text):
        return None
    try:
        wanted = int(mark[:4], 16)
    except ValueError:
        return None
    totals = _totals(text)
    starts = np.flatnonzero(totals[length:] - totals[:-length] == wanted)
    nearest = starts[np.argsort(np.abs(starts - near), kind="stable")][: _MOST // length + 1]
    found = (int(at) for at in nearest if _hash(text[at : at + length]) == mark[4:])
    return next(found, None)


def _totals(text: str) -> NDArray[np.uint16]:
    """Returns the running totals of the code points modulo 65,536, from 0; one more than those."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    return np.concatenate((np.zeros(1, np.uint16), np.cumsum(points, dtype=np.uint16)))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_HEX]
