"""Sentence segmentation: text → sentences with exact offsets, by rules.

A sentence ends at `.`, `!`, `?` or `…` (and their CJK forms) with closing quotes, before white
space; not after an abbreviation, an initial or a list number, in a German date ("am 3. Mai"), nor
before a lower-case word. The classes of periods follow Kiss and Strunk 2006, without training.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from ..types import Span

_CLOSING = "\"'”’»)\\]}』」）"
_END = re.compile(  # possessive, and no run begins in mid-run: linear in the length
    rf"(?<![.!?…])[.!?…]++[{_CLOSING}]*+(?=\s)|[。！？｡]++[{_CLOSING}]*+"
    r"|(?>\r\n|\r|\n)(?=[^\S\r\n]*+(?:[\r\n]|[-*+•|] |\d++[.)] ))"
)
_LOOKAHEAD = 100
"""More characters than decide about an end, apart from runs of blanks, stops and digits."""
_UNDECIDED = f".!?…。！？｡{_CLOSING}-*+•|0123456789"
_LAST_WORD = re.compile(r"[^\s(\[\"'“‘«]+$")
_INITIALISM = re.compile(r"^(?:[^\W\d_]\.)+$")
_FREQUENT_STARTER = re.compile(
    r"(?:The|A|An|In|On|At|It|Its|He|She|They|We|You|I|This|That|These|Those|There|However|But|And"
    r"|As|By|For|From|If|When|While|After|Before|Since|Although|Some|Many|Most|His|Her|Their|Our)\b"
)
_DAY = re.compile(r"(?:[12]?\d|3[01])$")
_AFTER_ORDINAL = re.compile(
    r"(?:Januar|Jänner|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember"
    r"|Jahrhunderts?|Jh|Jahrestag(?:es)?)\b"
)
_ABBREVIATIONS = frozenset(
    "mr mrs ms messrs dr prof st mt ft gen col lt sgt capt cmdr maj adm sen rep gov pres rev "
    "hon sr jr no nos vol vols pp fig figs eq eqs ch sec art cf vs v e.g i.e viz approx ca c. "
    "est al bros dept univ jan feb mar apr jun jul aug sep sept oct nov dec "
    "nr mio mrd hrsg vgl sra srta".split()
)
_SENTENCE_FINAL_ABBREVIATIONS = frozenset("jr sr al inc ltd co corp etc est".split())


def sentence_spans(text: str, start: int, end: int) -> list[Span]:
    """Returns the spans of the sentences between two offsets, in order, white space trimmed.

    Together they cover every character between the offsets that is not white space.
    """
    edges = [start, *_sentence_ends(text, start, end), end]
    return [span for left, right in pairwise(edges) if (span := trim(text, left, right))]


def first_sentence_end(text: str, since: int = 0) -> int:
    """Returns where the text's first sentence ends, not trimmed; the text's length if it is open.

    `since` is an offset after some of its words before which it does not end (`settled`).
    """
    start = 0
    for end in _sentence_ends(text, 0, len(text), since):
        if text[start:end].strip():
            return end
        start = end
    return len(text)


def settled(text: str, since: int = 0) -> int:
    """Returns an offset, not below `since`, before which more text at the end changes no end."""
    end = len(text) - _LOOKAHEAD
    while end > since and (text[end - 1].isspace() or text[end - 1] in _UNDECIDED):
        end -= 1
    return end if end > since and text[:end].strip() else since


def trim(text: str, start: int, end: int) -> Span | None:
    """Returns the span without the white space at its ends; None where nothing is left."""
    part = text[start:end]
    right = len(part.rstrip())
    return (start + len(part) - len(part.lstrip()), start + right) if right else None


def _sentence_ends(text: str, start: int, end: int, since: int = 0) -> Iterator[int]:
    for match in _END.finditer(text, max(start, since), end):
        if _is_end(text, start, match, end):
            start = match.end()
            yield start


def _is_end(text: str, start: int, match: re.Match[str], end: int) -> bool:
    """Returns whether the sentence that began at `start` ends with this match."""
    mark = match.group()
    if mark[0] in "。！？｡\r\n":
        return True
    after = text[match.end() : min(match.end() + 40, end)].lstrip()
    if not after:
        return True
    first = after.lstrip("\"'“‘«([¿¡")[:1]
    if first.islower():
        return False
    if mark[0] != "." or mark.startswith(".."):
        return True
    word = _LAST_WORD.search(text, max(start, match.start() - 30), match.start())
    return not (word and _is_abbreviation(word.group(), word.start() == start, after))


def _is_abbreviation(word: str, is_only_word: bool, after: str) -> bool:
    """Returns whether a period after this word belongs to the word, not to the sentence."""
    lower = word.lower()
    starts_sentence = bool(_FREQUENT_STARTER.match(after.lstrip("\"'“‘«([")))
    if _INITIALISM.match(word + ".") or (len(word) == 1 and word.isalpha()):
        return not starts_sentence or lower in ("e.g", "i.e")
    if lower in _SENTENCE_FINAL_ABBREVIATIONS:
        return not starts_sentence and not after[:1].isupper()
    if lower in _ABBREVIATIONS:
        return not (
            starts_sentence and lower in ("no", "mar", "st", "art", "est", "dec", "sec", "v")
        )
    if _DAY.match(word) and _AFTER_ORDINAL.match(after):
        return True
    return is_only_word and (word.isdigit() or len(word) == 1)
