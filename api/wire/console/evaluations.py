"""The JSON shapes of evaluations."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from ..schemas import Quoted, Text

Failure = Literal[
    "not_retrieved",
    "retrieved_not_used",
    "wrong",
    "wrongly_refused",
    "answered_unanswerable",
    "badly_cited",
    "error",
]


class EvaluationAsked(BaseModel):
    """What to evaluate."""

    label: Annotated[Text, Field(max_length=200)] | None = None
    cases: Literal["kept", "drafted"] = Field(
        default="kept",
        description="The accepted cases, or up to 40 cloze questions made of the articles",
    )
    collection: Text | None = Field(default=None, description="Omitted: the default collection")


class EvaluationMade(BaseModel):
    """The evaluation that runs."""

    id: str


class MetricValue(BaseModel):
    """A metric with its 95 % interval, over `n` cases."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    unit: str


class EvaluationProgress(BaseModel):
    """How many cases were asked, and how many of those answers are correct."""

    done: int
    total: int
    correct: int


class EvaluationBody(BaseModel):
    """An evaluation; `metrics` are there once it is done."""

    id: str
    time: str
    label: str | None
    cases: int
    case_set: Literal["kept", "drafted"]
    metrics: dict[str, MetricValue]
    status: Literal["running", "done", "failed"]
    progress: EvaluationProgress | None
    error: str | None


class EvaluationsBody(BaseModel):
    """The evaluations of a collection, the newest first, at most 200."""

    evaluations: list[EvaluationBody]


class CaseResult(BaseModel):
    """One case with what was answered; `failure` is null where that is correct."""

    id: str
    question: str
    expected: list[str] = Field(description="Right answers; empty where there are only quotes")
    answerable: bool
    answer: str | None
    answered: bool
    tentative: bool
    failure: Failure | None
    error: str | None
    citations: list[Quoted]


class EvaluationDetail(EvaluationBody):
    """An evaluation with its cases, those that failed first."""

    results: list[CaseResult]


class ChangedMetric(BaseModel):
    """A metric in two evaluations, paired by case; the difference is after minus before."""

    metric: str
    before: float
    after: float
    difference: float
    low: float
    high: float
    p: float = Field(description="Adjusted for all the metrics that are compared (Holm)")
    is_significant: bool
    n: int


class FlippedCase(BaseModel):
    """A case with its failure in both evaluations; null: correct."""

    id: str
    question: str
    before: Failure | None
    after: Failure | None


class ComparisonBody(BaseModel):
    """What changed between two evaluations, over the cases of both."""

    metrics: list[ChangedMetric]
    fixed: list[FlippedCase]
    broken: list[FlippedCase]
    still_broken: list[FlippedCase]
    left_out: int = Field(description="Cases that only one of them has")
