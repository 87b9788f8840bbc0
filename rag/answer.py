"""The story of a question: condense → retrieve → decide → write → cite → verify.

Streaming is the primitive; the plain answer drains it. With a chat model the model writes the
answer; if it fails before its first word, the sources are quoted instead, marked `degraded`.
"""

import logging
import secrets
import time
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, TypeVar

from index.embed.protocol import Embedder
from index.store.opened import OpenGeneration
from index.types import NO_FILTERS, Filters

from .answering.cite import AnswerBuilder
from .answering.confidence import Evidence, refusal_reason
from .answering.quotes import Quoter
from .answering.writer import ModelWriter, Written, quote, refuse, say
from .errors import AnswerError
from .finder import Finder
from .language.periods import with_periods
from .language.word_cover import Language, language_of
from .model.condense import CONDENSE_TIMEOUT_SHARE, condense
from .model.dialogue import Dialogue
from .model.protocol import ChatModel
from .replies.prepare import Prepared, no_answer_yet, prepare
from .replies.suggester import Suggester
from .replies.texts import EVIDENCE
from .result import AskedQuestion, build_answer, total_usage
from .retrieval.article_language import other_language
from .retrieval.condense_rules import condense_by_rules, last_question, without_small_talk
from .retrieval.reader import Reader
from .retrieval.rerank import EndpointReranker
from .retrieval.sections import CANDIDATES, Section
from .retrieval.weights import Weights, fitted_weights
from .threads import in_thread
from .timing import Observer, OutcomeRecorder, ignore_outcome
from .types import (
    Answer,
    Answerer,
    Ask,
    Done,
    Event,
    Failed,
    Hit,
    PassagesFound,
    Reason,
    SearchMade,
    Usage,
)
from .verify.llm_judge import LlmJudge
from .verify.support import skip_verification, verifier_for

log = logging.getLogger("footnote.answer")

HISTORY_CHARS = 4_000
"""Maximum length of the conversation in a prompt."""
PASSAGE_CHARS = 16_000
"""Maximum length of the passages in a prompt; a search of the model's adds half as much."""

MAX_SEARCHES = 2
"""Further searches that a model may make for one answer."""
MIN_SHARE = 0.05
"""Of the model's timeout, what is left for an answer after its searches in any case."""

HELPED: frozenset[Reason] = frozenset({"low_confidence", "model_declined", "unsupported"})
"""Refusals with questions that the articles do answer."""

SupportMode = Literal["flag", "strict", "off"]
T = TypeVar("T")

_AFTER_CONDENSING = 1 - CONDENSE_TIMEOUT_SHARE


@dataclass(frozen=True, slots=True)
class Limits:
    """How much goes into a prompt, in characters."""

    history_chars: int = HISTORY_CHARS
    passage_chars: int = PASSAGE_CHARS


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
        observer: Observer = ignore_outcome,
        reranker: EndpointReranker | None = None,
        judge: ChatModel | None = None,
        reader: Reader | None = None,
    ) -> None:
        """`weights` default to the fitted ones; the `observer` is told how each question ended.

        The `reader` reads the hits. `judge` is asked about a model's sentences where the support
        rules leave them open.
        """
        self._chat, self._judge, self._limits = chat, judge, limits
        self._mode, self._observer = support_mode, observer
        self._weights = weights or fitted_weights()
        self._finder = Finder(embedder, self._weights, reranker, reader)
        self._suggester = Suggester(self._finder.search, self._weights)

    def search(
        self, generation: OpenGeneration, query: str, *, top_k: int, filters: Filters = NO_FILTERS
    ) -> tuple[Hit, ...]:
        """Returns the best `top_k` hits, best first; blocks for some milliseconds."""
        return self._finder.search(generation, query, top_k=top_k, filters=filters).hits

    def suggestions(self, generation: OpenGeneration) -> tuple[str, ...]:
        """Returns up to three questions that the articles answer; blocks for seconds at first."""
        return self._suggester.of_collection(generation)

    def smoke_test(self, generation: OpenGeneration) -> None:
        """Searches a generation for one of its own passages; raises IndexingError if it fails."""
        self._finder.smoke_test(generation)

    async def answer(
        self, generation: OpenGeneration, ask: Ask, *, answer_id: str | None = None
    ) -> Answer:
        """Returns the whole answer; raises the AnswerError that the stream ended with."""
        async for event in self.stream(generation, ask, answer_id=answer_id):
            if isinstance(event, Done):
                return event.answer
            if isinstance(event, Failed):
                raise event.error
        raise AssertionError("a stream ends with Done or Failed")

    async def stream(
        self, generation: OpenGeneration, ask: Ask, *, answer_id: str | None = None
    ) -> AsyncGenerator[Event, None]:
        """Yields the events of one answer; the last is Done, or Failed after its first words.

        Without an `answer_id` it gets a random one.
        """
        answer_id = answer_id or f"ans_{secrets.token_urlsafe(12)}"
        recorder = OutcomeRecorder(answer_id, ask, generation.info, observer=self._observer)
        try:
            async with aclosing(self._events(generation, ask, recorder)) as events:
                async for event in events:
                    recorder.record(event)
                    yield event
        except Exception as error:
            recorder.report(error=error)
            raise
        finally:
            recorder.report()

    async def _events(
        self, generation: OpenGeneration, ask: Ask, recorder: OutcomeRecorder
    ) -> AsyncGenerator[Event, None]:
        """Condenses, retrieves, decides, and has the answer written, cited and verified."""
        started = time.perf_counter()
        with recorder.stages.during("follow_up"):
            question = await self._understand(generation, ask, recorder)
        with recorder.stages.during("retrieve"):
            find = partial(self._finder.find, question, for_model=self._chat is not None)
            evidence, candidates = await in_thread(find)
        yield PassagesFound(recorder.answer_id, evidence.hits)
        try:
            if reply := question.prepared.reply:
                items = _as_async(say(*reply))
            elif reason := self._refusal(question, evidence):
                articles = await self._other_language(question)
                about = question.prepared.about
                items = _as_async(refuse(reason, question.language, about, articles=articles))
            elif self._chat:
                items = self._write(question, evidence, candidates, self._chat)
            else:
                items = _as_async(await self._quote(question, evidence))
            async with aclosing(items):
                async for item in items:
                    if isinstance(item, Written):
                        suggested = await self._suggest(question, evidence, item.reason)
                        took_ms = (time.perf_counter() - started) * 1000
                        yield Done(
                            build_answer(
                                question, evidence, item, took_ms, self._weights, suggested
                            )
                        )
                    else:
                        yield item
        except AnswerError as error:
            log.warning("answer %s failed: %s", recorder.answer_id, error)
            yield Failed(error)

    async def _suggest(
        self, question: AskedQuestion, evidence: Evidence, reason: Reason | None
    ) -> tuple[str, ...]:
        if reason not in HELPED:
            return ()
        near, filters = self._suggester.near, question.ask.filters
        asked = question.standalone
        return await in_thread(partial(near, question.generation, asked, evidence.hits, filters))

    async def _understand(
        self, generation: OpenGeneration, ask: Ask, recorder: OutcomeRecorder
    ) -> AskedQuestion:
        has_model = self._chat is not None
        prepared = await in_thread(partial(prepare, ask, generation, has_model=has_model))
        if prepared.about not in (None, "why"):
            return await self._ask_again(generation, ask, recorder, prepared)
        if prepared.evidence:
            return AskedQuestion(ask, generation, recorder, ask.question, prepared)
        condensed = await self._condense(ask)
        question = AskedQuestion(ask, generation, recorder, with_periods(condensed), prepared)
        if question.full == ask.question:
            return question
        rewritten = replace(ask, question=condensed, history=())
        prepared = await in_thread(partial(prepare, rewritten, generation, has_model=has_model))
        return replace(question, prepared=prepared)

    async def _ask_again(
        self, generation: OpenGeneration, ask: Ask, recorder: OutcomeRecorder, prepared: Prepared
    ) -> AskedQuestion:
        """Returns what is asked of the last answer, with the question that this answered."""
        before = await in_thread(partial(last_question, ask))
        if before is None:
            prepared = await in_thread(partial(no_answer_yet, ask, generation))
            return AskedQuestion(ask, generation, recorder, ask.question, prepared)
        last = await self._understand(generation, before, recorder)
        again = replace(last.prepared, kind="last_answer", about=prepared.about)
        return replace(last, ask=ask, prepared=again)

    def _refusal(self, question: AskedQuestion, evidence: Evidence) -> Reason | None:
        threshold = 0.0 if self._chat else self._threshold(question.standalone)
        return refusal_reason(evidence, question.generation.info, threshold)

    def _threshold(self, standalone: str) -> float:
        return self._weights.threshold_for(is_english=language_of(standalone) == "en")

    async def _other_language(self, question: AskedQuestion) -> Language | None:
        """Returns the language of the articles, if the question is in one that is not searched."""
        if self._chat or self._finder.finds_across_languages is not False:
            return None
        find = partial(other_language, question.generation, question.language)
        return await in_thread(find)

    async def _condense(self, ask: Ask) -> str:
        history = await in_thread(partial(without_small_talk, ask.history))
        if not history:
            return ask.question
        if self._chat is None:
            return await in_thread(partial(condense_by_rules, ask.question, history))
        return await condense(
            self._chat, ask.question, history, history_chars=self._limits.history_chars
        )

    async def _write(
        self,
        question: AskedQuestion,
        evidence: Evidence,
        candidates: tuple[Hit, ...],
        chat: ChatModel,
    ) -> AsyncGenerator[Event | Written, None]:
        """Yields the model's answer; quotes the sources if it fails before its first word."""
        question.recorder.model = chat.name
        has_shown_text = False
        try:
            async with aclosing(self._model_items(question, candidates, chat)) as items:
                async for item in items:
                    has_shown_text = has_shown_text or not isinstance(item, SearchMade)
                    yield item
        except AnswerError as error:
            if has_shown_text:
                raise
            log.warning(
                "the model failed, answer %s quotes: %s", question.recorder.answer_id, error
            )
            info, threshold = question.generation.info, self._threshold(question.standalone)
            reason = refusal_reason(evidence, info, threshold)
            for item in (
                refuse(reason, question.language)
                if reason
                else await self._quote(question, evidence)
            ):
                yield replace(item, degraded=True) if isinstance(item, Written) else item

    async def _model_items(
        self, question: AskedQuestion, candidates: tuple[Hit, ...], chat: ChatModel
    ) -> AsyncGenerator[Event | Written, None]:
        """Yields the model's answer after at most MAX_SEARCHES searches that it asks for."""
        ask, limits, fence = question.ask, self._limits, secrets.token_hex(8)
        ends_at = time.monotonic() + chat.total_s * (_AFTER_CONDENSING if ask.history else 1)
        dialogue = Dialogue(
            question.generation,
            ask.question if question.repeats else question.standalone,
            fence=fence,
            passage_chars=limits.passage_chars,
        )
        begin = partial(dialogue.begin, candidates, ask.history)
        begin = partial(begin, about=question.prepared.about, before=question.standalone)
        await in_thread(partial(begin, history_chars=limits.history_chars))
        usage: Usage | None = None
        for searches_left in range(MAX_SEARCHES, -1, -1):
            share = max((ends_at - time.monotonic()) / chat.total_s, MIN_SHARE)
            writer = ModelWriter(
                self._builder(question, "model", dialogue.passages),
                strict=self._mode == "strict",
                fence=fence,
                language=question.language,
                judge=self._llm_judge(question, share=share),
                may_search=searches_left > 0,
            )
            stream = chat.stream(dialogue.messages, share=share)
            async with aclosing(writer.write(stream, model=chat.name)) as items:
                async for item in items:
                    if isinstance(item, Written):
                        sent = tuple((one.role, one.content) for one in dialogue.messages)
                        yield replace(item, usage=total_usage(usage, item.usage), prompt=sent)
                    else:
                        yield item
            if writer.query is None:
                return
            usage = total_usage(usage, writer.usage)
            yield SearchMade(writer.query)
            more = partial(self._search_again, question, dialogue, writer.query)
            await in_thread(partial(more, may_search=searches_left > 1))

    def _search_again(
        self, question: AskedQuestion, dialogue: Dialogue, query: str, *, may_search: bool
    ) -> None:
        result = self._finder.search(
            question.generation, query, top_k=CANDIDATES, filters=question.ask.filters
        )
        dialogue.add_search(query, result.hits, may_search=may_search)

    async def _quote(self, question: AskedQuestion, evidence: Evidence) -> list[Event | Written]:
        builder = self._builder(question, "extractive")
        is_summary = question.prepared.kind == "summary" or question.repeats
        asked = "" if is_summary else question.standalone
        is_evidence = question.prepared.about == "evidence"
        quoter = Quoter(question.generation, asked, evidence.hits)
        quoted = partial(
            quote,
            builder,
            quoter,
            evidence.hits,
            evidence.picks,
            language=question.language,
            preface=EVIDENCE[question.language] if is_evidence else "",
            articles=await self._other_language(question),
        )
        return await in_thread(lambda: list(quoted()))

    def _builder(
        self, question: AskedQuestion, writer: Answerer, passages: tuple[Section, ...] = ()
    ) -> AnswerBuilder:
        rules = skip_verification if self._mode == "off" else verifier_for(question.full)
        stages = question.recorder.stages
        return AnswerBuilder(
            question.generation, passages, judge=rules, writer=writer, stages=stages
        )

    def _llm_judge(self, question: AskedQuestion, *, share: float) -> LlmJudge | None:
        if self._judge is None or self._mode == "off":
            return None
        stages = question.recorder.stages
        return LlmJudge(self._judge, question.standalone, share=share, stages=stages)

    async def close(self) -> None:
        """Closes the connections of the models and the reranker."""
        for model in {self._chat, self._judge}:
            if model is not None:
                await model.close()
        self._finder.close()


async def _as_async(items: Iterable[T]) -> AsyncGenerator[T, None]:
    for item in items:
        yield item
