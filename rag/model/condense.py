"""Condenses history and a follow-up question to a standalone question, by a chat model.

The reply is untrusted: it is used if it is one clean line. If the model fails, or replies with
anything else, the rules of `rag/retrieval/condense_rules.py` decide.
"""

import logging
import re
import secrets
from collections.abc import Sequence
from contextlib import aclosing
from functools import partial

from index.text.sanitize import remove_ignorable, sanitize

from ..errors import AnswerError
from ..retrieval.condense_rules import condense_by_rules
from ..threads import in_thread
from ..types import Turn
from .prompt import NO_ANSWER, build_condense_messages
from .protocol import ChatModel, ModelText

log = logging.getLogger("footnote.answer")

CONDENSE_TIMEOUT_SHARE = 0.15
"""Share of the answer's total timeout."""
MAX_TOKENS = 120
MAX_QUESTION_CHARS = 300

_LABEL = re.compile(r"^(?:(?:stand-?alone |rewritten )?question|user) ?: *", re.IGNORECASE)
_MARKERS = re.compile(r"\s*[\[【][\d.,; –-]+[\]】]")


async def condense(
    chat: ChatModel, question: str, history: Sequence[Turn], *, history_chars: int
) -> str:
    """Returns a standalone version of the question: the model's, or that of the rules."""
    fence = secrets.token_hex(8)
    messages = build_condense_messages(question, history, fence=fence, history_chars=history_chars)
    reply = ""
    try:
        stream = chat.stream(messages, share=CONDENSE_TIMEOUT_SHARE, max_tokens=MAX_TOKENS)
        async with aclosing(stream) as items:
            async for item in items:
                reply += item.text if isinstance(item, ModelText) else ""
    except AnswerError as error:
        log.warning("the model failed, so the question is condensed by rules: %s", error)
        reply = ""
    if condensed := _parse_question(reply):
        return condensed
    return await in_thread(partial(condense_by_rules, question, history))


def _parse_question(reply: str) -> str | None:
    """Returns the first line as a question; None if it is none."""
    reply = sanitize(remove_ignorable(reply.strip()))
    lines = [" ".join(line.split()) for line in reply.splitlines()]
    line = _MARKERS.sub("", _LABEL.sub("", lines[0] if lines else "")).strip("\"'“”*_` ")
    is_usable = len(line) <= MAX_QUESTION_CHARS and re.search(r"\w", line) and NO_ANSWER not in line
    return line if is_usable else None
