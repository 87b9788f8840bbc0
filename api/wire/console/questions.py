"""The JSON shapes of the questions that were asked."""

from typing import Literal

from pydantic import BaseModel, Field

from rag.language.kind.intent import Kind
from rag.types import Answerer, Reason

from ..schemas import AnswerBody, Turn

State = Literal["answered", "refused", "tentative"]


class QuestionBody(BaseModel):
    """A question and how it ended."""

    id: str = Field(description="Of its answer")
    time: str
    question: str
    kind: Kind
    state: State
    reason: Reason | None
    confidence: float
    rating: Literal["up", "down"] | None
    latency_ms: float
    collection: str
    language: str


class QuestionCounts(BaseModel):
    """How many questions ended how since `since`, whatever else was searched for."""

    answered: int
    refused: int
    tentative: int
    total: int
    since: str | None = Field(
        description="Null: of all that are kept. Where none are kept, the start of this process"
    )


class QuestionsBody(BaseModel):
    """One page of the questions, newest first; `next` is null on the last."""

    questions: list[QuestionBody]
    next: str | None
    counts: QuestionCounts
    kept_days: float | None = Field(
        description="How long questions are kept: 0 not at all, null without a limit of days"
    )
    how_to: str | None = Field(description="How to have questions kept, where they are not")


class GroupBody(BaseModel):
    """Questions that mean the same."""

    question: str = Field(description="The most typical one")
    count: int
    refused: int
    tentative: int
    answered: int
    rated_down: int
    ids: list[str] = Field(max_length=20, description="The newest of them")
    last: str = Field(description="When one was asked last")


class GroupsBody(BaseModel):
    """The questions by meaning, those that were refused most often first."""

    groups: list[GroupBody]
    kept_days: float | None = Field(description="As in the list of questions")


class AskedBody(BaseModel):
    """The question as it came, with the conversation before it."""

    question: str
    history: list[Turn]
    top_k: int


class RecordedPassage(BaseModel):
    """A passage that was found; `text` is null where the source has changed since."""

    rank: int
    source: str
    source_id: str
    start: int
    end: int
    score: float
    scores: dict[str, float]
    text: str | None


class RecordedCitation(BaseModel):
    """What was cited."""

    source: str
    start: int
    end: int
    quote: str | None


class SentMessage(BaseModel):
    """A message that a model was sent."""

    role: str
    content: str


class QuestionRecord(QuestionBody):
    """All that is kept of a question, from which it can be replayed."""

    ask: AskedBody
    standalone_question: str
    passages: list[RecordedPassage]
    messages: list[SentMessage] = Field(description="What a model was sent; empty without one")
    raw: str | None = Field(description="What the model wrote, before it was checked")
    answer: str
    answerer: Answerer
    model: str | None
    degraded: bool
    citations: list[RecordedCitation]
    timings_ms: dict[str, float]
    generation: str
    versions: dict[str, str]


class ReplayBody(BaseModel):
    """The answer of today, and the names of what differs from the one that is kept."""

    answer: AnswerBody
    differences: list[str]
