"""The JSON shapes of requests and responses; CONTRIBUTING.md says what may change in them.

Offsets are Unicode code points, 0-based, end exclusive. Unknown fields of a request are ignored.
"""

import re
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, StrictBool

from index.types import Filters as IndexFilters
from rag.language.kind.intent import Kind
from rag.types import Answerer, Format, Reason, Status

_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def _validate_whole(value: object) -> object:
    """JSON has one kind of number: 8.0 is 8, but true and "8" are not numbers."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value % 1 != 0:
        raise ValueError("must be a whole number")
    return int(value)


def _validate_text(value: str) -> str:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("contains half of a surrogate pair, which is not a character") from None
    return value


def _validate_day(value: object) -> object:
    """A day is a string of ten characters: pydantic would also accept seconds since 1970."""
    if isinstance(value, date) or value is None:
        return value
    if not isinstance(value, str) or not _ISO_DAY.fullmatch(value):
        raise ValueError("must be a day such as 2026-11-24")
    return date.fromisoformat(value)


Whole = Annotated[int, BeforeValidator(_validate_whole)]
Text = Annotated[str, AfterValidator(_validate_text)]


class Turn(BaseModel):
    """One message of the conversation before the question."""

    role: Literal["user", "assistant"]
    content: Annotated[Text, Field(max_length=20_000)]


_Names = Annotated[list[Annotated[Text, Field(max_length=1_000)]], Field(max_length=100)]
Unit = Literal["sentence", "heading", "row", "item", "code", "field"]
_Day = Annotated[date | None, BeforeValidator(_validate_day)]


class Filters(BaseModel):
    """Which articles to search; every filter that is set must match."""

    source: _Names = Field(default=[], description="Paths below the corpus, or prefixes with `/`")
    tags: _Names = Field(default=[], description="Tags of the front matter; one match suffices")
    since: _Day = Field(default=None, description="First day of the front matter's `date`")
    until: _Day = Field(default=None, description="Last day")

    def to_index(self) -> IndexFilters:
        """Returns the filters of the index."""
        return IndexFilters(tuple(self.source), tuple(self.tags), self.since, self.until)


class _Query(BaseModel):
    top_k: Annotated[Whole, Field(ge=1, le=50, description="How many passages to use")] = 5
    collection: Text | None = Field(default=None, description="Omitted: the default collection")
    filters: Filters = Filters()


class AskBody(_Query):
    """A question."""

    question: Text
    history: Annotated[list[Turn], Field(max_length=100, description="Oldest first")] = []
    stream: StrictBool = Field(default=False, description="Answer as server-sent events")
    include_passages: StrictBool = Field(default=True, description="Include the retrieved passages")


class Quoted(BaseModel):
    """A quote that an answer cited."""

    source: Annotated[Text, Field(max_length=1_000)]
    quote: Annotated[Text, Field(max_length=20_000)]


class FeedbackBody(BaseModel):
    """A reader's feedback on an answer; all fields are stored."""

    rating: Literal["up", "down"]
    comment: Annotated[Text, Field(max_length=4_000)] | None = None
    correct_answer: Annotated[Text, Field(max_length=20_000)] | None = None
    question: Annotated[Text, Field(max_length=20_000)] | None = None
    answer: Annotated[Text, Field(max_length=200_000)] | None = None
    citations: Annotated[list[Quoted], Field(max_length=200)] | None = None


class SearchBody(_Query):
    """A search query."""

    query: Text


class Scores(BaseModel):
    """The scores of a passage by signal, 0 to 1 each."""

    dense: float
    lexical: float
    sentence: float


class Passage(BaseModel):
    """A retrieved passage; `rank` starts at 1, `score` is 0 to 1, higher is better."""

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
    date: str | None = Field(
        default=None, description="Day that the source states: `YYYY-MM-DD`, or its beginning"
    )
    unit: Unit = Field(default="sentence", description="Kind of its best part")
    url: str


class Citation(BaseModel):
    """The source of a sentence: `quote` is exactly the source's text at `start:end`."""

    n: int = Field(description="Number of its marker in the answer, from 1")
    source_id: str
    source: str = Field(description="The file's path below the corpus")
    title: str
    heading: str | None
    page: int | None
    line: int = Field(description="Line of the text on which it starts, from 1")
    sha256: str
    start: int
    end: int
    quote: str
    date: str | None = Field(
        default=None, description="Day that the source states: `YYYY-MM-DD`, or its beginning"
    )
    unit: Unit = Field(default="sentence", description="What is quoted")
    source_url: str | None = Field(
        default=None, description="Address of the page that the source is a copy of"
    )
    before: str = Field(description="Up to 200 characters before the quote")
    after: str = Field(description="Up to 200 characters after the quote")
    url: str


class Sentence(BaseModel):
    """A sentence of the answer and its support status; offsets are into `answer`."""

    text: str
    start: int
    end: int
    status: Status
    why: str | None
    citations: list[int]


class Conflict(BaseModel):
    """Cited sources that disagree, the newest first; `citations` are their numbers."""

    about: str = Field(description="The question on which they disagree")
    citations: list[int]


class ListedSource(BaseModel):
    """An article that an answer lists, with the link that shows it."""

    source_id: str
    source: str = Field(description="The file's path below the corpus")
    title: str
    date: str | None = Field(
        description="Day that the source states: `YYYY-MM-DD`, or its beginning"
    )
    url: str


class Index(BaseModel):
    """The generation of the index that answered."""

    collection: str
    generation: str
    complete: bool


class Usage(BaseModel):
    """Token counts of the model."""

    prompt_tokens: int
    completion_tokens: int


class AnswerBody(BaseModel):
    """An answer with its citations; `reason` says why there is none."""

    id: str
    question: str
    standalone_question: str
    kind: Kind = Field(default="question", description="What the question asks for")
    answer: str
    format: Format
    answered: bool
    reason: Reason | None
    confidence: float
    answerer: Answerer
    model: str | None
    degraded: bool
    tentative: bool = False
    language: str = Field(default="en", description="Of the question (BCP 47)")
    suggestions: list[str] = Field(
        default=[],
        max_length=3,
        description="Of a refusal: questions near it that the articles answer",
    )
    sentences: list[Sentence]
    citations: list[Citation]
    conflicts: list[Conflict] = []
    sources: list[ListedSource] = Field(
        default=[], description="The articles listed where it is asked which there are"
    )
    passages: list[Passage]
    index: Index
    timings_ms: dict[str, float]
    usage: Usage | None


class HitsBody(BaseModel):
    """Search results, best first."""

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


class SuggestionsBody(BaseModel):
    """Questions to begin with, which the articles answer."""

    suggestions: list[str] = Field(max_length=3)
    index: Index


class Alive(BaseModel):
    """The process is running."""

    status: Literal["alive"] = "alive"


Waiting = Literal["starting", "building", "unavailable"]
"""Why questions cannot be answered."""


class CollectionReady(BaseModel):
    """Whether one collection can answer questions, and its generation."""

    status: Waiting | Literal["ready"]
    generation: str | None = None
    complete: bool | None = None
    sources: int | None = None
    progress: dict[str, object] | None = None
    trouble: str | None = None
    behind_s: float | None = None


class TokenAsked(BaseModel):
    """The collections and groups of a widget token and, if requested with a key, its origin."""

    origin: Annotated[Text, Field(max_length=300)] | None = None
    collections: Annotated[list[Text], Field(max_length=100)] | None = None
    groups: (
        Annotated[
            list[Annotated[Text, Field(max_length=200)]],
            Field(max_length=100, description="The reader's, of the key's own; omitted: those"),
        ]
        | None
    ) = None


class TokenMade(BaseModel):
    """A widget token; request a new one on a 401."""

    token: str
    expires_in_s: int


class Ready(BaseModel):
    """Whether questions can be answered, and by which generation."""

    status: Waiting | Literal["ready", "draining"] = Field(description="`ready` if all are")
    generation: str | None
    complete: bool | None
    version: str | None = Field(default=None, description="Of the service and its widget")
    sources: int | None = None
    answerer: Answerer | None = None
    progress: dict[str, object] | None = None
    trouble: str | None = None
    state: Literal["readable", "unreadable"] | None = Field(
        default=None, description="Whether keys, jobs and feedback can be read"
    )
    behind_s: float | None = Field(
        default=None,
        description="Where machines share an index: seconds since the store answered, or since it "
        "has a newer generation that does not serve here",
    )
    collections: dict[str, CollectionReady] | None = Field(default=None, description="If several")
    sign_in: str | None = Field(
        default=None, description="Where people sign in, relative to the service; null: nowhere"
    )


class Me(BaseModel):
    """Who sends a request, and what they may do."""

    subject: str | None = Field(description="A person (`person_…`), a key (`key:…`), or anybody")
    name: str | None
    groups: list[str] | None = Field(description="null: articles of all groups may be read")
    scopes: list[Literal["read", "write", "admin"]]
    collections: list[str] | None = Field(description="null: all of them")
    session: str | None = Field(description="The id of the session, for `footnote sessions`")
    expires_at: datetime | None


class SignedOut(BaseModel):
    """Where the browser goes after signing out: to the provider, or to the page `/`."""

    url: str


class Invalid(BaseModel):
    """An invalid field of a request."""

    field: str
    message: str


class Problem(BaseModel):
    """An error (RFC 9457); handle it by its `code`."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[Invalid] | None = None
