"""Figures for Prometheus: finished questions, requests and the state of the service.

Everything is taken at three places: a question's Outcome, a request's end, and once a second the
service itself. With several workers each writes files of its own into one folder, and whoever is
asked adds them up (prometheus_client's multi-process mode).
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Literal

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
    start_http_server,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from index.errors import IndexingError
from index.store.private_copy import PrivateCopy
from index.types import GenerationInfo
from rag.timing import Outcome

from ..errors import IndexBuilding, PortTaken
from ..service.service import Service

MEDIA_TYPE = CONTENT_TYPE_LATEST

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""By this variable prometheus_client learns, when it is imported, where workers share files."""

LOOK_S = 1.0
_HERE = "127.0.0.1"
_QUICK = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """What this process counts; no label holds anything that a client said."""

    def __init__(self) -> None:
        own = self._own = CollectorRegistry()
        self._answers = Counter(
            "footnote_answers",
            "Questions by how they ended; reason: why one was refused",
            ["collection", "outcome", "reason", "answerer", "degraded"],
            registry=own,
        )
        self._stages = Histogram(
            "footnote_stage_seconds",
            "Work on one question, by stage",
            ["stage"],
            buckets=_QUICK,
            registry=own,
        )
        self._first_text = Histogram(
            "footnote_first_text_seconds",
            "From a question to the first words of its answer",
            ["answerer"],
            buckets=_QUICK,
            registry=own,
        )
        self._sentences = Counter(
            "footnote_sentences", "Answers' sentences by verdict", ["status"], registry=own
        )
        self._dropped = Counter(
            "footnote_dropped_markers", "Markers of a model that point at nothing", registry=own
        )
        self._tokens = Counter(
            "footnote_model_tokens", "Tokens the model counted", ["model", "kind"], registry=own
        )
        self._requests = Histogram(
            "footnote_http_request_seconds",
            "Requests, from first to last byte",
            ["method", "route", "status"],
            buckets=_QUICK,
            registry=own,
        )
        self._state = {
            name: Gauge(f"footnote_{name}", said, multiprocess_mode=mode, registry=own)
            for name, said, mode in _STATE
        }
        self._index = {
            name: Gauge(
                f"footnote_{name}", said, ["collection"], multiprocess_mode="livemin", registry=own
            )
            for name, said in _INDEX
        }
        if FOLDER not in os.environ:  # it would tell of one worker only
            ProcessCollector(registry=own)

    def ended(self, outcome: Outcome) -> None:
        """Counts a finished question."""
        answer = outcome.answer
        if answer is None:
            kind, reason, answerer, degraded = "failed" if outcome.error else "left", "", "", ""
        else:
            kind, reason = "answered" if answer.answered else "abstained", answer.reason or ""
            answerer, degraded = answer.answerer, str(answer.degraded).lower()
        self._answers.labels(outcome.index.collection, kind, reason, answerer, degraded).inc()
        for stage in outcome.stages:
            self._stages.labels(stage.name).observe(stage.work_ms / 1000)
        if answer is None:
            return
        if outcome.first_text_ms is not None:
            self._first_text.labels(answerer).observe(outcome.first_text_ms / 1000)
        for said in answer.sentences:
            self._sentences.labels(said.status).inc()
        self._dropped.inc(answer.dropped_markers)
        if answer.usage and answer.model:
            for name in ("prompt", "completion"):
                count = getattr(answer.usage, f"{name}_tokens")
                self._tokens.labels(answer.model, name).inc(count)

    def request(self, method: str, route: str | None, status: int, took_s: float) -> None:
        """Counts a request that is over; `route` is its template, None where none took it."""
        self._requests.labels(method, route or "", str(status)).observe(took_s)

    @asynccontextmanager
    async def following(self, service: Service) -> AsyncIterator[None]:
        """Looks at the service every second while the block runs."""
        task = asyncio.create_task(self._follow(service))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _follow(self, service: Service) -> None:
        while True:
            self.look(service)
            await asyncio.sleep(LOOK_S)

    def look(self, service: Service) -> None:
        """Takes down how the service is now."""
        for name, value in _state(service).items():
            self._state[name].set(value)
        for one in service.collections.values():
            with suppress(IndexBuilding, IndexingError), one.lease() as generation:
                for name, value in _index(generation.info).items():
                    self._index[name].labels(one.name).set(value)

    def page(self) -> bytes:
        """Returns the figures of all workers, as text; reads files where there are several."""
        return generate_latest(self.everyones())

    def everyones(self) -> Collector:
        """Returns what collects the figures of all workers, or of the one there is."""
        folder = os.environ.get(FOLDER)
        return _Shared(Path(folder)) if folder else self._own


_STATE: tuple[tuple[str, str, Literal["livemin", "livesum"]], ...] = (
    ("ready", "Can every worker answer: 1 or 0", "livemin"),
    ("answers_under_way", "Questions being answered", "livesum"),
    ("answers_waiting", "Questions that wait for a place", "livesum"),
    ("answer_places", "Questions that may be answered at once", "livesum"),
)


def _state(service: Service) -> dict[str, float]:
    return {
        "ready": float(service.readiness().status == "ready"),
        "answers_under_way": service.under_way,
        "answers_waiting": service.waiting,
        "answer_places": service.settings.max_concurrent_answers,
    }


_INDEX = (
    ("generation_built_timestamp_seconds", "When the oldest index that serves was built"),
    ("generation_complete", "Does it hold vectors, too: 1 or 0"),
    ("sources", "Articles that are served"),
    ("passages", "Passages that are served"),
)


def _index(info: GenerationInfo) -> dict[str, float]:
    return {
        "generation_built_timestamp_seconds": datetime.fromisoformat(info.built_at).timestamp(),
        "generation_complete": float(info.complete),
        "sources": info.sources,
        "passages": info.chunks,
    }


class _Shared(Collector):
    """The sum of the workers' files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        """Yields the sums; forgets the state of workers that are gone, not what they counted."""
        for path in self._folder.glob("gauge_live*.db"):
            pid = int(path.stem.rpartition("_")[2])
            if not _is_alive(pid):
                mark_process_dead(pid, str(self._folder))  # type: ignore[no-untyped-call]  # its own gap
        yield from MultiProcessCollector(None, str(self._folder)).collect()  # type: ignore[no-untyped-call]  # its own gap


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@contextmanager
def shared_by_workers() -> Iterator[Collector]:
    """Gives the workers that are started in this block a folder to count in; yields their sum."""
    copy = PrivateCopy()
    os.environ[FOLDER] = str(copy.folder)
    try:
        yield _Shared(copy.folder)
    finally:
        del os.environ[FOLDER]
        copy.close()


@contextmanager
def on_own_port(port: int | None, figures: Collector) -> Iterator[None]:
    """Answers every path of a loopback port, if one is given, with the figures, without a key.

    Raises PortTaken.
    """
    if port is None:
        yield
        return
    try:
        server, thread = start_http_server(port, addr=_HERE, registry=figures)
    except OSError as error:
        raise PortTaken(_HERE, port, error.strerror or str(error)) from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
