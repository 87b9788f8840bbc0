"""The story of a question: follow-up → retrieve → answer → cite → support.

Streaming is the primitive; the plain answer drains it. With a model its words are composed, and
where the model fails before its first word the extractive answer takes over, marked `degraded`.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from index.embed.protocol import Embedder
from index.store.generation import Generation
from index.types import NO_FILTERS, Filters

from .answering.confidence import confidence, evidence
from .answering.draft import Draft
from .answering.extractive import pick_sentences, with_conflicts
from .asked import Asked
from .errors import AnswerError
from .model.condense import REWRITE_SHARE, rewritten
from .model.openai_chat import ChatModel
from .model.prompt import build_messages
from .retrieval.condense_rules import stand_alone
from .retrieval.fusion import Retrieved, prove, retrieve
from .retrieval.query import understand
from .retrieval.rerank import EndpointReranker
from .retrieval.weights import Weights, fitted
from .timing import Watch, Watched, unwatched
from .types import Answer, Ask, Done, Event, Failed, Hit, PassagesFound
from .verify.llm_judge import SecondOpinion
from .verify.support import judging, unjudged

log = logging.getLogger("footnote.answer")

SupportMode = Literal["flag", "strict", "off"]


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
        judge: ChatModel | None = None,
    ) -> None:
        """`weights` are the fitted ones unless others are given; `watch` hears how each ends.

        `judge` is asked about the model's sentences where the rules of support leave them open.
        """
        self._embedder, self._chat, self._limits = embedder, chat, limits
        self._weights = weights or fitted()
        self._mode, self._watch = support_mode, watch
        self._reranker, self._judge = reranker, judge

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
        run = Asked(ask, generation, unjudged if self._mode == "off" else judging(ask.question))
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

    async def _events(self, run: Asked) -> AsyncGenerator[Event, None]:
        with run.watched.stages.during("follow_up"):
            run.standalone = await self._stand_alone(run.ask)
        with run.watched.stages.during("retrieve"):
            await _to_its_end(partial(self._retrieve, run))
        yield PassagesFound(run.id, run.hits)
        reason = run.refusal(self._weights.floor if self._chat else self._weights.threshold)
        try:
            if self._chat is not None and reason is None:
                async with aclosing(self._modelled(run, self._chat)) as events:
                    async for event in events:
                        yield event
            else:
                for event in run.quoted(reason):
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

    async def _modelled(self, run: Asked, chat: ChatModel) -> AsyncGenerator[Event, None]:
        """Yields the model's answer; quotes instead where it failed before its first word."""
        fence = secrets.token_hex(8)
        messages, shown = build_messages(
            run.standalone,
            run.ask.history,
            hits=run.hits,
            fence=fence,
            history_chars=self._limits.history_chars,
            passage_chars=self._limits.passage_chars,
        )
        run.watched.model = chat.name
        run.composer = run.composing(shown, writer="model")
        share = 1 - REWRITE_SHARE if run.ask.history else 1.0
        draft = Draft(
            run.composer,
            strict=self._mode == "strict",
            fence=fence,
            opinion=self._second_opinion(run, share=share),
        )
        try:
            async with aclosing(draft.write(chat.stream(messages, share=share))) as events:
                async for event in events:
                    yield event
        except AnswerError as error:
            if draft.has_spoken:
                raise
            log.warning("the model failed, so answer %s quotes: %s", run.id, error)
            run.degraded = True
            run.composer = run.quoting()
            for event in run.quoted(run.refusal(self._weights.threshold)):
                yield event
            return
        for event in run.drafted(draft, model=chat.name):
            yield event

    def _second_opinion(self, run: Asked, *, share: float) -> SecondOpinion | None:
        if self._judge is None or self._mode == "off":
            return None
        return SecondOpinion(self._judge, run.standalone, share=share, stages=run.watched.stages)

    def _retrieve(self, run: Asked) -> None:
        """Fills in what retrieval finds; blocks for some milliseconds."""
        ask, started = run.ask, time.perf_counter()
        if run.generation.info.chunks:
            run.found = self._find(
                run.generation, run.standalone, top_k=ask.top_k, filters=ask.filters
            )
        if run.found and run.hits:
            picks = pick_sentences(ask.question, run.hits)
            found = evidence(run.standalone, run.found, picks)  # a conflict makes nothing surer
            run.confidence = confidence(found, self._weights)
            run.picks = with_conflicts(ask.question, picks, run.hits)
        run.composer = run.quoting()
        run.timings["retrieve"] = (time.perf_counter() - started) * 1000

    async def close(self) -> None:
        """Gives up the models' and the reranker's connections."""
        for model in {self._chat, self._judge}:
            if model is not None:
                await model.close()
        if self._reranker is not None:
            self._reranker.close()


async def _to_its_end(job: Callable[[], None]) -> None:
    """Runs a job in a thread; who is cancelled waits for it, as what it reads is closed next."""
    work = asyncio.ensure_future(asyncio.to_thread(job))
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait({work})
        if not work.cancelled():
            work.exception()  # it is nobody's any more
        raise
