"""An elliptic follow-up question ("and the YU7?"), read as what is new in it.

The whole question is matched: a lead ("and", "und was ist mit", "那"), a preposition, an article
and a few words without a verb. "In Spain?" needs no lead, nor does "YU7呢".
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import get_args

from ...language.kind.catalogue import VERBS
from ...language.kind.normalized import normalize
from ...language.word_cover import Language
from .words import WORDS

_LANGUAGES: tuple[Language, ...] = get_args(Language)
MAX_CHARS = 120
"""A longer question is not elliptic."""
MAX_WORDS = 6
_EDGES = " \t\n¿?？!！.。…,，"


@dataclass(frozen=True, slots=True)
class Ellipsis:
    """What is new: its preposition and article, "" without, and its other words."""

    language: Language
    preposition: str
    determiner: str
    core: str
    has_lead: bool

    @property
    def phrase(self) -> str:
        """The article and the other words."""
        joint = "" if self.determiner.endswith(("'", "’")) else " "
        return f"{self.determiner}{joint}{self.core}".strip()


def parse_ellipsis(question: str, likely: Iterable[Language]) -> Ellipsis | None:
    """Returns what is new in an elliptic question; None if it is none.

    The `likely` languages are tried first, the others only for a question with a lead.
    """
    if len(question) > MAX_CHARS:
        return None
    text = " ".join(question.strip(_EDGES).split())
    expected = dict.fromkeys(likely)
    for language in [*expected, *(one for one in _LANGUAGES if one not in expected)]:
        match = _pattern(language).fullmatch(text)
        found = _ellipsis(language, match) if match else None
        if found and (found.has_lead or language in expected):
            return found
    return None


def _ellipsis(language: Language, match: re.Match[str]) -> Ellipsis | None:
    groups = {name: value or "" for name, value in match.groupdict().items()}
    core = groups["core"].strip(_EDGES)
    has_lead = bool(groups["lead"]) or (language == "zh" and bool(groups["tail"]))
    folded = normalize(core).text.split()
    if not has_lead and (language == "zh" or not groups["preposition"]):
        return None
    if not folded or len(folded) > MAX_WORDS or not VERBS[language].isdisjoint(folded):
        return None
    if _stand_in(language).search(core):
        return None
    return Ellipsis(language, groups["preposition"], groups["determiner"], core, has_lead)


@cache
def _pattern(language: Language) -> re.Pattern[str]:
    words = WORDS[language]
    if language == "zh":
        pattern = (
            rf"(?:(?P<lead>{words.lead})[,，]?)?(?P<preposition>{words.prepositions})?"
            rf"(?P<determiner>{words.determiners})?(?P<core>[^?？]+?)(?P<tail>{words.tail})?"
        )
    else:
        pattern = (
            rf"(?:(?P<lead>{words.lead})(?: |(?<=['’])))?(?:(?P<preposition>{words.prepositions})"
            rf" )?(?:(?P<determiner>{words.determiners})(?: |(?<=[ld])['’]))?"
            rf"(?P<core>[^?？]+?)(?P<tail> {words.tail})?"
        )
    return re.compile(pattern, re.IGNORECASE)


@cache
def _stand_in(language: Language) -> re.Pattern[str]:
    """Matches what stands for something said before, or asks: it is no name of a new thing."""
    words = f"{WORDS[language].pronouns}|{WORDS[language].asking}"
    return re.compile(words if language == "zh" else rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE)
