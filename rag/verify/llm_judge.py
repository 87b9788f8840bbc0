"""A second opinion on support: a chat model is asked where the rules leave a sentence open.

A sentence that stands in the cited text, or whose figures, names or denials are not those of the
cited text, is never asked about. The model's word is hostile like all it writes: a reply that is
odd, late or missing leaves the verdict of the words, and says so.
"""

import asyncio
import logging
import secrets
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace

from ..errors import AnswerError
from ..model.prompt import build_support_messages, parse_verdicts
from ..model.protocol import ChatModel, ModelText
from ..timing import Stages
from ..types import AnswerSentence, Citation
from .support import strip_markup

log = logging.getLogger("footnote.answer")

WAIT_SHARE = 0.25
"""Of the total deadline: how long an answer that is otherwise ready waits for a verdict."""
AT_ONCE = 2
"""Sentences of one answer that are asked about at the same time."""
MAX_REPLY_CHARS = 200
"""A longer one is no verdict."""

REJECTED = "the model that was asked finds no support in the cited text"
NO_VERDICT = "judged by its words, as the model that was asked gave no verdict"

PendingVerdict = asyncio.Task[bool | None]
"""Does the cited text support the sentence? None where the model did not say."""


class LlmJudge:
    """What a model makes of one answer's sentences; close it with the answer."""

    def __init__(self, chat: ChatModel, question: str, *, share: float, stages: Stages) -> None:
        """`share` of the model's total deadline is what the whole answer may take from now on."""
        self._chat, self._question, self._stages = chat, question, stages
        self._clock = asyncio.get_running_loop().time
        self._ends_at = self._clock() + share * chat.total_s
        self._places = asyncio.Semaphore(AT_ONCE)
        self._asked: dict[tuple[str, ...], PendingVerdict] = {}
        self._has_failed = False

    def ask(self, said: AnswerSentence, cited: Sequence[Citation]) -> PendingVerdict | None:
        """Begins to ask about a sentence; None where that is not needed, or of no use any more."""
        if said.settled or self._has_failed:
            return None
        key = (strip_markup(said.text), *(citation.quote for citation in cited))
        if key not in self._asked:
            self._asked[key] = asyncio.create_task(self._answer(key[0], cited))
        return self._asked[key]

    async def wait(self, asking: PendingVerdict | None) -> None:
        """Waits for a verdict, within limits; a model that is too slow is asked no more."""
        if asking is None or asking.done():
            return
        wait_s = 0.0 if self._has_failed else WAIT_SHARE * self._chat.total_s
        await asyncio.wait({asking}, timeout=min(wait_s, max(0.0, self._ends_at - self._clock())))
        if not asking.done():
            self._fail("it took too long")

    def settled(self, said: AnswerSentence, asking: PendingVerdict | None) -> AnswerSentence:
        """Returns the sentence with the verdict there is: the model's, or that of its words."""
        if said.settled:
            return said
        supports = asking.result() if asking and asking.done() and not asking.cancelled() else None
        if supports is None:
            why = f"{said.why}; {NO_VERDICT}" if said.why else NO_VERDICT
            return replace(said, why=why)
        if supports:
            return replace(said, status="supported", why=None)
        return replace(said, status="unsupported", why=REJECTED)

    async def close(self) -> None:
        """Stops whatever is being asked."""
        for asking in self._asked.values():
            asking.cancel()
        await asyncio.gather(*self._asked.values(), return_exceptions=True)

    async def _answer(self, sentence: str, cited: Sequence[Citation]) -> bool | None:
        messages = build_support_messages(
            sentence, cited, question=self._question, fence=secrets.token_hex(8)
        )
        async with self._places:
            share = (self._ends_at - self._clock()) / self._chat.total_s
            if self._has_failed or share <= 0:
                return None
            said = ""
            try:
                with self._stages.during("support"):
                    async with aclosing(self._chat.stream(messages, share=share)) as items:
                        async for item in items:
                            said += item.text if isinstance(item, ModelText) else ""
                            if len(said) > MAX_REPLY_CHARS:
                                return None
            except AnswerError as error:
                self._fail(str(error))
                return None
        found = parse_verdicts(said, 1)
        return found[0] if found else None

    def _fail(self, cause: str) -> None:
        if not self._has_failed:
            log.warning("the model gave no verdict, so the words decide: %s", cause)
        self._has_failed = True
