"""The chat model behind OpenAI's chat completions API, hosted or local.

The openai client's defaults (timeout 600 s, two retries, partial text accepted as a whole answer,
unlimited size) are replaced one by one; its behaviour with faulty endpoints was measured on openai
3.54 in November 2026.
"""

import asyncio
import math
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import asdict
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from index.redact import register_secrets, register_url

from ..errors import AnswerError, ModelMisbehaved
from ..types import Usage
from .deadlines import Deadline, allow_headers, limit_body
from .openai_errors import (
    BACKOFF_S,
    client_errors,
    refused_parameter,
    retry_wait_s,
    to_answer_error,
)
from .protocol import Message, ModelEnd, ModelSettings, ModelText
from .reasoning import ReasoningFilter

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncStream, Omit
    from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

USAGE_TIMEOUT_S = 1.0
"""After `finish_reason`: how long to wait for the token counts."""


MAX_TOKEN_COUNT = 10**12
"""A larger count is an error, and might be too long to print."""


class OpenAIChat:
    """A `ChatModel` behind OpenAI's chat completions."""

    def __init__(self, settings: ModelSettings) -> None:
        """Imports the openai package, which takes a second or two the first time."""
        import openai

        secrets = (*settings.headers.values(), *settings.query.values())
        register_secrets([settings.api_key, *secrets])
        register_url(settings.base_url)
        key = settings.api_key or "none"
        own_headers = {name.title(): value for name, value in settings.headers.items()}
        self.name, self.total_s = settings.model, settings.total_s
        self._settings = settings
        self._host = urlsplit(settings.base_url).netloc.rpartition("@")[2]
        self._endpoint = f"the model's endpoint {self._host}"
        self._refused_parameters: set[str] = set()
        self._begins_with_reasoning = False
        """Does it begin with reasoning that no tag opens?"""
        self._client = openai.AsyncOpenAI(
            api_key=key,
            base_url=settings.base_url,
            organization="",
            project="",
            timeout=settings.total_s,
            max_retries=0,
            default_headers={
                "Authorization": f"Bearer {key}",
                **own_headers,
                "Accept-Encoding": "identity",
            },
            default_query=dict(settings.query),
            http_client=openai.DefaultAsyncHttpxClient(
                follow_redirects=False,  # passages are sent to the configured host only
                event_hooks={
                    "request": [allow_headers(frozenset(map(str.lower, own_headers)))],
                    "response": [limit_body(settings.max_bytes)],
                },
            ),
        )
        self._completions = self._client.chat.completions  # imports the rest of the package

    async def close(self) -> None:
        """Closes its connections."""
        await self._client.close()

    async def stream(
        self, messages: Sequence[Message], *, share: float = 1.0, max_tokens: int | None = None
    ) -> AsyncGenerator[ModelText | ModelEnd, None]:
        """Yields the model's text as it is generated, then one `ModelEnd`; close it to stop.

        Retries until the first text, within the deadline. Raises ModelUnavailable when the endpoint
        fails, refuses or is too slow, ModelMisbehaved when what it sends is no answer.
        """
        deadline = Deadline(self._settings.total_s * share, self._host)
        limits = [n for n in (self._settings.max_tokens, max_tokens) if n is not None]
        token_limit = min(limits, default=None)
        backoffs = iter(BACKOFF_S)
        while True:
            has_text = False
            try:
                async with aclosing(self._attempt(messages, deadline, token_limit)) as items:
                    async for item in items:
                        has_text = True
                        yield item
                return
            except client_errors() as error:
                parameter = refused_parameter(error)
                if parameter and parameter not in self._refused_parameters and not has_text:
                    self._refused_parameters.add(parameter)  # left out, or renamed, from now on
                    continue
                wait_s = math.inf if has_text else retry_wait_s(error, next(backoffs, None))
                if wait_s >= deadline.remaining_s():
                    raise to_answer_error(error, host=self._host, model=self.name) from error
                await asyncio.sleep(wait_s)

    async def _attempt(
        self, messages: Sequence[Message], deadline: Deadline, max_tokens: int | None
    ) -> AsyncGenerator[ModelText | ModelEnd, None]:
        response = await deadline.wait_for(math.inf, lambda: self._request(messages, max_tokens))
        reasoning = ReasoningFilter(is_unopened=self._begins_with_reasoning)
        reader = _ChunkReader(reasoning)
        try:
            self._check_content_type(response.response)
            async with aclosing(self._chunks(response, reader, deadline)) as chunks:
                async for chunk in chunks:
                    text = reader.read(chunk)
                    if reasoning.leaked:
                        self._begins_with_reasoning = True
                        raise ModelMisbehaved(
                            f"{self._endpoint} sent reasoning as an answer; from now on its "
                            "answers begin after the end of the reasoning"
                        )
                    if text:
                        yield ModelText(text)
        finally:
            await response.close()
        if rest := reader.finish():
            yield ModelText(rest)
        yield self._end(reader)

    def _end(self, reader: "_ChunkReader") -> ModelEnd:
        if reader.finish_reason is None:
            raise ModelMisbehaved(f"{self._endpoint} closed the stream within the answer")
        if not reader.has_text:
            reason = reader.finish_reason
            raise ModelMisbehaved(f"{self._endpoint} sent no text (finish_reason {reason[:40]!r})")
        return ModelEnd(reader.finish_reason, reader.usage)

    async def _chunks(
        self,
        response: "AsyncStream[ChatCompletionChunk]",
        reader: "_ChunkReader",
        deadline: Deadline,
    ) -> AsyncGenerator[object, None]:
        errors: tuple[type[Exception], ...] = (AnswerError, *client_errors())
        while True:
            timeout_s = self._settings.between_tokens_s if reader.has_text else math.inf
            if reader.finish_reason:
                timeout_s = USAGE_TIMEOUT_S
            try:
                chunk: object = await deadline.wait_for(timeout_s, lambda: anext(response, None))
            except errors:
                if reader.finish_reason:  # the answer is complete; only its usage is missing
                    return
                raise
            if chunk is None:
                return
            yield chunk
            await asyncio.sleep(0)  # a stream that always has data would block the event loop

    async def _request(
        self, messages: Sequence[Message], max_tokens: int | None
    ) -> "AsyncStream[ChatCompletionChunk]":
        from openai import omit

        refused = self._refused_parameters

        def unless_refused(name: str, value: float | None) -> "float | Omit":
            return omit if value is None or name in refused else value

        tokens = omit if max_tokens is None else max_tokens
        has_new_name = "max_tokens" in refused and "max_completion_tokens" not in refused
        return await self._completions.create(
            model=self._settings.model,
            messages=cast(  # a Message's roles are three of the API's
                "list[ChatCompletionMessageParam]", [asdict(message) for message in messages]
            ),
            stream=True,
            temperature=unless_refused("temperature", self._settings.temperature),
            max_tokens=omit if "max_tokens" in refused else tokens,
            max_completion_tokens=tokens if has_new_name else omit,
            stream_options=omit if "stream_options" in refused else {"include_usage": True},
        )

    def _check_content_type(self, response: "httpx2.Response") -> None:
        content_type = response.headers.get("content-type", "text/event-stream")
        if not content_type.lower().startswith("text/event-stream"):
            raise ModelMisbehaved(
                f"{self._endpoint} answered with {content_type[:60]!r} instead of an event stream; "
                "check the base URL"
            )


class _ChunkReader:
    """Reads the chunks of one answer: its text, why it ended, its token counts.

    The client does not validate what it parsed: malformed chunks are ignored.
    """

    def __init__(self, reasoning: ReasoningFilter) -> None:
        self.finish_reason: str | None = None
        self.has_text = False
        self.usage: Usage | None = None
        self._reasoning = reasoning

    def read(self, chunk: object) -> str:
        """Returns the chunk's text; may be empty."""
        self.usage = _usage(getattr(chunk, "usage", None)) or self.usage
        choices = getattr(chunk, "choices", None)
        if self.finish_reason or not isinstance(choices, list) or not choices:
            return ""
        reason = getattr(choices[0], "finish_reason", None)
        if isinstance(reason, str) and reason:
            self.finish_reason = reason
        content = getattr(getattr(choices[0], "delta", None), "content", None)
        return self._seen(self._reasoning.feed(content)) if isinstance(content, str) else ""

    def finish(self) -> str:
        """Returns the text that was held back to the end."""
        return self._seen(self._reasoning.finish())

    def _seen(self, text: str) -> str:
        self.has_text = self.has_text or bool(text.strip())
        return text


def _usage(value: object) -> Usage | None:
    prompt, completion = (
        getattr(value, name, None) for name in ("prompt_tokens", "completion_tokens")
    )
    if not isinstance(prompt, int) or not isinstance(completion, int):
        return None
    if not 0 <= prompt <= MAX_TOKEN_COUNT or not 0 <= completion <= MAX_TOKEN_COUNT:
        return None
    return Usage(prompt, completion)
