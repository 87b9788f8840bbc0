"""What a target answered to a case, as it is kept: one JSON line of `samples.jsonl`.

A `Response` is the wire's answer without what differs from call to call (links); a target that
shows no passages says None, which is not the same as having found none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from index.types import Span

from ..types import Answer
from . import cases
from .cases import Case


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage that was found; `source` is None where the target does not say where it is from."""

    rank: int
    source: str | None
    start: int
    end: int
    text: str
    score: float
    heading: str | None = None
    page: int | None = None

    @property
    def span(self) -> Span:
        """Its place in the source."""
        return self.start, self.end


@dataclass(frozen=True, slots=True)
class Cited:
    """A citation; `valid` tells whether the source holds the quote there, None: not known."""

    n: int
    source: str
    start: int
    end: int
    quote: str
    valid: bool | None = None

    @property
    def span(self) -> Span:
        """Its place in the source."""
        return self.start, self.end


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence of the answer with the service's own verdict."""

    text: str
    status: str
    citations: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Response:
    """One answer. `confidence` is 0 to 1, higher is surer; None where the target has none."""

    answer: str
    answered: bool
    reason: str | None = None
    confidence: float | None = None
    answerer: str = "model"
    model: str | None = None
    degraded: bool = False
    standalone_question: str | None = None
    sentences: tuple[Said, ...] = ()
    citations: tuple[Cited, ...] | None = ()
    passages: tuple[Passage, ...] | None = ()
    usage: Mapping[str, int] | None = None
    id: str | None = None
    timings_ms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gold:
    """A case's evidence in the target's own text: every place of the quote; none: not there."""

    source: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """A case with its response, or with the error that stands for one."""

    case: Case
    response: Response | None
    error: str | None
    gold: tuple[Gold, ...]
    wall_ms: float

    @property
    def answered(self) -> bool:
        """Whether something was claimed."""
        return self.response is not None and self.response.answered


def from_answer(made: Answer) -> Response:
    """Returns the response that the pipeline's own answer is, rounded as on the wire."""
    return Response(
        answer=made.answer,
        answered=made.answered,
        reason=made.reason,
        confidence=round(made.confidence, 4),
        answerer=made.answerer,
        model=made.model,
        degraded=made.degraded,
        standalone_question=made.standalone_question,
        sentences=tuple(Said(s.text, s.status, tuple(s.citations)) for s in made.sentences),
        citations=tuple(Cited(c.n, c.source, c.start, c.end, c.quote) for c in made.citations),
        passages=tuple(
            Passage(
                rank=hit.rank,
                source=hit.source.path,
                start=hit.chunk.start,
                end=hit.chunk.end,
                text=hit.text,
                score=round(hit.score, 4),
                heading=hit.chunk.heading,
                page=hit.chunk.page,
            )
            for hit in made.passages
        ),
        usage=asdict(made.usage) if made.usage else None,
        id=made.id,
        timings_ms={name: round(ms, 1) for name, ms in made.timings_ms.items()},
    )


def from_wire(body: Mapping[str, Any]) -> Response:  # Any: JSON as it came
    """Returns the response that a JSON answer is; raises KeyError or TypeError where it is none."""
    passages, citations = body.get("passages"), body.get("citations", ())
    return Response(
        answer=str(body["answer"]),
        answered=bool(body["answered"]),
        reason=body.get("reason"),
        confidence=body.get("confidence"),
        answerer=body.get("answerer", "model"),
        model=body.get("model"),
        degraded=bool(body.get("degraded", False)),
        standalone_question=body.get("standalone_question"),
        sentences=tuple(
            Said(s["text"], s["status"], tuple(s["citations"])) for s in body.get("sentences", ())
        ),
        citations=None if citations is None else tuple(_of(Cited, item) for item in citations),
        passages=None if passages is None else tuple(_of(Passage, item) for item in passages),
        usage=body.get("usage"),
        id=body.get("id"),
        timings_ms=body.get("timings_ms", {}),
    )


def _of(kind: type[Any], item: Mapping[str, Any]) -> Any:  # Any: Cited or Passage, from JSON
    return kind(**{name: item[name] for name in kind.__slots__ if name in item})


def as_line(sample: Sample) -> dict[str, Any]:
    """Returns the JSON object of a sample."""
    return {
        "id": sample.case.id,
        "case": cases.as_line(sample.case),
        "response": None if sample.response is None else asdict(sample.response),
        "error": sample.error,
        "gold": [{"source": g.source, "spans": [list(s) for s in g.spans]} for g in sample.gold],
        "wall_ms": sample.wall_ms,
    }


def from_line(line: Mapping[str, Any]) -> Sample:
    """Returns the sample of a JSON object; raises KeyError, TypeError or ValueError."""
    return Sample(
        case=cases.case_of(line["case"]),
        response=None if line["response"] is None else from_wire(line["response"]),
        error=line["error"],
        gold=tuple(
            Gold(item["source"], tuple((s[0], s[1]) for s in item["spans"]))
            for item in line["gold"]
        ),
        wall_ms=float(line["wall_ms"]),
    )


def locate(quote: str, text: str | None) -> tuple[Span, ...]:
    """Returns every place of a quote in a source's text; none without a text."""
    spans: list[Span] = []
    at = -1 if text is None else text.find(quote)
    while text is not None and at >= 0:
        spans.append((at, at + len(quote)))
        at = text.find(quote, at + len(quote))
    return tuple(spans)


def by_case(samples: Sequence[Sample], order: Sequence[str]) -> list[Sample]:
    """Returns the samples in the order of their cases' ids; those not asked yet are missing."""
    known = {sample.case.id: sample for sample in samples}
    return [known[case_id] for case_id in order if case_id in known]
