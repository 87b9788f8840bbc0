"""The JSON shapes of OpenAI's API that are supported; `openai_options` decides on all others.

`annotations[].url_citation` spans a `[n]` marker of the content in code points, end exclusive.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool

from .schemas import Text

MAX_MESSAGES = 400
"""The last ones of a longer conversation are read: chats only ever grow."""
MAX_PARTS = 1_000
"""Parts of one message."""


def _keep_last_messages(messages: object) -> object:
    return messages[-MAX_MESSAGES:] if isinstance(messages, list) else messages


_OMIT_NONE = Field(exclude_if=lambda value: value is None)
"""Omitted when null, as in OpenAI's streams."""


class ContentPart(BaseModel):
    """A part of a message; only parts of type `text` are read."""

    type: Text
    text: Text | None = None


class ChatMessage(BaseModel):
    """A message of the conversation; only the roles `user` and `assistant` are read."""

    role: Text
    content: Text | Annotated[list[ContentPart], Field(max_length=MAX_PARTS)] | None = None


class StreamOptions(BaseModel):
    """Options of a stream."""

    include_usage: StrictBool | None = False


class ChatBody(BaseModel):
    """A conversation whose last user message is the question.

    Other options of OpenAI's API are refused by name if they would change what the answer is, such
    as `n`, `response_format` and `stop`; the rest, such as `temperature`, is ignored.
    """

    model_config = ConfigDict(extra="allow")

    model: Text = Field(description="`footnote`, or `footnote/NAME` for the collection NAME")
    messages: Annotated[
        list[ChatMessage], BeforeValidator(_keep_last_messages), Field(min_length=1)
    ]
    stream: StrictBool | None = False
    stream_options: StreamOptions | None = None


class UrlCitation(BaseModel):
    """The span of a `[n]` marker in the content, and the page that shows what it cites."""

    start_index: int
    end_index: int
    title: str
    url: str


class Annotation(BaseModel):
    """The source of a marker."""

    type: Literal["url_citation"] = "url_citation"
    url_citation: UrlCitation


class StreamedAnnotation(Annotation):
    """An annotation in a stream; OpenAI's client merges the parts by `index`, from 0."""

    index: int


class ChatReply(BaseModel):
    """The answer's text; a refusal has no annotations."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None
    annotations: list[Annotation]


class ChatChoice(BaseModel):
    """The only choice."""

    index: int = 0
    message: ChatReply
    logprobs: None = None
    finish_reason: Literal["stop"] = "stop"


class TokenUsage(BaseModel):
    """Token counts of the model; zeros where no model answered."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatCompletion(BaseModel):
    """An answer; feedback refers to its `id`."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[ChatChoice]
    usage: TokenUsage


class ChatDelta(BaseModel):
    """The new part of a reply."""

    role: Annotated[Literal["assistant"] | None, _OMIT_NONE] = None
    content: Annotated[str | None, _OMIT_NONE] = None
    annotations: Annotated[list[StreamedAnnotation] | None, _OMIT_NONE] = None


class ChunkChoice(BaseModel):
    """The next part of the only choice."""

    index: int = 0
    delta: ChatDelta
    finish_reason: Literal["stop"] | None = None


class ChatChunk(BaseModel):
    """One chunk of a stream; `[DONE]` follows the last."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: Annotated[TokenUsage | None, _OMIT_NONE] = None


class ModelCard(BaseModel):
    """A model name that can be used."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: Literal["footnote"] = "footnote"


class ModelList(BaseModel):
    """All model names that can be used."""

    object: Literal["list"] = "list"
    data: list[ModelCard]


class ChatError(BaseModel):
    """An error; handle it by its `code`."""

    message: str
    type: Literal["invalid_request_error", "server_error"]
    param: str | None
    code: str


class ChatErrorBody(BaseModel):
    """An error in OpenAI's shape."""

    error: ChatError
