"""What a question asks for: its answer type and form, and what it names.

Rules over its words, in the languages of the interface where a word list is short. Most are
features of the fitted confidence, none of which decides by itself.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from .answer_type import AnswerType, expected_answer_type

_WORD = re.compile(r"\w[\w’'.,%-]*\w|\w")
_POSSESSIVE = re.compile(r"['’]s?$")
_YES_NO = re.compile(
    r"^(?:(?:so|and|but|ok|hi|hey|please)\b[\s,]*)?(?:is|are|was|were|am|do|does|did|can|could|may"
    r"|might|must|should|shall|will|would|has|have|had|isn['’]t|aren['’]t|don['’]t|doesn['’]t"
    r"|can['’]t|ist|sind|kann|darf|muss|gibt es|hat|haben|est-ce|puede|hay)\b"
    r"|吗|是否|能否|可以.*[？?]$",
    re.IGNORECASE,
)
_DURATION = re.compile(
    r"\bhow (?:long|often|soon|quickly)\b|\bwie ?(?:lange|oft)\b|多久|多长", re.IGNORECASE
)


@dataclass(frozen=True)
class Question:
    """A question, with what it asks for found when it is first needed."""

    text: str

    @cached_property
    def answer_type(self) -> AnswerType:
        """The type of answer; "open" if no rule matches."""
        return expected_answer_type(self.text)

    @cached_property
    def is_yes_no(self) -> bool:
        """Whether yes or no would answer it."""
        return bool(_YES_NO.search(self.text.strip()))

    @cached_property
    def asks_duration(self) -> bool:
        """Whether it asks for a time span or a frequency."""
        return bool(_DURATION.search(self.text))

    @cached_property
    def names(self) -> Sequence[str]:
        """Its capitalized words but the first, in lower case, without those with a digit."""
        later = (word for word in self._words[1:] if word[0].isupper() and word != "I")
        return [_POSSESSIVE.sub("", w).lower() for w in later if not _has_digit(w)]

    @cached_property
    def figures(self) -> Sequence[str]:
        """Its words with a digit."""
        return [word.lower() for word in self._words if _has_digit(word)]

    @cached_property
    def _words(self) -> list[str]:
        return _WORD.findall(self.text)


def _has_digit(word: str) -> bool:
    return any(character.isdigit() for character in word)
