"""OpenAI's shapes, as far as they say something here; unknown fields of a request are ignored.

`annotations[].url_citation` spans a `[n]` marker of the content in code points, end exclusive.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StrictBool

from .schemas import Text

_TOLD = Field(exclude_if=lambda value: value is None)
"""Left out where there is nothing to tell, as OpenAI's streams do."""


class ContentPart(BaseModel):
    """A piece of a message; only those of type `text` are read."""

    type: Text
    text: Text | None = None


class ChatMessage(BaseModel):
    """A message of the conversation; those of `user` and `assistant` are read."""

    role: Text
    content: Text | list[ContentPart] | None = None


class StreamOptions(BaseModel):
    """What a stream tells beside the answer."""

    include_usage: StrictBool | None = False


class ChatBody(BaseModel):
    """A conversation: its last user message is the question."""

    model: Text = Field(description="`footnote`, or `footnote/NAME` for the collection NAME")
    messages: Annotated[list[ChatMessage], Field(min_length=1)]
    stream: StrictBool | None = False
    stream_options: StreamOptions | None = None


class UrlCitation(BaseModel):
    """The span of a `[n]` marker in the content, and the page that shows what it cites."""

    start_index: int
    end_index: int
    title: str
    url: str


class Annotation(BaseModel):
    """What stands behind a marker."""

    type: Literal["url_citation"] = "url_citation"
    url_citation: UrlCitation


class StreamedAnnotation(Annotation):
    """One of a stream's; by `index`, from 0, OpenAI's client puts the pieces together."""

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
    """Tokens the model counted."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatCompletion(BaseModel):
    """An answer; `id` is the one that feedback is given to."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[ChatChoice]
    usage: TokenUsage | None


class ChatDelta(BaseModel):
    """What is new."""

    role: Annotated[Literal["assistant"] | None, _TOLD] = None
    content: Annotated[str | None, _TOLD] = None
    annotations: Annotated[list[StreamedAnnotation] | None, _TOLD] = None


class ChunkChoice(BaseModel):
    """The only choice's next piece."""

    index: int = 0
    delta: ChatDelta
    finish_reason: Literal["stop"] | None = None


class ChatChunk(BaseModel):
    """One piece of a stream; `[DONE]` follows the last."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: Annotated[TokenUsage | None, _TOLD] = None


class ModelCard(BaseModel):
    """A name to ask by."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: Literal["footnote"] = "footnote"


class ModelList(BaseModel):
    """Every name to ask by."""

    object: Literal["list"] = "list"
    data: list[ModelCard]


class ChatError(BaseModel):
    """What went wrong; decide by `code`."""

    message: str
    type: Literal["invalid_request_error", "server_error"]
    param: str | None
    code: str


class ChatErrorBody(BaseModel):
    """An error as OpenAI words it."""

    error: ChatError
