"""History + question → a question that stands alone, by rule.

A question that leans on what was said before (a pronoun, an "and …", hardly a word of its own)
is given the words of the last question that it lacks.
"""

import re
from collections.abc import Sequence

from index.words import content_terms, terms

from .types import Turn

_LEANS = re.compile(
    r"^(?:and|but|so|or|also|then|what about|how about|why|why not|when|where|who|how)\b"
    r"[\s,]*(?:\w+\W*)?$"
    r"|^(?:and|but|so|or|also|what about|how about)\b"
    r"|\b(?:it|its|they|them|their|theirs|he|him|his|she|her|hers|this|that|these|those|there"
    r"|the same|the other|another|one|ones|else)\b",
    re.IGNORECASE,
)
_ASKING = re.compile(
    r"^(?:and |but |so )?(?:(?:can|could|would) you )?(?:please )?(?:tell me |explain |describe )?"
    r"(?:about )?(?:what|which|who|whom|whose|when|where|why|how(?: many| much| long| old)?|does|do"
    r"|did|is|are|was|were|has|have|had|can|could|will|would|should)\b"
    r"(?: (?:is|are|was|were|does|do|did|has|have|had|can|could|will|would))?",
    re.IGNORECASE,
)
FEW_WORDS = 2
MAX_SUBJECT_CHARS = 300


def stand_alone(question: str, history: Sequence[Turn]) -> str:
    """Returns the question with the subject of the conversation; itself where it needs none."""
    asked = [turn.content for turn in history if turn.role == "user" and turn.content.strip()]
    own = content_terms(terms(question))
    if not asked or not (_LEANS.search(question) or len(own) < FEW_WORDS):
        return question
    subject = _subject(asked)
    new = set(content_terms(terms(subject))) - set(own)
    return f"{question.rstrip()} ({subject})" if new else question


def _subject(asked: Sequence[str]) -> str:
    """Returns what the last question was about, or the one before it where that leaned itself."""
    last = _ASKING.sub("", asked[-1]).strip(" ?.!")
    if len(asked) > 1 and (_LEANS.search(asked[-1]) or len(content_terms(terms(last))) < FEW_WORDS):
        last = f"{_ASKING.sub('', asked[-2]).strip(' ?.!')}; {last}"
    return last[:MAX_SUBJECT_CHARS]
