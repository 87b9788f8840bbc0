"""What a target returned for a case: one JSON line of `samples.jsonl`.

A `Response` has the fields of the HTTP answer that are the same on every call (no links). A target
that does not expose its passages has None, which differs from an empty result.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from index.filters import normalize_path
from index.types import Span

from ..types import Answer
from .cases import Case

Json = Mapping[str, Any]  # Any: unvalidated JSON


@dataclass(frozen=True, slots=True)
class Passage:
    """A retrieved passage; `source` is None if the target does not name it."""

    rank: int
    source: str | None
    start: int
    end: int
    text: str
    score: float
    heading: str | None = None
    page: int | None = None

    @property
    def path(self) -> str | None:
        """Its source's path as paths are compared."""
        return None if self.source is None else normalize_path(self.source)

    @property
    def span(self) -> Span:
        """Its offsets in the source."""
        return self.start, self.end


@dataclass(frozen=True, slots=True)
class Citation:
    """A citation; `valid`: is the quote the source's text at the offsets? None: not checked."""

    n: int
    source: str
    start: int
    end: int
    quote: str
    valid: bool | None = None

    @property
    def path(self) -> str:
        """Its source's path as paths are compared."""
        return normalize_path(self.source)

    @property
    def span(self) -> Span:
        """Its offsets in the source."""
        return self.start, self.end


@dataclass(frozen=True, slots=True)
class AnswerSentence:
    """A sentence of the answer with the service's own verdict."""

    text: str
    status: str
    citations: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Response:
    """One answer; `confidence` is 0 to 1, higher is surer, None if the target reports none."""

    answer: str
    answered: bool
    reason: str | None = None
    confidence: float | None = None
    answerer: str = "model"
    model: str | None = None
    degraded: bool = False
    tentative: bool = False
    standalone_question: str | None = None
    sentences: tuple[AnswerSentence, ...] = ()
    citations: tuple[Citation, ...] | None = ()
    passages: tuple[Passage, ...] | None = ()
    usage: Mapping[str, int] | None = None
    id: str | None = None
    timings_ms: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def from_answer(cls, answer: Answer) -> Self:
        """Returns the pipeline's answer, rounded as in the HTTP response."""
        passages = [
            {
                "rank": hit.rank,
                "source": hit.source.path,
                "start": hit.chunk.start,
                "end": hit.chunk.end,
                "text": hit.text,
                "score": round(hit.score, 4),
                "heading": hit.chunk.heading,
                "page": hit.chunk.page,
            }
            for hit in answer.passages
        ]
        timings_ms = {name: round(ms, 1) for name, ms in answer.timings_ms.items()}
        body = asdict(replace(answer, passages=(), confidence=round(answer.confidence, 4)))
        return cls.from_json({**body, "passages": passages, "timings_ms": timings_ms})

    @classmethod
    def from_json(cls, body: Json) -> Self:
        """Returns the response of a JSON answer; raises KeyError or TypeError if it is none."""
        passages, citations = body.get("passages"), body.get("citations", ())
        values = {name: body[name] for name in cls.__slots__ if name in body}
        values |= {
            "answer": str(body["answer"]),
            "answered": bool(body["answered"]),
            "sentences": tuple(
                AnswerSentence(s["text"], s["status"], tuple(s["citations"]))
                for s in body.get("sentences", ())
            ),
            "citations": None if citations is None else _build(Citation, citations),
            "passages": None if passages is None else _build(Passage, passages),
        }
        return cls(**values)


def _build(cls: type[Any], items: Iterable[Json]) -> tuple[Any, ...]:  # Any: Citation or Passage
    return tuple(cls(**{k: item[k] for k in cls.__slots__ if k in item}) for item in items)


@dataclass(frozen=True, slots=True)
class GoldEvidence:
    """A case's evidence located in the target's text: every occurrence of the quote, or none."""

    source: str
    spans: tuple[Span, ...]

    @property
    def path(self) -> str:
        """Its source's path as paths are compared."""
        return normalize_path(self.source)

    @classmethod
    def locate(cls, source: str, quote: str, text: str | None) -> Self:
        """Finds every occurrence of the quote in the source's text; None: no such source."""
        matches = re.finditer(re.escape(quote), text or "")
        return cls(source, tuple(match.span() for match in matches))


@dataclass(frozen=True, slots=True)
class Sample:
    """A case with its response, or with the error that replaced it."""

    case: Case
    response: Response | None
    error: str | None
    gold: tuple[GoldEvidence, ...]
    wall_ms: float

    @property
    def answered(self) -> bool:
        """Whether the target answered, rather than refused or failed."""
        return self.response is not None and self.response.answered

    @property
    def passages(self) -> tuple[Passage, ...]:
        """The retrieved passages; empty for a target that exposes none."""
        return (self.response.passages or ()) if self.response else ()

    @property
    def citations(self) -> tuple[Citation, ...]:
        """The citations; empty for a target that cannot cite."""
        return (self.response.citations or ()) if self.response else ()

    def to_json(self) -> dict[str, Any]:
        """Returns the JSON object of `samples.jsonl`."""
        return {
            "id": self.case.id,
            "case": self.case.to_json(),
            "response": None if self.response is None else asdict(self.response),
            "error": self.error,
            "gold": [{"source": g.source, "spans": [list(s) for s in g.spans]} for g in self.gold],
            "wall_ms": self.wall_ms,
        }

    @classmethod
    def from_json(cls, line: Json) -> Self:
        """Returns the sample of a JSON object; raises KeyError, TypeError or ValueError."""
        return cls(
            case=Case.from_json(line["case"]),
            response=None if line["response"] is None else Response.from_json(line["response"]),
            error=line["error"],
            gold=tuple(
                GoldEvidence(item["source"], tuple((s[0], s[1]) for s in item["spans"]))
                for item in line["gold"]
            ),
            wall_ms=float(line["wall_ms"]),
        )
