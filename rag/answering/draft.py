"""A model's stream → events: markers resolved, sentences closed, refusals recognised.

In strict mode a sentence is shown only once it is whole and supported. Where a second opinion is
asked for, text flows on while a sentence waits for its verdict; sentences close in their order.
"""

import re
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace

from ..errors import ModelMisbehaved
from ..model.openai_chat import ModelEnd, ModelText
from ..model.refusals import is_declined, may_decline, unlabelled
from ..types import Event, Reason, SentenceClosed, Usage
from ..verify.llm_judge import Asking, SecondOpinion
from .cite import Composer, End, Piece
from .markers import MarkerParser
from .pieces import Text
from .sentences import Sentencer

_TAG_BEGUN = re.compile(r"</?(?:[a-z]{0,12}|(?:passages|conversation)-[0-9a-f]{0,16})\Z")
_ENDS = tuple(".!?…。！？｡")


class Draft:
    """One answer being written by a model."""

    def __init__(
        self,
        composer: Composer,
        *,
        strict: bool,
        fence: str,
        opinion: SecondOpinion | None = None,
    ) -> None:
        """`fence` is the random tag of the prompt that it answers."""
        self.refusal: Reason | None = None
        """Why there is no answer after all; None where there is one."""
        self.usage: Usage | None = None
        self.has_spoken = False
        """Has anything been shown?"""
        self._composer, self._strict, self._opinion = composer, strict, opinion
        self._fence, self._waiting = fence, ""
        self._has_begun = self._is_cut = False
        self._parser, self._sentencer = MarkerParser(composer.has), Sentencer()
        self.raw = ""
        """What the model has written."""
        self._held: list[Piece] = []
        self._closing: deque[tuple[SentenceClosed, Asking | None]] = deque()

    async def write(
        self, stream: AsyncGenerator[ModelText | ModelEnd, None]
    ) -> AsyncGenerator[Event, None]:
        """Yields the answer's events; raises the AnswerError of the model."""
        try:
            async with aclosing(self._written(stream)) as events:
                async for event in events:
                    yield event
            while self._closing:
                yield await self._next_closed()
        finally:
            if self._opinion:
                await self._opinion.close()
        if self.refusal is None and not self._composer.sentences:
            self.refusal = "unsupported" if self._strict else "model_declined"

    async def _written(
        self, stream: AsyncGenerator[ModelText | ModelEnd, None]
    ) -> AsyncGenerator[Event, None]:
        async with aclosing(stream) as items:
            async for item in items:
                if isinstance(item, ModelEnd):
                    self.usage, self._is_cut = item.usage, item.finish_reason == "length"
                    break
                self.raw += item.text
                if self._repeats_prompt(item.text):
                    break
                for piece in self._cut(self._parser.feed(self._certain(item.text))):
                    for event in await self._take(piece):
                        yield event
        for piece in self._rest():
            for event in await self._take(piece):
                yield event

    def _repeats_prompt(self, text: str) -> bool:
        """Whether the fence, which is in no answer, came; raises ModelMisbehaved before any is."""
        if self._fence not in self.raw[-len(text) - len(self._fence) :]:
            return False
        if not self._composer.citations:
            raise ModelMisbehaved("the model repeated its prompt instead of answering")
        self._waiting = ""
        return True

    def _certain(self, text: str) -> str:
        """Returns what may be read of the model's text now that this came; may be empty."""
        self._waiting += text
        if not self._has_begun:
            if may_decline(self.raw):
                return ""
            self._has_begun, self._waiting = True, unlabelled(self._waiting)
        tag = _TAG_BEGUN.search(self._waiting)
        at = tag.start() if tag else len(self._waiting)
        certain, self._waiting = self._waiting[:at], self._waiting[at:]
        return certain

    def _cut(self, pieces: Iterable[Piece]) -> Iterator[Piece]:
        """Yields the pieces with the ends of their sentences."""
        return (part for piece in pieces for part in self._sentencer.feed(piece))

    def _rest(self) -> Iterator[Piece]:
        """Yields what is left when the model has ended; nothing where it declined."""
        if not self.has_spoken and is_declined(self.raw):
            self.refusal = "model_declined"
            return
        rest = self._waiting if self._has_begun else unlabelled(self._waiting)
        pieces = [*self._parser.feed(rest), *self._parser.finish()]
        if self._is_cut and self.raw.rstrip()[-1:] not in _ENDS:
            pieces.append(Text("…"))  # cut at the token limit, and whoever reads it must see that
        yield from self._cut(pieces)
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
                self._closing.append((event, self._opinion.ask(event.sentence, cited)))
            else:
                yield event
        while self._closing and ((asking := self._closing[0][1]) is None or asking.done()):
            yield self._judged(*self._closing.popleft())

    async def _next_closed(self) -> SentenceClosed:
        """Returns the next sentence to close, once its verdict has come or is given up."""
        if self._opinion:
            await self._opinion.wait(self._closing[0][1])
        return self._judged(*self._closing.popleft())

    def _judged(self, closed: SentenceClosed, asking: Asking | None) -> SentenceClosed:
        assert self._opinion  # else nothing waits
        return self._composer.revise(closed.index, self._opinion.settled(closed.sentence, asking))
