"""Names: the capitalised words of a sentence, and the first that another text lacks.

A name is there when its term is, when an initialism stands for it (`NASA`), or a word of the same
people (`Italy`, `Italian`). Languages that capitalise every noun are left alone.
"""

import re
from collections.abc import Sequence
from functools import cache

from index.text.analyzer import STOP_WORDS, terms

MAX_CODE = 6
"""A word of lower-case letters and digits up to so long is a name, like `b12`."""

_WORD = re.compile(r"[^\W_]+(?:[’'.&-][^\W_]+)*")
_VERB = re.compile(
    r" (?:is|was|has|had|did|does|will|can|[a-z]{2,}ed|became|began|bought|brought|built|came|chose"
    r"|fell|fought|found|gave|got|grew|held|led|left|lost|made|met|ran|said|sang|saw|sent|sold"
    r"|spent|stood|taught|told|took|went|won|wrote) "
)
_COMMON = re.compile(r"-|(?:s|ing|tion|sion|ity|ment|ness|ance|ence|ship|ism|ure|age)\Z")
_NOUNS_CAPITAL = frozenset("der die das und ist nicht ein eine mit für von zu wurde auf".split())
_OPENERS = frozenset(
    "according after although as at because before both but by during each every few first "
    "however if in its many most no not of on one only other since so some such that the their "
    "then there these this those though through thus to today unlike until when where which "
    "while with yes yet instead overall additionally also finally moreover meanwhile".split()
)
_ENDINGS = ("", "n", "an", "ian", "ish", "ese", "ic", "y", "ia", "ian", "a", "e", "en", "i", "s")
_PEOPLES = (
    "british britain danish denmark dutch netherlands french france greek greece polish poland "
    "portuguese portugal spanish spain swiss switzerland turkish turkey welsh wales"
)


def missing_name(sentence: str, known: Sequence[str]) -> str | None:
    """Returns the first name in the sentence that stands in none of the known texts, or None."""
    words = _WORD.findall(sentence)
    if len(_NOUNS_CAPITAL & {word.lower() for word in words}) >= 2:
        return None
    there = {term for text in known for term in terms(text)}
    short = _initialisms(known)
    for word in _names(sentence):
        wanted = terms(re.sub(r"[’']s$", "", word))
        squeezed = "".join(wanted)
        if all(term in there for term in wanted) or squeezed in there | short:
            continue
        if all(_is_kin(term, there) for term in wanted):
            continue
        return word
    return None


def _names(sentence: str) -> list[str]:
    """Words with a capital or a digit among letters; the first only when it looks like a name."""
    found = []
    for match in _WORD.finditer(sentence):
        word = match.group()
        mixed = any(sign.isdigit() for sign in word) and any(sign.isalpha() for sign in word)
        if word[0].isupper() and word.lower() not in STOP_WORDS | _OPENERS and len(word) > 1:
            if _begins_sentence(sentence, match.start()) and not _looks_like_name(
                sentence, match.start(), match.end()
            ):
                continue
            found.append(word)
        elif mixed and not word[0].isdigit() and (len(word) <= MAX_CODE or word != word.lower()):
            found.append(word)
    return found


def _begins_sentence(sentence: str, at: int) -> bool:
    before = sentence[:at].rstrip(" \t\n\"'“‘«([*_#>-•–")
    return not before or before[-1] in ".!?:;"


def _looks_like_name(sentence: str, start: int, end: int) -> bool:
    word, rest = sentence[start:end], sentence[end:]
    if any(sign.isupper() or sign.isdigit() for sign in word[1:]):
        return True
    if re.match(r" [A-Z]", rest):
        return True
    return bool(_VERB.match(rest + " ")) and not _COMMON.search(word)


def _is_kin(term: str, there: set[str]) -> bool:
    if there & _compatriots().get(term, set()):
        return True
    if len(term) < 4:
        return False
    return any(
        one[:4] == term[:4] and _tail(one, term) in _ENDINGS and _tail(term, one) in _ENDINGS
        for one in there
    )


@cache
def _compatriots() -> dict[str, set[str]]:
    words = terms(_PEOPLES)
    pairs = list(zip(words[::2], words[1::2], strict=True))
    return {one: {other} for pair in pairs for one, other in (pair, pair[::-1])}


def _tail(word: str, other: str) -> str:
    shared = 0
    while shared < min(len(word), len(other)) and word[shared] == other[shared]:
        shared += 1
    return word[shared:]


def _initialisms(texts: Sequence[str]) -> set[str]:
    """First letters of runs of capitalised words, as one term each, and the reverse."""
    found = set()
    for text in texts:
        for run in re.findall(r"[A-Z][\w-]*(?:(?: (?:of|the|and|for|de))* [A-Z][\w-]*)+", text):
            letters = [word[0].lower() for word in run.split() if word[0].isupper()]
            found |= {"".join(letters[:size]) for size in range(2, len(letters) + 1)}
    return found
