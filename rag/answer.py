"""The story of a question: follow-up → retrieve → answer → cite → support.

Streaming is the primitive; the plain answer drains it. With a model its words are composed, and
where the model fails before its first word the extractive answer takes over, marked `degraded`.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Literal

from index.embed import Embedder
from index.generation import Generation
from index.types import NO_FILTERS, Filters

from .cite import Composer, End, Judge
from .decide import confidence, evidence
from .draft import Draft
from .errors import AnswerError
from .extract import Pick, pick_sentences
from .followup import stand_alone
from .llm import ChatModel
from .outcome import Watch, Watched, unwatched
from .pieces import Mark, Text
from .prompt import build_messages
from .query import understand
from .rerank import EndpointReranker
from .retrieve import Retrieved, prove, retrieve
from .rewrite import REWRITE_SHARE, rewritten
from .support import judge
from .types import (
    Answer,
    Answerer,
    Ask,
    Citation,
    Delta,
    Done,
    Event,
    Failed,
    Hit,
    PassagesFound,
    Reason,
    Status,
)
from .weights import Weights, fitted

log = logging.getLogger("footnote.answer")

SupportMode = Literal["flag", "strict", "off"]

REFUSALS: dict[Reason, str] = {
    "index_empty": "There is nothing to answer from: the index holds no articles.",
    "nothing_retrieved": "None of the articles says anything about this.",
    "low_confidence": "The articles do not seem to answer this.",
    "model_declined": "The passages found do not answer this.",
    "unsupported": "No statement could be supported by the articles.",
}
"""The one sentence that a refusal says."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much goes into a prompt, in characters."""

    history_chars: int
    passage_chars: int


class Pipeline:
    """Answers questions from a generation; holds no state of a question."""

    def __init__(
        self,
        *,
        embedder: Embedder,
        chat: ChatModel | None,
        support_mode: SupportMode,
        limits: Limits,
        weights: Weights | None = None,
        watch: Watch = unwatched,
        reranker: EndpointReranker | None = None,
    ) -> None:
        """`weights` are the fitted ones unless others are given; `watch` hears how each ends."""
        self._embedder, self._chat, self._limits = embedder, chat, limits
        self._weights = weights or fitted()
        self._mode, self._watch = support_mode, watch
        self._reranker = reranker

    def search(
        self, generation: Generation, query: str, *, top_k: int, filters: Filters = NO_FILTERS
    ) -> tuple[Hit, ...]:
        """Returns the best `top_k` hits, best first; blocks for some milliseconds."""
        return self._find(generation, query, top_k=top_k, filters=filters).hits

    def _find(
        self, generation: Generation, query: str, *, top_k: int, filters: Filters
    ) -> Retrieved:
        understood = understand(generation, self._embedder, query)
        reranker = self._reranker
        found = retrieve(
            generation,
            understood,
            weights=self._weights,
            top_k=max(top_k, reranker.candidates) if reranker else top_k,
            filters=filters,
        )
        if reranker is None:
            return found
        sent = found.hits[: reranker.candidates]
        hits = (*reranker(understood.text, sent), *found.hits[len(sent) :])
        return replace(found, hits=hits[:top_k])

    def prove(self, generation: Generation) -> None:
        """Asks a generation for one of its passages; raises IndexingError, as `retrieve.prove`."""
        prove(generation, self._embedder, weights=self._weights)

    async def answer(self, generation: Generation, ask: Ask) -> Answer:
        """Returns the whole answer; raises the AnswerError that the stream ended with."""
        async for event in self.stream(generation, ask):
            if isinstance(event, Done):
                return event.answer
            if isinstance(event, Failed):
                raise event.error
        raise AssertionError("a stream ends with Done or Failed")

    async def stream(self, generation: Generation, ask: Ask) -> AsyncIterator[Event]:
        """Yields the events of one answer; the last is Done, or Failed after its first words."""
        run = _Run(ask, generation, _unjudged if self._mode == "off" else _judged(ask.question))
        watched = run.watched = Watched(run.id, ask, generation.info, watch=self._watch)
        try:
            async with aclosing(self._events(run)) as events:
                async for event in events:
                    watched.see(event)
                    yield event
        except Exception as error:
            watched.tell(error=error)
            raise
        finally:
            watched.tell()

    async def _events(self, run: "_Run") -> AsyncGenerator[Event, None]:
        with run.watched.stages.during("follow_up"):
            run.standalone = await self._stand_alone(run.ask)
        with run.watched.stages.during("retrieve"):
            await asyncio.to_thread(self._retrieve, run)
        yield PassagesFound(run.id, run.hits)
        reason = _refusal(run, self._weights.floor if self._chat else self._weights.threshold)
        try:
            if self._chat is not None and reason is None:
                async for event in self._modelled(run, self._chat):
                    yield event
            else:
                for event in _quoted(run, reason):
                    yield event
        except AnswerError as error:
            log.warning("answer %s ended with an error: %s", run.id, error)
            yield Failed(error)

    async def _stand_alone(self, ask: Ask) -> str:
        if self._chat is None or not ask.history:
            return stand_alone(ask.question, ask.history)
        return await rewritten(
            self._chat, ask.question, ask.history, history_chars=self._limits.history_chars
        )

    async def _modelled(self, run: "_Run", chat: ChatModel) -> AsyncIterator[Event]:
        """Yields the model's answer; quotes instead where it failed before its first word."""
        messages, shown = build_messages(
            run.standalone,
            run.ask.history,
            hits=run.hits,
            fence=secrets.token_hex(8),
            history_chars=self._limits.history_chars,
            passage_chars=self._limits.passage_chars,
        )
        run.watched.model = chat.name
        run.composer = run.composing(shown, writer="model")
        draft = Draft(run.composer, strict=self._mode == "strict")
        try:
            share = 1 - REWRITE_SHARE if run.ask.history else 1.0
            async for event in draft.write(chat.stream(messages, share=share)):
                yield event
        except AnswerError as error:
            if draft.has_spoken:
                raise
            log.warning("the model failed, so answer %s quotes: %s", run.id, error)
            run.degraded = True
            run.composer = run.quoting()
            for event in _quoted(run, _refusal(run, self._weights.threshold)):
                yield event
            return
        for event in _ended(run, draft.refusal, answerer="model", draft=draft, model=chat.name):
            yield event

    def _retrieve(self, run: "_Run") -> None:
        """Fills in what retrieval finds; blocks for some milliseconds."""
        ask, started = run.ask, time.perf_counter()
        if run.generation.info.chunks:
            run.found = self._find(
                run.generation, run.standalone, top_k=ask.top_k, filters=ask.filters
            )
        if run.found and run.hits:
            run.picks = pick_sentences(ask.question, run.hits)
            found = evidence(run.standalone, run.found, run.picks)
            run.confidence = confidence(found, self._weights)
        run.composer = run.quoting()
        run.timings["retrieve"] = (time.perf_counter() - started) * 1000

    async def close(self) -> None:
        """Gives up the model's and the reranker's connections."""
        if self._chat is not None:
            await self._chat.close()
        if self._reranker is not None:
            self._reranker.close()


@dataclass(slots=True)
class _Run:
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


def _refusal(run: _Run, threshold: float) -> Reason | None:
    """Why this question is not answered; None where it is."""
    if not run.generation.info.chunks:
        return "index_empty"
    if not run.hits:
        return "nothing_retrieved"
    return "low_confidence" if run.confidence < threshold else None


def _quoted(run: _Run, reason: Reason | None) -> Iterator[Event]:
    """Yields the extractive answer, or the refusal."""
    if reason is None:
        for number, pick in enumerate(run.picks):
            text = run.hits[pick.hit].sentences[pick.sentence].text
            gap = (Text(" "),) if number else ()
            places = [(pick.hit, pick.sentence), *pick.agreeing]
            mark = Mark(tuple((hit + 1, sentence + 1) for hit, sentence in places))
            for piece in (*gap, Text(text), mark, End()):
                yield from run.composer.take(piece)
    yield from _ended(run, reason, answerer="extractive", draft=None, model=None)


def _ended(
    run: _Run,
    reason: Reason | None,
    *,
    answerer: Answerer,
    draft: Draft | None,
    model: str | None,
) -> Iterator[Event]:
    """Yields the refusal's sentence, where it is one, and Done."""
    composer = run.composer
    if reason is not None:
        yield Delta(REFUSALS[reason], "text")
    total = (time.perf_counter() - run.started) * 1000
    yield Done(
        Answer(
            id=run.id,
            question=run.ask.question,
            standalone_question=run.standalone,
            answer=composer.answer if reason is None else REFUSALS[reason],
            format="markdown" if answerer == "model" and reason is None else "text",
            answered=reason is None,
            reason=reason,
            confidence=run.confidence,
            answerer=answerer,
            model=model,
            degraded=run.degraded,
            sentences=tuple(composer.sentences) if reason is None else (),
            citations=tuple(composer.citations) if reason is None else (),
            passages=run.hits,
            index=run.generation.info,
            timings_ms={
                "retrieve": run.timings["retrieve"],
                "answer": total - run.timings["retrieve"],
                "total": total,
            },
            usage=draft.usage if draft else None,
            dropped_markers=composer.dropped,
            raw=draft.raw if draft else None,
        )
    )


def _judged(question: str) -> Judge:
    """Returns the judge of one answer: names may come from the question, titles and headings."""

    def verdict(sentence: str, cited: Sequence[Citation]) -> tuple[Status, str | None]:
        context = [question, *(f"{c.title} {c.heading or ''}" for c in cited)]
        found = judge(sentence, [citation.quote for citation in cited], context=context)
        return found.status, found.why

    return verdict


def _unjudged(sentence: str, cited: Sequence[Citation]) -> tuple[Status, str | None]:
    return ("supported", "not checked") if cited else ("uncited", None)
