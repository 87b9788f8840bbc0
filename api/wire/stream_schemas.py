"""The JSON shapes of the server-sent events of `POST /v1/answers`."""

from pydantic import BaseModel

from rag.types import Format

from .schemas import AnswerBody, Citation, Passage, Problem, Sentence


class PassagesEvent(BaseModel):
    """First event."""

    id: str
    passages: list[Passage]


class SearchEvent(BaseModel):
    """A model searches the articles again, at most twice, before it answers."""

    query: str


class DeltaEvent(BaseModel):
    """The next part of `answer`."""

    text: str
    format: Format


class SentenceEvent(Sentence):
    """A complete sentence; `index` counts from 0."""

    index: int


class CitationEvent(BaseModel):
    """A new citation."""

    citation: Citation


class ErrorEvent(BaseModel):
    """Last event of a failed stream."""

    problem: Problem
    retryable: bool


STREAM_EVENTS: dict[str, type[BaseModel]] = {
    "passages": PassagesEvent,
    "search": SearchEvent,
    "delta": DeltaEvent,
    "sentence": SentenceEvent,
    "citation": CitationEvent,
    "done": AnswerBody,
    "error": ErrorEvent,
}
"""The server-sent events of `POST /v1/answers`: name → data."""
