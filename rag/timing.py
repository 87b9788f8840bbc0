"""How one question ended and what its time went into, told once to whoever watches.

Answering measures itself and hands over plain values. What becomes of them (a log line, figures,
spans) is decided in `api`, in one place for every way in.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from index.types import GenerationInfo

from .types import Answer, Ask, Delta, Done, Event, Failed, PassagesFound

StageName = Literal["follow_up", "retrieve", "answer", "cite", "support"]


@dataclass(frozen=True, slots=True)
class Stage:
    """One kind of work for one question, from its first moment to its last, since the epoch.

    `work_ms` is what it took of that time: sentences are written, cited and judged in turns.
    """

    name: StageName
    began_ns: int
    ended_ns: int
    work_ms: float


class Stages:
    """Adds up the time of each stage of one question; one thread at a time."""

    def __init__(self) -> None:
        self._kept: dict[StageName, Stage] = {}

    @contextmanager
    def during(self, name: StageName) -> Iterator[None]:
        """Counts the block as work of this stage."""
        began, tick = time.time_ns(), time.perf_counter_ns()
        try:
            yield
        finally:
            took = time.perf_counter_ns() - tick
            before = self._kept.get(name)
            self._kept[name] = Stage(
                name,
                before.began_ns if before else began,
                began + took,
                (before.work_ms if before else 0.0) + took / 1e6,
            )

    def add(self, stage: Stage) -> None:
        """Adds a stage that was measured otherwise."""
        self._kept[stage.name] = stage

    def all(self) -> tuple[Stage, ...]:
        """Returns the stages, in the order in which they began."""
        return tuple(sorted(self._kept.values(), key=lambda stage: stage.began_ns))


@dataclass(frozen=True, slots=True)
class Outcome:
    """One question, ended: with an answer, with an error, or with neither when the asker left.

    `model` is the one that was asked to word it, if one was; `first_text_ms` the wait for
    the first words.
    """

    id: str
    ask: Ask
    index: GenerationInfo
    model: str | None
    stages: tuple[Stage, ...]
    first_text_ms: float | None
    answer: Answer | None
    error: Exception | None


Watch = Callable[[Outcome], None]


class Watched:
    """One question under way, as its watcher will hear of it: once, when its last event is due."""

    def __init__(self, answer_id: str, ask: Ask, info: GenerationInfo, *, watch: Watch) -> None:
        self.stages = Stages()
        self.model: str | None = None
        self._id, self._ask, self._info, self._watch = answer_id, ask, info, watch
        self._started = time.perf_counter()
        self._first_text_ms: float | None = None
        self._found: tuple[int, float] | None = None
        self._told = False

    def see(self, event: Event) -> None:
        """Takes note of an event before it is passed on."""
        if isinstance(event, PassagesFound):
            self._found = time.time_ns(), time.perf_counter()
        elif isinstance(event, Delta) and self._first_text_ms is None:
            self._first_text_ms = (time.perf_counter() - self._started) * 1000
        elif isinstance(event, Done):
            self.tell(answer=event.answer)
        elif isinstance(event, Failed):
            self.tell(error=event.error)

    def tell(self, *, answer: Answer | None = None, error: Exception | None = None) -> None:
        """Tells the watcher, unless it knows already."""
        if self._told:
            return
        self._told = True
        if self._found:
            began, tick = self._found
            took_ms = (time.perf_counter() - tick) * 1000
            self.stages.add(Stage("answer", began, began + round(took_ms * 1e6), took_ms))
        self._watch(
            Outcome(
                id=self._id,
                ask=self._ask,
                index=self._info,
                model=self.model,
                stages=self.stages.all(),
                first_text_ms=self._first_text_ms,
                answer=answer,
                error=error,
            )
        )


def unwatched(outcome: Outcome) -> None:
    """Watches nothing."""
