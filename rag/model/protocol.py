"""The interface between answering and a chat model.

Messages in, pieces of text as the model generates them out, then one `ModelEnd`. An adapter for an
API that is not OpenAI-shaped implements `ChatModel`, raises `ModelUnavailable` and
`ModelMisbehaved`, and is constructed in `api/bootstrap.py`.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from ..types import Usage

BETWEEN_TOKENS_S = 15.0
"""Timeout between two tokens."""
MAX_RESPONSE_BYTES = 1_000_000
"""Maximum size of a response."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a prompt."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class ModelText:
    """The next piece of the model's text, never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class ModelEnd:
    """The last item: `stop`, `length` (cut at the token limit) or another finish reason."""

    finish_reason: str
    usage: Usage | None


class ChatModel(Protocol):
    """A chat model that streams its text."""

    name: str
    total_s: float
    """Timeout of a whole answer."""

    def stream(
        self, messages: Sequence[Message], *, share: float = 1.0, max_tokens: int | None = None
    ) -> AsyncGenerator[ModelText | ModelEnd, None]:
        """Yields the model's text as it is generated, then its end; close it to stop the model.

        The call may take `share` of `total_s`. Raises ModelUnavailable and ModelMisbehaved, also
        after the first pieces.
        """
        ...

    async def close(self) -> None:
        """Closes its connections."""
        ...


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Endpoint, credentials, timeouts and size limits of a chat model.

    `temperature` and `max_tokens` are sent unless None; `max_bytes` limits the response body as
    received; `headers` and `query` are added to every request (some gateways require their own).
    """

    model: str
    base_url: str
    api_key: str | None = field(repr=False)
    temperature: float | None
    max_tokens: int | None
    total_s: float
    between_tokens_s: float = BETWEEN_TOKENS_S
    max_bytes: int = MAX_RESPONSE_BYTES
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
