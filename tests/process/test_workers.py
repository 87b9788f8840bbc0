"""`serve --workers`: processes behind one port, replaced after a crash, stopped together."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from api.state.jobs import JobStore
from api.state.sqlite import SqliteFile
from tests.support.fakes import FakeModel, Reply
from tests.support.processes import (
    RunningService,
    command_line,
    run_footnote,
    wait_until,
    worker_pids,
)

ASK = {"question": "How long did the lake freeze in 1998?"}


def second_worker(pids: set[int]) -> int:
    """Returns the worker that does not sync when it starts."""
    return next(pid for pid in pids if command_line(pid).split("--as-worker\0")[1].startswith("1"))


@pytest.fixture
def pair(lakes: Path) -> Iterator[RunningService]:
    env = {"FOOTNOTE_RATE_LIMIT_PER_MINUTE": "0", "FOOTNOTE_ALLOW_WRITES": "true"}
    with RunningService("articles", "--workers", 2, cwd=lakes, env=env) as service:
        wait_until(lambda: len(worker_pids(service)) == 2)
        yield service


def test_one_syncs_all_answer_and_a_crashed_worker_is_replaced(pair: RunningService) -> None:
    first = worker_pids(pair)

    def answered(_: int) -> bool:
        answer = httpx.post(pair.url + "/v1/answers", json=ASK, timeout=60)
        return bool(answer.json()["answered"])

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(answered, range(40)))
    os.kill(min(first), signal.SIGKILL)
    wait_until(lambda: len(worker_pids(pair)) == 2 and worker_pids(pair) != first)
    wait_until(lambda: httpx.get(pair.url + "/readyz").status_code == 200)
    log = pair.stop()
    assert pair.process.returncode == 0
    assert "starting another" in log
    assert not any(Path(f"/proc/{pid}").exists() for pid in first)


def test_a_job_of_a_crashed_worker_is_finished_by_its_replacement(
    pair: RunningService, lakes: Path
) -> None:
    jobs = JobStore(SqliteFile(lakes / ".data" / "state.sqlite3"))
    left = jobs.create("sync", "default")
    jobs.start("default")  # by the worker that is killed below
    os.kill(second_worker(worker_pids(pair)), signal.SIGKILL)
    wait_until(lambda: jobs.get(left.id).status == "done")


def test_workers_exit_with_the_process_that_started_them(pair: RunningService) -> None:
    before = worker_pids(pair)
    pair.stop(signal.SIGKILL)
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in before))


@pytest.mark.parametrize(("signal_number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_workers_drain_together_and_complete_their_streams(
    signal_number: signal.Signals, code: int, lakes: Path
) -> None:
    with FakeModel(Reply(fault="slow_tokens")) as model:
        env = {
            "FOOTNOTE_LLM__MODEL": "a-model",
            "FOOTNOTE_LLM__BASE_URL": model.base_url,
            "FOOTNOTE_WORKERS": "2",
        }
        with (
            RunningService("--no-sync", cwd=lakes, env=env) as service,
            ThreadPoolExecutor(4) as pool,
        ):

            def stream(_: int) -> str:
                body = ASK | {"stream": True}
                return httpx.post(service.url + "/v1/answers", json=body, timeout=60).text

            streams = pool.map(stream, range(4))
            wait_until(lambda: len(model.requests) == 4)
            service.process.send_signal(signal_number)
            if signal_number == signal.SIGTERM:
                wait_until(lambda: "draining" in readiness(service))
                service.process.send_signal(signal_number)
            ends = [text.count("event: error") for text in streams]
            service.process.wait(30)
    assert ends == [1] * 4
    assert service.process.returncode == code


def readiness(service: RunningService) -> str:
    try:
        return httpx.get(service.url + "/readyz").text
    except httpx.TransportError:
        return "draining, and closed"


def test_a_wrong_setting_is_reported_once_and_stops_all_workers(lakes: Path) -> None:
    done = run_footnote("serve", "nowhere", "--workers", 2, "--port", 0, cwd=lakes)
    assert done.returncode == 3
    assert "nowhere" in done.stderr
