"""The shapes on the wire, requests and answers; CONTRIBUTING names what may change in them.

Offsets are Unicode code points, 0-based, end exclusive. Unknown fields of a request are ignored.
"""

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, StrictBool

from index import types as inside
from rag.types import Answerer, Format, Reason, Status

_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def _whole(value: object) -> object:
    """JSON has one kind of number: 8.0 is 8, but true and "8" are not numbers."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a whole number")
    if isinstance(value, float) and not value.is_integer():
        raise ValueError("must be a whole number")
    return int(value)


def _characters(value: str) -> str:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("holds half of a surrogate pair, which is no character") from None
    return value


def _day(value: object) -> object:
    """A day is a string of ten characters: pydantic would take seconds since 1970, too."""
    if isinstance(value, date) or value is None:
        return value
    if not isinstance(value, str) or not _ISO_DAY.fullmatch(value):
        raise ValueError("must be a day such as 2026-11-24")
    return date.fromisoformat(value)


Whole = Annotated[int, BeforeValidator(_whole)]
Text = Annotated[str, AfterValidator(_characters)]


class Turn(BaseModel):
    """One message of the conversation before the question."""

    role: Literal["user", "assistant"]
    content: Annotated[Text, Field(max_length=20_000)]


_Short = Annotated[Text, Field(max_length=1_000)]
_Day = Annotated[date | None, BeforeValidator(_day)]


class Filters(BaseModel):
    """Which articles to search in; all that is given must hold."""

    source: list[_Short] = Field(
        default=[],
        max_length=100,
        description="Paths below the corpus; one that ends in `/` is a prefix",
    )
    tags: list[_Short] = Field(
        default=[], max_length=100, description="Of the front matter; one of them is enough"
    )
    since: _Day = Field(default=None, description="First day, of the front matter's `date`")
    until: _Day = Field(default=None, description="Last day")

    def inside(self) -> inside.Filters:
        """Returns them as the index takes them."""
        return inside.Filters(tuple(self.source), tuple(self.tags), self.since, self.until)


class _Query(BaseModel):
    top_k: Annotated[Whole, Field(ge=1, le=50, description="How many passages to use")] = 5
    collection: Text | None = Field(default=None, description="Omitted: the one that is served")
    filters: Filters = Filters()


class AskBody(_Query):
    """A question."""

    question: Text
    history: list[Turn] = Field(
        default=[], max_length=100, description="The messages before, oldest first"
    )
    stream: StrictBool = Field(default=False, description="Answer as server-sent events")
    include_passages: StrictBool = Field(default=True, description="Send what was retrieved, too")


class Quoted(BaseModel):
    """A span that an answer cited."""

    source: Annotated[Text, Field(max_length=1_000)]
    quote: Annotated[Text, Field(max_length=20_000)]


class FeedbackBody(BaseModel):
    """What a reader thought of an answer; what is given is kept."""

    rating: Literal["up", "down"]
    comment: Annotated[Text, Field(max_length=4_000)] | None = None
    correct_answer: Annotated[Text, Field(max_length=20_000)] | None = None
    question: Annotated[Text, Field(max_length=20_000)] | None = None
    answer: Annotated[Text, Field(max_length=200_000)] | None = None
    citations: Annotated[list[Quoted], Field(max_length=200)] | None = None


class SearchBody(_Query):
    """Words to search for."""

    query: Text


class Scores(BaseModel):
    """What each signal says of a passage, 0 to 1 each."""

    dense: float
    lexical: float
    sentence: float


class Passage(BaseModel):
    """A passage that was found; `rank` starts at 1, `score` is 0 to 1, higher is better."""

    rank: int
    source_id: str
    source: str = Field(description="The file's path below the corpus")
    title: str
    heading: str | None
    page: int | None
    start: int
    end: int
    text: str
    score: float
    scores: Scores
    url: str


class Citation(BaseModel):
    """The span that proves a sentence: `quote` is the source's text at `start:end`, exactly."""

    n: int = Field(description="The number of its marker in the answer, from 1")
    source_id: str
    source: str = Field(description="The file's path below the corpus")
    title: str
    heading: str | None
    page: int | None
    line: int = Field(description="The line of the text it begins on, from 1")
    sha256: str
    start: int
    end: int
    quote: str
    before: str = Field(description="Up to 200 characters before the quote")
    after: str = Field(description="Up to 200 characters after the quote")
    url: str


class Sentence(BaseModel):
    """A sentence of the answer and the verdict on it; offsets are into `answer`."""

    text: str
    start: int
    end: int
    status: Status
    why: str | None
    citations: list[int]


class Index(BaseModel):
    """Which index was asked."""

    collection: str
    generation: str
    complete: bool


class Usage(BaseModel):
    """Tokens the model counted."""

    prompt_tokens: int
    completion_tokens: int


class AnswerBody(BaseModel):
    """An answer with its proofs; `reason` says why there is none."""

    id: str
    question: str
    standalone_question: str
    answer: str
    format: Format
    answered: bool
    reason: Reason | None
    confidence: float
    answerer: Answerer
    model: str | None
    degraded: bool
    sentences: list[Sentence]
    citations: list[Citation]
    passages: list[Passage]
    index: Index
    timings_ms: dict[str, float]
    usage: Usage | None


class HitsBody(BaseModel):
    """What was found, best first."""

    hits: list[Passage]
    index: Index


class SourceBody(BaseModel):
    """One article file."""

    id: str
    source: str = Field(description="The file's path below the corpus")
    title: str
    sha256: str
    size_bytes: int
    length: int = Field(description="The text's length in characters")
    metadata: dict[str, str]
    url: str


class SourcesBody(BaseModel):
    """One page of the articles, by path; `next_cursor` is null on the last."""

    sources: list[SourceBody]
    next_cursor: str | None
    index: Index


class Alive(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


Waiting = Literal["starting", "building", "unavailable"]
"""Why nothing can be asked."""


class CollectionReady(BaseModel):
    """Whether one collection can be asked, and of which generation."""

    status: Waiting | Literal["ready"]
    generation: str | None = None
    complete: bool | None = None
    sources: int | None = None
    progress: dict[str, object] | None = None
    trouble: str | None = None


class TokenAsked(BaseModel):
    """What a widget token shall be good for; with a key, for which of the allowed origins."""

    origin: Annotated[Text, Field(max_length=300)] | None = None
    collections: Annotated[list[Text], Field(max_length=100)] | None = None


class TokenMade(BaseModel):
    """A widget token; renew it once on a 401."""

    token: str
    expires_in_s: int


class Ready(BaseModel):
    """Whether questions can be asked, and of which generation."""

    status: Waiting | Literal["ready", "draining"] = Field(
        description="`ready` where every collection is"
    )
    generation: str | None
    complete: bool | None
    version: str | None = Field(default=None, description="The service's; the widget's is the same")
    sources: int | None = None
    answerer: Answerer | None = None
    progress: dict[str, object] | None = None
    trouble: str | None = None
    collections: dict[str, CollectionReady] | None = Field(
        default=None, description="Each of them, where there are several"
    )


class SyncBody(BaseModel):
    """Which collection to sync."""

    collection: Text | None = Field(default=None, description="Omitted: as for a question")


class Left(BaseModel):
    """A file that was left out, and why."""

    path: str
    cause: str


class Report(BaseModel):
    """What a sync did; `generation` is the one that serves now."""

    generation: str
    published: bool
    added: int
    changed: int
    removed: int
    unchanged: int
    chunks: int
    skipped: list[Left]
    seconds: float


class JobError(BaseModel):
    """Why a job failed; `code` is a problem's."""

    code: str
    detail: str


class JobBody(BaseModel):
    """A change of the articles, and whether the index knows it already.

    `progress` has `event`, and where it counts something `done` and `total`. A file that could not
    be read is no failure: `report.skipped` names it.
    """

    id: str
    kind: Literal["put", "delete", "sync"]
    collection: str
    path: str | None
    status: Literal["queued", "running", "done", "failed"]
    created_at: str
    ended_at: str | None
    progress: dict[str, object] | None
    report: Report | None
    error: JobError | None


class Invalid(BaseModel):
    """One thing wrong with a request."""

    field: str
    message: str


class Problem(BaseModel):
    """What went wrong (RFC 9457); decide by `code`."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[Invalid] | None = None


class PassagesEvent(BaseModel):
    """First event."""

    id: str
    passages: list[Passage]


class DeltaEvent(BaseModel):
    """The next piece of `answer`."""

    text: str
    format: Format


class SentenceEvent(Sentence):
    """A sentence is whole; `index` counts from 0."""

    index: int


class CitationEvent(BaseModel):
    """A span was cited for the first time."""

    citation: Citation


class ErrorEvent(BaseModel):
    """Last event of a stream that broke."""

    problem: Problem
    retryable: bool


STREAM_EVENTS: dict[str, type[BaseModel]] = {
    "passages": PassagesEvent,
    "delta": DeltaEvent,
    "sentence": SentenceEvent,
    "citation": CitationEvent,
    "done": AnswerBody,
    "error": ErrorEvent,
}
"""The server-sent events of `POST /v1/answers`: name → data."""
