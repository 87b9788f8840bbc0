"""How one question ended and where its time went, reported to the observer once.

Answering measures itself and hands over plain values; `api` turns them into log lines, metrics and
spans, in one place for all interfaces.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Literal

from index.types import GenerationInfo

from .types import Answer, Ask, Delta, Done, Event, Failed, PassagesFound

StageName = Literal["follow_up", "retrieve", "answer", "cite", "support"]


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of one question; its start and end are nanoseconds since the epoch.

    `work_ms` is less than that span where stages take turns: write, cite, verify, write, …
    """

    name: StageName
    began_ns: int
    ended_ns: int
    work_ms: float


class Stages:
    """Adds up the time of each stage of one question; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._stages: dict[StageName, Stage] = {}

    @contextmanager
    def during(self, name: StageName) -> Iterator[None]:
        """Times the block as work of this stage."""
        began, tick = time.time_ns(), time.perf_counter_ns()
        try:
            yield
        finally:
            took = time.perf_counter_ns() - tick
            with self._lock:
                before = self._stages.get(name)
                self._stages[name] = Stage(
                    name,
                    before.began_ns if before else began,
                    began + took,
                    (before.work_ms if before else 0.0) + took / 1e6,
                )

    def add(self, stage: Stage) -> None:
        """Adds a stage measured elsewhere."""
        self._stages[stage.name] = stage

    def all(self) -> tuple[Stage, ...]:
        """Returns the stages, in the order in which they began."""
        return tuple(sorted(self._stages.values(), key=lambda stage: stage.began_ns))


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one question ended: with an answer, an error, or neither if the client disconnected.

    `model` is the one that was asked, if any; `first_text_ms` is the time to the first text.
    """

    id: str
    ask: Ask
    index: GenerationInfo
    model: str | None
    stages: tuple[Stage, ...]
    first_text_ms: float | None
    answer: Answer | None
    error: Exception | None


Observer = Callable[[Outcome], None]


class OutcomeRecorder:
    """Records one question and reports its outcome to the observer, exactly once."""

    def __init__(
        self, answer_id: str, ask: Ask, info: GenerationInfo, *, observer: Observer
    ) -> None:
        self.answer_id = answer_id
        self.stages = Stages()
        self.model: str | None = None
        self._ask, self._info, self._observer = ask, info, observer
        self._started = time.perf_counter()
        self._first_text_ms: float | None = None
        self._retrieved_at: tuple[int, float] | None = None
        self._is_reported = False

    def record(self, event: Event) -> None:
        """Records an event before it is passed on."""
        if isinstance(event, PassagesFound):
            self._retrieved_at = time.time_ns(), time.perf_counter()
        elif isinstance(event, Delta) and self._first_text_ms is None:
            self._first_text_ms = (time.perf_counter() - self._started) * 1000
        elif isinstance(event, Done):
            self.report(answer=event.answer)
        elif isinstance(event, Failed):
            self.report(error=event.error)

    def report(self, *, answer: Answer | None = None, error: Exception | None = None) -> None:
        """Reports the outcome, unless that has been done."""
        if self._is_reported:
            return
        self._is_reported = True
        if self._retrieved_at:
            began, tick = self._retrieved_at
            took_ms = (time.perf_counter() - tick) * 1000
            self.stages.add(Stage("answer", began, began + round(took_ms * 1e6), took_ms))
        self._observer(
            Outcome(
                id=self.answer_id,
                ask=self._ask,
                index=self._info,
                model=self.model,
                stages=self.stages.all(),
                first_text_ms=self._first_text_ms,
                answer=answer,
                error=error,
            )
        )


def ignore_outcome(outcome: Outcome) -> None:
    """Ignores it."""
