"""A model's stream → events: markers resolved, sentences closed, refusals recognised.

In strict mode a sentence is shown only once it is whole and supported. Where a second opinion is
asked for, text flows on while a sentence waits for its verdict; sentences close in their order.
"""

from collections import deque
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace

from .cite import Composer, End, Piece
from .llm import ModelEnd, ModelText
from .markers import MarkerParser
from .opinion import Asking, SecondOpinion
from .prompt import is_declined, may_decline
from .sentences import Sentencer
from .types import Event, Reason, SentenceClosed, Usage


class Draft:
    """One answer being written by a model."""

    def __init__(
        self, composer: Composer, *, strict: bool, opinion: SecondOpinion | None = None
    ) -> None:
        self.refusal: Reason | None = None
        """Why there is no answer after all; None where there is one."""
        self.usage: Usage | None = None
        self.has_spoken = False
        """Has anything been shown?"""
        self._composer, self._strict, self._opinion = composer, strict, opinion
        self._parser, self._sentencer = MarkerParser(), Sentencer()
        self.raw = ""
        """What the model has written."""
        self._held: list[Piece] = []
        self._waiting: deque[tuple[SentenceClosed, Asking | None]] = deque()

    async def write(
        self, stream: AsyncGenerator[ModelText | ModelEnd, None]
    ) -> AsyncGenerator[Event, None]:
        """Yields the answer's events; raises the AnswerError of the model."""
        try:
            async with aclosing(self._written(stream)) as events:
                async for event in events:
                    yield event
            while self._waiting:
                yield await self._next_closed()
        finally:
            if self._opinion:
                await self._opinion.close()
        if self.refusal is None and not self._composer.sentences:
            self.refusal = "unsupported" if self._strict else "model_declined"

    async def _written(
        self, stream: AsyncGenerator[ModelText | ModelEnd, None]
    ) -> AsyncGenerator[Event, None]:
        waiting = ""
        async with aclosing(stream) as items:
            async for item in items:
                if isinstance(item, ModelEnd):
                    self.usage = item.usage
                    break
                self.raw += item.text
                waiting += item.text
                if self.has_spoken or not may_decline(self.raw):
                    for piece in self._cut(self._parser.feed(waiting)):
                        for event in await self._take(piece):
                            yield event
                    waiting = ""
        for piece in self._rest(waiting):
            for event in await self._take(piece):
                yield event

    def _cut(self, pieces: Iterable[Piece]) -> Iterator[Piece]:
        """Yields the pieces with the ends of their sentences."""
        return (part for piece in pieces for part in self._sentencer.feed(piece))

    def _rest(self, waiting: str) -> Iterator[Piece]:
        """Yields what is left when the model has ended; nothing where it declined."""
        if not self.has_spoken and is_declined(self.raw):
            self.refusal = "model_declined"
            return
        yield from self._cut([*self._parser.feed(waiting), *self._parser.finish()])
        yield from self._sentencer.finish()
        yield End()

    async def _take(self, piece: Piece) -> list[Event]:
        if not self._strict:
            events = list(self._as_judged(self._composer.take(piece)))
        elif isinstance(piece, End):
            events = await self._if_supported([*self._held, piece])
            self._held = []
        else:
            self._held.append(piece)
            return []
        self.has_spoken = self.has_spoken or bool(events)
        return events

    async def _if_supported(self, pieces: Sequence[Piece]) -> list[Event]:
        """Adds a whole sentence where what it cites supports it; else leaves it out."""
        said, cited = self._composer.tried(pieces)
        if said and self._opinion:
            asking = self._opinion.ask(said, cited)
            await self._opinion.wait(asking)
            said = self._opinion.settled(said, asking)
        if said is None or said.status != "supported":
            return []
        *events, closed = self._composer.take_whole(pieces)
        assert isinstance(closed, SentenceClosed)
        verdict = replace(closed.sentence, status=said.status, why=said.why)
        return [*events, self._composer.revise(closed.index, verdict)]

    def _as_judged(self, events: Sequence[Event]) -> Iterator[Event]:
        """Yields the events, but each closed sentence only once its verdict has come."""
        for event in events:
            if self._opinion and isinstance(event, SentenceClosed):
                cited = self._composer.cited_by(event.sentence)
                self._waiting.append((event, self._opinion.ask(event.sentence, cited)))
            else:
                yield event
        while self._waiting and ((asking := self._waiting[0][1]) is None or asking.done()):
            yield self._judged(*self._waiting.popleft())

    async def _next_closed(self) -> SentenceClosed:
        """Returns the next sentence to close, once its verdict has come or is given up."""
        if self._opinion:
            await self._opinion.wait(self._waiting[0][1])
        return self._judged(*self._waiting.popleft())

    def _judged(self, closed: SentenceClosed, asking: Asking | None) -> SentenceClosed:
        assert self._opinion  # else nothing waits
        return self._composer.revise(closed.index, self._opinion.settled(closed.sentence, asking))
