"""Names: the capitalized words of a sentence, and the first that other texts lack.

A name counts as present if its term is, an initialism of it (`NASA`), or the word for the same
people (`Italy`, `Italian`). Languages that capitalize every noun are skipped.
"""

import re
from collections.abc import Sequence
from functools import cache
from os.path import commonprefix

from index.text.analyzer import STOP_WORDS, terms

MAX_CODE_CHARS = 6
"""A lower-case word with a digit, like `b12`, is a name up to this length."""

MAX_INITIALISM = 12
"""Letters."""

_WORD = re.compile(r"[^\W_]+(?:[’'.&-][^\W_]+)*")
_CAPITALIZED_RUN = re.compile(
    r"(?<![\w-])(?:(?![A-Z])[\w-])*+"
    r"([A-Z][\w-]*+(?:(?: (?:of|the|and|for|de))*+ [A-Z][\w-]*+)+)"
)
_VERB = re.compile(
    r" (?:is|was|has|had|did|does|will|can|[a-z]{2,}ed|became|began|bought|brought|built|came|chose"
    r"|fell|fought|found|gave|got|grew|held|led|left|lost|made|met|ran|said|sang|saw|sent|sold"
    r"|spent|stood|taught|told|took|went|won|wrote) "
)
_COMMON_WORD = re.compile(
    r"-|(?:s|ing|tion|sion|ity|ment|ness|ance|ence|ship|ism|ure|age|[a-z]{4}ent|al|ive|ous)\Z"
)
_GERMAN_WORDS = frozenset(
    "der die das und ist nicht ein eine einen mit für von zu wurde auf dem den des im bei wer sich "
    "nur oder wenn als werden kann muss nach dann".split()
)
_LANGUAGE_CHARS = 2_000
_SENTENCE_OPENERS = frozenset(
    "according after although as at because before both but by during each every few first "
    "however if in its many most no not of on one only other since so some such that the their "
    "then there these this those though through thus to today unlike until when where which "
    "while with yes yet instead overall additionally also finally moreover meanwhile "
    "whatever anyone anybody everyone everybody someone somebody nobody".split()
)
_HYPHENATED = re.compile(r"\b([A-Z][a-z]+)-(?=[a-z]{3})")
_SUFFIXES = ("", "n", "an", "ean", "ian", "ish", "ese", "ic", "y", "ia", "a", "e", "en", "i", "s")
_IRREGULAR_DEMONYMS = (
    "british britain danish denmark dutch netherlands french france greek greece polish poland "
    "irish ireland american us united us portuguese portugal spanish spain swiss switzerland "
    "turkish turkey welsh wales"
)


def missing_name(sentence: str, texts: Sequence[str]) -> str | None:
    """Returns the first name of the sentence that none of the texts contains, or None."""
    words = _WORD.findall(" ".join([sentence, *texts[:1]])[:_LANGUAGE_CHARS])
    if len(_GERMAN_WORDS & {word.lower() for word in words}) >= 3:
        return None
    sentence = _HYPHENATED.sub(r"\1 ", sentence)
    text_terms = {term for text in texts for term in terms(text)}
    initialisms = _initialisms(texts)
    for name in _names(sentence):
        name_terms = terms(re.sub(r"[’']s$", "", name))
        if (
            all(term in text_terms for term in name_terms)
            or "".join(name_terms) in text_terms
            or "".join(name_terms) in initialisms
            or all(_has_kin(term, text_terms) for term in name_terms)
        ):
            continue
        return name
    return None


def _names(sentence: str) -> list[str]:
    """Words with a capital, or with both digits and letters."""
    names = []
    for match in _WORD.finditer(sentence):
        word = match.group()
        if word[0].isupper() and word.lower() not in STOP_WORDS | _SENTENCE_OPENERS:
            is_name = len(word) > 1 and (
                not _opens_sentence(sentence[: match.start()])
                or _looks_like_name(word, sentence[match.end() :])
            )
        else:
            is_mixed = any(map(str.isdigit, word)) and any(map(str.isalpha, word))
            is_short = len(word) <= MAX_CODE_CHARS or word != word.lower()
            is_name = is_mixed and is_short and not word[0].isdigit()
        if is_name:
            names.append(word)
    return names


def _opens_sentence(before: str) -> bool:
    before = before.rstrip(" \t\n\"'“‘«([*_#>-•–")
    return not before or before[-1] in ".!?:;"


def _looks_like_name(word: str, rest: str) -> bool:
    """Whether the first word of a sentence is a name: by its letters, or by what follows."""
    if any(sign.isupper() or sign.isdigit() for sign in word[1:]):
        return True
    return not _COMMON_WORD.search(word) and bool(
        re.match(r" [A-Z]", rest) or _VERB.match(rest + " ")
    )


def _has_kin(term: str, text_terms: set[str]) -> bool:
    """Whether the texts have a word for the same place or people."""
    if text_terms & _demonyms().get(term, set()):
        return True
    stems = {term.removesuffix(suffix) for suffix in _SUFFIXES}
    for other in {stem + suffix for stem in stems for suffix in _SUFFIXES} & text_terms:
        shared = len(commonprefix([term, other]))  # noqa: RUF071  # of characters, as meant
        if shared >= 4 and term[shared:] in _SUFFIXES and other[shared:] in _SUFFIXES:
            return True
    return False


@cache
def _demonyms() -> dict[str, set[str]]:
    words = terms(_IRREGULAR_DEMONYMS)
    pairs = list(zip(words[::2], words[1::2], strict=True))
    return {one: {other} for pair in pairs for one, other in (pair, pair[::-1])}


def _initialisms(texts: Sequence[str]) -> set[str]:
    """The first letters of runs of capitalized words, as terms; of each run its prefixes, too."""
    initialisms = set()
    for text in texts:
        for run in _CAPITALIZED_RUN.findall(text):
            words = run.split(maxsplit=2 * MAX_INITIALISM)
            letters = "".join(word[0].lower() for word in words if word[0].isupper())
            initialisms |= {
                letters[:size] for size in range(2, min(len(letters), MAX_INITIALISM) + 1)
            }
    return initialisms
