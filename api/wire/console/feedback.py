"""The JSON shapes of the readers' feedback, and of the cases that are made of it."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StrictBool

from ..schemas import Quoted, Text


class FeedbackEntry(BaseModel):
    """A reader's feedback on an answer; `words` says whose question, answer and citations are."""

    answer_id: str
    time: str
    rating: Literal["up", "down"]
    comment: str | None
    correct_answer: str | None
    question: str | None
    answer: str | None
    citations: list[Quoted]
    words: Literal["service", "client"] = Field(
        description="`client`: as the reader's program sent them, which may be anything"
    )
    by: str = Field(description="The key or page that asked")
    collection: str
    accepted_as: str | None = Field(description="The evaluation case that was made of it")


class FeedbackListBody(BaseModel):
    """One page of the feedback, newest first; `next` is null on the last."""

    feedback: list[FeedbackEntry]
    next: str | None


class CaseAsked(BaseModel):
    """What is right: an answer with its evidence, or that the articles do not answer it."""

    answer: Annotated[Text, Field(max_length=20_000, description="The right answer")] = ""
    evidence: Annotated[
        list[Quoted], Field(max_length=50, description="Verbatim quotes that prove it")
    ] = []
    answerable: StrictBool = Field(default=True, description="Whether the articles answer it")
    question: Annotated[
        Text | None, Field(max_length=20_000, description="Omitted: as it was asked")
    ] = None


class CaseBody(BaseModel):
    """An evaluation case, as `footnote eval` reads it."""

    id: str
    question: str
    answers: list[str]
    evidence: list[Quoted]
    answerable: bool
    tags: list[str]


class CaseMade(BaseModel):
    """The case that was accepted."""

    case: CaseBody


class CasesBody(BaseModel):
    """How many cases are kept, and in which file of the data folder."""

    cases: int
    file: str
