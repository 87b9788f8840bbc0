"""Whether a German, French, Spanish or Chinese question refers to the conversation, and to what.

English questions have finer rules (`condense_rules.py`), measured on English dialogs.
"""

import re
from functools import cache

from ...language.kind.normalized import normalize
from ...language.word_cover import Language
from .words import WORDS

MIN_WORDS = 2
"""A question with fewer words of its own depends on the conversation."""

_NAME = re.compile(r"(?<!\w)(?:[A-ZÀ-ÖØ-Þ]|\w*\d)")
_CLAUSE_END = re.compile(r"[,;，；]")
_EXPLETIVE: dict[Language, str] = {
    "de": r"gibt es|ist es (?:möglich|erlaubt)|das(?= [^\W\d_])",
    "fr": r"y a-t-il|il y a|(?:faut|est|peut)-il|il (?:faut|est)",
}
"""Words that look like pronouns and stand for nothing."""
_FILLERS = frozenset(
    "ist sind war hat haben kann man wird a est sont ont peut on es son fue ha han hay se tiene el"
    " la lo le les der die das de en y et und que".split()
)


MAX_WORDS_BEFORE = 3
"""Words before a pronoun that refers to the conversation, after those that ask."""
MAX_BEFORE = 4
"""Chinese characters before a pronoun that refers to the conversation, not to them."""
_CHINESE_FILLERS = re.compile(r"[的吗呢是了有钱\W]")


def refers(question: str, language: Language) -> bool:
    """Whether a question of this language needs the conversation to be understood."""
    text = " ".join(question.split()).strip(" ¿¡")
    if language == "zh":
        bare = text.rstrip("?？。 ")
        is_led = bare.endswith(WORDS["zh"].tail) or _lead("zh").match(bare)
        content = _CHINESE_FILLERS.sub("", _asking("zh").sub("", bare))
        pronoun = _pronouns("zh").search(bare)
        is_early = pronoun is not None and pronoun.start() <= MAX_BEFORE
        return bool(is_led or is_early or not content)
    start = _lead(language).match(text)
    begin = start.end() if start else 0
    asking = _counting(language).match(text, begin) or _asking(language).match(text, begin)
    rest = text[asking.end() if asking else (start.end() if start else 0) :]
    if start and _NAME.search(rest) is None:
        return True
    clause = _CLAUSE_END.split(rest, maxsplit=1)[0]
    if language in _EXPLETIVE:
        clause = re.sub(_EXPLETIVE[language], " ", clause, flags=re.IGNORECASE)
    pronoun = _pronouns(language).search(clause)
    if pronoun:
        before = clause[: pronoun.start()]
        return len(before.split()) <= MAX_WORDS_BEFORE and not _NAME.search(before)
    if _definition(language).match(text, begin):
        return False
    first = 0 if asking else 1  # the first word may be any
    own = set(normalize(rest).text.split()) - _FILLERS
    return not _NAME.search(rest, first) and len(own) < MIN_WORDS


def subject_of(question: str, language: Language) -> str:
    """Returns a question without the words that ask."""
    text = " ".join(question.split()).strip(" ¿¡?？!.。")
    lead = _lead(language).match(text)
    asking = _asking(language).match(text, lead.end() if lead else 0)
    return text[asking.end() if asking else (lead.end() if lead else 0) :].strip(" ,，吗呢是")


def asks_for_name(question: str, language: Language) -> bool:
    """Whether a name answers the question."""
    words = WORDS[language].who
    if language == "zh":
        return bool(re.search(words, question))
    return bool(re.match(rf"\W*(?:{words})(?!\w)", question, re.IGNORECASE))


@cache
def _pronouns(language: Language) -> re.Pattern[str]:
    words = WORDS[language].pronouns
    if language == "zh":
        return re.compile(words)
    flags = re.NOFLAG if language == "de" else re.IGNORECASE  # "Sie" is the person spoken to
    return re.compile(rf"(?<!\w)(?:{words})(?!\w)", flags)


@cache
def _asking(language: Language) -> re.Pattern[str]:
    end = "" if language == "zh" else r"(?!\w)[ ,]*"
    return re.compile(rf"(?:{WORDS[language].asking}){end}", re.IGNORECASE)


@cache
def _definition(language: Language) -> re.Pattern[str]:
    """Matches "what is X" of one word X, which is all it needs."""
    words = WORDS[language]
    return re.compile(
        rf"(?:(?:{words.asking}) (?:{words.copula}|bedeutet|heißt|significa)"
        rf"|qu['’]est[- ]ce que(?: c['’]est que)?)(?: (?:{words.determiners}))?[ '’]\w{{3,}}\W*$",
        re.IGNORECASE,
    )


@cache
def _counting(language: Language) -> re.Pattern[str]:
    return re.compile(rf"(?:{WORDS[language].counting})[ '’]+\w+(?!\w)[ ,]*", re.IGNORECASE)


@cache
def _lead(language: Language) -> re.Pattern[str]:
    end = "[,，]?" if language == "zh" else r"(?!\w)[ ,]*"
    return re.compile(rf"(?:{WORDS[language].lead}){end}", re.IGNORECASE)
