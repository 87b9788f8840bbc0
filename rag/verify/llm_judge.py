"""Asks a chat model about the sentences that the support rules leave open.

A sentence that is quoted from the cited text, or whose numbers, names or negation differ from it,
is decided by the rules and never sent. The reply is untrusted: on a malformed, late or missing
reply the verdict of the rules stays, and `why` says so.
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
"""Of the model's total timeout: how long a finished answer waits for one verdict."""
CONCURRENCY = 2
"""Requests at the same time for one answer."""
MAX_REPLY_CHARS = 200

REJECTED = "the judge model finds no support in the cited text"
NO_VERDICT = "decided by the support rules, because the judge model returned no verdict"

PendingVerdict = asyncio.Task[bool | None]
"""Whether the cited text supports the sentence; None without a usable reply."""


class LlmJudge:
    """A chat model's verdicts on one answer's sentences; close it with the answer."""

    def __init__(self, chat: ChatModel, question: str, *, share: float, stages: Stages) -> None:
        """`share` of the model's total timeout is the time for the whole answer from now on."""
        self._chat, self._question, self._stages = chat, question, stages
        self._clock = asyncio.get_running_loop().time
        self._ends_at = self._clock() + share * chat.total_s
        self._slots = asyncio.Semaphore(CONCURRENCY)
        self._pending: dict[tuple[str, ...], PendingVerdict] = {}
        self._has_failed = False

    def start(self, sentence: AnswerSentence, cited: Sequence[Citation]) -> PendingVerdict | None:
        """Starts the request about a sentence; None if the rules decided or the model failed."""
        if sentence.is_final or self._has_failed:
            return None
        key = (strip_markup(sentence.text), *(citation.quote for citation in cited))
        if key not in self._pending:
            self._pending[key] = asyncio.create_task(self._request(key[0], cited))
        return self._pending[key]

    async def wait(self, pending: PendingVerdict | None) -> None:
        """Waits for a verdict until its timeout; after one timeout no further request starts."""
        if pending is None or pending.done():
            return
        wait_s = 0.0 if self._has_failed else WAIT_SHARE * self._chat.total_s
        await asyncio.wait({pending}, timeout=min(wait_s, max(0.0, self._ends_at - self._clock())))
        if not pending.done():
            self._fail("timeout")

    def apply(self, sentence: AnswerSentence, pending: PendingVerdict | None) -> AnswerSentence:
        """Returns the sentence with the model's verdict, or with that of the rules without one."""
        if sentence.is_final:
            return sentence
        is_done = pending and pending.done() and not pending.cancelled()
        is_supported = pending.result() if pending and is_done else None
        if is_supported is None:
            why = f"{sentence.why}; {NO_VERDICT}" if sentence.why else NO_VERDICT
            return replace(sentence, why=why)
        if is_supported:
            return replace(sentence, status="supported", why=None)
        return replace(sentence, status="unsupported", why=REJECTED)

    async def close(self) -> None:
        """Cancels all requests."""
        for pending in self._pending.values():
            pending.cancel()
        await asyncio.gather(*self._pending.values(), return_exceptions=True)

    async def _request(self, sentence: str, cited: Sequence[Citation]) -> bool | None:
        fence = secrets.token_hex(8)
        messages = build_support_messages(sentence, cited, question=self._question, fence=fence)
        async with self._slots:
            share = (self._ends_at - self._clock()) / self._chat.total_s
            if self._has_failed or share <= 0:
                return None
            reply = ""
            try:
                with self._stages.during("support"):
                    async with aclosing(self._chat.stream(messages, share=share)) as items:
                        async for item in items:
                            reply += item.text if isinstance(item, ModelText) else ""
                            if len(reply) > MAX_REPLY_CHARS:
                                return None
            except AnswerError as error:
                self._fail(str(error))
                return None
        verdicts = parse_verdicts(reply, 1)
        return verdicts[0] if verdicts else None

    def _fail(self, cause: str) -> None:
        if not self._has_failed:
            log.warning("the judge model failed, so the support rules decide: %s", cause)
        self._has_failed = True
