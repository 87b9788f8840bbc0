"""Syncs on Dask whose workers are killed, and whose scheduler dies or is cut off."""

import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from index.embed.factory import EmbedSpec
from index.errors import PoolUnavailable
from index.sync.process import Event, SyncRequest, run_sync
from index.sync.run import sync
from tests.support.corpus_builder import sync_in_process, sync_request, write_files
from tests.support.dask_cluster import CuttableProxy, Scheduler, Worker
from tests.support.extras import needs
from tests.support.pooled_corpus import PASSAGES, CountingModel, cosines, many_passages

pytestmark = needs("distributed")

SOAK = bool(os.environ.get("SOAK"))
KILLS = 20 if SOAK else 3


def test_workers_that_are_killed_cost_no_passage(
    tmp_path: Path, minilm_spec: EmbedSpec, scheduler: Scheduler
) -> None:
    corpus = write_files(tmp_path / "corpus", many_passages(2000 if SOAK else 260))
    here = sync_request(corpus, tmp_path / "here", minilm_spec)
    there = sync_request(corpus, tmp_path / "there", minilm_spec, pool=scheduler.url)
    run_sync(here, lambda event: None)
    with (
        Worker.with_models(scheduler.url, tmp_path / "a", minilm_spec) as a,
        Worker.with_models(scheduler.url, tmp_path / "b", minilm_spec) as b,
    ):
        killed = 0

        def kill(event: Event) -> None:
            nonlocal killed
            if event["event"] == "embed" and killed < KILLS:
                killed += (a, b)[killed % 2].kill()

        run_sync(there, kill)
    assert killed == KILLS
    assert min(cosines(there, here)) >= 0.9999


def test_a_dead_scheduler_is_an_error_and_what_is_embedded_is_kept(
    tmp_path: Path,
    model: CountingModel,
    scheduler: Scheduler,
    pooled: SyncRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model.pause_s = 0.002
    monkeypatch.setattr("index.embed.pool.RECONNECT_S", 1.0)
    events: list[Event] = []

    def end_scheduler(event: Event) -> None:
        events.append(event)
        if event["event"] == "embed" and scheduler.process.poll() is None:
            scheduler.end(9)

    with Worker(scheduler.url, tmp_path / "worker", model.env) as worker:
        with pytest.raises(PoolUnavailable, match="does not answer: start it, or unset FOOTNOTE_P"):
            sync(pooled, end_scheduler)
        assert "does not answer" in str([e for e in events if e["event"] == "pool"][-1])
        scheduler.start()
        worker.wait_for_connection(2)
        report, _ = sync_in_process(pooled)
    assert report.chunks == PASSAGES
    assert model.repeated() == []
    assert model.embedded() == PASSAGES


def test_a_sync_that_is_cut_off_from_its_scheduler_embeds_nothing_twice(
    tmp_path: Path, model: CountingModel, scheduler: Scheduler, pooled: SyncRequest
) -> None:
    model.pause_s = 0.002
    with CuttableProxy(scheduler.port) as proxy:
        request = replace(pooled, pool=proxy.url)
        with Worker(scheduler.url, tmp_path / "worker", model.env):
            report = run_sync(request, cut_once(proxy))
    assert report.chunks == PASSAGES
    assert model.repeated() == []


def test_a_cluster_that_is_cut_off_and_has_a_bucket_embeds_nothing_twice(
    tmp_path: Path, model: CountingModel, scheduler: Scheduler, pooled: SyncRequest
) -> None:
    """After the cut each task may come to the other worker: it finds the vectors in the bucket."""
    model.pause_s = 0.002
    (tmp_path / "bucket").mkdir()
    bucket = f"file://{tmp_path}/bucket"
    env = {**model.env, "FOOTNOTE_SHARED": bucket}
    with CuttableProxy(scheduler.port) as proxy:
        request = replace(pooled, pool=proxy.url, shared=bucket)
        with (
            Worker(proxy.url, tmp_path / "a", env),
            Worker(proxy.url, tmp_path / "b", env),
        ):
            report = run_sync(request, cut_once(proxy))
    assert report.chunks == PASSAGES
    assert model.repeated() == []


def cut_once(proxy: CuttableProxy) -> Callable[[Event], None]:
    """Returns a hook that cuts the proxy at the first embedded batch, for a while."""
    mending = threading.Timer(60 if SOAK else 3, proxy.mend)

    def cut(event: Event) -> None:
        if event["event"] == "embed" and not mending.is_alive() and not mending.finished.is_set():
            proxy.cut()
            mending.start()

    return cut
