"""History + question → a question that stands alone, by a model's rewrite or by rule.

By rule, a question that leans on what was said before (a pronoun, an "and …", hardly a word of
its own) is given the words of the last question that it lacks. A model's rewrite is a line of
hostile text like all it writes; where it fails or is no such line, the rule stays.
"""

import logging
import re
import secrets
from collections.abc import Sequence
from contextlib import aclosing

from index.words import content_terms, harmless, terms

from .errors import AnswerError
from .llm import ChatModel, ModelText
from .prompt import NO_ANSWER, build_rewrite
from .types import Turn

log = logging.getLogger("footnote.answer")

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

REWRITE_SHARE = 0.15
"""Of the answer's total deadline, what a rewrite may take."""
REWRITE_TOKENS = 120
MAX_REWRITE_CHARS = 300

_LABEL = re.compile(r"^(?:(?:stand-?alone |rewritten )?question|user) ?: *", re.IGNORECASE)
_MARKERS = re.compile(r"\s*[\[【][\d.,; –-]+[\]】]")


async def rewritten(
    chat: ChatModel, question: str, history: Sequence[Turn], *, history_chars: int
) -> str:
    """Returns the model's version of the question, made to stand alone; the rule's where it fails.

    It is one line of at most MAX_REWRITE_CHARS characters.
    """
    messages = build_rewrite(
        question, history, fence=secrets.token_hex(8), history_chars=history_chars
    )
    said = ""
    try:
        stream = chat.stream(messages, share=REWRITE_SHARE, max_tokens=REWRITE_TOKENS)
        async with aclosing(stream) as items:
            async for item in items:
                said += item.text if isinstance(item, ModelText) else ""
    except AnswerError as error:
        log.warning("the model failed, so the rule makes the question stand alone: %s", error)
        said = ""
    return _question(said) or stand_alone(question, history)


def _question(said: str) -> str | None:
    """Returns the one question in what the model said; None where that is something else."""
    lines = [" ".join(harmless(line).split()) for line in said.strip().splitlines()]
    line = _MARKERS.sub("", _LABEL.sub("", lines[0] if lines else "")).strip("\"'“”*_` ")
    usable = len(line) <= MAX_REWRITE_CHARS and re.search(r"\w", line) and NO_ANSWER not in line
    return line if usable else None


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
