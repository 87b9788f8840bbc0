"""One question under way, and the events of an answer that no model words.

What retrieval found is kept here together with the answer as it is written; how it ends, with the
quoted sentences, with a refusal's one sentence or with what a model wrote, is one `Done`.
"""

import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from index.store.generation import Generation

from .answering.cite import Composer, End
from .answering.draft import Draft
from .answering.extractive import Pick
from .answering.pieces import Mark, Text
from .retrieval.fusion import Retrieved
from .timing import Watched
from .types import Answer, Answerer, Ask, Delta, Done, Event, Hit, Reason
from .verify.support import Judge

REFUSALS: dict[Reason, str] = {
    "index_empty": "There is nothing to answer from: the index holds no articles.",
    "nothing_retrieved": "None of the articles says anything about this.",
    "low_confidence": "The articles do not seem to answer this.",
    "model_declined": "The passages found do not answer this.",
    "unsupported": "No statement could be supported by the articles.",
}
"""The one sentence that a refusal says."""


@dataclass(slots=True)
class Asked:
    """One question under way."""

    ask: Ask
    generation: Generation
    judge: Judge
    started: float = field(default_factory=time.perf_counter)
    id: str = field(default_factory=lambda: f"ans_{secrets.token_urlsafe(12)}")
    standalone: str = ""
    found: Retrieved | None = None
    picks: list[Pick] = field(default_factory=list)
    confidence: float = 0.0
    degraded: bool = False
    timings: dict[str, float] = field(default_factory=dict)
    composer: Composer = field(init=False)
    watched: Watched = field(init=False)

    @property
    def hits(self) -> tuple[Hit, ...]:
        """What retrieval found."""
        return self.found.hits if self.found else ()

    def quoting(self) -> Composer:
        """Returns an empty answer of the hits' own words."""
        return self.composing(self.hits, writer="extractive")

    def composing(self, hits: Sequence[Hit], *, writer: Answerer) -> Composer:
        """Returns an empty answer that cites these hits."""
        return Composer(
            self.generation, hits, judge=self.judge, writer=writer, stages=self.watched.stages
        )

    def refusal(self, threshold: float) -> Reason | None:
        """Returns why the question is not answered; None where it is."""
        if not self.generation.info.chunks:
            return "index_empty"
        if not self.hits:
            return "nothing_retrieved"
        return "low_confidence" if self.confidence < threshold else None

    def quoted(self, reason: Reason | None) -> Iterator[Event]:
        """Yields the extractive answer, or the refusal, to its end."""
        if reason is None:
            for number, pick in enumerate(self.picks):
                text = self.hits[pick.hit].sentences[pick.sentence].text
                gap = (Text(" "),) if number else ()
                places = [(pick.hit, pick.sentence), *pick.agreeing]
                mark = Mark(tuple((hit + 1, sentence + 1) for hit, sentence in places))
                for piece in (*gap, Text(text), mark, End()):
                    yield from self.composer.take(piece)
        yield from self._ended(reason)

    def drafted(self, draft: Draft, *, model: str) -> Iterator[Event]:
        """Yields the end of an answer that a model has written."""
        yield from self._ended(draft.refusal, draft=draft, model=model)

    def _ended(
        self, reason: Reason | None, *, draft: Draft | None = None, model: str | None = None
    ) -> Iterator[Event]:
        """Yields the refusal's sentence, where it is one, and Done."""
        composer = self.composer
        if reason is not None:
            yield Delta(REFUSALS[reason], "text")
        total, retrieving = (time.perf_counter() - self.started) * 1000, self.timings["retrieve"]
        yield Done(
            Answer(
                id=self.id,
                question=self.ask.question,
                standalone_question=self.standalone,
                answer=composer.answer if reason is None else REFUSALS[reason],
                format="markdown" if draft and reason is None else "text",
                answered=reason is None,
                reason=reason,
                confidence=self.confidence,
                answerer="model" if draft else "extractive",
                model=model,
                degraded=self.degraded,
                sentences=tuple(composer.sentences) if reason is None else (),
                citations=tuple(composer.citations) if reason is None else (),
                passages=self.hits,
                index=self.generation.info,
                timings_ms={"retrieve": retrieving, "answer": total - retrieving, "total": total},
                usage=draft.usage if draft else None,
                dropped_markers=composer.dropped,
                raw=draft.raw if draft else None,
            )
        )
