"""Text → sentences with exact offsets, by rule.

A sentence ends at `.`, `!`, `?` or `…` (and their CJK forms) with closing quotes, before white
space; not after an abbreviation, an initial or a list number, in a German date ("am 3. Mai"), nor
before a lower-case word. Rules after Kiss and Strunk 2006's classes of periods, without training.
"""

import re
from collections.abc import Iterator

from ..types import Span

_CLOSERS = "\"'”’»)\\]}』」）"
_END = re.compile(
    rf"[.!?…]+[{_CLOSERS}]*(?=\s)|[。！？｡]+[{_CLOSERS}]*"
    r"|(?:\r\n|\r|\n)(?=\s*(?:\r\n|\r|\n|[-*+•|] |\d+[.)] ))"
)
_LAST_WORD = re.compile(r"[^\s(\[\"'“‘«]+$")
_INITIALISM = re.compile(r"^(?:[^\W\d_]\.)+$")
_STARTER = re.compile(
    r"(?:The|A|An|In|On|At|It|Its|He|She|They|We|You|I|This|That|These|Those|There|However|But|And"
    r"|As|By|For|From|If|When|While|After|Before|Since|Although|Some|Many|Most|His|Her|Their|Our)\b"
)
_DAY = re.compile(r"(?:[12]?\d|3[01])$")
_AFTER_DAY = re.compile(
    r"(?:Januar|Jänner|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember"
    r"|Jahrhunderts?|Jh|Jahrestag(?:es)?)\b"
)
_NEVER_LAST = frozenset(
    "mr mrs ms messrs dr prof st mt ft gen col lt sgt capt cmdr maj adm sen rep gov pres rev "
    "hon sr jr no nos vol vols pp fig figs eq eqs ch sec art cf vs v e.g i.e viz approx ca c. "
    "est al bros dept univ jan feb mar apr jun jul aug sep sept oct nov dec "
    "nr mio mrd hrsg vgl sra srta".split()
)
_OFTEN_LAST = frozenset(["jr", "sr", "al", "inc", "ltd", "co", "corp", "etc", "est"])


def sentence_spans(text: str, start: int, end: int) -> list[Span]:
    """Returns the spans of the sentences between two offsets, in order, white space trimmed.

    Together they hold every character of the stretch that is not white space.
    """
    spans: list[Span] = []
    cursor = start
    for stop in _stops(text, start, end):
        _append(spans, text, cursor, stop)
        cursor = stop
    _append(spans, text, cursor, end)
    return spans


def _append(spans: list[Span], text: str, start: int, end: int) -> None:
    part = text[start:end]
    left = len(part) - len(part.lstrip())
    right = len(part.rstrip())
    if right > left:
        spans.append((start + left, start + right))


def _stops(text: str, start: int, end: int) -> Iterator[int]:
    sentence = start
    for match in _END.finditer(text, start, end):
        if _is_end(text, sentence, match, end):
            sentence = match.end()
            yield sentence


def _is_end(text: str, sentence: int, match: re.Match[str], end: int) -> bool:
    """Does a sentence that began at `sentence` end with this match?"""
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
    word = _LAST_WORD.search(text, max(sentence, match.start() - 30), match.start())
    return not (word and _abbreviates(word.group(), word.start() == sentence, after))


def _abbreviates(word: str, alone: bool, after: str) -> bool:
    """Does a period after this word belong to the word? `alone`: the sentence has no other."""
    lower = word.lower()
    begins = bool(_STARTER.match(after.lstrip("\"'“‘«([")))
    if _INITIALISM.match(word + ".") or (len(word) == 1 and word.isalpha()):
        return not begins or lower in ("e.g", "i.e")
    if lower in _OFTEN_LAST:
        return not begins and not after[:1].isupper()
    if lower in _NEVER_LAST:
        return not (begins and lower in ("no", "mar", "st", "art", "est", "dec", "sec", "v"))
    if _DAY.match(word) and _AFTER_DAY.match(after):
        return True
    return alone and (word.isdigit() or len(word) == 1)
