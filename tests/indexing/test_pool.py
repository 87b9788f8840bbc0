"""Syncs on Dask workers that are refused: another model, wrong results, no worker, no scheduler."""

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from index.embed.factory import EmbedSpec
from index.errors import PoolUnavailable, SettingInvalid, WorkerFailed
from index.sync.process import Event, SyncRequest, run_sync
from index.sync.run import sync
from tests.support.corpus_builder import ARTICLES, sync_in_process, sync_request, write_files
from tests.support.dask_cluster import PoisonedWorker, Scheduler, Worker
from tests.support.extras import needs
from tests.support.pooled_corpus import CountingModel, many_passages
from tests.support.processes import free_port, run_footnote

pytestmark = needs("distributed")


@pytest.fixture
def few(tmp_path: Path, counted: EmbedSpec, scheduler: Scheduler) -> SyncRequest:
    corpus = write_files(tmp_path / "corpus", many_passages(20))
    return sync_request(corpus, tmp_path / "data", counted, pool=scheduler.url)


def test_a_worker_with_another_model_is_refused(
    tmp_path: Path, model: CountingModel, scheduler: Scheduler, few: SyncRequest
) -> None:
    env = {**model.env, "FOOTNOTE_EMBED__MODEL": "other"}
    with Worker(scheduler.url, tmp_path / "worker", env), pytest.raises(WorkerFailed) as raised:
        run_sync(few, lambda event: None)
    message = str(raised.value)
    assert "the worker tcp://127.0.0.1:" in message
    assert "other" in message
    assert "give both the same FOOTNOTE_EMBED__ settings" in message


def test_what_a_worker_cannot_have_computed_is_an_error_and_not_stored(
    tmp_path: Path,
    scheduler: Scheduler,
    few: SyncRequest,
    model: CountingModel,
) -> None:
    with (
        PoisonedWorker(scheduler.url, tmp_path / "worker", model.env, "not a number"),
        pytest.raises(WorkerFailed, match="the length nan, not 1") as raised,
    ):
        run_sync(few, lambda event: None)
    assert "the worker tcp://127.0.0.1:" in str(raised.value)
    with closing(sqlite3.connect(few.cache)) as cache:
        assert cache.execute("SELECT count(*) FROM embeddings").fetchone() == (0,)


def test_a_text_that_a_worker_cannot_have_read_is_an_error(
    tmp_path: Path, scheduler: Scheduler, few: SyncRequest, model: CountingModel
) -> None:
    fault = "returned no valid text of 000/0000.txt: a passage is outside of the text"
    with (
        PoisonedWorker(scheduler.url, tmp_path / "worker", model.env, "passages"),
        pytest.raises(WorkerFailed, match=fault),
    ):
        run_sync(few, lambda event: None)


def test_a_scheduler_that_does_not_run_is_an_error(
    tmp_path: Path, counted: EmbedSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.embed.pool.CONNECT_TIMEOUT_S", 1)
    url = f"tcp://127.0.0.1:{free_port()}"
    corpus = write_files(tmp_path / "corpus", ARTICLES)
    request = sync_request(corpus, tmp_path / "data", counted, pool=url)
    with pytest.raises(PoolUnavailable, match=f"the Dask scheduler {url} does not answer"):
        sync_in_process(request)


def test_a_scheduler_without_workers_is_waited_for_and_then_an_error(
    few: SyncRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.embed.pool.WORKERLESS_S", 1.0)
    events: list[Event] = []
    with pytest.raises(PoolUnavailable, match="has no worker: start one with `footnote worker`"):
        sync(few, events.append)
    assert events == [{"event": "pool", "scheduler": few.pool, "workers": 0}]


def test_without_the_extra_the_setting_names_it(
    few: SyncRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SettingInvalid, match=r"pip install 'footnote\[dask\]'"):
        sync_in_process(few)


def test_a_worker_without_a_scheduler_names_the_option(tmp_path: Path) -> None:
    done = run_footnote("worker", "--data-dir", tmp_path / "data", cwd=tmp_path)
    assert done.returncode == 3
    assert "name the Dask scheduler by --pool" in done.stderr
