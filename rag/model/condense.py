"""History + question → a question that stands alone, in a model's words.

What the model says is hostile text like all it writes: one clean line of it is a question. Where
it fails, or says something else, the rule of `followup.py` stays.
"""

import logging
import re
import secrets
from collections.abc import Sequence
from contextlib import aclosing

from index.text.sanitize import sanitize

from ..errors import AnswerError
from ..retrieval.condense_rules import condense_by_rules
from ..types import Turn
from .prompt import NO_ANSWER, build_condense_messages
from .protocol import ChatModel, ModelText

log = logging.getLogger("footnote.answer")

CONDENSE_TIMEOUT_SHARE = 0.15
"""Of the answer's total deadline, what a rewrite may take."""
MAX_TOKENS = 120
MAX_QUESTION_CHARS = 300

_LABEL = re.compile(r"^(?:(?:stand-?alone |rewritten )?question|user) ?: *", re.IGNORECASE)
_MARKERS = re.compile(r"\s*[\[【][\d.,; –-]+[\]】]")


async def condense(
    chat: ChatModel, question: str, history: Sequence[Turn], *, history_chars: int
) -> str:
    """Returns the model's version of the question, made to stand alone; the rule's where it fails.

    It is one line of at most MAX_REWRITE_CHARS characters.
    """
    messages = build_condense_messages(
        question, history, fence=secrets.token_hex(8), history_chars=history_chars
    )
    said = ""
    try:
        stream = chat.stream(messages, share=CONDENSE_TIMEOUT_SHARE, max_tokens=MAX_TOKENS)
        async with aclosing(stream) as items:
            async for item in items:
                said += item.text if isinstance(item, ModelText) else ""
    except AnswerError as error:
        log.warning("the model failed, so the rule makes the question stand alone: %s", error)
        said = ""
    return _question(said) or condense_by_rules(question, history)


def _question(said: str) -> str | None:
    """Returns the one question in what the model said; None where that is something else."""
    lines = [" ".join(sanitize(line).split()) for line in said.strip().splitlines()]
    line = _MARKERS.sub("", _LABEL.sub("", lines[0] if lines else "")).strip("\"'“”*_` ")
    usable = len(line) <= MAX_QUESTION_CHARS and re.search(r"\w", line) and NO_ANSWER not in line
    return line if usable else None
