"""How an answer was written → the answer as it is returned."""

from dataclasses import dataclass, replace

from index.store.opened import OpenGeneration

from .answering.confidence import Evidence
from .answering.writer import Written
from .language.word_cover import Language, language_of
from .replies.prepare import Prepared
from .retrieval.weights import Weights
from .timing import OutcomeRecorder
from .types import Answer, Ask, Conflict, Hit, Usage


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """One question, the generation it is asked of, and what is timed and reported about it."""

    ask: Ask
    generation: OpenGeneration
    recorder: OutcomeRecorder
    standalone: str
    prepared: Prepared

    @property
    def full(self) -> str:
        """The question as it was asked; if it was rewritten rather than added to, as rewritten."""
        asked = self.ask.question
        return asked if self.standalone.startswith(asked.rstrip()) else self.standalone

    @property
    def repeats(self) -> bool:
        """Whether it asks something of the last answer; `standalone` is the question of that."""
        return self.prepared.about not in (None, "why")

    @property
    def language(self) -> Language:
        """The language in which it was asked."""
        return language_of(self.ask.question)


def build_answer(
    question: AskedQuestion,
    evidence: Evidence,
    written: Written,
    took_ms: float,
    weights: Weights,
    suggestions: tuple[str, ...] = (),
) -> Answer:
    """Returns the answer; its passages are the hits, then what else it cites."""
    retrieve_ms = evidence.retrieve_ms
    certain = weights.threshold if written.model else weights.certain
    return Answer(
        id=question.recorder.answer_id,
        question=question.ask.question,
        standalone_question=question.standalone,
        answer=written.text,
        format=written.format,
        answered=written.reason is None,
        reason=written.reason,
        confidence=evidence.confidence,
        answerer="model" if written.model else "extractive",
        model=written.model,
        degraded=written.degraded,
        sentences=written.sentences,
        citations=written.citations,
        passages=_passages(evidence.hits, written.cited_hits),
        index=question.generation.info,
        timings_ms={"retrieve": retrieve_ms, "answer": took_ms - retrieve_ms, "total": took_ms},
        usage=written.usage,
        conflicts=_conflicts(question, evidence, written),
        tentative=written.reason is None and evidence.confidence < certain,
        kind=question.prepared.kind,
        language=question.language,
        suggestions=suggestions,
        sources=written.sources,
        dropped_markers=written.dropped_markers,
        raw=written.raw,
        prompt=written.prompt,
    )


def _passages(hits: tuple[Hit, ...], cited: tuple[Hit, ...]) -> tuple[Hit, ...]:
    """Returns the hits, then what the answer cites besides, ranked after them."""
    ids = {hit.chunk.id for hit in hits}
    others = [hit for hit in cited if hit.chunk.id not in ids]
    ranked = (replace(hit, rank=rank) for rank, hit in enumerate(others, start=len(hits) + 1))
    return (*hits, *ranked)


def _conflicts(
    question: AskedQuestion, evidence: Evidence, written: Written
) -> tuple[Conflict, ...]:
    """Returns where the sources that are cited disagree."""
    units = [(evidence.hits[pick.hit], pick.sentence) for pick in evidence.conflict]
    starts = [(hit.source.id, hit.units[unit].start) for hit, unit in units]
    numbers = {(one.source_id, one.start): one.n for one in written.citations}
    cited = tuple(numbers[start] for start in starts if start in numbers)
    return (Conflict(question.standalone, cited),) if len(cited) > 1 else ()


def total_usage(first: Usage | None, second: Usage | None) -> Usage | None:
    """Returns the tokens of two requests; None where neither was counted."""
    if first is None or second is None:
        return first or second
    return Usage(
        first.prompt_tokens + second.prompt_tokens,
        first.completion_tokens + second.completion_tokens,
    )
