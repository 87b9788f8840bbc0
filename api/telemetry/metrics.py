"""Prometheus metrics of finished questions, finished requests, and the state of the service.

A question is counted at its Outcome, a request at its end, the state is sampled once a second. With
several workers each writes files of its own into one folder, and a scrape adds them up
(prometheus_client's multiprocess mode).
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

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
from ..origins import OriginPolicy
from ..service.service import Service
from .logs import outcome_name

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from index.shared.follow import Follower

MEDIA_TYPE = CONTENT_TYPE_LATEST
MULTIPROCESS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""prometheus_client reads it when it is imported: the folder that workers share."""

SAMPLE_INTERVAL_S = 1.0
_LOOPBACK = "127.0.0.1"
_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
_STATE_GAUGES: tuple[tuple[str, str, Literal["livemin", "livesum"]], ...] = (
    ("ready", "Whether every worker can answer: 1 or 0", "livemin"),
    ("answers_under_way", "Questions being answered", "livesum"),
    ("answers_waiting", "Questions in the queue", "livesum"),
    ("answer_places", "Maximum concurrent answers", "livesum"),
)
_INDEX_GAUGES = (
    ("generation_built_timestamp_seconds", "When the oldest serving index was built"),
    ("generation_complete", "Whether it has vectors, too: 1 or 0"),
    ("sources", "Articles in the serving index"),
    ("passages", "Passages in the serving index"),
)

_FOLLOWING = (
    ("pulls", "Generations received from the store that machines share"),
    ("pull_seconds", "How long receiving them took"),
    ("pull_failures", "Attempts to look for a generation, or to receive one, that failed"),
)


class Metrics:
    """The metrics of this process; no label contains anything that a client sent."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        counter, gauge = partial(Counter, registry=registry), partial(Gauge, registry=registry)
        histogram = partial(Histogram, registry=registry, buckets=_BUCKETS)
        self._answers = counter(
            "footnote_answers",
            "Questions by outcome; reason: why one was not answered",
            ["collection", "outcome", "reason", "answerer", "degraded"],
        )
        self._stages = histogram(
            "footnote_stage_seconds", "Work on one question, by stage", ["stage"]
        )
        self._first_text = histogram(
            "footnote_first_text_seconds", "Time to the first text of an answer", ["answerer"]
        )
        self._sentences = counter("footnote_sentences", "Answers' sentences by status", ["status"])
        self._dropped = counter(
            "footnote_dropped_markers", "Citation markers of a model that refer to nothing"
        )
        self._tokens = counter(
            "footnote_model_tokens", "Tokens as the model counts them", ["model", "kind"]
        )
        self._requests = histogram(
            "footnote_http_request_seconds",
            "Requests, from first to last byte",
            ["method", "route", "status"],
        )
        self._state = {
            name: gauge(f"footnote_{name}", help_text, multiprocess_mode=mode)
            for name, help_text, mode in _STATE_GAUGES
        }
        self._index = {
            name: gauge(f"footnote_{name}", help_text, ["collection"], multiprocess_mode="livemin")
            for name, help_text in _INDEX_GAUGES
        }
        self._behind = gauge(
            "footnote_behind_seconds",
            "Since the store answered, or since it has a generation that does not serve here",
            ["collection"],
            multiprocess_mode="livemax",
        )
        self._following = {
            name: counter(f"footnote_{name}", help_text, ["collection"])
            for name, help_text in _FOLLOWING
        }
        self._followed: dict[tuple[str, str], float] = {}
        if MULTIPROCESS_VARIABLE not in os.environ:  # it would be about one worker only
            ProcessCollector(registry=registry)

    def record_outcome(self, outcome: Outcome) -> None:
        """Counts a finished question."""
        answer = outcome.answer
        labels = ("", "", "")
        if answer:
            labels = (answer.reason or "", answer.answerer, str(answer.degraded).lower())
        self._answers.labels(outcome.index.collection, outcome_name(outcome), *labels).inc()
        for stage in outcome.stages:
            self._stages.labels(stage.name).observe(stage.work_ms / 1000)
        if answer is None:
            return
        if outcome.first_text_ms is not None:
            self._first_text.labels(answer.answerer).observe(outcome.first_text_ms / 1000)
        for sentence in answer.sentences:
            self._sentences.labels(sentence.status).inc()
        self._dropped.inc(answer.dropped_markers)
        if answer.usage and answer.model:
            for kind in ("prompt", "completion"):
                count = getattr(answer.usage, f"{kind}_tokens")
                self._tokens.labels(answer.model, kind).inc(count)

    def record_request(
        self, method: str, route: str | None, status: int, duration_s: float
    ) -> None:
        """Counts a finished request; `route` is its template, None where none matched."""
        self._requests.labels(method, route or "", str(status)).observe(duration_s)

    @asynccontextmanager
    async def sampling(self, service: Service) -> AsyncIterator[None]:
        """Samples the service's state every second while the block runs."""
        task = asyncio.create_task(self._sample_forever(service))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _sample_forever(self, service: Service) -> None:
        while True:
            self.sample(service)
            await asyncio.sleep(SAMPLE_INTERVAL_S)

    def sample(self, service: Service) -> None:
        """Sets the gauges to the service's current state."""
        for name, value in _state(service).items():
            self._state[name].set(value)
        for collection in service.collections.values():
            if collection.follower:
                self._sample_follower(collection.name, collection.follower)
            with suppress(IndexBuilding, IndexingError), collection.lease() as generation:
                for name, value in _index(generation.info).items():
                    self._index[name].labels(collection.name).set(value)

    def _sample_follower(self, collection: str, follower: "Follower") -> None:
        self._behind.labels(collection).set(follower.behind_s)
        totals = (follower.pulls, follower.pull_s, follower.failures)
        for (name, _), total in zip(_FOLLOWING, totals, strict=True):
            before = self._followed.get((collection, name), 0.0)
            self._following[name].labels(collection).inc(total - before)
            self._followed[collection, name] = total

    def render(self) -> bytes:
        """Returns the metrics of all workers as text; reads files where there are several."""
        return generate_latest(self.collector())

    def collector(self) -> Collector:
        """Returns the collector of all workers' metrics, or of the only process's."""
        folder = os.environ.get(MULTIPROCESS_VARIABLE)
        return _WorkersCollector(Path(folder)) if folder else self._registry


def _state(service: Service) -> dict[str, float]:
    return {
        "ready": float(service.readiness().status == "ready"),
        "answers_under_way": service.active_answers,
        "answers_waiting": service.queued_answers,
        "answer_places": service.settings.max_concurrent_answers,
    }


def _index(info: GenerationInfo) -> dict[str, float]:
    return {
        "generation_built_timestamp_seconds": datetime.fromisoformat(info.built_at).timestamp(),
        "generation_complete": float(info.complete),
        "sources": info.sources,
        "passages": info.chunks,
    }


class _WorkersCollector(Collector):
    """Adds up the workers' files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        """Yields the sums, without the gauges of dead workers but with their counters."""
        for path in self._folder.glob("gauge_live*.db"):
            pid = int(path.stem.rpartition("_")[2])
            if not _is_alive(pid):
                with suppress(FileNotFoundError):  # another scrape removed it
                    mark_process_dead(pid, str(self._folder))  # type: ignore[no-untyped-call]  # theirs
        files = [str(path) for path in self._folder.glob("*.db") if _has_content(path)]
        yield from MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]  # theirs


def _has_content(path: Path) -> bool:
    """Returns whether a metrics file has been filled: a worker that starts creates it empty."""
    with suppress(FileNotFoundError):
        return path.stat().st_size > 0
    return False


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@contextmanager
def multiprocess_metrics() -> Iterator[Collector]:
    """Sets up a folder for the metrics of workers started in the block; yields their collector."""
    copy = PrivateCopy()
    os.environ[MULTIPROCESS_VARIABLE] = str(copy.folder)
    try:
        yield _WorkersCollector(copy.folder)
    finally:
        del os.environ[MULTIPROCESS_VARIABLE]
        copy.close()


@contextmanager
def metrics_server(port: int | None, collector: Collector) -> Iterator[None]:
    """Serves the metrics on a loopback port, if one is given, without a key; raises PortTaken.

    It answers under loopback's names only, else a foreign page whose name resolves to this address
    could read them.
    """
    if port is None:
        yield
        return
    try:
        server, thread = start_http_server(port, addr=_LOOPBACK, registry=collector)
    except OSError as error:
        raise PortTaken(_LOOPBACK, port, error.strerror or str(error)) from error
    if app := server.get_app():  # always set; the type allows none
        server.set_app(_loopback_only(app))
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _loopback_only(app: "WSGIApplication") -> "WSGIApplication":
    """Returns a WSGI app that answers 421 under any Host but loopback's."""
    policy = OriginPolicy.create(
        listen_host=_LOOPBACK, hosts=(), origins=(), public_url=None, public_page=False
    )

    def checked(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if policy.is_allowed_host([environ.get("HTTP_HOST", "")]):
            return app(environ, start_response)
        start_response("421 Misdirected Request", [("Content-Type", "text/plain")])
        return [b"use 127.0.0.1 or localhost\n"]

    return checked
