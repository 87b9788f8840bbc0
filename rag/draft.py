"""A model's stream → events: markers resolved, sentences closed, refusals recognised.

In strict mode a sentence is shown only once it is whole and supported.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Sequence
from contextlib import aclosing

from .cite import Composer, End, Piece
from .llm import ModelEnd, ModelText
from .markers import MarkerParser
from .prompt import is_declined, may_decline
from .sentences import Sentencer
from .types import Event, Reason, Usage


class Draft:
    """One answer being written by a model."""

    def __init__(self, composer: Composer, *, strict: bool) -> None:
        self.refusal: Reason | None = None
        """Why there is no answer after all; None where there is one."""
        self.usage: Usage | None = None
        self.has_spoken = False
        """Has anything been shown?"""
        self._composer, self._strict = composer, strict
        self._parser, self._sentencer = MarkerParser(), Sentencer()
        self.raw = ""
        """What the model has written."""
        self._held: list[Piece] = []

    async def write(
        self, stream: AsyncGenerator[ModelText | ModelEnd, None]
    ) -> AsyncIterator[Event]:
        """Yields the answer's events; raises the AnswerError of the model."""
        waiting = ""
        async with aclosing(stream) as items:
            async for item in items:
                if isinstance(item, ModelEnd):
                    self.usage = item.usage
                    break
                self.raw += item.text
                waiting += item.text
                if self.has_spoken or not may_decline(self.raw):
                    for event in self._shown(self._parser.feed(waiting)):
                        yield event
                    waiting = ""
        for event in self._finish(waiting):
            yield event

    def _finish(self, waiting: str) -> Iterator[Event]:
        if not self.has_spoken and is_declined(self.raw):
            self.refusal = "model_declined"
            return
        yield from self._shown([*self._parser.feed(waiting), *self._parser.finish()])
        yield from self._pass(self._sentencer.finish())
        yield from self._pass([End()])
        if not self._composer.sentences:
            self.refusal = "unsupported" if self._strict else "model_declined"

    def _shown(self, pieces: Sequence[Piece]) -> Iterator[Event]:
        for piece in pieces:
            yield from self._pass(self._sentencer.feed(piece))

    def _pass(self, pieces: Iterable[Piece]) -> Iterator[Event]:
        for piece in pieces:
            if not self._strict:
                events = self._composer.take(piece)
            elif isinstance(piece, End):
                events = self._composer.take_if_supported([*self._held, piece])
                self._held = []
            else:
                self._held.append(piece)
                continue
            self.has_spoken = self.has_spoken or bool(events)
            yield from events
