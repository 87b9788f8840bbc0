"""The nouns of answering: a question with its hits, an answer with its citations, its events.

Offsets of passages and citations are into the source's text, those of answer sentences into the
answer; all in Unicode code points, 0-based, end exclusive. Scores are 0 to 1, higher is better.
"""

from dataclasses import dataclass, field
from typing import Literal

from index.types import NO_FILTERS, Chunk, Filters, GenerationInfo, Source, Span, UnitKind

from .errors import AnswerError
from .language.kind.intent import Kind

Status = Literal["supported", "unsupported", "uncited", "remark"]
Reason = Literal[
    "nothing_retrieved", "low_confidence", "model_declined", "unsupported", "index_empty"
]
Answerer = Literal["extractive", "model"]
Format = Literal["text", "markdown"]


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of the conversation before the question."""

    role: Literal["user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Ask:
    """A question as it came: with the conversation before it and how many passages to use.

    `filters` say which sources are searched.
    """

    question: str
    history: tuple[Turn, ...] = ()
    top_k: int = 5
    filters: Filters = NO_FILTERS


@dataclass(frozen=True, slots=True)
class Scores:
    """What each signal says of a hit, 0 to 1 each.

    `dense` is the cosine of the passage, `context` that of the passage with its neighbours,
    `heading` that of its title and headings, `late` how well each of the question's words is
    matched by its best one in the passage.
    """

    dense: float
    lexical: float
    sentence: float
    context: float = 0.0
    late: float = 0.0
    heading: float = 0.0


@dataclass(frozen=True, slots=True)
class ScoredUnit:
    """A unit of a hit: offsets into the source, its text, and its fit to the question.

    `similarity` is the mean cosine of the question's words, weighted by idf, with the sentence's
    best ones, or the unit's own where its words have no vectors; `cover` the share of the
    question's idf in words that it, its title or its headings hold, `own_cover` without these,
    `pairs` that in its pairs of neighbouring words, `unmatched` that in words with no near one in
    it. 0 to 1 each.
    """

    start: int
    end: int
    text: str
    similarity: float
    cover: float
    pairs: float = 0.0
    kind: UnitKind = "sentence"
    under: tuple[Span, ...] = ()
    context: tuple[str, ...] = ()
    """The texts of what it stands under."""
    own_cover: float = 0.0
    unmatched: float = 0.0


@dataclass(frozen=True, slots=True)
class Reading:
    """What the reader says of a passage: the logit that it answers the question.

    `units` are the log-probabilities, -8 to 0, that the answer starts and ends in each unit.
    """

    answers: float
    units: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk with its scores; `rank` starts at 1. A hit that the reader has read has a reading."""

    rank: int
    chunk: Chunk
    source: Source
    text: str
    score: float
    scores: Scores
    units: tuple[ScoredUnit, ...]
    reading: Reading | None = None


@dataclass(frozen=True, slots=True)
class Citation:
    """Where an answer sentence comes from: `quote` is the source's text at `start:end`, proved.

    `n` is the marker's number in the answer, from 1 in order of appearance; `line` starts at 1.
    """

    n: int
    source_id: str
    source: str
    title: str
    heading: str | None
    page: int | None
    line: int
    sha256: str
    start: int
    end: int
    quote: str
    before: str
    after: str
    date: str | None = None
    """The day that the source states; None where it states none."""
    unit: UnitKind = "sentence"
    source_url: str | None = None
    """The address that the source states for itself, or was fetched from; http(s) only."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Sources disagree on what the question asks: the citations' numbers, newest source first."""

    about: str
    citations: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AnswerSentence:
    """One sentence of the answer, markers included, and the verdict on it.

    `is_final`: a rule decided, so that no LLM judge is asked.
    """

    text: str
    start: int
    end: int
    status: Status
    why: str | None
    citations: tuple[int, ...]
    is_final: bool = True


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens the model counted."""

    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class Answer:
    """The whole result; `api/README.md` has each field.

    `passages` are the hits, then what a model's answer cites besides: it was shown more.
    """

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
    sentences: tuple[AnswerSentence, ...]
    citations: tuple[Citation, ...]
    passages: tuple[Hit, ...]
    index: GenerationInfo
    timings_ms: dict[str, float] = field(default_factory=dict)
    usage: Usage | None = None
    conflicts: tuple[Conflict, ...] = ()
    tentative: bool = False
    """Whether it is not certain that the answer, however well cited, answers the question."""
    kind: Kind = "question"
    """What was asked: a greeting, for a summary, …"""
    language: str = "en"
    """Of the question, as it was understood."""
    suggestions: tuple[str, ...] = ()
    """Of a refusal, up to three questions near it that the articles answer."""
    sources: tuple[Source, ...] = ()
    """The articles that the answer lists, where it is asked which there are."""
    dropped_markers: int = 0
    raw: str | None = None
    """What the model wrote last, before anything was done to it; None where it wrote nothing."""
    prompt: tuple[tuple[str, str], ...] = ()
    """What the model was sent: (role, content) of each message; empty where it wrote nothing."""


@dataclass(frozen=True, slots=True)
class PassagesFound:
    """First event: what retrieval found."""

    id: str
    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class SearchMade:
    """A model searched the articles again before it answered."""

    query: str


@dataclass(frozen=True, slots=True)
class Delta:
    """The next piece of the answer's text; `format` is that of the whole answer."""

    text: str
    format: Format


@dataclass(frozen=True, slots=True)
class SentenceClosed:
    """A sentence is whole and has its verdict; `index` counts from 0."""

    index: int
    sentence: AnswerSentence


@dataclass(frozen=True, slots=True)
class CitationMade:
    """A new source span was cited."""

    citation: Citation


@dataclass(frozen=True, slots=True)
class Done:
    """Last event of a good stream: the plain answer."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class Failed:
    """Last event of a stream that broke after its first words."""

    error: AnswerError


Event = PassagesFound | SearchMade | Delta | SentenceClosed | CitationMade | Done | Failed
