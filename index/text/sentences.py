"""Sentence segmentation: text → sentences with exact offsets, by rules.

A sentence ends at a Unicode Sentence_Terminal (UAX #29) with closing quotes and the source's own
reference marks: at `.`, `!`, `?` or `…` before white space, at those of other scripts anywhere. Not
after an abbreviation, an initial or a list number, in a German date ("am 3. Mai"), nor before a
lower-case word. The classes of periods follow Kiss and Strunk 2006, without training.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from ..types import Span
from .abbreviations import ABBREVIATIONS, AMBIGUOUS, BEFORE_NUMBER, FINAL, SPACED
from .sanitize import IGNORABLE

_STOPS = ".!?…․‼‽⁇⁈⁉"
_TERMINALS = (  # of Unicode 17, with Tibetan's shads and the Greek question mark
    "37e 589 61d-61f 6d4 700-702 7f9 837 839 83d-83e 964-965 f0d-f0e 104a-104b 1362 1367-1368 166e"
    " 1735-1736 17d4-17d5 1803 1809 1944-1945 1aa8-1aab 1b4e-1b4f 1b5a-1b5b 1b5e-1b5f 1b7d-1b7f"
    " 1c3b-1c3c 1c7e-1c7f 2cf9-2cfb 2e2e 2e3c 2e53-2e54 2e60-2e61 3002 a4ff a60e-a60f a6f3 a6f7"
    " a876-a877 a8ce-a8cf a92f a9c8-a9c9 aa5d-aa5f aaf0-aaf1 abeb fe12 fe15-fe16 fe52 fe56-fe57"
    " ff01 ff0e ff1f ff61 10a56-10a57 10f55-10f59 10f86-10f89 11047-11048 110be-110c1 11141-11143"
    " 111c5-111c6 111cd 111de-111df 11238-11239 1123b-1123c 112a9 113d4-113d5 1144b-1144c"
    " 115c2-115c3 115c9-115d7 11641-11642 1173c-1173e 11944 11946 11a42-11a43 11a9b-11a9c"
    " 11c41-11c42 11ef7-11ef8 11f43-11f44 16a6e-16a6f 16af5 16b37-16b38 16b44 16d6e-16d6f 16e98"
    " 1bc9f 1da88"
)
_TERMINAL = re.sub(r"[0-9a-f]+", lambda hex_: chr(int(hex_.group(), 16)), _TERMINALS)
_TERMINAL = _TERMINAL.replace(" ", "")
"""The inside of a regular expression set."""
_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3"
_CLOSING = rf"\"'”’“‘»›)\]}}』」）】〉》〕｠｣*_{IGNORABLE}"
_OPENING = re.compile(rf"^[\"'“‘„‚«»‹›(\[¿¡*_{IGNORABLE}]+")
_REFERENCE = (
    r"(?:\[(?:\^[^\]\s]{1,20}|(?:[A-Za-z]{1,8}\.?\s)?[0-9a-z]{1,6}(?:\s?[,;–-]\s?\d{1,4}){0,5})\]"
    r"|[⁰¹²³⁴-⁹]{1,3}|[†‡])"
)
"""`[2]`, `[^2]`, `[2, 3]`, `[a]`, `[note 1]` or a superscript."""
_REFERENCES = rf"(?:{_REFERENCE}(?:[ \xa0]?{_REFERENCE}){{0,9}})?"


def _ends(behind: str = "", following: str = r"\s") -> re.Pattern[str]:
    """Returns where a sentence may end, `behind` included; no run begins in mid-run: linear."""
    closers = f"[{_CLOSING}]*+{behind}"
    return re.compile(
        rf"(?<![{_STOPS}])[{_STOPS}]++{closers}(?={following})"
        rf"|(?<=[{_CJK}])[.!?]++{closers}(?=[{_CJK}])"
        rf"|(?!．\d)[{_TERMINAL}][{_TERMINAL}{_STOPS}]*+{closers}"
        r"|(?>\r\n|\r|\n)(?=[^\S\r\n]*+(?:[\r\n]|[-*+•|] |\d++[.)] ))"
    )


_END = _ends()
_FRENCH_CLOSING = r"(?:[ \xa0\u202f][»›](?=\s|\Z))?"
_SOURCE_END = _ends(
    rf"{_FRENCH_CLOSING}(?:(?:[ \xa0]\[\^?\d{{1,3}}\]){{1,9}}|{_REFERENCES})", r"\s|\Z"
)
_LABELLED_END = _ends(_FRENCH_CLOSING + _REFERENCES, r"\s|\Z")
"""Where the text begins with `[1]`, it labels what follows."""
_LOOKAHEAD = 100
"""More characters than decide about an end, apart from runs of blanks, stops and digits."""
_UNDECIDED = re.compile(rf"[{_STOPS}{_TERMINAL}{_CLOSING}\-+•|\d\s]")
_LAST_WORD = re.compile(r"[^\s(\[\"'“‘«„»*_]+$")
_INITIALISM = re.compile(r"^(?:[^\W\d_]\.)+$")
_FREQUENT_STARTER = re.compile(
    r"(?:The|A|An|In|On|At|It|Its|He|She|They|We|You|I|This|That|These|Those|There|However|But|And"
    r"|As|By|For|From|If|When|While|After|Before|Since|Although|Some|Many|Most|His|Her|Their|Our"
    r"|Der|Die|Eine?|Er|Wir|Im|Am|Wenn|Diese[rs]?|Bitte|Il|Elle|Nous|Vous|Cette|Une|Dans|Pour"
    r"|Los|Las|Una|Para|Pero|Est[ae])\b"
)
_NUMBER = re.compile(r"§?\s?\d|[IVXLC]+\b")
_DAY = re.compile(r"(?:[12]?\d|3[01])$")
_AFTER_ORDINAL = re.compile(
    r"(?:Januar|Jänner|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember"
    r"|Jahrhunderts?|Jh|Jahrestag(?:es)?)\b"
)
_GERMAN_ORDINAL = re.compile(
    r"(?<![^\W_])(?:(?<!I )am|im|ins|zum|vom|beim|der|die|das|den|dem|des|jede[nrms]?)\s\d{1,2}$"
)


def sentence_spans(text: str, start: int, end: int) -> list[Span]:
    """Returns the spans of the sentences between two offsets, in order, white space trimmed.

    Together they cover every character between the offsets that is not white space.
    """
    is_labelled = text[start : min(start + 50, end)].lstrip().startswith("[")
    ends = _sentence_ends(text, start, end, pattern=_LABELLED_END if is_labelled else _SOURCE_END)
    edges = [start, *ends, end]
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
    while end > since and _UNDECIDED.match(text[end - 1]):
        end -= 1
    return end if end > since and text[:end].strip() else since


def trim(text: str, start: int, end: int) -> Span | None:
    """Returns the span without the white space at its ends; None where nothing is left."""
    part = text[start:end]
    right = len(part.rstrip())
    return (start + len(part) - len(part.lstrip()), start + right) if right else None


def _sentence_ends(
    text: str, start: int, end: int, since: int = 0, *, pattern: re.Pattern[str] = _END
) -> Iterator[int]:
    for match in pattern.finditer(text, max(start, since), end):
        if _is_end(text, start, match, end):
            start = match.end()
            yield start


def _is_end(text: str, start: int, match: re.Match[str], end: int) -> bool:
    """Returns whether the sentence that began at `start` ends with this match."""
    mark = match.group()
    if mark[0] not in _STOPS:
        return True
    after = text[match.end() : min(match.end() + 40, end)].lstrip()
    if _without_opening(after)[:1].islower():
        return False
    if not after or mark[0] != "." or mark.startswith(".."):
        return True
    before = text[max(start, match.start() - 30) : match.start()]
    return not _is_abbreviation(before, match.start() - len(before) == start, after)


def _is_abbreviation(before: str, is_start: bool, after: str) -> bool:
    """Returns whether a period between these belongs to the word before, not to the sentence.

    `is_start`: the sentence begins with `before`.
    """
    match = _LAST_WORD.search(before)
    if match is None:
        return False
    word, lower = match.group(), match.group().lower()
    starts_sentence = bool(_FREQUENT_STARTER.match(_without_opening(after)))
    if SPACED.search(before):
        return True
    if _INITIALISM.match(word + ".") or (len(word) == 1 and word.isalpha()):
        return not starts_sentence
    if lower in FINAL:
        return not starts_sentence and not after[:1].isupper()
    if lower in ABBREVIATIONS:
        return not (starts_sentence and lower in AMBIGUOUS)
    if BEFORE_NUMBER & {word, lower} or lower.endswith("str"):
        return bool(_NUMBER.match(after))
    is_ordinal = _GERMAN_ORDINAL.search(before) and not starts_sentence
    if _DAY.match(word) and (is_ordinal or _AFTER_ORDINAL.match(after)):
        return True
    is_only_word = is_start and match.start() == 0
    return is_only_word and (word.isdigit() or len(word) == 1)


def _without_opening(text: str) -> str:
    return _OPENING.sub("", text)
