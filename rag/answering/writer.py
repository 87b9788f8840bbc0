"""Writes an answer: with a model, sentence by sentence as it comes, or by quoting the hits.

Both yield the answer's events and end with one `Written`.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial

from index.types import Source

from ..errors import ModelMisbehaved
from ..language.kind.last_answer import AnswerAct
from ..language.refusals import refusal_text
from ..language.word_cover import Language
from ..model.protocol import ModelEnd, ModelText
from ..model.refusals import is_refusal
from ..model.search_line import SearchLines
from ..retrieval.sections import Place
from ..threads import in_thread
from ..types import (
    AnswerSentence,
    Citation,
    Delta,
    Event,
    Format,
    Hit,
    Reason,
    SentenceClosed,
    Usage,
)
from ..verify.llm_judge import LlmJudge, PendingVerdict
from .cite import AnswerBuilder
from .extractive import Pick
from .markers import Piece, SentenceEnd, Text
from .quotes import Quoter
from .sentences import SLICE, AnswerBuffer

MAX_SENTENCES = 1_000
"""Of a model's answer; the rest of a longer one is cut off."""

MAX_AFTER_SEARCH = 2_000
"""Characters after a search that are waited for: a model that ends says what it counted."""

_ENDS = tuple(".!?…。！？｡")


@dataclass(frozen=True, slots=True)
class Written:
    """How the writing ended; `model` and `raw` are None where the answer quotes its sources."""

    text: str
    format: Format
    reason: Reason | None = None
    sentences: tuple[AnswerSentence, ...] = ()
    citations: tuple[Citation, ...] = ()
    cited_hits: tuple[Hit, ...] = ()
    """Of a model's answer, the chunks that it cites."""
    dropped_markers: int = 0
    model: str | None = None
    usage: Usage | None = None
    raw: str | None = None
    prompt: tuple[tuple[str, str], ...] = ()
    """What a model was sent: (role, content) of each message."""
    degraded: bool = False
    sources: tuple[Source, ...] = ()


def refuse(
    reason: Reason,
    language: Language,
    about: AnswerAct | None = None,
    *,
    articles: Language | None = None,
) -> Iterator[Event | Written]:
    """Yields a refusal in the question's language; `about` is what it asks of the last answer.

    It names the language of the articles if that is given.
    """
    text = refusal_text(reason, language, about=about, articles=articles)
    yield Delta(text, "text")
    yield Written(text, "text", reason)


def say(text: str, sources: Sequence[Source] = ()) -> Iterator[Event | Written]:
    """Yields a reply of the service itself, and the articles that it lists."""
    yield Delta(text, "text")
    yield Written(text, "text", sources=tuple(sources))


def quote(
    builder: AnswerBuilder,
    quoter: Quoter,
    hits: Sequence[Hit],
    picks: Sequence[Pick],
    *,
    language: Language,
    preface: str = "",
    articles: Language | None = None,
) -> Iterator[Event | Written]:
    """Yields the extractive answer: the chosen units, each line with its citations.

    A refusal in the question's language where nothing of them can be quoted by itself. The
    `preface` is a line of the service's own before them.
    """

    def place(hit: int, unit: int) -> Place:
        return hits[hit], hits[hit].units[unit]

    lines = quoter.lines(
        [(place(pick.hit, pick.sentence), [place(*one) for one in pick.agreeing]) for pick in picks]
    )
    if not lines:  # introductions of nothing
        yield from refuse("low_confidence", language, articles=articles)
        return
    if preface:
        yield from builder.add_preface(preface)
    for line in lines:
        yield from builder.add_quote(line)
    yield _written(builder)


def _written(builder: AnswerBuilder) -> Written:
    return Written(
        builder.answer,
        builder.format,
        sentences=tuple(builder.sentences),
        citations=tuple(builder.citations),
        dropped_markers=builder.dropped_markers,
    )


class ModelWriter:
    """One answer being written by a model.

    In strict mode a sentence is shown only once it is whole and supported. Where an LLM judge is
    asked, text flows on while a sentence waits for its verdict; sentences close in their order.
    """

    def __init__(
        self,
        builder: AnswerBuilder,
        *,
        strict: bool,
        fence: str,
        language: Language,
        judge: LlmJudge | None = None,
        may_search: bool = False,
    ) -> None:
        """`fence` is the random tag of the prompt that the model answers.

        `may_search`: is the answer given up for a search that the model asks for?
        """
        self.has_shown_text = False
        self._language = language
        self._search, self._may_search = SearchLines(), may_search
        self._is_given_up = False
        self._builder, self._strict, self._judge = builder, strict, judge
        self._fence, self._raw, self._tail = fence, list[str](), ""
        self._buffer = AnswerBuffer(builder.resolves, whole_sentences=strict)
        self._usage: Usage | None = None
        self._finish_reason: str | None = None
        self._unclosed: deque[tuple[SentenceClosed, PendingVerdict | None]] = deque()

    @property
    def query(self) -> str | None:
        """What the model wants to be searched for instead of an answer; None if nothing."""
        wanted = self._is_given_up and self._may_search
        return (self._search.query or None) if wanted else None

    @property
    def usage(self) -> Usage | None:
        """The tokens that the model counted."""
        return self._usage

    async def write(
        self, stream: AsyncGenerator[ModelText | ModelEnd, None], *, model: str
    ) -> AsyncGenerator[Event | Written, None]:
        """Yields the answer's events, then `Written`; raises the AnswerError of the model.

        Yields nothing where the model asks for a search (`query`).
        """
        try:
            async with aclosing(self._pieces(stream)) as batches:
                async for pieces in batches:
                    for event in await self._add(pieces):
                        yield event
            while self._unclosed:
                yield await self._next_closed()
        finally:
            if self._judge:
                await self._judge.close()
        if self.query:
            return
        reason = self._reason()
        raw = "".join(self._raw)
        written = replace(
            _written(self._builder),
            cited_hits=self._builder.cited_hits,
            reason=reason,
            model=model,
            usage=self._usage,
            raw=raw,
        )
        if reason is None:
            yield written
            return
        written = replace(written, sentences=(), citations=(), cited_hits=())
        if not written.text:
            text = refusal_text(reason, self._language)
            yield Delta(text, "text")
            written = replace(written, text=text, format="text")
        yield written

    def _reason(self) -> Reason | None:
        """Returns why there is no answer after all; None if there is one.

        A refusal that was recognised too late to be held back stays as the model worded it.
        """
        if not self._builder.citations and is_refusal("".join(self._raw)):
            return "model_declined"
        if self._builder.sentences:
            return None
        return "unsupported" if self._strict and not self._is_given_up else "model_declined"

    async def _pieces(
        self, stream: AsyncGenerator[ModelText | ModelEnd, None]
    ) -> AsyncGenerator[Sequence[Piece], None]:
        """Yields what is certain of the model's text as it comes; nothing of a refusal."""
        sentences = ignored = 0
        async with aclosing(self._texts(stream)) as texts:
            async for text in texts:
                self._raw.append(text)
                if self._repeats_prompt(text) or sentences > MAX_SENTENCES:
                    self._buffer.discard()
                    self._search = SearchLines()
                    break
                kept = self._search.feed(text)
                if self._gives_up():
                    ignored += len(text)
                    if ignored > MAX_AFTER_SEARCH:
                        return
                    continue
                pieces = self._buffer.feed(kept)
                sentences += pieces.count(SentenceEnd())
                yield pieces
        rest = self._search.finish()
        if self._gives_up():
            return
        if rest:
            yield self._buffer.feed(rest)
        raw = "".join(self._raw)
        if self.has_shown_text or not is_refusal(raw):
            is_cut = self._finish_reason == "length" and raw.rstrip()[-1:] not in _ENDS
            yield self._buffer.finish(is_cut=is_cut or sentences > MAX_SENTENCES)

    def _gives_up(self) -> bool:
        """Whether the model has asked for a search before any of its text was shown."""
        self._is_given_up = self._search.query is not None and not self.has_shown_text
        return self._is_given_up

    async def _texts(
        self, stream: AsyncGenerator[ModelText | ModelEnd, None]
    ) -> AsyncGenerator[str, None]:
        """Yields the model's text in slices, so that a long delta never blocks the event loop."""
        async with aclosing(stream) as items:
            async for item in items:
                if isinstance(item, ModelEnd):
                    self._usage, self._finish_reason = item.usage, item.finish_reason
                    return
                for start in range(0, len(item.text), SLICE):
                    yield item.text[start : start + SLICE]
                    await asyncio.sleep(0)

    def _repeats_prompt(self, text: str) -> bool:
        """Whether the model wrote the fence; raises ModelMisbehaved if it has cited nothing yet."""
        self._tail = self._tail[-len(self._fence) :] + text
        if self._fence not in self._tail:
            return False
        if not self._builder.citations:
            raise ModelMisbehaved("the model repeated its prompt instead of answering")
        return True

    async def _add(self, pieces: Sequence[Piece]) -> list[Event]:
        events: list[Event] = []
        if self._strict:
            for sentence in _by_sentence(pieces):
                events += await self._add_if_supported(sentence)
        else:
            events += self._with_verdicts(await self._build(pieces))
        self.has_shown_text = self.has_shown_text or bool(events)
        return events

    async def _build(self, pieces: Sequence[Piece]) -> list[Event]:
        """Adds the pieces, in a thread where a citation is compared or a sentence verified."""

        def add() -> list[Event]:
            return [event for piece in pieces for event in self._builder.add(piece)]

        return add() if all(isinstance(piece, Text) for piece in pieces) else await in_thread(add)

    async def _add_if_supported(self, pieces: Sequence[Piece]) -> list[Event]:
        """Adds a whole sentence if what it cites supports it; otherwise leaves it out."""
        sentence, citations = await in_thread(partial(self._builder.preview, pieces))
        if sentence and self._judge:
            pending = self._judge.start(sentence, citations)
            await self._judge.wait(pending)
            sentence = self._judge.apply(sentence, pending)
        if sentence is None or sentence.status != "supported":
            return []
        *events, closed = await in_thread(partial(self._builder.add_sentence, pieces))
        assert isinstance(closed, SentenceClosed)
        with_verdict = replace(closed.sentence, status=sentence.status, why=sentence.why)
        return [*events, self._builder.replace_sentence(closed.index, with_verdict)]

    def _with_verdicts(self, events: Sequence[Event]) -> Iterator[Event]:
        """Yields the events, but each closed sentence only once the judge's verdict has come."""
        for event in events:
            if self._judge and isinstance(event, SentenceClosed):
                citations = self._builder.citations_of(event.sentence)
                self._unclosed.append((event, self._judge.start(event.sentence, citations)))
            else:
                yield event
        while self._unclosed and ((pending := self._unclosed[0][1]) is None or pending.done()):
            yield self._closed(*self._unclosed.popleft())

    async def _next_closed(self) -> SentenceClosed:
        """Returns the next sentence to close, once its verdict has come or is given up."""
        if self._judge:
            await self._judge.wait(self._unclosed[0][1])
        return self._closed(*self._unclosed.popleft())

    def _closed(self, closed: SentenceClosed, pending: PendingVerdict | None) -> SentenceClosed:
        assert self._judge  # without one nothing waits
        sentence = self._judge.apply(closed.sentence, pending)
        return self._builder.replace_sentence(closed.index, sentence)


def _by_sentence(pieces: Sequence[Piece]) -> Iterator[Sequence[Piece]]:
    """Yields the pieces of each sentence; the last piece is a SentenceEnd."""
    start = 0
    for place, piece in enumerate(pieces, start=1):
        if isinstance(piece, SentenceEnd):
            yield pieces[start:place]
            start = place
