"""The seam to a language model, and the openai client behind it with deadlines and caps.

Messages in, text as it is written out, then why it ended. The client's own defaults (600 s, two
retries, partial text taken for a whole answer, any number of bytes) are replaced one by one; what
it does with a faulty upstream was measured on openai 3.54 in November 2026.
"""

import asyncio
import math
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..errors import AnswerError, ModelMisbehaved
from .deadlines import Limit, at_most, only_headers
from .openai_errors import BACKOFF_S, failure, faults, refused_parameter, retry_wait_s
from .protocol import Message, ModelEnd, ModelSettings, ModelText
from .reading import Reading
from .reasoning import ReasoningFilter

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncStream, Omit
    from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

LINGER_S = 1.0
"""After `finish_reason`: how long to wait for the token counts before going without them."""

_NO_KEY = "none"


class OpenAIChat:
    """A model behind OpenAI's chat completions, hosted or local."""

    def __init__(self, settings: ModelSettings) -> None:
        """Imports the openai package, so it takes a second or two the first time."""
        import openai

        key = settings.api_key or _NO_KEY
        own = {name.title(): value for name, value in settings.headers.items()}
        self.name, self.total_s = settings.model, settings.total_s
        self._settings = settings
        self._host = urlsplit(settings.base_url).netloc.rpartition("@")[2]
        self._refused: set[str] = set()
        self._thinks_unopened = False
        """Does it begin with reasoning that only a closing tag tells from its answer?"""
        self._client = openai.AsyncOpenAI(
            api_key=key,
            base_url=settings.base_url,
            organization="",
            project="",
            timeout=settings.total_s,
            max_retries=0,
            default_headers={
                "Authorization": f"Bearer {key}",
                **own,
                "Accept-Encoding": "identity",
            },
            default_query=dict(settings.query),
            http_client=openai.DefaultAsyncHttpxClient(
                follow_redirects=False,  # passages go to the configured host and to no other
                event_hooks={
                    "request": [only_headers(frozenset(name.lower() for name in own))],
                    "response": [at_most(settings.max_bytes)],
                },
            ),
        )
        self._completions = self._client.chat.completions  # imports the rest of the package

    async def close(self) -> None:
        """Gives up its connections."""
        await self._client.close()

    async def stream(
        self, messages: Sequence[Message], *, share: float = 1.0, max_tokens: int | None = None
    ) -> AsyncGenerator[ModelText | ModelEnd, None]:
        """Yields the model's text as it comes, then one `ModelEnd`; close it to stop the model.

        Tries again while nothing has been yielded and the deadline allows. Raises
        ModelUnavailable when the endpoint fails, refuses or is too slow, ModelMisbehaved when
        what it sends is no answer, even after the first pieces.
        """
        limit = Limit(self._settings.total_s * share, self._host)
        tokens = _fewer(self._settings.max_tokens, max_tokens)
        waits = iter(BACKOFF_S)
        while True:
            spoken = False
            try:
                async with aclosing(self._once(messages, limit, tokens)) as items:
                    async for item in items:
                        spoken = True
                        yield item
                return
            except faults() as error:
                if spoken:
                    raise failure(error, host=self._host, model=self.name) from error
                if not self._adapts_to(error):
                    wait_s = retry_wait_s(error, next(waits, None))
                    if wait_s >= limit.left_s():
                        raise failure(error, host=self._host, model=self.name) from error
                    await asyncio.sleep(wait_s)

    async def _once(
        self, messages: Sequence[Message], limit: Limit, max_tokens: int | None
    ) -> AsyncGenerator[ModelText | ModelEnd, None]:
        answer = await limit.within(math.inf, lambda: self._open(messages, max_tokens))
        thoughts = ReasoningFilter(is_unopened=self._thinks_unopened)
        reading = Reading(thoughts)
        try:
            self._check_type(answer.response)
            async with aclosing(self._chunks(answer, reading, limit)) as chunks:
                async for chunk in chunks:
                    text = reading.take(chunk)
                    if thoughts.leaked:
                        self._thinks_unopened = True
                        raise ModelMisbehaved(
                            f"the model's endpoint {self._host} sent reasoning as an answer; its "
                            "next answers wait for the end of that"
                        )
                    if text:
                        yield ModelText(text)
        finally:
            await answer.close()
        if rest := reading.rest():
            yield ModelText(rest)
        yield self._end(reading)

    def _end(self, reading: Reading) -> ModelEnd:
        if reading.finish_reason is None:
            raise ModelMisbehaved(f"the model's endpoint {self._host} broke off in mid-answer")
        if not reading.has_text:
            raise ModelMisbehaved(
                f"the model's endpoint {self._host} sent no text "
                f"(finish_reason {reading.finish_reason!r})"
            )
        return ModelEnd(reading.finish_reason, reading.usage)

    async def _chunks(
        self, answer: "AsyncStream[ChatCompletionChunk]", reading: Reading, limit: Limit
    ) -> AsyncGenerator[object, None]:
        ends: tuple[type[Exception], ...] = (AnswerError, *faults())
        while True:
            pause_s = self._settings.between_tokens_s if reading.has_text else math.inf
            try:
                pause_s = LINGER_S if reading.finish_reason else pause_s
                chunk: object = await limit.within(pause_s, lambda: anext(answer, None))
            except ends:
                if reading.finish_reason:  # the answer is whole; only its token count is lost
                    return
                raise
            if chunk is None:
                return
            yield chunk
            await asyncio.sleep(0)  # where data is always at hand, nobody else would have a turn

    async def _open(
        self, messages: Sequence[Message], max_tokens: int | None
    ) -> "AsyncStream[ChatCompletionChunk]":
        from openai import omit

        settings, refused = self._settings, self._refused
        tokens = omit if max_tokens is None else max_tokens
        modern = "max_tokens" in refused

        def unless_refused(name: str, value: float | None) -> "float | Omit":
            return omit if value is None or name in refused else value

        return await self._completions.create(
            model=settings.model,
            messages=[_wire(message) for message in messages],
            stream=True,
            temperature=unless_refused("temperature", settings.temperature),
            max_tokens=omit if modern else tokens,
            max_completion_tokens=(
                tokens if modern and "max_completion_tokens" not in refused else omit
            ),
            stream_options=omit if "stream_options" in refused else {"include_usage": True},
        )

    def _adapts_to(self, error: Exception) -> bool:
        """Whether the endpoint refused a parameter that can now be renamed or left out."""
        named = refused_parameter(error)
        if named is None or named in self._refused:
            return False
        self._refused.add(named)
        return True

    def _check_type(self, response: "httpx2.Response") -> None:
        content_type = response.headers.get("content-type", "text/event-stream")
        if not content_type.lower().startswith("text/event-stream"):
            raise ModelMisbehaved(
                f"the model's endpoint {self._host} answered with {content_type[:60]!r} "
                "instead of an event stream; is the base URL right?"
            )


def _fewer(one: int | None, other: int | None) -> int | None:
    known = [number for number in (one, other) if number is not None]
    return min(known, default=None)


def _wire(message: Message) -> "ChatCompletionMessageParam":
    if message.role == "system":
        return {"role": "system", "content": message.content}
    if message.role == "assistant":
        return {"role": "assistant", "content": message.content}
    return {"role": "user", "content": message.content}
