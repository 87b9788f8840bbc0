"""Asks a target every case that a run still lacks, and keeps each sample as it comes."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from .cases import Case
from .errors import CaseFailed
from .metrics.score import score
from .results import Gold, Response, Sample, locate
from .run_store import Run
from .targets.pipeline import Target


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: cases done of all, those right so far, seconds gone and left."""

    done: int
    total: int
    right: int
    elapsed_s: float
    left_s: float | None

    @property
    def share(self) -> float:
        """The share of the cases done that is right, 0 to 1."""
        return self.right / self.done if self.done else 0.0


async def run(
    run: Run,
    cases: Sequence[Case],
    target: Target,
    *,
    concurrency: int,
    on_progress: Callable[[Progress], None],
) -> None:
    """Fills the run's folder with the samples it lacks; a kill loses the cases under way alone.

    Raises TargetUnavailable where the target can no longer be reached.
    """
    known = run.samples()
    asked = {sample.case.id for sample in known}
    waiting = deque(case for case in cases if case.id not in asked)
    watch = _Watch(len(cases), len(known), sum(_is_right(s) for s in known), on_progress)

    async def worker() -> None:
        while waiting:
            sample = await ask(target, waiting.popleft())
            run.add(sample)
            watch.count(_is_right(sample))

    watch.tell()
    workers = [asyncio.create_task(worker()) for _ in range(max(1, concurrency))]
    try:
        await asyncio.gather(*workers)
    finally:
        for task in workers:
            task.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


async def ask(target: Target, case: Case) -> Sample:
    """Returns the target's sample of one case; raises TargetUnavailable."""
    started = time.perf_counter()
    response, error = None, None
    try:
        response = await target.ask(case)
    except CaseFailed as failed:
        error = str(failed)[:500] or type(failed).__name__
    wall_ms = round((time.perf_counter() - started) * 1000, 1)
    gold = tuple(
        [Gold(e.source, locate(e.quote, await target.text(e.source))) for e in case.evidence]
    )
    if response is not None:
        response = await _checked(response, target)
    return Sample(case=case, response=response, error=error, gold=gold, wall_ms=wall_ms)


async def _checked(response: Response, target: Target) -> Response:
    """Returns the response with each citation held against the source's own text."""
    if response.citations is None:
        return response
    checked = []
    for cited in response.citations:
        text = await target.text(cited.source)
        valid = None if text is None else text[cited.start : cited.end] == cited.quote
        checked.append(replace(cited, valid=valid))
    return replace(response, citations=tuple(checked))


def _is_right(sample: Sample) -> bool:
    return score(sample, ks=()).failure is None


class _Watch:
    """Counts what is done and says it."""

    def __init__(
        self, total: int, done: int, right: int, on_progress: Callable[[Progress], None]
    ) -> None:
        self._total, self._before, self._done, self._right = total, done, done, right
        self._on_progress, self._started = on_progress, time.perf_counter()

    def count(self, is_right: bool) -> None:
        self._done += 1
        self._right += is_right
        self.tell()

    def tell(self) -> None:
        elapsed = time.perf_counter() - self._started
        here = self._done - self._before
        left = elapsed / here * (self._total - self._done) if here else None
        self._on_progress(Progress(self._done, self._total, self._right, elapsed, left))
